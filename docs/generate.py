"""Bring the generated parts of the documentation up to date: `python -m docs.generate`.

With an argument it first takes over what was measured:

    python -m docs.generate certificates            the certificates that this machine holds
    python -m docs.generate registry                every adapter's defaults, as its framework reports them
    python -m docs.generate presets REPORT.json     the accuracies of a finished sweep of presets; likewise `reviews`
"""

import sys

from docs.generator import drawing, measured
from docs.generator.pages import ARCHITECTURE, DOCUMENTS, rendered


def main(arguments: list[str]) -> None:
    if arguments:
        measured.take_over(*arguments)
    for document in DOCUMENTS:
        document.write_text(rendered(document))
    ARCHITECTURE.write_text(drawing.architecture())


if __name__ == "__main__":
    main(sys.argv[1:])
