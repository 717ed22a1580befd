"""What a pod's status says of the devices that its containers were given.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``validatePodResourceClaimStatuses``,
``validatePodExtendedResourceClaimStatus``, ``validateContainerStatusAllocatedResourcesStatus``).
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import dns_label, dns_subdomain
from labkit.embedded.machinery.request import Object

HEALTH = ("Healthy", "Unhealthy", "Unknown")
LONGEST_MESSAGE = 1024
CLAIM = "claim:"
UNKNOWN_CLAIM = (
    "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or "
    "'claim:<claimName>' if request is empty"
)


def check_claim_statuses(status: Object, spec: Object, errors: FieldErrors) -> None:
    """The claims that were made for a pod.

    Args:
        status: The pod's new status.
        spec: Its spec.
        errors: What is wrong so far.
    """
    known = {claim.get("name", "") for claim in spec.get("resourceClaims") or ()}
    seen: set[str] = set()
    for index, claim in enumerate(status.get("resourceClaimStatuses") or ()):
        place, name = f"status.resourceClaimStatuses[{index}]", claim.get("name", "")
        if name not in known:
            errors.invalid(f"{place}.name", name, "must match the name of an entry in `spec.resourceClaims`")
        errors.check_unique(f"{place}.name", name, seen)
        _check_name(claim.get("resourceClaimName"), f"{place}.resourceClaimName", errors)
    extended = status.get("extendedResourceClaimStatus")
    if extended is not None:
        _check_extended(extended, spec, "status.extendedResourceClaimStatus", errors)


def _check_name(name: str | None, place: str, errors: FieldErrors) -> None:
    errors.check_format(place, name, dns_subdomain)


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
    name = extended.get("resourceClaimName", "")
    if not name:
        errors.required(f"{path}.resourceClaimName")
    else:
        _check_name(name, f"{path}.resourceClaimName", errors)


def check_allocated(status: Object, spec: Object, errors: FieldErrors) -> None:
    """The health of the devices that each container has; ephemeral containers have none.

    Args:
        status: The pod's new status.
        spec: Its spec.
        errors: What is wrong so far.
    """
    for name, form in (("containerStatuses", "containers"), ("initContainerStatuses", "initContainers")):
        containers = {container.get("name", ""): container for container in spec.get(form) or ()}
        for index, told in enumerate(status.get(name) or ()):
            container = containers.get(told.get("name", ""))
            for number, resource in enumerate(told.get("allocatedResourcesStatus") or ()):
                place = f"status.{name}[{index}].allocatedResourcesStatus[{number}]"
                if container is not None:
                    _check_resource(resource.get("name", ""), container, f"{place}.name", errors)
                _check_health(resource.get("resources") or [], f"{place}.resources", errors)
    for index, told in enumerate(status.get("ephemeralContainerStatuses") or ()):
        if told.get("allocatedResourcesStatus"):
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
        if message == "":
            errors.required(f"{place}.message", "must be non-empty if specified")
        elif message is not None and len(message.encode()) > LONGEST_MESSAGE:
            errors.too_long(f"{place}.message", LONGEST_MESSAGE)
        errors.check_unique(f"{place}.resourceID", identity, seen)
