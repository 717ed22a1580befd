"""The node authorizer: nodes can use their own objects, and the objects that their pods refer to.

A node is a user called ``system:node:NAME`` in the group ``system:nodes``. Its refusals have a reason, because the
cluster has no rules that could be read instead.

Source: k8s.io/kubernetes ``plugin/pkg/auth/authorizer/node``; https://kubernetes.io/docs/reference/access-authn-authz/node/
"""

from collections.abc import Callable, Iterable

from kube_embedded.rbac.attributes import ALLOWED, NO_OPINION, Attributes, Authorizer, Decision
from kube_embedded.rbac.rules import Rule, rule_allows

from ...machinery.golang.quote import go_quote
from ...machinery.node_users import LEASES, node_name, references
from ...machinery.request import Object

READ = ["get", "list", "watch"]
OWN = ["get", "create", "update", "patch", "delete"]

NO_RULES = "node authorizer does not support user rule resolution"
"""The error of a SelfSubjectRulesReview by a node."""

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
"""The verbs that every node may use on all objects of these kinds."""


def node_authorizer(list_objects: List) -> Authorizer:
    """An authorizer of nodes, without an opinion on other users."""

    def authorize(question: Attributes) -> Decision:
        node = node_name(question.user)
        if node is None:
            return NO_OPINION
        # A user in system:nodes whose name is not system:node:NAME: the real authorizer refuses it with this reason.
        if not node:
            return Decision(False, f"unknown node for user {go_quote(question.user.name)}")
        decide = (
            BY_OBJECT.get((question.group, question.resource)) if question.is_resource else None
        )
        if decide is not None:
            why = decide(question, node, list_objects)
            return ALLOWED if why is None else Decision(False, why)
        return ALLOWED if any(rule_allows(rule, question) for rule in RULES) else NO_OPINION

    return authorize


def _related(question: Attributes, node: str, list_objects: List) -> str | None:
    """None if a pod of the node refers to the object, else why it is not allowed."""
    if not question.name:
        return "No Object name found"
    wanted = (question.resource, question.namespace, question.name)
    pods = [pod for pod in list_objects("pods", "") if pod["spec"].get("nodeName") == node]
    referenced = {reference for pod in pods for reference in references(pod)}
    if wanted in referenced:
        return None
    # Pods refer to claims, not to volumes, so the way from a volume to a pod is one step longer.
    if question.resource == "persistentvolumes":
        for volume in list_objects("persistentvolumes", ""):
            claim = volume["spec"].get("claimRef") or {}
            key = ("persistentvolumeclaims", claim.get("namespace", ""), claim.get("name", ""))
            if volume["metadata"]["name"] == question.name and key in referenced:
                return None
    if question.resource == "volumeattachments":
        for attachment in list_objects("volumeattachments.storage.k8s.io", ""):
            if (
                attachment["metadata"]["name"] == question.name
                and attachment["spec"].get("nodeName") == node
            ):
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
    verb = question.verb
    name = question.name
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
    if do in {
        ("", "create"),
        ("", "delete"),
        ("status", "update"),
        ("status", "patch"),
        ("eviction", "create"),
    }:
        return None
    if question.subresource or question.verb not in READ:
        return ""
    if question.verb != "get" and ("spec.nodeName", node) in question.fields:
        return None
    if question.verb != "get" and not question.name:
        return "can only list/watch pods with spec.nodeName field selector"
    return _related(question, node, list_objects)


BY_OBJECT: dict[tuple[str, str], Callable[[Attributes, str, List], str | None]] = {
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
"""Kinds where it depends on the object: (question, node, lister) to None, or why it is not allowed."""
