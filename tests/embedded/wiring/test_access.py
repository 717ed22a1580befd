"""Whose write an RBAC object is, where requests nest."""

from __future__ import annotations

from random import Random

import pytest

from labkit.embedded.apiserver.registry.registry import Registry
from labkit.embedded.apiserver.storage import Store
from labkit.embedded.machinery.kinds import BY_RESOURCE, RBAC
from labkit.embedded.machinery.request import Object, Request, RequestInfo, Response
from labkit.embedded.machinery.status import ApiError
from labkit.embedded.wiring.access import Access
from labkit.rbac.attributes import User

ROLES = BY_RESOURCE[RBAC, "v1", "clusterroles"]
INFO = RequestInfo(True, "/", "create", group=RBAC, version="v1", resource="clusterroles")
MASTER = User("root", ("system:masters",))


def role(name: str) -> Object:
    rules = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
    return {"kind": ROLES.kind, "apiVersion": ROLES.group_version, "metadata": {"name": name}, "rules": rules}


def test_a_write_is_held_to_the_rights_of_its_own_request() -> None:
    registry = Registry(Store(), lambda: 0.0, Random(1))
    access = Access(registry)
    outcomes: dict[str, int] = {}

    def write(name: str) -> None:
        try:
            registry.create(ROLES, role(name))
            outcomes[name] = 201
        except ApiError as error:
            outcomes[name] = error.code

    def answer(request: Request) -> Response:
        write(f"{request.user.name}-before")
        if request.user.name == "jane":
            guarded(Request("POST", "/", info=INFO, user=MASTER))
        write(f"{request.user.name}-after")
        return Response()

    guarded = access.guarded(answer)
    guarded(Request("POST", "/", info=INFO, user=User("jane")))
    write("controller")
    assert outcomes == {
        "jane-before": 403,
        "root-before": 201,
        "root-after": 201,
        "jane-after": 403,
        "controller": 201,
    }


def test_a_handler_that_raises_leaves_no_request_behind() -> None:
    registry = Registry(Store(), lambda: 0.0, Random(1))

    def fail(request: Request) -> Response:
        raise ApiError(500, "", "broken")

    with pytest.raises(ApiError):
        Access(registry).guarded(fail)(Request("POST", "/", info=INFO, user=User("jane")))
    registry.create(ROLES, role("controller"))
