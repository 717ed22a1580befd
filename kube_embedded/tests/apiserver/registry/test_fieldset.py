from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kube_embedded.apiserver.registry.managed.fieldset import (
    ABSENT,
    Node,
    Shape,
    compare,
    difference_sets,
    intersection_sets,
    ordered,
    owned_by,
    paths,
    shape_of_struct,
    show_path,
    union_sets,
)
from kube_embedded.machinery.schema import schemas

SERVICE = shape_of_struct(schemas()["core.v1.Service"])

names = st.sampled_from(["f:a", "f:b", "f:c", "f:d", 'k:{"name":"x"}', 'k:{"name":"y"}'])


def holding(chosen: list[tuple[str, ...]]) -> Node:
    """The set of some paths."""
    wanted = set(chosen)

    def node(prefix: tuple[str, ...]) -> Node:
        depth = len(prefix)
        below = sorted(
            {path[depth] for path in wanted if len(path) > depth and path[:depth] == prefix}
        )
        made: Node = {name: node((*prefix, name)) for name in below}
        return {".": {}, **made} if made and prefix in wanted else made

    return node(())


sets = st.lists(st.lists(names, min_size=1, max_size=3).map(tuple), max_size=5).map(holding)


def members(node: Node) -> set[tuple[str, ...]]:
    return set(paths(node))


@given(sets, sets)
def test_the_algebra_is_that_of_sets_of_paths(left: Node, right: Node) -> None:
    assert members(union_sets(left, right)) == members(left) | members(right)
    assert members(difference_sets(left, right)) == members(left) - members(right)
    assert members(intersection_sets(left, right)) == members(left) & members(right)


@given(sets)
def test_order_changes_nothing(node: Node) -> None:
    assert ordered(node) == node


def service(**spec: Any) -> dict[str, Any]:
    return {"metadata": {}, "spec": spec, "status": {"loadBalancer": {}}}


def test_what_a_change_touches() -> None:
    before = service(ports=[{"port": 80, "protocol": "TCP"}], clusterIP="1", selector={"a": "b"})
    after = service(ports=[{"port": 81, "protocol": "TCP"}], clusterIP="2", selector={"a": "c"})
    set_, gone = compare(SERVICE, before, after)
    new, old = 'k:{"port":81,"protocol":"TCP"}', 'k:{"port":80,"protocol":"TCP"}'
    assert set_ == {
        "f:spec": {
            "f:ports": {new: {".": {}, "f:port": {}, "f:protocol": {}}},
            "f:clusterIP": {},
            "f:selector": {},
        }
    }
    assert gone == {"f:spec": {"f:ports": {old: {".": {}, "f:port": {}, "f:protocol": {}}}}}
    assert compare(SERVICE, before, before) == (None, None)


def test_something_from_nothing_owns_itself() -> None:
    set_, _ = compare(SERVICE.child("metadata").child("labels"), ABSENT, {"a": "1"})
    assert set_ == {".": {}, "f:a": {}}


def test_what_a_configuration_owns() -> None:
    config = {"metadata": {"labels": {"a": "1"}}, "spec": {"ports": [{"port": 80}], "selector": {}}}
    assert owned_by(SERVICE, config) == {
        "f:metadata": {"f:labels": {"f:a": {}}},
        "f:spec": {
            "f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}},
            "f:selector": {},
        },
    }


def test_paths_in_words() -> None:
    assert show_path(("f:spec", 'k:{"name":"main"}', "f:image")) == '.spec[name="main"].image'
    assert show_path(("f:finalizers", 'v:"x"')) == '.finalizers[="x"]'


def test_items_are_ordered_by_the_values_of_their_keys() -> None:
    node: Node = {
        'k:{"port":443,"protocol":"TCP"}': {},
        'k:{"port":80,"protocol":"UDP"}': {},
        'k:{"port":80,"protocol":"TCP"}': {},
        "v:10": {},
        "v:9": {},
        'v:"x"': {},
        "f:z": {},
        ".": {},
    }
    expected = [
        ".",
        "f:z",
        'k:{"port":80,"protocol":"TCP"}',
        'k:{"port":80,"protocol":"UDP"}',
        'k:{"port":443,"protocol":"TCP"}',
        "v:9",
        "v:10",
        'v:"x"',
    ]
    assert list(ordered(node)) == expected


def test_what_changes_in_a_set() -> None:
    of_texts = Shape("set")
    assert compare(of_texts, ["a", "b", "b"], ["b", "c"]) == (
        {'v:"b"': {}, 'v:"c"': {}},
        {'v:"a"': {}},
    )
    assert compare(of_texts, ["a", "b"], ["b", "a"]) == (None, None)
    assert compare(of_texts, ABSENT, ["a"]) == ({".": {}, 'v:"a"': {}}, None)
    assert compare(of_texts, ["a"], ABSENT) == (None, {".": {}, 'v:"a"': {}})
