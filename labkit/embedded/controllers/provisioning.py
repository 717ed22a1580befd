"""Events about claims without a volume.

No volumes are provisioned here, as in a control plane without a storage driver.
Source: k8s.io/kubernetes ``pkg/controller/volume/persistentvolume/pv_controller.go``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.registry import Registry
from labkit.embedded.controllers.event_recorder import EventRecorder
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.request import Object

CLAIMS = BY_KIND["", "PersistentVolumeClaim"]
CLASSES = BY_KIND["storage.k8s.io", "StorageClass"]
CLASS_NOTE = "volume.beta.kubernetes.io/storage-class"
NO_CLASS = "no persistent volumes available for this claim and no storage class is set"


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
        """Record why a claim waits that no volume matches, unless its class waits for a pod or a provisioner."""
        notes = claim["metadata"].get("annotations") or {}
        name = notes.get(CLASS_NOTE) or claim["spec"].get("storageClassName") or ""
        found = self._registry.find(CLASSES, "", name) if name else None
        if not name:
            self._events.normal(claim, "FailedBinding", NO_CLASS)
        elif found is None:
            self._events.warning(claim, "ProvisioningFailed", f'storageclass.storage.k8s.io "{name}" not found')
