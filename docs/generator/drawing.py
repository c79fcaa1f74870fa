"""The architecture's image, drawn from lists of boxes and arrows as an SVG for light and dark pages."""

from typing import NamedTuple

STYLE = """
  svg { --page: #ffffff; --box: #eef3fb; --line: #3b5b92; --text: #1a1a1a; --faint: #5c6470; --wall: #b35900; }
  @media (prefers-color-scheme: dark) {
    svg { --page: #1c2027; --box: #273246; --line: #8fb2ee; --text: #eceff4; --faint: #aab2bf; --wall: #f0a35e; }
  }
  .page { fill: var(--page); } .box { fill: var(--box); stroke: var(--line); stroke-width: 1.5; }
  .title { font: 600 17px system-ui, sans-serif; fill: var(--text); text-anchor: middle; }
  .note { font: 14px system-ui, sans-serif; fill: var(--faint); text-anchor: middle; }
  .arrow { stroke: var(--line); stroke-width: 1.8; fill: none; marker-end: url(#head); } .head { fill: var(--line); }
  .wall { stroke: var(--wall); stroke-width: 1.8; stroke-dasharray: 6 5; fill: none; }
  .walled { font: 14px system-ui, sans-serif; fill: var(--wall); text-anchor: middle; }
"""
WIDTH, HEIGHT = 170, 70  # of a box
COLUMN, ROW = 228, 124  # from one box to the next
MARGIN = 20


class Box(NamedTuple):
    """A thing on the way, in a column and a row."""

    title: str
    note: str
    column: int
    row: int

    @property
    def left(self) -> int:
        return MARGIN + COLUMN * self.column

    @property
    def top(self) -> int:
        return MARGIN + ROW * self.row


class Arrow(NamedTuple):
    """From one box to a neighbor, with what goes along."""

    start: str
    end: str
    note: str = ""


BOXES = (
    Box("Sweep file", "YAML, validated", 0, 0),
    Box("Planner", "trials, random order", 1, 0),
    Box("Driver", "one per sweep", 1, 1),
    Box("Ray", "a node with room", 2, 1),
    Box("Preparation", "environment, data", 2, 2),
    Box("Worker", "framework's Python", 2, 3),
    Box("Record", "what happened", 0, 1),
    Box("Ledger", "which trials are done", 0, 2),
    Box("MLflow", "every run", 0, 3),
    Box("Report", "effects, intervals", 1, 3),
)
ARROWS = (
    Arrow("Sweep file", "Planner"),
    Arrow("Planner", "Driver", "plan"),
    Arrow("Driver", "Ray", "trial"),
    Arrow("Ray", "Preparation"),
    Arrow("Preparation", "Worker"),
    Arrow("Driver", "Record", "event"),
    Arrow("Record", "Ledger", "outcome"),
    Arrow("Ledger", "MLflow", "run"),
    Arrow("MLflow", "Report"),
)
WALL = ("process boundary:", "JSON lines, a request in,", "events back to the driver")


def architecture() -> str:
    """The image of a sweep's way."""
    width = 2 * MARGIN + COLUMN * max(box.column for box in BOXES) + WIDTH
    height = 2 * MARGIN + ROW * max(box.row for box in BOXES) + HEIGHT
    places = {box.title: box for box in BOXES}
    arrows = [_arrow(places[arrow.start], places[arrow.end], arrow.note) for arrow in ARROWS]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            f"<title>The way of a sweep from its file to its report</title><style>{STYLE}</style>",
            '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
            'orient="auto"><path class="head" d="M0 0L10 5L0 10z"/></marker></defs>',
            f'<rect class="page" width="{width}" height="{height}" rx="8"/>',
            *arrows,
            *map(_box, BOXES),
            _wall(places["Worker"]),
            "</svg>\n",
        ]
    )


def _box(box: Box) -> str:
    center = box.left + WIDTH // 2
    return (
        f'<rect class="box" x="{box.left}" y="{box.top}" width="{WIDTH}" height="{HEIGHT}" rx="8"/>'
        f'<text class="title" x="{center}" y="{box.top + 30}">{box.title}</text>'
        f'<text class="note" x="{center}" y="{box.top + 53}">{box.note}</text>'
    )


def _arrow(start: Box, end: Box, note: str) -> str:
    across, down = end.column - start.column, end.row - start.row
    middle = (start.left + WIDTH // 2, start.top + HEIGHT // 2)
    x, y = middle[0] + across * WIDTH // 2, middle[1] + down * HEIGHT // 2
    long = (COLUMN - WIDTH) if across else (ROW - HEIGHT)
    text = (x + across * long // 2, y - 8) if across else (x + 36, y + long // 2 + 5)
    return (
        f'<path class="arrow" d="M{x} {y}l{across * (long - 2)} {down * (long - 2)}"/>'
        f'<text class="note" x="{text[0]}" y="{text[1]}">{note}</text>'
    )


def _wall(worker: Box) -> str:
    """The line around the worker's corner, and beside it what crosses it."""
    left, top, middle = worker.left - 14, worker.top - 14, worker.left - COLUMN + WIDTH // 2
    lines = [f'<text class="walled" x="{middle}" y="{top - 70 + 20 * n}">{text}</text>' for n, text in enumerate(WALL)]
    wall = f'<path class="wall" d="M{left} {top + HEIGHT + 28}V{top}H{worker.left + WIDTH + 14}"/>'
    return wall + "".join(lines)
