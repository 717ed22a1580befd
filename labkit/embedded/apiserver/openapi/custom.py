"""OpenAPI documents of custom kinds: the schemas of their definitions, with what every object has.

Source: k8s.io/apiextensions-apiserver ``pkg/controller/openapi/builder``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from labkit.embedded.apiserver.openapi.components import META, components, model_name, reference
from labkit.embedded.apiserver.openapi.descriptions import describe
from labkit.embedded.apiserver.openapi.documents import path_v2, rewritten, share_parameters
from labkit.embedded.apiserver.openapi.paths import ANY, paths
from labkit.embedded.machinery.kinds import CustomKind
from labkit.embedded.machinery.request import Object

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
    found: dict[str, list[CustomKind]] = {}
    for kind in kinds:
        found.setdefault(f"apis/{kind.group_version}", []).append(kind)
    return {name: _document(rows) for name, rows in found.items()}


def _document(kinds: list[CustomKind]) -> bytes:
    schemas, found = components(ROOTS), dict[str, Object]()
    for kind in kinds:
        schemas |= models(kind)
        found |= own_paths(kind)
    parts = {"schemas": {name: schemas[name] for name in sorted(schemas)}}
    return orjson.dumps({"openapi": "3.0.0", "info": TITLE, "paths": found, "components": parts})


def own_paths(kind: CustomKind) -> dict[str, Object]:
    """The paths of a custom kind, with the media types and answers that it has; no deprecated watches."""
    root = f"/apis/{kind.group_version}/"
    found = {
        path: item
        for path, item in paths([kind]).items()
        if path != root and not path.startswith(f"{root}watch/")
    }
    for item in found.values():
        for method, operation in item.items():
            if method == "parameters":
                continue
            operation["x-kubernetes-group-version-kind"] = _gvk(kind, kind.kind)
            if operation["x-kubernetes-action"] == "deletecollection":
                del operation["requestBody"]
            elif method == "patch":
                del operation["requestBody"]["content"][MISSING], operation["responses"]["201"]
            elif method != "get":
                _limit_forms(operation["requestBody"])
            for answer in operation["responses"].values():
                _limit_forms(answer)
    return found


def _limit_forms(holder: Object) -> None:
    if "content" in holder:
        holder["content"] = dict.fromkeys(FORMS, next(iter(holder["content"].values())))


def with_custom(document: Object, kinds: Iterable[CustomKind]) -> Object:
    """The document of version 2 with custom kinds."""
    definitions, found = dict(document["definitions"]), dict[str, Object]()
    for kind in kinds:
        definitions |= {
            name: rewritten(schema) for name, schema in models(kind, older=True).items()
        }
        found |= {path: path_v2(item) for path, item in own_paths(kind).items()}
    for operation in (
        each for item in found.values() for each in item.values() if isinstance(each, dict)
    ):
        if operation["consumes"] == ANY:
            operation["consumes"] = list(FORMS)
    parameters = {**document["parameters"], **share_parameters(found)}
    return {
        **document,
        "paths": {**document["paths"], **found},
        "definitions": {name: definitions[name] for name in sorted(definitions)},
        "parameters": {name: parameters[name] for name in sorted(parameters)},
    }


def models(kind: CustomKind, *, older: bool = False) -> dict[str, Object]:
    """The components of a kind and of its list; ``older`` for version 2, which has no alternatives."""
    schema = kind.version_spec.get("schema") or {}
    given: Object | None = schema.get("openAPIV3Schema")
    if given is None or (older and (given.get(PRESERVE) or kind.schema.get(PRESERVE))):
        made: Object = {"type": "object"}
    else:
        made = _schema(given, older)
        made["properties"] = _object_fields(made.get("properties") or {})
    made["x-kubernetes-group-version-kind"] = [_gvk(kind, kind.kind)]
    fields = [
        {"fieldPath": each["jsonPath"].removeprefix(".")}
        for each in kind.version_spec.get("selectableFields", ())
    ]
    selectable = {"x-kubernetes-selectable-fields": fields} if fields else {}
    items = {"type": "array", "items": reference(model_name(kind, kind.kind))}
    items["description"] = f"List of {kind.plural}. {CONVENTIONS}"
    listed = {
        "type": "object",
        "description": f"{kind.list_kind} is a list of {kind.kind}",
        "required": ["items"],
        "properties": {
            **_type_fields(),
            "items": items,
            "metadata": {"allOf": [reference(f"{META}ListMeta")]},
        },
        "x-kubernetes-group-version-kind": [_gvk(kind, kind.list_kind)],
    }
    return {
        model_name(kind, kind.kind): {**made, **selectable},
        model_name(kind, kind.list_kind): {**listed, **selectable},
    }


def _gvk(kind: CustomKind, name: str) -> Object:
    return {"group": kind.group, "kind": name, "version": kind.version}


def _type_fields() -> Object:
    about = describe("core.v1.ConfigMap").fields
    named = {
        "apiVersion": about.get("apiVersion", about.get("api_version", "")),
        "kind": about.get("kind", ""),
    }
    return {
        name: {"type": "string", **({"description": text} if text else {})}
        for name, text in named.items()
    }


def _object_fields(properties: Object) -> Object:
    about = f"Standard object's metadata. {CONVENTIONS}#metadata"
    metadata: Object = {"description": about, "allOf": [reference(f"{META}ObjectMeta")]}
    found = {**properties, **_type_fields(), "metadata": metadata}
    return {name: found[name] for name in sorted(found)}


def _schema(schema: Object, older: bool) -> Object:
    """A schema as it is published: either type of an int-or-string, and the fields of an embedded object."""
    made = {
        name: value
        for name, value in schema.items()
        if value is not False or name == "additionalProperties"
    }
    for name in ("items", "additionalProperties"):
        if isinstance(made.get(name), dict):
            made[name] = _schema(made[name], older)
    if isinstance(made.get("properties"), dict):
        made["properties"] = {
            name: _schema(made["properties"][name], older) for name in sorted(made["properties"])
        }
    if (
        made.get(INT_OR_STRING)
        and not older
        and EITHER not in (made.get("anyOf"), *_first_any_of(made))
    ):
        if made.get("anyOf"):
            made["allOf"] = [{"anyOf": EITHER}, *made.get("allOf", ())]
        else:
            made["anyOf"] = EITHER
    if older:
        made = _older(made)
    if made.get(EMBEDDED) and not (older and made.get(PRESERVE)):
        made["properties"] = _object_fields(made.get("properties") or {})
        made["required"] = [
            *made.get("required", ()),
            *({"kind", "apiVersion"} - set(made.get("required", ()))),
        ]
    return made


def _first_any_of(schema: Object) -> Iterator[Any]:
    for each in (schema.get("allOf") or ())[:1]:
        yield each.get("anyOf")


def _older(schema: Object) -> Object:
    made = {
        name: value
        for name, value in schema.items()
        if name not in ALTERNATIVES and name != "default"
    }
    nullable = made.pop("nullable", False)
    if nullable or made.get(PRESERVE):
        made = {name: value for name, value in made.items() if name not in ("items", "properties")}
    untyped = nullable or (made.get(PRESERVE) and made.get("type") == "object")
    if untyped or (made.get("type") == "array" and "items" not in made):
        made.pop("type", None)
    return made
