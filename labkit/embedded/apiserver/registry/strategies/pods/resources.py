"""What a pod as a whole asks for, beside its containers.

Source: k8s.io/kubernetes ``pkg/apis/core/validation/validation.go`` (``validatePodResources``),
``pkg/apis/core/v1/defaults.go`` (``defaultPodRequests``);
https://kubernetes.io/docs/tasks/configure-pod-container/assign-pod-level-resources/.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.errors import FieldErrors
from labkit.embedded.apiserver.registry.strategies.pods.container_resources import check_resources
from labkit.embedded.machinery.pods.resources import pod_level, together
from labkit.embedded.machinery.quota.amounts import read
from labkit.embedded.machinery.quota.names import HUGE_PAGES
from labkit.embedded.machinery.request import Object


def default_pod_resources(spec: Object) -> None:
    """Limits of huge pages, and requests, that the author of a pod with limits of its own left out.

    Args:
        spec: A decoded PodSpec, changed in place.
    """
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
    """The resources of a pod: enough for its containers, and nothing that only these can have."""
    resources, place = spec.get("resources"), f"{path}.resources"
    if resources is None:
        return
    if (spec.get("os") or {}).get("name") == "windows":
        errors.forbidden(place, "may not be set for a windows pod")
        return
    if resources.get("claims") is not None:
        errors.forbidden(f"{place}.claims", "claims may not be set for Resources at pod-level")
    check_resources(resources, place, errors, pod=True)
    requests, limits = read(resources.get("requests")), read(resources.get("limits"))
    for name, asked in together(spec, "requests").items():
        if name in requests and asked.value > requests[name].value:
            why = f"must be greater than or equal to aggregate container requests of {asked}"
            errors.invalid(f"{place}.requests[{name}]", str(requests[name]), why)
    for name, asked in together(spec, "limits").items():
        if name.startswith(HUGE_PAGES) and name in limits and asked.value > limits[name].value:
            why = f"must be greater than or equal to aggregate container limits of {asked}"
            errors.invalid(f"{place}.limits[{name}]", str(limits[name]), why)
    for index, container in enumerate(spec.get("containers") or ()):
        for name, asked in read((container.get("resources") or {}).get("limits")).items():
            if name in limits and asked.value > limits[name].value:
                why = f"must be less than or equal to pod limits of {limits[name]}"
                errors.invalid(f"{place}.containers[{index}][{name}].limits", str(asked), why)
