"""The documents: one per group version (v3), or all in one (v2)."""

import base64
import hashlib
from collections.abc import Iterable
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any

import orjson

from ...machinery.kinds import KINDS, SUBRESOURCE_KINDS, Kind
from ...machinery.request import Object
from ...machinery.schema.tables import schemas
from .components import DISCOVERY, META, PREFIX, SECURITY, components
from .descriptions import models_version
from .discovery import Discovery
from .paths import ANY, OBJECTS, discovery, paths
from .protobuf import encoded
from .version import GIT_VERSION, MAJOR, MINOR

EVERYWHERE = (
    "meta.v1.DeleteOptions",
    "meta.v1.Status",
    "meta.v1.APIResourceList",
    "meta.v1.WatchEvent",
)
INFO = {"title": "Kubernetes", "version": f"{MAJOR}.{MINOR}"}
SERVED = Discovery(KINDS)


def names() -> list[str]:
    """The documents' names, such as ``api/v1``, ``apis/apps/v1``, and ``apis/apps`` for a group's discovery."""
    documents = ["api", *(f"api/{version}" for version in SERVED.versions("")), "apis"]
    for group in SERVED.groups:
        documents += [
            f"apis/{group}",
            *(f"apis/{group}/{version}" for version in SERVED.versions(group)),
        ]
    return sorted(documents)


def document_hash(name: str) -> str:
    """A hash of a document's release and of its descriptions' source."""
    return hashlib.sha512(f"{GIT_VERSION}/{models_version()}/{name}".encode()).hexdigest().upper()


def index_v3() -> bytes:
    """``/openapi/v3``: the paths of the documents."""
    items = {
        name: {"serverRelativeURL": f"/openapi/v3/{name}?hash={document_hash(name)}"}
        for name in names()
    }
    return orjson.dumps({"paths": items})


# Few, since each is large, and kubectl reads only the groups of its command.
@lru_cache(maxsize=4)
def document_v3(name: str) -> bytes | None:
    """Return ``/openapi/v3/{name}``; None if there is no such document."""
    if name not in names():
        return None
    if f"/{name}/" in discovery_paths():
        return _v3({f"/{name}/": discovery_paths()[f"/{name}/"]}, DISCOVERY)
    group, _, version = name.partition("/")[2].rpartition("/")
    kinds = SERVED.kinds(group, version)
    return _v3(paths(kinds), components(roots(kinds)))


def _v3(found: Object, schemas_of: Object) -> bytes:
    parts = {"schemas": schemas_of, "securitySchemes": SECURITY}
    return orjson.dumps({"openapi": "3.0.0", "info": INFO, "paths": found, "components": parts})


@cache
def discovery_paths() -> dict[str, Object]:
    """The paths of ``/api``, of ``/apis`` and of each group."""
    versions = ("getAPIVersions", "get available API versions")
    groups = {
        f"/apis/{group}/": ("getAPIGroup", "get information of a group", "APIGroup")
        for group in SERVED.groups
    }
    rows = {"/api/": (*versions, "APIVersions"), "/apis/": (*versions, "APIGroupList"), **groups}
    return {path: discovery(path, *row) for path, row in rows.items()}


@lru_cache(maxsize=1)
def document_v2() -> bytes:
    """``/openapi/v2``: everything in the older form."""
    whole = discovery_paths() | paths(KINDS)
    items = {path: path_v2(whole[path]) for path in sorted(whole)}
    return orjson.dumps(
        {
            "swagger": "2.0",
            "info": INFO,
            "paths": items,
            "definitions": rewritten(components(roots(KINDS)) | DISCOVERY),
            "parameters": share_parameters(items),
            "securityDefinitions": SECURITY,
            "security": [{name: [] for name in SECURITY}],
        }
    )


@lru_cache(maxsize=1)
def protobuf_v2() -> bytes:
    """The same in protobuf."""
    return encoded(orjson.loads(document_v2()))


def roots(kinds: Iterable[Kind]) -> list[str]:
    """The structs that some kinds' paths name."""
    structs = list(EVERYWHERE)
    for kind in kinds:
        gvks = [(kind.group, kind.version, name) for name in (kind.kind, f"{kind.kind}List")]
        gvks += [SUBRESOURCE_KINDS[name] for name in kind.subresources if name in SUBRESOURCE_KINDS]
        candidates = (schemas().of_kind(*gvk) for gvk in gvks)
        structs += [struct.name for struct in candidates if struct is not None]
    return list(dict.fromkeys(structs))


def rewritten(value: Any) -> Any:
    """Schemas, however deep, in version 2."""
    if isinstance(value, dict):
        return _definition({name: rewritten(item) for name, item in value.items()})
    return [rewritten(item) for item in value] if isinstance(value, list) else value


def _definition(schema: Object) -> Object:
    """Convert a schema to version 2: other references, no ``oneOf``, no defaults, at most one entry in ``allOf``.

    Source: kube-openapi ``pkg/schemaconv`` and ``pkg/handler/default_pruning.go``.
    """
    # A property can be named "default": its value is a schema, and not empty.
    if "default" in schema and not (schema["default"] and isinstance(schema["default"], dict)):
        schema = {name: value for name, value in schema.items() if name != "default"}
    if isinstance(schema.get("$ref"), str):
        return {"$ref": schema["$ref"].replace(PREFIX, "#/definitions/")}
    several = schema.get("allOf")
    if isinstance(several, list) and len(several) == 1 and "$ref" in several[0]:
        return {**{name: item for name, item in schema.items() if name != "allOf"}, **several[0]}
    if isinstance(schema.get("oneOf"), list):
        rest = {name: value for name, value in schema.items() if name != "oneOf"}
        return {"type": "string", **rest}
    return schema


def path_v2(item: Object) -> Object:
    """Convert a path to version 2."""
    converted: Object = {}
    for name, value in item.items():
        if name == "parameters":
            converted[name] = list(map(_parameter_v2, value))
            continue
        operation = {
            key: part for key, part in value.items() if key not in ("requestBody", "responses")
        }
        parameters = list(map(_parameter_v2, value.get("parameters", ())))
        body = value.get("requestBody")
        if body is not None:
            required = {"required": True} if body.get("required") else {}
            parameters.append({"name": "body", "in": "body", **required, **_content_v2(body)})
        # What finds the server's resources reads no body.
        types = OBJECTS if "x-kubernetes-action" not in value else ANY
        operation["consumes"] = list(body["content"] if body is not None else types)
        operation["produces"] = list(value["responses"]["200"]["content"])
        operation["schemes"] = ["https"]
        if parameters:
            operation["parameters"] = sorted(parameters, key=itemgetter("name", "in"))
        operation["responses"] = {
            code: {"description": answer["description"], **_content_v2(answer)}
            for code, answer in value["responses"].items()
        }
        converted[name] = operation
    return converted


def _parameter_v2(parameter: Object) -> Object:
    rest = {key: part for key, part in parameter.items() if key != "schema"}
    return {**rest, **parameter["schema"]}


def _content_v2(holder: Object) -> Object:
    """The schema of a body or an answer: version 2 has one for all media types."""
    content = holder.get("content")
    return {"schema": rewritten(next(iter(content.values()))["schema"])} if content else {}


def share_parameters(found: dict[str, Object]) -> dict[str, Object]:
    """Replace parameters of several operations by references, and return them by name.

    Source: kube-openapi ``pkg/builder/parameters.go``.
    """
    shared: dict[str, Object] = {}

    def replaced(parameter: Object) -> Object:
        # kubectl looks for the first two at the operation; the others belong to one kind.
        if parameter["name"] in ("dryRun", "fieldValidation", "name"):
            return parameter
        if parameter["name"] == "body" and META not in parameter["schema"]["$ref"]:
            return parameter
        name = f"{parameter['name']}-{_fnv(orjson.dumps(parameter))}"
        shared[name] = parameter
        return {"$ref": f"#/parameters/{name}"}

    for item in found.values():
        for holder in (item, *item.values()):
            if "parameters" in holder:
                holder["parameters"] = list(map(replaced, holder["parameters"]))
    return shared


@lru_cache(maxsize=256)
def _fnv(data: bytes) -> str:
    """The first 48 bits of Go's FNV-1 in base 64."""
    # The offset basis and, below, the prime of 64-bit FNV.
    value = 0xCBF29CE484222325
    for byte in data:
        value = value * 0x100000001B3 % 2**64 ^ byte
    return base64.urlsafe_b64encode(value.to_bytes(8, "big")[:6]).decode()
