"""OpenAPI documents of custom kinds: the schemas of their definitions, with what every object has.

Source: k8s.io/apiextensions-apiserver ``pkg/controller/openapi/builder``.
"""

from collections.abc import Iterable

import orjson

from ...machinery.kinds import CustomKind
from ...machinery.request import Object
from .components import META, components, described, model_name, reference
from .descriptions import describe
from .documents import path_v2, rewritten, share_parameters
from .paths import ANY, paths

TITLE = {"title": "Kubernetes CRD Swagger", "version": "v0.1.0"}
DEFINITIONS = "#/definitions/"
ROOTS = (
    "meta.v1.ObjectMeta",
    "meta.v1.ListMeta",
    "meta.v1.Status",
    "meta.v1.DeleteOptions",
    "autoscaling.v1.Scale",
)
FORMS = ("application/json", "application/yaml")
MISSING = "application/strategic-merge-patch+json"
INT_OR_STRING, EMBEDDED = "x-kubernetes-int-or-string", "x-kubernetes-embedded-resource"
PRESERVE = "x-kubernetes-preserve-unknown-fields"
EITHER = [{"type": "integer"}, {"type": "string"}]
ALTERNATIVES = ("allOf", "anyOf", "oneOf", "not")
CONVENTIONS = (
    "More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"
)


def documents(kinds: Iterable[CustomKind]) -> dict[str, bytes]:
    """The documents of version 3 by name, one for each group version."""
    versions: dict[str, list[CustomKind]] = {}
    for kind in kinds:
        versions.setdefault(f"apis/{kind.group_version}", []).append(kind)
    return {name: _document(rows) for name, rows in versions.items()}


def _document(kinds: list[CustomKind]) -> bytes:
    schemas = components(ROOTS)
    own: dict[str, Object] = {}
    for kind in kinds:
        schemas |= models(kind)
        own |= own_paths(kind)
    parts = {"schemas": dict(sorted(schemas.items()))}
    return orjson.dumps({"openapi": "3.0.0", "info": TITLE, "paths": own, "components": parts})


def own_paths(kind: CustomKind) -> dict[str, Object]:
    """Return the paths of a custom kind, with its media types and responses, and without the deprecated watches."""
    root = f"/apis/{kind.group_version}/"
    items = {
        path: item
        for path, item in paths([kind]).items()
        if path != root and not path.startswith(f"{root}watch/")
    }
    for item in items.values():
        for method, operation in item.items():
            if method == "parameters":
                continue
            operation["x-kubernetes-group-version-kind"] = _gvk(kind, kind.kind)
            # The builder for custom kinds leaves these out, unlike the installer for built-in ones.
            if operation["x-kubernetes-action"] == "deletecollection":
                del operation["requestBody"]
            elif method == "patch":
                del operation["requestBody"]["content"][MISSING], operation["responses"]["201"]
            elif method != "get":
                _limit_forms(operation["requestBody"])
            for answer in operation["responses"].values():
                _limit_forms(answer)
    return items


def _limit_forms(holder: Object) -> None:
    if "content" in holder:
        holder["content"] = dict.fromkeys(FORMS, next(iter(holder["content"].values())))


def with_custom(document: Object, kinds: Iterable[CustomKind]) -> Object:
    """The document of version 2 with custom kinds."""
    definitions = dict(document["definitions"])
    own: dict[str, Object] = {}
    for kind in kinds:
        for name, schema in models(kind, older=True).items():
            definitions[name] = rewritten(schema)
        own |= {path: path_v2(item) for path, item in own_paths(kind).items()}
    for item in own.values():
        for operation in item.values():
            if isinstance(operation, dict) and operation["consumes"] == ANY:
                operation["consumes"] = list(FORMS)
    parameters = {**document["parameters"], **share_parameters(own)}
    return {
        **document,
        "paths": {**document["paths"], **own},
        "definitions": dict(sorted(definitions.items())),
        "parameters": dict(sorted(parameters.items())),
    }


def models(kind: CustomKind, *, older: bool = False) -> dict[str, Object]:
    """The components of a kind and of its list; ``older`` for version 2, which has no alternatives."""
    holder = kind.version_spec.get("schema") or {}
    schema: Object | None = holder.get("openAPIV3Schema")
    # Clients of version 2 would take "preserve" for a closed object, and refuse what the server accepts.
    if schema is None or (older and (schema.get(PRESERVE) or kind.schema.get(PRESERVE))):
        model: Object = {"type": "object"}
    else:
        model = _schema(schema, older)
        model["properties"] = _object_fields(model.get("properties") or {})
    model["x-kubernetes-group-version-kind"] = [_gvk(kind, kind.kind)]
    items = {
        "type": "array",
        "items": reference(model_name(kind, kind.kind)),
        "description": f"List of {kind.plural}. {CONVENTIONS}",
    }
    metadata = {"allOf": [reference(f"{META}ListMeta")]}
    listed: Object = {
        "type": "object",
        "description": f"{kind.list_kind} is a list of {kind.kind}",
        "required": ["items"],
        "properties": {**_type_fields(), "items": items, "metadata": metadata},
        "x-kubernetes-group-version-kind": [_gvk(kind, kind.list_kind)],
    }
    fields = [
        {"fieldPath": field["jsonPath"].removeprefix(".")}
        for field in kind.version_spec.get("selectableFields", ())
    ]
    if fields:
        for published in (model, listed):
            published["x-kubernetes-selectable-fields"] = fields
    return {model_name(kind, kind.kind): model, model_name(kind, kind.list_kind): listed}


def _gvk(kind: CustomKind, name: str) -> Object:
    return {"group": kind.group, "kind": name, "version": kind.version}


def _type_fields() -> Object:
    about = describe("core.v1.ConfigMap").fields
    # Some versions of the client's models call the field by its name in Python.
    texts = {
        "apiVersion": about.get("apiVersion", about.get("api_version", "")),
        "kind": about.get("kind", ""),
    }
    return {name: described({"type": "string"}, text) for name, text in texts.items()}


def _object_fields(properties: Object) -> Object:
    about = f"Standard object's metadata. {CONVENTIONS}#metadata"
    metadata: Object = {"description": about, "allOf": [reference(f"{META}ObjectMeta")]}
    return dict(sorted({**properties, **_type_fields(), "metadata": metadata}.items()))


def _schema(schema: Object, older: bool) -> Object:
    """A schema as it is published: either type of an int-or-string, and the fields of an embedded object."""
    # Go omits false values, except where they are significant.
    published = {
        name: value
        for name, value in schema.items()
        if value is not False or name == "additionalProperties"
    }
    for name in ("items", "additionalProperties"):
        if isinstance(published.get(name), dict):
            published[name] = _schema(published[name], older)
    if isinstance(published.get("properties"), dict):
        properties = sorted(published["properties"].items())
        published["properties"] = {name: _schema(below, older) for name, below in properties}
    if older:
        published = _older(published)
    elif published.get(INT_OR_STRING):
        alternatives = published.get("anyOf")
        first = [choice.get("anyOf") for choice in (published.get("allOf") or ())[:1]]
        # Clients know no int-or-string, but they know alternatives.
        if EITHER not in (alternatives, *first):
            if alternatives:
                published["allOf"] = [{"anyOf": EITHER}, *published.get("allOf", ())]
            else:
                published["anyOf"] = EITHER
    if published.get(EMBEDDED) and not (older and published.get(PRESERVE)):
        published["properties"] = _object_fields(published.get("properties") or {})
        required = published.get("required", ())
        missing = [name for name in ("kind", "apiVersion") if name not in required]
        published["required"] = [*required, *missing]
    return published


def _older(schema: Object) -> Object:
    """A schema without the keywords that version 2 does not have."""
    dropped = {*ALTERNATIVES, "default", "nullable"}
    nullable = schema.get("nullable", False)
    preserve = schema.get(PRESERVE)
    # Version 2 has no way to allow null, so such a field allows any value.
    if nullable or preserve:
        dropped |= {"items", "properties"}
    untyped = nullable or (preserve and schema.get("type") == "object")
    if untyped or (schema.get("type") == "array" and "items" not in schema.keys() - dropped):
        dropped.add("type")
    return {name: value for name, value in schema.items() if name not in dropped}
