from __future__ import annotations

from typing import Any

import pytest

from labkit.client.prefix import Names
from labkit.core.errors import UsageError

ANN = Names("ann")
RBAC = "/apis/rbac.authorization.k8s.io/v1"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v1/namespaces/kikai/services", "/api/v1/namespaces/ann-kikai/services"),
        ("/api/v1/namespaces/kikai", "/api/v1/namespaces/ann-kikai"),
        ("/api/v1/namespaces/kikai?limit=1", "/api/v1/namespaces/ann-kikai?limit=1"),
        ("/api/v1/namespaces/kikai2/pods", "/api/v1/namespaces/kikai2/pods"),
        ("/api/v1/namespaces/kube-system/pods", "/api/v1/namespaces/kube-system/pods"),
        (f"{RBAC}/clusterroles/pv-reader", f"{RBAC}/clusterroles/ann-pv-reader"),
        (f"{RBAC}/clusterroles/view", f"{RBAC}/clusterroles/view"),
    ],
)
def test_paths(path: str, expected: str) -> None:
    assert ANN.path(path) == expected
    assert ANN.path(expected) == expected
    assert Names().path(path) == path


def test_a_binding_is_mapped_in_all_its_parts() -> None:
    binding: dict[str, Any] = {
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "pv-test"},
        "roleRef": {"kind": "ClusterRole", "name": "pv-reader"},
        "subjects": [
            {"kind": "ServiceAccount", "name": "default", "namespace": "darbo"},
            {"kind": "Group", "name": "system:serviceaccounts:kikai"},
            {"kind": "User", "name": "jane"},
        ],
    }
    mapped = ANN.body(binding)
    assert mapped["metadata"]["name"] == "ann-pv-test"
    assert mapped["roleRef"]["name"] == "ann-pv-reader"
    names = [(subject["name"], subject.get("namespace")) for subject in mapped["subjects"]]
    assert names == [
        ("default", "ann-darbo"),
        ("system:serviceaccounts:ann-kikai", None),
        ("jane", None),
    ]
    assert binding["metadata"]["name"] == "pv-test"


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("Namespace", "kikai", "ann-kikai"),
        ("Namespace", "kube-system", "kube-system"),
        ("ServiceAccount", "kikai", "kikai"),
        ("RoleBinding", "pv-test", "pv-test"),
        ("Role", "default", "default"),
        ("ClusterRole", "pv-reader", "ann-pv-reader"),
        ("ClusterRole", "view", "view"),
        ("ClusterRole", "kikai", "kikai"),
    ],
)
def test_of_names_only_those_of_namespaces_and_cluster_roles_are_mapped(
    kind: str, name: str, expected: str
) -> None:
    mapped = ANN.body({"kind": kind, "metadata": {"name": name, "namespace": "darbo"}})
    assert mapped["metadata"] == {"name": expected, "namespace": "ann-darbo"}
    assert ANN.body({"kind": kind, "metadata": {"namespace": "x"}})["metadata"] == {
        "namespace": "x"
    }
    role = {"kind": "RoleBinding", "roleRef": {"kind": "Role", "name": "pv-reader"}}
    assert ANN.body(role) == role


def test_a_review_is_mapped() -> None:
    review = {
        "kind": "SubjectAccessReview",
        "spec": {
            "user": "system:serviceaccount:kikai:default",
            "groups": ["system:serviceaccounts:kikai"],
            "resourceAttributes": {"namespace": "darbo", "verb": "list"},
        },
    }
    spec = ANN.body(review)["spec"]
    assert spec["user"] == "system:serviceaccount:ann-kikai:default"
    assert spec["groups"] == ["system:serviceaccounts:ann-kikai"]
    assert spec["resourceAttributes"] == {"namespace": "ann-darbo", "verb": "list"}


def test_what_is_no_object_passes() -> None:
    bodies: list[Any] = [None, "text", b"bytes", [1], {"spec": {}}]
    for body in bodies:
        assert ANN.body(body) == body


@pytest.mark.parametrize("prefix", ["A", "a_b", "-a", "a-", "a" * 21, "ä", "1a"])
def test_a_prefix_must_begin_a_name(prefix: str) -> None:
    with pytest.raises(UsageError, match="cannot be a prefix"):
        Names(prefix)


def test_a_command_in_a_pod_names_what_is_there() -> None:
    assert ANN.command("curl https://kubernetes") == "curl https://kubernetes.default"
    assert (
        ANN.command("curl -k 'https://kubernetes/api'")
        == "curl -k 'https://kubernetes.default/api'"
    )
    assert (
        ANN.command("curl https://kubernetes.default.svc/api")
        == "curl https://kubernetes.default.svc/api"
    )
    assert (
        ANN.command('curl "localhost:8001/api/v1/namespaces/kikai/services"')
        == 'curl "localhost:8001/api/v1/namespaces/ann-kikai/services"'
    )
    assert Names().command("curl https://kubernetes") == "curl https://kubernetes"


@pytest.mark.parametrize("odd", [["kikai"], {"a": "b"}, None, 5])
def test_what_is_no_name_stays_for_the_server_to_refuse(odd: Any) -> None:
    binding = {
        "kind": "ClusterRoleBinding",
        "metadata": {"name": odd, "namespace": odd},
        "roleRef": {"kind": "ClusterRole", "name": odd},
        "subjects": [{"kind": "ServiceAccount", "namespace": odd}],
    }
    assert ANN.body(binding) == binding
    review = {
        "kind": "SubjectAccessReview",
        "spec": {"groups": 5, "resourceAttributes": {"namespace": odd}},
    }
    assert ANN.body(review) == review
