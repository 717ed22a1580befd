"""The printer of each resource, and objects to a Table of meta.k8s.io."""

from collections.abc import Iterable, Mapping
from typing import Any

from kube_embedded.machinery.releases import Release
from kube_embedded.machinery.request import Object, Unstructured
from kube_embedded.machinery.schema.ordering import by_name

from ..negotiation import Table
from . import cells, pods
from .model import COLUMNS, Printer

PRINTERS: Mapping[str, Printer] = {resource: Printer(resource) for resource in COLUMNS} | {
    value.resource: value
    for module in (cells, pods)
    for value in vars(module).values()
    if isinstance(value, Printer)
}
# RBAC roles are such a kind: kubectl shows when they were created.
DEFAULT = PRINTERS[""]
"""For kinds without columns of their own; without objects it has no rows either."""


def printer_of(resource: str, release: Release) -> Printer:
    """The printer of a resource; until 1.34 service accounts had a column for their secrets."""
    if resource == "serviceaccounts" and release.has("secrets column"):
        resource = "serviceaccounts, up to 1.34"
    return PRINTERS.get(resource, DEFAULT)


def render_table(
    printer: Printer, objects: Iterable[Object], metadata: Object, now: float, form: Table
) -> Object:
    """Print objects as a Table.

    The objects have kind and apiVersion, but a watch's bookmark has no name. The table has the metadata of the
    list, or the object's resource version. ``now`` is in seconds since the epoch, for ages.
    """
    api_version = f"meta.k8s.io/{form.version}"
    rows: list[Object] = []
    for obj in sorted(objects, key=printer.order) if printer.order is not None else objects:
        named = (
            obj
            if "name" in obj["metadata"]
            else {**obj, "metadata": {"name": "", **obj["metadata"]}}
        )
        row: Object = {"cells": printer.cells(named, now)}
        conditions = printer.conditions(obj) if printer.conditions is not None else []
        if conditions:
            row["conditions"] = conditions
        row["object"] = _carried(obj, api_version, form.include)
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": api_version,
        "metadata": metadata,
        "columnDefinitions": printer.definitions if form.headers else None,
        "rows": rows if rows or printer is not DEFAULT else None,
    }


def _carried(obj: Object, api_version: str, include: str) -> Any:
    if include == "None":
        return None
    if include == "Object":
        return by_name(obj) if type(obj) is Unstructured else obj
    return {"kind": "PartialObjectMetadata", "apiVersion": api_version, "metadata": obj["metadata"]}
