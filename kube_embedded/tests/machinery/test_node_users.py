"""Which users are nodes, and which objects a pod lets its node read."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.machinery.node_users import GROUP, node_name, references
from kube_embedded.rbac.attributes import User


@pytest.mark.parametrize(
    ("name", "groups", "node"),
    [
        ("system:node:a", (GROUP,), "a"),
        ("system:node:a", ("others", GROUP), "a"),
        ("system:node:a", (), None),
        ("jane", (GROUP,), None),
        ("a:system:node:", (GROUP,), None),
    ],
)
def test_a_node_has_its_prefix_and_its_group(
    name: str, groups: tuple[str, ...], node: str | None
) -> None:
    assert node_name(User(name, groups)) == node


def referred(spec: dict[str, Any]) -> list[tuple[str, str, str]]:
    pod = {"metadata": {"name": "p", "namespace": "lab"}, "spec": spec}
    first, *others = references(pod)
    assert first == ("pods", "lab", "p")
    return others


def volume(**source: Any) -> dict[str, Any]:
    return {"volumes": [{"name": "v", **source}]}


def variable(**source: Any) -> dict[str, Any]:
    return {"containers": [{"name": "main", "env": [{"name": "A", "valueFrom": source}]}]}


@pytest.mark.parametrize(
    ("spec", "kind", "name"),
    [
        ({"serviceAccountName": "robot"}, "serviceaccounts", "robot"),
        ({"imagePullSecrets": [{"name": "pull"}]}, "secrets", "pull"),
        (volume(secret={"secretName": "s"}), "secrets", "s"),
        (volume(projected={"sources": [{"secret": {"name": "s"}}]}), "secrets", "s"),
        (volume(azureFile={"secretName": "s"}), "secrets", "s"),
        (volume(csi={"nodePublishSecretRef": {"name": "s"}}), "secrets", "s"),
        (volume(cephfs={"secretRef": {"name": "s"}}), "secrets", "s"),
        (volume(configMap={"name": "c"}), "configmaps", "c"),
        (volume(projected={"sources": [{"configMap": {"name": "c"}}]}), "configmaps", "c"),
        (volume(persistentVolumeClaim={"claimName": "c"}), "persistentvolumeclaims", "c"),
        (volume(ephemeral={"volumeClaimTemplate": {}}), "persistentvolumeclaims", "p-v"),
        (variable(secretKeyRef={"name": "s", "key": "k"}), "secrets", "s"),
        (variable(configMapKeyRef={"name": "c", "key": "k"}), "configmaps", "c"),
        ({"initContainers": [{"envFrom": [{"secretRef": {"name": "s"}}]}]}, "secrets", "s"),
        ({"containers": [{"envFrom": [{"configMapRef": {"name": "c"}}]}]}, "configmaps", "c"),
    ],
)
def test_what_a_pod_refers_to(spec: dict[str, Any], kind: str, name: str) -> None:
    assert referred(spec) == [(kind, "lab", name)]


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"serviceAccountName": "", "volumes": None},
        volume(emptyDir={}),
        volume(configMap={"defaultMode": 420}),
        volume(secret={"secretName": None}),
        {"imagePullSecrets": ["pull", None]},
        {"containers": [{"name": "c", "env": [{"name": "secretName", "value": "s"}]}]},
        variable(fieldRef={"fieldPath": "metadata.name"}),
    ],
)
def test_what_refers_to_nothing(spec: dict[str, Any]) -> None:
    assert referred(spec) == []
