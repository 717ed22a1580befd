"""What admission adds to pods: tolerations, priority, and what their runtime class needs.

Source: k8s.io/kubernetes ``plugin/pkg/admission/{defaulttolerationseconds,priority,runtimeclass}``.
"""

from __future__ import annotations

from typing_extensions import override

from labkit.embedded.apiserver.admission.attributes import Attributes, Plugin, ReadingPlugin
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.machinery.path_segments import unaskable
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.status import ApiError

TOLERATION_SECONDS = 300
NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
MISMATCH = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
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
            {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATION_SECONDS}
            for key in (NOT_READY, UNREACHABLE)
            if not any(_tolerates(toleration, key) for toleration in tolerations)
        ]
        if added:
            spec["tolerations"] = [*tolerations, *added]


def _tolerates(toleration: Object, key: str) -> bool:
    return toleration.get("key", "") in (key, "") and toleration.get("effect", "") in ("NoExecute", "")


class Priority(ReadingPlugin):
    """Resolves a pod's priority from its class."""

    @override
    def admit(self, attributes: Attributes) -> None:
        if attributes.obj is None or not attributes.concerns("pods", "CREATE", "UPDATE"):
            return
        spec = attributes.obj["spec"]
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
            found = self._lookup(PRIORITY_CLASSES, "", name)
            if found is None:
                raise attributes.refuse(f"no PriorityClass with name {name} was found")
            return found
        defaults = [item for item in self._lister(PRIORITY_CLASSES, "") if item.get("globalDefault")]
        return min(defaults, key=lambda item: item.get("value", 0)) if defaults else None


class RuntimeClass(ReadingPlugin):
    """Adds a runtime class's overhead, node selector and tolerations to a pod."""

    @override
    def admit(self, attributes: Attributes) -> None:
        found, spec = self._class_of(attributes)
        if found is None:
            return
        fixed = self._overhead(found)
        if fixed is not None:
            if spec.get("overhead") is not None and spec["overhead"] != fixed:
                raise attributes.refuse(MISMATCH)
            spec["overhead"] = dict(fixed)
        scheduling = found.get("scheduling")
        if scheduling is None:
            return
        nodes = dict(spec.get("nodeSelector") or {})
        for key, value in sorted((scheduling.get("nodeSelector") or {}).items()):
            if nodes.get(key, value) != value:
                raise attributes.refuse(
                    f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; "
                    f"pod.spec.nodeSelector[{key}] = {nodes[key]}"
                )
            nodes[key] = value
        if nodes:
            spec["nodeSelector"] = nodes
        tolerations = merged_tolerations(spec.get("tolerations") or [], scheduling.get("tolerations") or [])
        if tolerations:
            spec["tolerations"] = tolerations

    @override
    def validate(self, attributes: Attributes) -> None:
        found, spec = self._class_of(attributes)
        fixed = self._overhead(found) if found is not None else None
        if fixed is not None:
            if spec.get("overhead") != fixed:
                raise attributes.refuse(MISMATCH)
        elif spec.get("overhead") is not None:
            why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
            raise attributes.refuse(why)

    def _overhead(self, found: Object) -> Object | None:
        overhead = found.get("overhead")
        return (overhead.get("podFixed") or {}) if overhead is not None else None

    def _class_of(self, attributes: Attributes) -> tuple[Object | None, Object]:
        """A new pod's runtime class, None if it names none, and its spec."""
        if attributes.obj is None or not attributes.concerns("pods", "CREATE"):
            return None, {}
        spec = attributes.obj["spec"]
        name = spec.get("runtimeClassName")
        if name is None:
            return None, spec
        found = self._lookup("runtimeclasses.node.k8s.io", "", name)
        if found is None:
            problem = unaskable(name)
            if problem:
                raise ApiError(500, "", problem)
            raise attributes.refuse(f"pod rejected: RuntimeClass {go_quote(name)} not found")
        return found, spec


def merged_tolerations(first: list[Object], second: list[Object]) -> list[Object]:
    """Both lists without the tolerations that another one covers (``pkg/util/tolerations``)."""
    every = [*first, *second]
    kept: list[Object] = []
    for index, each in enumerate(every):
        later = any(other != each and _covers(other, each) for other in every[index + 1 :])
        if not later and not any(_covers(other, each) for other in kept):
            kept.append(dict(each))
    return kept


def _covers(wide: Object, narrow: Object) -> bool:
    """Whether the first toleration tolerates all that the second one does."""
    if wide == narrow:
        return True
    operator: str = wide.get("operator", "")
    key = wide.get("key", "")
    if key != narrow.get("key", "") and (key or operator != "Exists"):
        return False
    if wide.get("effect") and wide["effect"] != narrow.get("effect", ""):
        return False
    if wide.get("effect", "") == "NoExecute":
        seconds, other = wide.get("tolerationSeconds"), narrow.get("tolerationSeconds")
        if seconds is not None and (other is None or other > seconds):
            return False
    if operator in ("", "Equal"):
        return bool(narrow.get("operator") == "Equal" and wide.get("value", "") == narrow.get("value", ""))
    return operator == "Exists"
