"""Objects to a Table of meta.k8s.io."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labkit.embedded.apiserver.handlers.represent.tables.model import Printer, Table
from labkit.embedded.machinery.request import Object


def render_table(printer: Printer, objects: Iterable[Object], metadata: Object, now: float, wanted: Table) -> Object:
    """The Table that shows some objects.

    Args:
        printer: Of their kind.
        objects: With kind and apiVersion set; a watch's bookmark has no name.
        metadata: Of the table: those of the list, or the object's resource version.
        now: Seconds since the epoch, for ages.
        wanted: What the caller wants in it.
    """
    api_version = f"meta.k8s.io/{wanted.version}"
    rows: list[Object] = []
    for obj in sorted(objects, key=printer.order) if printer.order is not None else objects:
        named = obj if "name" in obj["metadata"] else {**obj, "metadata": {"name": "", **obj["metadata"]}}
        row: Object = {"cells": printer.cells(named, now)}
        conditions = printer.conditions(obj) if printer.conditions is not None else []
        if conditions:
            row["conditions"] = conditions
        row["object"] = _carried(obj, api_version, wanted.include)
        rows.append(row)
    return {
        "kind": "Table",
        "apiVersion": api_version,
        "metadata": metadata,
        "columnDefinitions": printer.definitions if wanted.headers else None,
        "rows": rows if rows or not printer.plain else None,
    }


def _carried(obj: Object, api_version: str, include: str) -> Any:
    if include == "None":
        return None
    if include == "Object":
        return obj
    return {"kind": "PartialObjectMetadata", "apiVersion": api_version, "metadata": obj["metadata"]}
