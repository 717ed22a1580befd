"""Requests made from the server's own OpenAPI documents: whatever fits them, the server never fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok

from kube_embedded.tests.support.server import Server, running_server
from kube_embedded.tests.support.until import SECONDS
from tests.support.defects import is_server_error

AUTHORIZATION, RBAC = "apis/authorization.k8s.io/v1", "apis/rbac.authorization.k8s.io/v1"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("schemathesis") / "home", node=False) as running:
        yield running


@pytest.fixture(scope="module")
def session(server: Server) -> Iterator[requests.Session]:
    with requests.Session() as admin:
        admin.verify = str(server.ca_file)
        admin.cert = str(server.identity("kubernetes-admin", ("system:masters",)))
        admin.trust_env = False
        yield admin


def documents(server: Server) -> dict[str, str]:
    """The served group versions, and where their documents are."""
    index = server.call("GET", "/openapi/v3").json()["paths"]
    return {name: entry["serverRelativeURL"] for name, entry in index.items() if "/v" in name}


def explore(server: Server, session: requests.Session, url: str, examples: int) -> int:
    """Try every operation of a document.

    Args:
        server: The server.
        session: The administrator.
        url: The document's.
        examples: How many requests an operation gets.

    Returns:
        How many requests were made.
    """
    schema = schemathesis.openapi.from_dict(server.call("GET", url).json())
    made = 0
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), f"the document has no sense: {result}"
        operation = result.ok()

        @given(case=operation.as_strategy())
        @settings(
            max_examples=examples,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def answers(case: Any) -> None:
            nonlocal made
            made += 1
            if "watch" in case.query or "follow" in case.query or "/watch/" in case.path:
                case.query = {
                    **case.query,
                    "watch": "false",
                    "follow": "false",
                    "timeoutSeconds": "1",
                }
            response = case.call(
                base_url=server.url, session=session, verify=session.verify, timeout=SECONDS
            )
            assert not is_server_error(response.status_code, response.content), response.text
            assert "Traceback" not in response.text

        answers()
    assert server.process.poll() is None
    assert "Traceback" not in server.log()
    return made


@pytest.mark.parametrize(
    ("document", "least"), [(AUTHORIZATION, 10), pytest.param(RBAC, 90, marks=pytest.mark.slow)]
)
def test_requests_that_fit_the_schema(
    document: str, least: int, server: Server, session: requests.Session
) -> None:
    assert explore(server, session, documents(server)[document], 4) >= least


@pytest.mark.soak
def test_many_requests_that_fit_the_schema(server: Server, session: requests.Session) -> None:
    for url in documents(server).values():
        explore(server, session, url, 30)
