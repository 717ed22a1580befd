from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from labkit.access import Permission, access_matrix, rbac_graph, read_policy, subject
from labkit.access.policy import Unanswered
from labkit.client import Client
from labkit.grading.inprocess import bearer_of
from labkit.grading.task import binding
from tests.access.conftest import put


def test_a_matrix_marks_what_changed(api: Client) -> None:
    people = [subject("kikai/default"), subject("darbo/default")]
    what = [Permission.parse("list services"), Permission.parse("create pods/exec")]
    before = access_matrix(api, people, what, "kikai")
    assert [[cell.allowed for cell in row] for row in before.cells] == [[True, False], [False, False]]
    assert not any(cell.changed for row in before.cells for cell in row)
    put(api, binding("kikai", "test", "Role/service-reader", "kikai/default", "darbo/default"))
    after = access_matrix(api, people, what, "kikai", before)
    assert [[cell.changed for cell in row] for row in after.cells] == [[False, False], [True, False]]


def test_a_refused_review_is_no_no(api: Client) -> None:
    nobody = bearer_of(api.transport._cluster, "")  # type: ignore[attr-defined]  # the in-process transport's
    with pytest.raises(Unanswered, match=r"access review \(403\).*lab\.admin"):
        access_matrix(nobody, [subject("kikai/default")], [Permission.parse("list services")], "kikai")


def test_the_same_question_is_asked_once(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    plain = api.transport.send_all

    def count(method: str, path: str, bodies: Sequence[bytes], headers: Mapping[str, str]) -> Sequence[Any]:
        asked.append(len(bodies))
        return plain(method, path, bodies, headers)

    monkeypatch.setattr(api.transport, "send_all", count)
    people = [subject("kikai/default")] * 3
    matrix = access_matrix(api, people, [Permission.parse("list services")] * 2, "kikai")
    assert [[cell.allowed for cell in row] for row in matrix.cells] == [[True, True]] * 3
    assert asked == [1]


@pytest.mark.parametrize("text", ["", "list", " pods"])
def test_nonsense_is_no_permission(text: str) -> None:
    with pytest.raises(ValueError, match="Write a verb and a resource"):
        Permission.parse(text)


def test_the_graph_has_four_columns_and_marks_the_granting_path(api: Client) -> None:
    who = subject("kikai/default")
    asked = Permission.parse("list services").question(who, "kikai")
    graph = rbac_graph(read_policy(api), namespace="kikai", who=who, question=asked)
    granting = sorted((node.column, node.title) for node in graph.nodes.values() if node.granting)
    assert granting == [(0, "default"), (1, "test"), (2, "service-reader"), (3, "get, list · services")]
    assert sum(graph.edges.values()) == 3


def test_default_bindings_are_left_out_and_counted(api: Client) -> None:
    policy = read_policy(api)
    small, whole = rbac_graph(policy), rbac_graph(policy, defaults=True)
    assert {node.title for node in small.nodes.values() if node.column == 1} == {"test"}
    assert small.hidden > 40
    assert len(whole.nodes) > len(small.nodes)
