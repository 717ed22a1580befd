from __future__ import annotations

import json
from typing import Any

import pytest

from kube_embedded.apiserver.handlers.decode.patches import json_patch
from kube_embedded.apiserver.handlers.decode.patches.json_patch import Inapplicable, JsonPatch


def patched(document: Any, *operations: dict[str, Any]) -> Any:
    patch = JsonPatch(document)
    for operation in operations:
        patch.apply(operation)
    return patch.document


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        ({"op": "replace", "path": "/z", "value": 1}, {"a": [1, 2], "z": 1}),
        ({"op": "replace", "path": "", "value": {"b": 1}}, {"b": 1}),
        ({"op": "replace", "path": "/a/-1", "value": 3}, {"a": [1, 3]}),
        ({"op": "copy", "from": "/z", "path": "/y"}, {"a": [1, 2], "y": None}),
        ({"op": "copy", "from": "/a", "path": "/a/0"}, {"a": [[1, 2], 1, 2]}),
        ({"op": "move", "from": "/a/0", "path": "/a/-"}, {"a": [2, 1]}),
        ({"op": "remove", "path": "/a/+0"}, {"a": [2]}),
        ({"op": "add", "path": "/a/-1", "value": 3}, {"a": [1, 2, 3]}),
        ({"op": "add", "path": "/x~1y~0", "value": 3}, {"a": [1, 2], "x/y~": 3}),
        ({"op": "add", "path": "anything/x"}, {"a": [1, 2], "x": None}),
        ({"op": "test", "path": "/z"}, {"a": [1, 2]}),
        ({"op": "test", "path": "/a", "value": [1, 2]}, {"a": [1, 2]}),
        ({"op": "test", "path": "", "value": {"a": [1, 2]}}, {"a": [1, 2]}),
    ],
)
def test_operations(operation: dict[str, Any], result: Any) -> None:
    assert patched({"a": [1, 2]}, operation) == result


@pytest.mark.parametrize(
    ("value", "equal"),
    [
        ({"b": 1, "c": [{"d": 2}]}, True),
        ({"c": [{"d": 2}], "b": 1}, True),
        ({"b": 1, "c": [{"d": 3}]}, False),
        ({"b": 2, "c": [{"d": 2}]}, False),
        ({"b": 1, "c": [{"d": 2}, 1]}, False),
        ({"b": 1}, False),
        ({"b": 1, "c": [{"d": 2}], "e": 1}, False),
    ],
)
def test_objects_are_compared_in_all_of_their_fields(value: Any, equal: bool) -> None:
    document = {"a": {"b": 1, "c": [{"d": 2}]}}
    operation = {"op": "test", "path": "/a", "value": value}
    if equal:
        assert patched(document, operation) == document
    else:
        with pytest.raises(Inapplicable):
            patched(document, operation)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/z"},
        {"op": "remove", "path": "/a/2"},
        {"op": "remove", "path": "/a/-3"},
        {"op": "remove", "path": ""},
        {"op": "replace", "path": "", "value": 5},
        {"op": "replace", "path": "/a/2", "value": 5},
        {"op": "move", "from": "/z", "path": "/y"},
        {"op": "add", "path": "/z/y", "value": 1},
        {"op": "add", "path": "/a/x", "value": 1},
        {"op": "add", "path": "/a/1_0", "value": 1},
        {"op": "add", "path": "a", "value": 1},
        {"op": "add", "value": 1},
        {"op": "test", "path": "/a", "value": [1.0, 2]},
        {"op": "test", "path": "/a/0", "value": True},
        {"op": "test", "path": "/a/0/b"},
        {"op": "other", "path": "/a"},
        {"path": "/a"},
    ],
)
def test_refusals(operation: dict[str, Any]) -> None:
    with pytest.raises(Inapplicable):
        patched({"a": [1, 2]}, operation)


def test_a_place_of_many_digits_is_none() -> None:
    with pytest.raises(Inapplicable):
        patched({"a": [1]}, {"op": "add", "path": "/a/" + "1" * 5000, "value": 1})


def test_copies_are_limited_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_patch, "MAX_COPIED_BYTES", 10)
    copy = {"op": "copy", "from": "/a", "path": "/b"}
    assert patched({"a": "xyz"}, copy, copy) == {"a": "xyz", "b": "xyz"}
    with pytest.raises(Inapplicable):
        patched({"a": "xyz"}, copy, copy, copy)


def test_what_was_looked_into_is_written_by_name() -> None:
    document = {
        "z": {"b": {"d": 1, "c": 2}, "a": 1},
        "list": [{"y": 1, "x": 2}, {"y": 1, "x": 2}],
        "kept": {"b": 1, "a": 2},
    }
    patch = JsonPatch(document)
    patch.apply({"op": "add", "path": "/z/e", "value": 1})
    patch.apply({"op": "test", "path": "/list/1", "value": {"x": 2, "y": 1}})
    written = json.dumps(patch.written(), separators=(",", ":"))
    assert written == (
        '{"kept":{"b":1,"a":2},"list":[{"y":1,"x":2},{"x":2,"y":1}],"z":{"a":1,"b":{"d":1,"c":2},"e":1}}'
    )
