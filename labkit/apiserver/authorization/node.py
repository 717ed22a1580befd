"""What nodes may: their own objects, and what the pods that are bound to them refer to.

A node is whoever is called ``system:node:NAME`` and in the group ``system:nodes``. Refusals
come with a reason here, since nobody wrote a rule that could be looked up.

Source: k8s.io/kubernetes ``plugin/pkg/auth/authorizer/node``; https://kubernetes.io/docs/reference/access-authn-authz/node/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from labkit.apiserver.authorization.attributes import Attributes, Authorizer, Decision
from labkit.apiserver.authorization.rules import Rule, rule_allows
from labkit.apiserver.quoting import go_quote
from labkit.apiserver.request import Object, User

GROUP, PREFIX = "system:nodes", "system:node:"
LEASES = "kube-node-lease"
READ = ["get", "list", "watch"]
OWN = ["get", "create", "update", "patch", "delete"]

ALLOWED = Decision(True)
NO_OPINION = Decision(False)

List = Callable[[str, str], Iterable[Object]]
"""(resource, namespace or "") to objects."""


def _rule(verbs: list[str], group: str, *resources: str) -> Rule:
    return {"verbs": verbs, "apiGroups": [group], "resources": list(resources)}


RULES: tuple[Rule, ...] = (
    _rule(["create"], "authentication.k8s.io", "tokenreviews"),
    _rule(["create"], "authorization.k8s.io", "subjectaccessreviews", "localsubjectaccessreviews"),
    _rule(READ, "", "services"),
    _rule(["create", "update", "patch"], "", "events"),
    _rule(["create", "update", "patch"], "events.k8s.io", "events"),
    _rule(["get"], "", "endpoints"),
    _rule(["create", *READ], "certificates.k8s.io", "certificatesigningrequests"),
    _rule(READ, "storage.k8s.io", "csidrivers"),
    _rule(READ, "node.k8s.io", "runtimeclasses"),
)
"""What every node may, of the kinds that need no closer look."""


def node_name(user: User) -> str | None:
    """The node that a user is, None for anybody else."""
    return user.name.removeprefix(PREFIX) if user.name.startswith(PREFIX) and GROUP in user.groups else None


def node_authorizer(list_objects: List) -> Authorizer:
    """Decides about nodes, and has no opinion on anybody else.

    Args:
        list_objects: Lists pods, claims and attachments.
    """

    def authorize(question: Attributes) -> Decision:
        node = node_name(question.user)
        if node is None:
            return NO_OPINION
        if not node:
            return Decision(False, f"unknown node for user {go_quote(question.user.name)}")
        decide = LOOKED_AT.get((question.group, question.resource)) if question.is_resource else None
        if decide is not None:
            why = decide(question, node, list_objects)
            return ALLOWED if why is None else Decision(False, why)
        return ALLOWED if any(rule_allows(rule, question) for rule in RULES) else NO_OPINION

    return authorize


def _related(question: Attributes, node: str, list_objects: List) -> str | None:
    """Whether a pod of the node refers to the object; a text says why not."""
    if not question.name:
        return "No Object name found"
    wanted = (question.resource, question.namespace, question.name)
    pods = [pod for pod in list_objects("pods", "") if pod["spec"].get("nodeName") == node]
    if wanted in {reference for pod in pods for reference in references(pod)}:
        return None
    if question.resource == "persistentvolumes":
        claims = {reference for pod in pods for reference in references(pod)}
        for volume in list_objects("persistentvolumes", ""):
            claim = volume["spec"].get("claimRef") or {}
            key = ("persistentvolumeclaims", claim.get("namespace", ""), claim.get("name", ""))
            if volume["metadata"]["name"] == question.name and key in claims:
                return None
    if question.resource == "volumeattachments":
        for attachment in list_objects("volumeattachments.storage.k8s.io", ""):
            if attachment["metadata"]["name"] == question.name and attachment["spec"].get("nodeName") == node:
                return None
    return f"no relationship found between node '{node}' and this object"


def _read(question: Attributes, node: str, list_objects: List) -> str | None:
    if question.verb not in READ:
        return "can only read resources of this type"
    if question.subresource:
        return "cannot read subresource"
    if not question.namespace:
        return "can only read namespaced object of this type"
    return _related(question, node, list_objects)


def _get(question: Attributes, node: str, list_objects: List) -> str | None:
    if question.verb != "get":
        return "can only get individual resources of this type"
    if question.subresource:
        return "cannot get subresource"
    return _related(question, node, list_objects)


def _claim(question: Attributes, node: str, list_objects: List) -> str | None:
    if question.subresource != "status":
        return _get(question, node, list_objects)
    if question.verb not in ("update", "patch"):
        return "can only get/update/patch this type"
    return _related(question, node, list_objects)


def _account(question: Attributes, node: str, list_objects: List) -> str | None:
    if question.verb == "get" and not question.subresource:
        return _read(question, node, list_objects)
    if question.verb != "create" or not question.name:
        return "can only create tokens for individual service accounts"
    if question.subresource != "token":
        return "can only create token subresource of serviceaccount"
    return _related(question, node, list_objects)


def _lease(question: Attributes, node: str, list_objects: List) -> str | None:
    if question.verb not in OWN:
        return "can only get, create, update, patch, or delete a node lease"
    if question.namespace != LEASES:
        return f'can only access leases in the "{LEASES}" system namespace'
    if question.verb != "create" and question.name != node:
        return "can only access node lease with the same name as the requesting node"
    return None


def _csi_node(question: Attributes, node: str, list_objects: List) -> str | None:
    if question.verb not in OWN:
        return "can only get, create, update, patch, or delete a CSINode"
    if question.subresource:
        return "cannot authorize CSINode subresources"
    if question.verb != "create" and question.name != node:
        return "can only access CSINode with the same name as the requesting node"
    return None


def _node(question: Attributes, node: str, list_objects: List) -> str | None:
    verb, name = question.verb, question.name
    if (question.subresource, verb) in {("", "create"), ("", "update"), ("", "patch"), ("status", "update"),
                                        ("status", "patch")}:  # fmt: skip
        return None
    if question.subresource or verb not in READ:
        return ""
    if name == node:
        return None
    what = f"'{name}'" if name else "all nodes"
    return f"node '{node}' cannot read {what}, only its own Node object"


def _pod(question: Attributes, node: str, list_objects: List) -> str | None:
    do = (question.subresource, question.verb)
    if do in {("", "create"), ("", "delete"), ("status", "update"), ("status", "patch"), ("eviction", "create")}:
        return None
    if question.subresource or question.verb not in READ:
        return ""
    if question.verb != "get" and ("spec.nodeName", node) in question.fields:
        return None
    if question.verb != "get" and not question.name:
        return "can only list/watch pods with spec.nodeName field selector"
    return _related(question, node, list_objects)


LOOKED_AT: dict[tuple[str, str], Callable[[Attributes, str, List], str | None]] = {
    ("", "secrets"): _read,
    ("", "configmaps"): _read,
    ("", "persistentvolumeclaims"): _claim,
    ("", "persistentvolumes"): _get,
    ("storage.k8s.io", "volumeattachments"): _get,
    ("", "serviceaccounts"): _account,
    ("coordination.k8s.io", "leases"): _lease,
    ("storage.k8s.io", "csinodes"): _csi_node,
    ("", "nodes"): _node,
    ("", "pods"): _pod,
}
"""Kinds whose objects are not all the same to a node: None allows, a text says why not."""


def references(pod: Object) -> Iterator[tuple[str, str, str]]:
    """The pod itself and what it refers to: (resource, namespace, name)."""
    namespace, spec = pod["metadata"]["namespace"], pod["spec"]
    yield "pods", namespace, pod["metadata"]["name"]
    if spec.get("serviceAccountName"):
        yield "serviceaccounts", namespace, spec["serviceAccountName"]
    for field, resource in _named(spec):
        yield resource, namespace, field
    for volume in spec.get("volumes") or ():
        if "ephemeral" in volume:
            yield "persistentvolumeclaims", namespace, f"{pod['metadata']['name']}-{volume['name']}"


def _named(value: Any) -> Iterator[tuple[str, str]]:
    """Names of Secrets, ConfigMaps and claims anywhere in a pod's spec."""
    if isinstance(value, list):
        for item in value:
            yield from _named(item)
    elif isinstance(value, dict):
        for field, item in value.items():
            resource, names = FIELDS.get(field, ("", ()))
            for one in item if isinstance(item, list) else [item]:
                for name in names:
                    if isinstance(one, dict) and isinstance(one.get(name), str):
                        yield one[name], resource
            yield from _named(item)


FIELDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "secret": ("secrets", ("secretName", "name")),
    "secretRef": ("secrets", ("name",)),
    "secretKeyRef": ("secrets", ("name",)),
    "imagePullSecrets": ("secrets", ("name",)),
    "nodePublishSecretRef": ("secrets", ("name",)),
    "azureFile": ("secrets", ("secretName",)),
    "configMap": ("configmaps", ("name",)),
    "configMapRef": ("configmaps", ("name",)),
    "configMapKeyRef": ("configmaps", ("name",)),
    "persistentVolumeClaim": ("persistentvolumeclaims", ("claimName",)),
}
"""Fields of a pod's spec that name another object: its resource, and the fields that hold the name."""
