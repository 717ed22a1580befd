"""Rules of a definition's versions: their schemas, subresources, columns and selectable fields.

Source: k8s.io/apiextensions-apiserver ``pkg/apis/apiextensions/validation``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.custom.schema_rules import check_schema, field_at
from labkit.embedded.apiserver.registry.custom.structural import Schema
from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.machinery.request import Object

COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
MAX_SELECTABLE = 8


def check_parts(
    holder: Object, path: str, schema_field: str, status: bool, errors: FieldErrors
) -> None:
    """Check the schema, subresources, columns and selectable fields of a version, or of all."""
    schema = (holder.get(schema_field) or {}).get("openAPIV3Schema")
    if schema is not None:
        check_schema(schema, f"{path}.{schema_field}.openAPIV3Schema", status, errors)
    scale = (holder.get("subresources") or {}).get("scale")
    if scale is not None:
        _check_scale(scale, f"{path}.subresources.scale", errors)
    for at, column in enumerate(holder.get("additionalPrinterColumns") or ()):
        _check_column(column, f"{path}.additionalPrinterColumns[{at}]", errors)
    if holder.get("selectableFields"):
        _check_selectable(
            holder["selectableFields"], schema or {}, f"{path}.selectableFields", errors
        )


def check_deprecation(version: Object, path: str, errors: FieldErrors) -> None:
    """Check the warning that a deprecated version gives."""
    text = version.get("deprecationWarning")
    if text is None:
        return
    if not version.get("deprecated"):
        errors.invalid(path, text, "can only be set for deprecated versions")
        return
    if len(text.encode()) > 256:
        errors.invalid(path, text, "must be <= 256 characters long")
    if not text:
        errors.invalid(path, text, "must not be an empty string")
    at = next((place for place, char in enumerate(text) if not char.isprintable()), None)
    if at is not None:
        detail = f"non-printable character found at index {len(text[:at].encode())}"
        errors.invalid(path, text, f"must only contain printable UTF-8 characters; {detail}")


def _check_simple_path(text: str, path: str, roots: tuple[str, ...], errors: FieldErrors) -> None:
    if not text.startswith("."):
        errors.invalid(path, text, "must be a simple json path starting with .")
    elif roots and not text.startswith(roots):
        named = " or ".join(root.strip(".").join((".", "")) for root in roots)
        either = f"either {named}" if len(roots) > 1 else named
        errors.invalid(path, text, f"should be a json path under {either}")


def _check_scale(scale: Object, path: str, errors: FieldErrors) -> None:
    for field, root in (("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")):
        text = scale.get(field, "")
        errors.check_present(f"{path}.{field}", text)
        if text:
            _check_simple_path(text, f"{path}.{field}", (root,), errors)
    selector = scale.get("labelSelectorPath")
    if selector:
        _check_simple_path(selector, f"{path}.labelSelectorPath", (".spec.", ".status."), errors)


def _check_column(column: Object, path: str, errors: FieldErrors) -> None:
    form, format_, text = (column.get(name, "") for name in ("type", "format", "jsonPath"))
    errors.check_present(f"{path}.name", column.get("name"))
    one_of = f"must be one of {','.join(COLUMN_TYPES)}"
    if not form:
        errors.required(f"{path}.type", one_of)
    elif form not in COLUMN_TYPES:
        errors.invalid(f"{path}.type", form, one_of)
    if format_ and format_ not in COLUMN_FORMATS:
        errors.invalid(f"{path}.format", format_, f"must be one of {','.join(COLUMN_FORMATS)}")
    errors.check_present(f"{path}.JSONPath", text)
    if text:
        _check_simple_path(text, f"{path}.JSONPath", (), errors)


def _check_selectable(fields: list[Object], schema: Schema, path: str, errors: FieldErrors) -> None:
    seen: set[str] = set()
    for at, field in enumerate(fields):
        place, text = f"{path}[{at}].jsonPath", field.get("jsonPath", "")
        if not text:
            errors.required(place)
            continue
        found, problem = field_at(text, schema)
        if problem:
            errors.invalid(place, text, f"is an invalid path: {problem}")
            continue
        if text.split(".")[1] == "metadata":
            errors.invalid(place, text, "must not point to fields in metadata")
        if found.get("type") not in ("string", "boolean", "integer"):
            detail = "must point to a field of type string, boolean or integer."
            errors.invalid(
                place, text, f"{detail} Enum string fields and strings with formats are allowed."
            )
        if text in seen:
            errors.duplicate(place, text)
        seen.add(text)
    if len(seen) > MAX_SELECTABLE:
        errors.too_many(path, len(seen), MAX_SELECTABLE)
