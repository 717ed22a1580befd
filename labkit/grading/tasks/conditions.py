"""What a task file can expect besides questions: objects, values, requests, tokens and pods.

Each condition is a mapping with the condition's name as a key, such as ``gone: PATH``, and fields of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from kube_embedded.rbac.objects import namespace_of, role_key
from kube_embedded.rbac.subjects import subject
from labkit.client.tokens import Token
from labkit.core.language import text

from .checks import (
    PODS,
    Check,
    Finding,
    GradedCluster,
    absent,
    called_from,
    config_map_says,
    exists,
    may,
    token_in_secret,
)
from .pods import mounted_tokens, not_running

if TYPE_CHECKING:
    from .task_file import Draft

Entry = Mapping[str, Any]


class Condition(NamedTuple):
    """A kind of condition.

    Args:
        make: Makes the check from the condition with a learner's names.
        fields: The fields besides its name, ``expect``, ``points``, ``hint`` and ``limit``.
    """

    make: Callable[[Entry, Draft], Check]
    fields: tuple[str, ...] = ()


def _there(entry: Entry, draft: Draft) -> Check:
    def wrong(obj: dict[str, Any]) -> str:
        for field, value in (entry.get("with") or {}).items():
            found: Any = obj
            for key in field.split("."):
                found = (found or {}).get(key)
            if found != value:
                return draft.text(entry["otherwise"], found=found or text("nothing"))
        return ""

    check = exists(entry["there"], draft.text(entry["expect"]), where=wrong)
    # An object that a task began with, and that was changed, is no missing object.
    return replace(check, kind="missing-part") if entry.get("limit") else check


def _running(entry: Entry, draft: Draft) -> Check:
    path = _path("pods", entry["running"])
    return exists(path, draft.text(entry["expect"]), where=not_running, needs=PODS)


def _gone(entry: Entry, draft: Draft) -> Check:
    return absent(entry["gone"], draft.text(entry["expect"]))


def _config_map(entry: Entry, draft: Draft) -> Check:
    space, _, name = entry["config map"].partition("/")
    right = entry["is"]

    def expected(context: GradedCluster) -> str:
        if not isinstance(right, dict):
            return str(right)
        body = context.admin.get(right["get"]).body
        if "field" in right:
            return str(body[right["field"]])
        # A subresource is listed beside its resource, with a slash in its name.
        return str(sum("/" not in item["name"] for item in body[right["count"]]))

    return config_map_says(space, name, entry["key"], draft.text(entry["expect"]), expected)


def _called(entry: Entry, draft: Draft) -> Check:
    pod = _path("pods", entry["from"])
    user = subject(entry["by"]).user
    return called_from(pod, user, entry["listed"], draft.text(entry["expect"]))


def _holds(entry: Entry, draft: Draft) -> Check:
    """A subject has a cluster role itself, not only its permissions."""
    wanted = ("ClusterRole", "", entry["has cluster role"])

    def look(context: GradedCluster) -> Finding:
        bound = context.policy().bindings_of(subject(entry["by"]).as_user())
        places = ("", entry["in"])
        ok = any(role_key(each) == wanted and namespace_of(each) in places for each in bound)
        return Finding(ok, text("A binding gives it." if ok else "No binding gives it."))

    return Check(draft.text(entry["expect"]), look, 1.0)


def _mounts_none(entry: Entry, draft: Draft) -> Check:
    path = _path("pods", entry["mounts no token"])

    def look(context: GradedCluster) -> Finding:
        obj = context.find(path)
        if obj is None:
            return Finding(False, text("There is no object at {path}.", path))
        tokens = mounted_tokens(obj, context)
        if tokens:
            return Finding(False, text("It mounts a token of {account}.", tokens[0]))
        return Finding(True, text("It mounts none."))

    return Check(draft.text(entry["expect"]), look, 2)


def _token(entry: Entry, draft: Draft) -> Check:
    """A Secret holds an account's token, with some facts."""
    space, _, secret = entry["token in"].partition("/")
    pod = entry.get("pod")

    def judge(token: Token, context: GradedCluster) -> str:
        problems = (
            _wrong_audience(token, entry.get("audience")),
            _wrong_life(token, entry.get("minutes")),
            _wrong_pod(token, space, pod, context) if pod else "",
            _with_an_end(token, secret) if entry.get("endless") else "",
        )
        return next(filter(None, problems), "")

    needs = PODS if pod else frozenset[str]()
    expect = draft.text(entry["expect"])
    return token_in_secret(space, secret, entry["of"], expect, judge, needs=needs)


def _wrong_audience(token: Token, audience: str | None) -> str:
    found = token.claims.get("aud")
    if audience is None or found == [audience]:
        return ""
    return text("Its audience is {found}, not {audience}.", f"{found}", audience)


def _wrong_life(token: Token, minutes: str | None) -> str:
    life = int(token.claims.get("exp", 0)) - int(token.claims.get("iat", 0))
    if minutes is None or life == 60 * int(minutes):
        return ""
    return text("It lives for {life} s, not for {right} s.", life, 60 * int(minutes))


def _wrong_pod(token: Token, space: str, pod: str, context: GradedCluster) -> str:
    running = context.find(_path("pods", f"{space}/{pod}"))
    if token.bound_to != f"pod {pod}":
        found = token.bound_to or text("nothing")
        return text("It is bound to {found}, not to the pod {name}.", found, pod)
    uid = token.flat.get("kubernetes.io.pod.uid")
    same = running is not None and uid == running["metadata"]["uid"]
    return "" if same else text("The pod it is bound to is not the one that runs now.")


def _with_an_end(token: Token, secret: str) -> str:
    if "exp" in token.claims:
        return text("It has an end.")
    found = token.bound_to or text("no Secret")
    if found == f"secret {secret}":
        return ""
    return text("It lies in {found}, not in {kept}.", found, secret)


def _pod_lists(entry: Entry, draft: Draft) -> Check:
    """A pod's own mounted token, in its current form, is allowed to list a resource of its namespace."""
    space, _, name = entry["pod"].partition("/")
    who = entry["as"]
    resource = entry["lists"]
    user = f"system:serviceaccount:{space}:{who}"
    wanted = may(f"{space}/{who}", "list", resource, space)

    def look(context: GradedCluster) -> Finding:
        obj = context.find(_path("pods", entry["pod"]))
        if obj is None:
            return Finding(False, text("There is no pod {name} in {space}.", name, space))
        tokens = mounted_tokens(obj, context, for_server=True)
        if not tokens:
            return Finding(False, text("The pod mounts no token, so its requests are anonymous."))
        if who not in tokens:
            found = obj["spec"].get("serviceAccountName")
            return Finding(False, text("The pod runs as {found}, not as {who}.", found, who))
        why = not_running(obj) if context.pods else ""
        if why:
            return Finding(False, why)
        finding = wanted.look(context)
        seen = "{user} asks to list {resource} in {space}. {seen}"
        return Finding(finding.ok, text(seen, user, resource, space, finding.seen))

    return Check(draft.text(entry["expect"]), look, 2, need=wanted.need)


def _path(resource: str, place: str) -> str:
    """The path of an object of the core group that is written ``namespace/name``."""
    space, _, name = place.partition("/")
    return f"/api/v1/namespaces/{space}/{resource}/{name}"


CONDITIONS = {
    "there": Condition(_there, ("with", "otherwise")),
    "gone": Condition(_gone),
    "running": Condition(_running),
    "config map": Condition(_config_map, ("key", "is")),
    "listed": Condition(_called, ("by", "from")),
    "has cluster role": Condition(_holds, ("by", "in")),
    "mounts no token": Condition(_mounts_none),
    "token in": Condition(_token, ("of", "audience", "minutes", "pod", "endless")),
    "lists": Condition(_pod_lists, ("pod", "as")),
}
"""The conditions by the key that names them; of several keys in an entry, the first here counts."""
