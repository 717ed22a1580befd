"""The columns of custom kinds, which their definitions name by JSON paths.

Source: k8s.io/apiextensions-apiserver ``pkg/registry/customresource/tableconvertor``.
"""

import re
from typing import Any

from kube_embedded.machinery.kinds import CustomKind
from kube_embedded.machinery.request import Object

from .model import COLUMNS, MISSING, Cells, Printer, find, go_template
from .text import since

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def custom_printer(kind: CustomKind) -> Printer:
    """The printer of one version of a custom kind."""
    # Every custom kind has this column unless its definition names others.
    age = {**COLUMNS["configmaps"][-1], "type": "date", "jsonPath": ".metadata.creationTimestamp"}
    columns: list[Object] = kind.version_spec.get("additionalPrinterColumns") or [age]
    definitions = [COLUMNS[""][0]]
    for column in columns:
        about = f"Custom resource definition column (in JSONPath format): {column['jsonPath']}"
        definitions.append({"description": about, **column})

    def cells(obj: Object, now: float) -> Cells:
        return [obj["metadata"]["name"], *(_cell(column, obj, now) for column in columns)]

    # Without their paths, since these cells are computed by other rules.
    definitions = [{key: column[key] for key in column if key != "path"} for column in definitions]
    return Printer(kind.resource, cells, columns=definitions)


def _cell(column: Object, obj: Object, now: float) -> Any:
    value = next(iter(find(obj, column["jsonPath"])), MISSING)
    form = column["type"]
    if value is MISSING:
        return None
    if form == "string":
        return go_template(value)
    if form == "boolean":
        return value if isinstance(value, bool) else None
    if form == "date":
        return _age(value, now) if isinstance(value, str) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if form == "number":
        return value
    whole = int(value)
    # Go's conversion of a float beyond int64 yields the lowest number.
    return whole if -(2**63) <= whole < 2**63 else -(2**63)


def _age(time: str, now: float) -> str:
    try:
        return since(time, now) if not time or TIME.fullmatch(time) else "<invalid>"
    except ValueError:  # no such month, day or hour
        return "<invalid>"
