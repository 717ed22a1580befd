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
    tls, authentication, authorization, admission, storage = answer.stations.items()
    authenticated = authentication[1] == "pass"
    authorized = authorization[1] == "pass"
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
            *tls, ("server", answer.server), ("certificate", text("signed by the cluster's CA"))
        ),
        _stage(
            *authentication,
            ("plugin", PLUGINS.get(answer.credential, answer.credential)),
            *(
                [("user", who.user), ("groups", ", ".join(groups_of(who)) or text("not known"))]
                if who
                else [("answer", "401")]
            ),
            *([("note", note)] if (note := answer.note) else []),
        ),
        _reached(*authorization, asked),
        _reached(*admission, [plugins]),
        _reached(*storage, stored),
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


def _reached(title: str, state: str, facts: Iterable[tuple[str, str]]) -> dict[str, Any]:
    return _stage(title, state, *(() if state == "none" else facts))
