"""Parts of a definition as Go prints those of the internal version: every field by its name in Go.

Source: k8s.io/apiextensions-apiserver ``pkg/apis/apiextensions/types_jsonschema.go``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labkit.embedded.machinery.request import Object

TEXTS = frozenset(("id", "$schema", "description", "type", "format", "title", "pattern"))
FLAGS = frozenset(
    (
        *("nullable", "exclusiveMaximum", "exclusiveMinimum", "uniqueItems"),
        *("x-kubernetes-embedded-resource", "x-kubernetes-int-or-string"),
    )
)
SCHEMA_FIELDS = (
    "id", "$schema", "$ref", "description", "type", "nullable", "format", "title", "default", "maximum",
    "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength", "minLength", "pattern", "maxItems", "minItems",
    "uniqueItems", "multipleOf", "enum", "maxProperties", "minProperties", "required", "items", "allOf", "oneOf",
    "anyOf", "not", "properties", "additionalProperties", "patternProperties", "dependencies", "additionalItems",
    "definitions", "externalDocs", "example", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource",
    "x-kubernetes-int-or-string", "x-kubernetes-list-map-keys", "x-kubernetes-list-type", "x-kubernetes-map-type",
    "x-kubernetes-validations",
)  # fmt: skip
VERSION_FIELDS = (
    *("name", "served", "storage", "deprecated", "deprecationWarning", "schema", "subresources"),
    *("additionalPrinterColumns", "selectableFields"),
)
COLUMN: Object = {"Name": "", "Type": "", "Format": "", "Description": "", "Priority": 0, "JSONPath": ""}
RULE: Object = {"Rule": "", "Message": "", "MessageExpression": "", "Reason": None, "FieldPath": ""}
SCALE: Object = {"SpecReplicasPath": "", "StatusReplicasPath": "", "LabelSelectorPath": None}


def go_name(field: str) -> str:
    """The name of a field of a schema in Go."""
    if field.startswith("x-kubernetes-"):
        return "X" + field.removeprefix("x-kubernetes-").title().replace("-", "")
    plain = field.removeprefix("$")
    return plain.upper() if plain == "id" else plain[:1].upper() + plain[1:]


def schema_form(schema: Object | None) -> Object | None:
    """A schema."""
    if schema is None:
        return None
    return {go_name(name): _field(name, schema.get(name)) for name in SCHEMA_FIELDS}


def _field(name: str, value: Any) -> Any:
    if value is None:
        return "" if name in TEXTS else False if name in FLAGS else None
    if name in ("allOf", "oneOf", "anyOf"):
        return [schema_form(each) for each in value]
    if name in ("properties", "patternProperties", "definitions"):
        return {key: schema_form(value[key]) for key in sorted(value)}
    if name == "not":
        return schema_form(value)
    if name == "items":
        return {"Schema": schema_form(value), "JSONSchemas": None}
    if name == "additionalProperties":
        return {"Allows": value is not False, "Schema": schema_form(value) if isinstance(value, dict) else None}
    return _rows(value, {**RULE, "OptionalOldSelf": None}) if name == "x-kubernetes-validations" else value


def _rows(rows: Iterable[Object] | None, empty: Object) -> list[Object] | None:
    return [_row(each, empty) for each in rows] if rows else None


def _row(row: Object, empty: Object) -> Object:
    given = {"JSONPath" if name == "jsonPath" else name[:1].upper() + name[1:]: value for name, value in row.items()}
    return {name: given.get(name, value) for name, value in empty.items()}


def version_form(version: Object) -> Object:
    """A version of a definition."""
    made = {name: version.get(name) for name in VERSION_FIELDS}
    holder, subresources = made["schema"], made["subresources"]
    if holder is not None:
        made["schema"] = {"OpenAPIV3Schema": schema_form(holder.get("openAPIV3Schema"))}
    if subresources is not None:
        scale = subresources.get("scale")
        made["subresources"] = {"Status": subresources.get("status"), "Scale": scale and _row(scale, SCALE)}
    made["additionalPrinterColumns"] = _rows(made["additionalPrinterColumns"], COLUMN)
    made["selectableFields"] = _rows(made["selectableFields"], {"JSONPath": ""})
    made["deprecated"] = bool(made["deprecated"])
    return {go_name(name): value for name, value in made.items()}
