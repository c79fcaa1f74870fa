"""Markdown, as the documents that we write have it."""


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table; a bar in a cell is no column's end."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
