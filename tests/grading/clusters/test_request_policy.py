"""The requests of a submission that reach a real cluster, and the record of the objects that they created."""

from __future__ import annotations

import json

import pytest

from labkit.grading.clusters.request_policy import RequestPolicy
from tests.grading.fixed_cluster import admin_of

VIEW = "/apis/rbac.authorization.k8s.io/v1/clusterroles/view"
OWN = "/api/v1/namespaces/own"


@pytest.fixture
def policy() -> RequestPolicy:
    """A policy on a cluster that has the ClusterRole ``view``, and where the namespace ``own`` was created."""
    made = RequestPolicy(admin_of({VIEW: {}}))
    made.created.append(OWN)
    return made


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/version"),
        ("GET", "/api/v1/namespaces/kube-system/pods"),
        ("HEAD", "/api/v1/pods"),
        ("GET", "/api/v1/namespaces/default/secrets"),
        ("GET", VIEW),
        ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews"),
        ("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews"),
        ("POST", "/api/v1/namespaces/default/serviceaccounts/bot/token"),
        ("POST", "/api/v1/namespaces"),
        ("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles"),
        ("PUT", "/apis/rbac.authorization.k8s.io/v1/clusterroles/new"),
        ("POST", f"{OWN}/pods/p/exec?command=id"),
        ("DELETE", f"{OWN}/pods"),
        ("DELETE", OWN),
        ("PATCH", f"{OWN}/configmaps/c"),
    ],
)
def test_a_request_is_passed_on(method: str, target: str, policy: RequestPolicy) -> None:
    assert policy.check(method, target) == ""
    assert policy.refused == []


@pytest.mark.parametrize(
    ("method", "target", "reason"),
    [
        ("GET", "//api/v1/pods", "the path is not written plainly"),
        ("GET", "/api/v1/../v1/pods", "the path is not written plainly"),
        ("GET", "/api/v1/namespaces/a%2Fb/pods", "the path is not written plainly"),
        ("GET", "api/v1/pods", "the path is not written plainly"),
        ("POST", "/logs", "no such path is written to here"),
        ("GET", "/api/v1/secrets", "other people's Secrets are not read here"),
        ("GET", "/api/v1/namespaces/kube-system/secrets", "other people's Secrets"),
        ("GET", "/api/v1/namespaces/local-path-storage/secrets", "other people's Secrets"),
        ("POST", "/api/v1/namespaces/kube-public/configmaps", "kube-public is the cluster's own"),
        ("POST", "/api/v1/namespaces/local-path-storage/pods", "is the cluster's own"),
        ("GET", "/api/v1/nodes/n/proxy/metrics", "no nodes are made here"),
        ("POST", "/api/v1/nodes", "no nodes are made here"),
        ("DELETE", VIEW, "clusterroles/view was there before and is not changed here"),
        ("DELETE", "/api/v1/namespaces/default/pods", "only single objects are deleted here"),
    ],
)
def test_a_request_is_refused_with_its_reason(
    method: str, target: str, reason: str, policy: RequestPolicy
) -> None:
    said = policy.check(method, target)
    assert reason in said
    assert policy.refused == [f"{method} {target}: {said}"]


@pytest.mark.parametrize(
    ("method", "target", "status", "recorded"),
    [
        ("POST", "/api/v1/namespaces", 201, ["/api/v1/namespaces/made"]),
        ("POST", f"{OWN}/pods", 201, [f"{OWN}/pods/made"]),
        ("PATCH", f"{OWN}/pods/made?fieldManager=x", 201, [f"{OWN}/pods/made"]),
        ("POST", f"{OWN}/pods", 409, []),
        ("POST", f"{OWN}/pods?dryRun=All", 201, []),
        ("POST", f"{OWN}/pods?fieldManager=x&dryRun=All", 201, []),
        ("POST", f"{OWN}/pods?dryRun", 201, [f"{OWN}/pods/made"]),
        ("POST", f"{OWN}/pods?dryRuns=All", 201, [f"{OWN}/pods/made"]),
        ("POST", f"{OWN}/pods?fieldManager=dryRun", 201, [f"{OWN}/pods/made"]),
        ("POST", f"{OWN}/pods?dryRun=All%zz", 201, [f"{OWN}/pods/made"]),
        ("POST", f"{OWN}/pods?dryRun=All;x", 201, [f"{OWN}/pods/made"]),
        ("POST", f"{OWN}/pods/made/eviction", 201, []),
        ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", 201, []),
        ("GET", f"{OWN}/pods/made", 201, []),
    ],
)
def test_created_objects_are_recorded(
    method: str, target: str, status: int, recorded: list[str], policy: RequestPolicy
) -> None:
    namespace = "own" if target.startswith(OWN) else ""
    body = json.dumps({"metadata": {"name": "made", "namespace": namespace}}).encode()
    policy.record(method, target, status, body)
    assert policy.created == [OWN, *recorded]


def test_an_answer_that_is_no_object_is_not_recorded(policy: RequestPolicy) -> None:
    for body in (b"", b"[]", b'{"metadata": {}}', b"\xff"):
        policy.record("POST", f"{OWN}/pods", 201, body)
    assert policy.created == [OWN]
