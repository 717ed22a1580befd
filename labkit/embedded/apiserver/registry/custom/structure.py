"""The rules that make a schema structural, and those for its defaults.

Source: k8s.io/apiextensions-apiserver ``pkg/apiserver/schema/{validation,complete}.go``,
``pkg/apiserver/schema/defaulting/validation.go``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

from labkit.embedded.apiserver.registry.custom.structural import (
    EMBEDDED,
    INT_OR_STRING,
    LIST_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    PRESERVE,
    Schema,
    check_embedded,
    coerce_embedded,
    items_of,
    prune,
)
from labkit.embedded.apiserver.registry.custom.values import check_value
from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.machinery.golang import patterns
from labkit.embedded.machinery.schema.decoding import DecodeProblem
from labkit.embedded.machinery.work import charge

RULES = "x-kubernetes-validations"
EITHER = [{"type": "integer"}, {"type": "string"}]
"""The allowed ``anyOf`` of an int-or-string."""
ROOT, ITEM, FIELD = "at the root", "for specified array items", "for specified object fields"
IN_ALTERNATIVES = {
    "empty": ("type", "title", "description", LIST_KEYS, RULES),
    "undefined": ("additionalProperties", "default", LIST_TYPE, MAP_TYPE),
    "false": ("nullable", PRESERVE, EMBEDDED, INT_OR_STRING),
}
"""The keywords that are forbidden in ``allOf``, ``anyOf``, ``oneOf`` and ``not``."""
SCHEMA_COST = 200


def structural_errors(schema: Schema, path: str) -> FieldErrors:
    """The violations that keep a schema from being structural, sorted."""
    errors = FieldErrors()
    _check_node(schema, ROOT, path, errors)
    for place, nested in _alternatives(schema, path):
        _check_complete(nested, schema, path, place, errors)
    errors.sort(key=lambda cause: f"{cause['field']}: {cause['message']}")
    return errors


def _check_node(schema: Schema, level: str, path: str, errors: FieldErrors) -> None:
    charge(SCHEMA_COST)
    form, more = schema.get("type", ""), schema.get("additionalProperties")
    embedded, preserve = bool(schema.get(EMBEDDED)), bool(schema.get(PRESERVE))
    properties = schema.get("properties") or {}
    if form == "array" and schema.get("items") is None:
        errors.required(f"{path}.items", "must be specified")
    items = items_of(schema)
    if items is not None:
        _check_node(items, ITEM, f"{path}.items", errors)
    for name, below in properties.items():
        _check_node(below, FIELD, f"{path}.properties[{name}]", errors)
    if more is not None:
        if level == ROOT:
            errors.forbidden(f"{path}.additionalProperties", "must not be used at the root")
        if isinstance(more, dict):
            _check_node(more, FIELD, f"{path}.additionalProperties", errors)
    for name, wrong in ((PRESERVE, preserve), (EMBEDDED, embedded)):
        if schema.get(INT_OR_STRING) and wrong:
            errors.invalid(f"{path}.{name}", True, f"must be false if {INT_OR_STRING} is true")
    _check_alternatives(schema, level, path, errors, outermost=True)
    if embedded and form != "object":
        detail = f"must be object if {EMBEDDED} is true"
        if form:
            errors.invalid(f"{path}.type", form, detail)
        else:
            errors.required(f"{path}.type", detail)
    elif not form and not schema.get(INT_OR_STRING) and not preserve:
        errors.required(f"{path}.type", f"must not be empty {level}")
    if embedded and more is not None:
        errors.forbidden(f"{path}.additionalProperties", f"must not be used if {EMBEDDED} is set")
    if level == ROOT and form and form != "object":
        errors.invalid(f"{path}.type", form, "must be object at the root")
    if level == ROOT or embedded:
        for name, wanted in (("kind", "string"), ("apiVersion", "string"), ("metadata", "object")):
            if name in properties and properties[name].get("type", "") != wanted:
                place = f"{path}.properties[{name}].type"
                errors.invalid(place, properties[name].get("type", ""), f"must be {wanted}")
    if level == ROOT and _restricts(properties.get("metadata") or {}):
        detail = "must not specify anything other than name and generateName, but metadata is implicitly specified"
        errors.forbidden(f"{path}.properties[metadata]", detail)
    if embedded and not preserve and not properties:
        detail = f"must not be empty if {EMBEDDED} is true without {PRESERVE}"
        errors.required(f"{path}.properties", detail)


def _restricts(metadata: Schema) -> bool:
    """Whether a schema of metadata says more than something about its names."""
    others = {name for name, value in metadata.items() if value} - {"type", "default", "properties"}
    return bool(others or set(metadata.get("properties") or ()) - {"name", "generateName"})


def _alternatives(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """The schemas in ``not``, ``allOf``, ``anyOf`` and ``oneOf``, with their paths."""
    if schema.get("not") is not None:
        yield f"{path}.not", schema["not"]
    for name in ("allOf", "anyOf", "oneOf"):
        for index, each in enumerate(schema.get(name) or ()):
            yield f"{path}.{name}[{index}]", each


def _check_alternatives(
    schema: Schema, level: str, path: str, errors: FieldErrors, *, outermost: bool
) -> None:
    for place, nested in _alternatives(schema, path):
        if place.startswith(f"{path}.anyOf") and schema["anyOf"] == EITHER and outermost:
            continue
        first = outermost and place == f"{path}.allOf[0]" and nested.get("anyOf") == EITHER
        _check_nested(nested, level, place, errors, either=first)
    pattern = schema.get("pattern")
    problem = patterns.problem_of(pattern) if pattern else ""
    if problem:
        detail = f"must be a valid regular expression, but isn't: error parsing regexp: {problem}"
        errors.invalid(f"{path}.pattern", pattern, detail)


def _check_nested(
    schema: Schema, level: str, path: str, errors: FieldErrors, *, either: bool = False
) -> None:
    charge(SCHEMA_COST)
    _check_alternatives(schema, level, path, errors, outermost=either)
    items = items_of(schema)
    if items is not None:
        _check_nested(items, level, f"{path}.items", errors)
    for name, below in (schema.get("properties") or {}).items():
        _check_nested(below, FIELD, f"{path}.properties[{name}]", errors)
    for word, name in ((word, name) for word, names in IN_ALTERNATIVES.items() for name in names):
        value = schema.get(name)
        if (
            value
            or (name == "default" and value is not None)
            or (name == "additionalProperties" and value == {})
        ):
            errors.forbidden(f"{path}.{name}", f"must be {word} to be structural")
    if "metadata" in (schema.get("properties") or {}):
        errors.forbidden(
            f"{path}.properties[metadata]", "must not be specified in a nested context"
        )


def _check_complete(
    nested: Schema, schema: Schema | None, path: str, place: str, errors: FieldErrors
) -> None:
    """Check that the schema itself has each field and item that an alternative constrains."""
    if schema is None:
        errors.required(path, f"because it is defined in {place}")
        return
    for deeper, each in _alternatives(nested, place):
        _check_complete(each, schema, path, deeper, errors)
    items = items_of(nested)
    if items is not None:
        _check_complete(items, items_of(schema), f"{path}.items", f"{place}.items", errors)
    for name, below in (nested.get("properties") or {}).items():
        own = f"properties[{name}]"
        _check_complete(
            below,
            (schema.get("properties") or {}).get(name),
            f"{path}.{own}",
            f"{place}.{own}",
            errors,
        )


def check_defaults(schema: Schema, path: str, errors: FieldErrors, *, root: bool = True) -> None:
    """Check that the defaults in a schema are values of their own schemas."""
    default = schema.get("default")
    if default is not None:
        _check_default(default, schema, f"{path}.default", errors)
    items = items_of(schema)
    if items is not None:
        check_defaults(items, f"{path}.items", errors, root=False)
    for name, below in sorted((schema.get("properties") or {}).items()):
        check_defaults(below, f"{path}.properties[{name}]", errors, root=False)


def _check_default(default: object, schema: Schema, path: str, errors: FieldErrors) -> None:
    pruned, unknown = copy.deepcopy(default), list[str]()
    prune(pruned, schema, unknown)
    if unknown:
        errors.invalid(path, default, "must not have unknown fields")
    try:
        coerce_embedded(pruned, schema, [], path)
    except DecodeProblem as error:
        field, _, message = str(error).partition(": ")
        errors.add("FieldValueInvalid", field, message)
        return
    before = len(errors)
    check_embedded(default, schema, errors, path)
    if len(errors) == before:
        check_value(schema, default, errors, path)
