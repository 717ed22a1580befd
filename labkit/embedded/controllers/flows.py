"""Whether the priority level of a flow schema exists, said in its status.

Source: k8s.io/apiserver ``pkg/util/flowcontrol/apf_controller.go``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.registry.managed.apply import apply
from labkit.embedded.apiserver.registry.managed.manager import set_managed
from labkit.embedded.apiserver.registry.registry import Change, Registry, timestamp
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.request import Object

GROUP = "flowcontrol.apiserver.k8s.io"
SCHEMAS, LEVELS = BY_KIND[GROUP, "FlowSchema"], BY_KIND[GROUP, "PriorityLevelConfiguration"]
CONSUMER = "api-priority-and-fairness-config-consumer-v1"


class FlowSchemas:
    """Keeps the condition ``Dangling`` of flow schemas.

    Args:
        registry: Where objects are.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def __call__(self, change: Change) -> None:
        """React to flow schemas and priority levels."""
        if change.kind is SCHEMAS and change.new is not None:
            self._tell(change.new)
        elif change.kind is LEVELS and (change.old is None or change.new is None):
            for one in list(self._registry.list(SCHEMAS)):
                self._tell(one)

    def _tell(self, one: Object) -> None:
        level = (one["spec"].get("priorityLevelConfiguration") or {}).get("name", "")
        condition = dangling(level, self._registry.find(LEVELS, "", level) is not None)
        now = timestamp(self._registry.clock())
        for before in (one.get("status") or {}).get("conditions") or ():
            if before.get("type") == "Dangling":
                if {**before, "lastTransitionTime": None} == {**condition, "lastTransitionTime": None}:
                    return
                if before.get("status") == condition["status"]:
                    now = before.get("lastTransitionTime") or now
        config = {
            "apiVersion": SCHEMAS.group_version,
            "kind": SCHEMAS.kind,
            "metadata": {"name": one["metadata"]["name"]},
            "status": {"conditions": [{**condition, "lastTransitionTime": now}]},
        }
        struct = self._registry.struct(SCHEMAS)
        merged, managed = apply(
            struct, one, config, CONSUMER, SCHEMAS.group_version, "status", True, timestamp(self._registry.clock())
        )
        if merged is not None:
            new = self._registry.complete(SCHEMAS, merged)
            set_managed(new, managed)
            self._registry.write(SCHEMAS, self._registry.ordered(SCHEMAS, new))


def dangling(level: str, there: bool) -> Object:
    """What is said of a flow schema whose priority level is there, or is not."""
    about = f'This FlowSchema references the PriorityLevelConfiguration object named "{level}"'
    return {
        "type": "Dangling",
        "status": "False" if there else "True",
        "reason": "Found" if there else "NotFound",
        "message": f"{about} and it exists" if there else f"{about} but there is no such object",
    }
