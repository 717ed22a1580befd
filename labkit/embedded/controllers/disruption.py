"""Pod disruption budgets: how many of their pods are healthy, and how many may be evicted.

The pods that there are count as expected, whatever the number of replicas of their owners.

Source: k8s.io/kubernetes ``pkg/controller/disruption``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.registry import Change, Registry, timestamp
from labkit.embedded.apiserver.registry.strategies.fields.selectors import guards
from labkit.embedded.controllers.conditions import condition, transition_time
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.controllers.event_recorder import EventRecorder
from labkit.embedded.controllers.rolling import scaled
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.pods.state import ready_since
from labkit.embedded.machinery.request import Object

BUDGETS = BY_KIND["policy", "PodDisruptionBudget"]
PODS = BY_KIND["", "Pod"]


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
        expected = len(pods)
        desired = desired_healthy(budget["spec"], expected)
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


def desired_healthy(spec: Object, expected: int) -> int:
    """How many of the expected pods a budget wants healthy."""
    least, gone = spec.get("minAvailable"), spec.get("maxUnavailable")
    if gone is not None:
        return max(expected - scaled(gone, expected, up=True), 0)
    return scaled(least, expected, up=True) if least is not None else 0
