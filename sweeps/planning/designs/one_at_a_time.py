"""One at a time: the baseline configuration, and rows that change one setting of it."""

from sweeps.planning.designs.base import Cells, Configuration, Design


class OneAtATime(Design):
    """Each choice is compared with the baseline within each seed."""

    name = "one-at-a-time"
    summary = "The default configuration, and every choice changed alone."
    estimator = "paired"

    def configurations(self, cells: Cells) -> list[Configuration]:
        base = cells.baseline
        changes = [
            (name, choice) for name, choices in cells.choices.items() for choice in choices if choice != base[name]
        ]
        return [base, *({**base, name: choice} for name, choice in changes)]
