"""``find``'s tests that look at nothing but the file."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from labkit.embedded.container.files.inodes import Device, Directory, File, Link, Node
from labkit.embedded.container.programs.listing import node_size
from labkit.embedded.container.shell.patterns import glob_pattern


class FindError(Exception):
    """The expression makes no sense."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(slots=True)
class Here:
    """What is looked at."""

    path: str
    node: Node
    depth: int


FileTest = Callable[[Here], bool]


def always(here: Here) -> bool:
    """True for every file."""
    return True


def never(here: Here) -> bool:
    """False for every file."""
    return False


def empty(here: Here) -> bool:
    """``-empty``."""
    if isinstance(here.node, Directory):
        return not here.node.look()
    return isinstance(here.node, File) and not here.node.content()


def named(pattern: str, *, fold: bool) -> FileTest:
    """``-name`` and ``-iname``."""
    glob = glob_pattern(pattern, fold=fold)

    def named(here: Here) -> bool:
        return glob.matches(here.path.rstrip("/").rpartition("/")[2] or here.path)

    return named


def at_path(pattern: str, *, fold: bool) -> FileTest:
    """``-path`` and ``-ipath``."""
    glob = glob_pattern(pattern, fold=fold)

    def at_path(here: Here) -> bool:
        return glob.matches(here.path)

    return at_path


def of_type(text: str) -> FileTest:
    """``-type``."""
    kinds = text.split(",")
    table: dict[str, type[Node]] = {"f": File, "d": Directory, "l": Link, "c": Device}
    if not all(kind in (*table, "b", "p", "s") for kind in kinds):
        raise FindError(f"Unknown argument to -type: {kinds[0]}")

    def of_type(here: Here) -> bool:
        return any(kind in table and isinstance(here.node, table[kind]) for kind in kinds)

    return of_type


def with_mode(text: str) -> FileTest:
    """``-perm``."""
    bits = int(text.lstrip("-/"), 8) if re.fullmatch(r"[-/]?[0-7]{1,4}", text) else 0

    def with_mode(here: Here) -> bool:
        if text[0] == "-":
            return here.node.mode & bits == bits
        if text[0] == "/":
            return bool(here.node.mode & bits)
        return here.node.mode & 0o7777 == bits

    return with_mode


def of_size(text: str) -> FileTest:
    """``-size``."""
    match = re.fullmatch(r"([-+]?)(\d{1,12})([cwbkMG]?)", text)
    if match is None:
        raise FindError(f"Invalid argument `{text}' to -size")
    unit = {"c": 1, "w": 2, "k": 1024, "M": 1 << 20, "G": 1 << 30}.get(match[3], 512)
    limit = int(match[2])

    def of_size(here: Here) -> bool:
        units = -(-node_size(here.node) // unit)
        return units < limit if match[1] == "-" else units > limit if match[1] == "+" else units == limit

    return of_size
