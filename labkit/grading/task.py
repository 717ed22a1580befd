"""A graded task: its text, the objects it starts with, and the probes that judge it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.grading.probes import Probe
from labkit.grading.seed import Seed

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Variant:
    """A task for one learner, with names from the learner's seed.

    Args:
        text: What to do, as Markdown.
        probes: What judges it.
        setup: Objects that exist before the learner begins, in the order of creation.
        answer: Commands that solve it, one a line: kubectl, or Python beginning with
            ``lab.``. The solved notebooks are made of it, and the tests grade them.
        given: Roles that the text names, such as ``ClusterRole/view``: their permissions
            are not counted as granted beyond the need.
    """

    text: str
    probes: Sequence[Probe]
    setup: Sequence[Object] = ()
    answer: str = ""
    given: Sequence[str] = ()

    @property
    def max_points(self) -> float:
        """What the task can earn on a cluster where all of it can be judged."""
        return sum(probe.points for probe in self.probes if not probe.limit)


@dataclass(frozen=True, slots=True)
class Task:
    """A task of an exercise.

    Args:
        id: Such as ``4.1``.
        title: In a few words.
        variant: Makes it for a learner.
    """

    id: str
    title: str
    variant: Callable[[Seed], Variant]


@dataclass(frozen=True, slots=True)
class ExerciseSpec:
    """A set of tasks: one notebook.

    Args:
        id: The notebook's file name without its suffix, such as ``ex4-roles``.
        title: Its heading.
        about: One sentence on what it is about.
        tasks: In order.
    """

    id: str
    title: str
    about: str
    tasks: tuple[Task, ...]


def namespace(name: str, **labels: str) -> Object:
    """Make a namespace."""
    metadata: Object = {"name": name}
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def account(space: str, name: str) -> Object:
    """Make a service account."""
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": space}}


def pod(
    space: str, name: str, *, image: str = "curlimages/curl", command: Sequence[str] = ("sleep", "9999999"), **spec: Any
) -> Object:
    """Make a pod with one container ``main`` that sleeps."""
    container = {"name": "main", "image": image, "command": list(command), "imagePullPolicy": "IfNotPresent"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": space},
        "spec": {"containers": [container], **spec},
    }


def role(space: str, name: str, *rules: tuple[str, str, str]) -> Object:
    """Make a role, or with an empty ``space`` a cluster role.

    Args:
        space: The namespace.
        name: Its name.
        rules: Each as (verbs, API group, resources), commas between words.
    """
    metadata: Object = {"name": name}
    if space:
        metadata["namespace"] = space
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role" if space else "ClusterRole",
        "metadata": metadata,
        "rules": [
            {"verbs": verbs.split(","), "apiGroups": [group], "resources": resources.split(",")}
            for verbs, group, resources in rules
        ],
    }


def binding(space: str, name: str, to: str, *who: str) -> Object:
    """Make a role binding, or with an empty ``space`` a cluster role binding.

    Args:
        space: The namespace.
        name: Its name.
        to: Such as ``Role/reader`` or ``ClusterRole/view``.
        who: Service accounts as ``namespace/name``, or groups as ``group:NAME``.
    """
    metadata: Object = {"name": name}
    if space:
        metadata["namespace"] = space
    kind, _, target = to.partition("/")
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding" if space else "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": target},
        "subjects": [_subject(entry) for entry in who],
    }


def _subject(entry: str) -> Object:
    if entry.startswith("group:"):
        return {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": entry.removeprefix("group:")}
    space, _, name = entry.partition("/")
    return {"kind": "ServiceAccount", "name": name, "namespace": space}
