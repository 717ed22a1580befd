"""An API server's answer, with all that a learner can read from it.

It shows the caller, the user that the server authenticated, the verb, the URL, the
status and the message, and the same call with kubectl and curl.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from labkit.core import page
from labkit.core.display import STATION_WORDS, Card, Displayable, Row
from labkit.core.language import said, text
from labkit.core.redact import redact

from .equivalents import curl_command, kubectl_command
from .refusals import failure
from .request_info import Call, read_call

# The sentence of every refusal by RBAC, for resources and for other paths: forbiddenMessage in
# k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go.
_NAMED = re.compile(r'User "([^"]+)" cannot')
_WARNING = re.compile(r'299 - "((?:[^"\\]|\\.)*)"')
"""The texts of ``Warning`` headers (RFC 7234, 5.5). Kubernetes sends code 299 and the agent ``-`` only."""

_WORDS = {
    201: "created",
    401: "not authenticated",
    403: "forbidden",
    404: "not found",
    409: "conflict",
}


AT_CLUSTER_SCOPE = text("at the cluster scope")
"""Where a request without a namespace is, in the words of RBAC's refusals."""
STATIONS = (
    text("TLS"),
    text("Authentication"),
    text("Authorization"),
    text("Admission"),
    text("Storage"),
)


@dataclass(frozen=True, slots=True)
class Identity:
    """The user that a server authenticated a caller as.

    Args:
        user: The username, such as ``system:serviceaccount:kikai:default``; empty
            when the credential was refused.
        groups: The user's groups.
        uid: The user's uid; empty if the user has none.
        extra: Extra fields, such as the pod that a token is bound to.
    """

    user: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> Identity:
        """Return the identity in a review's or an audit event's user."""
        # Reviews and audit events share one Go type, UserInfo of authentication.k8s.io/v1, which leaves
        # out empty fields.
        extra = {key: tuple(values) for key, values in (info.get("extra") or {}).items()}
        return cls(
            info.get("username", ""), tuple(info.get("groups") or ()), info.get("uid", ""), extra
        )


NOBODY = Identity("")
"""The identity of a caller whose credential was refused."""


@dataclass(frozen=True, repr=False)
class Answer(Displayable):
    """An answer of an API server.

    Args:
        who: The caller's name in the lab: ``admin``, ``kikai/test``, ``anonymous``.
        method: Such as ``GET``.
        path: The path with its query.
        server: The server's address, such as ``https://127.0.0.1:6443``.
        status: The HTTP status.
        headers: The response headers, by lower-case name.
        body: Decoded JSON, or text where the answer is not JSON.
        sent: The request's body, or None.
        milliseconds: The time from request to answer.
        credential: ``certificate``, ``token`` or ``none``.
        ca_file: The path of the cluster's CA certificate; empty when it is not a file.
        identify: Returns the user that the server authenticated.
        find_event: Returns the audit event of an Audit-Id, or None.
        advise: Returns the problem with the user that a refusal names; empty without one.
    """

    who: str
    method: str
    path: str
    server: str
    status: int
    headers: Mapping[str, str]
    body: Any
    sent: Any = None
    milliseconds: float = 0.0
    credential: str = "none"
    ca_file: str = ""
    identify: Callable[[], Identity] = field(default=lambda: NOBODY, compare=False)
    find_event: Callable[[str], dict[str, Any] | None] = field(
        default=lambda _audit_id: None, compare=False
    )
    advise: Callable[[str], str] = field(default=lambda _user: "", compare=False)

    @property
    def ok(self) -> bool:
        """Return whether the status is 2xx."""
        return 200 <= self.status < 300

    def raise_for_status(self, what: str, todo: str = "") -> None:
        """Raise an error unless the status is 2xx, for a call that the lab itself needs.

        Args:
            what: What happened, as a sentence.
            todo: The advice; by default the one for the status.

        Raises:
            ApiFailure: When the server refused.
        """
        if not self.ok:
            error = failure(self.status, self.body, what)
            error.todo = todo or error.todo
            raise error

    @property
    def allowed(self) -> bool:
        """Return whether the caller was authenticated and authorized: neither 401 nor 403.

        A 404 or 409 counts as allowed: the server authorizes a request before it looks for the object.
        """
        # So a learner without rights cannot find out with a 404 which objects exist.
        return self.status not in (401, 403)

    @property
    def forbidden(self) -> bool:
        """Return whether the caller was authenticated and not authorized (403)."""
        return self.status == 403

    @property
    def call(self) -> Call:
        """The request as the authorizer reads it."""
        return read_call(self.method, self.path)

    @property
    def verb(self) -> str:
        """The RBAC verb, such as ``list``."""
        return self.call.verb

    @property
    def resource(self) -> str:
        """The RBAC resource, such as ``services`` or ``pods/exec``."""
        return self.call.full_resource

    @property
    def stations(self) -> dict[str, str]:
        """The stations of the request, in their order: ``pass``, ``stop``, or ``none`` for not reached.

        Source: https://kubernetes.io/docs/concepts/security/controlling-access/
        """
        if self.status == 401:
            stop = 1
        elif self.status == 403:
            stop = 2 if self._refused_by_authorizer() else 3
        else:
            stop = 4 if self.status >= 400 else 5
        return {
            name: "pass" if number < stop else "stop" if number == stop else "none"
            for number, name in enumerate(STATIONS)
        }

    @property
    def url(self) -> str:
        """The server's address and the path."""
        return f"{self.server}{self.path}"

    @property
    def reason(self) -> str:
        """The Status object's reason, such as ``Forbidden``; empty for a success."""
        return str(self._status_object().get("reason") or "")

    @property
    def message(self) -> str:
        """The Status object's message, or the body of an answer that is not JSON."""
        if isinstance(self.body, str):
            return self.body.strip()
        return str(self._status_object().get("message") or "")

    @property
    def audit_id(self) -> str:
        """The request's id in the audit log (the ``Audit-Id`` header)."""
        return self.headers.get("audit-id", "")

    @property
    def warnings(self) -> list[str]:
        """The texts of the ``Warning`` headers, such as a deprecated version or an object without effect.

        Source: KEP-1693; https://kubernetes.io/blog/2020/09/03/warnings/
        """
        return [
            warning.replace('\\"', '"').replace("\\\\", "\\")
            for warning in _WARNING.findall(self.headers.get("warning", ""))
        ]

    @cached_property
    def event(self) -> dict[str, Any] | None:
        """The audit event of this request; None if no audit log can be read."""
        return self.find_event(self.audit_id) if self.audit_id else None

    @property
    def decision(self) -> str:
        """The authorizer's reason, from the audit event; empty without one."""
        annotations = (self.event or {}).get("annotations") or {}
        return str(annotations.get("authorization.k8s.io/reason", ""))

    @property
    def identity(self) -> Identity:
        """The authenticated user, from the audit event or from a SelfSubjectReview with the same credential.

        If the message of a 403 names another user, who was impersonated, only that name is set.
        """
        if self.status == 401:
            return NOBODY
        # The event first: it records this request, while a review is another request, made later, when
        # the token can have expired.
        user = (self.event or {}).get("user")
        if isinstance(user, dict) and "username" in user:
            return Identity.of(user)
        # A SelfSubjectReview without the Impersonate headers answers with the impersonator; RBAC's
        # message names the impersonated user.
        found = self.identify()
        named = self._refused_user
        return found if named in ("", found.user) else Identity(named)

    @property
    def note(self) -> str:
        """The problem with the user that a 403 names, such as an account that does not exist; empty without one."""
        return self.advise(self._refused_user) if self._refused_user else ""

    @property
    def as_user(self) -> str:
        """The authenticated username; empty after a 401."""
        return self.identity.user

    @property
    def items(self) -> list[dict[str, Any]]:
        """The objects of a list, or the one object; empty for a failure."""
        if not self.ok or not isinstance(self.body, dict):
            return []
        if "items" in self.body:
            return list(self.body["items"] or [])
        return [self.body]

    @property
    def names(self) -> list[str]:
        """The names of ``items``."""
        return [str(item.get("metadata", {}).get("name", "")) for item in self.items]

    @property
    def titles(self) -> list[str]:
        """The names of ``items``; with their namespaces where the call names none."""
        if self.call.namespace:
            return self.names
        # A list over all namespaces can hold several objects of one name.
        homes = [str(item.get("metadata", {}).get("namespace", "")) for item in self.items]
        return [
            f"{home}/{name}" if home else name for home, name in zip(homes, self.names, strict=True)
        ]

    @property
    def kubectl(self) -> str:
        """The same call as a kubectl command."""
        call = (self.method, self.path, self.sent, self.credential, self.server, self.ca_file)
        return redact(kubectl_command(*call))

    @property
    def curl(self) -> str:
        """The same call as a curl command."""
        return redact(curl_command(self.method, self.url, self.sent, self.credential, self.ca_file))

    def summary(self) -> dict[str, Any]:
        """Return the fields to record; neither the body nor a credential is among them."""
        return {
            "kind": "answer",
            "who": self.who,
            "as_user": self.as_user,
            "method": self.method,
            "server": self.server,
            "path": self.path,
            "verb": self.verb,
            "resource": self.resource,
            "status": self.status,
            "reason": self.reason,
            "message": redact(self.message[:500]),
            "allowed": self.allowed,
            "names": self.names[:50],
            "audit_id": self.audit_id,
        }

    @property
    def title(self) -> str:
        """The status and its word, such as ``403 forbidden``."""
        word = _WORDS.get(self.status, "ok" if self.ok else self.reason or "refused")
        return text("{status} {word}", self.status, text(word))

    @property
    def tone(self) -> str:
        """The colour of the answer: a refusal differs from other failures."""
        if self.ok:
            return "good"
        return "bad" if self.status in (401, 403) else "warn"

    def card(self) -> Card:
        """Return a card with the caller, the authenticated user, the request and the answer."""
        as_whom = self.as_user or text("nobody: the credential was not accepted")
        whom = text("{who}, taken for {user}", text(self.who), as_whom)
        call = self.call
        stations = self.stations
        reached = [
            f"{STATION_WORDS[state][0]} {said(name)}"
            for name, state in stations.items()
            if state != "none"
        ]
        rows = [
            Row("who", whom, place="text"),
            Row("verb", f"{self.verb} {self.resource}".strip(), place="text"),
            Row("url", f"{self.method} {self.url}", code=True),
            Row("stations", " → ".join(reached), place="text"),
            Row("message", redact(self.message)),
            Row("note", self.note),
            Row("warning", "; ".join(self.warnings)),
            Row("got", self._gist()),
            Row("decided", self.decision),
        ]
        if not page.IN_PAGE:  # where there is no shell to run them in
            rows.append(Row("kubectl", self.kubectl, code=True, place="command"))
            rows.append(Row("curl", self.curl, code=True, place="command"))
        where = text("in {namespace}", call.namespace) if call.namespace else AT_CLUSTER_SCOPE
        sentence = [whom, self.verb, call.full_resource or call.path, call.name]
        if call.is_resource:
            sentence.append(where)
        return Card(self.title, self.tone, rows, sentence=sentence, stations=stations)

    def json(self) -> str:
        """Return the body as indented JSON, with the signatures of tokens removed."""
        if isinstance(self.body, str):
            return redact(self.body)
        return redact(json.dumps(self.body, indent=2, ensure_ascii=False))

    @property
    def _refused_user(self) -> str:
        """The user that the message of a 403 names; empty without one."""
        named = _NAMED.search(self.message) if self.status == 403 else None
        return named[1] if named else ""

    def _refused_by_authorizer(self) -> bool:
        """Return whether the authorizer refused; admission plugins answer 403 as well."""
        # The audit annotation is the authorizer's own decision. Without the audit log, its message
        # remains: User "…" cannot VERB …
        # (forbiddenMessage in apiserver's endpoints/handlers/responsewriters/errors.go).
        annotations = (self.event or {}).get("annotations") or {}
        decision = annotations.get("authorization.k8s.io/decision")
        return decision == "forbid" if decision else " cannot " in self.message

    def _status_object(self) -> dict[str, Any]:
        if isinstance(self.body, dict) and self.body.get("kind") == "Status":
            return self.body
        return {}

    def _gist(self) -> str:
        if not self.ok or not isinstance(self.body, dict):
            return ""
        kind = str(self.body.get("kind", ""))
        if "items" in self.body:
            count = len(self.titles)
            what = (
                text("{kind}, {count} item", kind, count)
                if count == 1
                else text("{kind}, {count} items", kind, count)
            )
            return _listed(what, self.titles)
        name = (self.body.get("metadata") or {}).get("name")
        if kind and name:
            return f"{kind} {name}"
        if kind == "Status":
            about = self.body.get("details") or {}
            return f"{self.body.get('status', kind)}: {about.get('kind', '')} {about.get('name', '')}".rstrip(
                ": "
            )
        if "gitVersion" in self.body:
            return text("version {version}", self.body["gitVersion"])
        # Discovery documents have no items: /, /api, /apis and a group version use these four keys.
        for listed in ("paths", "versions", "groups", "resources"):
            if isinstance(self.body.get(listed), list):
                entries = self.body[listed]
                names = [
                    _entry_name(entry) if isinstance(entry, dict) else str(entry)
                    for entry in entries
                ]
                # Discovery lists subresources, such as pods/log, as resources of their own.
                return _listed(
                    listed, [name for name in names if listed != "resources" or "/" not in name]
                )
        keys = ", ".join(list(self.body)[:8])
        return f"{kind}: {keys}" if kind else keys


def _entry_name(entry: Mapping[str, Any]) -> str:
    """Return the name of a group or a resource, or the group version of an entry without a name."""
    return str(entry.get("name") or entry.get("groupVersion") or "")


def _listed(what: str, names: list[str]) -> str:
    """Return the first twelve names of a list."""
    said = text("{what}: {names}", what, ", ".join(names[:12])) if names else what
    return text("{names}, … {count} more", said, len(names) - 12) if len(names) > 12 else said
