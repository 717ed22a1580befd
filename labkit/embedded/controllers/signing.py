"""Certificate signing requests: approves those of kubelets, signs approved ones, and deletes old ones.

Source: k8s.io/kubernetes ``pkg/controller/certificates/{approver,signer,cleaner}``.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from labkit.embedded.apiserver.registry.registry import Change, Registry, timestamp
from labkit.embedded.controllers import MANAGER
from labkit.embedded.controllers.conditions import condition
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.objects import conditions_of, name_of
from labkit.embedded.machinery.request import Object
from labkit.rbac.attributes import User

if TYPE_CHECKING:
    from labkit.embedded.machinery.pki.signing_requests import SigningRequest

GROUP = "certificates.k8s.io"
KIND = BY_KIND[GROUP, "CertificateSigningRequest"]
CLIENT, KUBELET_CLIENT, KUBELET_SERVING = (
    f"kubernetes.io/{name}"
    for name in ("kube-apiserver-client", "kube-apiserver-client-kubelet", "kubelet-serving")
)
HOUR, DAY = 3600, 86400
FINAL = ("Approved", "Denied", "Failed")
NODES, NODE_PREFIX = ["system:nodes"], "system:node:"
OPTIONAL = {"digital signature", "key encipherment"}

MayCreate = Callable[[User, str], bool]
"""(user, subresource of signing requests) to whether a rule allows to create it."""

Sign = Callable[[str, Iterable[str], "int | None", float], bytes]
"""(request, usages, seconds asked for, now) to a certificate in PEM, or to nothing if there can be none."""


def has_condition(obj: Object, *kinds: str) -> bool:
    """Whether a request has a condition of one of some types."""
    return any(each.get("type") in kinds for each in conditions_of(obj))


class Signing(BaseController):
    """Approves, signs and deletes signing requests."""

    def __init__(self, registry: Registry, may_create: MayCreate, sign: Sign) -> None:
        super().__init__(registry)
        self._may_create = may_create
        self._sign = sign

    def __call__(self, change: Change) -> None:
        """Approve or sign a new or changed request."""
        if change.kind.resource != KIND.resource or change.new is None:
            return
        obj = self._registry.find(KIND, "", name_of(change.new))
        if obj is None or obj["status"].get("certificate"):
            return
        if not has_condition(obj, "Approved", "Denied"):
            self._approve(obj)
        elif has_condition(obj, "Approved") and not has_condition(obj, "Denied", "Failed"):
            self._issue(obj)

    def advance(self) -> None:
        """Delete requests an hour after they were handled, and pending ones after a day."""
        now = self._registry.clock()
        hour_ago, day_ago = timestamp(now - HOUR), timestamp(now - DAY)
        for obj in list(self._registry.list(KIND)):
            done = any(
                (each.get("lastUpdateTime") or day_ago)
                < (hour_ago if _is_final(each, obj) else day_ago)
                for each in conditions_of(obj)
            )
            if done or (
                not has_condition(obj, *FINAL) and obj["metadata"]["creationTimestamp"] < day_ago
            ):
                self._registry.delete(KIND, "", name_of(obj))

    def _approve(self, obj: Object) -> None:
        spec = obj["spec"]
        if spec.get("signerName") != KUBELET_CLIENT:
            return
        request = _read(obj)
        if refusal_of(KUBELET_CLIENT, request, spec.get("usages") or ()):
            return
        user = User(
            spec.get("username", ""),
            tuple(spec.get("groups") or ()),
            spec.get("uid", ""),
            {key: tuple(values) for key, values in (spec.get("extra") or {}).items()},
        )
        recognized = [
            ("nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview.")
        ]
        if user.name == request.common_name:
            self_made = "Auto approving self kubelet client certificate after SubjectAccessReview."
            recognized.insert(0, ("selfnodeclient", self_made))
        for right, message in recognized:
            if self._may_create(user, right):
                self._add_condition(obj, "Approved", "AutoApproved", message, "approval")
                return

    def _issue(self, obj: Object) -> None:
        spec = obj["spec"]
        signer, usages = spec.get("signerName", ""), spec.get("usages") or ()
        if signer not in (CLIENT, KUBELET_CLIENT, KUBELET_SERVING):
            return
        problem = refusal_of(signer, _read(obj), usages)
        if problem:
            self._add_condition(obj, "Failed", "SignerValidationFailure", problem, "status")
            return
        pem = self._sign(
            spec["request"], usages, spec.get("expirationSeconds"), self._registry.clock()
        )
        if not pem:
            return
        certificate = base64.b64encode(pem).decode()
        self._registry.edit(
            KIND, obj, MANAGER, lambda new: new["status"].update(certificate=certificate), "status"
        )

    def _add_condition(self, obj: Object, kind: str, reason: str, message: str, part: str) -> None:
        now = timestamp(self._registry.clock())
        times = {"lastUpdateTime": now, "lastTransitionTime": now}
        new = {**condition(kind, "True", reason, message), **times}
        conditions = [*conditions_of(obj), new]
        self._registry.edit(
            KIND, obj, MANAGER, lambda new: new["status"].update(conditions=conditions), part
        )


def _is_final(condition: Object, obj: Object) -> bool:
    """Whether a condition is the last one of a request."""
    return condition.get("type") in ("Denied", "Failed") or (
        condition.get("type") == "Approved" and bool(obj["status"].get("certificate"))
    )


def _read(obj: Object) -> SigningRequest:
    # Imported here: it loads cryptography, which few servers need.
    from labkit.embedded.machinery.pki.signing_requests import read_request

    return read_request(obj["spec"]["request"])


def refusal_of(signer: str, request: SigningRequest, usages: Iterable[str]) -> str:
    """Why one of the cluster's signers refuses a request for some key usages, empty if it signs it."""
    wanted = list(usages)
    if signer == CLIENT:
        for usage in wanted:
            if usage not in OPTIONAL and usage != "client auth":
                return f"invalid usage for client certificate: {usage}"
        return (
            ""
            if "client auth" in wanted
            else "missing required usage for client certificate: client auth"
        )
    if list(request.organizations) != NODES:
        return "subject organization is not system:nodes"
    if signer == KUBELET_SERVING and not request.names & {"DNS", "IP"}:
        return "DNS or IP subjectAltName is required"
    for name in ("Email", "URI") if signer == KUBELET_SERVING else ("DNS", "Email", "IP", "URI"):
        if name in request.names:
            return f"{name} subjectAltNames are not allowed"
    named = request.common_name.startswith(NODE_PREFIX)
    if signer == KUBELET_CLIENT and not named:
        return "subject common name does not begin with system:node:"
    auth = "server auth" if signer == KUBELET_SERVING else "client auth"
    allowed = {auth, "digital signature", "key encipherment"}
    if set(wanted) not in (allowed, allowed - {"key encipherment"}):
        return f"usages did not match [{' '.join(sorted(allowed))}]"
    return "" if named else "subject common name does not begin with system:node:"
