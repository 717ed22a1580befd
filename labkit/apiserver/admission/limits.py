"""What a namespace's LimitRanges add to pods and claims, and what they refuse.

Source: k8s.io/kubernetes ``plugin/pkg/admission/limitranger``;
https://kubernetes.io/docs/concepts/policy/limit-range/.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit.apiserver.admission.attributes import Attributes, Lister, Ordinary
from labkit.apiserver.request import Object
from labkit.apiserver.schema.values import amount, canonical_quantity

ANNOTATION = "kubernetes.io/limit-ranger"
CONTAINERS = (("containers", "container"), ("initContainers", "init container"))
NANO = 1_000_000_000

Resources = dict[str, Any]


class LimitRanger(Ordinary):
    """Fills in the defaults of the namespace's limit ranges, then holds objects to them.

    Args:
        lister: Lists limit ranges.
    """

    def __init__(self, lister: Lister) -> None:
        self._lister = lister

    def admit(self, attributes: Attributes) -> None:
        """See ``Plugin``."""
        if _looks_at_pod(attributes) and attributes.obj is not None:
            for limit_range in self._lister("limitranges", attributes.namespace):
                _merge(attributes.obj, limit_range)

    def validate(self, attributes: Attributes) -> None:
        """See ``Plugin``."""
        pod, claim = _looks_at_pod(attributes), _looks_at_claim(attributes)
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
    return (
        attributes.resource == "pods"
        and not attributes.group
        and not attributes.subresource
        and attributes.operation == "CREATE"
    )


def _looks_at_claim(attributes: Attributes) -> bool:
    return (
        attributes.resource == "persistentvolumeclaims"
        and not attributes.group
        and not attributes.subresource
        and attributes.operation in ("CREATE", "UPDATE")
    )


def _merge(pod: Object, limit_range: Object) -> None:
    """Fill in what the pod's containers leave out, and write down what was filled in."""
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
        metadata["annotations"] = {**(metadata.get("annotations") or {}), ANNOTATION: text}


def _pod_problems(limit: Object, spec: Object) -> Iterator[str]:
    if limit["type"] == "Container":
        for field, _ in CONTAINERS:
            for container in spec.get(field) or ():
                resources = container.get("resources") or {}
                yield from _problems(limit, resources.get("requests") or {}, resources.get("limits") or {})
    elif limit["type"] == "Pod":
        yield from _problems(limit, _total(spec, "requests"), _total(spec, "limits"))


def _claim_problems(limit: Object, spec: Object) -> Iterator[str]:
    """A claim is measured by what it asks for; limits do not count."""
    requests = (spec.get("resources") or {}).get("requests") or {}
    for name, value in sorted((limit.get("min") or {}).items()):
        yield from _minimum("PersistentVolumeClaim", name, value, requests, {})
    for name, value in sorted((limit.get("max") or {}).items()):
        start = f"maximum {name} usage per PersistentVolumeClaim is {value}"
        if name not in requests:
            yield f"{start}.  No request is specified"
        elif amount(requests[name]) > amount(value):
            yield f"{start}, but request is {requests[name]}"


def _problems(limit: Object, requests: Resources, limits: Resources) -> Iterator[str]:
    kind = limit["type"]
    for name, value in sorted((limit.get("min") or {}).items()):
        yield from _minimum(kind, name, value, requests, limits)
    for name, value in sorted((limit.get("max") or {}).items()):
        start = f"maximum {name} usage per {kind} is {value}"
        if name not in limits:
            yield f"{start}.  No limit is specified"
        elif amount(limits[name]) > amount(value):
            yield f"{start}, but limit is {limits[name]}"
        elif name in requests and amount(requests[name]) > amount(value):
            yield f"{start}, but request is {requests[name]}"
    for name, value in sorted((limit.get("maxLimitRequestRatio") or {}).items()):
        start = f"{name} max limit to request ratio per {kind} is {value}, but"
        request, most = amount(requests.get(name, 0)), amount(limits.get(name, 0))
        if request == 0:
            yield f"{start} no request is specified or request is 0"
        elif most == 0:
            yield f"{start} no limit is specified or limit is 0"
        elif most * NANO > amount(value) * request:
            yield f"{start} provided ratio is {most / request:f}"


def _minimum(kind: str, name: str, value: str, requests: Resources, limits: Resources) -> Iterator[str]:
    start = f"minimum {name} usage per {kind} is {value}"
    if name not in requests:
        yield f"{start}.  No request is specified"
    elif amount(requests[name]) < amount(value):
        yield f"{start}, but request is {requests[name]}"
    elif name in limits and amount(limits[name]) < amount(value):
        yield f"{start}, but limit is {limits[name]}"


def _total(spec: Object, kind: str) -> Resources:
    """What a pod's containers ask for together; an init container counts alone, if it asks for more."""
    totals: dict[str, int] = {}
    shown: dict[str, list[Any]] = {}
    for container in spec.get("containers") or ():
        for name, value in ((container.get("resources") or {}).get(kind) or {}).items():
            totals[name] = totals.get(name, 0) + amount(value)
            shown.setdefault(name, []).append(value)
    for container in spec.get("initContainers") or ():
        for name, value in ((container.get("resources") or {}).get(kind) or {}).items():
            if amount(value) > totals.get(name, -1):
                totals[name], shown[name] = amount(value), [value]
    return {name: shown[name][0] if len(shown[name]) == 1 else _shown(total) for name, total in totals.items()}


def _shown(total: int) -> str:
    if total % (1024 * NANO) == 0:
        return canonical_quantity(f"{total // (1024 * NANO)}Ki")
    return canonical_quantity(f"{total // 1_000_000}m")
