"""What is gone of the objects that a task began with, on a server that knows just these paths."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, cast

import pytest

from labkit.client.client import Client
from labkit.grading.judging.findings import TaskFindings, check_task
from labkit.grading.tasks.checks import Check, Finding, GradedCluster, may, may_not
from labkit.grading.tasks.task import (
    ExerciseSpec,
    Object,
    Task,
    Variant,
    account,
    binding,
    namespace,
    pod,
    role,
)
from labkit.rbac.policy import Policy

SECRET: Object = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "key", "namespace": "hall"},
}
SETUP = [
    namespace("hall"),
    namespace("yard"),
    account("hall", "reader"),
    account("hall", "hall"),
    SECRET,
    pod("hall", "web"),
    role("hall", "own", ("get", "", "pods")),
    binding("hall", "own", "Role/own", "hall/reader"),
]
PATHS = {
    "Namespace hall": "/api/v1/namespaces/hall",
    "Namespace yard": "/api/v1/namespaces/yard",
    "ServiceAccount hall/reader": "/api/v1/namespaces/hall/serviceaccounts/reader",
    "ServiceAccount hall/hall": "/api/v1/namespaces/hall/serviceaccounts/hall",
    "Secret hall/key": "/api/v1/namespaces/hall/secrets/key",
}


class Answer:
    """Of a server that has nothing in its objects."""

    def __init__(self, status: int) -> None:
        self.status, self.body = status, dict[str, Any]()


class Server:
    """Answers 200 at these paths, and 404 elsewhere; allows everything."""

    def __init__(self, paths: Collection[str]) -> None:
        self._paths = paths

    def get(self, path: str) -> Answer:
        """Read an object."""
        return Answer(200 if path in self._paths else 404)


def look(paths: Collection[str]) -> TaskFindings:
    """What the task's checks find where there are objects at these paths alone."""
    admin = cast("Client", Server(paths))
    policy = Policy.of([])
    context = GradedCluster(
        admin, admin, lambda _: {"allowed": True}, lambda: policy, lambda: policy
    )
    checks = (
        may("hall/reader", "list", "pods", "hall"),
        may_not("hall/reader", "delete", "pods", "hall"),
    )
    task = Task("9.1", lambda _: Variant("", checks, SETUP))
    return check_task(ExerciseSpec("ex9", (task,)), task, "ann", context)


def test_nothing_is_gone_where_all_is_there() -> None:
    """Pods, roles and bindings need not be: a task may be to delete them."""
    assert look(PATHS.values()).gone == []


@pytest.mark.parametrize("title", [title for title in PATHS if title != "Namespace hall"])
def test_what_is_missing_is_gone(title: str) -> None:
    assert look(set(PATHS.values()) - {PATHS[title]}).gone == [title]


def test_a_namespace_is_gone_by_what_lay_in_it() -> None:
    """One deletion of a namespace costs no more than the objects that went with it."""
    assert look([PATHS["Namespace yard"]]).gone == list(PATHS)[2:]


def test_all_that_is_gone_is_listed_in_the_order_of_the_set_up() -> None:
    assert look(()).gone == list(PATHS)[1:]


def test_an_account_that_is_gone_may_nothing_though_its_rights_stay() -> None:
    allowed, forbidden = (finding for _check, finding in look([PATHS["Namespace hall"]]).findings)
    assert (allowed.ok, allowed.seen) == (False, "There is no ServiceAccount hall/reader any more.")
    assert forbidden.seen == "The server says allowed."  # a limit asks the server all the same


def test_the_rights_of_an_account_that_is_there_are_asked_for() -> None:
    allowed, _forbidden = (finding for _check, finding in look(PATHS.values()).findings)
    assert (allowed.ok, allowed.seen) == (True, "The server says allowed.")


def test_a_check_that_cannot_read_what_is_there_fails_alone() -> None:
    def broken(_context: GradedCluster) -> Finding:
        raise KeyError("spec")

    admin = cast("Client", Server(()))
    policy = Policy.of([])
    context = GradedCluster(
        admin, admin, lambda _: {"allowed": True}, lambda: policy, lambda: policy
    )
    checks = (Check("It is right.", broken, 1), may("ann", "list", "pods", points=1))
    task = Task("9.1", lambda _: Variant("", checks))
    first, second = check_task(ExerciseSpec("ex9", (task,)), task, "ann", context).findings
    assert first[1] == Finding(False, "The check cannot read what is there: KeyError('spec').")
    assert second[1].ok
