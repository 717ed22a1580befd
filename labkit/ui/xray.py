"""The request X-ray: one call on its way through the API server.

The facts come from the audit event with the answer's ``Audit-Id``; where the audit log cannot
be read, from the answer and a SubjectAccessReview.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labkit.client.answer import Answer, Identity
from labkit.core.errors import UsageError
from labkit.rbac.attributes import Attributes, User
from labkit.rbac.explain import explain
from labkit.rbac.policy import Api, Unreadable, read_policy
from labkit.rbac.subjects import Subject, subject
from labkit.ui.base import LabWidget, api_of, html_table
from labkit.ui.explaining import explanation_data, explanation_html, explanation_text

WRITES = ("POST", "PUT", "PATCH", "DELETE")
WORDS = {"pass": "✓ passed", "stop": "✕ stopped here", "none": "– not reached"}
PLUGINS = {"certificate": "client certificate", "token": "bearer token", "none": "none: anonymous"}


def _stage(title: str, state: str, *facts: tuple[str, str]) -> dict[str, Any]:
    """A stage: its name in Kubernetes' terms, ``pass``, ``stop`` or ``none`` (not reached), and what is known."""
    return {"title": title, "state": state, "facts": [list(fact) for fact in facts]}


def stages(answer: Answer) -> list[dict[str, Any]]:
    """List the stages of a call, from its answer and audit event."""
    authenticated = answer.status != 401
    authorized = authenticated and not _refused_by_authorizer(answer)
    admitted = authorized and answer.status != 403
    who = answer.identity if authenticated else None
    event = answer.event or {}
    objects = event.get("objectRef") or {}
    call = answer.call
    asked = (
        ("verb", call.verb),
        ("resource", call.full_resource or call.path),
        ("namespace", call.namespace or "none (cluster scope)"),
        ("decision", answer.decision or ("allowed" if authorized else "no rule allows it")),
    )
    plugins = ("plugins", "asked, for a write" if answer.method in WRITES else "not asked, for a read")
    stored = [("status", str(answer.status)), *([("object", str(objects["name"]))] if objects.get("name") else [])]
    return [
        _stage("TLS", "pass", ("server", answer.server), ("certificate", "signed by the cluster's CA")),
        _stage(
            "Authentication",
            "pass" if authenticated else "stop",
            ("plugin", PLUGINS.get(answer.credential, answer.credential)),
            *([("user", who.user), ("groups", ", ".join(_groups(who)) or "not known")] if who else [("answer", "401")]),
            *([("note", note)] if (note := answer.note) else []),
        ),
        _reached("Authorization", authenticated, authorized, asked),
        _reached("Admission", authorized, admitted, [plugins]),
        _reached("Storage", admitted, answer.status < 400, stored),
    ]


def _groups(who: Identity) -> tuple[str, ...]:
    """Return a user's groups; those of a service account follow from its name."""
    account = Subject(who.user).account
    return who.groups or (subject("/".join(account)).groups if account else ())


def _reached(title: str, reached: bool, passed: bool, facts: Iterable[tuple[str, str]]) -> dict[str, Any]:
    return _stage(title, "pass" if passed else "stop", *facts) if reached else _stage(title, "none")


def _refused_by_authorizer(answer: Answer) -> bool:
    """Return whether a 403 is the authorizer's; an admission plugin's has an audit decision that allows it."""
    if answer.status != 403:
        return False
    annotations = (answer.event or {}).get("annotations") or {}
    decision = annotations.get("authorization.k8s.io/decision")
    return decision == "forbid" if decision else " cannot " in answer.message


class XRay(LabWidget):
    """The stages of one call, and why it was allowed or forbidden.

    Args:
        answer: A call's answer, such as ``lab.as_pod("kikai/test").get(…)``.
        lab: The lab, or a caller who may list RBAC objects and create reviews.

    Raises:
        UsageError: ``answer`` is of another type.
    """

    def __init__(self, answer: Answer, lab: Any) -> None:
        super().__init__()
        if not isinstance(answer, Answer):
            raise UsageError(
                f"An X-ray is made of an answer, and this is a value of the type {type(answer).__name__}.",
                todo='Give what a caller got: XRay(lab.as_anonymous().get("/api"), lab)',
            )
        api: Api = api_of(lab)
        explanation: dict[str, Any] | None = None
        notice = ""
        if answer.status != 401:
            try:
                policy = read_policy(api)
                explanation = explanation_data(explain(api, _question(answer), policy), policy)
            except Unreadable as error:
                notice = str(error)
        known = "the audit event" if answer.event else "the answer and a SubjectAccessReview (no audit log here)"
        audit = f" {answer.audit_id}" if answer.event else ""
        self.notice = notice
        self.data = {
            "title": f"{answer.method} {answer.path} → {answer.status}",
            "stages": stages(answer),
            "source": f"Read from {known}{audit}.",
            "explanation": explanation,
        }

    def as_text(self) -> str:
        """Return the stages, a line each, then the explanation."""
        lines = [self.data["title"]]
        for stage in self.data["stages"]:
            facts = "; ".join(f"{name}: {value}" for name, value in stage["facts"])
            lines.append(f"  {stage['title']:<15} {WORDS[stage['state']]:<15} {facts}".rstrip())
        if self.data["explanation"]:
            lines += ["", explanation_text(self.data["explanation"])]
        return "\n".join(lines)

    def as_html(self) -> str:
        """Return the stages as a table, then the explanation."""
        rows = [
            [stage["title"], WORDS[stage["state"]], "; ".join(f"{name}: {value}" for name, value in stage["facts"])]
            for stage in self.data["stages"]
        ]
        page = html_table(["stage", "state", "what is known"], rows, caption=self.data["title"])
        return page + (explanation_html(self.data["explanation"]) if self.data["explanation"] else "")


def _question(answer: Answer) -> Attributes:
    call, who = answer.call, answer.identity
    user = User(who.user, _groups(who), who.uid, who.extra)
    if not call.is_resource:
        return Attributes(user, call.verb, path=call.path)
    return Attributes(
        user, call.verb, call.group, call.version, call.resource, call.subresource, call.namespace, call.name
    )
