"""One at a time: the baseline configuration, and one change to it in each other row."""

from sweeps.planning.designs.base import Cells, Configuration, Design


class OneAtATime(Design):
    """Each effect is a single contrast, compared run by run within each seed."""

    name = "one-at-a-time"
    summary = "The default configuration, and every choice changed alone."
    estimator = "paired"

    def configurations(self, cells: Cells) -> list[Configuration]:
        base = cells.baseline
        changes = [
            (name, choice) for name, choices in cells.choices.items() for choice in choices if choice != base[name]
        ]
        return [base, *({**base, name: choice} for name, choice in changes)]
