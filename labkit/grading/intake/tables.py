"""Read the tables of teachers and their systems: CSV with any separator, in many encodings."""

import csv
import io
import re
from pathlib import Path
from typing import NamedTuple

from labkit.core.errors import UsageError
from labkit.core.language import listed, text

from .archives import decoded


class Line(NamedTuple):
    """A row of a table: the number of its last line in the file, and its cells without surrounding white space."""

    number: int
    cells: list[str]


def read_table(path: Path) -> list[Line]:
    """Read all rows of a table, the headings too; empty ones are left out.

    Raises:
        UsageError: It is a spreadsheet's own file.
    """
    data = path.read_bytes()
    # An .xlsx file is a zip archive, an .xls file a compound file.
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UsageError(
            text("{path} is no table of text.", path),
            todo="Save it in the spreadsheet as CSV (UTF-8).",
        )
    # Excel's "Unicode text" is UTF-16, which has a zero byte in each ASCII character.
    content = data.decode("utf-16", "replace") if b"\0" in data else decoded(data, "cp1252")
    # Excel's own first line, which names the separator. Its newlines stay, so that line numbers are right.
    separator = re.match(r"\s*sep=.\s*?\n", content, re.IGNORECASE)
    if separator:
        content = "\n" * separator[0].count("\n") + content[separator.end() :]
    first = re.search(r".*[,;\t].*", content)
    reader = csv.reader(
        io.StringIO(content), delimiter=max(",;\t", key=first[0].count) if first else ","
    )
    lines = (Line(reader.line_num, [cell.strip() for cell in row]) for row in reader)
    return [line for line in lines if any(line.cells)]


def read_records(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Read a table with these headings, in any order and among others.

    Returns:
        Each row as the number of its line, and its cells by heading.

    Raises:
        UsageError: It is a spreadsheet's own file, or a heading is missing.
    """
    lines = read_table(path)
    headings = [cell.lower() for cell in lines[0].cells] if lines else []
    missing = [name for name in columns if name not in headings]
    if missing:
        raise UsageError(
            text("{path} has no column {missing}.", path, listed(missing, " and no column ")),
            todo=text("Its first row must have the headings {columns}.", ", ".join(columns)),
        )
    empty = dict.fromkeys(headings, "")
    return [
        (line.number, {**empty, **dict(zip(headings, line.cells, strict=False))})
        for line in lines[1:]
    ]
