"""Markdown: tables and quoted text."""


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table. A bar or a line break in a cell is escaped, so that it ends neither the column nor the row."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def quoted(text: str) -> str:
    """Text from another source on one line, escaped so that it makes no HTML, no link and no column."""
    return "".join(f"&#{ord(sign)};" if sign in "<&`[\\|" else sign for sign in " ".join(text.split()))
