"""The stations of a call: how far it came, and what is known there."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.client.answer import Answer, Identity
from labkit.lab.stages import groups_of, question_of, stages

PODS = "/api/v1/namespaces/kikai/pods"
ACCOUNT = "system:serviceaccount:kikai:bot"
BOT = Identity(ACCOUNT)
GROUPS = ("system:serviceaccounts", "system:serviceaccounts:kikai", "system:authenticated")
CANNOT = f'pods is forbidden: User "{ACCOUNT}" cannot list resource "pods"'


def answer(
    status: int = 200,
    *,
    method: str = "GET",
    path: str = PODS,
    message: str = "",
    annotations: dict[str, str] | None = None,
    who: Identity = BOT,
    **more: Any,
) -> Answer:
    """Return an answer to a service account, with an audit event if it has annotations or an object."""
    event = {**more.pop("event", {}), "annotations": {**(annotations or {})}}
    return Answer(
        "kikai/bot",
        method,
        path,
        "https://127.0.0.1:1",
        status,
        {"audit-id": "1"},
        {"kind": "Status", "message": message},
        credential="token",
        identify=lambda: who,
        find_event=lambda _audit_id: event if len(event) > 1 or annotations else None,
        **more,
    )


def states(given: Answer) -> str:
    """Return the first letters of the stages' states."""
    return "".join(stage["state"][0] for stage in stages(given))


def facts(given: Answer) -> dict[str, dict[str, str]]:
    return {stage["title"]: dict(stage["facts"]) for stage in stages(given)}


def decision(word: str) -> dict[str, str]:
    return {"authorization.k8s.io/decision": word}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(200), "ppppp"),
        (answer(399), "ppppp"),
        (answer(400), "pppps"),
        (answer(404), "pppps"),
        (answer(401), "psnnn"),
        (answer(403, message=CANNOT), "ppsnn"),
        (answer(403, annotations=decision("forbid")), "ppsnn"),
        # An admission plugin answers 403 as well.
        (answer(403, message="exceeded quota: small"), "pppsn"),
        (answer(403, message=CANNOT, annotations=decision("allow")), "pppsn"),
        (answer(409, message="User cannot be made twice"), "pppps"),
    ],
)
def test_a_call_comes_as_far_as_its_answer_says(given: Answer, expected: str) -> None:
    assert states(given) == expected


def test_the_stations_are_named_in_their_order_and_have_facts_if_they_were_reached() -> None:
    assert [(stage["title"], len(stage["facts"])) for stage in stages(answer(401))] == [
        ("TLS", 2),
        ("Authentication", 2),
        ("Authorization", 0),
        ("Admission", 0),
        ("Storage", 0),
    ]
    assert facts(answer(401))["Authentication"] == {"plugin": "bearer token", "answer": "401"}


def test_of_an_allowed_read_everything_is_said() -> None:
    assert facts(answer(200)) == {
        "TLS": {"server": "https://127.0.0.1:1", "certificate": "signed by the cluster's CA"},
        "Authentication": {"plugin": "bearer token", "user": ACCOUNT, "groups": ", ".join(GROUPS)},
        "Authorization": {
            "verb": "list",
            "resource": "pods",
            "namespace": "kikai",
            "decision": "allowed",
        },
        "Admission": {"plugins": "not asked, for a read"},
        "Storage": {"status": "200"},
    }


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_plugins_are_asked_for_a_write_and_the_stored_object_is_named(method: str) -> None:
    found = facts(answer(200, method=method, event={"objectRef": {"name": "own"}}))
    assert found["Admission"] == {"plugins": "asked, for a write"}
    assert found["Storage"] == {"status": "200", "object": "own"}


def test_the_decision_is_the_authorizers_own_reason_if_it_is_known() -> None:
    allowed = answer(200, annotations={"authorization.k8s.io/reason": "RBAC: allowed by ..."})
    assert facts(allowed)["Authorization"]["decision"] == "RBAC: allowed by ..."
    refused = facts(answer(403, message=CANNOT))["Authorization"]
    assert refused["decision"] == "no rule allows it"


def test_what_is_in_no_namespace_and_no_resource_is_said_so() -> None:
    found = facts(answer(path="/version"))["Authorization"]
    assert (found["resource"], found["namespace"]) == ("/version", "none (cluster scope)")
    assert facts(answer(path=f"{PODS}/own/log"))["Authorization"]["resource"] == "pods/log"


def test_a_note_about_the_user_stands_at_the_authentication() -> None:
    advised = answer(403, message=CANNOT, advise=lambda user: f"no {user}")
    assert facts(advised)["Authentication"]["note"] == f"no {ACCOUNT}"


def test_groups_that_are_not_told_follow_from_an_accounts_name_only() -> None:
    assert groups_of(Identity(ACCOUNT)) == GROUPS
    assert groups_of(Identity(ACCOUNT, ("mine",))) == ("mine",)
    assert groups_of(Identity("jane")) == ()
    assert facts(answer(who=Identity("jane")))["Authentication"]["groups"] == "not known"


def test_the_question_is_the_one_that_the_authorizer_decided() -> None:
    asked = question_of(answer(path="/apis/apps/v1/namespaces/kikai/deployments/web/scale"))
    assert (asked.user.name, asked.user.groups) == (ACCOUNT, GROUPS)
    assert (asked.verb, asked.group, asked.version) == ("get", "apps", "v1")
    assert (asked.resource, asked.subresource) == ("deployments", "scale")
    assert (asked.namespace, asked.name, asked.path) == ("kikai", "web", "")
    asked = question_of(answer(path="/healthz"))
    assert (asked.verb, asked.path, asked.resource) == ("get", "/healthz", "")
