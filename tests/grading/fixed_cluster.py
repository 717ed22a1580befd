"""A cluster as checks read it, of objects that a test writes down: nothing in it acts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

from kube_embedded.rbac.attributes import Attributes
from labkit.client.client import Client
from labkit.grading.tasks.checks import GradedCluster
from labkit.grading.tasks.task import Object
from labkit.rbac.policy import Policy


class Answer:
    """Of a server: a status, an object, or the items of a list."""

    def __init__(self, status: int, body: Any) -> None:
        self.status, self.body = status, body
        self.ok = status == 200
        self.items = body.get("items", []) if isinstance(body, dict) else []


class Server:
    """Answers 200 at the paths that it knows, and another status elsewhere."""

    def __init__(self, objects: Mapping[str, Any], otherwise: int = 404) -> None:
        self._objects, self._otherwise = objects, otherwise

    def get(self, path: str) -> Answer:
        """Read an object."""
        return (
            Answer(200, self._objects[path])
            if path in self._objects
            else Answer(self._otherwise, {"message": "not now"})
        )


def admin_of(objects: Mapping[str, Any], otherwise: int = 404) -> Client:
    """A caller of a server that has these objects, by path."""
    return cast("Client", Server(objects, otherwise))


def context_of(
    objects: Mapping[str, Any] | None = None,
    *,
    status: Object | None = None,
    policy: Iterable[Object] = (),
    before: Iterable[Object] = (),
    events: Iterable[Object] | None = None,
    pods: bool = True,
    otherwise: int = 404,
) -> GradedCluster:
    """A context for checks.

    Args:
        objects: What can be read, by path.
        status: The answer to every access review.
        policy: The roles and bindings now.
        before: Those from before the learner began.
        events: The audit log; None for a cluster without one.
        pods: Whether pods run.
        otherwise: The status of reads at other paths.
    """
    admin = admin_of(objects or {}, otherwise)
    now = Policy.of(policy)
    then = Policy.of(before)

    def decide(_question: Attributes) -> Object:
        return {"allowed": True} if status is None else status

    made = GradedCluster(admin, admin, decide, lambda: now, lambda: then, pods=pods)
    return made if events is None else replace(made, events=lambda: events, audited=True)
