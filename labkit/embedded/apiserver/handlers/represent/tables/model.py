"""The pieces of a table's description."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from labkit.embedded.apiserver.handlers.represent.tables.text import age
from labkit.embedded.machinery.request import Object

Cells = list[Any]
Rows = Callable[[Object, float], Cells]
"""(object, seconds since the epoch) to the cells of its row."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
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
        """The column definition in the API."""
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
        resource: Plural with its group, such as ``pods`` or ``roles.rbac.authorization.k8s.io``.
        conditions: The conditions of a row, such as of a completed pod.
        plain: Whether the kind has no columns of its own; without objects it then has no rows either.
        order: The sort key of rows; None for the objects' order.
    """

    resource: str
    columns: Sequence[Column]
    cells: Rows
    conditions: Callable[[Object], list[Object]] | None = None
    plain: bool = False
    order: Callable[[Object], Any] | None = None
    definitions: list[Object] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.definitions.extend(column.to_object() for column in self.columns)


def name_of(obj: Object) -> str:
    """The cell of the column NAME."""
    return str(obj["metadata"]["name"])


def name_of_class(kind: str) -> Callable[[Object], str]:
    """The cell of the column NAME for a kind of class (in lower case), with a mark on the default one."""
    default = f"{kind}.kubernetes.io/is-default-class"

    def name(obj: Object) -> str:
        marked = (obj["metadata"].get("annotations") or {}).get(default) == "true"
        return name_of(obj) + (" (default)" if marked else "")

    return name


def printer(
    resource: str,
    *columns: Column,
    name: Callable[[Object], str] = name_of,
    conditions: Callable[[Object], list[Object]] | None = None,
    order: Callable[[Object], Any] | None = None,
) -> Callable[[Rows], Printer]:
    """Make a function the printer of a resource: it returns the cells of all columns but NAME and AGE.

    ``columns`` are those behind NAME; AGE is among them where the age is shown.
    """
    age_at = columns.index(AGE) if AGE in columns else None

    def decorate(cells: Rows) -> Printer:
        def row(obj: Object, now: float) -> Cells:
            written = cells(obj, now)
            if age_at is not None:
                written.insert(age_at, age(obj, now))
            return [name(obj), *written]

        return Printer(resource, (NAME, *columns), row, conditions, order=order)

    return decorate


@dataclass(frozen=True, slots=True)
class Table:
    """The options of a Table.

    Args:
        include: ``Metadata``, ``Object`` or ``None``: what each row carries of its object.
        version: The version of ``meta.k8s.io``.
        headers: Whether it has column definitions.
    """

    include: str = "Metadata"
    version: str = "v1"
    headers: bool = True
