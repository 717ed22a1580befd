"""Events about claims without a volume, and the request for an external provisioner.

No volumes are provisioned here, as in a control plane without a storage driver.
Source: k8s.io/kubernetes ``pkg/controller/volume/persistentvolume/pv_controller.go``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.registry import Registry
from labkit.embedded.controllers import MANAGER
from labkit.embedded.controllers.event_recorder import EventRecorder
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.request import Object

CLAIMS = BY_KIND["", "PersistentVolumeClaim"]
CLASSES = BY_KIND["storage.k8s.io", "StorageClass"]
PODS = BY_KIND["", "Pod"]
CLASS_NOTE = "volume.beta.kubernetes.io/storage-class"
NODE_NOTE = "volume.kubernetes.io/selected-node"
PROVISIONER_NOTES = ("volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner")
NO_CLASS = "no persistent volumes available for this claim and no storage class is set"
NO_CONSUMER = "waiting for first consumer to be created before binding"
ELSEWHERE = (
    "Waiting for a volume to be created either by the external provisioner '{}' or manually by the system "
    "administrator. If volume creation is delayed, please verify that the provisioner is running and correctly "
    "registered."
)


def claims_of_pod(pod: Object) -> list[str]:
    """The names of the claims that a pod's volumes use."""
    claims = (volume.get("persistentVolumeClaim") or {} for volume in pod["spec"].get("volumes") or ())
    return [claim["claimName"] for claim in claims if claim.get("claimName")]


class Provisioning:
    """Records why claims wait."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._events = EventRecorder(registry, "persistentvolume-controller", CLAIMS)

    def __call__(self, claim: Object) -> None:
        """Record why a claim waits that no volume matches, or annotate it with its provisioner."""
        notes = claim["metadata"].get("annotations") or {}
        name = notes.get(CLASS_NOTE) or claim["spec"].get("storageClassName") or ""
        found = self._registry.find(CLASSES, "", name) if name else None
        if found is not None and found.get("volumeBindingMode") == "WaitForFirstConsumer" and NODE_NOTE not in notes:
            self._wait_for_pod(claim)
        elif not name:
            self._events.normal(claim, "FailedBinding", NO_CLASS)
        elif found is None:
            self._events.warning(claim, "ProvisioningFailed", f'storageclass.storage.k8s.io "{name}" not found')
        elif found["provisioner"].startswith("kubernetes.io/"):
            self._events.warning(claim, "ProvisioningFailed", f"no volume plugin matched name: {found['provisioner']}")
        else:
            self._ask(claim, found["provisioner"])

    def _wait_for_pod(self, claim: Object) -> None:
        metadata = claim["metadata"]
        waiting = [
            pod["metadata"]["name"]
            for pod in self._registry.list(PODS, metadata["namespace"])
            if not pod["spec"].get("nodeName") and metadata["name"] in claims_of_pod(pod)
        ]
        if waiting:
            message = f"waiting for pod{'s' * (len(waiting) > 1)} {','.join(waiting)} to be scheduled"
            self._events.normal(claim, "WaitForPodScheduled", message)
        else:
            self._events.normal(claim, "WaitForFirstConsumer", NO_CONSUMER)

    def _ask(self, claim: Object, provisioner: str) -> None:
        """Annotate a claim with its provisioner."""
        present = claim["metadata"].get("annotations") or {}
        wanted = {**present, **dict.fromkeys(PROVISIONER_NOTES, provisioner)}
        if wanted != present:
            claim = self._registry.edit(CLAIMS, claim, MANAGER, lambda obj: obj["metadata"].update(annotations=wanted))
        self._events.normal(claim, "ExternalProvisioning", ELSEWHERE.format(provisioner))
