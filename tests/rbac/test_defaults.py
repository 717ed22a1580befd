"""The roles and bindings that every cluster has, as the API has them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from kube_embedded.rbac.defaults import default_objects
from kube_embedded.rbac.objects import is_default
from kube_embedded.tests.support.some import some

GROUP = "rbac.authorization.k8s.io"


def one(kind: str, name: str) -> dict[str, Any]:
    """Return the default object of this kind and name."""
    (found,) = (
        obj for obj in default_objects() if (obj["kind"], obj["metadata"]["name"]) == (kind, name)
    )
    return dict(found)


def test_each_is_of_one_of_the_four_kinds_and_has_the_label_of_the_defaults() -> None:
    every = list(default_objects())
    assert Counter(obj["kind"] for obj in every) == {
        "ClusterRole": 69,
        "ClusterRoleBinding": 50,
        "Role": 7,
        "RoleBinding": 7,
    }
    for obj in some(every):
        assert obj["apiVersion"] == f"{GROUP}/v1"
        assert obj["metadata"]["labels"]["kubernetes.io/bootstrapping"] == "rbac-defaults"
        assert is_default(obj)
        assert ("namespace" in obj["metadata"]) is (obj["kind"] in ("Role", "RoleBinding"))
        assert ("roleRef" in obj) is obj["kind"].endswith("Binding")


def test_a_role_has_its_rules_and_how_it_is_aggregated() -> None:
    assert one("ClusterRole", "cluster-admin").keys() == {"apiVersion", "kind", "metadata", "rules"}
    view = one("ClusterRole", "view")
    assert view["aggregationRule"] == {
        "clusterRoleSelectors": [{"matchLabels": {f"{GROUP}/aggregate-to-view": "true"}}]
    }
    assert view["metadata"]["labels"][f"{GROUP}/aggregate-to-edit"] == "true"


def test_a_binding_names_its_role_and_its_subjects() -> None:
    admin = one("ClusterRoleBinding", "cluster-admin")
    assert admin["roleRef"] == {"apiGroup": GROUP, "kind": "ClusterRole", "name": "cluster-admin"}
    assert admin["subjects"] == [{"kind": "Group", "apiGroup": GROUP, "name": "system:masters"}]
    reader = one("RoleBinding", "system::extension-apiserver-authentication-reader")
    assert reader["metadata"]["namespace"] == "kube-system"
    assert reader["roleRef"]["kind"] == "Role"


def test_an_account_has_a_namespace_and_no_api_group_and_nobody_is_no_field() -> None:
    subjects = [entry for obj in default_objects() for entry in obj.get("subjects", ())]
    fields = {entry["kind"]: frozenset(entry) for entry in subjects}
    assert fields == {
        "Group": {"kind", "apiGroup", "name"},
        "User": {"kind", "apiGroup", "name"},
        "ServiceAccount": {"kind", "namespace", "name"},
    }
    assert "subjects" not in one("ClusterRoleBinding", "system:node")
    assert {entry["namespace"] for entry in subjects if "namespace" in entry} == {"kube-system"}
