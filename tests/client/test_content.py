"""Request bodies are encoded and response bodies decoded."""

from __future__ import annotations

import pytest

from labkit.client import content


@pytest.mark.parametrize(
    ("path", "query", "whole"),
    [
        ("/a", None, "/a"),
        ("/a", {}, "/a"),
        ("/a", {"x": "1 2"}, "/a?x=1+2"),
        ("/a?y=1", {"x": "2"}, "/a?y=1&x=2"),
    ],
)
def test_a_query_is_joined_to_a_path_that_may_have_one(
    path: str, query: dict[str, str] | None, whole: str
) -> None:
    assert content.with_query(path, query) == whole


@pytest.mark.parametrize(
    ("body", "sent"),
    [(None, None), (b"raw", b"raw"), ("text", b"text"), ({"a": 1}, b'{"a": 1}'), ([], b"[]")],
)
def test_what_is_sent(body: object, sent: bytes | None) -> None:
    assert content.encode(body) == sent


def test_a_patch_is_told_by_its_shape() -> None:
    assert content.content_type("POST", {}) == "application/json"
    assert content.content_type("PATCH", {}) == "application/merge-patch+json"
    assert content.content_type("PATCH", []) == "application/json-patch+json"


@pytest.mark.parametrize(
    ("data", "content_type", "body"),
    [
        (b'{"a": 1}', "application/json", {"a": 1}),
        (b'{"a": 1}', "text/plain", '{"a": 1}'),
        (b"{cut", "application/json", "{cut"),
        (b"\xff", "text/plain", "\ufffd"),
    ],
)
def test_what_comes_back(data: bytes, content_type: str, body: object) -> None:
    assert content.decode(data, content_type) == body
