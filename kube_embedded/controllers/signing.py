"""Certificate signing requests: signs approved ones for clients.

Source: k8s.io/kubernetes ``pkg/controller/certificates/signer``.
"""

import base64
from collections.abc import Callable, Iterable

from ..apiserver.registry.registry import Change, Registry
from ..machinery.kinds import BY_KIND
from ..machinery.objects import conditions_of, true_condition
from ..machinery.request import Object
from .conditions import condition
from .controller import BaseController

REQUESTS = BY_KIND["certificates.k8s.io", "CertificateSigningRequest"]
CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client"

# The signers of kubelets' certificates. They would have no use here: the only kubelet is part of this process, and a
# node that a learner creates has none.
KUBELET_SIGNERS = ("kubernetes.io/kube-apiserver-client-kubelet", "kubernetes.io/kubelet-serving")
REQUIRED_USAGE = "client auth"
USAGES = {REQUIRED_USAGE, "digital signature", "key encipherment"}

Sign = Callable[[str, Iterable[str], "int | None", float], bytes]
"""(request, usages, seconds asked for, now) to a certificate in PEM, or to nothing if there can be none."""


class Signing(BaseController):
    """Signs signing requests."""

    def __init__(self, registry: Registry, sign: Sign) -> None:
        super().__init__(registry)
        self._sign = sign

    def __call__(self, change: Change) -> None:
        """Sign a new or changed request that is approved."""
        if change.kind.resource != REQUESTS.resource or change.new is None:
            return
        request = self._stored(REQUESTS, change.new)
        if request is None or request["status"].get("certificate"):
            return
        if true_condition(request, "Approved") and not true_condition(request, "Denied", "Failed"):
            self._issue(request)

    def _issue(self, request: Object) -> None:
        spec = request["spec"]
        status = dict(request["status"])
        usages = spec.get("usages") or ()
        # Requests for other signers wait: another program can sign them.
        if spec.get("signerName") not in (CLIENT_SIGNER, *KUBELET_SIGNERS):
            return
        problem = _problem(spec["signerName"], usages)
        if problem:
            now = self._now()
            times = {"lastUpdateTime": now, "lastTransitionTime": now}
            failed = condition("Failed", "True", "SignerValidationFailure", problem, **times)
            status["conditions"] = [*conditions_of(request), failed]
        else:
            seconds = spec.get("expirationSeconds")
            pem = self._sign(spec["request"], usages, seconds, self._registry.clock())
            if pem:
                status["certificate"] = base64.b64encode(pem).decode()
        self._write_status(REQUESTS, request, status)


def _problem(signer: str, usages: Iterable[str]) -> str:
    """Return why the cluster does not sign a request for some key usages, empty if it does."""
    if signer in KUBELET_SIGNERS:
        return f"kube-embedded signs no certificates of kubelets, only requests to {CLIENT_SIGNER}"
    for usage in usages:
        if usage not in USAGES:
            return f"invalid usage for client certificate: {usage}"
    if REQUIRED_USAGE not in usages:
        return f"missing required usage for client certificate: {REQUIRED_USAGE}"
    return ""
