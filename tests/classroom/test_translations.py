"""A class in another language: its pages, questions, refusals and output."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from labkit.classroom import limits, questions, server
from labkit.core import language
from labkit.core.language import IN_SCRIPT
from tests.classroom.room import Room, outcome
from tests.support.korean import HANGUL
from tests.support.languages import pseudo, pseudo_sentences, speaking
from tests.support.some import some
from tests.ui.test_translations import untranslated


@pytest.fixture
def in_brackets() -> Iterator[None]:
    with speaking(pseudo(), pseudo_sentences()):
        yield


class Texts(HTMLParser):
    """Return the text that a page of HTML shows or reads aloud."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [
            value or ""
            for name, value in attrs
            if name in ("alt", "aria-label", "title", "placeholder")
        ]

    def handle_data(self, data: str) -> None:
        self.found.append(data)


@pytest.mark.parametrize("path", ["/vote", "/board"])
def test_a_page_shows_no_text_that_is_not_translated(
    room: Room, in_brackets: None, path: str
) -> None:
    page = room.call("GET", path)[1]
    assert '<html lang="ko">' in page
    found = [each.strip() for each in Texts(page).found if re.search("[A-Za-z]{2}", each)]
    assert found == (["CSV"] if path == "/board" else [])
    assert page.count("⟦⟧") > 8


@pytest.mark.parametrize("path", ["/vote.js", "/board.js", "/class.js"])
def test_a_script_shows_no_text_that_is_not_translated(
    room: Room, in_brackets: None, path: str
) -> None:
    script = room.call("GET", path)[1]
    assert [
        each for each in some(IN_SCRIPT.findall(script)) if not re.fullmatch("⟦.*⟧", each)
    ] == []
    assert {*untranslated((server.STATIC / path[1:]).read_text(encoding="utf-8"))} <= {
        "DELETE",
        "Error",
    }


def test_in_english_the_pages_are_as_they_were(room: Room) -> None:
    assert "<title>Answer the class's question</title>" in room.call("GET", "/vote")[1]
    assert 't("Sending …")' in room.call("GET", "/vote.js")[1]


def test_a_translation_can_stand_in_a_script_and_an_attribute() -> None:
    known = language._catalogue("ko", "-sentences")
    for file in some(sorted(server.STATIC.iterdir())):
        for english in IN_SCRIPT.findall(file.read_text(encoding="utf-8")):
            assert not re.search(r'["\\<>&]', known[english]), known[english]


def test_every_question_is_asked_in_korean() -> None:
    language.use("ko")
    try:
        for group, titles in some(questions.catalogue().items()):
            assert HANGUL.search(group)
            for source in titles:
                asked = questions.find(source)
                said = [asked["ask"], *asked["because"].split("\n")]
                said += [
                    idea[part]
                    for ideas in asked["ideas"].values()
                    for idea in ideas
                    for part in ("idea", "say")
                ]
                assert [each for each in said if each and not HANGUL.search(each)] == [], source
    finally:
        language.use("")
    assert questions.find("W17")["options"] == [
        "200, allowed",
        "403, forbidden",
        "401, unauthorized",
    ]


def test_what_the_board_shows_and_what_is_refused_is_in_korean(room: Room) -> None:
    language.use("ko")
    try:
        assert room.join(1)[1]["name"] == "학습자 1"
        assert room.send(1, outcome(1, "W2", "failed", "one-refusal-for-all"))[0] == 200
        seen = room.seen()
        (mistake,) = seen["mistakes"]
        assert all(
            HANGUL.search(each) for each in (mistake["name"], mistake["say"], mistake["idea"])
        )
        assert HANGUL.search(seen["learners"][0]["stuck"]["mistake"])
        for name in some([*limits.REFUSALS]):
            refusal = limits.Refusal(name, most=7, letters=8)
            assert HANGUL.search(refusal.what), refusal.what
            assert HANGUL.search(refusal.todo), refusal.todo
            assert "{" not in f"{refusal.what}{refusal.todo}"
    finally:
        language.use("")
