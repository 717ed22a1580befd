"""The pieces of a table's description.

``columns.json`` has the columns of each resource, as CustomResourceDefinitions have theirs in
``additionalPrinterColumns``: with the ``path`` of the field that they show, the ``default`` for an object without it,
and ``as``, the way it is written (``TEXTS``, or ``since`` for how long ago a time was). A function of a printer
returns the other cells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from labkit.core.json_file import read_json
from labkit.embedded.apiserver.handlers.represent.tables.text import (
    access_modes,
    duration,
    labels,
    selector,
    since,
)
from labkit.embedded.machinery.request import Object

Cells = list[Any]
Rows = Callable[[Object, float], Cells]
"""(object, seconds since the epoch) to the cells of its row."""

_TABLE: Mapping[str, Any] = read_json(__file__, "columns.json")
COLUMNS: Mapping[str, list[Object]] = {
    resource: [
        _TABLE["shared"][column] if isinstance(column, str) else column for column in columns
    ]
    for resource, columns in _TABLE["columns"].items()
}
"""Plural with its group, such as ``pods`` or ``roles.rbac.authorization.k8s.io``, to the columns."""

TEXTS: Mapping[str, Callable[[Any], Any]] = {
    "access modes": access_modes,
    "count": len,
    "duration": duration,
    "images": lambda containers: ",".join(each.get("image", "") for each in containers),
    "joined": ",".join,
    "labels": labels,
    "names": lambda containers: ",".join(each.get("name", "") for each in containers),
    "selector": selector,
    "text": str,
}
ABSENT: tuple[Any, ...] = (None, "", [], {})


def _definition(column: Object) -> Object:
    """The column definition in the API."""
    return {
        "name": column["name"],
        "type": column.get("type", "string"),
        "format": column.get("format", ""),
        "description": column["description"],
        "priority": column.get("priority", 0),
    }


def _reader(column: Object) -> Callable[[Object, float], Any]:
    steps, default, form = (
        column["path"].split("."),
        column.get("default", ""),
        column.get("as", ""),
    )
    text = TEXTS[form] if form not in ("", "since") else None

    def read(obj: Object, now: float) -> Any:
        value: Any = obj
        for step in steps:
            value = (value or {}).get(step)
        if value in ABSENT:
            return default
        if form == "since":
            return since(value, now)
        return value if text is None else text(value)

    return read


@dataclass(frozen=True, slots=True)
class Printer:
    """How a kind is printed.

    Args:
        computed: Returns the cells of the columns without a path.
        conditions: The conditions of a row, such as of a completed pod.
        order: The sort key of rows; None for the objects' order.
        columns: The columns, where they are not those of the table.
    """

    resource: str
    computed: Rows = lambda obj, now: []
    conditions: Callable[[Object], list[Object]] | None = None
    order: Callable[[Object], Any] | None = None
    columns: list[Object] = field(default_factory=list)
    definitions: list[Object] = field(init=False, default_factory=list)
    _readers: list[tuple[int, Callable[[Object, float], Any]]] = field(
        init=False, default_factory=list
    )

    def __post_init__(self) -> None:
        columns = self.columns or COLUMNS[self.resource]
        self.definitions.extend(map(_definition, columns))
        self._readers.extend(
            (place, _reader(each)) for place, each in enumerate(columns) if "path" in each
        )

    def cells(self, obj: Object, now: float) -> Cells:
        """The cells of an object's row; ``now`` is in seconds since the epoch."""
        row = self.computed(obj, now)
        for place, read in self._readers:
            row.insert(place, read(obj, now))
        return row


def printer(
    resource: str,
    *,
    conditions: Callable[[Object], list[Object]] | None = None,
    order: Callable[[Object], Any] | None = None,
) -> Callable[[Rows], Printer]:
    """Make a function the printer of a resource: it returns the cells of the columns without a path."""
    return lambda computed: Printer(resource, computed, conditions, order)


@dataclass(frozen=True, slots=True)
class Table:
    """The options of a Table.

    They say what each row carries of its object (``Metadata``, ``Object`` or ``None``), the version of
    ``meta.k8s.io``, and whether it has column definitions.
    """

    include: str = "Metadata"
    version: str = "v1"
    headers: bool = True
