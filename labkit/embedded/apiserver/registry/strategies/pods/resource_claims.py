"""Validation of the resource claims of pods and containers. What a driver says of them in the status is not checked.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``validatePodResourceClaims``,
``validateResourceClaimNames``).
"""

from __future__ import annotations

from collections.abc import Collection

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import dns_label, dns_subdomain
from labkit.embedded.apiserver.registry.strategies.fields.struct_diff import internal
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema import schemas


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
        given = [
            field
            for field in ("resourceClaimName", "resourceClaimTemplateName")
            if claim.get(field) is not None
        ]
        shown = internal(schemas()["core.v1.PodResourceClaim"], claim)
        if len(given) > 1:
            why = (
                "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            )
            errors.invalid(place, shown, why)
        if not given:
            errors.invalid(
                place,
                shown,
                "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`",
            )
        for field in given:
            errors.check_format(f"{place}.{field}", claim[field], dns_subdomain)


def check_used_claims(
    claims: list[Object], names: Collection[str], path: str, errors: FieldErrors
) -> None:
    """Check the claims that a container uses: references to ``names`` claims of the pod, or to requests of them."""
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
        if name not in names:
            errors.not_found(place, name)
            listed = f": {', '.join(sorted(names))}" if names else " which is empty"
            errors[-1]["message"] += (
                f": must be one of the names in pod.spec.resourceClaims{listed}"
            )
