"""The rules for the schemas of a definition: their structure, their defaults and their keywords.

Source: k8s.io/apiextensions-apiserver ``pkg/apis/apiextensions/validation/validation.go``,
``pkg/apiserver/schema/{validation,complete}.go``, ``pkg/apiserver/schema/defaulting/validation.go``.
"""

import copy
from collections.abc import Iterator

from kube_embedded.machinery.golang import patterns
from kube_embedded.machinery.golang.quote import go_quote
from kube_embedded.machinery.work import charge

from ..errors import FieldErrors
from .formats import is_known
from .structural import (
    EMBEDDED,
    INT_OR_STRING,
    LIST_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    PRESERVE,
    Schema,
    prune,
)
from .values import check_value

RULES = "x-kubernetes-validations"
TYPES = ("array", "boolean", "integer", "number", "object", "string")
ALTERNATIVES = ("not", "allOf", "oneOf", "anyOf")
SUBSCHEMAS = ("additionalProperties", "properties", *ALTERNATIVES, "items")
"""The keywords that hold schemas, in the order in which the real server reports their errors."""
UNSUPPORTED = ("id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref")
EXTENSIONS = (
    (MAP_TYPE, "object", ("atomic", "granular")),
    (LIST_TYPE, "array", ("atomic", "set", "map")),
)
"""Keywords that only one type may have, with their values."""
EITHER = [{"type": "integer"}, {"type": "string"}]
"""The allowed ``anyOf`` of an int-or-string."""
ROOT = "at the root"
ITEM = "for specified array items"
FIELD = "for specified object fields"
NESTED = "in an alternative"
NOT_NESTED = {
    "empty": ("type", "title", "description", LIST_KEYS, RULES),
    "undefined": ("additionalProperties", "default", LIST_TYPE, MAP_TYPE),
    "false": ("nullable", PRESERVE, EMBEDDED, INT_OR_STRING),
}
"""The keywords that alternatives must not have."""
META_TYPES = {"kind": "string", "apiVersion": "string", "metadata": "object"}
SCHEMA_COST = 200
CEL_WARNING = "{field}: validation rules are kept but not evaluated by this server"


def children(schema: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Yield the schemas directly in a schema: keyword, path from here, schema."""
    for keyword in SUBSCHEMAS:
        value = schema.get(keyword)
        if keyword == "properties":
            for name, below in sorted((value or {}).items()):
                yield keyword, f".properties[{name}]", below
        elif keyword in ALTERNATIVES[1:]:
            for index, below in enumerate(value or ()):
                yield keyword, f".{keyword}[{index}]", below
        elif isinstance(value, dict):
            yield keyword, f".{keyword}", value


def nodes(schema: Schema) -> Iterator[Schema]:
    """A schema and all schemas in it."""
    yield schema
    for *_, below in children(schema):
        yield from nodes(below)


def check_schema(schema: Schema, path: str, errors: FieldErrors) -> None:
    """Check the schema of a version, or of all versions."""
    if schema.get("nullable"):
        errors.forbidden(f"{path}.nullable", "nullable cannot be true at the root")
    # The real server cannot convert a schema with unsupported keywords to a structural one.
    if not any(node.get(keyword) for node in nodes(schema) for keyword in UNSUPPORTED):
        structure = FieldErrors()
        _check_structure(schema, path, structure, ROOT)
        # Go walks maps in random order here, and so sorts the errors.
        structure.sort(key=lambda cause: f"{cause['field']}: {cause['message']}")
        if not structure:
            _check_defaults(schema, path, structure)
        errors += structure
    _check_keywords(schema, path, errors)


def _require(value: str | None, path: str, wanted: str, why: str, errors: FieldErrors) -> None:
    detail = f"must be {wanted} if {why}"
    if not value:
        errors.required(path, detail)
    elif value != wanted:
        errors.invalid(path, value, detail)


def _check_structure(
    schema: Schema, path: str, errors: FieldErrors, level: str, *, either: bool = True
) -> None:
    """Check that a schema is structural.

    ``either``: the alternatives of an int-or-string are allowed here.
    """
    charge(SCHEMA_COST)
    nested = level == NESTED
    for keyword, step, below in children(schema):
        if keyword in ALTERNATIVES:
            if either and keyword == "anyOf" and schema["anyOf"] == EITHER:
                continue
            # An int-or-string with other alternatives has its two types in the first of "allOf".
            first = either and step == ".allOf[0]" and below.get("anyOf") == EITHER
            _check_structure(below, path + step, errors, NESTED, either=first)
        elif nested:
            if keyword != "additionalProperties":
                _check_structure(below, path + step, errors, NESTED, either=False)
        else:
            _check_structure(below, path + step, errors, ITEM if keyword == "items" else FIELD)
    pattern = schema.get("pattern")
    problem = patterns.problem_of(pattern) if pattern else ""
    if problem:
        detail = f"must be a valid regular expression, but isn't: error parsing regexp: {problem}"
        errors.invalid(f"{path}.pattern", pattern, detail)
    if nested:
        _check_alternative(schema, path, errors)
    else:
        _check_level(schema, path, errors, level)


def _check_alternative(schema: Schema, path: str, errors: FieldErrors) -> None:
    for word, names in NOT_NESTED.items():
        for name in names:
            value = schema.get(name)
            # An empty schema and a default such as 0 count, unlike other empty values.
            empty = {"additionalProperties": value == {}, "default": value is not None}
            if value or empty.get(name):
                errors.forbidden(f"{path}.{name}", f"must be {word} to be structural")
    if "metadata" in (schema.get("properties") or {}):
        detail = "must not be specified in a nested context"
        errors.forbidden(f"{path}.properties[metadata]", detail)


def _check_level(schema: Schema, path: str, errors: FieldErrors, level: str) -> None:
    preserve = bool(schema.get(PRESERVE))
    properties = schema.get("properties") or {}
    form = schema.get("type", "")
    if form == "array" and schema.get("items") is None:
        errors.required(f"{path}.items", "must be specified")
    if schema.get(INT_OR_STRING) and preserve:
        errors.invalid(f"{path}.{PRESERVE}", True, f"must be false if {INT_OR_STRING} is true")
    if schema.get(EMBEDDED):
        _require(form, f"{path}.type", "object", f"{EMBEDDED} is true", errors)
        if schema.get("additionalProperties") is not None:
            detail = f"must not be used if {EMBEDDED} is set"
            errors.forbidden(f"{path}.additionalProperties", detail)
        if not preserve and not properties:
            detail = f"must not be empty if {EMBEDDED} is true without {PRESERVE}"
            errors.required(f"{path}.properties", detail)
    elif not form and not schema.get(INT_OR_STRING) and not preserve:
        errors.required(f"{path}.type", f"must not be empty {level}")
    if level == ROOT:
        if schema.get("additionalProperties") is not None:
            errors.forbidden(f"{path}.additionalProperties", "must not be used at the root")
        if form and form != "object":
            errors.invalid(f"{path}.type", form, "must be object at the root")
        for name, expected in META_TYPES.items():
            own = properties.get(name, {"type": expected}).get("type", "")
            if own != expected:
                errors.invalid(f"{path}.properties[{name}].type", own, f"must be {expected}")


def _check_defaults(schema: Schema, path: str, errors: FieldErrors) -> None:
    """Check that the defaults in a schema are values of their own schemas."""
    if schema.get("default") is not None:
        _check_default(schema["default"], schema, f"{path}.default", errors)
    for keyword, step, below in children(schema):
        if keyword in ("items", "properties"):
            _check_defaults(below, path + step, errors)


def _check_default(default: object, schema: Schema, path: str, errors: FieldErrors) -> None:
    pruned = copy.deepcopy(default)
    unknown: list[str] = []
    prune(pruned, schema, unknown)
    if unknown:
        errors.invalid(path, default, "must not have unknown fields")
    check_value(schema, default, errors, path)


def _check_keywords(schema: Schema, path: str, errors: FieldErrors) -> None:
    """Check the keywords of a schema and of those in it."""
    _check_standard(schema, path, errors)
    for _, step, below in children(schema):
        _check_keywords(below, path + step, errors)
    if schema.get(PRESERVE) is False:
        errors.invalid(f"{path}.{PRESERVE}", False, "must be true or undefined")
    for name, form, choices in EXTENSIONS:
        value = schema.get(name)
        if value is not None and schema.get("type", "") != form:
            _require(schema.get("type"), f"{path}.type", form, f"{name} is specified", errors)
        errors.check_choice(f"{path}.{name}", value, choices)
    _check_list(schema, path, errors)
    for index, rule in enumerate(schema.get(RULES) or ()):
        # Rules are not evaluated, so the rest of their form does not matter.
        if not rule.get("rule", "").strip():
            errors.required(f"{path}.{RULES}[{index}].rule", "rule is not specified")


def _check_standard(schema: Schema, path: str, errors: FieldErrors) -> None:
    form = schema.get("type", "")
    errors.check_choice(f"{path}.type", form or None, TYPES)
    for name in UNSUPPORTED:
        if schema.get(name):
            errors.forbidden(f"{path}.{name}", f"{name} is not supported")
    if form == "null":
        detail = "type cannot be set to null, use nullable as an alternative"
        errors.forbidden(f"{path}.type", detail)
    if isinstance(schema.get("items"), list):
        errors.forbidden(f"{path}.items", "items must be a schema object and not an array")
    if schema.get("uniqueItems"):
        detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        errors.forbidden(f"{path}.uniqueItems", detail)
    if schema.get("properties") and schema.get("additionalProperties") not in (None, True):
        detail = "additionalProperties and properties are mutual exclusive"
        errors.forbidden(f"{path}.additionalProperties", detail)


def _check_list(schema: Schema, path: str, errors: FieldErrors) -> None:
    kind = schema.get(LIST_TYPE)
    keys = schema.get(LIST_KEYS) or []
    items = schema.get("items")
    if keys:
        _require(kind, f"{path}.{LIST_TYPE}", "map", f"{LIST_KEYS} is non-empty", errors)
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
        listed = f"this property is in {LIST_KEYS}, so it"
        if below is None:
            continue
        if key not in (items.get("required") or ()) and below.get("default") is None:
            detail = f"{listed} must have a default or be a required property"
            errors.required(f"{place}.default", detail)
        if below.get("nullable"):
            errors.forbidden(f"{place}.nullable", f"{listed} cannot be nullable")


def _check_keys(keys: list[str], items: Schema, path: str, errors: FieldErrors) -> None:
    for index, key in enumerate(keys):
        below = (items.get("properties") or {}).get(key)
        if below is None:
            detail = "entries must all be names of item properties"
            errors.invalid(f"{path}.{LIST_KEYS}", keys, detail)
        elif below.get("type") in ("array", "object"):
            detail = f"must be a scalar type if parent array's {LIST_TYPE} is map"
            # "object" also for an array, as in the real server.
            errors.invalid(f"{path}.items.properties[{key}].type", "object", detail)
        if key in keys[:index]:
            errors.invalid(f"{path}.{LIST_KEYS}", keys, "must not contain duplicate entries")


def unknown_formats(schema: Schema) -> list[str]:
    """The warnings for formats that are not checked."""
    return [
        f"unrecognized format {go_quote(node['format'])}"
        for node in nodes(schema)
        if node.get("format") and not is_known(node["format"], node.get("type", ""))
    ]


def rule_warnings(schema: Schema, path: str) -> list[str]:
    """One warning for a schema with rules, which are not evaluated."""
    ruled = any(node.get(RULES) for node in nodes(schema))
    return [CEL_WARNING.format(field=path)] if ruled else []
