"""The rules for the schema of a definition beyond its structure.

Source: k8s.io/apiextensions-apiserver ``pkg/apis/apiextensions/validation/validation.go``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from labkit.embedded.apiserver.registry.custom.formats import is_known
from labkit.embedded.apiserver.registry.custom.internal_form import AT_ROOT, GO_NAMES, internal
from labkit.embedded.apiserver.registry.custom.structural import (
    EMBEDDED,
    LIST_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    META_FIELDS,
    PRESERVE,
    Schema,
)
from labkit.embedded.apiserver.registry.custom.structure import (
    RULES,
    check_defaults,
    structural_errors,
)
from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.machinery.golang.quote import go_quote

TYPES = ("array", "boolean", "integer", "number", "object", "string")
UNSUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
REASONS = ("FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired")
FIELD_STEP = re.compile(r"\.([^.\[\]]+)|\['([^']*)'\]")
LINE_BREAK = re.compile(r"[\n\r]")
CEL_WARNING = "{field}: validation rules are kept but not evaluated by this server"


def check_schema(schema: Schema, path: str, status: bool, errors: FieldErrors) -> None:
    """Check the schema of a version, or of all versions; ``status`` says whether the status is a subresource."""
    found = FieldErrors()
    if status:
        _check_root(schema, path, found)
    if schema.get("nullable"):
        found.forbidden(f"{path}.nullable", "nullable cannot be true at the root")
    unsupported = next(
        (name for each in nodes(schema) for name in UNSUPPORTED if each.get(name)), ""
    )
    if not unsupported:
        structure = structural_errors(schema, path)
        if not structure:
            check_defaults(schema, path, structure)
        found += structure
    _check_node(schema, path, found, root=True)
    errors += found


def _check_root(schema: Schema, path: str, errors: FieldErrors) -> None:
    for name, go_name in GO_NAMES.items():
        value = schema.get(name)
        if value in (None, "", False, [], {}):
            continue
        if name == "type":
            if value != "object":
                detail = 'only "object" is allowed as the type at the root of the schema'
                errors.invalid(
                    f"{path}.type", value, f"{detail} if the status subresource is enabled"
                )
                return
        elif go_name not in AT_ROOT:
            allowed = f"only [{' '.join(AT_ROOT)}] fields are allowed at the root of the schema"
            errors.invalid(
                path, internal(schema), f"{allowed} if the status subresource is enabled"
            )
            return


def nodes(schema: Schema) -> Iterator[Schema]:
    """A schema and all schemas in it."""
    yield schema
    for name in ("items", "not", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from nodes(schema[name])
    for name in ("allOf", "anyOf", "oneOf"):
        for each in schema.get(name) or ():
            yield from nodes(each)
    for _, each in sorted((schema.get("properties") or {}).items()):
        yield from nodes(each)


def unknown_formats(schema: Schema) -> list[str]:
    """The warnings for formats that are not checked."""
    given = ((each.get("format", ""), each.get("type", "")) for each in nodes(schema))
    return [
        f"unrecognized format {go_quote(form)}"
        for form, type_ in given
        if form and not is_known(form, type_)
    ]


def _check_node(
    schema: Schema,
    path: str,
    errors: FieldErrors,
    *,
    root: bool = False,
    meta: bool = False,
    reason: str = "",
) -> None:
    """Check one schema and those in it.

    ``meta``: inside the metadata of an object; ``reason``: why it may have no defaults.
    """
    _check_standard(schema, path, errors, meta, reason)
    if schema.get("uniqueItems"):
        detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        errors.forbidden(f"{path}.uniqueItems", detail)
    more, properties = schema.get("additionalProperties"), schema.get("properties") or {}
    if more is not None:
        if properties and more is not True:
            detail = "additionalProperties and properties are mutual exclusive"
            errors.forbidden(f"{path}.additionalProperties", detail)
        if isinstance(more, dict):
            why = "inside additionalProperties applying to object metadata" if meta else reason
            _check_node(more, f"{path}.additionalProperties", errors, meta=meta, reason=why)
    for name, below in sorted(properties.items()):
        inside = (root or bool(schema.get(EMBEDDED))) and name in META_FIELDS
        why = f"in top-level {name}" if inside and root else reason
        _check_node(below, f"{path}.properties[{name}]", errors, meta=meta or inside, reason=why)
    if schema.get("not") is not None:
        _check_node(schema["not"], f"{path}.not", errors, meta=meta, reason=reason)
    for word in ("allOf", "oneOf", "anyOf"):
        for index, each in enumerate(schema.get(word) or ()):
            _check_node(each, f"{path}.{word}[{index}]", errors, meta=meta, reason=reason)
    if isinstance(schema.get("items"), dict):
        _check_node(schema["items"], f"{path}.items", errors, meta=meta, reason=reason)
    if schema.get(PRESERVE) is False:
        errors.invalid(f"{path}.{PRESERVE}", False, "must be true or undefined")
    _check_typed(schema, MAP_TYPE, "object", ("atomic", "granular"), path, errors)
    _check_typed(schema, LIST_TYPE, "array", ("atomic", "set", "map"), path, errors)
    _check_list(schema, path, errors)
    for index, rule in enumerate(schema.get(RULES) or ()):
        _check_rule(rule, schema, f"{path}.{RULES}[{index}]", errors)


def _check_standard(
    schema: Schema, path: str, errors: FieldErrors, meta: bool, reason: str
) -> None:
    form = schema.get("type", "")
    if form and form not in TYPES:
        errors.not_supported(f"{path}.type", form, sorted(TYPES))
    if schema.get("default") is not None and reason:
        errors.forbidden(f"{path}.default", f"must not be set {reason}")
    for name in UNSUPPORTED:
        if schema.get(name):
            errors.forbidden(f"{path}.{name}", f"{name} is not supported")
    if form == "null":
        errors.forbidden(
            f"{path}.type", "type cannot be set to null, use nullable as an alternative"
        )
    if isinstance(schema.get("items"), list):
        errors.forbidden(f"{path}.items", "items must be a schema object and not an array")
    if meta and schema.get(EMBEDDED):
        errors.forbidden(f"{path}.{EMBEDDED}", "must not be used inside of resource meta")


def _check_typed(
    schema: Schema, name: str, type_: str, choices: tuple[str, ...], path: str, errors: FieldErrors
) -> None:
    """Check an extension that only one type may have."""
    value, form = schema.get(name), schema.get("type", "")
    if value is None:
        return
    if form != type_:
        detail = f"must be {type_} if {name} is specified"
        if form:
            errors.invalid(f"{path}.type", form, detail)
        else:
            errors.required(f"{path}.type", detail)
    elif value == "set" and isinstance(schema.get("items"), dict):
        items = schema["items"]
        inner = {"array": LIST_TYPE, "object": MAP_TYPE}.get(items.get("type", ""), "")
        assumed = "atomic" if inner == LIST_TYPE else None
        if inner and items.get(inner, assumed) != "atomic":
            detail = f"must be atomic as item of a list with {LIST_TYPE}=set"
            errors.invalid(f"{path}.items.{inner}", items.get(LIST_TYPE), detail)
    if value not in choices:
        errors.not_supported(f"{path}.{name}", value, choices)


def _check_list(schema: Schema, path: str, errors: FieldErrors) -> None:
    kind, keys, items = schema.get(LIST_TYPE), schema.get(LIST_KEYS) or [], schema.get("items")
    if keys and kind is None:
        errors.required(f"{path}.{LIST_TYPE}", f"must be map if {LIST_KEYS} is non-empty")
    elif keys and kind != "map":
        errors.invalid(f"{path}.{LIST_TYPE}", kind, f"must be map if {LIST_KEYS} is non-empty")
    if kind == "map":
        if not keys:
            errors.required(f"{path}.{LIST_KEYS}", f"must not be empty if {LIST_TYPE} is map")
        if items is None:
            errors.required(f"{path}.items", f"must have a schema if {LIST_TYPE} is map")
        elif isinstance(items, dict) and items.get("type", "") != "object":
            detail = f"must be object if parent array's {LIST_TYPE} is map"
            errors.invalid(f"{path}.items.type", items.get("type", ""), detail)
        elif isinstance(items, dict):
            _check_keys(keys, items, path, errors)
    if kind not in ("set", "map") or not isinstance(items, dict):
        return
    if items.get("nullable"):
        errors.forbidden(f"{path}.items.nullable", f"cannot be nullable when {LIST_TYPE} is {kind}")
    for key in keys if kind == "map" else ():
        below = (items.get("properties") or {}).get(key)
        place = f"{path}.items.properties[{key}]"
        if below is None:
            continue
        if key not in (items.get("required") or ()) and below.get("default") is None:
            detail = f"this property is in {LIST_KEYS}, so it must have a default or be a required property"
            errors.required(f"{place}.default", detail)
        if below.get("nullable"):
            errors.forbidden(
                f"{place}.nullable", f"this property is in {LIST_KEYS}, so it cannot be nullable"
            )


def _check_keys(keys: list[str], items: Schema, path: str, errors: FieldErrors) -> None:
    seen: set[str] = set()
    for key in keys:
        below = (items.get("properties") or {}).get(key)
        if below is None:
            errors.invalid(
                f"{path}.{LIST_KEYS}", keys, "entries must all be names of item properties"
            )
        elif below.get("type") in ("array", "object"):
            detail = f"must be a scalar type if parent array's {LIST_TYPE} is map"
            errors.invalid(f"{path}.items.properties[{key}].type", "object", detail)
        if key in seen:
            errors.invalid(f"{path}.{LIST_KEYS}", keys, "must not contain duplicate entries")
        seen.add(key)


def _check_rule(rule: Schema, schema: Schema, path: str, errors: FieldErrors) -> None:
    """Check the form of a rule, whose expression is not read."""
    text, message, expression = (
        rule.get(name, "") for name in ("rule", "message", "messageExpression")
    )
    if not text.strip():
        errors.required(f"{path}.rule", "rule is not specified")
    elif message and not message.strip():
        errors.invalid(f"{path}.message", message, "must be non-empty if specified")
    elif LINE_BREAK.search(message.strip()):
        errors.invalid(f"{path}.message", message, "must not contain line breaks")
    elif LINE_BREAK.search(text.strip()) and not message.strip():
        errors.required(f"{path}.message", "message must be specified if rule contains line breaks")
    if expression and not expression.strip():
        errors.required(
            f"{path}.messageExpression", "messageExpression must be non-empty if specified"
        )
    if rule.get("reason") is not None:
        errors.check_choice(f"{path}.reason", rule["reason"], REASONS)
    place = rule.get("fieldPath", "")
    if place and not place.strip():
        errors.invalid(f"{path}.fieldPath", place, "must be non-empty if specified")
    if LINE_BREAK.search(place):
        errors.invalid(f"{path}.fieldPath", place, "must not contain line breaks")
    if place and field_at(place, schema, named=True)[1]:
        errors.invalid(f"{path}.fieldPath", place, "must be a valid path")


def field_at(path: str, schema: Schema, *, named: bool = False) -> tuple[Schema, str]:
    """The schema of the field at a path, and what is wrong with the path; ``named``: ``['a']`` is a step too."""
    rest = path
    while rest:
        found = FIELD_STEP.match(rest)
        if rest[0] == "[" and not named:
            return {}, "array notation is not allowed"
        if rest[0] not in "[.":
            return {}, f"expected [ or . but got: {re.split(r'[.[]', rest)[0]}"
        if found is None:
            return {}, "unexpected end of JSON path"
        properties, more = schema.get("properties"), schema.get("additionalProperties")
        below = (properties or {}).get(found[1] or found[2]) if properties else more
        if not isinstance(below, dict):
            return {}, "does not refer to a valid field"
        schema, rest = below, rest[found.end() :]
    return schema, ""


def rule_warnings(schema: Schema, path: str) -> list[str]:
    """One warning for a schema with rules, which are not evaluated."""
    return (
        [CEL_WARNING.format(field=path)] if any(each.get(RULES) for each in nodes(schema)) else []
    )
