"""A graded task: its text, the objects it starts with, and the checks that judge it."""

import hashlib
import inspect
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from kube_embedded.rbac.objects import name_of
from kube_embedded.rbac.rules import rule_allows
from labkit.core.language import Text, text
from labkit.core.yaml_file import read_yaml
from labkit.rbac.difference import Allowance, Excess
from labkit.rbac.needs import Need

from .checks import Check
from .seed import Seed

Object = dict[str, Any]

FILES = Path(__file__).parent / "files"
"""The tasks that are files, each named by its number."""


@cache
def texts() -> dict[str, dict[str, Any]]:
    """The texts of tasks and exercises that do not depend on the learner, by id."""
    entries: dict[str, dict[str, Any]] = read_yaml(__file__, "texts.yaml")
    for file in sorted(FILES.glob("*.yaml")):
        entries[file.stem] = read_yaml(__file__, f"{FILES.name}/{file.name}")
    return entries


def asks(task: str, **values: object) -> Text:
    """Return the text of a task, as Markdown, with values for the names in braces."""
    return text(texts()[task]["text"], **values)


@dataclass(frozen=True, slots=True)
class Variant:
    """A task for one learner, with names from the learner's seed.

    Args:
        text: The instructions, as Markdown.
        checks: The checks that judge it.
        setup: Objects that exist before the learner begins, in the order of creation.
        answer: Commands that solve it, one a line: kubectl, or Python beginning with
            ``lab.``. The solved notebooks are generated from it, and the tests grade them.
        allowed: The permissions that are allowed to be granted in addition to the checks' needs. A role
            named here is the subject of the task: if it grants more than before, that is this task's excess.
        strangers: Users and groups, besides its accounts, whose excess counts for this task.
    """

    text: str
    checks: Sequence[Check]
    setup: Sequence[Object] = ()
    answer: str = ""
    allowed: Sequence[Allowance] = ()
    strangers: Sequence[str] = ()

    @property
    def needs(self) -> list[Need]:
        """The permissions that the checks ask for."""
        return [check.need for check in self.checks if check.need is not None]

    @property
    def allowances(self) -> list[Allowance]:
        """All permissions that are allowed to be granted: the needs, and the ``allowed`` ones."""
        found = []
        for check in self.checks:
            need = check.need
            if need is not None:
                where = (need.namespace,) if need.namespace else None
                found.append(Allowance(need.who, [need.rule()], where, check.by))
        return [*found, *self.allowed]

    def is_concerned(self, excess: Excess) -> bool:
        """Return whether an excess is this task's.

        It is if it applies in one of the task's namespaces, if an account or an account's group got it, or if it
        grants the task's needs everywhere.
        """
        if not excess.binding:
            return excess.role in {allowance.role for allowance in self.allowed}
        spaces = {name_of(obj) for obj in self.setup if obj["kind"] == "Namespace"}
        homes = {f"system:serviceaccounts:{space}" for space in spaces}
        return (
            excess.namespace in spaces
            or not homes.isdisjoint(excess.who.groups)
            or not {excess.who.user, *excess.who.groups}.isdisjoint(self.strangers)
            or (
                not excess.namespace
                and any(rule_allows(excess.part.rule(), need.question()) for need in self.needs)
            )
        )

    @property
    def max_points(self) -> float:
        """The most that the task can earn, on a cluster where every check can be judged."""
        return sum(check.points for check in self.checks if not check.limit)


@dataclass(frozen=True, slots=True)
class Task:
    """A task of an exercise.

    Args:
        id: Such as ``4.1``.
        make: Makes it for a learner.
    """

    id: str
    make: Callable[[Seed], Variant]

    def variant(self, seed: Seed) -> Variant:
        """The task for a learner."""
        return _variant(self, seed)

    @property
    def texts(self) -> dict[str, Any]:
        """Its entry in ``texts.yaml``."""
        return texts()[self.id]

    @property
    def title(self) -> str:
        """In a few words."""
        return str(self.texts["title"])

    def text(self, learner: str) -> Text:
        """Return the instructions and the limits, as Markdown."""
        too_much = text(self.texts["too much"])
        return text("{task}\n\n**Too much:** {what}", self.variant(Seed(learner)).text, too_much)


@lru_cache(maxsize=256)
def _variant(task: Task, seed: Seed) -> Variant:
    return task.make(seed)


@dataclass(frozen=True, slots=True)
class ExerciseSpec:
    """A set of tasks: one notebook.

    Args:
        id: The notebook's file name without its suffix, such as ``ex4-roles``.
        tasks: In order.
    """

    id: str
    tasks: tuple[Task, ...]

    @property
    def title(self) -> str:
        """Its heading."""
        return str(texts()[self.id]["title"])

    @property
    def about(self) -> str:
        """One sentence on its subject."""
        return str(texts()[self.id]["about"])

    def fingerprint(self) -> str:
        """Hash its source: the modules of its tasks, and their texts in ``texts.yaml``."""
        modules = sorted({task.make.__module__ for task in self.tasks})
        source = [inspect.getsource(sys.modules[module]) for module in modules]
        entries = [texts().get(key) for key in (self.id, *(task.id for task in self.tasks))]
        return hashlib.sha256(json.dumps([source, entries], default=str).encode()).hexdigest()[:16]


def namespace(name: str, **labels: str) -> Object:
    """Make a namespace."""
    metadata: Object = {"name": name}
    if labels:
        metadata["labels"] = labels
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def account(space: str, name: str) -> Object:
    """Make a service account."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": space},
    }


def pod(
    space: str,
    name: str,
    *,
    image: str = "curlimages/curl",
    command: Sequence[str] = ("sleep", "9999999"),
    **spec: Any,
) -> Object:
    """Make a pod with one container ``main`` that sleeps."""
    container = {
        "name": "main",
        "image": image,
        "command": list(command),
        "imagePullPolicy": "IfNotPresent",
    }
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
        return {
            "kind": "Group",
            "apiGroup": "rbac.authorization.k8s.io",
            "name": entry.removeprefix("group:"),
        }
    space, _, name = entry.partition("/")
    return {"kind": "ServiceAccount", "name": name, "namespace": space}
