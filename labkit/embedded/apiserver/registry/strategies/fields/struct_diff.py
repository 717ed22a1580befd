"""What a forbidden change of a pod's, claim's or volume's spec looks like: a diff of Go's internal structs.

Source: k8s.io/kubernetes ``pkg/apis/core/types.go``; k8s.io/apimachinery ``pkg/util/diff``.
"""

from __future__ import annotations

import difflib
import json
from typing import Any

from labkit.embedded.machinery.schema import Struct, Type, schemas

HOST_FIELDS = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostUsers")
"""Fields that the internal struct keeps in the security context."""
LEFT_OUT = ("serviceAccount", *HOST_FIELDS)
SPEC_ORDER = (
    "volumes",
    "initContainers",
    "containers",
    "ephemeralContainers",
    "restartPolicy",
    "terminationGracePeriodSeconds",
    "activeDeadlineSeconds",
    "dnsPolicy",
    "nodeSelector",
    "serviceAccountName",
    "automountServiceAccountToken",
    "nodeName",
    "securityContext",
    "imagePullSecrets",
    "hostname",
    "subdomain",
    "setHostnameAsFQDN",
    "affinity",
    "schedulerName",
    "tolerations",
    "hostAliases",
    "priorityClassName",
    "priority",
    "preemptionPolicy",
    "dnsConfig",
    "readinessGates",
    "runtimeClassName",
    "overhead",
    "enableServiceLinks",
    "topologySpreadConstraints",
    "os",
    "schedulingGates",
    "resourceClaims",
    "resources",
    "hostnameOverride",
    "schedulingGroup",
)


SOURCE_ORDER = (
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "hostPath",
    "glusterfs",
    "nfs",
    "rbd",
    "quobyte",
    "iscsi",
    "flexVolume",
    "cinder",
    "cephfs",
    "fc",
    "flocker",
    "azureFile",
    "vsphereVolume",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "local",
    "storageos",
    "csi",
)
"""The kinds of persistent volume, in the order of the internal struct."""

MOVED = {
    "core.v1.Volume": ("quobyte", "rbd"),
    "core.v1.PodSecurityContext": ("sysctls", "fsGroupChangePolicy"),
}
"""Fields that come after another one in the internal struct, and elsewhere in the API's: (field, that other one)."""


def internal(struct: Struct, value: dict[str, Any]) -> dict[str, Any]:
    """A struct as Go prints it: every field, by its Go name; those of all groups keep their names in JSON."""
    if struct.name.startswith("meta."):
        return {name: value[name] for name in struct.fields if value.get(name)}
    shown: dict[str, Any] = {}
    for name in _order(struct):
        field = struct.fields[name]
        shown[field.go] = _shown(field.type, value.get(name), field.pointer)
    return shown


def _order(struct: Struct) -> list[str]:
    """The names of a struct's fields in the order of its internal form."""
    names = list(struct.fields)
    if struct.name in MOVED:
        moved, before = MOVED[struct.name]
        names.remove(moved)
        names.insert(names.index(before) + 1, moved)
    return names


def _shown(type_: Type, value: Any, pointer: bool) -> Any:
    if value is None:
        if pointer or type_.form in ("list", "map", "raw", "any", "time"):
            return None
        if type_.form == "struct":
            return internal(type_.struct, {})
        return {"string": "", "bool": False, "intstr": 0, "quantity": "0"}.get(type_.form, 0)
    if type_.form == "struct":
        return internal(type_.struct, value)
    if type_.form == "list":
        return [_shown(type_.item, item, False) for item in value]
    if type_.form == "map":
        return {name: _shown(type_.item, value[name], False) for name in sorted(value)}
    return value


def internal_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """A pod's spec as the internal struct has it."""
    struct = schemas()["core.v1.PodSpec"]
    order = [name for name in SPEC_ORDER if name in struct.fields]
    order += [name for name in struct.fields if name not in SPEC_ORDER and name not in LEFT_OUT]
    shown: dict[str, Any] = {}
    for name in order:
        field = struct.fields[name]
        shown[field.go] = _shown(field.type, spec.get(name), field.pointer)
    context = shown["SecurityContext"]
    if context is not None:
        host = {
            struct.fields[name].go: _shown(struct.fields[name].type, spec.get(name), struct.fields[name].pointer)
            for name in HOST_FIELDS
        }
        shown["SecurityContext"] = host | context
    return shown


def internal_template(template: dict[str, Any]) -> dict[str, Any]:
    """A pod template as the internal struct has it: its metadata is embedded and keeps its names."""
    metadata = {
        name: dict(sorted(value.items())) if isinstance(value, dict) else value
        for name, value in template["metadata"].items()
    }
    return {**metadata, "Spec": internal_spec(template["spec"])}


def spec_diff(old: dict[str, Any], new: dict[str, Any]) -> str:
    """A unified diff of two pod specs, as the message of a refused update ends."""
    return unified(internal_spec(old), internal_spec(new))


def unified(first: dict[str, Any], second: dict[str, Any]) -> str:
    """A unified diff of two structs as Go prints them."""
    before, after = (json.dumps(shown, indent=1, ensure_ascii=False).split("\n") for shown in (first, second))
    lines = list(difflib.unified_diff(before, after, lineterm="", n=3))[2:]
    return "\n".join(lines) + "\n"


def claim_diff(old: dict[str, Any], new: dict[str, Any]) -> str:
    """The same of two specs of claims."""
    struct = schemas()["core.v1.PersistentVolumeClaimSpec"]
    return unified(internal(struct, old), internal(struct, new))


def source_diff(old: dict[str, Any], new: dict[str, Any]) -> str:
    """The same of where two volumes are."""
    struct = schemas()["core.v1.PersistentVolumeSpec"]
    fields = {struct.fields[name].go: struct.fields[name] for name in SOURCE_ORDER}

    def shown(source: dict[str, Any]) -> dict[str, Any]:
        values = zip(SOURCE_ORDER, fields.items(), strict=True)
        return {go: _shown(field.type, source.get(name), field.pointer) for name, (go, field) in values}

    return unified(shown(old), shown(new))


def ephemeral_diff(old: dict[str, Any], new: dict[str, Any]) -> str:
    """The same of two ephemeral containers, whose common fields are embedded."""
    struct = schemas()["core.v1.EphemeralContainer"]

    def shown(container: dict[str, Any]) -> dict[str, Any]:
        fields = internal(struct, container)
        target = fields.pop("TargetContainerName")
        return {**fields, "TargetContainerName": target}

    return unified(shown(old), shown(new))
