"""The objects of a learner are deleted in an order in which none comes back."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.backends import sweep
from labkit.client.answer import Answer
from labkit.core.errors import ApiFailure

NAMESPACE = "/api/v1/namespaces/kikai"
DEPLOYMENT = "/apis/apps/v1/namespaces/kikai/deployments/curl"
JOB = "/apis/batch/v1/namespaces/kikai/jobs/once"
POD = f"{NAMESPACE}/pods/test"
CONFIG_MAP = f"{NAMESPACE}/configmaps/a"
ELSEWHERE = "/api/v1/namespaces/default/configmaps/b"


class Server:
    """Deletes everything, and notes the order and the manner."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.deleted: dict[str, Mapping[str, str] | None] = {}

    def delete(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Note a deletion."""
        self.deleted[path] = query
        return Answer("admin", "DELETE", path, "https://here", self.status, {}, {})

    def get(self, _path: str) -> Any:
        """Report that the object is gone."""
        return SimpleNamespace(status=404)


def removed(server: Server, *paths: str) -> list[str]:
    client: Any = server
    return sweep.remove(client, paths)


def test_owners_and_pods_go_before_their_namespace_which_takes_the_rest() -> None:
    server = Server()
    paths = [DEPLOYMENT, JOB, POD, CONFIG_MAP, NAMESPACE]
    assert removed(server, *paths) == [DEPLOYMENT, JOB, POD, NAMESPACE]
    assert list(server.deleted) == [DEPLOYMENT, JOB, POD, NAMESPACE]


def test_an_owner_waits_for_its_pods_and_a_pod_for_nothing() -> None:
    server = Server()
    removed(server, DEPLOYMENT, POD, NAMESPACE)
    assert server.deleted == {
        DEPLOYMENT: {"propagationPolicy": "Foreground"},
        POD: {"gracePeriodSeconds": "0"},
        NAMESPACE: None,
    }


def test_an_object_of_a_namespace_that_stays_is_deleted() -> None:
    assert removed(Server(), ELSEWHERE, NAMESPACE) == [ELSEWHERE, NAMESPACE]


@pytest.mark.parametrize("status", [404, 409])
def test_an_object_that_is_gone_or_going_is_no_failure(status: int) -> None:
    assert removed(Server(status), ELSEWHERE) == []


def test_a_refused_deletion_is_a_failure() -> None:
    with pytest.raises(ApiFailure, match="cannot be deleted"):
        removed(Server(403), ELSEWHERE)


def test_a_deletion_that_takes_long_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    server, said = Server(), list[str]()
    monkeypatch.setattr(sweep, "QUIET_SECONDS", 60.0)
    statuses = iter([200, 200, 404])
    monkeypatch.setattr(server, "get", lambda _path: SimpleNamespace(status=next(statuses)))
    client: Any = server
    assert sweep.remove(client, [ELSEWHERE], said.append) == [ELSEWHERE]
    assert said == []
    assert list(statuses) == []


def test_collections_are_ordered_so_that_nothing_comes_back_or_refuses() -> None:
    paths = [
        "/api/v1/namespaces",
        "/api/v1/configmaps",
        "/api/v1/pods",
        "/apis/apps/v1/deployments",
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        "/api/v1/persistentvolumes",
    ]
    assert [path.rpartition("/")[2] for path in sorted(paths, key=sweep._rank)] == [
        "validatingwebhookconfigurations",
        "deployments",
        "pods",
        "configmaps",
        "persistentvolumes",
        "customresourcedefinitions",
        "namespaces",
    ]
