"""A class in another language: its pages, questions, refusals and output."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser

import pytest

from kube_embedded.tests.support.some import some
from labkit.classroom import limits, questions, server
from tests.classroom.room import Room, outcome
from tests.support.korean import HANGUL
from tests.support.languages import outside_brackets, pseudo, speaking
from tests.ui.test_translations import untranslated
from tools.texts import IN_SCRIPT


@pytest.fixture
def in_brackets() -> Iterator[None]:
    with speaking(pseudo()):
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
    shown = re.sub("(?s)<script.*?</script>", "", page)
    found = [each.strip() for each in Texts(shown).found if re.search("[A-Za-z]{2}", each)]
    assert found == (["CSV"] if path == "/board" else [])
    assert page.count("⟦⟧") > 8


@pytest.mark.parametrize("path", ["/vote.js", "/board.js", "/class.js"])
def test_a_script_shows_no_text_that_is_not_translated(
    room: Room, in_brackets: None, path: str
) -> None:
    script = room.call("GET", path)[1]
    page = "".join(room.call("GET", each)[1] for each in ("/vote", "/board"))
    words = {
        english: translation
        for block in some(re.findall('id="words">(.*?)</script>', page))
        for english, translation in json.loads(block).items()
    }
    assert {each for each in some(IN_SCRIPT.findall(script)) if "⟦" not in words[each]} == set()
    assert {*untranslated((server.STATIC / path[1:]).read_text(encoding="utf-8"))} <= {
        "DELETE",
        "Error",
    }


def test_in_english_the_pages_are_as_they_were(room: Room) -> None:
    assert "<title>Answer the class's question</title>" in unescape(room.call("GET", "/vote")[1])
    assert 'id="words">{}</script>' in room.call("GET", "/vote")[1]


def test_every_question_is_translated(in_brackets: None) -> None:
    for group, titles in some(questions.catalogue().items()):
        assert not outside_brackets(group)
        for source in titles:
            question = questions.find(source)
            texts = [question["ask"], *question["because"].split("\n")]
            texts += [
                idea[part]
                for ideas in question["ideas"].values()
                for idea in ideas
                for part in ("idea", "say")
            ]
            assert [text for text in texts if text and "⟦" not in text] == [], source


def test_in_english_the_options_are_as_they_were() -> None:
    assert questions.find("W17")["options"] == [
        "200, allowed",
        "403, forbidden",
        "401, unauthorized",
    ]


def test_the_board_is_in_korean(room: Room) -> None:
    with speaking():
        assert room.join(1)[1]["name"] == "학습자 1"
        assert room.send(1, outcome(1, "W2", "failed", "one-refusal-for-all"))[0] == 200
        seen = room.seen()
        (mistake,) = seen["mistakes"]
        assert all(
            HANGUL.search(each) for each in (mistake["name"], mistake["say"], mistake["idea"])
        )
        assert HANGUL.search(seen["learners"][0]["stuck"]["mistake"])


def test_every_refusal_is_translated(in_brackets: None) -> None:
    for name in some([*limits.REFUSALS]):
        refusal = limits.Refusal(name, most=7, letters=8)
        assert "⟦" in refusal.what, refusal.what
        assert "⟦" in refusal.todo, refusal.todo
        assert "{" not in f"{refusal.what}{refusal.todo}"
