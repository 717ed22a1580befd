"""Evaluators, which measure what an object uses of a quota and which scopes it falls into.

Source: k8s.io/kubernetes ``pkg/quota/v1/evaluator/core``; k8s.io/apiserver ``pkg/quota/v1/generic``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from typing_extensions import override

from labkit.embedded.machinery.pods.resources import (
    FINISHED,
    crosses_namespaces,
    has_pod_level,
    pod_limits,
    pod_requests,
    terminating,
)
from labkit.embedded.machinery.pods.state import parse_time
from labkit.embedded.machinery.quota.amounts import NANO, ONE, ZERO, Amount, Amounts, read, read_one
from labkit.embedded.machinery.quota.names import HUGE_PAGES, REQUESTS, extended, huge_pages, native
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.steady_clock import Clock

ALIASES = ("configmaps", "replicationcontrollers", "resourcequotas", "secrets")
"""Kinds that are also counted by their plain name."""
STORAGE_CLASS = ".storageclass.storage.k8s.io/"
CLASS_NOTE = "volume.beta.kubernetes.io/storage-class"
CLAIM_RESOURCES = ("persistentvolumeclaims", "requests.storage")
COMPUTE = ("cpu", "memory", "ephemeral-storage")
POD_RESOURCES = frozenset(
    ("count/pods", "pods", *COMPUTE, *(f"{kind}.{name}" for kind in ("requests", "limits") for name in COMPUTE))
)
MUST_SAY = frozenset(("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"))
"""Where a quota bounds one of these, every container must name an amount."""


class Evaluator:
    """Measures the objects of a resource (plural with group) by their number."""

    changes = False
    """Whether the usage of an object may change with an update."""

    def __init__(self, resource: str) -> None:
        self.resource = resource
        self.names = (f"count/{resource}", *((resource,) if resource in ALIASES else ()))

    def handles(self, operation: str, subresource: str, new: Object, old: Object | None) -> bool:
        """Whether a write may change the usage."""
        return not subresource and (operation == "CREATE" or self.changes)

    def matching(self, names: Iterable[str]) -> list[str]:
        """The names that this kind uses."""
        return [name for name in names if name in self.names]

    def problem(self, names: Iterable[str], obj: Object) -> str:
        """Which required amounts an object does not name; empty for none."""
        return ""

    def usage(self, obj: Object) -> Amounts:
        """The resources that an object uses."""
        return dict.fromkeys(self.names, ONE)

    def in_scope(self, requirement: Object, obj: Object) -> bool:
        """Whether an object falls into a scope."""
        return False

    def covers(self, quota: Object, obj: Object) -> bool:
        """Whether a quota covers an object."""
        if not self.matching((quota.get("status") or {}).get("hard") or ()):
            return False
        return self.scoped(quota["spec"], obj)

    def scoped(self, spec: Object, obj: Object) -> bool:
        """Whether an object falls into all the scopes of a quota."""
        return all(self.in_scope(requirement, obj) for requirement in scopes(spec))


def scopes(spec: Object) -> Iterator[Object]:
    """The scopes of a quota, from both of its fields."""
    for scope in spec.get("scopes") or ():
        yield {"scopeName": scope, "operator": "Exists"}
    yield from (spec.get("scopeSelector") or {}).get("matchExpressions") or ()


def selected(requirement: Object, name: str) -> bool:
    """Whether a scope selector matches a class, perhaps the empty one."""
    operator, values = requirement.get("operator"), requirement.get("values") or ()
    if operator == "Exists":
        return bool(name)
    if operator == "DoesNotExist":
        return not name
    chosen = bool(name) and name in values
    return chosen if operator == "In" else not chosen


class ServiceEvaluator(Evaluator):
    """Measures services, their node ports and load balancers."""

    changes = True

    def __init__(self) -> None:
        super().__init__("services")
        self.names = ("count/services", "services", "services.nodeports", "services.loadbalancers")

    @override
    def usage(self, obj: Object) -> Amounts:
        spec = obj.get("spec") or {}
        ports = spec.get("ports") or ()
        kind = spec.get("type")
        used = dict.fromkeys(self.names[:2], ONE)
        node_ports = len(ports) if kind in ("NodePort", "LoadBalancer") else 0
        if kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is False:
            node_ports = sum(1 for port in ports if port.get("nodePort"))
        used["services.nodeports"] = Amount(node_ports * NANO)
        used["services.loadbalancers"] = ONE if kind == "LoadBalancer" else ZERO
        return used


class ClaimEvaluator(Evaluator):
    """Measures claims and their storage, in total and by storage class."""

    changes = True

    def __init__(self) -> None:
        super().__init__("persistentvolumeclaims")

    @override
    def matching(self, names: Iterable[str]) -> list[str]:
        by_class = tuple(STORAGE_CLASS + name for name in CLAIM_RESOURCES)
        return [
            name
            for name in names
            if name == "count/persistentvolumeclaims" or name in CLAIM_RESOURCES or name.endswith(by_class)
        ]

    @override
    def usage(self, obj: Object) -> Amounts:
        used = {"count/persistentvolumeclaims": ONE, "persistentvolumeclaims": ONE}
        spec = obj.get("spec") or {}
        asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
        if asked is not None:
            storage = _whole(read_one(asked))
            given = ((obj.get("status") or {}).get("allocatedResources") or {}).get("storage")
            if given is not None and read_one(given).value > storage.value:
                storage = _whole(read_one(given))
            used["requests.storage"] = storage
        notes = obj["metadata"].get("annotations") or {}
        chosen = notes[CLASS_NOTE] if CLASS_NOTE in notes else spec.get("storageClassName")
        if chosen:
            used |= {f"{chosen}{STORAGE_CLASS}{name}": used[name] for name in CLAIM_RESOURCES if name in used}
        return used

    @override
    def in_scope(self, requirement: Object, obj: Object) -> bool:
        if requirement.get("scopeName") != "VolumeAttributesClass":
            return False
        status = obj.get("status") or {}
        classes = {
            (obj.get("spec") or {}).get("volumeAttributesClassName"),
            status.get("currentVolumeAttributesClassName"),
            (status.get("modifyVolumeStatus") or {}).get("targetVolumeAttributesClassName"),
        } - {None, ""}
        return any(selected(requirement, str(name)) for name in classes or {""})


def _whole(amount: Amount) -> Amount:
    """Whole bytes, rounded up."""
    return Amount(-(-amount.value // NANO) * NANO, amount.form)


class PodEvaluator(Evaluator):
    """Measures pods and their requests and limits.

    With ``old_words`` it leaves out which containers name no amount, as servers did up to 1.22.
    """

    def __init__(self, clock: Clock, old_words: bool = False) -> None:
        super().__init__("pods")
        self._clock = clock
        self._old_words = old_words

    @override
    def handles(self, operation: str, subresource: str, new: Object, old: Object | None) -> bool:
        if operation == "CREATE":
            return not subresource
        if subresource == "resize":
            return True
        return not subresource and old is not None and terminating(old["spec"]) != terminating(new["spec"])

    @override
    def matching(self, names: Iterable[str]) -> list[str]:
        return [
            name
            for name in names
            if name in POD_RESOURCES or huge_pages(name) or (name.startswith(REQUESTS) and not native(name))
        ]

    @override
    def problem(self, names: Iterable[str], obj: Object) -> str:
        wanted = MUST_SAY.intersection(names)
        spec = obj["spec"]
        if not wanted or has_pod_level(spec):
            return ""
        missing: dict[str, set[str]] = {}
        for field in ("containers", "initContainers"):
            for container in spec.get(field) or ():
                resources = container.get("resources") or {}
                said = compute(read(resources.get("requests")), read(resources.get("limits")))
                for name in wanted - said.keys():
                    missing.setdefault(name, set()).add(container.get("name", ""))
        if not missing:
            return ""
        if self._old_words:
            return f"must specify {','.join(sorted(missing))}"
        return "must specify " + "; ".join(f"{name} for: {','.join(sorted(missing[name]))}" for name in sorted(missing))

    @override
    def usage(self, obj: Object) -> Amounts:
        used = {"count/pods": ONE}
        if not self._ended(obj):
            used |= compute(pod_requests(obj["spec"]), pod_limits(obj["spec"]))
        return used

    def _ended(self, pod: Object) -> bool:
        if (pod.get("status") or {}).get("phase") in FINISHED:
            return True
        metadata = pod["metadata"]
        date, grace = metadata.get("deletionTimestamp"), metadata.get("deletionGracePeriodSeconds")
        if not date or grace is None:
            return False
        return self._clock() > parse_time(date) + float(grace)

    @override
    def in_scope(self, requirement: Object, obj: Object) -> bool:
        spec: Object = obj["spec"]
        scope: str = requirement.get("scopeName", "")
        if scope in ("Terminating", "NotTerminating"):
            return terminating(spec) == (scope == "Terminating")
        if scope in ("BestEffort", "NotBestEffort"):
            quality = (obj.get("status") or {}).get("qosClass", "BestEffort")
            return bool((quality == "BestEffort") == (scope == "BestEffort"))
        if scope == "PriorityClass":
            return selected(requirement, spec.get("priorityClassName") or "")
        return scope == "CrossNamespacePodAffinity" and crosses_namespaces(spec)


def compute(requests: Amounts, limits: Amounts) -> Amounts:
    """The usage of requests and limits, by the names in quotas."""
    used = {"pods": ONE}
    for name in COMPUTE:
        if name in requests:
            used[name] = used[REQUESTS + name] = requests[name]
        if name in limits:
            used[f"limits.{name}"] = limits[name]
    for name, amount in requests.items():
        if name.startswith(HUGE_PAGES):
            used[name] = used[REQUESTS + name] = amount
        elif extended(name):
            used[REQUESTS + name] = amount
    return used


class Evaluators:
    """The evaluators of all counted resources (plural with group); ``more`` returns those of custom kinds."""

    def __init__(
        self,
        resources: frozenset[str],
        clock: Clock,
        *,
        old_words: bool = False,
        more: Callable[[], set[str]] = set,
    ) -> None:
        self._resources = resources
        self._more = more
        self._special: dict[str, Evaluator] = {
            "pods": PodEvaluator(clock, old_words),
            "services": ServiceEvaluator(),
            "persistentvolumeclaims": ClaimEvaluator(),
        }

    def of(self, resource: str) -> Evaluator | None:
        """The evaluator of a kind, None if it is not counted."""
        special = self._special.get(resource)
        if special is not None:
            return special
        return Evaluator(resource) if resource in self._resources or resource in self._more() else None

    def for_names(self, names: Iterable[str]) -> Iterator[tuple[Evaluator, list[str]]]:
        """The evaluators that a quota's names need, each with its names."""
        wanted = list(names)
        counted = {name.removeprefix("count/") for name in wanted}
        for resource in sorted(self._resources | (counted & self._more())):
            if resource in self._special or resource in counted:
                evaluator = self.of(resource)
                assert evaluator is not None
                mine = evaluator.matching(wanted)
                if mine:
                    yield evaluator, mine
