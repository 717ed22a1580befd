"""Resources of containers and of pods as a whole: defaults and validation.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``ValidateResourceRequirements``,
``validatePodResources``), ``pkg/apis/core/v1/defaults.go`` (``defaultPodRequests``);
https://kubernetes.io/docs/tasks/configure-pod-container/assign-pod-level-resources/.
"""

from __future__ import annotations

from collections.abc import Collection

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.names import qualified_name
from labkit.embedded.apiserver.registry.strategies.fields.numbers import check_amount
from labkit.embedded.apiserver.registry.strategies.pods.resource_claims import check_used_claims
from labkit.embedded.machinery.pods.resources import pod_level, together
from labkit.embedded.machinery.quota.amounts import Amount, read, read_one
from labkit.embedded.machinery.quota.names import (
    HUGE_PAGES,
    extended,
    native,
    standard,
    standard_in_container,
)
from labkit.embedded.machinery.request import Object

COMPUTE = ("cpu", "memory")


def default_pod_resources(spec: Object) -> None:
    """Set the defaults of a pod with resources of its own, in place."""
    resources = spec.get("resources")
    if not resources:
        return
    limits, requests = dict(resources.get("limits") or {}), dict(resources.get("requests") or {})
    if limits or requests:
        for name, amount in together(spec, "limits").items():
            if name.startswith(HUGE_PAGES) and name not in requests:
                limits.setdefault(name, str(amount))
    if limits:
        resources["limits"] = dict(sorted(limits.items()))
        for name, amount in together(spec, "requests").items():
            if pod_level(name) and not name.startswith(HUGE_PAGES):
                requests.setdefault(name, str(amount))
        for name, value in limits.items():
            if pod_level(name):
                requests.setdefault(name, value)
        if requests:
            resources["requests"] = dict(sorted(requests.items()))


def check_pod_resources(spec: Object, path: str, errors: FieldErrors) -> None:
    """Check the resources of a pod as a whole."""
    resources, place = spec.get("resources"), f"{path}.resources"
    if resources is None:
        return
    check_resources(resources, place, errors, pod=True)
    requests, limits = read(resources.get("requests")), read(resources.get("limits"))
    for form, own in (("requests", requests), ("limits", limits)):
        for name, asked in together(spec, form).items():
            bounded = name in own and (form == "requests" or name.startswith(HUGE_PAGES))
            if bounded and asked.value > own[name].value:
                why = f"must be greater than or equal to aggregate container {form} of {asked}"
                errors.invalid(f"{place}.{form}[{name}]", str(own[name]), why)
    for index, container in enumerate(spec.get("containers") or ()):
        for name, asked in read((container.get("resources") or {}).get("limits")).items():
            if name in limits and asked.value > limits[name].value:
                why = f"must be less than or equal to pod limits of {limits[name]}"
                errors.invalid(f"{place}.containers[{index}][{name}].limits", str(asked), why)


def check_resources(
    resources: Object,
    path: str,
    errors: FieldErrors,
    *,
    claims: Collection[str] = (),
    pod: bool = False,
) -> None:
    """Check requests and limits of a container, or of a ``pod``. ``claims`` are the names of the pod's claims."""
    limits, requests = read(resources.get("limits")), read(resources.get("requests"))
    for name, amount in limits.items():
        _check_amount(name, amount, f"{path}.limits[{name}]", pod, errors)
        _check_pages(name, amount, f"{path}.limits[{name}]", errors)
    for name, amount in requests.items():
        _check_amount(name, amount, f"{path}.requests[{name}]", pod, errors)
        fixed = not native(name) or name.startswith(HUGE_PAGES)
        if name not in limits:
            if fixed:
                errors.required(
                    f"{path}.limits", "Limit must be set for non overcommitable resources"
                )
        elif fixed and amount.value != limits[name].value:
            errors.invalid(
                f"{path}.requests", str(amount), f"must be equal to {name} limit of {limits[name]}"
            )
        elif amount.value > limits[name].value:
            why = f"must be less than or equal to {name} limit of {limits[name]}"
            errors.invalid(f"{path}.requests", str(amount), why)
        _check_pages(name, amount, f"{path}.requests[{name}]", errors)
    asked = limits.keys() | requests.keys()
    if any(name.startswith(HUGE_PAGES) for name in asked) and not asked & set(COMPUTE):
        errors.forbidden(path, "HugePages require cpu or memory")
    check_used_claims(resources.get("claims") or [], claims, f"{path}.claims", errors)


def check_standard_name(name: str, path: str, errors: FieldErrors) -> bool:
    """Require a standard or a qualified resource name, and return whether it is one."""
    good = errors.check_format(path, name, qualified_name)
    if good and "/" not in name and not standard(name):
        errors.invalid(path, name, "must be a standard resource type or fully qualified")
        return False
    return good


def check_resource_name(name: str, path: str, errors: FieldErrors, *, pod: bool = False) -> None:
    """Check the name of a resource of containers, or of pods as a whole."""
    known = check_standard_name(name, path, errors)
    if pod:
        if known and not pod_level(name):
            errors.not_supported(path, name, ["cpu", HUGE_PAGES, "memory"])
    elif "/" not in name:
        if not standard_in_container(name):
            errors.invalid(path, name, "must be a standard resource for containers")
    elif not native(name) and not extended(name):
        errors.invalid(path, name, "doesn't follow extended resource name standard")


def _check_amount(name: str, amount: Amount, path: str, pod: bool, errors: FieldErrors) -> None:
    check_resource_name(name, path, errors, pod=pod)
    check_amount(name, amount, path, errors)


def _check_pages(name: str, amount: Amount, path: str, errors: FieldErrors) -> None:
    if name.startswith(HUGE_PAGES):
        size = read_one(name.removeprefix(HUGE_PAGES)).value
        if not size or amount.value % size:
            errors.invalid(
                path, str(amount), f"{amount} is not positive integer multiple of {name}"
            )
