"""Checks of objects by the OpenAPI schema alone, for kinds and fields without behaviour here.

The decoder has refused values of wrong types already. Here, required texts and structs must be given, values of an
enumeration must be among its values, and label selectors must be valid. Required numbers and lists are not checked:
once decoded, a missing number is the same as 0, and the real server takes empty lists in most places.
"""

from typing import Any

from kube_embedded.machinery.request import Object
from kube_embedded.machinery.schema import Struct, Type, schemas

from ...errors import FieldErrors
from ...metadata import validate_selector
from .rules import Rule


def struct(name: str) -> Rule:
    """Make a rule for a struct, by its name in the schema's tables; a missing one passes."""

    def check(value: Any, path: str, errors: FieldErrors) -> None:
        if value is not None:
            _check_fields(schemas()[name], value, f"{path}.", errors)

    return check


CLAIM_SPEC = struct("core.v1.PersistentVolumeClaimSpec")
"""The rule of claims in pods and stateful sets: no claim has an effect here."""


def check_object(obj: Object, errors: FieldErrors) -> None:
    """Check all of an object but its metadata and status, which only controllers write."""
    group, _, version = obj["apiVersion"].rpartition("/")
    struct = schemas().of_kind(group, version, obj["kind"])
    assert struct is not None
    parts = {name: value for name, value in obj.items() if name != "status"}
    _check_fields(struct, parts, "", errors)


def _check_fields(struct: Struct, holder: Object, prefix: str, errors: FieldErrors) -> None:
    for name, field in struct.fields.items():
        value = holder.get(name)
        path = prefix + name
        if value in (None, ""):
            if field.required and field.type.form in ("string", "struct"):
                errors.required(path)
        elif field.enum:
            errors.check_choice(path, value, field.enum)
        else:
            _check_value(field.type, value, path, errors)


def _check_value(type_: Type, value: Any, path: str, errors: FieldErrors) -> None:
    if type_.form == "list":
        for index, item in enumerate(value):
            _check_value(type_.item, item, f"{path}[{index}]", errors)
    elif type_.form == "struct" and type_.struct_name == "meta.v1.LabelSelector":
        validate_selector(value, path, errors)
    # The metadata of templates is left out: objects get theirs checked when they are created from them.
    elif type_.form == "struct" and type_.struct_name != "meta.v1.ObjectMeta":
        _check_fields(type_.struct, value, f"{path}.", errors)
