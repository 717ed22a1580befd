"""Who wrote an object that is answered and never stored, such as a review."""

from __future__ import annotations

from typing import Any

from labkit.apiserver.request import Object, Request


def manager_of(request: Request) -> str:
    """The field manager: the one that is named, or the first part of the user agent."""
    named = request.param("fieldManager")
    if named:
        return named
    agent = request.headers.get("user-agent", "").split("/")[0]
    return "".join(char for char in agent if char.isprintable())[:128] or "unknown"


def update_entry(manager: str, version: str, written: Object, now: str, subresource: str = "") -> Object:
    """The ``managedFields`` entry of a first write.

    Args:
        manager: Who wrote.
        version: ``apiVersion`` of the object.
        written: The fields that were written.
        now: RFC 3339.
        subresource: Where it was written to, if not to the object itself.
    """
    entry: Object = {
        "manager": manager,
        "operation": "Update",
        "apiVersion": version,
        "time": now,
        "fieldsType": "FieldsV1",
        "fieldsV1": _fields(written, depth=0),
    }
    if subresource:
        entry["subresource"] = subresource
    return entry


def _fields(value: Any, depth: int) -> Object:
    if not isinstance(value, dict):
        return {}
    fields: Object = {".": {}} if depth > 1 else {}
    for key in sorted(value):
        fields[f"f:{key}"] = _fields(value[key], depth + 1)
    return fields
