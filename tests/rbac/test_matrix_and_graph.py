from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from kube_embedded.machinery.kinds import KINDS
from kube_embedded.rbac.subjects import subject
from labkit.client.client import Client
from labkit.core.errors import UsageError
from labkit.grading.tasks.task import binding, role
from labkit.rbac.graph import rbac_graph
from labkit.rbac.matrix import CLUSTER_SCOPED, Permission, access_matrix
from labkit.rbac.policy import read_policy
from labkit.rbac.reviews import Unanswered
from tests.rbac.conftest import anonymous, put


def test_a_matrix_marks_what_changed(api: Client) -> None:
    people = [subject("kikai/default"), subject("darbo/default")]
    what = [Permission.parse("list services"), Permission.parse("create pods/exec")]
    before = access_matrix(api, people, what, "kikai")
    assert [[cell.allowed for cell in row] for row in before.cells] == [
        [True, False],
        [False, False],
    ]
    assert not any(cell.changed for row in before.cells for cell in row)
    put(api, binding("kikai", "test", "Role/service-reader", "kikai/default", "darbo/default"))
    after = access_matrix(api, people, what, "kikai", before)
    assert [[cell.changed for cell in row] for row in after.cells] == [
        [False, False],
        [True, False],
    ]


def test_a_refused_review_is_no_no(api: Client) -> None:
    nobody = anonymous(api)
    with pytest.raises(Unanswered, match=r"access review \(403\).*lab\.admin"):
        access_matrix(
            nobody, [subject("kikai/default")], [Permission.parse("list services")], "kikai"
        )


def test_a_role_binding_gives_no_yes_for_what_lives_in_no_namespace(api: Client) -> None:
    volumes = Permission.parse("list persistentvolumes")
    put(api, role("kikai", "volumes", ("list", "", "persistentvolumes")))
    put(api, binding("kikai", "volumes", "Role/volumes", "kikai/bot"))
    real = api.get("/api/v1/persistentvolumes")
    assert real.call.namespace == volumes.question(subject("kikai/bot"), "kikai").namespace == ""
    matrix = access_matrix(api, [subject("kikai/bot")], [volumes], "kikai")
    assert [[cell.allowed for cell in row] for row in matrix.cells] == [[False]]


def test_the_kinds_without_a_namespace_are_the_server_s() -> None:
    kinds = {(kind.group, kind.plural): kind.namespaced for kind in KINDS if "list" in kind.verbs}
    assert {name for name, namespaced in kinds.items() if not namespaced} <= CLUSTER_SCOPED
    assert not {name for name, namespaced in kinds.items() if namespaced} & CLUSTER_SCOPED


def test_the_same_question_is_asked_once(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    plain = api.transport.send_all

    def count(
        method: str, path: str, bodies: Sequence[bytes], headers: Mapping[str, str]
    ) -> Sequence[Any]:
        asked.append(len(bodies))
        return plain(method, path, bodies, headers)

    monkeypatch.setattr(api.transport, "send_all", count)
    people = [subject("kikai/default")] * 3
    matrix = access_matrix(api, people, [Permission.parse("list services")] * 2, "kikai")
    assert [[cell.allowed for cell in row] for row in matrix.cells] == [[True, True]] * 3
    assert asked == [1]


@pytest.mark.parametrize("text", ["", "list", " pods"])
def test_nonsense_is_no_permission(text: str) -> None:
    with pytest.raises(UsageError, match="Write a verb and a resource"):
        Permission.parse(text)


def test_the_graph_has_four_columns_and_marks_the_granting_path(api: Client) -> None:
    who = subject("kikai/default")
    asked = Permission.parse("list services").question(who, "kikai")
    graph = rbac_graph(read_policy(api), namespace="kikai", who=who, question=asked)
    granting = sorted((node.column, node.title) for node in graph.nodes.values() if node.granting)
    assert granting == [
        (0, "default"),
        (1, "test"),
        (2, "service-reader"),
        (3, "get, list · services"),
    ]
    assert sum(graph.edges.values()) == 3


def test_default_bindings_are_left_out_and_counted(api: Client) -> None:
    policy = read_policy(api)
    small, whole = rbac_graph(policy), rbac_graph(policy, defaults=True)
    assert {node.title for node in small.nodes.values() if node.column == 1} == {"test"}
    assert small.hidden > 40
    assert len(whole.nodes) > len(small.nodes)


def test_folded_rules_share_a_box_that_shows_the_granting_one(api: Client) -> None:
    put(
        api,
        role(
            "kikai",
            "service-reader",
            ("get", "", "pods"),
            ("list", "", "services"),
            ("get", "", "nodes"),
        ),
    )
    who = subject("kikai/default")
    asked = Permission.parse("list services").question(who, "kikai")
    graph = rbac_graph(read_policy(api), namespace="kikai", who=who, question=asked, fold=True)
    (rules,) = [node for node in graph.nodes.values() if node.column == 3]
    assert (rules.title, rules.granting) == ("list · services … and 2 more", True)


def test_what_reaches_a_subject_as_it_reaches_everybody_is_drawn_only_where_it_grants(
    api: Client,
) -> None:
    who, policy = subject("kikai/default"), read_policy(api)
    assert {
        node.title for node in rbac_graph(policy, who=who).nodes.values() if node.column == 1
    } == {"test"}
    asked = Permission("create", "selfsubjectaccessreviews", "authorization.k8s.io").question(
        who, ""
    )
    drawn = {
        node.title
        for node in rbac_graph(policy, who=who, question=asked).nodes.values()
        if node.column == 1
    }
    assert drawn == {"test", "system:basic-user"}
    scheduler = rbac_graph(policy, who=subject("system:kube-scheduler"))
    assert any(node.title == "system:kube-scheduler" for node in scheduler.nodes.values())
