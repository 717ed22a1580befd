"""Applies a namespace's LimitRanges: defaults for new pods, bounds for pods and claims.

Source: k8s.io/kubernetes ``plugin/pkg/admission/limitranger``;
https://kubernetes.io/docs/concepts/policy/limit-range/.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typing_extensions import override

from labkit.embedded.apiserver.admission.attributes import Attributes, ReadingPlugin
from labkit.embedded.machinery.pods.resources import total
from labkit.embedded.machinery.quota.amounts import NANO, ZERO, Amount, Amounts, read
from labkit.embedded.machinery.request import Object

CONTAINERS = (("containers", "container"), ("initContainers", "init container"))

Resources = dict[str, Any]


class LimitRanger(ReadingPlugin):
    """Sets the defaults of the namespace's LimitRanges, then enforces their bounds."""

    @override
    def admit(self, attributes: Attributes) -> None:
        if _looks_at_pod(attributes) and attributes.obj is not None:
            for limit_range in self._lister("limitranges", attributes.namespace):
                _merge(attributes.obj, limit_range)

    @override
    def validate(self, attributes: Attributes) -> None:
        pod = _looks_at_pod(attributes)
        claim = attributes.concerns("persistentvolumeclaims", "CREATE", "UPDATE") and not _ending(attributes)
        if attributes.obj is None or not (pod or claim):
            return
        for limit_range in self._lister("limitranges", attributes.namespace):
            problems: list[str] = []
            for limit in limit_range["spec"].get("limits") or ():
                if pod:
                    problems += _pod_problems(limit, attributes.obj["spec"])
                elif limit["type"] == "PersistentVolumeClaim":
                    problems += _claim_problems(limit, attributes.obj["spec"])
            problems = list(dict.fromkeys(problems))
            if problems:
                raise attributes.refuse(problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]")


def _looks_at_pod(attributes: Attributes) -> bool:
    """Whether a write sets what containers ask for: a creation or a resize."""
    resized = attributes.concerns("pods", "UPDATE", subresource="resize") and not _ending(attributes)
    return resized or attributes.concerns("pods", "CREATE")


def _ending(attributes: Attributes) -> bool:
    return attributes.old is not None and bool(attributes.old["metadata"].get("deletionTimestamp"))


def _merge(pod: Object, limit_range: Object) -> None:
    """Set the defaults that the pod's containers leave out, and note them in an annotation."""
    defaults: dict[str, Resources] = {"requests": {}, "limits": {}}
    for limit in limit_range["spec"].get("limits") or ():
        if limit["type"] == "Container":
            defaults["requests"].update(limit.get("defaultRequest") or {})
            defaults["limits"].update(limit.get("default") or {})
    notes: list[str] = []
    for field, what in CONTAINERS:
        for container in pod["spec"].get(field) or ():
            resources = {**(container.get("resources") or {})}
            for kind, word in (("requests", "request"), ("limits", "limit")):
                given = resources.get(kind) or {}
                added = {name: value for name, value in defaults[kind].items() if name not in given}
                if added:
                    resources[kind] = {**given, **added}
                    notes.append(f"{', '.join(sorted(added))} {word} for {what} {container['name']}")
            container["resources"] = resources
    if notes:
        metadata = pod["metadata"]
        text = f"LimitRanger plugin set: {'; '.join(notes)}"
        metadata["annotations"] = {**(metadata.get("annotations") or {}), "kubernetes.io/limit-ranger": text}


def _pod_problems(limit: Object, spec: Object) -> Iterator[str]:
    if limit["type"] == "Container":
        for field, _ in CONTAINERS:
            for container in spec.get(field) or ():
                resources = container.get("resources") or {}
                yield from _problems(limit, read(resources.get("requests")), read(resources.get("limits")))
    elif limit["type"] == "Pod":
        yield from _problems(limit, total(spec, "requests"), total(spec, "limits"))


def _claim_problems(limit: Object, spec: Object) -> Iterator[str]:
    """Check a claim's requests; its limits do not count."""
    requests = read((spec.get("resources") or {}).get("requests"))
    for name, bound in sorted(read(limit.get("min")).items()):
        yield from _minimum("PersistentVolumeClaim", name, bound, requests, {})
    for name, bound in sorted(read(limit.get("max")).items()):
        start = f"maximum {name} usage per PersistentVolumeClaim is {bound}"
        if name not in requests:
            yield f"{start}.  No request is specified"
        elif requests[name].value > bound.value:
            yield f"{start}, but request is {requests[name]}"


def _problems(limit: Object, requests: Amounts, limits: Amounts) -> Iterator[str]:
    kind = limit["type"]
    for name, bound in sorted(read(limit.get("min")).items()):
        yield from _minimum(kind, name, bound, requests, limits)
    for name, bound in sorted(read(limit.get("max")).items()):
        start = f"maximum {name} usage per {kind} is {bound}"
        if name not in limits:
            yield f"{start}.  No limit is specified"
        elif limits[name].value > bound.value:
            yield f"{start}, but limit is {limits[name]}"
        elif name in requests and requests[name].value > bound.value:
            yield f"{start}, but request is {requests[name]}"
    for name, bound in sorted(read(limit.get("maxLimitRequestRatio")).items()):
        start = f"{name} max limit to request ratio per {kind} is {bound}, but"
        request, most = requests.get(name, ZERO).value, limits.get(name, ZERO).value
        if request == 0:
            yield f"{start} no request is specified or request is 0"
        elif most == 0:
            yield f"{start} no limit is specified or limit is 0"
        elif most * NANO > bound.value * request:
            yield f"{start} provided ratio is {most / request:f}"


def _minimum(kind: str, name: str, bound: Amount, requests: Amounts, limits: Amounts) -> Iterator[str]:
    start = f"minimum {name} usage per {kind} is {bound}"
    if name not in requests:
        yield f"{start}.  No request is specified"
    elif requests[name].value < bound.value:
        yield f"{start}, but request is {requests[name]}"
    elif name in limits and limits[name].value < bound.value:
        yield f"{start}, but limit is {limits[name]}"
