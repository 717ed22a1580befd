"""What each kind uses of a quota, and into which scopes it falls."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.embedded.machinery.quota.amounts import written
from labkit.embedded.machinery.quota.evaluators import (
    ClaimEvaluator,
    Evaluators,
    PodEvaluator,
    ServiceEvaluator,
    selected,
)

NOW = 1_800_000_000.0
CLAIMS, SERVICES = ClaimEvaluator(), ServiceEvaluator()
PODS = PodEvaluator(lambda: NOW)


def pod(*resources: Any, status: Any = None, meta: Any = None, **spec: Any) -> dict[str, Any]:
    containers = [{"name": f"c{number}", "resources": each} for number, each in enumerate(resources)]
    return {"metadata": {**(meta or {})}, "spec": {"containers": containers, **spec}, "status": status or {}}


def asks(kind: str = "requests", **amounts: str) -> dict[str, Any]:
    return {kind: amounts}


def test_containers_are_added_up() -> None:
    used = written(PODS.usage(pod(asks(cpu="1", memory="1Gi"), asks(cpu="500m"), asks("limits", memory="1Gi"))))
    assert used == {
        "count/pods": "1",
        "cpu": "1500m",
        "limits.memory": "1Gi",
        "memory": "1Gi",
        "pods": "1",
        "requests.cpu": "1500m",
        "requests.memory": "1Gi",
    }


def test_an_init_container_counts_where_it_asks_for_more() -> None:
    init = [{"name": "i", "resources": asks(cpu="3", memory="1Mi")}]
    used = written(PODS.usage(pod(asks(cpu="1", memory="1Gi"), initContainers=init)))
    assert (used["requests.cpu"], used["requests.memory"]) == ("3", "1Gi")


def test_a_sidecar_runs_beside_the_others() -> None:
    init = [
        {"name": "s", "restartPolicy": "Always", "resources": asks(cpu="1")},
        {"name": "i", "resources": asks(cpu="3")},
    ]
    assert written(PODS.usage(pod(asks(cpu="1"), initContainers=init)))["requests.cpu"] == "4"
    assert written(PODS.usage(pod(asks(cpu="5"), initContainers=init)))["requests.cpu"] == "6"


def test_overhead_counts_with_requests_and_where_there_is_a_limit() -> None:
    one = pod({**asks(cpu="1"), **asks("limits", cpu="2")}, overhead={"cpu": "250m", "memory": "1Mi"})
    used = written(PODS.usage(one))
    assert used["requests.cpu"] == "1250m"
    assert used["limits.cpu"] == "2250m"
    assert used["requests.memory"] == "1Mi"
    assert "limits.memory" not in used


def test_a_pods_own_resources_stand_for_its_containers() -> None:
    one = pod(asks(cpu="1"), {}, resources={"requests": {"cpu": "3"}})
    assert written(PODS.usage(one))["requests.cpu"] == "3"
    assert PODS.problem(["requests.cpu", "limits.memory"], one) == ""


def test_extended_resources_and_huge_pages() -> None:
    used = written(PODS.usage(pod(asks(**{"hugepages-2Mi": "4Mi", "example.com/gpu": "2"}))))
    assert used["hugepages-2Mi"] == used["requests.hugepages-2Mi"] == "4Mi"
    assert used["requests.example.com/gpu"] == "2"
    assert "example.com/gpu" not in used
    assert PODS.matching(["requests.example.com/gpu", "example.com/gpu", "services"]) == ["requests.example.com/gpu"]


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
def test_a_finished_pod_is_only_counted(phase: str) -> None:
    assert written(PODS.usage(pod(asks(cpu="1"), status={"phase": phase}))) == {"count/pods": "1"}


@pytest.mark.parametrize(("date", "counts"), [("2027-01-15T07:59:00Z", False), ("2027-01-15T07:59:50Z", True)])
def test_a_pod_that_should_be_gone_is_only_counted(date: str, counts: bool) -> None:
    one = pod(asks(cpu="1"), meta={"deletionTimestamp": date, "deletionGracePeriodSeconds": 30})
    assert ("pods" in PODS.usage(one)) == counts


def test_containers_that_say_nothing_are_named() -> None:
    one = pod(asks(cpu="1"), {}, initContainers=[{"name": "a", "resources": asks("limits", cpu="1")}])
    assert PODS.problem(["requests.cpu", "limits.cpu", "requests.ephemeral-storage", "pods"], one) == (
        "must specify limits.cpu for: c0,c1; requests.cpu for: a,c1"
    )
    old = PodEvaluator(lambda: NOW, old_words=True)
    assert old.problem(["requests.cpu", "limits.cpu"], one) == "must specify limits.cpu,requests.cpu"


AFFINITY = {"podAffinityTerm": {"namespaceSelector": {}, "topologyKey": "x"}, "weight": 1}


@pytest.mark.parametrize(
    ("scope", "one", "inside"),
    [
        ("Terminating", pod(activeDeadlineSeconds=5), True),
        ("Terminating", pod(), False),
        ("NotTerminating", pod(), True),
        ("BestEffort", pod(status={"qosClass": "BestEffort"}), True),
        ("BestEffort", pod(status={"qosClass": "Burstable"}), False),
        ("NotBestEffort", pod(status={"qosClass": "Guaranteed"}), True),
        ("PriorityClass", pod(priorityClassName="high"), True),
        ("PriorityClass", pod(), False),
        ("CrossNamespacePodAffinity", pod(), False),
        (
            "CrossNamespacePodAffinity",
            pod(affinity={"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [AFFINITY]}}),
            True,
        ),
        ("VolumeAttributesClass", pod(), False),
    ],
)
def test_scopes_of_pods(scope: str, one: dict[str, Any], inside: bool) -> None:
    assert PODS.scoped({"scopes": [scope]}, one) == inside


@pytest.mark.parametrize(
    ("operator", "values", "name", "chosen"),
    [
        ("In", ["a"], "a", True),
        ("In", ["a"], "b", False),
        ("In", ["a"], "", False),
        ("NotIn", ["a"], "a", False),
        ("NotIn", ["a"], "b", True),
        ("NotIn", ["a"], "", True),
        ("Exists", None, "", False),
        ("Exists", None, "a", True),
        ("DoesNotExist", None, "", True),
        ("DoesNotExist", None, "a", False),
    ],
)
def test_scope_selectors(operator: str, values: Any, name: str, chosen: bool) -> None:
    assert selected({"operator": operator, "values": values}, name) == chosen


@pytest.mark.parametrize(
    ("spec", "ports", "balancers"),
    [
        ({"type": "ClusterIP", "ports": [{}, {}]}, "0", "0"),
        ({"type": "NodePort", "ports": [{}, {}]}, "2", "0"),
        ({"type": "LoadBalancer", "ports": [{}, {}]}, "2", "1"),
        (
            {"type": "LoadBalancer", "ports": [{"nodePort": 30000}, {}], "allocateLoadBalancerNodePorts": False},
            "1",
            "1",
        ),
        ({"type": "ExternalName"}, "0", "0"),
    ],
)
def test_services(spec: dict[str, Any], ports: str, balancers: str) -> None:
    used = written(SERVICES.usage({"metadata": {}, "spec": spec}))
    assert used == {
        "count/services": "1",
        "services": "1",
        "services.loadbalancers": balancers,
        "services.nodeports": ports,
    }


def claim(size: str = "1Gi", **spec: Any) -> dict[str, Any]:
    return {"metadata": {}, "spec": {"resources": {"requests": {"storage": size}}, **spec}}


def test_claims_are_counted_in_all_and_by_class() -> None:
    used = written(CLAIMS.usage(claim("1500m", storageClassName="gold")))
    assert used == {
        "count/persistentvolumeclaims": "1",
        "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "1",
        "gold.storageclass.storage.k8s.io/requests.storage": "2",
        "persistentvolumeclaims": "1",
        "requests.storage": "2",
    }
    noted = {"metadata": {"annotations": {"volume.beta.kubernetes.io/storage-class": "old"}}, "spec": claim()["spec"]}
    assert "old.storageclass.storage.k8s.io/requests.storage" in CLAIMS.usage(noted)


def test_what_a_claim_was_given_counts_if_it_is_more() -> None:
    grown = {**claim("1Gi"), "status": {"allocatedResources": {"storage": "2Gi"}}}
    assert written(CLAIMS.usage(grown))["requests.storage"] == "2Gi"


def test_claims_by_their_attributes_class() -> None:
    scope = {
        "scopeSelector": {
            "matchExpressions": [{"scopeName": "VolumeAttributesClass", "operator": "In", "values": ["gold"]}]
        }
    }
    assert CLAIMS.scoped(scope, claim(volumeAttributesClassName="gold"))
    assert CLAIMS.scoped(scope, {**claim(), "status": {"currentVolumeAttributesClassName": "gold"}})
    assert not CLAIMS.scoped(scope, claim())
    assert not CLAIMS.scoped({"scopes": ["BestEffort"]}, claim())


def test_other_kinds_are_counted() -> None:
    evaluators = Evaluators(frozenset(("pods", "secrets", "roles.rbac.authorization.k8s.io")), lambda: NOW)
    secrets = evaluators.of("secrets")
    assert secrets is not None
    assert written(secrets.usage({"metadata": {}})) == {"count/secrets": "1", "secrets": "1"}
    assert evaluators.of("events") is None
    names = ["count/roles.rbac.authorization.k8s.io", "count/events", "pods", "example.com/x"]
    assert [(one.resource, found) for one, found in evaluators.for_names(names)] == [
        ("pods", ["pods"]),
        ("roles.rbac.authorization.k8s.io", ["count/roles.rbac.authorization.k8s.io"]),
    ]
