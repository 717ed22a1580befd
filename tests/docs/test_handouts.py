"""The handout and the cheat sheet agree with the lab. ``tests/browser/test_handouts.py`` prints them."""

from __future__ import annotations

import html
import re
from pathlib import Path

from kube_embedded.tests.support.some import some
from labkit.lessons import STEPS
from labkit.lessons.mistakes import mistakes
from labkit.lessons.talk import talks
from tools import handouts


def text(page: str) -> str:
    body = re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def plain(said: str) -> str:
    return " ".join(said.replace("`", " ").split())


def test_the_handout_has_every_question_and_no_answer() -> None:
    page = text(handouts.pages()["handout.html"])
    for step, talk in some(list(talks().items())):
        assert f"{step} {plain(talk.ask)}" in page
        assert plain(talk.answer) not in page


def test_the_cheat_sheet_has_words_commands_and_ideas_of_the_lab() -> None:
    source = handouts.pages()["cheat-sheet.html"]
    page = text(source)
    for step in some(handouts.COMMANDS):
        assert f"{STEPS[step].title} {step} {STEPS[step].kubectl.splitlines()[0]}" in page
    for name in some(handouts.IDEAS):
        assert f"{plain(mistakes()[name].idea)} {plain(mistakes()[name].says)}" in page
        assert "{" not in mistakes()[name].says, "it is about one learner"
    assert "role binding WHO gets a role, in the namespace where the binding lies" in page
    assert "you are here" not in source


def test_they_are_written_and_ask_for_nothing(tmp_path: Path) -> None:
    assert handouts.main(["--out", str(tmp_path / "new")]) == 0
    for name, page in handouts.pages().items():
        assert (tmp_path / "new" / name).read_text(encoding="utf-8") == page
        assert not re.search(r"(?:src|href)=\"(?!data:)|url\(|@import", page)
