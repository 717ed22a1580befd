"""Write the kubectl and the curl command that make the same call.

Credentials are written as shell variables. kubectl sends a client certificate together with a
token, and the server prefers the certificate, so a command with a token uses no kubeconfig. Without
any credential kubectl prompts for a user name, which the server ignores: the request is anonymous.
"""

import json
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .request_info import Call, read_call

_REVIEWS = {"selfsubjectreviews": "auth whoami", "selfsubjectrulesreviews": "auth can-i --list"}


def kubectl_command(
    method: str, path: str, body: Any, credential: str, server: str, ca_file: str
) -> str:
    """Return the kubectl command for a call, with the credential as ``$TOKEN``.

    The credential is ``certificate``, ``token`` or ``none``; ``ca_file`` is empty if the CA is not in a file.
    """
    words = ["kubectl"]
    if credential != "certificate":
        # An empty kubeconfig, or kubectl would add the credential of the learner's own one.
        words += ["--kubeconfig=/dev/null", f"--server={server}"]
        if server.startswith("https:"):
            words.append(f"--certificate-authority={_file(ca_file)}")
            # With no credential at all kubectl stops at a terminal to ask for a user name.
            words.append('--token="$TOKEN"' if credential == "token" else "--username=nobody")
    return " ".join(words) + " " + _kubectl_verb(method, path, body)


def curl_command(method: str, url: str, body: Any, credential: str, ca_file: str) -> str:
    """Return the curl command for a call, with the credential as ``$TOKEN``, ``$CERT`` and ``$KEY``."""
    words = ["curl", f"--cacert {_file(ca_file)}"] if url.startswith("https:") else ["curl"]
    if credential == "token":
        words.append('-H "Authorization: Bearer $TOKEN"')
    elif credential == "certificate":
        words.append('--cert "$CERT" --key "$KEY"')
    if method != "GET":
        words.append(f"-X {method}")
    if body is not None:
        mime = "application/merge-patch+json" if method == "PATCH" else "application/json"
        words += [f"-H 'Content-Type: {mime}'", f"-d {shlex.quote(_compact(body))}"]
    return " ".join([*words, shlex.quote(url)])


def _kubectl_verb(method: str, path: str, body: Any) -> str:
    split = urlsplit(path)
    query = dict(parse_qsl(split.query))
    call = read_call(method, path)
    # kubectl has no command for other paths and most subresources; --raw takes any path.
    raw = shlex.quote(path)
    if not call.is_resource or call.subresource:
        return _special(call, body) or _raw(method, raw)
    if call.resource in _REVIEWS:
        return _REVIEWS[call.resource]
    if call.resource == "selfsubjectaccessreviews":
        return _can_i(body) or _raw(method, raw)
    where = _where(call)
    if call.verb in ("get", "list", "watch"):
        watch = "--watch" if call.verb == "watch" else ""
        return _join("get", call.resource, call.name, where, _selectors(query), watch)
    if call.verb == "create":
        return _join("create -f -", where, _heredoc(body))
    if call.verb == "update":
        return _join("replace -f -", where, _heredoc(body))
    if call.verb == "patch":
        patch = shlex.quote(_compact(body))
        return _join("patch", call.resource, call.name, where, f"--type=merge -p {patch}")
    if call.verb == "delete":
        return _join("delete", call.resource, call.name, where)
    # kubectl sends no deletecollection: it lists the objects and deletes each. It is the nearest command.
    return _join("delete", call.resource, "--all" * (not query), where, _selectors(query))


def _special(call: Call, body: Any) -> str:
    where = f"-n {shlex.quote(call.namespace)}" if call.namespace else ""
    if (call.resource, call.subresource, call.verb) == ("serviceaccounts", "token", "create"):
        spec = body.get("spec", {}) if isinstance(body, Mapping) else {}
        audience = "".join(f" --audience={shlex.quote(a)}" for a in spec.get("audiences") or [])
        seconds = spec.get("expirationSeconds")
        duration = f" --duration={seconds}s" if seconds else ""
        return _join("create token", call.name, where) + audience + duration
    if (call.resource, call.subresource) == ("pods", "log"):
        return _join("logs", call.name, where)
    return ""


def _raw(method: str, path: str) -> str:
    # These four commands alone have the option --raw.
    verb = {"GET": "get", "POST": "create", "PUT": "replace", "DELETE": "delete"}.get(method)
    if verb is None:
        return f"get --raw {path}   # {method} has no kubectl command of its own"
    return f"{verb} --raw {path}" + (" -f -" if verb in ("create", "replace") else "")


def _can_i(body: Any) -> str:
    attributes = body.get("spec", {}).get("resourceAttributes") if isinstance(body, dict) else None
    if not attributes:
        return ""
    resource = attributes.get("resource", "")
    if attributes.get("group"):
        resource += f".{attributes['group']}"
    if attributes.get("name"):
        resource += f"/{attributes['name']}"
    namespace = attributes.get("namespace")
    where = f"-n {namespace}" if namespace else "-A"
    return _join("auth can-i", attributes.get("verb", ""), resource, where)


def _where(call: Call) -> str:
    if call.resource == "namespaces":
        return ""
    if call.namespace:
        return f"-n {shlex.quote(call.namespace)}"
    # Without -n and -A kubectl adds the context's namespace, which would be another request.
    return "-A" if call.verb in ("list", "watch") and call.resource in _NAMESPACED else ""


# The kinds of the lessons, rather than discovery: a card that is shown must not make requests.
_NAMESPACED = frozenset(
    {"pods", "services", "serviceaccounts", "secrets", "configmaps", "events", "endpoints"}
    | {"roles", "rolebindings", "deployments", "jobs", "persistentvolumeclaims"}
)


def _selectors(query: Mapping[str, str]) -> str:
    label = query.get("labelSelector")
    field = query.get("fieldSelector")
    return _join(
        f"-l {shlex.quote(label)}" if label else "",
        f"--field-selector {shlex.quote(field)}" if field else "",
    )


def _heredoc(body: Any) -> str:
    return f"<<< {shlex.quote(_compact(body))}" if body is not None else ""


def _compact(body: Any) -> str:
    if isinstance(body, bytes):
        return body.decode(errors="replace")
    return body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))


def _file(ca_file: str) -> str:
    return shlex.quote(ca_file) if ca_file else '"$CA"'


def _join(*words: str) -> str:
    return " ".join(word for word in words if word)
