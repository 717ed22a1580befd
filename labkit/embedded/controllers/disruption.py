"""Pod disruption budgets: how many of their pods are healthy, and how many may be evicted.

Source: k8s.io/kubernetes ``pkg/controller/disruption``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.registry import Change, Registry, timestamp
from labkit.embedded.apiserver.registry.strategies.fields.selectors import guards
from labkit.embedded.controllers.conditions import condition, transition_time
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.controllers.controller_ref import controller_of, kind_of
from labkit.embedded.controllers.event_recorder import EventRecorder
from labkit.embedded.controllers.rolling import scaled
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.pods.state import ready_since
from labkit.embedded.machinery.request import Object

BUDGETS = BY_KIND["policy", "PodDisruptionBudget"]
PODS = BY_KIND["", "Pod"]
SCALED = (
    BY_KIND["", "ReplicationController"],
    *(BY_KIND["apps", kind] for kind in ("Deployment", "ReplicaSet", "StatefulSet")),
)
"""The kinds with a number of replicas."""


class Uncountable(Exception):
    """The expected number of pods is unknown."""


class Disruption(BaseController):
    """Maintains the status of budgets."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry)
        self._events = EventRecorder(registry, "controllermanager", BUDGETS)

    def __call__(self, change: Change) -> None:
        """React to budgets, and to pods of theirs."""
        if change.kind is BUDGETS:
            if change.new is not None:
                self._sync(change.new)
        elif change.kind is PODS:
            sides = [side for side in (change.old, change.new) if side is not None]
            for budget in list(self._registry.list(BUDGETS, sides[0]["metadata"]["namespace"])):
                if any(guards(budget, side) for side in sides):
                    self._sync(budget)

    def _sync(self, budget: Object) -> None:
        pods = [pod for pod in self._registry.list(PODS, budget["metadata"]["namespace"]) if guards(budget, pod)]
        if not pods:
            self._events.normal(budget, "NoPods", "No matching pods found")
        try:
            expected, desired = self._expected(budget["spec"], pods)
        except Uncountable as error:
            message = f"Failed to calculate the number of expected pods: {error}"
            self._events.warning(budget, "CalculateExpectedPodCountFailed", message)
            return
        healthy = sum(not pod["metadata"].get("deletionTimestamp") and ready_since(pod) is not None for pod in pods)
        allowed = max(healthy - desired, 0) if expected > 0 else 0
        self._sync_status(budget, healthy, desired, expected, allowed)

    def _sync_status(self, budget: Object, healthy: int, desired: int, expected: int, allowed: int) -> None:
        generation, before = budget["metadata"].get("generation", 1), budget["status"].get("conditions") or ()
        holds = "True" if allowed else "False"
        now = timestamp(self._registry.clock())
        since = transition_time(before, "DisruptionAllowed", holds, now)
        reason = "SufficientPods" if allowed else "InsufficientPods"
        more = {"observedGeneration": generation, "lastTransitionTime": since}
        status: Object = {
            "observedGeneration": generation,
            "disruptionsAllowed": allowed,
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": expected,
            "conditions": [condition("DisruptionAllowed", holds, reason, "", **more)],
        }
        self._write_status(BUDGETS, budget, status)

    def _expected(self, spec: Object, pods: list[Object]) -> tuple[int, int]:
        """The expected and the desired healthy number of pods."""
        least, gone = spec.get("minAvailable"), spec.get("maxUnavailable")
        if gone is not None:
            expected = self._scale(pods)
            return expected, max(expected - scaled(gone, expected, up=True), 0)
        if isinstance(least, str):
            expected = self._scale(pods)
            return expected, scaled(least, expected, up=True)
        return (len(pods), least) if least is not None else (0, 0)

    def _scale(self, pods: list[Object]) -> int:
        """The replicas of the pods' owners together."""
        sizes: dict[str, int] = {}
        for pod in pods:
            reference = controller_of(pod)
            if reference is not None:
                owner = self._owner(pod["metadata"]["namespace"], reference)
                if owner is None:
                    raise Uncountable(f'found no controllers for pod "{pod["metadata"]["name"]}"')
                sizes[owner["metadata"]["uid"]] = owner["spec"].get("replicas", 1)
        return sum(sizes.values())

    def _owner(self, namespace: str, reference: Object) -> Object | None:
        kind = kind_of(self._registry, reference)
        found = self._registry.find(kind, namespace, reference.get("name", "")) if kind is not None else None
        if kind is None or found is None or found["metadata"]["uid"] != reference.get("uid"):
            return None
        if kind not in SCALED:
            raise Uncountable(f"{kind.plural}.{kind.group} does not implement the scale subresource")
        upper = controller_of(found)
        return found if upper is None else self._owner(namespace, upper)
