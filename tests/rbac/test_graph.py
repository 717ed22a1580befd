"""The drawing of a policy, box by box, on policies written down here."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.rbac.attributes import Attributes
from kube_embedded.rbac.subjects import subject
from labkit.core.language import shown
from labkit.grading.tasks.task import binding, role
from labkit.rbac.graph import Graph, Node, rbac_graph
from labkit.rbac.policy import Policy
from tests.support.languages import speaking

Object = dict[str, Any]

BOT = subject("kikai/bot")
LIST = Attributes(BOT.as_user(), "list", resource="services", namespace="kikai")
READER = role("kikai", "reader", ("get", "", "pods"), ("list", "", "services"))
TEST = binding("kikai", "test", "Role/reader", "kikai/bot", "darbo/other", "group:dev")


def default(obj: Object) -> Object:
    """Return the object with the label of default objects."""
    return {
        **obj,
        "metadata": {**obj["metadata"], "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
    }


def boxes(graph: Graph) -> list[tuple[int, str, str, bool]]:
    """Return the boxes: column, kind, label, and whether they grant."""
    return sorted(
        (node.column, node.kind, node.label, node.granting) for node in graph.nodes.values()
    )


def edges(graph: Graph) -> list[tuple[str, str, bool]]:
    """Return the edges: from, to, and whether they grant."""
    return sorted(
        (graph.nodes[start].label, graph.nodes[end].label, granting)
        for (start, end), granting in graph.edges.items()
    )


def test_every_box_and_edge_says_whether_it_grants() -> None:
    graph = rbac_graph(Policy.of([READER, TEST]), question=LIST)
    assert boxes(graph) == [
        (0, "Group", "dev", False),
        (0, "ServiceAccount", "darbo/other", False),
        (0, "ServiceAccount", "kikai/bot", True),
        (1, "RoleBinding", "kikai/test", True),
        (2, "Role", "kikai/reader", True),
        (3, "Rule", "kikai/get · pods", False),
        (3, "Rule", "kikai/list · services", True),
    ]
    assert edges(graph) == [
        ("darbo/other", "kikai/test", False),
        ("dev", "kikai/test", False),
        ("kikai/bot", "kikai/test", True),
        ("kikai/reader", "kikai/get · pods", False),
        ("kikai/reader", "kikai/list · services", True),
        ("kikai/test", "kikai/reader", True),
    ]


@pytest.mark.parametrize(
    "question",
    [
        None,
        LIST._replace(verb="watch"),
        LIST._replace(namespace="darbo"),
        LIST._replace(namespace=""),
        LIST._replace(user=subject("kikai/nobody").as_user()),
    ],
    ids=["none", "another verb", "another namespace", "the whole cluster", "another user"],
)
def test_nothing_grants_another_question(question: Attributes | None) -> None:
    graph = rbac_graph(Policy.of([READER, TEST]), question=question)
    assert len(graph.nodes) == 7
    assert not any(node.granting for node in graph.nodes.values())
    assert not any(graph.edges.values())


def test_a_path_is_a_subject_a_binding_and_a_role_with_its_rules() -> None:
    paths = list(rbac_graph(Policy.of([READER, TEST]), question=LIST).paths())
    assert [
        (
            each.subject.label,
            each.binding.label,
            each.role.label,
            [rule.title for rule in each.rules],
            each.granting,
        )
        for each in paths
    ] == [
        ("kikai/bot", "kikai/test", "kikai/reader", ["get · pods", "list · services"], True),
        ("darbo/other", "kikai/test", "kikai/reader", ["get · pods", "list · services"], False),
        ("dev", "kikai/test", "kikai/reader", ["get · pods", "list · services"], False),
    ]


def test_a_box_that_two_bindings_share_grants_if_one_of_them_does() -> None:
    wide = role("", "wide", ("list", "", "services"))
    granting, other = (
        binding("kikai", "here", "ClusterRole/wide", "kikai/bot"),
        binding("darbo", "there", "ClusterRole/wide", "kikai/bot"),
    )
    drawn = [
        (0, "ServiceAccount", "kikai/bot", True),
        (1, "RoleBinding", "darbo/there", False),
        (1, "RoleBinding", "kikai/here", True),
        (2, "ClusterRole", "wide", True),
        (3, "Rule", "list · services", True),
    ]
    for bindings in ((granting, other), (other, granting)):
        graph = rbac_graph(Policy.of([wide, *bindings]), question=LIST)
        assert boxes(graph) == drawn
        assert graph.edges["ClusterRole:/wide", "ClusterRole:/wide#0"]
        assert [(path.binding.label, path.granting) for path in graph.paths()] == [
            (each["metadata"]["namespace"] + "/" + each["metadata"]["name"], each is granting)
            for each in bindings
        ]


def test_a_role_that_is_not_there_is_drawn_as_missing() -> None:
    graph = rbac_graph(
        Policy.of([binding("kikai", "lost", "Role/gone", "kikai/bot")]), question=LIST
    )
    assert boxes(graph)[-1] == (2, "Role (missing)", "kikai/gone", False)
    assert [path.rules for path in graph.paths()] == [[]]


@pytest.mark.parametrize(
    ("rules", "kind", "title"),
    [
        ([("get", "", "pods")], "Rule", "get · pods"),
        ([("get", "", "pods"), ("get", "", "nodes")], "Rules", "get · pods … and 1 more"),
        ([("get", "", "pods"), ("list", "", "services")], "Rules", "list · services … and 1 more"),
        ([("get", "", "a"), ("get", "", "b"), ("get", "", "c")], "Rules", "get · a … and 2 more"),
    ],
)
def test_folded_rules_share_a_box(rules: list[tuple[str, str, str]], kind: str, title: str) -> None:
    objects = [role("kikai", "r", *rules), binding("kikai", "b", "Role/r", "kikai/bot")]
    graph = rbac_graph(Policy.of(objects), question=LIST, fold=True)
    grants = "services" in title
    assert boxes(graph)[3:] == [(3, kind, f"kikai/{title}", grants)]
    assert edges(graph) == [
        ("kikai/b", "kikai/r", grants),
        ("kikai/bot", "kikai/b", grants),
        ("kikai/r", f"kikai/{title}", grants),
    ]


def test_a_namespace_has_its_bindings_and_those_of_the_whole_cluster() -> None:
    bindings = [
        binding(space, f"b-{space}", "ClusterRole/r", "kikai/bot")
        for space in ("", "kikai", "darbo")
    ]
    graph = rbac_graph(Policy.of([role("", "r"), *bindings]), namespace="kikai")
    assert [label for column, _, label, _ in boxes(graph) if column == 1] == ["b-", "kikai/b-kikai"]
    assert graph.hidden == 0


@pytest.mark.parametrize(
    ("who", "names", "defaults", "drawn", "hidden"),
    [
        (None, ("kikai/bot",), False, False, 1),
        (None, ("kikai/bot",), True, True, 0),
        ("kikai/bot", ("kikai/bot",), False, True, 0),
        ("kikai/bot", ("group:system:authenticated", "kikai/bot"), False, True, 0),
        ("kikai/bot", ("group:system:authenticated", "kikai/other"), False, False, 1),
        ("kikai/bot", ("group:system:authenticated",), False, False, 1),
        ("kikai/bot", ("group:system:authenticated",), True, True, 0),
        ("kikai/bot", ("kikai/other",), True, False, 0),
    ],
)
def test_a_default_binding_is_drawn_for_those_that_it_names(
    who: str | None, names: tuple[str, ...], defaults: bool, drawn: bool, hidden: int
) -> None:
    objects = [
        role("", "r", ("get", "", "pods")),
        default(binding("", "b", "ClusterRole/r", *names)),
    ]
    graph = rbac_graph(
        Policy.of(objects), who=subject(who) if who else None, question=LIST, defaults=defaults
    )
    assert (bool(graph.nodes), graph.hidden) == (drawn, hidden)


def test_who_is_looked_for_is_drawn_without_the_others() -> None:
    graph = rbac_graph(Policy.of([READER, TEST]), who=BOT)
    assert [label for column, _, label, _ in boxes(graph) if column == 0] == ["kikai/bot"]


def test_a_box_that_is_added_again_stays_or_begins_to_grant() -> None:
    graph = Graph()
    plain, granting = Node("a", 0, "a", "User", ""), Node("a", 0, "a", "User", "", True)
    for node, kept in ((plain, plain), (granting, granting), (plain, granting)):
        assert graph.add(node) == "a"
        assert graph.nodes == {"a": kept}
    for grants, is_kept in ((False, False), (True, True), (False, True)):
        graph.link("a", "b", grants)
        assert graph.edges == {("a", "b"): is_kept}


def test_a_role_that_nobody_has_is_drawn_with_its_rules() -> None:
    system = role("", "system:x", ("get", "", "pods"))
    system["metadata"]["labels"] = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    objects = [
        READER,
        TEST,
        role("kikai", "idle", ("get", "", "pods"), ("list", "", "pods")),
        role("darbo", "far"),
    ]
    graph = rbac_graph(Policy.of([*objects, system]), namespace="kikai")
    assert [
        (found.kind, found.label, [rule.title for rule in rules])
        for found, rules in graph.unbound()
    ] == [("Role (nobody has it)", "kikai/idle", ["get · pods", "list · pods"])]
    assert list(rbac_graph(Policy.of(objects), who=subject("kikai/default")).unbound()) == []


def test_in_korean_the_boxes_say_in_korean_what_is_no_kind_of_kubernetes() -> None:
    objects = [
        READER,
        TEST,
        binding("kikai", "lost", "Role/gone", "kikai/bot"),
        role("kikai", "idle", ("get", "", "a")),
    ]
    with speaking():
        assert {
            *map(shown, (node.kind for node in rbac_graph(Policy.of(objects)).nodes.values()))
        } == {
            *(
                "Group",
                "ServiceAccount",
                "RoleBinding",
                "Role",
                "Role (바인딩 없음)",
                "Role (없음)",
                "규칙",
            )
        }
        folded = rbac_graph(Policy.of([READER, TEST]), fold=True).nodes.values()
        assert [shown(node.title) for node in folded if node.column == 3] == ["get · pods … 외 1개"]
