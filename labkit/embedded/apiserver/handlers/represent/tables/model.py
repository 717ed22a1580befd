"""The pieces of a table's description."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from labkit.embedded.machinery.request import Object

Cells = list[Any]
Rows = Callable[[Object, float], Cells]
"""(object, seconds since the epoch) to the cells of its row."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        name: Its heading.
        description: What it tells.
        type: An OpenAPI type.
        format: An OpenAPI format; ``name`` marks the object's name.
        priority: 0 for always, 1 for ``-o wide``.
    """

    name: str
    description: str
    type: str = "string"
    format: str = ""
    priority: int = 0

    def to_object(self) -> Object:
        """The column as the API says it."""
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }


def wide(name: str, description: str) -> Column:
    """A column for ``-o wide``."""
    return Column(name, description, priority=1)


def number(name: str, description: str) -> Column:
    """A column of whole numbers."""
    return Column(name, description, "integer")


NAME = Column("Name", "Name of the object, unique among its kind in a namespace.", format="name")
AGE = Column("Age", "How long ago the object was created.")
CREATED_AT = Column("Created At", "When the object was created, by the server's clock.", "date")


@dataclass(frozen=True, slots=True)
class Printer:
    """How a kind is printed.

    Args:
        columns: Its columns.
        cells: The row of an object.
        conditions: Of a row whose object is done with, such as a completed pod.
        plain: Whether the kind has no columns of its own; without objects it then has no rows either.
        order: By what the rows are sorted, where it is not the objects' order.
    """

    columns: Sequence[Column]
    cells: Rows
    conditions: Callable[[Object], list[Object]] | None = None
    plain: bool = False
    order: Callable[[Object], Any] | None = None
    definitions: list[Object] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.definitions.extend(column.to_object() for column in self.columns)


@dataclass(frozen=True, slots=True)
class Table:
    """What to print, beside the objects.

    Args:
        include: ``Metadata``, ``Object`` or ``None``: what each row carries of its object.
        version: Of ``meta.k8s.io``.
        headers: Whether column definitions are given.
    """

    include: str = "Metadata"
    version: str = "v1"
    headers: bool = True
