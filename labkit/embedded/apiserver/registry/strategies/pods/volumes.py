"""Validation of the volumes of a pod.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidateVolumes``).
"""

from __future__ import annotations

from collections.abc import Mapping

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import dns_label
from labkit.embedded.apiserver.registry.strategies.pods import projections
from labkit.embedded.apiserver.registry.strategies.pods.containers import PULL_POLICIES
from labkit.embedded.apiserver.registry.strategies.storage.claims import check_claim_spec
from labkit.embedded.apiserver.registry.strategies.storage.source_rules import (
    Rule,
    both,
    check_sources,
    names_secret,
    needs,
)
from labkit.embedded.apiserver.registry.strategies.storage.sources import (
    SHARED,
    csi,
    git_repository,
)
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema.values import amount


def check_volumes(
    volumes: list[Object], path: str, errors: FieldErrors, *, is_pod: bool
) -> dict[str, Object]:
    """Check the volumes of a template or, if ``is_pod``, of a pod.

    Returns:
        Those with nothing wrong, by name.
    """
    rules = POD_SOURCES if is_pod else TEMPLATE_SOURCES
    known: dict[str, Object] = {}
    for index, volume in enumerate(volumes):
        place, name, before = f"{path}[{index}]", volume.get("name", ""), len(errors)
        check_sources(volume, rules, place, errors)
        errors.check_required(f"{place}.name", name, dns_label)
        if name in known:
            errors.duplicate(f"{place}.name", name)
        if len(errors) == before:
            known[name] = volume
    return known


def _empty_directory(source: Object, path: str, errors: FieldErrors) -> None:
    if amount(source.get("sizeLimit", 0)) < 0:
        errors.forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def _ephemeral(source: Object, path: str, errors: FieldErrors) -> None:
    """Check an ephemeral volume, whose metadata is not looked at."""
    template, place = source.get("volumeClaimTemplate"), f"{path}.volumeClaimTemplate"
    errors.check_present(place, template)
    if template is not None:
        check_claim_spec(template["spec"], f"{place}.spec", errors)


def _image(source: Object, path: str, errors: FieldErrors) -> None:
    errors.check_required_choice(f"{path}.pullPolicy", source.get("pullPolicy", ""), PULL_POLICIES)


POD_SOURCES: Mapping[str, Rule] = {
    "emptyDir": _empty_directory,
    "hostPath": SHARED["hostPath"],
    "gitRepo": git_repository,
    "gcePersistentDisk": SHARED["gcePersistentDisk"],
    "awsElasticBlockStore": SHARED["awsElasticBlockStore"],
    "secret": both(needs("secretName"), projections.check_keys),
    "nfs": SHARED["nfs"],
    "iscsi": needs("targetPortal", "iqn"),
    "glusterfs": needs("endpoints", "path"),
    "flocker": SHARED["flocker"],
    "persistentVolumeClaim": needs("claimName"),
    "rbd": SHARED["rbd"],
    "cinder": both(needs("volumeID"), names_secret("name")),
    "cephfs": SHARED["cephfs"],
    "quobyte": SHARED["quobyte"],
    "downwardAPI": projections.downward_volume,
    "fc": SHARED["fc"],
    "flexVolume": SHARED["flexVolume"],
    "configMap": both(needs("name"), projections.check_keys),
    "azureFile": needs("secretName", "shareName"),
    "vsphereVolume": SHARED["vsphereVolume"],
    "photonPersistentDisk": SHARED["photonPersistentDisk"],
    "portworxVolume": SHARED["portworxVolume"],
    "azureDisk": SHARED["azureDisk"],
    "storageos": both(needs("volumeName"), names_secret("name")),
    "projected": projections.projected_volume,
    "scaleIO": SHARED["scaleIO"],
    "csi": csi,
    "ephemeral": _ephemeral,
    "image": both(needs("reference"), _image),
}
"""The sources of pod volumes, in the order of the real server's checks."""

TEMPLATE_SOURCES: Mapping[str, Rule] = {**POD_SOURCES, "image": _image}
"""The sources of volumes in pod templates, which need not name an image."""
