"""A learner's cluster in this process, to solve tasks in without a notebook, and subjects and rules to bind."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from labkit.client.client import Client
from labkit.client.discovery import Resources
from labkit.client.manifests import apply
from labkit.grading.clusters.embedded_cluster import ClusterTemplate, EmbeddedCluster
from labkit.grading.clusters.inprocess import admin_of, anonymous_of
from labkit.grading.judging.score import TaskScore, score
from labkit.grading.tasks import EXERCISES
from labkit.grading.tasks.seed import Seed
from tests.grading.solutions import RBAC, Object, binding, role

API = f"/apis/{RBAC}/v1"
ANYTHING: Object = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
ADMIN = ("ClusterRole", "cluster-admin")


@cache
def template() -> ClusterTemplate:
    """One for all clusters here."""
    return ClusterTemplate()


class Desk:
    """A learner's cluster in this process, with the names of the tasks, and as much of ``lab`` as solutions need."""

    def __init__(self, task: str, learner: str = "ann") -> None:
        self.task, self.learner = task, learner
        self.name = Seed(learner).name
        self.exercise = next(
            spec for spec in EXERCISES if any(each.id == task for each in spec.tasks)
        )
        made = template()
        self.cluster = EmbeddedCluster(made.keys, self.exercise, learner, template=made)
        self.cluster.set_up()
        self.admin = admin_of(self.cluster.cluster)
        self.variant = next(each for each in self.exercise.tasks if each.id == task).variant(
            Seed(learner)
        )
        account = next(
            (obj["metadata"] for obj in self.variant.setup if obj["kind"] == "ServiceAccount"), None
        )
        spaces = [
            obj["metadata"]["name"] for obj in self.variant.setup if obj["kind"] == "Namespace"
        ]
        self.space = spaces[0] if spaces else ""
        self.who = account["name"] if account else ""
        self.home = account["namespace"] if account else self.space

    def solve(self) -> None:
        """Do what the task's own solution does."""
        exec(self.variant.answer, {"lab": self})

    def apply(self, objects: Object | list[Object]) -> None:
        """Apply objects."""
        given = objects if isinstance(objects, list) else [objects]
        assert (
            apply(self.admin, Resources(self.admin), given, lambda manifest: manifest) is not None
        )

    def as_anonymous(self) -> Client:
        """A client without credentials."""
        return anonymous_of(self.cluster.cluster)

    def wait(self, _what: str) -> None:
        """Nothing: this cluster acts at once."""

    def delete(self, path: str) -> None:
        """Delete what must be there."""
        assert self.admin.delete(path).status == 200, path

    def me(self, name: str = "") -> Object:
        """The account of the task, or another one of its namespace, as a binding names it."""
        return {"kind": "ServiceAccount", "namespace": self.home, "name": name or self.who}

    def grant(
        self, subject: Object, *rules: Object, space: str = "", to: tuple[str, str] | None = None
    ) -> None:
        """Bind rules, or a role that is there, in a namespace or everywhere."""
        kind, name = to or ("Role" if space else "ClusterRole", "besides")
        made = [] if to else [role(space, "besides", rules)]
        self.apply([*made, binding(space, "besides", kind, name, subject)])

    def widen(self, name: str, *rules: Object) -> None:
        """Add rules to a default cluster role."""
        obj = self.admin.get(f"{API}/clusterroles/{name}").body
        obj["rules"] += rules
        assert self.admin.put(f"{API}/clusterroles/{name}", obj).status == 200

    def aggregate(self, into: str, *rules: Object) -> None:
        """Widen a default cluster role by aggregation."""
        made = role("", f"more-{into}", rules)
        made["metadata"]["labels"] = {f"{RBAC}/aggregate-to-{into}": "true"}
        self.apply(made)

    def answers(self) -> Object:
        """The config map that the task asks for."""
        space = self.variant.setup[0]["metadata"]["name"]
        found = self.admin.get(f"/api/v1/namespaces/{space}/configmaps").items
        return next(obj for obj in found if obj["metadata"]["name"] != "kube-root-ca.crt")

    def judge(self) -> TaskScore:
        """The task's score."""
        result = score(self.exercise, self.learner, self.cluster.check())
        return next(each for each in result.tasks if each.id == self.task)


def rule(verbs: str, resources: str, group: str = "", *names: str) -> Object:
    """A rule of a role."""
    made: Object = {
        "verbs": verbs.split(","),
        "apiGroups": [group],
        "resources": resources.split(","),
    }
    return {**made, "resourceNames": list(names)} if names else made


def paths(verbs: str, *urls: str) -> Object:
    """A rule about paths."""
    return {"verbs": verbs.split(","), "nonResourceURLs": list(urls)}


def user(name: str) -> Object:
    """A user as a binding names them."""
    return {"kind": "User", "apiGroup": RBAC, "name": name}


def group(name: str) -> Object:
    """A group as a binding names it."""
    return {"kind": "Group", "apiGroup": RBAC, "name": name}


def sa(space: str, name: str) -> Object:
    """A service account as a binding names it."""
    return {"kind": "ServiceAccount", "namespace": space, "name": name}


Act = Callable[[Desk], None]
