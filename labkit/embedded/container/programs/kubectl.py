"""``kubectl`` inside a pod: ``proxy``, and a small part of the rest. What is left out says so."""

from __future__ import annotations

import json
from collections.abc import Mapping

from labkit.embedded.container.programs.kubectl_proxy import mounted, serve
from labkit.embedded.container.programs.options import NOT_SIMULATED, BadOption, Options, read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process
from labkit.embedded.machinery.request import Request

VERSION = "v1.36.2"
USER_AGENT = "kubectl/v1.36.2 (linux/amd64)"
HELP = """\
kubectl controls the Kubernetes cluster manager.

 Find more information at: https://kubernetes.io/docs/reference/kubectl/

In the lab's pods kubectl knows: proxy, get, auth can-i, auth whoami, version.
"""
_SHORT = {
    "po": "pods", "pod": "pods", "svc": "services", "service": "services", "sa": "serviceaccounts",
    "serviceaccount": "serviceaccounts", "ns": "namespaces", "namespace": "namespaces", "cm": "configmaps",
    "configmap": "configmaps", "secret": "secrets", "no": "nodes", "node": "nodes", "pv": "persistentvolumes",
    "pvc": "persistentvolumeclaims", "ev": "events", "event": "events", "ep": "endpoints", "role": "roles",
    "rolebinding": "rolebindings", "clusterrole": "clusterroles", "clusterrolebinding": "clusterrolebindings",
    "deploy": "deployments", "deployment": "deployments",
}  # fmt: skip
_GROUPS = {
    "roles": "rbac.authorization.k8s.io", "rolebindings": "rbac.authorization.k8s.io",
    "clusterroles": "rbac.authorization.k8s.io", "clusterrolebindings": "rbac.authorization.k8s.io",
    "deployments": "apps", "jobs": "batch",
}  # fmt: skip
_LEFT_OUT = frozenset({
    "annotate", "api-resources", "api-versions", "apply", "attach", "certificate", "cluster-info", "config", "cordon",
    "cp", "create", "debug", "delete", "describe", "diff", "drain", "edit", "events", "exec", "explain", "expose",
    "label", "logs", "patch", "port-forward", "replace", "rollout", "run", "scale", "set", "taint", "top", "uncordon",
    "wait",
})  # fmt: skip
_CLUSTER = frozenset({"namespaces", "nodes", "persistentvolumes", "clusterroles", "clusterrolebindings"})


@program("kubectl")
async def kubectl(process: Process) -> int:
    """Run one of the commands that the lab has."""
    args = list(process.args)
    words = [word for word in args if not word.startswith("-")]
    verb = words[0] if words else ""
    if not verb or verb in ("help", "options"):
        await process.out(HELP)
        return 0
    try:
        match verb:
            case "proxy":
                return await serve(process, args)
            case "version":
                await process.out(f"Client Version: {VERSION}\nKustomize Version: v5.7.1\n")
                return 0
            case "get":
                return await _get(process, args)
            case "auth":
                return await _auth(process, args)
    except BadOption as error:
        text = error.message.replace("unrecognized option '", "unknown flag: ").rstrip("'")
        await process.err(f"error: {text}\nSee 'kubectl {verb} --help' for usage.\n")
        return 1
    if verb in _LEFT_OUT:
        await process.err(f"kubectl {verb}{NOT_SIMULATED}: use curl here, or kubectl outside the pod\n")
        return 1
    await process.err(f'error: unknown command "{verb}" for "kubectl"\n')
    return 1


def _ask(
    process: Process, method: str, path: str, body: object = None, accept: str = "application/json"
) -> tuple[int, dict[str, object]]:
    """Ask the API server as the pod.

    Returns:
        The status, and the answer as an object.
    """
    status, data = _send(process, method, path, body, accept)
    try:
        answer = json.loads(data or b"{}")
    except ValueError:
        answer = {"message": data.decode("utf-8", "replace")}
    return status, answer if isinstance(answer, dict) else {}


async def _raw(process: Process, path: str) -> int:
    """``get --raw``: the answer as it came."""
    status, data = _send(process, "GET", path)
    if status != 200:
        try:
            return await _refused(process, json.loads(data))
        except ValueError:
            return await _refused(process, {"message": data.decode("utf-8", "replace")})
    await process.stdout.write(data)
    return 0


def _send(
    process: Process, method: str, path: str, body: object = None, accept: str = "application/json"
) -> tuple[int, bytes]:
    """Send a request to the API server as the pod."""
    endpoint = process.system.network.connect("10.96.0.1", 443)
    token = mounted(process.system, "token")
    if endpoint is None:
        return 0, b"dial tcp 10.96.0.1:443: connect: connection refused"
    if not token:
        return 0, b"dial tcp [::1]:8080: connect: connection refused"
    process.scheduler.charge(20)
    where, _, query_text = path.partition("?")
    query = {part.partition("=")[0]: [part.partition("=")[2]] for part in query_text.split("&") if part}
    headers: Mapping[str, str] = {
        "authorization": f"Bearer {token}",
        "user-agent": USER_AGENT,
        "accept": accept,
        "content-type": "application/json",
        "host": "kubernetes.default.svc",
    }
    data = json.dumps(body).encode() if body is not None else b""
    response = endpoint.handle(
        Request(method, where, query, headers, data, source_ip=process.system.network.address, raw_uri=path)
    )
    return response.status, bytes(response.body)


async def _refused(process: Process, answer: Mapping[str, object]) -> int:
    reason, message = answer.get("reason"), answer.get("message", "")
    if not reason and "connection refused" in str(message):
        await process.err(
            "The connection to the server localhost:8080 was refused - did you specify the right host or port?\n"
        )
    elif reason:
        await process.err(f"Error from server ({reason}): {message}\n")
    else:
        await process.err(f"Error from server: {message}\n")
    return 1


def _path(process: Process, options: Options, resource: str, name: str) -> str:
    group = _GROUPS.get(resource, "")
    version = "v1"
    if "." in resource:
        resource, _, group = resource.partition(".")
    base = f"/apis/{group}/{version}" if group else f"/api/{version}"
    if resource not in _CLUSTER and not options.has("A"):
        namespace = options.value("n") or mounted(process.system, "namespace") or "default"
        base += f"/namespaces/{namespace}"
    return f"{base}/{resource}" + (f"/{name}" if name else "")


_OPTIONS = (
    "A,all-namespaces n,namespace= o,output= l,selector= no-headers q,quiet list raw= subresource= "
    "w,watch! as! as-group! token! s,server! kubeconfig! context! show-labels! f,filename! field-selector! sort-by! "
    "v! L,label-columns!"
)


async def _get(process: Process, args: list[str]) -> int:
    options = read_options(args[1:] if args[0] == "get" else [word for word in args if word != "get"], _OPTIONS)
    if options.has("raw"):
        return await _raw(process, options.value("raw") or "/")
    if not options.args:
        await process.err(
            'You must specify the type of resource to get. Use "kubectl api-resources" for '
            "a complete list of supported resources.\n\nerror: Required resource not specified.\n"
        )
        return 1
    resource, _, name = options.args[0].partition("/")
    resource = _SHORT.get(resource.lower(), resource.lower())
    name = name or (options.args[1] if len(options.args) > 1 else "")
    output = options.value("o") or ""
    table = output in ("", "wide", "name")
    accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" if table else "application/json"
    path = _path(process, options, resource, name)
    if options.value("l"):
        path += f"?labelSelector={options.value('l')}"
    status, answer = _ask(process, "GET", path, accept=accept)
    if status == 404 and answer.get("message") == "the server could not find the requested resource":
        await process.err(f'error: the server doesn\'t have a resource type "{resource}"\n')
        return 1
    if status != 200:
        return await _refused(process, answer)
    if answer.get("kind") == "Table":
        return await _table(process, options, answer, resource, output)
    if output.startswith("yaml"):
        import yaml

        await process.out(yaml.safe_dump(answer, sort_keys=False))
    else:
        await process.out(json.dumps(answer, indent=4) + "\n")
    return 0


async def _table(process: Process, options: Options, answer: Mapping[str, object], resource: str, output: str) -> int:
    columns = answer.get("columnDefinitions")
    rows = answer.get("rows")
    if not isinstance(columns, list) or not isinstance(rows, list):
        return 1
    if output == "name":
        for row in rows:
            await process.out(f"{resource.removesuffix('s')}/{row['object']['metadata']['name']}\n")
        return 0
    shown = [place for place, column in enumerate(columns) if not column.get("priority") or output == "wide"]
    lines = [[str(columns[place]["name"]).upper() for place in shown]]
    if options.has("A"):
        lines[0].insert(0, "NAMESPACE")
    for row in rows:
        cells = [str(row["cells"][place]) for place in shown]
        if options.has("A"):
            cells.insert(0, row["object"]["metadata"].get("namespace", ""))
        lines.append(cells)
    if len(lines) == 1:
        where = (
            ""
            if resource in _CLUSTER or options.has("A")
            else f" in {options.value('n') or mounted(process.system, 'namespace') or 'default'} namespace"
        )
        await process.err(f"No resources found{where}\n".replace("found in", "found in"))
        return 0
    if options.has("no-headers"):
        lines = lines[1:]
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    for line in lines:
        await process.out(
            "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
        )
    return 0


async def _auth(process: Process, args: list[str]) -> int:
    options = read_options(args, _OPTIONS)
    words = options.args[1:]
    if words[:1] == ["whoami"]:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        status, answer = _ask(process, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", body)
        if status != 201:
            return await _refused(process, answer)
        found = answer.get("status")
        user = found.get("userInfo", {}) if isinstance(found, dict) else {}
        rows = [("ATTRIBUTE", "VALUE"), ("Username", user.get("username", ""))]
        rows += [("UID", user["uid"])] if user.get("uid") else []
        rows.append(("Groups", f"[{' '.join(user.get('groups') or [])}]"))
        rows += [
            (f"Extra: {key}", f"[{' '.join(values)}]") for key, values in sorted((user.get("extra") or {}).items())
        ]
        width = max(len(name) for name, _ in rows) + 3
        for name, value in rows:
            await process.out(f"{name:<{width}}{value}\n")
        return 0
    if words[:1] != ["can-i"] or len(words) < 3:
        await process.err("error: you must specify two arguments: verb resource or verb resource/resourceName.\n")
        return 1
    verb, target = words[1], words[2]
    spec: dict[str, object]
    if target.startswith("/"):
        spec = {"nonResourceAttributes": {"path": target, "verb": verb}}
    else:
        resource, _, name = target.partition("/")
        resource, _, group = resource.partition(".")
        resource = _SHORT.get(resource.lower(), resource.lower())
        namespace = (
            ""
            if options.has("A") or resource in _CLUSTER
            else options.value("n") or mounted(process.system, "namespace") or "default"
        )
        spec = {
            "resourceAttributes": {
                "verb": verb, "resource": resource, "group": group or _GROUPS.get(resource, ""), "name": name,
                "namespace": namespace, "subresource": options.value("subresource") or "",
            }
        }  # fmt: skip
    question: dict[str, object] = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": spec,
    }
    status, answer = _ask(process, "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", question)
    if status != 201:
        return await _refused(process, answer)
    found = answer.get("status")
    allowed = isinstance(found, dict) and bool(found.get("allowed"))
    if not options.has("q"):
        await process.out("yes\n" if allowed else "no\n")
    return 0 if allowed else 1
