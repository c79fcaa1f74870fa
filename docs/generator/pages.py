"""Which pages have generated parts, and what is in them.

A part stands between two comments, `<!-- generated: NAME -->` and `<!-- end of NAME -->`; everything else on a page is
written by hand.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from docs.generator import catalog, interface, measured
from experiments.locations import PROJECT

BEGIN, END = "<!-- generated: {} -->", "<!-- end of {} -->"
DOCUMENTS = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]

ARCHITECTURE = PROJECT / "docs" / "images" / "architecture.svg"

PARTS: dict[str, Callable[[], str]] = {
    "adapters": catalog.adapters,
    "workloads": catalog.workloads,
    "natives": catalog.natives,
    "settings": catalog.settings,
    "defaults": catalog.defaults,
    "versions": measured.versions,
    "certificates": measured.certificates,
    **{name: partial(measured.accuracies, name) for name in measured.SWEEPS},
    "commands": interface.commands,
    "sweep file": interface.sweep_file,
    "variables": interface.variables,
}


def rendered(path: Path) -> str:
    """A document's text with its generated parts up to date."""
    text = path.read_text()
    for name, make in PARTS.items():
        begin, end = BEGIN.format(name), END.format(name)
        if begin in text:
            before, after = text.split(begin)[0], text.split(end)[1]
            text = f"{before}{begin}\n\n{make()}\n\n{end}{after}"
    return text
