"""Persistent volumes and claims: phases, and the finalizers that protect them. Nothing is bound or provisioned here.

Source: k8s.io/kubernetes ``pkg/controller/volume/{persistentvolume,pvprotection,pvcprotection,vacprotection}``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.registry import Change, timestamp
from labkit.embedded.controllers import MANAGER
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.objects import is_deleted, name_of, namespace_of
from labkit.embedded.machinery.request import Object

VOLUMES = BY_KIND["", "PersistentVolume"]
CLAIMS = BY_KIND["", "PersistentVolumeClaim"]
PODS = BY_KIND["", "Pod"]
ATTRIBUTES = BY_KIND["storage.k8s.io", "VolumeAttributesClass"]
ATTRIBUTES_NAME = "volumeAttributesClassName"


class Volumes(BaseController):
    """Maintains the phases of volumes, and drops finalizers of what nobody uses."""

    def __call__(self, change: Change) -> None:
        """React to volumes, claims, and pods that use claims."""
        if change.kind is VOLUMES:
            if change.new is not None:
                self._sync_volume(name_of(change.new))
        elif change.kind is CLAIMS and change.new is not None:
            self._sync_claim(namespace_of(change.new), name_of(change.new))
        if change.kind in (VOLUMES, CLAIMS, ATTRIBUTES):
            self._release_attributes()
        if change.kind is PODS and change.new is None and change.old is not None:
            for claim in claims_of_pod(change.old):
                self._sync_claim(namespace_of(change.old), claim)

    def _release_attributes(self) -> None:
        """Drop the finalizer of deleted attributes classes that no volume or claim names any more."""
        ending = [obj for obj in self._registry.list(ATTRIBUTES) if is_deleted(obj)]
        if not ending:
            return
        used = {
            obj["spec"].get(ATTRIBUTES_NAME)
            for kind in (VOLUMES, CLAIMS)
            for obj in self._registry.list(kind)
        }
        used |= {
            obj["status"].get("currentVolumeAttributesClassName")
            for obj in self._registry.list(CLAIMS)
        }
        for obj in ending:
            if name_of(obj) not in used:
                self._registry.drop_finalizer(
                    ATTRIBUTES, obj, "kubernetes.io/vac-protection", MANAGER
                )

    def _sync_volume(self, name: str) -> None:
        volume = self._registry.find(VOLUMES, "", name)
        if volume is None:
            return
        if is_deleted(volume):
            self._registry.drop_finalizer(VOLUMES, volume, "kubernetes.io/pv-protection", MANAGER)
        elif volume["status"].get("phase") != "Available":
            new = {
                "phase": "Available",
                "lastPhaseTransitionTime": timestamp(self._registry.clock()),
            }
            self._registry.edit(
                VOLUMES, volume, MANAGER, lambda obj: obj["status"].update(new), "status"
            )

    def _sync_claim(self, namespace: str, name: str) -> None:
        claim = self._registry.find(CLAIMS, namespace, name)
        if claim is None:
            return
        if is_deleted(claim):
            pods = self._registry.list(PODS, namespace)
            if not any(pod["spec"].get("nodeName") and name in claims_of_pod(pod) for pod in pods):
                self._registry.drop_finalizer(
                    CLAIMS, claim, "kubernetes.io/pvc-protection", MANAGER
                )


def claims_of_pod(pod: Object) -> list[str]:
    """The names of the claims that a pod's volumes use."""
    claims = (
        volume.get("persistentVolumeClaim") or {} for volume in pod["spec"].get("volumes") or ()
    )
    return [claim["claimName"] for claim in claims if claim.get("claimName")]
