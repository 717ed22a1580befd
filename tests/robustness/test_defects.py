"""The robustness tests recognise failures of the server."""

from __future__ import annotations

import pytest

from kube_embedded.apiserver.filters.pipeline import with_status
from kube_embedded.machinery.request import Request, Response
from tests.support.defects import is_server_error


def test_a_defect_is_seen_as_one() -> None:
    def broken(request: Request) -> Response:
        raise ZeroDivisionError

    answer = with_status(broken)(Request("GET", "/x"))
    assert is_server_error(answer.status, answer.body)


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (200, b"", False),
        (504, b'{"message": "Timeout"}', False),
        (502, b"", True),
        (
            503,
            b'{"kind": "Status", "status": "Failure", "message": "error trying to reach service"}',
            False,
        ),
        (500, b"500 Internal Server Error", True),
        (
            500,
            b'{"kind": "Status", "status": "Failure", "message": "Internal error occurred"}',
            True,
        ),
        (500, b"kind: Status\nmessage: Internal error occurred\nstatus: Failure\n", True),
        (
            500,
            b'{"kind": "Status", "status": "Failure", "message": "failed to create typed patch object"}',
            False,
        ),
        (
            500,
            b"kind: Status\nmessage: failed to create typed patch object\nstatus: Failure\n",
            False,
        ),
        (500, b'Internal Server Error: "/api/v1/watch": failed to create RequestInfo', False),
    ],
)
def test_the_real_servers_own_500_is_none(status: int, body: bytes, failure: bool) -> None:
    assert is_server_error(status, body) is failure
