"""What a node may."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.apiserver.authorization.node import node_authorizer
from kube_embedded.rbac.attributes import Attributes, Decision, User
from kube_embedded.tests.support.cluster import REVIEWS, ClusterApi

NODE = User("system:node:n1", ("system:nodes",))
ENV = [
    {"name": "A", "valueFrom": {"secretKeyRef": {"name": "key", "key": "k"}}},
    {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "key", "key": "k"}}},
]
POD: dict[str, Any] = {
    "metadata": {"name": "p", "namespace": "lab"},
    "spec": {
        "nodeName": "n1",
        "serviceAccountName": "bot",
        "imagePullSecrets": [{"name": "pull"}],
        "containers": [{"name": "c", "env": ENV, "envFrom": [{"secretRef": {"name": "all"}}]}],
        "volumes": [
            {"name": "a", "secret": {"secretName": "disk"}},
            {
                "name": "b",
                "projected": {
                    "sources": [{"configMap": {"name": "part"}}, {"secret": {"name": "part"}}]
                },
            },
            {"name": "c", "persistentVolumeClaim": {"claimName": "claim"}},
            {"name": "d", "ephemeral": {}},
        ],
    },
}
OTHER = {
    "metadata": {"name": "q", "namespace": "lab"},
    "spec": {"nodeName": "n2", "volumes": [{"name": "a", "secret": {"secretName": "others"}}]},
}
ATTACHMENTS = [
    {"metadata": {"name": "here"}, "spec": {"nodeName": "n1"}},
    {"metadata": {"name": "there"}, "spec": {"nodeName": "n2"}},
    {"metadata": {"name": "nowhere"}, "spec": {}},
]
VOLUMES = [
    {"metadata": {"name": "v"}, "spec": {"claimRef": {"namespace": "lab", "name": "claim"}}},
    {"metadata": {"name": "free"}, "spec": {}},
]
STRANGER = "no relationship found between node 'n1' and this object"


GROUPS = {
    "authn": "authentication.k8s.io",
    "authz": "authorization.k8s.io",
    "certificates": "certificates.k8s.io",
    "csi": "storage.k8s.io",
    "events": "events.k8s.io",
    "lease": "coordination.k8s.io",
    "node": "node.k8s.io",
}


def decide(user: User, verb: str, target: str, **more: Any) -> Decision:
    """Target: ``[GROUP/]RESOURCE[.SUBRESOURCE] [NAME]``."""
    kind, _, name = target.partition(" ")
    group, _, resource = kind.rpartition("/")
    resource, _, subresource = resource.partition(".")
    objects: dict[str, Any] = {
        "pods": [POD, OTHER],
        "persistentvolumes": VOLUMES,
        "volumeattachments.storage.k8s.io": ATTACHMENTS,
    }
    group = GROUPS.get(group, group)
    question = Attributes(
        user, verb, group, "v1", resource, subresource, name=name, **{"namespace": "lab", **more}
    )
    return node_authorizer(lambda wanted, namespace: objects.get(wanted, []))(question)


@pytest.mark.parametrize(
    ("verb", "target"),
    [
        ("get", "secrets pull"),
        ("list", "secrets key"),
        ("watch", "secrets all"),
        ("get", "secrets disk"),
        ("get", "secrets part"),
        ("get", "configmaps key"),
        ("get", "configmaps part"),
        ("get", "persistentvolumeclaims claim"),
        ("get", "persistentvolumeclaims p-d"),
        ("patch", "persistentvolumeclaims.status claim"),
        ("get", "persistentvolumes v"),
        ("get", "serviceaccounts bot"),
        ("create", "serviceaccounts.token bot"),
        ("get", "pods p"),
        ("create", "pods"),
        ("update", "pods.status q"),
        ("delete", "pods q"),
        ("create", "pods.eviction q"),
        ("patch", "pods.status q"),
        ("list", "pods p"),
        ("watch", "pods p"),
        ("get", "nodes n1"),
        ("list", "nodes n1"),
        ("watch", "nodes n1"),
        ("create", "nodes"),
        ("update", "nodes n2"),
        ("patch", "nodes n2"),
        ("update", "nodes.status n2"),
        ("patch", "nodes.status n2"),
        ("get", "csi/volumeattachments here"),
        ("create", "csi/csinodes"),
        ("get", "csi/csinodes n1"),
        ("update", "csi/csinodes n1"),
        ("patch", "csi/csinodes n1"),
        ("delete", "csi/csinodes n1"),
        ("create", "authn/tokenreviews"),
        ("create", "authz/subjectaccessreviews"),
        ("create", "authz/localsubjectaccessreviews"),
        ("get", "services s"),
        ("list", "services"),
        ("watch", "services"),
        ("create", "events"),
        ("update", "events e"),
        ("patch", "events e"),
        ("create", "events/events"),
        ("update", "events/events e"),
        ("patch", "events/events e"),
        ("get", "endpoints e"),
        ("create", "certificates/certificatesigningrequests"),
        ("get", "certificates/certificatesigningrequests c"),
        ("list", "certificates/certificatesigningrequests"),
        ("watch", "certificates/certificatesigningrequests"),
        ("get", "csi/csidrivers d"),
        ("list", "csi/csidrivers"),
        ("watch", "csi/csidrivers"),
        ("get", "node/runtimeclasses r"),
        ("list", "node/runtimeclasses"),
        ("watch", "node/runtimeclasses"),
    ],
)
def test_allowed(verb: str, target: str) -> None:
    assert decide(NODE, verb, target) == Decision(True)


@pytest.mark.parametrize(
    ("verb", "target", "why"),
    [
        ("get", "secrets others", STRANGER),
        ("get", "secrets", "No Object name found"),
        ("delete", "secrets disk", "can only read resources of this type"),
        ("get", "secrets.x disk", "cannot read subresource"),
        ("get", "persistentvolumes free", STRANGER),
        ("get", "persistentvolumes v2", STRANGER),
        ("get", "persistentvolumes.status v", "cannot get subresource"),
        ("list", "persistentvolumes", "can only get individual resources of this type"),
        ("get", "csi/volumeattachments there", STRANGER),
        ("get", "csi/volumeattachments nowhere", STRANGER),
        ("get", "csi/volumeattachments ghost", STRANGER),
        ("list", "csi/volumeattachments", "can only get individual resources of this type"),
        ("update", "persistentvolumeclaims.status others", STRANGER),
        (
            "update",
            "persistentvolumeclaims claim",
            "can only get individual resources of this type",
        ),
        ("get", "serviceaccounts other", STRANGER),
        ("list", "serviceaccounts bot", "can only create tokens for individual service accounts"),
        ("create", "serviceaccounts bot", "can only create token subresource of serviceaccount"),
        (
            "create",
            "serviceaccounts.token",
            "can only create tokens for individual service accounts",
        ),
        (
            "get",
            "serviceaccounts.token bot",
            "can only create tokens for individual service accounts",
        ),
        ("get", "persistentvolumeclaims.status claim", "can only get/update/patch this type"),
        ("create", "serviceaccounts", "can only create tokens for individual service accounts"),
        ("create", "serviceaccounts.token other", STRANGER),
        (
            "get",
            "lease/leases n1",
            'can only access leases in the "kube-node-lease" system namespace',
        ),
        ("list", "csi/csinodes", "can only get, create, update, patch, or delete a CSINode"),
        ("get", "csi/csinodes.status n1", "cannot authorize CSINode subresources"),
        (
            "get",
            "csi/csinodes n2",
            "can only access CSINode with the same name as the requesting node",
        ),
        ("list", "nodes", "node 'n1' cannot read all nodes, only its own Node object"),
        ("get", "nodes n2", "node 'n1' cannot read 'n2', only its own Node object"),
        ("delete", "nodes n1", ""),
        ("list", "pods", "can only list/watch pods with spec.nodeName field selector"),
        ("get", "pods q", STRANGER),
        ("watch", "pods", "can only list/watch pods with spec.nodeName field selector"),
        ("list", "pods q", STRANGER),
        ("get", "pods", "No Object name found"),
        ("get", "pods.log p", ""),
        ("update", "pods p", ""),
        ("create", "pods.exec p", ""),
        ("get", "nodes.status n1", ""),
        ("get", "nodes.proxy n1", ""),
        ("list", "namespaces", ""),
        ("delete", "events e", ""),
        ("list", "endpoints", ""),
        ("update", "services s", ""),
    ],
)
def test_refused(verb: str, target: str, why: str) -> None:
    assert decide(NODE, verb, target) == Decision(False, why)


@pytest.mark.parametrize("kind", ["secrets disk", "configmaps key", "serviceaccounts bot"])
def test_what_lies_in_namespaces_is_read_in_one(kind: str) -> None:
    refused = Decision(False, "can only read namespaced object of this type")
    assert decide(NODE, "get", kind, namespace="") == refused


def test_a_path_is_nothing_that_depends_on_an_object() -> None:
    question = Attributes(NODE, "get", path="/healthz")
    assert node_authorizer(lambda *_: [])(question) == Decision(False, "")


def test_a_lease_of_its_own() -> None:
    place = {"namespace": "kube-node-lease"}
    assert decide(NODE, "update", "lease/leases n1", **place).allowed
    assert decide(NODE, "create", "lease/leases", **place).allowed
    assert decide(NODE, "get", "lease/leases n2", **place).reason.startswith(
        "can only access node lease with the same"
    )
    assert decide(NODE, "list", "lease/leases", **place).reason.startswith("can only get, create")


def test_pods_by_their_node() -> None:
    assert decide(NODE, "list", "pods", fields=(("spec.nodeName", "n1"),)).allowed
    assert not decide(NODE, "list", "pods", fields=(("spec.nodeName", "n2"),)).allowed


@pytest.mark.parametrize(
    ("user", "why"),
    [
        (User("system:node:n1"), ""),
        (User("joe", ("system:nodes",)), ""),
        (User("system:node:", ("system:nodes",)), 'unknown node for user "system:node:"'),
    ],
)
def test_who_is_no_node(user: User, why: str) -> None:
    assert decide(user, "get", "nodes n1") == Decision(False, why)


def test_a_nodes_requests_and_reviews() -> None:
    api = ClusterApi()
    node = api.user("system:node:n1", "system:nodes")
    assert node.get("/api/v1/nodes/n1").status == 404
    assert node.get("/api/v1/pods?fieldSelector=spec.nodeName%3Dn1").status == 200
    reply = node.get("/api/v1/pods")
    assert reply.status == 403
    assert reply.message.endswith(": can only list/watch pods with spec.nodeName field selector")
    for selector, allowed in (
        ({"rawSelector": "spec.nodeName=n1"}, True),
        ({"requirements": [{"key": "spec.nodeName", "operator": "In", "values": ["n1"]}]}, True),
        ({"rawSelector": "spec.nodeName!=n1"}, False),
    ):
        asked = {"verb": "list", "resource": "pods", "fieldSelector": selector}
        spec = {"user": NODE.name, "groups": list(NODE.groups), "resourceAttributes": asked}
        body = api.must(api.admin.post(f"{REVIEWS}/subjectaccessreviews", {"spec": spec}))
        assert body["status"]["allowed"] is allowed
