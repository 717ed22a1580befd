"""Probes: questions to the cluster that a learner left behind.

A probe never reads the notebook. It asks the server whether an account may do something,
reads an object, decodes a token, or finds a request in the audit log.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from labkit.client.client import Client
from labkit.client.tokens import Token
from labkit.core.errors import TokenError
from labkit.rbac.attributes import Attributes
from labkit.rbac.needs import Need
from labkit.rbac.objects import Object
from labkit.rbac.policy import Policy
from labkit.rbac.subjects import subject

AUDIT = frozenset({"audit"})
PODS = frozenset({"pods"})
"""What a probe requires of a cluster; see ``Probe.needs``."""


@dataclass(frozen=True)
class ProbeContext:
    """A cluster, as probes read it.

    Args:
        admin: A caller who may read everything.
        anonymous: A caller without credentials.
        decide: Returns the ``status`` of a SubjectAccessReview; empty where there is none.
        policy: Reads all roles and bindings.
        before: Returns the roles and bindings from before the learner began.
        events: Returns the audit events of the learner's requests, oldest first; none where
            the audit log cannot be read.
        audited: Whether the audit log can be read.
        pods: Whether pods run on the cluster.
    """

    admin: Client
    anonymous: Client
    decide: Callable[[Attributes], Object]
    policy: Callable[[], Policy]
    before: Callable[[], Policy]
    events: Callable[[], Iterable[dict[str, Any]]] = tuple
    audited: bool = False
    pods: bool = True

    def lacks(self, needs: Iterable[str]) -> str:
        """Say why a probe cannot be judged here; empty when it can.

        Args:
            needs: What the probe requires; see ``Probe.needs``.
        """
        if "audit" in needs and not self.audited:
            return "not judged: this cluster keeps no audit log that can be read from end to end"
        if "pods" in needs and not self.pods:
            return "not judged: no pod runs on this cluster, since none of its nodes is ready"
        return ""

    def find(self, path: str) -> dict[str, Any] | None:
        """Read the object at a path; None where there is none."""
        answer = self.admin.get(path)
        return answer.body if answer.status == 200 and isinstance(answer.body, dict) else None

    def config_map_value(self, namespace: str, config_map: str, key: str) -> str:
        """Read a config map's value, without surrounding white space; empty where there is none."""
        obj = self.find(f"/api/v1/namespaces/{namespace}/configmaps/{config_map}") or {}
        return str((obj.get("data") or {}).get(key) or "").strip()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found.

    Args:
        ok: Whether it is as expected.
        seen: What the cluster said, as a sentence; where it could not be asked, why.
        judged: Whether the cluster could be asked.
    """

    ok: bool
    seen: str
    judged: bool = True


@dataclass(frozen=True, slots=True)
class Probe:
    """One question and its points.

    Args:
        expected: The expectation, as a sentence.
        look: Asks the cluster.
        points: What it earns, or, for a limit, what breaking it costs.
        hint: One hint for when the expectation is not met.
        limit: Whether it is a limit: something that must not be. An untouched cluster
            keeps all limits, so keeping one earns nothing and breaking one costs.
        need: The permission that a must-allow probe asks for; the least-privilege
            score compares it with what was granted.
        needs: What a cluster must have for it to be judged: ``audit``, ``pods``.
    """

    expected: str
    look: Callable[[ProbeContext], Finding]
    points: float
    hint: str = ""
    limit: bool = False
    need: Need | None = None
    needs: frozenset[str] = frozenset()


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
) -> Probe:
    """Expect that an account is allowed to do something.

    Args:
        who: The account, as ``namespace/name``, or a user.
        verb: Such as ``list``.
        resource: The plural, with its subresource: ``pods/log``.
        namespace: The namespace; empty for the whole cluster.
        group: The API group.
        name: One object's name; empty for all.
        path: A non-resource path, instead of a resource.
        points: What it earns.
        hint: One hint.
    """
    need = Need(subject(who), verb, resource, namespace, group, name, path)
    return Probe(
        f"{need} is allowed",
        _decision(need, True),
        points,
        hint or "Which rule allows it, and is it bound here?",
        need=need,
    )


def may_not(
    who: str, verb: str, resource: str, namespace: str = "", *, points: float = 0.5, hint: str = "", **more: str
) -> Probe:
    """Expect that an account is not allowed to do something: a limit. The arguments are those of ``may``."""
    need = Need(subject(who), verb, resource, namespace, **more)
    return Probe(
        f"{need} is forbidden",
        _decision(need, False),
        points,
        hint or "Something grants more than was asked for.",
        limit=True,
    )


def exists(
    path: str,
    what: str,
    *,
    hint: str = "",
    where: Callable[[dict[str, Any]], str] = lambda _obj: "",
    needs: frozenset[str] = frozenset(),
) -> Probe:
    """Expect an object, and that nothing is wrong with it, for 1 point.

    Args:
        path: Its path.
        what: The expectation as a sentence.
        hint: One hint.
        where: Returns what is wrong with the object; empty when nothing is.
        needs: What the cluster must have for it to be judged.
    """

    def look(context: ProbeContext) -> Finding:
        obj = context.find(path)
        if obj is None:
            return Finding(False, f"There is no object at {path}.")
        wrong = where(obj)
        return Finding(not wrong, wrong or f"{obj.get('kind', 'The object')} {obj['metadata']['name']} is there.")

    return Probe(what, look, 1.0, hint, needs=needs)


def absent(path: str, what: str, *, points: float = 0.5, hint: str = "") -> Probe:
    """Expect that there is no object at a path: a limit."""

    def look(context: ProbeContext) -> Finding:
        there = context.find(path) is not None
        return Finding(not there, "It is still there." if there else "It is not there.")

    return Probe(what, look, points, hint, limit=True)


def token_in_secret(
    namespace: str,
    secret: str,
    what: str,
    judge: Callable[[Token, ProbeContext], str],
    *,
    hint: str = "",
    needs: frozenset[str] = frozenset(),
) -> Probe:
    """Expect a token that the learner put into a Secret, under the key ``token``, for 2 points.

    ``judge`` returns what is wrong with the decoded token; empty when nothing is.
    """

    def look(context: ProbeContext) -> Finding:
        obj = context.find(f"/api/v1/namespaces/{namespace}/secrets/{secret}")
        encoded = ((obj or {}).get("data") or {}).get("token")
        if not encoded:
            return Finding(False, f"There is no Secret {secret} with the key “token” in {namespace}.")
        try:
            raw = base64.b64decode(encoded, validate=True).decode()
            token = Token.decode(raw, context.admin)
        except (binascii.Error, UnicodeDecodeError, TokenError):
            return Finding(False, f"What the Secret {secret} holds is no token.")
        if not token.verified:
            return Finding(False, f"The token in {secret} is {token.verdict}.")
        wrong = judge(token, context)
        return Finding(not wrong, wrong or f"The token in {secret} speaks for {token.subject}.")

    return Probe(what, look, 2.0, hint, needs=needs)


def audit_shows(
    user: str,
    verb: str,
    path: str,
    what: str,
    *,
    bound_to_pod: str = "",
    points: float = 1.0,
    hint: str = "",
) -> Probe:
    """Expect a user's request in the audit log, with a URI that starts with the path.

    With ``bound_to_pod``, the user's token was bound to that pod.
    """

    def look(context: ProbeContext) -> Finding:
        for event in context.events():
            who = event.get("user") or {}
            pods = (who.get("extra") or {}).get("authentication.kubernetes.io/pod-name") or []
            if (
                who.get("username") == user
                and event.get("verb") == verb
                and str(event.get("requestURI", "")).startswith(path)
                and bound_to_pod in ("", *pods)
                and not event.get("impersonatedUser")
            ):
                return Finding(True, f"The audit log shows {user}: {verb} {event['requestURI']}.")
        return Finding(False, f"The audit log shows no such request of {user}.")

    return Probe(what, look, points, hint, needs=AUDIT | PODS if bound_to_pod else AUDIT)


def _decision(need: Need, wanted: bool) -> Callable[[ProbeContext], Finding]:
    def look(context: ProbeContext) -> Finding:
        status = context.decide(need.question())
        if "allowed" not in status:
            return Finding(False, "The server did not answer the question.")
        allowed = bool(status["allowed"])
        reason = f" ({status['reason']})" if status.get("reason") else ""
        return Finding(allowed is wanted, f"The server says {'allowed' if allowed else 'forbidden'}{reason}.")

    return look
