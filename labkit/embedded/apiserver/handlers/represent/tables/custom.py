"""The columns of custom kinds, which their definitions name by JSON paths.

Source: k8s.io/apiextensions-apiserver ``pkg/registry/customresource/tableconvertor``; k8s.io/client-go
``util/jsonpath``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from labkit.embedded.apiserver.handlers.represent.tables.model import COLUMNS, Cells, Printer
from labkit.embedded.apiserver.handlers.represent.tables.text import since
from labkit.embedded.apiserver.registry.custom.values import go_number
from labkit.embedded.machinery.golang.json import escape
from labkit.embedded.machinery.kinds import CustomKind
from labkit.embedded.machinery.request import Object

STEP = re.compile(r"\.(?P<name>(?:\\.|[^.\[\\])+)|\[\?\((?P<filter>.*?)\)\]|\[(?P<index>[^\]]*)\]")
FILTER = re.compile(r"\s*@(?P<left>[^=!]*?)\s*(?:(?P<operator>==|!=)\s*(?P<right>.+?))?\s*")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def custom_printer(kind: CustomKind) -> Printer:
    """The printer of one version of a custom kind."""
    name, age = (
        COLUMNS[""][0],
        {**COLUMNS["configmaps"][-1], "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    )
    columns: list[Object] = kind.version_spec.get("additionalPrinterColumns") or [age]
    described = [
        {
            "description": f"Custom resource definition column (in JSONPath format): {column['jsonPath']}",
            **column,
        }
        for column in columns
    ]
    head, *own = [{key: each[key] for key in each if key != "path"} for each in (name, *described)]

    def cells(obj: Object, now: float) -> Cells:
        return [obj["metadata"]["name"], *(_cell(column, obj, now) for column in columns)]

    return Printer(kind.resource, cells, columns=[head, *own])


def _cell(column: Object, obj: Object, now: float) -> Any:
    found = next(find(obj, column["jsonPath"]), _MISSING)
    form = column["type"]
    if found is _MISSING:
        return None
    if form == "string":
        return _text(found)
    if form == "boolean":
        return found if isinstance(found, bool) else None
    if form == "date":
        return _age(found, now) if isinstance(found, str) else None
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    whole = int(found)
    if form == "integer":
        return whole if -(2**63) <= whole < 2**63 else -(2**63)
    return found


def _age(time: str, now: float) -> str:
    try:
        return since(time, now) if not time or TIME.fullmatch(time) else "<invalid>"
    except ValueError:  # no such month, day or hour
        return "<invalid>"


_MISSING: Any = object()


def _text(value: Any) -> str:
    """A value as a template of Go prints it: objects and lists as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return "<no value>"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return go_number(value)
    return escape(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).decode()


def find(obj: Any, path: str) -> Iterator[Any]:
    """The values at a JSON path."""
    values = [obj]
    for step in STEP.finditer(path):
        values = [found for value in values for found in _step(value, step)]
    yield from values


def _step(value: Any, step: re.Match[str]) -> Iterator[Any]:
    index = (step["index"] or "").strip()
    if step["filter"] is not None:
        yield from (
            item
            for item in (value if isinstance(value, list) else ())
            if _passes(item, step["filter"])
        )
    elif step["name"] == "*" or index == "*":
        yield from (
            value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        )
    elif isinstance(value, dict):
        name = re.sub(r"\\(.)", r"\1", step["name"]) if step["name"] else index[1:-1]
        if name in value:
            yield value[name]
    elif (
        isinstance(value, list)
        and re.fullmatch(r"-?\d{1,9}", index)
        and -len(value) <= int(index) < len(value)
    ):
        yield value[int(index)]


def _passes(item: Any, condition: str) -> bool:
    """Whether an item of a list passes a filter: a field, or a comparison of one with a value."""
    found = FILTER.fullmatch(condition)
    left = next(find(item, found["left"]), _MISSING) if found is not None else _MISSING
    if found is None or left is _MISSING or found["operator"] is None:
        return left is not _MISSING
    right = found["right"]
    quoted = right[:1] in ("'", '"')
    return bool((_text(left) == (right[1:-1] if quoted else right)) == (found["operator"] == "=="))
