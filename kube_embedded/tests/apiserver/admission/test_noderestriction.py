"""What a node may write, beyond what the node authorizer asks."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import RBAC, ClusterApi, Reply

PODS = "/api/v1/namespaces/default/pods"
TOKEN = "/api/v1/namespaces/default/serviceaccounts/default/token"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
LABELS = {"kubernetes.io/os": "linux", "a.kubelet.kubernetes.io/x": "", "ok": "", "x/y": ""}


@pytest.fixture
def api() -> ClusterApi:
    """Nodes n1 and n2, with a pod on each: p1 and p2."""
    api = ClusterApi()
    node(api).post("/api/v1/nodes", {"metadata": {"name": "n1", "labels": LABELS}})
    api.must(api.admin.post("/api/v1/nodes", {"metadata": {"name": "n2"}}))
    for number in "12":
        spec = {"nodeName": f"n{number}", "containers": [{"name": "a", "image": "x"}]}
        api.must(api.admin.post(PODS, {"metadata": {"name": f"p{number}"}, "spec": spec}))
    return api


def node(api: ClusterApi) -> Any:
    return api.user("system:node:n1", "system:nodes")


def refused(reply: Reply, why: str) -> None:
    assert (reply.status, reply.message.partition(" is forbidden: ")[2]) == (403, why)


@pytest.mark.parametrize(
    ("name", "labels", "why"),
    [
        ("n3", {}, 'node "n1" is not allowed to modify node "n3"'),
        (
            "n1",
            {
                "a.node-restriction.kubernetes.io/x": "1",
                "foo.k8s.io/z": "",
                "node-role.kubernetes.io/worker": "",
            },
            'node "n1" is not allowed to set the following labels: a.node-restriction.kubernetes.io/x, '
            "foo.k8s.io/z, node-role.kubernetes.io/worker",
        ),
    ],
)
def test_a_node_registers_itself_without_labels_that_draw_pods(
    api: ClusterApi, name: str, labels: dict[str, str], why: str
) -> None:
    refused(node(api).post("/api/v1/nodes", {"metadata": {"name": name, "labels": labels}}), why)
    assert api.must(api.admin.get("/api/v1/nodes/n1"))["metadata"]["labels"] == LABELS


@pytest.mark.parametrize(
    ("target", "change", "why"),
    [
        (
            "n2",
            {"metadata": {"labels": {"a": "b"}}},
            'node "n1" is not allowed to modify node "n2"',
        ),
        (
            "n2/status",
            {"status": {"addresses": []}},
            'node "n1" is not allowed to modify node "n2"',
        ),
        (
            "n1",
            {"spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]}},
            'node "n1" is not allowed to modify taints',
        ),
        (
            "n1",
            {
                "metadata": {
                    "ownerReferences": [
                        {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "u"}
                    ]
                }
            },
            'node "n1" is not allowed to modify ownerReferences',
        ),
        (
            "n1/status",
            {
                "metadata": {
                    "labels": {"b.k8s.io/x": "1", "node-role.kubernetes.io/x": "", "a": "b"}
                }
            },
            "is not allowed to modify labels: b.k8s.io/x, node-role.kubernetes.io/x",
        ),
    ],
)
def test_a_node_changes_itself_only_so_far(
    api: ClusterApi, target: str, change: Any, why: str
) -> None:
    refused(node(api).patch(f"/api/v1/nodes/{target}", change), why)
    own = {"metadata": {"labels": {"a": "b", "kubernetes.io/os": None}}}
    assert node(api).patch("/api/v1/nodes/n1", own).status == 200


def test_a_node_creates_no_pods_and_writes_no_claims(api: ClusterApi) -> None:
    api.bind("all", "ClusterRole/cluster-admin", "Group/system:nodes")
    spec = {"nodeName": "n1", "containers": [{"name": "a", "image": "x"}]}
    pod = {
        "metadata": {"name": "m", "annotations": {"kubernetes.io/config.mirror": "x"}},
        "spec": spec,
    }
    refused(
        node(api).post(PODS, pod), 'unexpected operation "CREATE", node "n1" can only delete pods'
    )
    claims = "/api/v1/namespaces/default/persistentvolumeclaims"
    resources = {"requests": {"storage": "1Gi"}}
    claim = {
        "metadata": {"name": "c"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": resources},
    }
    api.must(api.admin.post(claims, claim))
    why = 'node "n1" cannot write persistentvolumeclaims in this lab'
    refused(
        node(api).patch(f"{claims}/c/status", {"status": {"capacity": {"storage": "1Gi"}}}), why
    )


def test_a_node_speaks_for_its_own_pods(api: ClusterApi) -> None:
    said, labels = {"status": {"message": "x"}}, {"metadata": {"labels": {"a": "b"}}}
    own = node(api)
    only = "pods with spec.nodeName set to itself"
    refused(
        own.patch(f"{PODS}/p2/status", said), f'node "n1" can only update pod status for {only}'
    )
    refused(
        own.patch(f"{PODS}/p1/status", labels), 'node "n1" cannot update labels through pod status'
    )
    refused(own.delete(f"{PODS}/p2"), f'node "n1" can only delete {only}')
    refused(
        own.post(f"{PODS}/p2/eviction", {"metadata": {"name": "p2"}}),
        f"node n1 can only evict {only}",
    )
    assert own.patch(f"{PODS}/p1/status", said).status == 200
    assert own.delete(f"{PODS}/p1").status == 200


def test_a_node_has_its_own_lease_and_drivers(api: ClusterApi) -> None:
    own, drivers = node(api), "/apis/storage.k8s.io/v1/csinodes"
    for path, word in ((LEASES.format("kube-node-lease"), "node lease"), (drivers, "CSINode")):
        body: Any = {
            "metadata": {"name": "n2"},
            **({"spec": {"drivers": []}} if path == drivers else {}),
        }
        refused(
            own.post(path, body),
            f"can only access {word} with the same name as the requesting node",
        )
        assert own.post(path, {**body, "metadata": {"name": "n1"}}).status == 201


@pytest.mark.parametrize(
    ("ref", "audiences", "why"),
    [
        ({"kind": "Secret"}, [], "node requested token not bound to a pod"),
        ({"uid": ""}, [], "node requested token with a pod binding without a uid"),
        (
            {"uid": "x"},
            [],
            "the UID in the bound object reference (x) does not match the UID in record. The object might have "
            "been deleted and then recreated",
        ),
        ({}, ["a", "b"], "node may only request 0 or 1 audiences"),
        (
            {},
            ["vault"],
            'audience "vault" not found in pod spec volume, system:node:n1 is not authorized to request tokens '
            "for this audience",
        ),
    ],
)
def test_a_node_gets_tokens_of_its_pods(
    api: ClusterApi, ref: Any, audiences: list[str], why: str
) -> None:
    uid = api.must(api.admin.get(f"{PODS}/p1"))["metadata"]["uid"]
    bound = {"apiVersion": "v1", "kind": "Pod", "name": "p1", "uid": uid}

    def ask(ref: Any, audiences: list[str]) -> Reply:
        reply: Reply = node(api).post(
            TOKEN, {"spec": {"audiences": audiences, "boundObjectRef": {**bound, **ref}}}
        )
        return reply

    refused(ask(ref, audiences), why)
    assert ask({}, []).status == 201


def test_a_rule_lets_a_node_ask_for_another_audience(api: ClusterApi) -> None:
    uid = api.must(api.admin.get(f"{PODS}/p1"))["metadata"]["uid"]
    spec = {
        "audiences": ["vault"],
        "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": "p1", "uid": uid},
    }
    rule = {
        "verbs": ["request-serviceaccounts-token-audience"],
        "apiGroups": [""],
        "resources": ["vault"],
    }
    api.must(
        api.admin.post(f"{RBAC}/clusterroles", {"metadata": {"name": "vault"}, "rules": [rule]})
    )
    binding = {
        "metadata": {"name": "vault"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "vault",
        },
        "subjects": [
            {"kind": "Group", "name": "system:nodes", "apiGroup": "rbac.authorization.k8s.io"}
        ],
    }
    assert node(api).post(TOKEN, {"spec": spec}).status == 403
    api.must(api.admin.post(f"{RBAC}/clusterrolebindings", binding))
    assert node(api).post(TOKEN, {"spec": spec}).status == 201


@pytest.mark.parametrize(
    ("method", "path", "body", "why"),
    [
        (
            "PATCH",
            f"{PODS}/p1",
            {"metadata": {"labels": {"a": "b"}}},
            'unexpected operation "UPDATE", node "n1" can only delete pods',
        ),
        (
            "PATCH",
            f"{PODS}/p1/ephemeralcontainers",
            {"spec": {"ephemeralContainers": [{"name": "e", "image": "x"}]}},
            "unexpected pod subresource \"ephemeralcontainers\", only 'status' and 'eviction' are allowed",
        ),
        (
            "POST",
            f"{PODS}/p1/binding",
            {"target": {"kind": "Node", "name": "n1"}, "metadata": {"name": "p1"}},
            "unexpected pod subresource \"binding\", only 'status' and 'eviction' are allowed",
        ),
    ],
)
def test_what_no_node_does_to_a_pod_whatever_rbac_says(
    api: ClusterApi, method: str, path: str, body: Any, why: str
) -> None:
    api.bind("all", "ClusterRole/cluster-admin", "Group/system:nodes")
    headers = {"content-type": "application/merge-patch+json"} if method == "PATCH" else {}
    refused(node(api).call(method, path, body, headers=headers), why)


def test_a_node_without_a_name_writes_nothing(api: ClusterApi) -> None:
    api.bind("all", "ClusterRole/cluster-admin", "Group/system:nodes")
    nameless = api.user("system:node:", "system:nodes")
    reply = nameless.post("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "c"}})
    refused(reply, 'could not determine node from user "system:node:"')
