"""The NodeRestriction plugin: limits the writes of a node to its own objects.

These are its Node, without labels that would attract pods; the status and the deletion of its pods; its lease; tokens
for its pods. The node authorizer sees only paths, this plugin also bodies. Mirror pods, and the status of claims, are
left out: a node cannot write them.

Source: k8s.io/kubernetes ``plugin/pkg/admission/noderestriction``;
https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction
"""

from collections.abc import Callable

from typing_extensions import override

from kube_embedded.rbac.attributes import User

from ...machinery.golang.quote import go_quote
from ...machinery.node_users import LEASES, node_name
from ...machinery.pods.placement import STABLE_LABELS
from ...machinery.request import Object
from ...machinery.status import not_found
from .attributes import Attributes, Lister, Lookup, ReadingPlugin

# A node that could set any label could attract pods with secrets; these it needs for itself.
KUBELET_LABELS = frozenset(("kubernetes.io/hostname", *STABLE_LABELS, *STABLE_LABELS.values()))
KUBELET_PREFIXES = ("kubelet.kubernetes.io", "node.kubernetes.io")

MayRequestAudience = Callable[[User, str, str, str], bool]
"""(node, namespace, service account, audience) to whether a rule lets it ask for such a token."""


class NodeRestriction(ReadingPlugin):
    """Limits nodes to their own objects.

    ``may_request_audience`` decides about tokens for an audience that no volume of the pod names.
    """

    def __init__(
        self, lookup: Lookup, lister: Lister, may_request_audience: MayRequestAudience
    ) -> None:
        super().__init__(lookup, lister)
        self._may_request_audience = may_request_audience
        self._kinds: dict[tuple[str, str], Callable[[str, Attributes], None]] = {
            ("", "pods"): self._pod,
            ("", "nodes"): self._node,
            ("", "persistentvolumeclaims"): _refuse,
            ("", "serviceaccounts"): self._account,
            ("coordination.k8s.io", "leases"): _lease,
            ("storage.k8s.io", "csinodes"): _csi_node,
        }

    @override
    def admit(self, attributes: Attributes) -> None:
        node = node_name(attributes.user)
        if node is None:
            return
        if not node:
            raise attributes.refuse(
                f"could not determine node from user {go_quote(attributes.user.name)}"
            )
        check = self._kinds.get((attributes.group, attributes.resource))
        if check is not None:
            check(node, attributes)

    def _pod(self, node: str, write: Attributes) -> None:
        check = {"": self._whole_pod, "status": self._pod_status, "eviction": self._eviction}.get(
            write.subresource
        )
        if check is None:
            raise write.refuse(
                f"unexpected pod subresource {go_quote(write.subresource)}, only 'status' and 'eviction' are allowed"
            )
        check(node, write)

    def _whole_pod(self, node: str, write: Attributes) -> None:
        own = go_quote(node)
        if write.operation != "DELETE":
            operation = go_quote(write.operation)
            raise write.refuse(f"unexpected operation {operation}, node {own} can only delete pods")
        if _place(write.old) != node:
            raise write.refuse(f"node {own} can only delete pods with spec.nodeName set to itself")

    def _pod_status(self, node: str, write: Attributes) -> None:
        own = go_quote(node)
        if _place(write.old) != node:
            raise write.refuse(
                f"node {own} can only update pod status for pods with spec.nodeName set to itself"
            )
        # Labels decide which services and controllers select the pod.
        if _labels(write.old) != _labels(write.obj):
            raise write.refuse(f"node {own} cannot update labels through pod status")

    def _eviction(self, node: str, write: Attributes) -> None:
        if _place(self._lookup("pods", write.namespace, write.name)) != node:
            raise write.refuse(f"node {node} can only evict pods with spec.nodeName set to itself")

    def _node(self, node: str, write: Attributes) -> None:
        own = go_quote(node)
        if write.name != node:
            raise write.refuse(f"node {own} is not allowed to modify node {go_quote(write.name)}")
        if write.obj is None:
            return
        spec = write.obj.get("spec") or {}
        source = spec.get("configSource")
        if write.old is None:
            if source is not None:
                raise write.refuse(
                    f"node {own} is not allowed to create pods with a non-nil configSource"
                )
            forbidden = _forbidden_labels(_labels(write.obj), {})
            if forbidden:
                raise write.refuse(
                    f"node {own} is not allowed to set the following labels: {forbidden}"
                )
            return
        old_spec = write.old.get("spec") or {}
        if source is not None and source != old_spec.get("configSource"):
            raise write.refuse(
                f"node {own} is not allowed to update configSource to a new non-nil configSource"
            )
        # Otherwise a node could take off the taint by which an administrator keeps pods away from it.
        if (spec.get("taints") or []) != (old_spec.get("taints") or []):
            raise write.refuse(f"node {own} is not allowed to modify taints")
        old_owners = write.old["metadata"].get("ownerReferences") or []
        if (write.obj["metadata"].get("ownerReferences") or []) != old_owners:
            raise write.refuse(f"node {own} is not allowed to modify ownerReferences")
        forbidden = _forbidden_labels(_labels(write.obj), _labels(write.old))
        if forbidden:
            raise write.refuse(f"is not allowed to modify labels: {forbidden}")

    def _account(self, node: str, write: Attributes) -> None:
        """Check a token request: for one of the node's pods, with an audience that its volumes use."""
        if write.subresource != "token" or write.operation != "CREATE" or write.obj is None:
            return
        asked = write.obj.get("spec") or {}
        ref = asked.get("boundObjectRef") or {}
        if (ref.get("apiVersion"), ref.get("kind")) != ("v1", "Pod") or not ref.get("name"):
            raise write.refuse("node requested token not bound to a pod")
        if not ref.get("uid"):
            raise write.refuse("node requested token with a pod binding without a uid")
        pod = self._lookup("pods", write.namespace, ref["name"])
        if pod is None:
            raise not_found("pod", "", ref["name"])
        # A pod of the same name could have been created since then, with another account.
        if ref["uid"] != pod["metadata"]["uid"]:
            raise write.refuse(
                f"the UID in the bound object reference ({ref['uid']}) does not match the UID in record. "
                "The object might have been deleted and then recreated"
            )
        if _place(pod) != node:
            raise write.refuse("node requested token bound to a pod scheduled on a different node")
        # Feature ServiceAccountNodeAudienceRestriction: a stolen kubelet must not get tokens for any service.
        audiences = asked.get("audiences") or [""]
        if len(audiences) > 1:
            raise write.refuse("node may only request 0 or 1 audiences")
        audience = audiences[0]
        if audience in self._audiences(pod["spec"]):
            return
        if not self._may_request_audience(write.user, write.namespace, write.name, audience):
            raise write.refuse(
                f"audience {go_quote(audience)} not found in pod spec volume, {write.user.name} is not authorized "
                "to request tokens for this audience"
            )

    def _audiences(self, spec: Object) -> set[str]:
        """The audiences of the tokens in a pod's volumes."""
        audiences = set()
        for volume in spec.get("volumes") or ():
            for source in (volume.get("projected") or {}).get("sources") or ():
                if "serviceAccountToken" in source:
                    audiences.add(source["serviceAccountToken"].get("audience", ""))
            # A CSI driver gets tokens by its CSIDriver, the one field of that kind that has an effect.
            driver = (volume.get("csi") or {}).get("driver")
            if driver:
                stored = self._lookup("csidrivers.storage.k8s.io", "", driver) or {}
                requests = (stored.get("spec") or {}).get("tokenRequests") or ()
                audiences |= {request.get("audience", "") for request in requests}
        return audiences


def _place(pod: Object | None) -> str | None:
    node: str | None = pod["spec"].get("nodeName") if pod is not None else None
    return node


def _labels(obj: Object | None) -> Object:
    return (obj["metadata"].get("labels") if obj is not None else None) or {}


def _forbidden_labels(new: Object, old: Object) -> str:
    """Return the changed labels that a kubelet cannot change, as messages list them."""
    changed = {
        key for key in {*new, *old} if key not in new or key not in old or new[key] != old[key]
    }
    return ", ".join(sorted(filter(_is_forbidden, changed)))


def _is_forbidden(label: str) -> bool:
    prefix = label.partition("/")[0] if "/" in label else ""
    if _within(prefix, "node-restriction.kubernetes.io"):
        return True
    if not _within(prefix, "kubernetes.io") and not _within(prefix, "k8s.io"):
        return False
    return label not in KUBELET_LABELS and not any(
        _within(prefix, allowed) for allowed in KUBELET_PREFIXES
    )


def _within(prefix: str, domain: str) -> bool:
    return prefix == domain or prefix.endswith(f".{domain}")


def _refuse(node: str, write: Attributes) -> None:
    raise write.refuse(f"node {go_quote(node)} cannot write {write.resource} in this lab")


def _lease(node: str, write: Attributes) -> None:
    if write.namespace != LEASES:
        raise write.refuse(f'can only access leases in the "{LEASES}" system namespace')
    if write.name != node:
        raise write.refuse("can only access node lease with the same name as the requesting node")


def _csi_node(node: str, write: Attributes) -> None:
    if write.name != node:
        raise write.refuse("can only access CSINode with the same name as the requesting node")
