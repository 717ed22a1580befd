"""The columns of tables, as rows of data and an engine that reads them.

``columns.json`` has the columns of each resource, as CustomResourceDefinitions have theirs in
``additionalPrinterColumns``: with the ``path`` of the field that they show, the ``default`` for an object without it,
and ``as``, the way it is written: a name in ``TEXTS``, ``since`` for how long ago a time was, or a template such as
``{kind}/{name}``. A path with brackets is a JSON path; ``as`` gets all of its values, and without ``as`` the first is
shown. A function of a printer returns the other cells.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from kube_embedded.apiserver.registry.custom.values import go_number
from kube_embedded.files import read_json
from kube_embedded.machinery.golang.json import escape
from kube_embedded.machinery.request import Object

from .text import access_modes, duration, labels, selector, shortened, since

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
    "joined": ",".join,
    "labels": labels,
    "listed": ", ".join,
    "selector": selector,
    "shortened": shortened,
    "text": str,
}
ABSENT: tuple[Any, ...] = (None, "", [], {})
MISSING: Any = object()
STEP = re.compile(r"\.(?P<name>(?:\\.|[^.\[\\])+)|\[\?\((?P<filter>.*?)\)\]|\[(?P<index>[^\]]*)\]")
FILTER = re.compile(r"\s*@(?P<left>[^=!]*?)\s*(?:(?P<operator>==|!=)\s*(?P<right>.+?))?\s*")
INDEX = re.compile(r"-?\d{1,9}")


def go_template(value: Any) -> str:
    """A value as a template of Go prints it: objects and lists as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return "<no value>"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return go_number(value)
    return escape(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).decode()


def find(obj: Any, path: str) -> list[Any]:
    """The values at a JSON path.

    Source: k8s.io/client-go ``util/jsonpath``.
    """
    values = [obj]
    for step in STEP.finditer(path):
        values = [found_value for value in values for found_value in _step(value, step)]
    return values


def _step(value: Any, step: re.Match[str]) -> Iterator[Any]:
    index = (step["index"] or "").strip()
    items = value if isinstance(value, list) else []
    if step["filter"] is not None:
        yield from (item for item in items if _passes(item, step["filter"]))
    elif step["name"] == "*" or index == "*":
        yield from value.values() if isinstance(value, dict) else items
    elif isinstance(value, dict):
        name = re.sub(r"\\(.)", r"\1", step["name"]) if step["name"] else index[1:-1]
        if name in value:
            yield value[name]
    elif INDEX.fullmatch(index) and -len(items) <= int(index) < len(items):
        yield items[int(index)]


def _passes(item: Any, condition: str) -> bool:
    """Return whether an item passes a filter: it has a field, or the field has, or has not, a value."""
    parts = FILTER.fullmatch(condition)
    values = find(item, parts["left"]) if parts is not None else []
    if parts is None or not values or parts["operator"] is None:
        return bool(values)
    right = parts["right"]
    expected = right[1:-1] if right[:1] in ("'", '"') else right
    return (go_template(values[0]) == expected) == (parts["operator"] == "==")


def _from_template(template: str, separator: str) -> Callable[[Any], str]:
    def write(value: Any) -> str:
        items = value if isinstance(value, list) else [value]
        return separator.join(template.format_map(defaultdict(str, item)) for item in items)

    return write


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
    path: str = column["path"]
    default = column.get("default", "")
    form = column.get("as", "")
    steps = path.split(".")
    # As the real server prints containers and subjects.
    separator = ", " if "[" in path else ","
    write = _from_template(form, separator) if "{" in form else TEXTS.get(form)

    def read(obj: Object, now: float) -> Any:
        value: Any = obj
        if "[" in path:
            value = [item for item in find(obj, f".{path}") if item not in ABSENT]
            if write is None and value:
                value = value[0]
        else:
            for step in steps:
                value = (value or {}).get(step)
        if value in ABSENT:
            return default
        if form == "since":
            return since(value, now)
        return value if write is None else write(value)

    return read


@dataclass(frozen=True, slots=True)
class Printer:
    """How a kind is printed.

    Args:
        computed: Returns the cells of the columns that have no path.
        conditions: The conditions of a row, such as of a completed pod.
        order: The sort key of rows; None for the objects' order.
        columns: The columns, if they differ from the columns of the table.
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
            (index, _reader(column)) for index, column in enumerate(columns) if "path" in column
        )

    def cells(self, obj: Object, now: float) -> Cells:
        """The cells of an object's row; ``now`` is in seconds since the epoch."""
        row = self.computed(obj, now)
        # From left to right, so each is inserted behind all that come before it.
        for index, read in self._readers:
            row.insert(index, read(obj, now))
        return row


def printer(
    resource: str, *, conditions: Callable[[Object], list[Object]] | None = None
) -> Callable[[Rows], Printer]:
    """Make a function the printer of a resource: it returns the cells of the columns without a path."""
    return lambda computed: Printer(resource, computed, conditions)
