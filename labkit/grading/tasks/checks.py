"""Checks of the cluster that a learner left behind.

A check never reads the notebook. It requests an access review from the server,
reads an object, decodes a token, or finds a request in the audit log.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kube_embedded.rbac.attributes import Attributes
from kube_embedded.rbac.objects import Object, is_default
from kube_embedded.rbac.rules import rule_allows
from kube_embedded.rbac.subjects import subject
from labkit.client.client import Client
from labkit.client.refusals import find_object
from labkit.client.tokens import Token
from labkit.core.errors import TokenError
from labkit.core.language import listed, text
from labkit.rbac.difference import Allowance
from labkit.rbac.needs import Need
from labkit.rbac.policy import Policy
from labkit.rbac.words import misspelt_verb

AUDIT = frozenset({"audit"})
PODS = frozenset({"pods"})
"""What a check requires of a cluster; see ``Check.needs``."""

LIMIT_POINTS = 0.5
"""What breaking a limit costs, unless it says otherwise."""


@dataclass(frozen=True)
class GradedCluster:
    """A cluster, as checks read it.

    Args:
        admin: A caller with permission to read everything.
        anonymous: A caller without credentials.
        decide: Returns the ``status`` of a SubjectAccessReview; raises if the server does not respond.
        policy: Reads all roles and bindings.
        before: Returns the roles and bindings from before the learner began.
        events: Returns the audit events of the learner's requests, oldest first; none if the audit log cannot be
            read.
        allowances: The permissions that are allowed to be granted in addition to the exercise's needs.
        audited: True if the audit log can be read.
        pods: True if pods run on the cluster.
    """

    admin: Client
    anonymous: Client
    decide: Callable[[Attributes], Object]
    policy: Callable[[], Policy]
    before: Callable[[], Policy]
    events: Callable[[], Iterable[dict[str, Any]]] = tuple
    allowances: Sequence[Allowance] = ()
    audited: bool = False
    pods: bool = True

    def lacks(self, needs: Iterable[str]) -> str:
        """Say why a check with these ``needs`` cannot be judged here; empty when it can."""
        if "audit" in needs and not self.audited:
            return text(
                "not judged: this cluster keeps no audit log that can be read from end to end"
            )
        if "pods" in needs and not self.pods:
            return text("not judged: no pod runs on this cluster, since none of its nodes is ready")
        return ""

    def find(self, path: str) -> dict[str, Any] | None:
        """Read the object at a path; None if the cluster has none. See ``find_object`` for the errors."""
        return find_object(self.admin, path)

    def config_map_value(self, namespace: str, config_map: str, key: str) -> str:
        """Read a config map's value, text or binary, without surrounding white space; empty if there is none."""
        obj = self.find(f"/api/v1/namespaces/{namespace}/configmaps/{config_map}") or {}
        text = (obj.get("data") or {}).get(key)
        if text is None:
            with suppress(binascii.Error):
                text = base64.b64decode((obj.get("binaryData") or {}).get(key) or "").decode(
                    errors="replace"
                )
        return str(text or "").strip()


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check.

    Args:
        ok: True if it is as expected.
        seen: The cluster's response, as a sentence; if the cluster could not be read, the reason.
        judged: True if the cluster could be read.
    """

    ok: bool
    seen: str
    judged: bool = True


@dataclass(frozen=True, slots=True)
class Check:
    """One check and its points.

    Args:
        expected: The expectation, as a sentence.
        look: Reads the cluster.
        points: The points that it earns, or, for a limit, that breaking it costs.
        hint: One hint for when the expectation is not met; the task's first one when left out.
        limit: True for a limit: something that must not be. An untouched cluster meets all limits, so meeting one
            earns no points and breaking one costs points.
        need: The permission that a must-allow check requires; the least-privilege
            score compares it with what was granted.
        by: The only role that may grant the need, such as ``ClusterRole/view``; empty for any.
        needs: The features that a cluster must have for it to be judged: ``audit``, ``pods``.
        forbids: The permission that a must-not-allow check is about.
        kind: The kind of mistake if it fails, as an id of ``mistakes.yaml`` of the lessons.
    """

    expected: str
    look: Callable[[GradedCluster], Finding]
    points: float
    hint: str = ""
    limit: bool = False
    need: Need | None = None
    by: str = ""
    needs: frozenset[str] = frozenset()
    forbids: Need | None = None
    kind: str = "missing-part"


def may(
    who: str,
    verb: str,
    resource: str,
    namespace: str = "",
    *,
    group: str = "",
    name: str = "",
    path: str = "",
    points: float = 1.0,
    hint: str = "",
) -> Check:
    """Expect that an account is allowed to do something.

    Args:
        who: The account, as ``namespace/name``, or a user.
        verb: Such as ``list``.
        resource: The plural, with its subresource: ``pods/log``.
        namespace: The namespace; empty for the whole cluster.
        group: The API group.
        name: One object's name; empty for all.
        path: A non-resource path, instead of a resource.
        points: The points that it earns.
        hint: One hint.
    """
    return allowed(Need(subject(who), verb, resource, namespace, group, name, path), points, hint)


def allowed(need: Need, points: float = 1.0, hint: str = "", *, by: str = "") -> Check:
    """Expect a permission; with ``by``, one that a role grants as the server has it, such as ``ClusterRole/view``."""
    expected = text("{need} is allowed", str(need))
    look = _decision(need, True)

    def look_by(context: GradedCluster) -> Finding:
        finding = look(context)
        kind, _, name = by.partition("/")
        rules = context.policy().roles.get((kind, "", name), {}).get("rules") or ()
        if finding.ok and not any(rule_allows(rule, need.question()) for rule in rules):
            return Finding(False, text("It is allowed, but {role} has no such rule.", by))
        return finding

    return Check(
        expected, look_by if by else look, points, hint, need=need, by=by, kind="not-granted"
    )


def may_not(
    who: str,
    verb: str,
    resource: str,
    namespace: str = "",
    *,
    points: float = LIMIT_POINTS,
    hint: str = "",
    show_reason: bool = True,
    **more: str,
) -> Check:
    """Expect that an account is not allowed to do something: a limit. The arguments are the same as for ``may``.

    Without ``show_reason``, the finding does not name the binding that allows it, since the task is to find it.
    """
    return forbidden(
        Need(subject(who), verb, resource, namespace, **more), points, hint, show_reason
    )


TOO_OPEN = text("Something grants more than was asked for.")
"""The hint of a limit that has none of its own."""


def forbidden(need: Need, points: float, hint: str, show_reason: bool = True) -> Check:
    """Expect the absence of a permission: a limit."""
    look = _decision(need, False, show_reason)
    expected = text("{need} is forbidden", str(need))
    hint = hint or TOO_OPEN
    return Check(expected, look, points, hint, limit=True, forbids=need, kind="too-open")


def all_of(checks: Sequence[Check], expected: str, points: float, hint: str = "") -> Check:
    """Expect several things at once, for points that only all of them earn."""

    def look(context: GradedCluster) -> Finding:
        for check in checks:
            finding = check.look(context)
            if not finding.ok:
                return Finding(
                    False, text("Not so: {expected}. {seen}", check.expected, finding.seen)
                )
        return Finding(True, text("The need is met and the hole is closed."))

    need = next((check.need for check in checks if check.need), None)
    return Check(expected, look, points, hint, need=need, kind="missing-part")


def exists(
    path: str,
    what: str,
    *,
    where: Callable[[dict[str, Any]], str] = lambda _obj: "",
    needs: frozenset[str] = frozenset(),
) -> Check:
    """Expect an object without a problem, for 1 point: ``where`` returns the problem, or an empty text."""

    def look(context: GradedCluster) -> Finding:
        obj = context.find(path)
        if obj is None:
            return Finding(False, text("There is no object at {path}.", path))
        wrong = where(obj)
        kind = obj.get("kind", text("The object"))
        name = obj["metadata"]["name"]
        return Finding(not wrong, wrong or text("{kind} {name} is there.", kind, name))

    return Check(what, look, 1.0, needs=needs, kind="not-found")


def config_map_says(
    namespace: str,
    config_map: str,
    key: str,
    what: str,
    expected: Callable[[GradedCluster], str],
    points: float = 2.0,
) -> Check:
    """Expect a value that the learner put into a config map."""

    def look(context: GradedCluster) -> Finding:
        value = context.config_map_value(namespace, config_map, key)
        said = value or text("nothing")
        seen = text("The config map {name} says {value} of {key}.", config_map, said, key)
        return Finding(bool(value) and value == expected(context), seen)

    return Check(what, look, points, kind="wrong-fact")


def absent(path: str, what: str, *, points: float = 0.5, hint: str = "") -> Check:
    """Expect that there is no object at a path: a limit."""

    def look(context: GradedCluster) -> Finding:
        there = context.find(path) is not None
        return Finding(not there, text("It is still there." if there else "It is not there."))

    return Check(what, look, points, hint, limit=True, kind="too-open")


def token_in_secret(
    namespace: str,
    secret: str,
    who: str,
    what: str,
    judge: Callable[[Token, GradedCluster], str],
    *,
    needs: frozenset[str] = frozenset(),
) -> Check:
    """Expect an account's token that the learner put into a Secret, under the key ``token``, for 2 points.

    ``judge`` returns the problem of the decoded token; empty if there is none.
    """

    def look(context: GradedCluster) -> Finding:
        obj = context.find(f"/api/v1/namespaces/{namespace}/secrets/{secret}")
        encoded = ((obj or {}).get("data") or {}).get("token")
        if not encoded:
            return Finding(
                False,
                text(
                    "There is no Secret {name} with the key “token” in {space}.", secret, namespace
                ),
            )
        try:
            raw = base64.b64decode(encoded).decode()
            token = Token.decode(raw, context.admin)
        except (binascii.Error, UnicodeDecodeError, TokenError):
            return Finding(False, text("What the Secret {name} holds is no token.", secret))
        if not token.verified:
            return Finding(False, text("The token in {name} is {verdict}.", secret, token.verdict))
        if token.subject != f"system:serviceaccount:{namespace}:{who}":
            return Finding(
                False, text("It speaks for {user}, not for {account}.", token.subject, who)
            )
        wrong = judge(token, context) or ("" if token.expired else _refused(token, context))
        return Finding(
            not wrong,
            wrong or text("The token in {name} speaks for {user}.", secret, token.subject),
        )

    return Check(what, look, 2.0, needs=needs, kind="wrong-token")


def _refused(token: Token, context: GradedCluster) -> str:
    """Return why the server does not accept a token, such as one whose account was recreated; empty if it does."""
    audiences = token.claims.get("aud")
    status = token.review(context.admin, audiences if isinstance(audiences, list) else ())
    refusal = text("The server does not accept it: {error}.", status.get("error"))
    return "" if status.get("authenticated") else refusal


def called_from(pod: str, user: str, path: str, what: str) -> Check:
    """Expect in the audit log that a pod (its path) listed a path as a user, with its own token, for 2 points."""

    def look(context: GradedCluster) -> Finding:
        address = ((context.find(pod) or {}).get("status") or {}).get("podIP")
        outside = ""
        for event in context.events():
            asked = (event["user"].get("username"), event["verb"], event.get("impersonatedUser"))
            if asked != (user, "list", None) or not event["requestURI"].startswith(path):
                continue
            source = event["sourceIPs"][-1]
            if _pod_of(event) == pod.rpartition("/")[2] and source == address:
                return Finding(
                    True,
                    text("The audit log shows {user}: list {path}.", user, event["requestURI"]),
                )
            outside = text(
                "It shows one from {address}, which is not the pod, or with a token that is not the pod's.",
                source,
            )
        if address is None:
            outside = text(
                "The pod is not there any more, so that nothing shows what came from it."
            )
        return Finding(
            False,
            listed((text("The audit log shows no such request of {user}.", user), outside), " "),
        )

    return Check(what, look, 2.0, needs=AUDIT | PODS, kind="not-asked")


def was_read(context: GradedCluster, pod: str) -> bool:
    """Return whether the audit log shows that a pod's token was read in the pod, or used; the pod as its path.

    True without an audit log, because then it cannot be determined.
    """
    return not context.audited or any(
        _pod_of(event) == pod.rpartition("/")[2] or _opens(event["requestURI"], pod)
        for event in context.events()
    )


_ONLY_PRINT = re.compile(r"^(?:echo|printf|:|true|ls|test|cd)\b(?!.*(?:\$\(|`|<))")
"""Commands that do not open the files that they name."""


def _opens(uri: str, pod: str) -> bool:
    """Return whether a request starts a session with a pod in which a token can be read."""
    url = urlsplit(uri)
    if url.path == f"{pod}/attach":
        return True
    query = parse_qs(url.query)
    if url.path != f"{pod}/exec":
        return False
    words = query.get("command", [])
    script = words[2] if words[1:2] == ["-c"] and words[2:] else " ".join(words)
    named = False
    for part in re.split(r"[;&|\n]+", re.sub(r"(^|\s)#.*", "", script)):
        named = named or bool(re.search("token|secrets", part))
        if named and not _ONLY_PRINT.match(part.strip()):
            return True
        named = named and part.strip().startswith("cd")
    return query.get("stdin") == ["true"]


def _pod_of(event: Object) -> str:
    """The pod that the token of a request's user is bound to; empty if it is bound to none."""
    extra = event["user"].get("extra") or {}
    return str((extra.get("authentication.kubernetes.io/pod-name") or [""])[0])


def _decision(
    need: Need, expected: bool, show_reason: bool = True
) -> Callable[[GradedCluster], Finding]:
    def look(context: GradedCluster) -> Finding:
        status = context.decide(need.question())
        allowed = bool(status["allowed"])
        reason = f" ({status['reason']})" if show_reason and status.get("reason") else ""
        seen = text(
            "The server says allowed{reason}." if allowed else "The server says forbidden{reason}.",
            reason,
        )
        note = _misspelt(need.question(), context.policy()) if expected and not allowed else ""
        return Finding(allowed is expected, listed((seen, note), " "))

    return look


def _misspelt(question: Attributes, policy: Policy) -> str:
    """Explain a misspelt verb in a rule that would otherwise allow a request; empty if there is none."""
    made = (role for role in policy.roles.values() if not is_default(role))
    for rule in (rule for role in made for rule in role.get("rules") or ()):
        verbs = re.split(r"[\s,;]+", " ".join(rule.get("verbs") or ()).lower())
        if rule_allows({**rule, "verbs": verbs}, question) and (note := misspelt_verb([rule])):
            return note
    return ""
