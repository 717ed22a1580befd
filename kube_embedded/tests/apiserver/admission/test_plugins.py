from __future__ import annotations

from typing import Any

import pytest
from typing_extensions import override

from kube_embedded.apiserver.admission.attributes import Attributes, Chain, Plugin
from kube_embedded.apiserver.admission.lifecycle import NamespaceLifecycle
from kube_embedded.apiserver.admission.objects import (
    OneDefaultPriority,
    StorageObjectInUse,
    TaintNewNodes,
)
from kube_embedded.apiserver.admission.pods import DefaultTolerations, RuntimeClass
from kube_embedded.apiserver.admission.podsecurity import PodSecurity
from kube_embedded.apiserver.admission.serviceaccount import ServiceAccount
from kube_embedded.machinery.request import Object
from kube_embedded.machinery.status import ApiError
from kube_embedded.rbac.attributes import User

NAMESPACE: Object = {"metadata": {"name": "lab", "labels": {}}, "status": {"phase": "Active"}}
ACCOUNT: Object = {"metadata": {"name": "default", "uid": "1", "annotations": {}}}


class World:
    """Stored objects by resource and name, and the annotations that plugins leave."""

    def __init__(self, **objects: list[Object]) -> None:
        self.objects: dict[str, list[Object]] = {
            "namespaces": [NAMESPACE],
            "serviceaccounts": [ACCOUNT],
            **objects,
        }
        self.notes: dict[str, str] = {}
        self.warnings: list[str] = []

    def lookup(self, resource: str, namespace: str, name: str) -> Object | None:
        found = self.objects.get(resource.partition(".")[0], [])
        return next((obj for obj in found if obj["metadata"]["name"] == name), None)

    def lister(self, resource: str, namespace: str) -> list[Object]:
        return self.objects.get(resource.partition(".")[0], [])

    def write(
        self, resource: str, obj: Object | None, operation: str = "CREATE", **more: Any
    ) -> Attributes:
        given: dict[str, Any] = {
            "group": "",
            "kind": "",
            "subresource": "",
            "namespace": "lab",
            "name": (obj or {}).get("metadata", {}).get("name", ""),
            "old": None,
            "user": User("jane"),
            "dry_run": False,
            "annotate": self.notes.__setitem__,
            "warn": self.warnings.append,
        }
        given |= more
        return Attributes(operation=operation, resource=resource, obj=obj, **given)


def pod(**spec: Any) -> Object:
    return {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a"}], **spec}}


def test_a_chain_asks_in_order() -> None:
    asked: list[str] = []

    class Noting(Plugin):
        def __init__(self, name: str) -> None:
            self.name = name

        @override
        def admit(self, attributes: Attributes) -> None:
            asked.append(f"admit {self.name}")

        @override
        def validate(self, attributes: Attributes) -> None:
            asked.append(f"validate {self.name}")

    chain = Chain((Noting("1"), Noting("2")))
    attributes = World().write("pods", pod())
    chain.admit(attributes)
    chain.validate(attributes)
    assert asked == ["admit 1", "admit 2", "validate 1", "validate 2"]


def test_an_ending_namespace_takes_nothing_new() -> None:
    ending = {**NAMESPACE, "status": {"phase": "Terminating"}}
    world = World(namespaces=[ending])
    plugin = NamespaceLifecycle(world.lookup, world.lister)
    with pytest.raises(ApiError) as error:
        plugin.admit(world.write("pods", pod()))
    assert error.value.code == 403
    assert error.value.details is not None
    assert error.value.details["causes"][0]["reason"] == "NamespaceTerminating"
    plugin.admit(world.write("pods", pod(), "UPDATE"))
    plugin.admit(world.write("pods", None, "DELETE"))
    with pytest.raises(ApiError, match='namespaces "ghost" not found'):
        plugin.admit(world.write("pods", pod(), namespace="ghost"))


def test_an_existing_mount_is_left_alone() -> None:
    world = World()
    plugin = ServiceAccount(world.lookup, world.lister, lambda: "abcde")
    mount = {"name": "own", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    body = pod(containers=[{"name": "a", "volumeMounts": [mount]}])
    plugin.admit(world.write("pods", body))
    assert "volumes" not in body["spec"]
    body = pod(containers=[{"name": "a", "volumeMounts": [mount]}, {"name": "b"}])
    plugin.admit(world.write("pods", body))
    assert body["spec"]["volumes"][0]["name"] == "kube-api-access-abcde"
    assert body["spec"]["containers"][0]["volumeMounts"] == [mount]


def test_tolerations_that_are_there_are_not_added() -> None:
    own = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}
    body = pod(tolerations=[own])
    DefaultTolerations().admit(World().write("pods", body))
    assert [item["key"] for item in body["spec"]["tolerations"]] == [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ]
    everything = pod(tolerations=[{"operator": "Exists"}])
    DefaultTolerations().admit(World().write("pods", everything))
    assert len(everything["spec"]["tolerations"]) == 1


def test_the_enforced_standard_is_noted() -> None:
    labels = {
        "pod-security.kubernetes.io/enforce": "baseline",
        "pod-security.kubernetes.io/enforce-version": "v1.30",
    }
    world = World(namespaces=[{**NAMESPACE, "metadata": {"name": "lab", "labels": labels}}])
    PodSecurity(world.lookup, world.lister).validate(world.write("pods", pod()))
    assert world.notes == {"pod-security.kubernetes.io/enforce-policy": "baseline:v1.30"}
    world.notes.clear()
    PodSecurity(world.lookup, world.lister).validate(
        world.write("pods", pod(), "UPDATE", old=pod())
    )
    assert world.notes == {}


def test_a_stricter_level_warns_of_the_pods_that_break_it() -> None:
    pods = [
        {**pod(hostNetwork=host), "metadata": {"name": name}}
        for name, host in (("b", True), ("a", True), ("c", 0))
    ]
    world = World(pods=pods)
    stricter = {
        "metadata": {"name": "lab", "labels": {"pod-security.kubernetes.io/enforce": "baseline"}}
    }
    plugin = PodSecurity(world.lookup, world.lister)
    plugin.validate(world.write("namespaces", stricter, "UPDATE", old=NAMESPACE))
    assert world.warnings == [
        'existing pods in namespace "lab" violate the new PodSecurity enforce level "baseline:latest"',
        "a (and 1 other pod): host namespaces",
    ]
    world.warnings.clear()
    plugin.validate(world.write("namespaces", NAMESPACE, "UPDATE", old=stricter))
    assert world.warnings == []


def test_templates_are_warned_of_at_the_enforced_level() -> None:
    labels = {"pod-security.kubernetes.io/enforce": "baseline"}
    world = World(namespaces=[{"metadata": {"name": "lab", "labels": labels}}])
    job = {"spec": {"template": pod(hostPID=True)}}
    for resource, group, obj in (
        ("replicationcontrollers", "", job),
        ("podtemplates", "", job["spec"]),
        ("cronjobs", "batch", {"spec": {"jobTemplate": job}}),
    ):
        PodSecurity(world.lookup, world.lister).validate(world.write(resource, obj, group=group))
        assert (
            world.warnings.pop()
            == 'would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)'
        )
    assert world.notes == {}


def test_there_are_no_runtime_classes() -> None:
    with pytest.raises(ApiError, match='pod rejected: RuntimeClass "gvisor" not found'):
        RuntimeClass(lambda *key: None, lambda *key: []).admit(
            World().write("pods", pod(runtimeClassName="gvisor"))
        )


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a/b", "invalid resource name \"a/b\": [may not contain '/']"),
        ("", "resource name may not be empty"),
    ],
)
def test_a_runtime_class_that_cannot_be_asked_for(name: str, why: str) -> None:
    with pytest.raises(ApiError) as caught:
        RuntimeClass(lambda *key: None, lambda *key: []).admit(
            World().write("pods", pod(runtimeClassName=name))
        )
    assert (caught.value.code, caught.value.reason, caught.value.message) == (500, "", why)


def test_volumes_and_claims_are_protected() -> None:
    claim: Object = {"metadata": {"name": "c"}, "spec": {}}
    StorageObjectInUse().admit(World().write("persistentvolumeclaims", claim))
    assert claim["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]


def test_new_nodes_are_tainted() -> None:
    node: Object = {"metadata": {"name": "n"}, "spec": {}}
    TaintNewNodes().admit(World().write("nodes", node))
    assert node["spec"]["taints"] == [
        {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    ]


def test_one_default_priority_class() -> None:
    world = World(priorityclasses=[{"metadata": {"name": "first"}, "globalDefault": True}])
    second = {"metadata": {"name": "second"}, "globalDefault": True}
    write = world.write("priorityclasses", second, group="scheduling.k8s.io")
    with pytest.raises(ApiError, match="PriorityClass first is already marked as default"):
        OneDefaultPriority(world.lookup, world.lister).validate(write)
