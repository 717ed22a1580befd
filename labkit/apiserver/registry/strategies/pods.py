"""Pods.

Source: k8s.io/kubernetes ``pkg/registry/core/pod/strategy.go``.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from labkit.apiserver.registry.errors import FieldErrors
from labkit.apiserver.registry.kinds import Kind
from labkit.apiserver.registry.names import IP_MESSAGE, between, ip_address
from labkit.apiserver.registry.strategies.containers import check_container
from labkit.apiserver.registry.strategies.poddefaults import default_pod
from labkit.apiserver.registry.strategies.poddiff import spec_diff
from labkit.apiserver.registry.strategies.podresize import check_resize, refused_as_a_whole
from labkit.apiserver.registry.strategies.podvalidation import check_pod_spec
from labkit.apiserver.registry.strategy import Context, DeleteOptions, Strategy
from labkit.apiserver.request import Object
from labkit.apiserver.schema.values import amount

MAY_CHANGE = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
    "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
    "previously negative)"
)


def quality_of_service(spec: Object) -> str:
    """``Guaranteed``, ``Burstable`` or ``BestEffort``; what the pod as a whole asks for is asked first."""
    requests: dict[str, int] = {}
    limits: dict[str, int] = {}
    guaranteed = True
    asking = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    for container in [spec] if spec.get("resources") else asking:
        resources = container.get("resources") or {}
        limited = set()
        for total, name in ((requests, "requests"), (limits, "limits")):
            for resource, value in (resources.get(name) or {}).items():
                size = amount(value)
                if resource in ("cpu", "memory") and size > 0:
                    total[resource] = total.get(resource, 0) + size
                    if name == "limits":
                        limited.add(resource)
        if limited != {"cpu", "memory"}:
            guaranteed = False
    if not requests and not limits:
        return "BestEffort"
    return "Guaranteed" if guaranteed and requests == limits else "Burstable"


@dataclass
class PodStrategy(Strategy):
    """Pods: their spec hardly changes, and they end gracefully."""

    returns_deleted: bool = True
    generation: bool = True
    status: bool = True
    graceful: bool = True

    def default(self, obj: Object) -> None:
        """See ``Strategy``."""
        default_pod(obj["spec"])

    def reset_status(self, obj: Object) -> None:
        """See ``Strategy``."""
        status: Object = {"phase": "Pending"}
        if obj["spec"].get("schedulingGates"):
            status["conditions"] = [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "lastProbeTime": None,
                    "lastTransitionTime": None,
                    "reason": "SchedulingGated",
                    "message": "Scheduling is blocked due to non-empty scheduling gates",
                }
            ]
        status["qosClass"] = quality_of_service(obj["spec"])
        obj["status"] = status

    def prepare_status_update(self, context: Context, new: Object, old: Object) -> None:
        """See ``Strategy``."""
        super().prepare_status_update(context, new, old)
        if "ownerReferences" in old["metadata"]:
            new["metadata"]["ownerReferences"] = old["metadata"]["ownerReferences"]
        new["status"]["qosClass"] = old["status"].get("qosClass", "BestEffort")

    def prepare_part_update(self, context: Context, part: str, new: Object, old: Object) -> None:
        """``/ephemeralcontainers`` adds containers, ``/resize`` changes their resources."""
        sent = new["spec"]
        spec = copy.deepcopy(dict(old["spec"]))
        if part == "ephemeralcontainers":
            _keep(spec, sent, "ephemeralContainers")
        elif part == "resize":
            for list_name in ("containers", "initContainers"):
                wanted = {item.get("name"): item for item in sent.get(list_name) or ()}
                for container in spec.get(list_name) or ():
                    if container["name"] in wanted:
                        container["resources"] = wanted[container["name"]].get("resources", {})
        new["spec"] = spec
        new["status"] = copy.deepcopy(old["status"])
        new["metadata"] = {**copy.deepcopy(old["metadata"]), "managedFields": new["metadata"].get("managedFields")}
        if not new["metadata"]["managedFields"]:
            del new["metadata"]["managedFields"]
        self.count_generation(new, old)

    def validate_part_update(self, kind: Kind, part: str, new: Object, old: Object) -> FieldErrors:
        """See ``Strategy``."""
        errors = FieldErrors()
        if part == "ephemeralcontainers":
            check_ephemeral(new["spec"], old["spec"], errors)
        else:
            why = refused_as_a_whole(old)
            if why:
                errors.forbidden("[]", why)
                return errors
            check_pod_spec({**new["spec"], "ephemeralContainers": None}, "spec", errors)
            if quality_of_service(new["spec"]) != quality_of_service(old["spec"]):
                errors.invalid(
                    "spec", old["status"].get("qosClass", ""), "Pod QOS Class may not change as a result of resizing"
                )
            check_resize(new["spec"], old["spec"], errors)
        return errors

    def check(self, obj: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        check_pod_spec(obj["spec"], "spec", errors)
        check_projected_tokens(obj["spec"], errors)

    def check_update(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``."""
        spec, before = new["spec"], old["spec"]
        check_pod_spec({**spec, "ephemeralContainers": None}, "spec", errors)
        check_projected_tokens(spec, errors)
        if len(spec.get("containers") or ()) != len(before.get("containers") or ()):
            errors.forbidden("spec.containers", "pod updates may not add or remove containers")
            return
        if len(spec.get("initContainers") or ()) != len(before.get("initContainers") or ()):
            errors.forbidden("spec.initContainers", "pod updates may not add or remove containers")
            return
        for list_name in ("containers", "initContainers"):
            for index, container in enumerate(spec.get(list_name) or ()):
                if not container.get("image"):
                    errors.required(f"spec.{list_name}[{index}].image")
        self._check_deadline(spec, before, errors)
        changed = copy.deepcopy(dict(spec))
        for list_name in ("containers", "initContainers"):
            for container, other in zip(changed.get(list_name) or (), before.get(list_name) or (), strict=True):
                container["image"] = other.get("image", "")
        _keep(changed, before, "activeDeadlineSeconds")
        tolerations = spec.get("tolerations") or []
        if not _only_added(tolerations, before.get("tolerations") or []):
            errors.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")
        _keep(changed, before, "tolerations")
        if before.get("terminationGracePeriodSeconds", 0) < 0 and spec.get("terminationGracePeriodSeconds") == 1:
            _keep(changed, before, "terminationGracePeriodSeconds")
        if before.get("schedulingGates"):
            wanted = spec.get("schedulingGates") or []
            if all(gate in before["schedulingGates"] for gate in wanted):
                _keep(changed, before, "schedulingGates")
        if changed != before:
            errors.forbidden("spec", f"{MAY_CHANGE}\n{spec_diff(before, changed)}")

    def check_status(self, new: Object, old: Object, errors: FieldErrors) -> None:
        """See ``Strategy``: its addresses are addresses; the first of them stands alone as well."""
        status = new["status"]
        for single, several in (("podIP", "podIPs"), ("hostIP", "hostIPs")):
            first, others = status.get(single, ""), status.get(several) or []
            if first and (not others or others[0].get("ip") != first):
                others = status[several] = [{"ip": first}]
            elif others and not first:
                status[single] = others[0].get("ip", "")
            for index, address in enumerate(others):
                if not ip_address(address.get("ip", "")):
                    errors.invalid(f"status.{several}[{index}]", address.get("ip", ""), IP_MESSAGE)

    def _check_deadline(self, spec: Object, before: Object, errors: FieldErrors) -> None:
        new, old = spec.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds")
        if new is None:
            if old is not None:
                errors.invalid(
                    "spec.activeDeadlineSeconds", None, "must not update from a positive integer to nil value"
                )
            return
        if not 0 <= new <= 2**31 - 1:
            errors.invalid("spec.activeDeadlineSeconds", new, between(0, 2**31 - 1))
        elif old is not None and old < new:
            errors.invalid("spec.activeDeadlineSeconds", new, "must be less than or equal to previous value")

    def grace_seconds(self, obj: Object, options: DeleteOptions) -> int:
        """See ``Strategy``."""
        spec = obj["spec"]
        period = options.grace_seconds
        if period is None:
            period = spec.get("terminationGracePeriodSeconds", 0)
        if not spec.get("nodeName") or obj["status"].get("phase") in ("Failed", "Succeeded"):
            period = 0
        return 1 if period < 0 else int(period)

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        """See ``Strategy``."""
        return pod_warnings(obj["spec"], "spec", new=old is None)


def check_projected_tokens(spec: Object, errors: FieldErrors) -> None:
    """Tokens in volumes are those of an account."""
    if spec.get("serviceAccountName"):
        return
    for index, volume in enumerate(spec.get("volumes") or ()):
        for number, source in enumerate((volume.get("projected") or {}).get("sources") or ()):
            if source.get("serviceAccountToken") is not None:
                errors.forbidden(
                    f"spec.volumes[{index}].projected.sources[{number}].serviceAccountToken",
                    "must not be specified when serviceAccountName is not set",
                )


def check_ephemeral(spec: Object, before: Object, errors: FieldErrors) -> None:
    """Ephemeral containers: they only ever come, and have a name of their own."""
    path = "spec.ephemeralContainers"
    containers = spec.get("ephemeralContainers") or []
    others = {item.get("name") for name in ("containers", "initContainers") for item in spec.get(name) or ()}
    volumes = {volume.get("name", ""): volume for volume in spec.get("volumes") or ()}
    seen: set[str] = set()
    for index, container in enumerate(containers):
        name = container.get("name", "")
        check_container(container, volumes, f"{path}[{index}]", errors, init=True)
        if name and (name in others or name in seen):
            errors.duplicate(f"{path}[{index}].name", name)
        seen.add(name)
        target = container.get("targetContainerName")
        if target and target not in others:
            errors.not_found(f"{path}[{index}].targetContainerName", target)
    now = {item.get("name"): item for item in containers}
    for container in before.get("ephemeralContainers") or ():
        if container["name"] not in now:
            errors.forbidden(path, f"existing ephemeral containers {_quoted(container['name'])} may not be removed\n")
        elif now[container["name"]] != container:
            errors.forbidden(path, f"existing ephemeral containers {_quoted(container['name'])} may not be changed\n")


def _keep(changed: Object, before: Object, field: str) -> None:
    if field in before:
        changed[field] = before[field]
    else:
        changed.pop(field, None)


def _only_added(new: list[Object], old: list[Object]) -> bool:
    def timeless(toleration: Object) -> Object:
        return {name: value for name, value in toleration.items() if name != "tolerationSeconds"}

    wanted = [timeless(toleration) for toleration in new]
    return all(
        toleration in new or (toleration.get("effect") == "NoExecute" and timeless(toleration) in wanted)
        for toleration in old
    )


def pod_warnings(spec: Object, path: str, new: bool = True) -> list[str]:
    """What is legal in a pod but hardly meant.

    Source: ``pkg/api/pod/warnings.go``.
    """
    found: list[str] = []
    for index, volume in enumerate(spec.get("volumes") or ()):
        if volume.get("gitRepo") is not None:
            found.append(f"{path}.volumes[{index}].gitRepo: deprecated in v1.11, and disabled by default in v1.33+")
        if volume.get("glusterfs") is not None:
            found.append(
                f"{path}.volumes[{index}].glusterfs: deprecated in v1.25, this feature is not available in v1.26 "
                "and later"
            )
    for key in spec.get("nodeSelector") or ():
        if key in DEPRECATED_NODE_LABELS:
            found.append(f"{path}.nodeSelector[{key}]: {DEPRECATED_NODE_LABELS[key]}")
    for list_name in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(list_name) or ()):
            place = f"{path}.{list_name}[{index}]"
            seen: set[str] = set()
            for number, variable in enumerate(container.get("env") or ()):
                name = variable.get("name", "")
                if name in seen:
                    found.append(
                        f"{place}.env[{number}]: hides previous definition of {_quoted(name)}, which may be unexpected"
                    )
                seen.add(name)
            for name, amounts in (container.get("resources") or {}).items():
                if not isinstance(amounts, dict):
                    continue
                for resource in ("ephemeral-storage", "memory"):
                    value = amounts.get(resource)
                    if value is not None and amount(value) % 10**9:
                        found.append(
                            f"{place}.resources.{name}[{resource}]: fractional byte value {_quoted(value)} is "
                            "invalid, must be an integer"
                        )
    seen_secrets: set[str] = set()
    for index, secret in enumerate(spec.get("imagePullSecrets") or ()):
        name = secret.get("name", "")
        if not name:
            found.append(f"{path}.imagePullSecrets[{index}].name: invalid empty name {_quoted('')}")
        elif name in seen_secrets:
            found.append(f"{path}.imagePullSecrets[{index}]: duplicate name {_quoted(name)}")
        seen_secrets.add(name)
    if spec.get("terminationGracePeriodSeconds", 0) < 0:
        found.append(
            f"{path}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"
        )
    found += _port_warnings(spec, path)
    return found


DEPRECATED_NODE_LABELS = {
    "beta.kubernetes.io/arch": 'deprecated since v1.14; use "kubernetes.io/arch" instead',
    "beta.kubernetes.io/os": 'deprecated since v1.14; use "kubernetes.io/os" instead',
    "failure-domain.beta.kubernetes.io/region": 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
    "failure-domain.beta.kubernetes.io/zone": 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
    "beta.kubernetes.io/instance-type": 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
}


def _quoted(text: str) -> str:
    return f'"{text}"'


def _port_warnings(spec: Object, path: str) -> list[str]:
    found: list[str] = []
    seen: dict[tuple[str, Any], str] = {}
    for index, container in enumerate(spec.get("containers") or ()):
        for number, port in enumerate(container.get("ports") or ()):
            place = f"{path}.containers[{index}].ports[{number}]"
            key = (port.get("protocol", ""), port.get("containerPort"))
            if key in seen:
                found.append(f"{place}: duplicate port definition with {seen[key]}")
            else:
                seen[key] = place
    return found
