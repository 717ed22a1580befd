"""The event that every request leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from kube_embedded.apiserver.filters.audit import timestamp, with_audit
from kube_embedded.machinery.request import (
    AuditRecord,
    ExecIO,
    Object,
    Request,
    RequestInfo,
    Response,
)
from kube_embedded.rbac.attributes import User
from kube_embedded.tests.support.cluster import IDENTITIES, RBAC, Clock, ClusterApi, rule
from kube_embedded.tests.support.ring import AuditRing
from kube_embedded.tests.support.some import some

RECORDING = Path(__file__).parents[1] / "parity" / "data" / "audit.jsonl"


def last(api: ClusterApi) -> Any:
    return list(api.events)[-1]


def test_forbidden() -> None:
    api = ClusterApi()
    reply = api.anonymous.get("/api/v1/namespaces/x/pods?limit=1", headers={"user-agent": "curl/8"})
    assert last(api) == {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": reply.headers["Audit-Id"],
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/namespaces/x/pods?limit=1",
        "verb": "list",
        "user": {"username": "system:anonymous", "groups": ["system:unauthenticated"]},
        "sourceIPs": ["127.0.0.1"],
        "userAgent": "curl/8",
        "objectRef": {"resource": "pods", "namespace": "x", "apiVersion": "v1"},
        "responseStatus": {
            "metadata": {},
            "status": "Failure",
            "message": reply.message,
            "reason": "Forbidden",
            "details": {"kind": "pods"},
            "code": 403,
        },
        "requestReceivedTimestamp": "2027-01-15T08:00:00.000000Z",
        "stageTimestamp": "2027-01-15T08:00:00.000000Z",
        "annotations": {
            "authorization.k8s.io/decision": "forbid",
            "authorization.k8s.io/reason": "",
        },
    }


def test_allowed() -> None:
    api = ClusterApi()
    api.namespace("lab")
    api.account("lab", "bot").get("/version")
    event = last(api)
    assert event["responseStatus"] == {"metadata": {}, "code": 200}
    assert "objectRef" not in event
    assert event["user"]["username"] == "system:serviceaccount:lab:bot"
    assert event["annotations"]["authorization.k8s.io/reason"].startswith(
        "RBAC: allowed by ClusterRoleBinding"
    )


def test_issued_tokens_are_named_by_their_id_alone() -> None:
    api = ClusterApi()
    api.namespace("lab")
    caller = api.account("lab", "bot")
    caller.get("/api")
    api.admin.post(f"{IDENTITIES}/tokenreviews", {"spec": {"token": caller.token}})
    api.bearer("eyJhbGciOiJub25lIn0.eyJzZWNyZXQiOjF9.c2VjcmV0").get("/api")
    text = json.dumps(list(api.events))
    assert "authentication.kubernetes.io/issued-credential-id" in text
    assert "eyJ" not in text
    assert caller.token is not None
    assert caller.token.rpartition(".")[2] not in text


def test_unauthorized() -> None:
    api = ClusterApi()
    api.bearer("nonsense").get("/api/v1/pods")
    event = last(api)
    assert event["stage"] == "ResponseStarted"
    assert event["user"] == {}
    assert event["responseStatus"] == {
        "metadata": {},
        "status": "Failure",
        "message": "Unauthorized",
        "reason": "Unauthorized",
        "code": 401,
    }
    assert "annotations" not in event


def test_impersonation() -> None:
    api = ClusterApi()
    api.admin.as_user("jane", "dev").get("/api/v1/pods")
    event = last(api)
    assert event["user"]["username"] == "kubernetes-admin"
    assert event["impersonatedUser"] == {
        "username": "jane",
        "groups": ["dev", "system:authenticated"],
    }
    assert event["authenticationMetadata"] == {"impersonationConstraint": "impersonate:user-info"}
    assert event["annotations"]["authorization.k8s.io/decision"] == "forbid"


def test_a_refused_impersonation_is_the_callers_own() -> None:
    api = ClusterApi()
    api.user("kim").as_user("jane").get("/api/v1/pods")
    event = last(api)
    assert event["user"]["username"] == "kim"
    assert "impersonatedUser" not in event
    assert "impersonate-on:user-info:list" in event["responseStatus"]["message"]


def test_a_creation_names_its_object() -> None:
    api = ClusterApi()
    api.must(api.admin.post("/api/v1/namespaces", {"metadata": {"name": "lab"}}))
    assert last(api)["objectRef"] == {"resource": "namespaces", "name": "lab", "apiVersion": "v1"}
    api.admin.post(
        f"{RBAC}/namespaces/lab/roles", {"metadata": {"name": "r"}, "rules": [rule("get", "pods")]}
    )
    assert last(api)["objectRef"] == {
        "resource": "roles",
        "namespace": "lab",
        "name": "r",
        "apiGroup": "rbac.authorization.k8s.io",
        "apiVersion": "v1",
    }


def test_an_update_names_what_it_replaces() -> None:
    api = ClusterApi()
    made = api.must(api.admin.post("/api/v1/namespaces", {"metadata": {"name": "lab"}}))
    api.must(api.admin.put("/api/v1/namespaces/lab", made))
    assert last(api)["objectRef"] == {
        "resource": "namespaces",
        "namespace": "lab",
        "name": "lab",
        "uid": made["metadata"]["uid"],
        "apiVersion": "v1",
        "resourceVersion": made["metadata"]["resourceVersion"],
    }
    api.must(api.admin.patch("/api/v1/namespaces/lab/status", {"metadata": {"labels": {"a": "b"}}}))
    assert last(api)["objectRef"]["subresource"] == "status"


def test_same_fields_as_recorded() -> None:
    known = {field for line in RECORDING.read_text().splitlines() for field in json.loads(line)} | {
        "userAgent"
    }
    api = ClusterApi()
    api.anonymous.get("/", headers={"user-agent": "x"})
    api.admin.get("/api/v1/pods")
    assert all(set(event) <= known for event in some(api.events))


def test_long_user_agents_are_cut() -> None:
    api = ClusterApi()
    api.anonymous.get("/", headers={"user-agent": "x" * 2000})
    assert last(api)["userAgent"] == "x" * 1024 + "...TRUNCATED"


class Stream:
    closed = False
    timeout_seconds = 5.0

    def __init__(self) -> None:
        self.closes = 0

    def read(self) -> list[bytes]:
        return [b"x"]

    def on_ready(self, wake: Callable[[], None]) -> None:
        wake()

    def close(self) -> None:
        self.closes += 1


def audited(response: Response) -> tuple[Response, AuditRing, Clock]:
    ring, clock = AuditRing(), Clock()
    request = Request(
        "GET", "/api/v1/pods", info=RequestInfo(True, "/api/v1/pods", "watch", resource="pods")
    )
    request.audit = AuditRecord("id", User("jane"))
    return with_audit(lambda _: response, ring, clock)(request), ring, clock


def stages(ring: AuditRing) -> list[str]:
    return [event["stage"] for event in ring]


def test_a_watch_leaves_two_events() -> None:
    stream = Stream()
    response, ring, clock = audited(Response(stream=stream))
    assert stages(ring) == ["ResponseStarted"]
    assert response.stream is not None
    assert response.stream.read() == [b"x"]
    clock.now += 2
    response.stream.close()
    response.stream.close()
    assert stages(ring) == ["ResponseStarted", "ResponseComplete"]
    assert stream.closes == 2
    started, ended = ring
    assert started["requestURI"] == "/api/v1/pods"  # where nothing else was kept of it
    assert (
        started["requestReceivedTimestamp"]
        == ended["requestReceivedTimestamp"]
        == started["stageTimestamp"]
    )
    assert ended["stageTimestamp"] == "2027-01-15T08:00:02.000000Z"


class Session:
    stdin = stdout = stderr = True
    tty = False

    def run(self, io: ExecIO) -> Awaitable[Object]:
        async def fail() -> Object:
            raise RuntimeError("the container has gone")

        return fail()


def test_an_exec_leaves_two_events_however_it_ends() -> None:
    response, ring, _ = audited(Response(upgrade=Session()))
    assert response.upgrade is not None
    assert (response.upgrade.stdin, response.upgrade.tty) == (True, False)
    run = response.upgrade.run(None)  # type: ignore[arg-type] # the session above has no use for it

    async def main() -> None:
        await run

    with pytest.raises(RuntimeError):
        asyncio.run(main())
    assert stages(ring) == ["ResponseStarted", "ResponseComplete"]
    assert {event["responseStatus"]["code"] for event in ring} == {101}


def test_a_status_in_the_answer_is_told() -> None:
    body = b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","details":{"name":"x"}}'
    _, ring, _ = audited(Response(body=body))
    event = next(iter(ring))
    assert event["responseStatus"] == {
        "metadata": {},
        "status": "Success",
        "details": {"name": "x"},
        "code": 200,
    }


def test_an_empty_ring_still_takes_events() -> None:
    """An empty ring is false in a condition; a cluster must not take it for none."""
    api = ClusterApi()
    assert len(api.events) == 0
    api.anonymous.get("/")
    assert len(api.events) == 1


def test_timestamp() -> None:
    assert timestamp(0) == "1970-01-01T00:00:00.000000Z"
    assert timestamp(1.25) == "1970-01-01T00:00:01.250000Z"
    assert timestamp(1_800_000_000.999999) == "2027-01-15T08:00:00.999999Z"


def test_a_caller_may_bring_an_id() -> None:
    api = ClusterApi()
    assert api.admin.get("/api", headers={"audit-id": "mine"}).headers["Audit-Id"] == "mine"
    assert last(api)["auditID"] == "mine"


@pytest.mark.parametrize(
    ("headers", "addresses"),
    [
        ({}, ["127.0.0.1"]),
        ({"x-forwarded-for": "10.0.0.1, nonsense, ::1"}, ["10.0.0.1", "::1", "127.0.0.1"]),
        ({"x-forwarded-for": "10.0.0.1", "x-real-ip": "10.0.0.1"}, ["10.0.0.1", "127.0.0.1"]),
        ({"x-real-ip": "10.0.0.2"}, ["10.0.0.2", "127.0.0.1"]),
        ({"x-forwarded-for": "10.0.0.1,127.0.0.1"}, ["10.0.0.1", "127.0.0.1"]),
    ],
)
def test_source_addresses(headers: dict[str, str], addresses: list[str]) -> None:
    api = ClusterApi()
    api.anonymous.get("/", headers=headers)
    event = last(api)
    assert event["sourceIPs"] == addresses
    assert event["annotations"].get("labkit/forwarded-for") == headers.get("x-forwarded-for")


def test_a_watch_that_is_refused_begins_and_ends_too() -> None:
    api = ClusterApi()
    api.anonymous.get("/api/v1/pods?watch=1")
    assert [event["stage"] for event in api.events] == ["ResponseStarted", "ResponseComplete"]
    assert {event["responseStatus"]["code"] for event in api.events} == {403}


def test_an_answer_in_a_form_that_was_not_asked_for_is_not_looked_at() -> None:
    api = ClusterApi()
    html = {"accept": "text/html"}
    api.anonymous.get("/api/v1/pods", headers=html)
    assert last(api)["responseStatus"] == {"metadata": {}, "code": 403}
    api.bearer("x").get("/api/v1/pods", headers=html)
    told = "Authentication failed, attempted: bearer"
    assert last(api)["responseStatus"] == {"metadata": {}, "message": told, "code": 401}


def test_what_is_deprecated_is_marked() -> None:
    api = ClusterApi()
    api.admin.get("/api/v1/endpoints")
    assert last(api)["annotations"]["k8s.io/deprecated"] == "true"


def test_a_uid_that_was_sent_is_told_and_not_kept() -> None:
    api = ClusterApi()
    made = api.must(
        api.admin.post("/api/v1/namespaces", {"metadata": {"name": "lab", "uid": "mine"}})
    )
    assert last(api)["objectRef"]["uid"] == "mine"
    assert made["metadata"]["uid"] != "mine"
