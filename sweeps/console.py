"""The terminal: text is shown as it stands, whoever wrote it."""

import os
from typing import Any

from rich.console import Console
from rich.text import Text

LOG_WIDTH = 110  # columns of a log file, which has no width of its own


class Terminal(Console):
    """A console without markup and control characters; color is a separate style.

    Names, errors and reasons come from files, workers and servers: markup in them would be obeyed, or end the program,
    and a control character would move the cursor.
    """

    def __init__(self, **options: Any):
        super().__init__(markup=False, emoji=False, **options)
        if not self.is_terminal and "COLUMNS" not in os.environ:
            self.width = LOG_WIDTH

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(shown(text), **options)

    def say(self, text: str, style: str = "") -> None:
        """Print one line without breaking it."""
        self.print(text, style=style, highlight=False, soft_wrap=True)


def shown(text: str) -> str:
    """The text with a blank for each unprintable character, such as a terminal's codes. Lines stay lines."""
    return "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in text)
