"""One question to the cluster a learner left behind, and its answer.

A probe never looks at a notebook or at the shape of a manifest. It asks the server
whether an account may do something, reads an object, decodes a token, or finds a
request in the audit log.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from labkit.client.protocol import Caller
from labkit.client.tokens import Token
from labkit.core.errors import TokenError
from labkit.rbac.attributes import Attributes
from labkit.rbac.needs import Need
from labkit.rbac.policy import Object, Policy, subject

AUDIT = frozenset({"audit"})
PODS = frozenset({"pods"})
"""What a probe needs of a cluster; see ``Probe.needs``."""


@dataclass(frozen=True)
class Ground:
    """What a probe may use.

    Args:
        admin: A caller who may read everything.
        anonymous: A caller without credentials.
        decide: The ``status`` of a SubjectAccessReview for a question; empty where there is no answer.
        policy: Reads all roles and bindings.
        before: The roles and bindings before the learner began.
        events: The audit events of the learner's requests, oldest first; empty where
            the cluster keeps no audit log that can be read.
        audited: Whether there is such a log.
        pods: Whether pods run on this cluster.
    """

    admin: Caller
    anonymous: Caller
    decide: Callable[[Attributes], Object]
    policy: Callable[[], Policy]
    before: Callable[[], Policy]
    events: Callable[[], Iterable[dict[str, Any]]] = tuple
    audited: bool = False
    pods: bool = True

    def lacks(self, needs: Iterable[str]) -> str:
        """Why something cannot be judged here; empty when it can be.

        Args:
            needs: What it takes: ``audit``, ``pods``.
        """
        if "audit" in needs and not self.audited:
            return "not judged: this cluster keeps no audit log that can be read from end to end"
        if "pods" in needs and not self.pods:
            return "not judged: no pod runs on this cluster, since none of its nodes is ready"
        return ""

    def find(self, path: str) -> dict[str, Any] | None:
        """The object at a path, or None."""
        answer = self.admin.get(path)
        return answer.body if answer.status == 200 and isinstance(answer.body, dict) else None

    def said(self, namespace: str, config_map: str, key: str) -> str:
        """What a config map says under a key, without the newline that a file ends with; empty when nothing."""
        obj = self.find(f"/api/v1/namespaces/{namespace}/configmaps/{config_map}") or {}
        return str((obj.get("data") or {}).get(key) or "").strip()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe found.

    Args:
        ok: Whether it is as it should be.
        seen: What the cluster said, as a sentence.
    """

    ok: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Probe:
    """One question with its worth.

    Args:
        expected: What should be, as a sentence.
        look: Asks the cluster.
        points: What it earns, or, for a limit, what breaking it costs.
        hint: One hint for when it is not so.
        limit: Whether it is a limit: something that must not be. An untouched cluster
            keeps all limits, so keeping one earns nothing and breaking one costs.
        need: The permission that a must-allow probe asks for; the least-privilege
            score holds it against what was granted.
        needs: What a cluster must have for it to be judged: ``audit``, ``pods``.
    """

    expected: str
    look: Callable[[Ground], Finding]
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
    """The account must be allowed to do this."""
    need = Need(subject(who), verb, resource, namespace, group, name, path)
    return Probe(
        f"{need} is allowed",
        _decision(need, True),
        points,
        hint or "Which rule allows it, and is it bound here?",
        need=need,
    )


def may_not(
    who: str,
    verb: str,
    resource: str,
    namespace: str = "",
    *,
    group: str = "",
    name: str = "",
    path: str = "",
    points: float = 0.5,
    hint: str = "",
) -> Probe:
    """The account must not be allowed to do this."""
    need = Need(subject(who), verb, resource, namespace, group, name, path)
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
    points: float = 1.0,
    hint: str = "",
    where: Callable[[dict[str, Any]], str] = lambda _obj: "",
    needs: frozenset[str] = frozenset(),
) -> Probe:
    """An object must be there, and be as it should.

    Args:
        path: Its path.
        what: The expectation as a sentence.
        points: What it earns.
        hint: One hint.
        where: Says what is wrong with the object, or nothing.
        needs: What the cluster must have for it to be judged.
    """

    def look(ground: Ground) -> Finding:
        obj = ground.find(path)
        if obj is None:
            return Finding(False, f"There is no object at {path}.")
        wrong = where(obj)
        return Finding(not wrong, wrong or f"{obj.get('kind', 'The object')} {obj['metadata']['name']} is there.")

    return Probe(what, look, points, hint, needs=needs)


def absent(path: str, what: str, *, points: float = 0.5, hint: str = "") -> Probe:
    """An object must not be there: a limit."""

    def look(ground: Ground) -> Finding:
        there = ground.find(path) is not None
        return Finding(not there, "It is still there." if there else "It is not there.")

    return Probe(what, look, points, hint, limit=True)


def token_in_secret(
    namespace: str,
    secret: str,
    what: str,
    judge: Callable[[Token, Ground], str],
    *,
    points: float = 1.0,
    hint: str = "",
    needs: frozenset[str] = frozenset(),
) -> Probe:
    """A token that the learner put into a Secret, under the key ``token``.

    Args:
        namespace: The Secret's namespace.
        secret: Its name.
        what: The expectation as a sentence.
        judge: Says what is wrong with the decoded token, or nothing.
        points: What it earns.
        hint: One hint.
        needs: What the cluster must have for it to be judged.
    """

    def look(ground: Ground) -> Finding:
        obj = ground.find(f"/api/v1/namespaces/{namespace}/secrets/{secret}")
        encoded = ((obj or {}).get("data") or {}).get("token")
        if not encoded:
            return Finding(False, f"There is no Secret {secret} with the key “token” in {namespace}.")
        try:
            raw = base64.b64decode(encoded, validate=True).decode()
            token = Token.decode(raw, ground.admin)
        except (binascii.Error, UnicodeDecodeError, TokenError):
            return Finding(False, f"What the Secret {secret} holds is no token.")
        if not token.verified:
            return Finding(False, f"The token in {secret} is {token.verdict}.")
        wrong = judge(token, ground)
        return Finding(not wrong, wrong or f"The token in {secret} speaks for {token.subject}.")

    return Probe(what, look, points, hint, needs=needs)


def asked(
    user: str,
    verb: str,
    path: str,
    what: str,
    *,
    code: int | None = None,
    bound_to_pod: str = "",
    points: float = 1.0,
    hint: str = "",
) -> Probe:
    """A request of a user that the audit log shows.

    Args:
        user: The user name as the server took it.
        verb: The verb in the audit event.
        path: How the request's URI begins.
        what: The expectation as a sentence.
        code: The status it must have got; None for any.
        bound_to_pod: The pod that the token must have been bound to.
        points: What it earns.
        hint: One hint.
    """

    def look(ground: Ground) -> Finding:
        for event in ground.events():
            who = event.get("user") or {}
            pods = (who.get("extra") or {}).get("authentication.kubernetes.io/pod-name") or []
            if (
                who.get("username") == user
                and event.get("verb") == verb
                and str(event.get("requestURI", "")).startswith(path)
                and code in (None, (event.get("responseStatus") or {}).get("code"))
                and bound_to_pod in ("", *pods)
                and not event.get("impersonatedUser")
            ):
                return Finding(True, f"The audit log shows {user}: {verb} {event['requestURI']}.")
        return Finding(False, f"The audit log shows no such request of {user}.")

    return Probe(what, look, points, hint, needs=AUDIT | PODS if bound_to_pod else AUDIT)


def _decision(need: Need, wanted: bool) -> Callable[[Ground], Finding]:
    def look(ground: Ground) -> Finding:
        status = ground.decide(need.question())
        if "allowed" not in status:
            return Finding(False, "The server did not answer the question.")
        allowed = bool(status["allowed"])
        reason = f" ({status['reason']})" if status.get("reason") else ""
        return Finding(allowed is wanted, f"The server says {'allowed' if allowed else 'forbidden'}{reason}.")

    return look
