"""The routes of a kind as OpenAPI paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from labkit.core.json_file import read_json
from labkit.embedded.apiserver.openapi.components import META, component_name, reference
from labkit.embedded.apiserver.openapi.discovery import subresource_kind
from labkit.embedded.machinery.kinds import SUBRESOURCE_KINDS, Kind
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema.tables import schemas

BODIES = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
PATCHES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
STREAMS = ("attach", "exec", "log", "portforward", "proxy")
"""Subresources whose answer is no object."""


_PARAMETERS: dict[str, Any] = read_json(__file__, "parameters.json")
PRETTY, NAMESPACE, FORCE = _PARAMETERS["pretty"], _PARAMETERS["namespace"], _PARAMETERS["force"]
WRITE, DELETE, LIST = _PARAMETERS["write"], _PARAMETERS["delete"], _PARAMETERS["list"]
METHODS = {"create": "post", "delete": "delete", "get": "get", "patch": "patch", "update": "put"}


def paths(kinds: Iterable[Kind]) -> dict[str, Object]:
    """All paths of some kinds of one group version, sorted."""
    found: dict[str, Object] = {}
    for kind in kinds:
        found.update(_of_kind(kind))
    return {path: found[path] for path in sorted(found)}


def _of_kind(kind: Kind) -> Iterator[tuple[str, Object]]:
    root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    collection = f"{root}/namespaces/{{namespace}}/{kind.plural}" if kind.namespaced else f"{root}/{kind.plural}"
    shared = [NAMESPACE] if kind.namespaced else []
    operations = {}
    if "list" in kind.verbs:
        operations["get"] = _operation(kind, "list", LIST, answer=f"{kind.kind}List")
        if kind.namespaced:
            yield f"{root}/{kind.plural}", {"get": operations["get"], "parameters": [PRETTY]}
    if "create" in kind.verbs:
        operations["post"] = _operation(kind, "post", WRITE, body=kind.kind, codes=("200", "201", "202"))
    if "deletecollection" in kind.verbs:
        operations["delete"] = _operation(
            kind, "deletecollection", (*DELETE, *LIST[1:7]), body="DeleteOptions", answer="Status"
        )
    yield collection, {**operations, "parameters": [*shared, PRETTY]}
    if "get" not in kind.verbs:
        return
    name = {**NAMESPACE, "name": "name", "description": f"The name of the {kind.kind}."}
    operations = {"get": _operation(kind, "get", ())}
    if "update" in kind.verbs:
        operations["put"] = _operation(kind, "put", WRITE, body=kind.kind, codes=("200", "201"))
        operations["patch"] = _operation(kind, "patch", (*WRITE, FORCE), body="Patch", codes=("200", "201"))
    if "delete" in kind.verbs:
        operations["delete"] = _operation(
            kind, "delete", DELETE, body="DeleteOptions", answer="Status", codes=("200", "202")
        )
    yield f"{collection}/{{name}}", {**operations, "parameters": [name, *shared, PRETTY]}
    for subresource, verbs in sorted(kind.subresources.items()):
        made = {METHODS[verb]: _sub_operation(kind, subresource, verb) for verb in verbs}
        yield f"{collection}/{{name}}/{subresource}", {**made, "parameters": [name, *shared, PRETTY]}


def _sub_operation(kind: Kind, subresource: str, verb: str) -> Object:
    if subresource in STREAMS:
        return _stream(kind, subresource, verb)
    group, version, other = SUBRESOURCE_KINDS.get(subresource, (kind.group, kind.version, kind.kind))
    struct = schemas().of_kind(group, version, other)
    name = component_name(struct.name) if struct is not None else None
    method = METHODS[verb]
    codes = {"post": ("200", "201", "202"), "get": ("200",)}.get(method, ("200", "201"))
    body = None if method == "get" else f"{META}Patch" if method == "patch" else name
    parameters = () if method == "get" else (*WRITE, FORCE) if method == "patch" else WRITE
    return _described(
        f"{verb} {subresource} of the specified {kind.kind}",
        method,
        (group, version, other),
        parameters,
        body,
        name,
        codes,
        f"{verb}{_group_word(kind)}{kind.kind}{subresource.title()}",
    )


def _stream(kind: Kind, subresource: str, verb: str) -> Object:
    return {
        "description": f"connect {verb} requests to {subresource} of {kind.kind}",
        "operationId": f"connect{_group_word(kind)}{verb.title()}{kind.kind}{subresource.title()}",
        "responses": {"200": {"description": "OK", "content": {"*/*": {"schema": {"type": "string"}}}}},
        "x-kubernetes-action": "connect",
        # Not the resource's own kind: clients look among a kind's patches for what it supports.
        "x-kubernetes-group-version-kind": _gvk((kind.group, kind.version, subresource_kind(kind, subresource)[2])),
    }


def _operation(
    kind: Kind,
    action: str,
    parameters: Iterable[Object],
    *,
    body: str = "",
    answer: str = "",
    codes: tuple[str, ...] = ("200",),
) -> Object:
    return _described(
        f"{action} objects of kind {kind.kind}",
        action,
        (kind.group, kind.version, kind.kind),
        parameters,
        _component(kind, body) if body else None,
        _component(kind, answer or kind.kind),
        codes,
        f"{action}{_group_word(kind)}{kind.kind}",
    )


def _described(
    description: str,
    action: str,
    gvk: tuple[str, str, str],
    parameters: Iterable[Object],
    body: str | None,
    answer: str | None,
    codes: Iterable[str],
    operation_id: str,
) -> Object:
    made: dict[str, Any] = {"description": description, "operationId": operation_id}
    given = list(parameters)
    if given:
        made["parameters"] = given
    if body is not None:
        types = PATCHES if body == f"{META}Patch" else BODIES
        made["requestBody"] = {"content": {each: {"schema": reference(body)} for each in types}}
        if action in ("post", "put", "patch", "create", "update"):
            made["requestBody"]["required"] = True
    content = {"content": {each: {"schema": reference(answer)} for each in BODIES}} if answer else {}
    made["responses"] = {
        **{code: {"description": {"200": "OK", "201": "Created"}.get(code, "Accepted"), **content} for code in codes},
        "401": {"description": "Unauthorized"},
    }
    made["x-kubernetes-action"] = action
    made["x-kubernetes-group-version-kind"] = _gvk(gvk)
    return made


def _gvk(gvk: tuple[str, str, str]) -> Object:
    return {"group": gvk[0], "version": gvk[1], "kind": gvk[2]}


def _component(kind: Kind, name: str) -> str | None:
    if name in ("DeleteOptions", "Patch", "Status"):
        return META + name
    struct = schemas().of_kind(kind.group, kind.version, name)
    return component_name(struct.name) if struct is not None else None


def _group_word(kind: Kind) -> str:
    words = [part.title() for part in (kind.group.split(".")[0] or "core").split("-")]
    return "".join(words) + kind.version.title()
