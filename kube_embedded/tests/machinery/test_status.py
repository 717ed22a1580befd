"""The Status objects of errors, as the real server writes them."""

from __future__ import annotations

import pytest

from kube_embedded.machinery import status
from kube_embedded.machinery.status import ApiError

GROUP = "rbac.authorization.k8s.io"


def test_a_status_has_its_fields_in_the_servers_order() -> None:
    error = ApiError(404, "NotFound", "gone", {"name": "a"})
    assert list(error.to_status().items()) == [
        ("kind", "Status"),
        ("apiVersion", "v1"),
        ("metadata", {}),
        ("status", "Failure"),
        ("message", "gone"),
        ("reason", "NotFound"),
        ("details", {"name": "a"}),
        ("code", 404),
    ]


def test_an_empty_reason_is_left_out_and_empty_details_are_not() -> None:
    assert "reason" not in ApiError(500, "", "broken").to_status()
    assert "details" not in ApiError(500, "", "broken").to_status()
    assert ApiError(500, "", "broken", {}).to_status()["details"] == {}


def test_when_to_try_again_is_in_the_details_and_in_a_header() -> None:
    error = ApiError(429, "TooManyRequests", "later", {"name": "a"}).with_retry_after(5)
    assert error.to_status()["details"] == {"name": "a", "retryAfterSeconds": 5}
    assert error.headers == {"Retry-After": "5"}
    bare = ApiError(429, "TooManyRequests", "later").with_retry_after(1)
    assert bare.to_status()["details"] == {"retryAfterSeconds": 1}


def test_an_expired_list_has_its_metadata() -> None:
    error = ApiError(410, "Expired", "too old")
    error.list_metadata = {"continue": "next"}
    assert error.to_status()["metadata"] == {"continue": "next"}


@pytest.mark.parametrize(
    ("error", "code", "reason", "message"),
    [
        (status.not_found("pods", "", "a"), 404, "NotFound", 'pods "a" not found'),
        (status.not_found("roles", GROUP, "a"), 404, "NotFound", f'roles.{GROUP} "a" not found'),
        (status.already_exists("pods", "", "a"), 409, "AlreadyExists", 'pods "a" already exists'),
        (
            status.conflict("pods", "", "a", "it has changed"),
            409,
            "Conflict",
            'Operation cannot be fulfilled on pods "a": it has changed',
        ),
        (status.forbidden("pods", "", "a", "no"), 403, "Forbidden", 'pods "a" is forbidden: no'),
        (status.forbidden("pods", "", "", "no"), 403, "Forbidden", "pods is forbidden: no"),
        (status.bad_request("bad"), 400, "BadRequest", "bad"),
        (status.unauthorized(), 401, "Unauthorized", "Unauthorized"),
        (
            status.no_such_resource(),
            404,
            "NotFound",
            "the server could not find the requested resource",
        ),
        (
            status.method_not_allowed(),
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        ),
        (
            status.entity_too_large(),
            413,
            "RequestEntityTooLarge",
            "Request entity too large: limit is 3145728",
        ),
    ],
)
def test_errors_have_the_servers_words(
    error: ApiError, code: int, reason: str, message: str
) -> None:
    assert (error.code, error.reason, error.message) == (code, reason, message)
    assert str(error) == message


@pytest.mark.parametrize(
    ("error", "details"),
    [
        (status.not_found("pods", "", "a"), {"name": "a", "kind": "pods"}),
        (status.not_found("roles", GROUP, "a"), {"name": "a", "group": GROUP, "kind": "roles"}),
        (status.forbidden("pods", "", "", "no"), {"kind": "pods"}),
        (status.bad_request("bad"), None),
        (status.unauthorized(), None),
        (status.no_such_resource(), {}),
        (status.method_not_allowed(), {}),
    ],
)
def test_details_name_what_is_meant(error: ApiError, details: dict[str, str] | None) -> None:
    assert error.details == details


def test_what_is_invalid_has_its_causes() -> None:
    one = {"reason": "FieldValueRequired", "message": "Required value", "field": "spec"}
    two = {"reason": "FieldValueInvalid", "message": "Invalid value: 1", "field": "kind"}
    single = status.invalid("Role", GROUP, "a", [one])
    assert single.message == f'Role.{GROUP} "a" is invalid: spec: Required value'
    assert single.details == {"name": "a", "group": GROUP, "kind": "Role", "causes": [one]}
    several = status.invalid("Pod", "", "a", [one, two])
    assert several.message == ('Pod "a" is invalid: [spec: Required value, kind: Invalid value: 1]')
    assert (several.code, several.reason) == (422, "Invalid")
