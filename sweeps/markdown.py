"""Markdown, as the documents that we write have it."""


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table; a bar or a line's end in a cell is no column's end and no row's."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def quoted(text: str) -> str:
    """What somebody else wrote, as text on one line: it makes no HTML, no link and no column."""
    return "".join(f"&#{ord(sign)};" if sign in "<&`[\\|" else sign for sign in " ".join(text.split()))
