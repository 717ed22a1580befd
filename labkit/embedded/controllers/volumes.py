"""Persistent volumes and claims: binding, phases, and the finalizers that protect them.

Source: k8s.io/kubernetes ``pkg/controller/volume/{persistentvolume,pvprotection,pvcprotection,vacprotection}``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.registry import Change, Registry, timestamp
from labkit.embedded.controllers import MANAGER
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.controllers.controller_ref import object_reference
from labkit.embedded.controllers.provisioning import Provisioning, claims_of_pod
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema.values import BadValue, parse_quantity

VOLUMES = BY_KIND["", "PersistentVolume"]
CLAIMS = BY_KIND["", "PersistentVolumeClaim"]
PODS = BY_KIND["", "Pod"]
ATTRIBUTES = BY_KIND["storage.k8s.io", "VolumeAttributesClass"]
ATTRIBUTES_NAME = "volumeAttributesClassName"
BOUND_BY = "pv.kubernetes.io/bound-by-controller"
COMPLETED = "pv.kubernetes.io/bind-completed"


class Volumes(BaseController):
    """Binds claims to volumes and maintains their phases."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry)
        self._provisioning = Provisioning(registry)

    def __call__(self, change: Change) -> None:
        """React to volumes, claims, and pods that use claims."""
        if change.kind is VOLUMES:
            if change.new is not None:
                self._sync_volume(change.new["metadata"]["name"])
        elif change.kind is CLAIMS:
            if change.new is not None:
                self._sync_claim(change.new["metadata"]["namespace"], change.new["metadata"]["name"])
            elif change.old is not None and change.old["spec"].get("volumeName"):
                self._sync_volume(change.old["spec"]["volumeName"])
        if change.kind in (VOLUMES, CLAIMS, ATTRIBUTES):
            self._release_attributes()
        if change.kind is PODS and change.new is None and change.old is not None:
            for claim in claims_of_pod(change.old):
                self._sync_claim(change.old["metadata"]["namespace"], claim)

    def _release_attributes(self) -> None:
        """Drop the finalizer of deleted attributes classes that no volume or claim names any more."""
        ending = [obj for obj in self._registry.list(ATTRIBUTES) if obj["metadata"].get("deletionTimestamp")]
        if not ending:
            return
        used = {obj["spec"].get(ATTRIBUTES_NAME) for kind in (VOLUMES, CLAIMS) for obj in self._registry.list(kind)}
        used |= {obj["status"].get("currentVolumeAttributesClassName") for obj in self._registry.list(CLAIMS)}
        for obj in ending:
            if obj["metadata"]["name"] not in used:
                self._registry.drop_finalizer(ATTRIBUTES, obj, "kubernetes.io/vac-protection", MANAGER)

    def _phase(self, volume: Object, phase: str) -> Object:
        if volume["status"].get("phase") == phase:
            return volume
        new = {"phase": phase, "lastPhaseTransitionTime": timestamp(self._registry.clock())}
        return self._registry.edit(VOLUMES, volume, MANAGER, lambda obj: obj["status"].update(new), "status")

    def _sync_volume(self, name: str) -> None:
        volume = self._registry.find(VOLUMES, "", name)
        if volume is None:
            return
        if volume["metadata"].get("deletionTimestamp"):
            if volume["status"].get("phase") != "Bound":
                self._registry.drop_finalizer(VOLUMES, volume, "kubernetes.io/pv-protection", MANAGER)
            return
        reference = volume["spec"].get("claimRef")
        if not reference:
            self._phase(volume, "Available")
            for claim in list(self._registry.list(CLAIMS)):
                if self._try_bind(claim):
                    return
            return
        owner = self._registry.find(CLAIMS, reference.get("namespace", ""), reference.get("name", ""))
        if owner is None:
            self._phase(volume, "Released" if reference.get("uid") else "Available")
        elif reference.get("uid") not in (None, "", owner["metadata"]["uid"]):
            self._phase(volume, "Released")
        else:
            self._try_bind(owner)

    def _sync_claim(self, namespace: str, name: str) -> None:
        claim = self._registry.find(CLAIMS, namespace, name)
        if claim is None:
            return
        if claim["metadata"].get("deletionTimestamp"):
            pods = self._registry.list(PODS, namespace)
            if not any(pod["spec"].get("nodeName") and name in claims_of_pod(pod) for pod in pods):
                self._registry.drop_finalizer(CLAIMS, claim, "kubernetes.io/pvc-protection", MANAGER)
            return
        unbound = claim["status"].get("phase") != "Bound" and not claim["spec"].get("volumeName")
        if not self._try_bind(claim) and unbound:
            self._provisioning(claim)

    def _try_bind(self, claim: Object) -> bool:
        if claim["status"].get("phase") == "Bound" or claim["metadata"].get("deletionTimestamp"):
            return False
        volume = self._match(claim)
        if volume is None:
            return False
        chosen_by_us = not volume["spec"].get("claimRef")
        reference = object_reference(CLAIMS, claim)

        def take(obj: Object) -> None:
            obj["spec"]["claimRef"] = reference
            if chosen_by_us:
                obj["metadata"].setdefault("annotations", {})[BOUND_BY] = "yes"

        def settle(obj: Object) -> None:
            notes = obj["metadata"].setdefault("annotations", {})
            notes[COMPLETED] = "yes"
            if not obj["spec"].get("volumeName"):
                notes[BOUND_BY] = "yes"
                obj["spec"]["volumeName"] = volume["metadata"]["name"]

        status = {
            "phase": "Bound",
            "accessModes": volume["spec"].get("accessModes", []),
            "capacity": volume["spec"].get("capacity", {}),
        }
        self._phase(self._registry.edit(VOLUMES, volume, MANAGER, take), "Bound")
        settled = self._registry.edit(CLAIMS, claim, MANAGER, settle)
        self._registry.edit(CLAIMS, settled, MANAGER, lambda obj: obj.update(status=status), "status")
        return True

    def _match(self, claim: Object) -> Object | None:
        spec, metadata = claim["spec"], claim["metadata"]
        best: tuple[int, Object] | None = None
        wanted = _storage((spec.get("resources") or {}).get("requests") or {})
        for volume in self._registry.list(VOLUMES):
            reference = volume["spec"].get("claimRef")
            mine = reference is not None and (
                (reference.get("namespace"), reference.get("name")) == (metadata["namespace"], metadata["name"])
                and reference.get("uid") in (None, "", metadata["uid"])
            )
            if volume["metadata"].get("deletionTimestamp") or (reference is not None and not mine):
                continue
            if spec.get("volumeName"):
                if volume["metadata"]["name"] == spec["volumeName"]:
                    return volume
                continue
            if mine:
                return volume
            offered, size = volume["spec"], _storage(volume["spec"].get("capacity") or {})
            same_class = (spec.get("storageClassName") or "") == offered.get("storageClassName", "")
            same_mode = spec.get("volumeMode", "Filesystem") == offered.get("volumeMode", "Filesystem")
            accessible = set(spec.get("accessModes") or ()) <= set(offered.get("accessModes") or ())
            suits = same_class and same_mode and accessible and not spec.get("selector")
            if suits and size >= wanted and (best is None or size < best[0]):
                best = size, volume
        return best[1] if best else None


def _storage(amounts: Object) -> int:
    try:
        return parse_quantity(str(amounts.get("storage", "0")))[0]
    except BadValue:
        return 0
