"""The operations of each path, as OpenAPI 3 describes them.

Source: k8s.io/apiserver ``pkg/endpoints/installer.go`` and ``pkg/endpoints/openapi``.
"""

from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Any

from kube_embedded.files import read_json

from ...machinery.kinds import SUBRESOURCE_KINDS, CustomKind, Kind
from ...machinery.request import Object
from ...machinery.schema.tables import schemas
from .components import META, component_name, model_name, reference
from .discovery import subresource_kind

_TABLE: dict[str, Any] = read_json(__file__, "parameters.json")
_MEDIA: dict[str, list[str]] = _TABLE["media"]
OBJECTS, EVENTS, TEXTS, PATCHES, ANY = (
    _MEDIA[name] for name in ("objects", "events", "texts", "patches", "any")
)
SETS: dict[str, list[str]] = _TABLE["sets"]
"""The query's parameters of each verb, and of each subresource that has others."""
CUSTOM_SETS = {"deletecollection": "list", "patch": "update"}
"""Verb of custom kinds to the one that has the same parameters."""
RETURNED: list[str] = _TABLE["returned"]
"""Kinds whose deleted object is the answer, instead of a Status."""
OPERATIONS: dict[str, tuple[str, str, str]] = _TABLE["operations"]
"""Verb to the method, the first word of the operation's id, and what it does."""
CODES: dict[str, dict[str, str]] = _TABLE["codes"]
"""Method to the codes of its answers, and their phrases."""
CONNECTED: dict[str, list[str]] = _TABLE["connected"]
"""The methods of a subresource that passes requests on, by verb."""


def paths(kinds: Iterable[Kind]) -> dict[str, Object]:
    """All paths of some kinds, sorted."""
    items: dict[str, Object] = {}
    for kind in kinds:
        root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
        items[f"{root}/"] = discovery(
            f"{root}/", "getAPIResources", "get available resources", "APIResourceList"
        )
        items.update((path, _shared(operations)) for path, operations in _of_kind(kind, root))
    return {path: items[path] for path in sorted(items)}


def discovery(path: str, operation: str, description: str, answer: str) -> Object:
    """The path of a discovery document."""
    responses = _answers(META + answer, OBJECTS, CODES["get"])
    return {"get": {**_identified(path, operation, description), "responses": responses}}


def _of_kind(kind: Kind, root: str) -> Iterator[tuple[str, dict[str, Object]]]:
    """The paths of a kind, each with its operations by method."""
    scope = "namespaces/{namespace}/" if kind.namespaced else ""
    collection, watched = (f"{root}{watch}/{scope}{kind.plural}" for watch in ("", "/watch"))
    named = f"{collection}/{{name}}"
    rows: dict[str, tuple[str, ...]] = {
        collection: ("list", "create", "deletecollection"),
        named: ("get", "update", "patch", "delete"),
        watched: ("watchlist",),
        f"{watched}/{{name}}": ("watch",),
    }
    if kind.namespaced:
        rows |= {f"{root}/{kind.plural}": ("list",), f"{root}/watch/{kind.plural}": ("watchlist",)}
    for path, verbs in rows.items():
        served = [
            verb for verb in verbs if verb.removesuffix("list") in kind.verbs or verb in kind.verbs
        ]
        if served:
            yield path, dict(_operation(kind, verb, path) for verb in served)
    for subresource, verbs in kind.subresources.items():
        path = f"{named}/{subresource}"
        if subresource_kind(kind, subresource)[2].endswith("Options"):
            yield from _connected(kind, subresource, path)
        else:
            yield path, dict(_operation(kind, verb, path, subresource) for verb in verbs)


def _operation(kind: Kind, verb: str, path: str, subresource: str = "") -> tuple[str, Object]:
    """An operation and its method."""
    method, word, description = OPERATIONS[verb]
    gvk = SUBRESOURCE_KINDS.get(subresource, (kind.group, kind.version, kind.kind))
    name = _scope(kind, path) + kind.kind + subresource.title()
    name += "List" * (verb == "watchlist")
    if kind.namespaced and "{namespace}" not in path:
        name += "ForAllNamespaces"
    custom = isinstance(kind, CustomKind)
    if verb == "list" and (custom or "watch" not in kind.verbs):
        description = "list objects of kind {kind}"
    text = description.format(kind=kind.kind, **_nouns(kind.kind, subresource))
    operation = _identified(path, word + name, text)
    like = CUSTOM_SETS.get(verb, verb) if custom else verb
    operation["parameters"] = _parameters(path, SETS.get(subresource or like, SETS[like]))
    struct = schemas().of_kind(*gvk)
    own = component_name(struct.name) if struct is not None else ""
    listed = f"{own}List"
    if isinstance(kind, CustomKind) and struct is None:
        own = model_name(kind, kind.kind)
        listed = model_name(kind, kind.list_kind)
    if method != "get":
        body = {"patch": f"{META}Patch", "delete": f"{META}DeleteOptions"}.get(method, own)
        forms = PATCHES if method == "patch" else ANY
        content = {form: {"schema": reference(body)} for form in forms}
        required = {} if method == "delete" else {"required": True}
        operation["requestBody"] = {"content": content, **required}
    answer = own
    types = OBJECTS
    if verb in ("list", "watch", "watchlist"):
        answer = listed if verb == "list" else f"{META}WatchEvent"
        types = EVENTS
    elif subresource == "log":
        answer = ""
        types = TEXTS
    elif method == "delete" and (verb == "deletecollection" or kind.kind not in RETURNED):
        answer = f"{META}Status"
    codes = CODES["get" if verb == "deletecollection" else method]
    operation["responses"] = _answers(answer, types, codes)
    action = verb if verb in ("list", "deletecollection", "watch", "watchlist") else method
    return method, {**operation, **_extensions(action, *gvk)}


def _nouns(kind: str, subresource: str) -> dict[str, str]:
    """How descriptions name an object or its subresource: a new one, and an existing one."""
    # The installer's GetArticleForNoun, which goes by letters and not by sounds.
    article = "an " if kind[0] in "AEIOU" else "a "
    if kind.endswith("s") and not kind.endswith("ss"):
        article = ""
    of = f"{subresource} of " if subresource else ""
    return {"new": f"{of}{article}{kind}", "specified": f"{of}the specified {kind}"}


def _connected(kind: Kind, subresource: str, path: str) -> Iterator[tuple[str, dict[str, Object]]]:
    """The paths of a subresource that passes requests on to a pod, a node or a service."""
    # Not the resource's own kind: clients look at the patches of a kind for the features that it supports.
    own = subresource_kind(kind, subresource)[2]
    extensions = _extensions("connect", kind.group, kind.version, own)
    proxied = subresource == "proxy"
    methods = [method for verb in kind.subresources[subresource] for method in CONNECTED[verb]]
    for suffix in ("", "WithPath") if proxied else ("",):
        url = f"{path}/{{path}}" if suffix else path
        operations = {}
        for method in methods:
            # Only a proxy passes every method on.
            if not proxied and method in ("head", "options"):
                continue
            name = f"connect{method.title()}{_scope(kind, path)}{kind.kind}{subresource.title()}{suffix}"
            text = f"connect {method.upper()} requests to {subresource} of {kind.kind}"
            operations[method] = {
                **_identified(url, name, text),
                "parameters": _parameters(url, SETS[subresource]),
                "responses": _answers("", ANY, CODES["get"]),
                **extensions,
            }
        yield url, operations


def _scope(kind: Kind, path: str) -> str:
    return "Namespaced" if kind.namespaced and "{namespace}" in path else ""


def _identified(path: str, operation: str, description: str) -> Object:
    """An operation's id with its group and version after the verb, and its tag."""
    root, group, version, *_ = [*path.strip("/").split("/"), "", ""]
    if root == "api":
        version = group
        group = "core"
    group = "".join(_capital(word) for word in group.removesuffix(".k8s.io").split("."))
    # Generated clients name their methods after these ids.
    verb = next(verb for verb in _TABLE["verbs"] if operation.startswith(verb))
    tag = group[:1].lower() + group[1:] or root
    return {
        "description": description,
        "operationId": verb + group + _capital(version) + _capital(operation.removeprefix(verb)),
        "tags": [f"{tag}_{version}" if version else tag],
    }


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


def _parameters(path: str, names: Iterable[str]) -> list[Object]:
    """The parameters of a path and a query, sorted."""
    # Sorted, because the real server collects them from Go maps.
    rows = [_parameter(name, "query") for name in names]
    for name in ("name", "namespace", "path"):
        if f"{{{name}}}" in path:
            rows.append({**_parameter(name, "path"), "required": True})
    return sorted(rows, key=itemgetter("name", "in"))


def _parameter(name: str, place: str) -> Object:
    type_, description = _TABLE["parameters"][name]
    schema = {"type": type_, "uniqueItems": True}
    return {"name": name, "in": place, "description": description, "schema": schema}


def _shared(operations: dict[str, Object]) -> Object:
    """A path: the parameters that all of its operations have are its own."""
    lists = [operation["parameters"] for operation in operations.values()]
    common = [row for row in lists[0] if all(row in others for others in lists)]
    item: Object = {}
    for method, operation in sorted(operations.items()):
        rest = [row for row in operation.pop("parameters") if row not in common]
        item[method] = {**operation, "parameters": rest} if rest else operation
    return {**item, "parameters": common}


def _answers(answer: str, types: Iterable[str], codes: dict[str, str]) -> Object:
    schema = reference(answer) if answer else {"type": "string"}
    content = {type_: {"schema": schema} for type_ in types}
    good = {code: {"description": phrase, "content": content} for code, phrase in codes.items()}
    return {**good, "401": {"description": "Unauthorized"}}


def _extensions(action: str, group: str, version: str, kind: str) -> Object:
    return {
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind},
    }
