"""``kubectl`` inside a pod: ``proxy``, and a small part of the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import yaml

from labkit.embedded.container.programs.kubectl_proxy import mounted, serve
from labkit.embedded.container.programs.options import NOT_SIMULATED, BadOption, Options, read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process
from labkit.embedded.machinery.kinds import KINDS, Kind
from labkit.embedded.machinery.request import Request

VERSION = "v1.36.2"
USER_AGENT = "kubectl/v1.36.2 (linux/amd64)"
HELP = """\
kubectl controls the Kubernetes cluster manager.

 Find more information at: https://kubernetes.io/docs/reference/kubectl/

In the lab's pods kubectl knows: proxy, get, auth can-i, auth whoami, config view, version.
"""
_TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
Answer = tuple[int, dict[str, Any]]

NO_CONFIG = """\
apiVersion: v1
clusters: null
contexts: null
current-context: ""
kind: Config
preferences: {}
users: null
"""
"""The configuration of a kubectl without a kubeconfig, as in a pod."""


@program("kubectl")
async def kubectl(process: Process) -> int:
    """Run one of the commands that the lab has."""
    args = list(process.args)
    words = [word for word in args if not word.startswith("-")]
    verb = words[0] if words else ""
    if not verb or verb in ("help", "options"):
        return await process.out(HELP)
    try:
        match verb:
            case "proxy":
                return await serve(process, args)
            case "version":
                return await process.out(f"Client Version: {VERSION}\nKustomize Version: v5.7.1\n")
            case "config" if words[1:2] == ["view"]:
                return await process.out(NO_CONFIG)
            case "get":
                return await _get(process, args)
            case "auth":
                return await _auth(process, args)
    except BadOption as error:
        text = str(error).replace("unrecognized option '", "unknown flag: ").rstrip("'")
        return await process.err(f"error: {text}\nSee 'kubectl {verb} --help' for usage.\n")
    return await process.err(f"kubectl {verb}{NOT_SIMULATED}: use curl here, or kubectl outside the pod\n")


def _send(
    process: Process, method: str, path: str, body: object = None, accept: str = "application/json"
) -> tuple[int, bytes]:
    """Send a request as the pod: its status, 0 without a connection or a token, and the answer's body."""
    endpoint = process.system.network.connect("10.96.0.1", 443)
    token = mounted(process.system, "token")
    if endpoint is None or not token:
        return 0, b"connection refused"
    process.scheduler.charge(20)
    where, _, query_text = path.partition("?")
    query = {part.partition("=")[0]: [part.partition("=")[2]] for part in query_text.split("&") if part}
    headers = {
        "authorization": f"Bearer {token}", "user-agent": USER_AGENT, "accept": accept,
        "content-type": "application/json", "host": "kubernetes.default.svc",
    }  # fmt: skip
    data = json.dumps(body).encode() if body is not None else b""
    source = process.system.network.address
    response = endpoint.handle(Request(method, where, query, headers, data, source_ip=source, raw_uri=path))
    return response.status, bytes(response.body)


def _ask(process: Process, method: str, path: str, body: object = None, accept: str = "application/json") -> Answer:
    """Send a request as the pod, and return the status and the answer as an object."""
    status, data = _send(process, method, path, body, accept)
    return status, json.loads(data) if data.startswith(b"{") else {"message": data.decode("utf-8", "replace")}


async def _refused(process: Process, answer: Mapping[str, Any]) -> int:
    reason, message = answer.get("reason"), answer.get("message", "")
    if not reason and "connection refused" in str(message):
        text = "The connection to the server localhost:8080 was refused - did you specify the right host or port?"
    else:
        text = f"Error from server{f' ({reason})' if reason else ''}: {message}"
    return await process.err(text + "\n")


def _namespace(process: Process, options: Options) -> str:
    return options.value("n") or mounted(process.system, "namespace") or "default"


def _kind(text: str) -> Kind:
    """The kind that a plural, a singular or a short name means, with or without its group; one of v1 if unknown."""
    name, _, group = text.lower().partition(".")
    for kind in KINDS:
        if name in (kind.plural, kind.singular, *kind.short_names) and group in ("", kind.group):
            return kind
    return Kind(group, "v1", name, name, namespaced=True)


def _path(process: Process, options: Options, kind: Kind, name: str) -> str:
    base = f"/apis/{kind.group_version}" if kind.group else f"/api/{kind.version}"
    if kind.namespaced and not options.has("A"):
        base += f"/namespaces/{_namespace(process, options)}"
    return f"{base}/{kind.plural}" + (f"/{name}" if name else "")


_OPTIONS = (
    "A,all-namespaces n,namespace= o,output= l,selector= no-headers! q,quiet list! raw= subresource= "
    "w,watch! as! as-group! token! s,server! kubeconfig! context! show-labels! f,filename! field-selector! sort-by! "
    "v! L,label-columns!"
)


async def _get(process: Process, args: list[str]) -> int:
    options = read_options(args, _OPTIONS)
    words = [word for word in options.args if word != "get"]
    raw = options.value("raw")
    if raw is not None:
        status, data = _send(process, "GET", raw or "/")
        if status != 200:
            return await _refused(process, _ask(process, "GET", raw or "/")[1])
        await process.stdout.write(data)
        return 0
    if not words:
        return await process.err("error: Required resource not specified.\n")
    resource, _, name = words[0].partition("/")
    kind = _kind(resource)
    path = _path(process, options, kind, name or (words[1] if len(words) > 1 else ""))
    if options.value("l"):
        path += f"?labelSelector={options.value('l')}"
    output = options.value("o") or ""
    if output not in ("", "json", "yaml"):
        return await process.err(f"kubectl get -o {output}{NOT_SIMULATED}\n")
    accept = "application/json" if output in ("json", "yaml") else _TABLE
    status, answer = _ask(process, "GET", path, accept=accept)
    if status == 404 and answer.get("message") == "the server could not find the requested resource":
        return await process.err(f'error: the server doesn\'t have a resource type "{resource.lower()}"\n')
    if status != 200:
        return await _refused(process, answer)
    if output == "yaml":
        await process.out(yaml.safe_dump(answer, sort_keys=False))
    elif output == "json":
        await process.out(json.dumps(answer, indent=4) + "\n")
    else:
        await _table(process, options, answer, kind)
    return 0


async def _table(process: Process, options: Options, answer: Mapping[str, Any], kind: Kind) -> None:
    everywhere = options.has("A")
    if not answer["rows"]:
        where = "" if everywhere or not kind.namespaced else f" in {_namespace(process, options)} namespace"
        await process.err(f"No resources found{where}\n")
        return
    columns = answer["columnDefinitions"]
    shown = [place for place, one in enumerate(columns) if not one.get("priority")]
    lines = [["NAMESPACE"] * everywhere + [str(columns[place]["name"]).upper() for place in shown]]
    for row in answer["rows"]:
        namespace = [row["object"]["metadata"].get("namespace", "")] * everywhere
        lines.append(namespace + [str(row["cells"][place]) for place in shown])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        await process.out("   ".join(cells).rstrip() + "\n")


async def _auth(process: Process, args: list[str]) -> int:
    options = read_options(args, _OPTIONS)
    match options.args[1:]:
        case ["whoami"]:
            return await _who_am_i(process)
        case ["can-i", verb, target]:
            return await _can_i(process, options, verb, target)
        case ["can-i", *_]:
            return await process.err(
                "error: you must specify two arguments: verb resource or verb resource/resourceName.\n"
            )
    return await process.err(f"kubectl {' '.join(options.args[:2])}{NOT_SIMULATED}\n")


async def _who_am_i(process: Process) -> int:
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    status, answer = _ask(process, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body)
    if status != 201:
        return await _refused(process, answer)
    user = answer["status"]["userInfo"]
    rows = [("ATTRIBUTE", "VALUE"), ("Username", user["username"])]
    rows += [("UID", user["uid"])] if user.get("uid") else []
    rows.append(("Groups", f"[{' '.join(user.get('groups') or [])}]"))
    rows += [(f"Extra: {key}", f"[{' '.join(values)}]") for key, values in sorted((user.get("extra") or {}).items())]
    width = max(len(name) for name, _ in rows) + 3
    return await process.out("".join(f"{name:<{width}}{value}\n" for name, value in rows))


async def _can_i(process: Process, options: Options, verb: str, target: str) -> int:
    resource, _, name = target.partition("/")
    kind = _kind(resource)
    spec: dict[str, object] = {
        "resourceAttributes": {
            "verb": verb, "resource": kind.plural, "group": kind.group, "name": name,
            "namespace": _namespace(process, options) if kind.namespaced and not options.has("A") else "",
            "subresource": options.value("subresource") or "",
        }
    }  # fmt: skip
    if target.startswith("/"):
        spec = {"nonResourceAttributes": {"path": target, "verb": verb}}
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": spec}
    status, answer = _ask(process, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)
    if status != 201:
        return await _refused(process, answer)
    allowed = bool(answer["status"].get("allowed"))
    if not options.has("q"):
        await process.out("yes\n" if allowed else "no\n")
    return 0 if allowed else 1
