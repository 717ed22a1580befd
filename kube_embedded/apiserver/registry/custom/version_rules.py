"""Rules of a definition's versions: their schemas, subresources, columns and selectable fields.

Source: k8s.io/apiextensions-apiserver ``pkg/apis/apiextensions/validation``.
"""

from kube_embedded.machinery.request import Object

from ..errors import FieldErrors
from .schema_rules import check_schema
from .structural import Schema, field_at

COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
MAX_SELECTABLE = 8
SCALE_PATHS = (
    ("specReplicasPath", ".spec."),
    ("statusReplicasPath", ".status."),
    ("labelSelectorPath", ".spec.", ".status."),
)
"""The fields of a scale, and the parts of an object to which their paths may lead."""


def check_parts(holder: Object, path: str, schema_field: str, errors: FieldErrors) -> None:
    """Check the schema, subresources, columns and selectable fields of a version, or of all."""
    schema = (holder.get(schema_field) or {}).get("openAPIV3Schema")
    if schema is not None:
        check_schema(schema, f"{path}.{schema_field}.openAPIV3Schema", errors)
    scale = (holder.get("subresources") or {}).get("scale")
    if scale is not None:
        _check_scale(scale, f"{path}.subresources.scale", errors)
    for index, column in enumerate(holder.get("additionalPrinterColumns") or ()):
        _check_column(column, f"{path}.additionalPrinterColumns[{index}]", errors)
    if holder.get("selectableFields"):
        _check_selectable(
            holder["selectableFields"], schema or {}, f"{path}.selectableFields", errors
        )


def check_deprecation(version: Object, path: str, errors: FieldErrors) -> None:
    """Check the warning for a deprecated version."""
    text = version.get("deprecationWarning")
    if text is None:
        return
    if not version.get("deprecated"):
        errors.invalid(path, text, "can only be set for deprecated versions")
        return
    if len(text.encode()) > 256:
        # A Warning header must stay short; the limit counts bytes although the message names characters.
        errors.invalid(path, text, "must be <= 256 characters long")
    if not text:
        errors.invalid(path, text, "must not be an empty string")
    for index, char in enumerate(text):
        if not char.isprintable():
            # Go counts in bytes.
            problem = f"non-printable character found at index {len(text[:index].encode())}"
            detail = f"must only contain printable UTF-8 characters; {problem}"
            errors.invalid(path, text, detail)
            break


def _check_simple_path(
    text: str, path: str, errors: FieldErrors, roots: tuple[str, ...] = ()
) -> None:
    if not text.startswith("."):
        errors.invalid(path, text, "must be a simple json path starting with .")
    elif roots and not text.startswith(roots):
        named = " or ".join(root.removesuffix(".") for root in roots)
        either = f"either {named}" if len(roots) > 1 else named
        errors.invalid(path, text, f"should be a json path under {either}")


def _check_scale(scale: Object, path: str, errors: FieldErrors) -> None:
    for field, *roots in SCALE_PATHS:
        text = scale.get(field, "")
        if text:
            _check_simple_path(text, f"{path}.{field}", errors, tuple(roots))
        elif field != "labelSelectorPath":
            errors.required(f"{path}.{field}")


def _check_column(column: Object, path: str, errors: FieldErrors) -> None:
    errors.check_present(f"{path}.name", column.get("name"))
    for field, choices in (("type", COLUMN_TYPES), ("format", COLUMN_FORMATS)):
        value = column.get(field, "")
        one_of = f"must be one of {','.join(choices)}"
        if not value and field == "type":
            errors.required(f"{path}.type", one_of)
        elif value and value not in choices:
            errors.invalid(f"{path}.{field}", value, one_of)
    text = column.get("jsonPath", "")
    if text:
        _check_simple_path(text, f"{path}.JSONPath", errors)
    else:
        errors.required(f"{path}.JSONPath")


def _check_selectable(fields: list[Object], schema: Schema, path: str, errors: FieldErrors) -> None:
    seen: set[str] = set()
    for index, field in enumerate(fields):
        location = f"{path}[{index}].jsonPath"
        text = field.get("jsonPath", "")
        if not text:
            errors.required(location)
            continue
        selected, problem = field_at(text, schema)
        if problem:
            errors.invalid(location, text, f"is an invalid path: {problem}")
            continue
        if text.split(".")[1] == "metadata":
            errors.invalid(location, text, "must not point to fields in metadata")
        if selected.get("type") not in ("string", "boolean", "integer"):
            detail = (
                "must point to a field of type string, boolean or integer. "
                "Enum string fields and strings with formats are allowed."
            )
            errors.invalid(location, text, detail)
        errors.check_unique(location, text, seen)
    if len(seen) > MAX_SELECTABLE:
        errors.too_many(path, len(seen), MAX_SELECTABLE)
