"""Differences are found at any depth, and accepted only if they are listed."""

from __future__ import annotations

from kube_embedded.tests.support.some import some
from tests.parity.accepted import Accepted, Agreement, LeftOut
from tests.parity.compare import ABSENT, Difference, differences, reduced
from tests.parity.model import Answer, Step, lookup
from tests.parity.replay import holds

STEP = Step(
    "x/001",
    {"as": "admin", "method": "GET", "path": "/"},
    {"status": 200, "headers": {}, "body": {}},
)


def found(expected: object, got: object) -> list[tuple[str, object, object]]:
    one = {"status": 200, "headers": {}, "body": expected}
    other = {"status": 200, "headers": {}, "body": got}
    return [(item.path, item.expected, item.got) for item in differences("x/001", one, other)]


def test_equal_bodies_do_not_differ() -> None:
    assert found({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}) == []


def test_the_deepest_place_is_named() -> None:
    assert found({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == [("a.1.b", 2, 3)]


def test_missing_and_additional_fields_differ() -> None:
    assert found({"a": 1}, {"b": 1}) == [("a", 1, ABSENT), ("b", ABSENT, 1)]


def test_lists_of_different_length_differ_as_a_whole() -> None:
    assert found([1], [1, 2]) == [("", [1], [1, 2])]


def test_true_is_not_one_and_null_is_not_missing() -> None:
    assert found({"a": 1}, {"a": True}) == [("a", 1, True)]
    assert found({"a": None}, {}) == [("a", None, ABSENT)]


def test_status_and_headers_differ_too() -> None:
    one = {"status": 200, "headers": {"warning": "x"}, "body": ""}
    other = {"status": 403, "headers": {"allow": "GET"}, "body": ""}
    aspects = [(item.aspect, item.path) for item in differences("x", one, other)]
    assert aspects == [("status", ""), ("headers", "allow"), ("headers", "warning")]


def test_only_keeps_the_named_paths_and_null_for_missing_ones() -> None:
    step = Step("x/1", STEP.request, only=("kind", "items.1.metadata.name"))
    answer = Answer(
        200, {"content-type": "application/json", "date": "now"}, b'{"kind":"L","items":[{}]}'
    )
    got = reduced(step, answer, {})
    assert got["body"] == {"kind": "L", "items.1.metadata.name": None}
    assert got["headers"] == {"content-type": "application/json"}


def test_lookup_finds_keys_with_dots() -> None:
    assert lookup({"data": {"ca.crt": "pem"}}, "data.ca.crt") == "pem"
    assert lookup({"data": {}}, "data.ca.crt") is None


def test_wait_holds_only_when_status_and_paths_do() -> None:
    answer = Answer(200, {"content-type": "application/json"}, b'{"a":{"b":1}}')
    assert holds({}, answer)
    assert holds({"status": 200, "a.b": 1, "a.c": None}, answer)
    assert not holds({"a.b": 2}, answer)
    assert not holds({"status": 404}, answer)


def test_accepted_covers_its_step_aspect_and_pattern_only() -> None:
    entry = Accepted("x/001", "body", "items.*.name", "because")
    assert entry.covers(Difference("x/001", "body", "items.3.name", 1, 2))
    assert not entry.covers(Difference("x/001", "body", "items", 1, 2))
    assert not entry.covers(Difference("x/002", "body", "items.3.name", 1, 2))
    assert not entry.covers(Difference("x/001", "status", "items.3.name", 1, 2))


def test_an_entry_that_no_longer_differs_is_reported() -> None:
    agreement = Agreement((Accepted("x/001", "body", "a", "because"),), ())
    assert agreement.outdated([], "x/")
    assert not agreement.outdated([Difference("x/001", "body", "a", 1, 2)], "x/")
    assert not agreement.outdated([], "y/")


def test_left_out_things_are_taken_from_the_recording() -> None:
    agreement = Agreement(
        (), (LeftOut("group", ("node.k8s.io",), "w"), LeftOut("resource", ("v1/bindings",), "w"))
    )
    groups = {"kind": "APIGroupList", "groups": [{"name": "apps"}, {"name": "node.k8s.io"}]}
    assert agreement.without_left_out(groups)["groups"] == [{"name": "apps"}]
    core = {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [{"name": "pods"}, {"name": "bindings"}],
    }
    assert agreement.without_left_out(core)["resources"] == [{"name": "pods"}]
    root = {"paths": ["/api", "/apis/apps", "/apis/node.k8s.io", "/apis/node.k8s.io/v1"]}
    assert agreement.without_left_out(root)["paths"] == ["/api", "/apis/apps"]
    assert agreement.without_left_out({"kind": "PodList", "items": []}) == {
        "kind": "PodList",
        "items": [],
    }


def test_every_entry_of_the_file_says_why() -> None:
    agreement = Agreement.read()
    reasons = [entry.why for entry in agreement.accepted] + [
        entry.why for entry in agreement.left_out
    ]
    assert all(len(reason.split()) >= 3 for reason in some(reasons))
