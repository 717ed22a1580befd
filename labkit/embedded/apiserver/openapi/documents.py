"""The documents: one per group version (v3), or all in one (v2)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import orjson

from labkit.embedded.apiserver.openapi.components import PREFIX, components
from labkit.embedded.apiserver.openapi.descriptions import models_version
from labkit.embedded.apiserver.openapi.discovery import Discovery
from labkit.embedded.apiserver.openapi.paths import paths
from labkit.embedded.apiserver.openapi.protobuf import encoded
from labkit.embedded.apiserver.openapi.version import GIT_VERSION, MAJOR, MINOR
from labkit.embedded.machinery.kinds import KINDS, SUBRESOURCE_KINDS, Kind
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema.tables import schemas

EVERYWHERE = ("meta.v1.DeleteOptions", "meta.v1.Status", "meta.v1.APIResourceList", "meta.v1.WatchEvent")
INFO = {"title": "Kubernetes", "version": f"{MAJOR}.{MINOR}"}
SERVED = Discovery(KINDS)


def names() -> list[str]:
    """The documents' names, such as ``api/v1`` and ``apis/apps/v1``."""
    found = [f"api/{version}" for version in SERVED.versions("")]
    for group in SERVED.groups:
        found += [f"apis/{group}/{version}" for version in SERVED.versions(group)]
    return sorted(found)


def document_hash(name: str) -> str:
    """A hash of a document's release and of its descriptions' source."""
    text = f"{GIT_VERSION}/{models_version()}/{name}"
    return hashlib.sha512(text.encode()).hexdigest().upper()


def index_v3() -> bytes:
    """``/openapi/v3``: the paths of the documents."""
    found = {name: {"serverRelativeURL": f"/openapi/v3/{name}?hash={document_hash(name)}"} for name in names()}
    return orjson.dumps({"paths": found})


@lru_cache(maxsize=4)
def document_v3(name: str) -> bytes | None:
    """``/openapi/v3/{name}``, None if there is no such document."""
    if name not in names():
        return None
    group, _, version = name.partition("/")[2].rpartition("/")
    kinds = SERVED.kinds(group, version)
    schemas_of = {"schemas": components(roots(kinds))}
    return orjson.dumps({"openapi": "3.0.0", "info": INFO, "paths": paths(kinds), "components": schemas_of})


@lru_cache(maxsize=1)
def document_v2() -> bytes:
    """``/openapi/v2``: everything in the older form."""
    return orjson.dumps(
        {
            "swagger": "2.0",
            "info": INFO,
            "paths": {path: _path_v2(item) for path, item in paths(KINDS).items()},
            "definitions": _rewritten(components(roots(KINDS)), _definition),
        }
    )


@lru_cache(maxsize=1)
def protobuf_v2() -> bytes:
    """The same in protobuf."""
    return encoded(orjson.loads(document_v2()))


def roots(kinds: Iterable[Kind]) -> list[str]:
    """The structs that some kinds' paths name."""
    wanted = list(EVERYWHERE)
    for kind in kinds:
        gvks = [(kind.group, kind.version, name) for name in (kind.kind, f"{kind.kind}List")]
        gvks += [SUBRESOURCE_KINDS[name] for name in kind.subresources if name in SUBRESOURCE_KINDS]
        wanted += [struct.name for gvk in gvks if (struct := schemas().of_kind(*gvk)) is not None]
    return list(dict.fromkeys(wanted))


def _rewritten(value: Any, change: Callable[[Object], Object]) -> Any:
    if isinstance(value, dict):
        return change({name: _rewritten(item, change) for name, item in value.items()})
    if isinstance(value, list):
        return [_rewritten(item, change) for item in value]
    return value


def _definition(schema: Object) -> Object:
    """Convert a schema to version 2: other references, no ``oneOf``, at most one entry in ``allOf``."""
    if isinstance(schema.get("$ref"), str):
        return {"$ref": schema["$ref"].replace(PREFIX, "#/definitions/")}
    if isinstance(schema.get("allOf"), list) and len(schema["allOf"]) == 1 and "$ref" in schema["allOf"][0]:
        rest = {name: value for name, value in schema.items() if name not in ("allOf", "default")}
        return {**rest, **schema["allOf"][0]}
    if isinstance(schema.get("oneOf"), list):
        return {"type": "string", **{name: value for name, value in schema.items() if name != "oneOf"}}
    return schema


def _path_v2(item: Object) -> Object:
    made: Object = {}
    for name, value in item.items():
        if name == "parameters":
            made[name] = [_parameter_v2(each) for each in value]
            continue
        operation = {key: each for key, each in value.items() if key not in ("requestBody", "responses")}
        parameters = [_parameter_v2(each) for each in value.get("parameters", ())]
        body = value.get("requestBody")
        if body is not None:
            schema = _rewritten(next(iter(body["content"].values()))["schema"], _definition)
            parameters.append({"name": "body", "in": "body", "schema": schema, "required": bool(body.get("required"))})
            operation["consumes"] = list(body["content"])
        operation["parameters"] = parameters
        operation["produces"] = ["application/json", "application/yaml"]
        operation["responses"] = {code: _answer_v2(each) for code, each in value["responses"].items()}
        made[name] = operation
    return made


def _parameter_v2(parameter: Object) -> Object:
    schema = parameter["schema"]
    return {**{key: each for key, each in parameter.items() if key != "schema"}, **schema}


def _answer_v2(answer: Object) -> Object:
    made: Object = {"description": answer["description"]}
    content = answer.get("content")
    if content:
        made["schema"] = _rewritten(next(iter(content.values()))["schema"], _definition)
    return made
