"""The condition of flow schemas that says whether their priority level exists.

Source: k8s.io/apiserver ``pkg/util/flowcontrol/apf_controller.go``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.registry import Change, timestamp
from labkit.embedded.controllers.conditions import apply_condition, condition, transition_time
from labkit.embedded.controllers.controller import BaseController
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.request import Object

GROUP = "flowcontrol.apiserver.k8s.io"
SCHEMAS, LEVELS = BY_KIND[GROUP, "FlowSchema"], BY_KIND[GROUP, "PriorityLevelConfiguration"]
CONSUMER = "api-priority-and-fairness-config-consumer-v1"


class FlowSchemas(BaseController):
    """Maintains the condition ``Dangling`` of flow schemas."""

    def __call__(self, change: Change) -> None:
        """React to flow schemas and priority levels."""
        if change.kind is SCHEMAS and change.new is not None:
            self._sync(change.new)
        elif change.kind is LEVELS and (change.old is None or change.new is None):
            for schema in list(self._registry.list(SCHEMAS)):
                self._sync(schema)

    def _sync(self, schema: Object) -> None:
        level = (schema["spec"].get("priorityLevelConfiguration") or {}).get("name", "")
        there = self._registry.find(LEVELS, "", level) is not None
        before = (schema.get("status") or {}).get("conditions") or ()
        status = "False" if there else "True"
        new = dangling(level, there, transition_time(before, "Dangling", status, timestamp(self._registry.clock())))
        if new not in before:
            apply_condition(self._registry, SCHEMAS, schema, CONSUMER, new)


def dangling(level: str, there: bool, since: str) -> Object:
    """The condition ``Dangling`` of a flow schema since a time, RFC 3339: false if its priority level is there."""
    about = f'This FlowSchema references the PriorityLevelConfiguration object named "{level}"'
    if there:
        return condition("Dangling", "False", "Found", f"{about} and it exists", lastTransitionTime=since)
    return condition("Dangling", "True", "NotFound", f"{about} but there is no such object", lastTransitionTime=since)
