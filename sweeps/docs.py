"""The README's tables are generated: `python -m sweeps.docs` writes them anew, a test fails when they are stale."""

import re

from adapters import ADAPTERS, load_spec
from adapters.settings import SETTINGS
from adapters.spec import Position, Supported
from experiments.places import PROJECT

README = PROJECT / "README.md"
BEGIN, END = "<!-- generated: {} -->", "<!-- end of {} -->"


def support_table() -> str:
    """Adapter x setting: the native value in bold, what else there is, and a dash where there is nothing of the kind."""
    specs = [load_spec(name) for name in ADAPTERS]
    head = ["setting", *(spec.name for spec in specs)]
    rows = [[name, *(_cell(spec.position(name)) for spec in specs)] for name in SETTINGS]
    python = ["Python", *(spec.python for spec in specs)]
    lines = [head, ["---"] * len(head), python, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(position: Position) -> str:
    if not isinstance(position, Supported):
        return "-"
    others = [choice for choice in position.choices if choice != position.native]
    return ", ".join([f"**{position.native}**", *others])


def rendered(text: str) -> str:
    """The README with its generated parts brought up to date."""
    for name, table in (("settings", support_table()),):
        begin, end = BEGIN.format(name), END.format(name)
        text = re.sub(f"{re.escape(begin)}.*{re.escape(end)}", f"{begin}\n{table}\n{end}", text, flags=re.S)
    return text


if __name__ == "__main__":
    README.write_text(rendered(README.read_text()))
