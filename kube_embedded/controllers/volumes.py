"""Persistent volumes and claims: phases, and the finalizers that protect them.

Volumes are neither bound nor provisioned.

Source: k8s.io/kubernetes ``pkg/controller/volume/{persistentvolume,pvprotection,pvcprotection,vacprotection}``.
"""

from ..apiserver.registry.registry import Change
from ..machinery.kinds import BY_KIND, Kind
from ..machinery.objects import is_deleted, name_of, namespace_of
from ..machinery.request import Object
from .controller import BaseController

VOLUMES = BY_KIND["", "PersistentVolume"]
CLAIMS = BY_KIND["", "PersistentVolumeClaim"]
PODS = BY_KIND["", "Pod"]
ATTRIBUTES = BY_KIND["storage.k8s.io", "VolumeAttributesClass"]
FINALIZERS = {
    VOLUMES: "kubernetes.io/pv-protection",
    CLAIMS: "kubernetes.io/pvc-protection",
    ATTRIBUTES: "kubernetes.io/vac-protection",
}


class Volumes(BaseController):
    """Maintains the phases of volumes, and drops the finalizers of objects that are not used."""

    def __call__(self, change: Change) -> None:
        """React to volumes, claims and attributes classes, and to pods that use claims."""
        changed = change.new or change.old or {}
        if change.kind is PODS and change.new is None:
            for name in claims_of_pod(changed):
                claim = self._registry.find(CLAIMS, namespace_of(changed), name)
                if claim is not None:
                    self._release(CLAIMS, claim)
        elif change.kind in FINALIZERS:
            current = self._current(change.kind, changed)
            if change.kind is VOLUMES and current is not None and not is_deleted(current):
                self._make_available(current)
            elif current is not None:
                self._release(change.kind, current)
            # A volume or a claim can have been the last one to name a class.
            for attributes in list(self._registry.list(ATTRIBUTES)):
                self._release(ATTRIBUTES, attributes)

    def _make_available(self, volume: Object) -> None:
        status = {"phase": "Available", "lastPhaseTransitionTime": self._now()}
        if volume["status"].get("phase") != "Available":
            self._edit(VOLUMES, volume, lambda obj: obj["status"].update(status), "status")

    def _release(self, kind: Kind, obj: Object) -> None:
        """Drop the finalizer of an object that is being deleted and not used."""
        if is_deleted(obj) and not self._is_used(kind, obj):
            self._registry.drop_finalizer(kind, obj, FINALIZERS[kind], self.manager)

    def _is_used(self, kind: Kind, obj: Object) -> bool:
        if kind is CLAIMS:
            # Only a pod with a node uses its claims: a pod that waits for a node can wait for ever.
            pods = self._registry.list(PODS, namespace_of(obj))
            return any(
                pod["spec"].get("nodeName") and name_of(obj) in claims_of_pod(pod) for pod in pods
            )
        users = [*self._registry.list(VOLUMES), *self._registry.list(CLAIMS)]
        names = {user["spec"].get("volumeAttributesClassName") for user in users}
        names |= {user["status"].get("currentVolumeAttributesClassName") for user in users}
        # Volumes are never bound here, so a volume is never in use.
        return kind is ATTRIBUTES and name_of(obj) in names


def claims_of_pod(pod: Object) -> list[str]:
    """Return the names of the claims that a pod's volumes use."""
    volumes = pod["spec"].get("volumes") or ()
    claims = [volume.get("persistentVolumeClaim") or {} for volume in volumes]
    return [claim["claimName"] for claim in claims if claim.get("claimName")]
