"""A task: what it asks for and allows, whose excess is its concern, and the objects that it begins with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from kube_embedded.rbac.parts import Part
from kube_embedded.rbac.subjects import Subject, subject
from labkit.grading.tasks import EXERCISES, find_exercise
from labkit.grading.tasks.checks import may, may_not
from labkit.grading.tasks.seed import Seed
from labkit.grading.tasks.task import (
    Object,
    Task,
    Variant,
    account,
    binding,
    namespace,
    pod,
    role,
    texts,
)
from labkit.rbac.difference import Allowance, Excess

LIST_PODS = may("hall/reader", "list", "pods", "hall", points=2.0)
GET_NODES = may("hall/reader", "get", "nodes")
VIEW = Allowance(None, [], None, "ClusterRole/view")
VARIANT = Variant(
    "Do it.",
    (LIST_PODS, GET_NODES, may_not("hall/reader", "delete", "pods", "hall", points=8.0)),
    setup=(
        namespace("hall"),
        namespace("yard"),
        account("hall", "reader"),
        role("hall", "attic", ("get", "", "pods")),
    ),
    allowed=(VIEW,),
    strangers=("alice", "dev"),
)


def test_its_needs_are_what_must_be_allowed_and_its_points_are_theirs() -> None:
    assert VARIANT.needs == [LIST_PODS.need, GET_NODES.need]
    assert VARIANT.max_points == 3.0


def test_it_allows_what_it_needs_where_it_needs_it() -> None:
    reader = subject("hall/reader")
    assert VARIANT.allowances == [
        Allowance(
            reader, [{"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}], ("hall",)
        ),
        Allowance(reader, [{"verbs": ["get"], "apiGroups": [""], "resources": ["nodes"]}], None),
        VIEW,
    ]


SECRETS, ALICE = Part("get", "", "secrets"), Subject("alice")
STRANGER = Subject("bob", ("system:unauthenticated",))


@pytest.mark.parametrize(
    ("excess", "concerned"),
    [
        (Excess(STRANGER, SECRETS, "hall", "Role/r", "b"), True),
        (Excess(STRANGER, SECRETS, "yard", "Role/r", "b"), True),
        (Excess(STRANGER, SECRETS, "attic", "Role/r", "b"), False),  # a role's name is no namespace
        (Excess(STRANGER, SECRETS, "", "ClusterRole/r", "b"), False),
        (Excess(subject("yard/default"), SECRETS, "", "ClusterRole/r", "b"), True),
        (Excess(subject("attic/default"), SECRETS, "", "ClusterRole/r", "b"), False),
        (Excess(Subject("", ("system:serviceaccounts:hall",)), SECRETS, "x", "Role/r", "b"), True),
        (Excess(ALICE, SECRETS, "", "ClusterRole/r", "b"), True),
        (Excess(Subject("", ("dev",)), SECRETS, "", "ClusterRole/r", "b"), True),
        # What it asks for, given to a stranger.
        (Excess(STRANGER, Part("list", "", "pods"), "", "ClusterRole/r", "b"), True),
        (Excess(STRANGER, Part("get", "", "nodes"), "", "ClusterRole/r", "b"), True),
        (Excess(STRANGER, Part("list", "", "pods"), "elsewhere", "Role/r", "b"), False),
        # A role that was widened.
        (Excess(Subject(""), SECRETS, "", "ClusterRole/view"), True),
        (Excess(Subject(""), SECRETS, "", "ClusterRole/edit"), False),
        (Excess(ALICE, SECRETS, "hall", "ClusterRole/edit"), False),
    ],
)
def test_whose_excess_is_its_concern(excess: Excess, concerned: bool) -> None:
    assert VARIANT.is_concerned(excess) is concerned


def test_a_learners_variant_is_made_once() -> None:
    made: list[Seed] = []

    def make(seed: Seed) -> Variant:
        made.append(seed)
        return VARIANT

    task = Task("4.1", make)
    assert task.variant(Seed("ann")) is task.variant(Seed("ann")) is VARIANT
    task.variant(Seed("bob"))
    assert made == [Seed("ann"), Seed("bob")]
    assert task.text("ann") == f"Do it.\n\n**Too much:** {texts()['4.1']['too much']}"


def test_a_fingerprint_changes_with_the_tasks_their_modules_and_their_texts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = find_exercise("ex4-roles")
    own = spec.fingerprint()
    assert len(own) == 16
    assert spec.fingerprint() == own
    others = [each.fingerprint() for each in EXERCISES if each is not spec]
    others += [
        replace(spec, tasks=spec.tasks[1:]).fingerprint(),
        replace(spec, tasks=spec.tasks[::-1]).fingerprint(),
    ]
    for changed in ("ex4-roles", "4.2"):
        with monkeypatch.context() as patch:
            patch.setitem(texts(), changed, {**texts()[changed], "seen": "Something else."})
            others.append(spec.fingerprint())
    with monkeypatch.context() as patch:
        patch.setattr("inspect.getsource", lambda module: f"another {module.__name__}")
        others.append(spec.fingerprint())
    assert len({own, *others}) == len(others) + 1
    assert spec.fingerprint() == own


RBAC = "rbac.authorization.k8s.io"


@pytest.mark.parametrize(
    ("made", "obj"),
    [
        (
            lambda: namespace("hall"),
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "hall"}},
        ),
        (
            lambda: namespace("hall", team="a"),
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": "hall", "labels": {"team": "a"}},
            },
        ),
        (
            lambda: account("hall", "reader"),
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": "reader", "namespace": "hall"},
            },
        ),
        (
            lambda: pod("hall", "web", serviceAccountName="reader"),
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "web", "namespace": "hall"},
                "spec": {
                    "containers": [
                        {
                            "name": "main",
                            "image": "curlimages/curl",
                            "command": ["sleep", "9999999"],
                            "imagePullPolicy": "IfNotPresent",
                        }
                    ],
                    "serviceAccountName": "reader",
                },
            },
        ),
        (
            lambda: role(
                "hall", "r", ("get,list", "", "pods,services"), ("create", "apps", "deployments")
            ),
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "Role",
                "metadata": {"name": "r", "namespace": "hall"},
                "rules": [
                    {
                        "verbs": ["get", "list"],
                        "apiGroups": [""],
                        "resources": ["pods", "services"],
                    },
                    {"verbs": ["create"], "apiGroups": ["apps"], "resources": ["deployments"]},
                ],
            },
        ),
        (
            lambda: role("", "r"),
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "ClusterRole",
                "metadata": {"name": "r"},
                "rules": [],
            },
        ),
        (
            lambda: binding("hall", "b", "Role/r", "hall/reader", "group:dev"),
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "RoleBinding",
                "metadata": {"name": "b", "namespace": "hall"},
                "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "r"},
                "subjects": [
                    {"kind": "ServiceAccount", "name": "reader", "namespace": "hall"},
                    {"kind": "Group", "apiGroup": RBAC, "name": "dev"},
                ],
            },
        ),
        (
            lambda: binding("", "b", "ClusterRole/view"),
            {
                "apiVersion": f"{RBAC}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": "b"},
                "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"},
                "subjects": [],
            },
        ),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_the_objects_that_tasks_begin_with(made: Callable[[], Object], obj: Object) -> None:
    assert made() == obj
