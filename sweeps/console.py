"""The terminal: where people are spoken to."""

from typing import Any

from rich.console import Console
from rich.text import Text


class Terminal(Console):
    """A console that shows text as it stands. Names, errors and reasons come from files, workers and servers: markup in them would be
    obeyed, or end the program, and a control character would move the cursor. Colour is asked for with a style."""

    def __init__(self, **options: Any):
        super().__init__(markup=False, emoji=False, **options)
        if not self.is_terminal:
            self.width = 110  # a log file has no width of its own

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(shown(text), **options)

    def say(self, text: str, style: str = "") -> None:
        """One line, as long as it is."""
        self.print(text, style=style, highlight=False, soft_wrap=True)


def shown(text: str) -> str:
    """The text with a blank for each sign that can't be seen, such as a terminal's codes; lines stay lines."""
    return "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in text)
