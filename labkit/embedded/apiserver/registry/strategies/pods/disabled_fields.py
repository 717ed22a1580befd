"""Drops the fields of disabled feature gates, unless they are in use already.

Source: k8s.io/kubernetes ``pkg/api/pod/util.go`` (``DropDisabledPodFields``), ``pkg/features``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.strategies.pods.windows_options import every_container
from labkit.embedded.machinery.request import Object

PROJECTIONS = ("clusterTrustBundle", "podCertificate")


def drop_disabled(spec: Object, before: Object) -> None:
    """Drop disabled fields of a PodSpec, in place, unless the old one (empty for a new pod) has them."""
    for projection in PROJECTIONS:
        if not any(projection in source for source in _sources(before)):
            for source in _sources(spec):
                source.pop(projection, None)
    if "schedulingGroup" not in before:
        spec.pop("schedulingGroup", None)
    if not any(
        "stopSignal" in (container.get("lifecycle") or {})
        for container, _ in every_container(before, "")
    ):
        for container, _ in every_container(spec, ""):
            lifecycle = container.get("lifecycle") or {}
            if lifecycle.pop("stopSignal", None) is not None and not lifecycle:
                del container["lifecycle"]


def drop_disabled_status(status: Object, before: Object) -> None:
    """Drop disabled fields of a PodStatus, in place, unless the old one has them."""
    if not before.get("nodeAllocatableResourceClaimStatuses"):
        status.pop("nodeAllocatableResourceClaimStatuses", None)
    if not any("volumeStatus" in mount for mount in _mounts(before)):
        for mount in _mounts(status):
            mount.pop("volumeStatus", None)


def _mounts(status: Object) -> list[Object]:
    return [
        mount
        for form in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
        for container in status.get(form) or ()
        for mount in container.get("volumeMounts") or ()
    ]


def _sources(spec: Object) -> list[Object]:
    return [
        source
        for volume in spec.get("volumes") or ()
        for source in (volume.get("projected") or {}).get("sources") or ()
    ]
