"""Admission of pods: their tolerations, priority and runtime class.

Source: k8s.io/kubernetes ``plugin/pkg/admission/{defaulttolerationseconds,priority,runtimeclass}``.
"""

from typing_extensions import override

from ...machinery.golang.quote import go_quote
from ...machinery.path_segments import unaskable
from ...machinery.request import Object
from ...machinery.status import ApiError
from .attributes import Attributes, Plugin, ReadingPlugin

TOLERATION_SECONDS = 300
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
PRIORITY_CLASSES = "priorityclasses.scheduling.k8s.io"


class DefaultTolerations(Plugin):
    """Lets a pod stay five minutes on a node that is not ready or not reachable."""

    @override
    def admit(self, attributes: Attributes) -> None:
        if attributes.obj is None or not attributes.concerns("pods", "CREATE", "UPDATE"):
            return
        spec = attributes.obj["spec"]
        tolerations = spec.get("tolerations") or []
        added = [
            {
                "key": key,
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": TOLERATION_SECONDS,
            }
            for key in (NOT_READY, UNREACHABLE)
            if not any(_tolerates(toleration, key) for toleration in tolerations)
        ]
        if added:
            spec["tolerations"] = [*tolerations, *added]


def _tolerates(toleration: Object, key: str) -> bool:
    return toleration.get("key", "") in (key, "") and toleration.get("effect", "") in (
        "NoExecute",
        "",
    )


class Priority(ReadingPlugin):
    """Resolves a pod's priority from its class."""

    @override
    def admit(self, attributes: Attributes) -> None:
        if attributes.obj is None or not attributes.concerns("pods", "CREATE", "UPDATE"):
            return
        spec = attributes.obj["spec"]
        # A client that does not know these fields leaves them out; they were resolved at creation.
        if attributes.operation == "UPDATE":
            assert attributes.old is not None
            old = attributes.old["spec"]
            for field in ("priority", "preemptionPolicy"):
                if spec.get(field) is None and old.get(field) is not None:
                    spec[field] = old[field]
            return
        name = spec.get("priorityClassName", "")
        chosen = self._chosen(attributes, name)
        value = chosen.get("value", 0) if chosen is not None else 0
        policy = (chosen or {}).get("preemptionPolicy", "PreemptLowerPriority")
        if chosen is not None and not name:
            spec["priorityClassName"] = chosen["metadata"]["name"]
        if spec.get("priority") is not None and spec["priority"] != value:
            raise attributes.refuse(
                f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; priority "
                f"admission controller computed {value} from the given PriorityClass name"
            )
        if spec.get("preemptionPolicy") is not None and spec["preemptionPolicy"] != policy:
            raise attributes.refuse(
                f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be provided in pod "
                f"spec; priority admission controller computed {policy} from the given PriorityClass name"
            )
        spec["priority"] = value
        spec["preemptionPolicy"] = policy

    def _chosen(self, attributes: Attributes, name: str) -> Object | None:
        if name:
            priority_class = self._lookup(PRIORITY_CLASSES, "", name)
            if priority_class is None:
                raise attributes.refuse(f"no PriorityClass with name {name} was found")
            return priority_class
        defaults = [
            item for item in self._lister(PRIORITY_CLASSES, "") if item.get("globalDefault")
        ]
        # Two requests at once can make two default classes; the real server takes the lowest of them.
        return min(defaults, key=lambda item: item.get("value", 0)) if defaults else None


class RuntimeClass(ReadingPlugin):
    """Refuses pods whose runtime class is missing. Overhead and scheduling of classes are not simulated."""

    @override
    def admit(self, attributes: Attributes) -> None:
        if attributes.obj is None or not attributes.concerns("pods", "CREATE"):
            return
        name = attributes.obj["spec"].get("runtimeClassName")
        if name is None or self._lookup("runtimeclasses.node.k8s.io", "", name) is not None:
            return
        # The real plugin reads the class through the API, and fails before it sends a request with such a name.
        problem = unaskable(name)
        if problem:
            raise ApiError(500, "", problem)
        raise attributes.refuse(f"pod rejected: RuntimeClass {go_quote(name)} not found")

    @override
    def validate(self, attributes: Attributes) -> None:
        if attributes.obj is None or not attributes.concerns("pods", "CREATE"):
            return
        if attributes.obj["spec"].get("overhead") is not None:
            reason = (
                "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
            )
            raise attributes.refuse(reason)
