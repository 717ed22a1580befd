"""Prints Go's internal structs, and their diffs, in messages about forbidden changes.

Source: k8s.io/kubernetes ``pkg/apis/core/types.go``; k8s.io/apimachinery ``pkg/util/diff``.
"""

import difflib
import json
from collections.abc import Iterable
from typing import Any

from kube_embedded.machinery.schema import Struct, Type, schemas

HOST_FIELDS = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers")
"""Fields that the internal struct keeps in the security context."""
LEFT_OUT = ("serviceAccount", *HOST_FIELDS)
# Both pkg/apis/core/types.go and the API's types are written by hand, and they order some fields differently.
MOVED = {
    "core.v1.PodSecurityContext": {"sysctls": "fsGroupChangePolicy"},
    "core.v1.PodSpec": {
        "setHostnameAsFQDN": "subdomain",
        "preemptionPolicy": "priority",
        "overhead": "runtimeClassName",
    },
    "core.v1.Volume": {"quobyte": "rbd"},
}
"""Fields that come after another one in the internal struct, and elsewhere in the API's."""


def go_struct(name: str, value: dict[str, Any]) -> dict[str, Any]:
    """A struct of the schema, such as ``core.v1.SecurityContext``, as Go prints it."""
    return internal(schemas()[name], value)


def internal(struct: Struct, value: dict[str, Any]) -> dict[str, Any]:
    """Return a struct as Go prints it: all fields by their Go names, or by JSON names in structs of ``meta``."""
    # The internal structs embed those of meta/v1, whose JSON tags Go honours.
    if struct.name.startswith("meta."):
        return {name: value[name] for name in struct.fields if value.get(name)}
    return _fields(struct, _order(struct), value)


def _fields(struct: Struct, names: Iterable[str], value: dict[str, Any]) -> dict[str, Any]:
    """Some fields of a struct as Go prints them."""
    fields = [(name, struct.fields[name]) for name in names]
    return {
        field.go: _printed(field.type, value.get(name), field.pointer) for name, field in fields
    }


def _order(struct: Struct) -> list[str]:
    """The names of a struct's fields in the order of its internal form."""
    names = list(struct.fields)
    for moved, before in MOVED.get(struct.name, {}).items():
        names.remove(moved)
        names.insert(names.index(before) + 1, moved)
    return names


def _printed(type_: Type, value: Any, pointer: bool) -> Any:
    if value is None:
        if pointer or type_.form in ("list", "map", "raw", "any", "time"):
            return None
        if type_.form == "struct":
            return internal(type_.struct, {})
        return {"string": "", "bool": False, "intstr": 0, "quantity": "0"}.get(type_.form, 0)
    if type_.form == "struct":
        return internal(type_.struct, value)
    if type_.form == "list":
        return [_printed(type_.item, item, False) for item in value]
    if type_.form == "map":
        return {name: _printed(type_.item, value[name], False) for name in sorted(value)}
    return value


def internal_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """A pod's spec as the internal struct has it."""
    struct = schemas()["core.v1.PodSpec"]
    shown = _fields(struct, [name for name in _order(struct) if name not in LEFT_OUT], spec)
    if shown["SecurityContext"] is not None:
        shown["SecurityContext"] = _fields(struct, HOST_FIELDS, spec) | shown["SecurityContext"]
    return shown


def internal_template(template: dict[str, Any]) -> dict[str, Any]:
    """Return a pod template as the internal struct has it: its metadata is embedded, with JSON names."""
    metadata = {
        name: dict(sorted(value.items())) if isinstance(value, dict) else value
        for name, value in template["metadata"].items()
    }
    return {**metadata, "Spec": internal_spec(template["spec"])}


def unified(first: dict[str, Any], second: dict[str, Any]) -> str:
    """A unified diff of two structs."""
    before, after = (
        json.dumps(shown, indent=1, ensure_ascii=False).split("\n") for shown in (first, second)
    )
    lines = list(difflib.unified_diff(before, after, lineterm="", n=3))[2:]
    return "\n".join(lines) + "\n"


def ephemeral_diff(old: dict[str, Any], new: dict[str, Any]) -> str:
    """A unified diff of two ephemeral containers, whose common fields are embedded."""
    struct = schemas()["core.v1.EphemeralContainer"]

    def shown(container: dict[str, Any]) -> dict[str, Any]:
        fields = internal(struct, container)
        target = fields.pop("TargetContainerName")
        return {**fields, "TargetContainerName": target}

    return unified(shown(old), shown(new))
