"""Validation of resource claims: those of pods and containers, and what the status says of them.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``validatePodResourceClaims``,
``validateResourceClaimNames``, ``validatePodResourceClaimStatuses``,
``validatePodExtendedResourceClaimStatus``, ``validateContainerStatusAllocatedResourcesStatus``).
"""

from __future__ import annotations

from collections.abc import Collection

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import dns_label, dns_subdomain
from labkit.embedded.apiserver.registry.strategies.fields.struct_diff import internal
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema import schemas

HEALTH = ("Healthy", "Unhealthy", "Unknown")
MAX_MESSAGE_BYTES = 1024
CLAIM = "claim:"
UNKNOWN_CLAIM = (
    "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or "
    "'claim:<claimName>' if request is empty"
)


def check_resource_claims(claims: list[Object], path: str, errors: FieldErrors) -> None:
    """Check the claims of a pod."""
    names: set[str] = set()
    for index, claim in enumerate(claims):
        place, name = f"{path}[{index}]", claim.get("name", "")
        if not name:
            errors.required(f"{place}.name")
        elif name in names:
            errors.duplicate(f"{place}.name", name)
        else:
            errors.check_format(f"{place}.name", name, dns_label)
            names.add(name)
        given = [field for field in ("resourceClaimName", "resourceClaimTemplateName") if claim.get(field) is not None]
        shown = internal(schemas()["core.v1.PodResourceClaim"], claim)
        if len(given) > 1:
            why = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            errors.invalid(place, shown, why)
        if not given:
            errors.invalid(place, shown, "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`")
        for field in given:
            errors.check_format(f"{place}.{field}", claim[field], dns_subdomain)


def check_used_claims(claims: list[Object], known: Collection[str], path: str, errors: FieldErrors) -> None:
    """Check the claims that a container uses: references to ``known`` claims of the pod, or to requests of them."""
    used: set[str] = set()
    for index, claim in enumerate(claims):
        place, name, request = f"{path}[{index}]", claim.get("name", ""), claim.get("request", "")
        if not name:
            errors.required(place)
            continue
        if name in used:
            errors.duplicate(place, name)
        else:
            errors.check_if_given(f"{place}.request", request, dns_label)
            key = f"{name}/{request}" if request else name
            if key in used:
                errors.duplicate(place, key)
            elif not request:
                for other in used:
                    if other.partition("/")[0] == name:
                        errors.duplicate(place, name)
            used.add(key)
        if name not in known:
            errors.not_found(place, name)
            listed = f": {', '.join(sorted(known))}" if known else " which is empty"
            errors[-1]["message"] += f": must be one of the names in pod.spec.resourceClaims{listed}"


def check_claim_statuses(status: Object, spec: Object, errors: FieldErrors) -> None:
    """Check the statuses of a pod's resource claims."""
    known = {claim.get("name", "") for claim in spec.get("resourceClaims") or ()}
    seen: set[str] = set()
    for index, claim in enumerate(status.get("resourceClaimStatuses") or ()):
        place, name = f"status.resourceClaimStatuses[{index}]", claim.get("name", "")
        if name not in known:
            errors.invalid(f"{place}.name", name, "must match the name of an entry in `spec.resourceClaims`")
        errors.check_unique(f"{place}.name", name, seen)
        errors.check_format(f"{place}.resourceClaimName", claim.get("resourceClaimName"), dns_subdomain)
    extended = status.get("extendedResourceClaimStatus")
    if extended is not None:
        _check_extended(extended, spec, "status.extendedResourceClaimStatus", errors)


def _check_extended(extended: Object, spec: Object, path: str, errors: FieldErrors) -> None:
    containers = {
        container.get("name", ""): container
        for form in ("initContainers", "containers")
        for container in spec.get(form) or ()
    }
    mappings = extended.get("requestMappings") or []
    errors.check_present(f"{path}.requestMappings", mappings, "at least one request mapping is required")
    seen: set[tuple[str, ...]] = set()
    for index, mapping in enumerate(mappings):
        place = f"{path}.requestMappings[{index}]"
        named = {field: mapping.get(field, "") for field in ("containerName", "resourceName", "requestName")}
        container = containers.get(named["containerName"])
        if container is None:
            why = "must match the name of an entry in spec.initContainers.name or spec.containers.name"
            errors.invalid(f"{place}.containerName", named["containerName"], why)
        elif named["resourceName"] not in _requests(container):
            why = (
                "must match the extended resource name of an entry in spec.initContainers.resources.requests or "
                "spec.containers.resources.requests"
            )
            errors.invalid(f"{place}.resourceName", named["resourceName"], why)
        errors.check_format(f"{path}.requestName", named["requestName"], dns_label)
        if tuple(named.values()) in seen:
            for field, value in named.items():
                errors.duplicate(f"{place}.{field}", value)
        seen.add(tuple(named.values()))
    errors.check_required(f"{path}.resourceClaimName", extended.get("resourceClaimName", ""), dns_subdomain)


def check_allocated(status: Object, spec: Object, errors: FieldErrors) -> None:
    """Check the health of each container's devices."""
    for name, form in (("containerStatuses", "containers"), ("initContainerStatuses", "initContainers")):
        containers = {container.get("name", ""): container for container in spec.get(form) or ()}
        for index, reported in enumerate(status.get(name) or ()):
            container = containers.get(reported.get("name", ""))
            for number, resource in enumerate(reported.get("allocatedResourcesStatus") or ()):
                place = f"status.{name}[{index}].allocatedResourcesStatus[{number}]"
                if container is not None:
                    _check_resource(resource.get("name", ""), container, f"{place}.name", errors)
                _check_health(resource.get("resources") or [], f"{place}.resources", errors)
    for index, reported in enumerate(status.get("ephemeralContainerStatuses") or ()):
        if reported.get("allocatedResourcesStatus"):
            place = f"status.ephemeralContainerStatuses[{index}].allocatedResourcesStatus"
            errors.forbidden(place, "must not be specified in container status")


def _requests(container: Object) -> Object:
    return (container.get("resources") or {}).get("requests") or {}


def _check_resource(name: str, container: Object, place: str, errors: FieldErrors) -> None:
    if not name.startswith(CLAIM):
        if name not in _requests(container):
            errors.invalid(place, name, "must match one of the container's resource requests")
        return
    claims = (container.get("resources") or {}).get("claims") or ()
    used = (CLAIM + "/".join(filter(None, (claim.get("name", ""), claim.get("request", "")))) for claim in claims)
    if name not in used:
        errors.invalid(place, name, UNKNOWN_CLAIM)


def _check_health(resources: list[Object], path: str, errors: FieldErrors) -> None:
    seen: set[str] = set()
    for index, resource in enumerate(resources):
        place, identity, message = f"{path}[{index}]", resource.get("resourceID", ""), resource.get("message")
        errors.check_choice(f"{place}.health", resource.get("health", ""), HEALTH)
        if message is not None:
            errors.check_present(f"{place}.message", message, "must be non-empty if specified")
            errors.check_length(f"{place}.message", message, MAX_MESSAGE_BYTES)
        errors.check_unique(f"{place}.resourceID", identity, seen)
