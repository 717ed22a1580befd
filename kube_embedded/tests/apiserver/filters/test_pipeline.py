"""The filters: their order, and what every answer carries."""

from __future__ import annotations

import json
import logging
from typing import cast

import pytest

from kube_embedded.apiserver.filters.pipeline import with_status
from kube_embedded.apiserver.filters.priority import FlowHeaders
from kube_embedded.apiserver.storage import Key, Store
from kube_embedded.machinery.request import Object, Request, Response
from kube_embedded.rbac.attributes import User
from kube_embedded.tests.support.cluster import Caller, ClusterApi


@pytest.fixture
def api() -> ClusterApi:
    return ClusterApi()


def test_every_answer_has_the_common_headers(api: ClusterApi) -> None:
    for caller in (api.admin, api.anonymous, api.bearer("x")):
        headers = caller.get("/api/v1/pods").headers
        assert len(headers["Audit-Id"]) == 36
        assert headers["Cache-Control"] == "no-cache, private"
        assert headers["Content-Type"] == "application/json"


def test_flow_headers_come_after_authentication(api: ClusterApi) -> None:
    def flow(caller: Caller) -> str | None:
        return caller.get("/api/v1/pods").headers.get("X-Kubernetes-Pf-Flowschema-Uid")

    assert flow(api.bearer("x")) is None
    assert flow(api.user("kim").as_user("jane")) is None
    admin, jane, anonymous = flow(api.admin), flow(api.user("jane")), flow(api.anonymous)
    assert None not in (admin, jane, anonymous)
    assert len({admin, jane, anonymous}) == 3
    assert flow(api.user("kim")) == jane


@pytest.mark.parametrize("missing", ["flowschemas", "prioritylevelconfigurations"])
def test_where_a_schema_or_a_level_is_missing_there_are_no_flow_headers(
    api: ClusterApi, missing: str
) -> None:
    store, jane = api.cluster.store, User("jane", ("system:authenticated",))

    class Without:
        """The store, without objects of a kind."""

        def get(self, key: Key) -> Object | None:
            return None if key.resource.startswith(missing) else store.get(key)

    assert len(FlowHeaders(store)(jane)) == 2
    assert FlowHeaders(cast("Store", Without()))(jane) == {}


def test_nosniff_on_refusals_of_the_authorizer_only(api: ClusterApi) -> None:
    assert api.anonymous.get("/").headers["X-Content-Type-Options"] == "nosniff"
    assert "X-Content-Type-Options" not in api.bearer("x").get("/").headers
    assert "X-Content-Type-Options" not in api.admin.get("/api/v1/namespaces/ghost").headers


def test_authorization_comes_before_routing(api: ClusterApi) -> None:
    assert api.user("jane").get("/apis/nothing.example/v1/things").status == 403
    assert api.admin.get("/apis/nothing.example/v1/things").status == 404


def test_authentication_comes_before_impersonation(api: ClusterApi) -> None:
    assert api.bearer("x").as_user("jane").get("/api").status == 401


def test_impersonation_comes_before_authorization(api: ClusterApi) -> None:
    assert api.admin.as_user("jane").get("/api/v1/pods").status == 403
    assert api.admin.as_user("boss", "system:masters").get("/api/v1/pods").status == 200


def test_a_defect_says_nothing() -> None:
    def broken(request: Request) -> Response:
        raise KeyError("a secret of the code")

    logging.disable(logging.CRITICAL)
    try:
        response = with_status(broken)(Request("GET", "/"))
    finally:
        logging.disable(logging.NOTSET)
    assert response.status == 500
    assert json.loads(response.body)["message"] == "Internal error occurred"


@pytest.mark.parametrize(
    ("timeout", "why"),
    [
        ("abc", 'time: invalid duration "abc"'),
        ("1", 'time: missing unit in duration "1"'),
        ("1x", 'time: unknown unit "x" in duration "1x"'),
        ("1h-", 'time: unknown unit "h-" in duration "1h-"'),
        (".s", 'time: invalid duration ".s"'),
        ("9999999h", 'time: invalid duration "9999999h"'),
        ("+", 'time: invalid duration "+"'),
    ],
)
def test_a_timeout_that_is_none_is_refused_whoever_asks(
    api: ClusterApi, timeout: str, why: str
) -> None:
    for caller in (api.admin, api.anonymous, api.bearer("x")):
        reply = caller.get(f"/version?timeout={timeout.replace('+', '%2B')}")
        assert (reply.status, reply.message) == (
            400,
            f"invalid timeout specified in the request URL - {why}",
        )
    event = list(api.events)[-1]
    assert (event["stage"], event["user"]) == ("ResponseStarted", {})


@pytest.mark.parametrize("timeout", ["", "0", "1s", "-1.5h", "1h2m3.5s", "5µs", ".5s"])
def test_a_timeout(api: ClusterApi, timeout: str) -> None:
    assert api.admin.get(f"/version?timeout={timeout}").status == 200


def test_what_may_go_on_has_no_deadline(api: ClusterApi) -> None:
    assert api.admin.get("/api/v1/namespaces/default/pods/x/log?timeout=abc").status == 404


def test_a_path_that_cannot_be_read(api: ClusterApi) -> None:
    reply = api.anonymous.get("/api/v1/watch")
    said = b"unable to determine kind and namespace from url, /api/v1/watch"
    assert (
        reply.body
        == b'Internal Server Error: "/api/v1/watch": failed to create RequestInfo: ' + said + b"\n"
    )
    assert reply.status == 500
    assert "Cache-Control" not in reply.headers
    assert not list(api.events)
