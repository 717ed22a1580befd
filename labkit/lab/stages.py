"""The stations of one call on its way through the API server, for the X-ray in a notebook and in a terminal."""

from collections.abc import Iterable
from typing import Any

from kube_embedded.rbac.attributes import Attributes, User
from kube_embedded.rbac.subjects import Subject, subject
from labkit.client.answer import Answer, Identity
from labkit.core.language import text

WRITES = ("POST", "PUT", "PATCH", "DELETE")
WORDS = {"pass": text("✓ passed"), "stop": text("✕ stopped here"), "none": text("– not reached")}
PLUGINS = {
    "certificate": text("client certificate"),
    "token": text("bearer token"),
    "none": text("none: anonymous"),
}


def _stage(title: str, state: str, *facts: tuple[str, str]) -> dict[str, Any]:
    """Return a stage: its name in Kubernetes, ``pass``, ``stop`` or ``none`` (not reached), and its facts."""
    return {
        "title": text(title),
        "state": state,
        "facts": [[text(name), fact] for name, fact in facts],
    }


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
        ("namespace", call.namespace or text("none (cluster scope)")),
        ("decision", answer.decision or ("allowed" if authorized else text("no rule allows it"))),
    )
    plugins = (
        "plugins",
        text("asked, for a write") if answer.method in WRITES else text("not asked, for a read"),
    )
    stored = [
        ("status", str(answer.status)),
        *([("object", str(objects["name"]))] if objects.get("name") else []),
    ]
    return [
        _stage(
            "TLS",
            "pass",
            ("server", answer.server),
            ("certificate", text("signed by the cluster's CA")),
        ),
        _stage(
            "Authentication",
            "pass" if authenticated else "stop",
            ("plugin", PLUGINS.get(answer.credential, answer.credential)),
            *(
                [("user", who.user), ("groups", ", ".join(groups_of(who)) or text("not known"))]
                if who
                else [("answer", "401")]
            ),
            *([("note", note)] if (note := answer.note) else []),
        ),
        _reached("Authorization", authenticated, authorized, asked),
        _reached("Admission", authorized, admitted, [plugins]),
        _reached("Storage", admitted, answer.status < 400, stored),
    ]


def groups_of(who: Identity) -> tuple[str, ...]:
    """Return a user's groups; those of a service account follow from its name."""
    # Of an impersonated user only the name is known (Answer.identity). The API server derives a
    # service account's groups from its name as well (serviceaccount.MakeGroupNames).
    account = Subject(who.user).account
    return who.groups or (subject("/".join(account)).groups if account else ())


def question_of(answer: Answer) -> Attributes:
    """Return the attributes that the authorizer decided on."""
    call = answer.call
    who = answer.identity
    user = User(who.user, groups_of(who), who.uid, who.extra)
    if not call.is_resource:
        return Attributes(user, call.verb, path=call.path)
    return Attributes(
        user,
        call.verb,
        call.group,
        call.version,
        call.resource,
        call.subresource,
        call.namespace,
        call.name,
    )


def _reached(
    title: str, reached: bool, passed: bool, facts: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    return _stage(title, "pass" if passed else "stop", *facts) if reached else _stage(title, "none")


def _refused_by_authorizer(answer: Answer) -> bool:
    """Return whether the authorizer refused; admission plugins answer 403 as well."""
    # The audit annotation is the authorizer's own decision. Without the audit log, its message
    # remains: User "…" cannot VERB …
    # (forbiddenMessage in apiserver's endpoints/handlers/responsewriters/errors.go).
    if answer.status != 403:
        return False
    annotations = (answer.event or {}).get("annotations") or {}
    decision = annotations.get("authorization.k8s.io/decision")
    return decision == "forbid" if decision else " cannot " in answer.message
