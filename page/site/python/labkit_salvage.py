"""What can be read of a damaged snapshot (``labkit.backends.page.snapshot``), to be created again.

SQLite finds a page of its database by those above it, and one lost block may have held all of these. So each page is
read by itself (https://www.sqlite.org/fileformat2.html): a row is a cell of a page, and what has no room there follows
in overflow pages.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

Object = dict[str, Any]

START = 30 + len("state.db")
"""Where the database begins: it is the archive's first file, and not compressed."""

PAGE, MOST, LEAST = 4096, 1002, 489
"""The size of a page; how long a row may be to be in one as a whole, and how much of a longer one is there at least."""

CELLS = {2: (12, 4), 10: (8, 0)}
"""The length of a page's head, and of what is before the row in each cell, by the type of the page."""

COLUMNS = 3
"""Those of an object's row; its value is the last one. The other tables have more of them, or fewer."""

MAX_ROW = 1 << 22
"""Longer ones are damaged: no object is as long."""


def offer(data: bytes | None, tell: Callable[[str, str], object]) -> str:
    """Tell the page which of the learner's objects are whole in a damaged snapshot, without a token or a private key.

    Args:
        data: The snapshot, which was set aside.
        tell: What to call with what it is, ``rest``, and the JSON of the objects. It is not called if there are none.

    Returns:
        A sentence for the learner, which may be empty.
    """
    from labkit.core.redact import redact_all
    from labkit.lab.work import own

    made = own(objects(data or b""))
    if not made:
        return ""
    tell("rest", json.dumps(redact_all(made)))
    return f"The page offers to open those of your objects that could be read ({len(made)})."


def objects(data: bytes) -> list[Object]:
    """All objects that are whole in a snapshot, those of Kubernetes too, as they were stored."""
    database, found = data[START:], []
    free = _free(database)
    for number in range(len(database) // PAGE):
        for value in () if number in free else _values(database, number):
            with suppress(ValueError, KeyError, TypeError, AttributeError):
                each = json.loads(value)
                metadata = each["metadata"]
                key = each["apiVersion"], each["kind"], metadata.get("namespace"), metadata["name"]
                found.append((int(metadata["resourceVersion"]), key, each))
    found.sort(
        key=lambda version: version[0]
    )  # a page that is no longer used may have an older one
    return [*{key: each for _, key, each in found}.values()]


def _free(database: bytes) -> set[int]:
    """The numbers of the pages that are not used: what they have was deleted."""
    free: set[int] = set()
    trunk = _int(database, 32) - 1
    while trunk > 0 and trunk not in free:
        start = trunk * PAGE
        count = min(_int(database, start + 4), PAGE // 4 - 2)
        free |= {trunk, *(_int(database, start + 8 + 4 * index) - 1 for index in range(count))}
        trunk = _int(database, start) - 1
    return free


def _values(database: bytes, number: int) -> Iterator[bytes]:
    """The values of the objects whose rows are in a page."""
    page = database[number * PAGE : (number + 1) * PAGE]
    head, before = CELLS.get(page[0], (PAGE, 0))
    for at in range(head, min(head + 2 * _int(page, 3, 2), PAGE), 2):
        with suppress(ValueError, IndexError):
            row = _row(database, page, _int(page, at, 2) + before)
            end, at_kind = _varint(row, 0)
            lengths = []
            while at_kind < end:
                kind, at_kind = _varint(row, at_kind)
                lengths.append((kind - 12) // 2)
            if len(lengths) == COLUMNS and end + sum(lengths) == len(row):
                yield row[-lengths[-1] :]


def _row(database: bytes, page: bytes, at: int) -> bytes:
    """The row at a place of a page.

    Raises:
        ValueError: There is none.
    """
    size, at = _varint(page, at)
    if size > MAX_ROW:
        raise ValueError
    here = LEAST + (size - LEAST) % (PAGE - 4)
    here = size if size <= MOST else here if here <= MOST else LEAST
    row, following = page[at : at + here], _int(page, at + here) if here < size else 0
    while following and len(row) < size:
        start = (following - 1) * PAGE
        row += database[start + 4 : start + PAGE]
        following = _int(database, start)
    return row[:size]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits in each byte, and where it ends."""
    value = data[at] & 127
    while data[at] > 127:
        at += 1
        value = value << 7 | data[at] & 127
    return value, at + 1


def _int(data: bytes, at: int, size: int = 4) -> int:
    return int.from_bytes(data[at : at + size], "big")
