"""The filters: their order, and what every answer carries."""

from __future__ import annotations

import logging

import pytest

from labkit.apiserver.pipeline import with_status
from labkit.apiserver.request import Request, Response
from tests.support.cluster import Caller, ClusterApi


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
    assert len({admin, jane, anonymous}) == 3
    assert flow(api.user("kim")) == jane


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
    assert b"secret" not in response.body
