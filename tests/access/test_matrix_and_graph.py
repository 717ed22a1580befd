from __future__ import annotations

import pytest

from labkit.access import Permission, access_matrix, rbac_graph, read_policy, subject
from labkit.client import Client
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
