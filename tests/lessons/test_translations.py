"""Checks, hints and questions in another language: every message has a translation, in one style."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Message

from kube_embedded.tests.support.some import some
from labkit import lessons
from labkit.core import language
from labkit.core.language import shown, text
from labkit.grading.tasks.task import texts as task_texts
from labkit.lessons.asides import ASIDES
from labkit.lessons.mistakes import mistakes
from labkit.lessons.predictions import ALLOWED, FORBIDDEN, UNAUTHORIZED
from labkit.practice import review
from tests.lessons.paper import SCENARIOS, Paper
from tests.lessons.test_paper import OUTCOMES
from tests.support.korean import (
    HANGUL,
    placeholders,
    stray_asterisks,
    untranslated_terms,
    wrong_endings,
    wrong_forms,
    wrong_particles,
    wrong_plain_endings,
)
from tests.support.languages import pseudo, speaking
from tools import catalogues, texts

VERDICTS = rf"(?:40[13] )?(?:{ALLOWED}|{FORBIDDEN}|{UNAUTHORIZED})"
IN_ENGLISH = re.compile(rf"{VERDICTS}|(?:[\w/*= ]+: (?:{VERDICTS}|\w+)(?:; )?)+\.?")
"""What stays as it is: a prediction's names, and their verdicts."""
AS_THEY_ARE = {
    *("other", "question"),  # a learner's own question
    *("label", "kikai", "darbo", "volumes", "guess", "real"),  # a prediction's names and words
    *(
        "output",
        "command",
        "request",
        "said",
        "binding",
        "subjects",
        "role",
    ),  # of programs, the server and the cluster
}
"""The names of values that stay as they are, and may have several words."""


@cache
def korean() -> dict[str, Any]:
    return {
        room: catalogues.read(catalogues.path("ko", room).read_text(encoding="utf-8"))
        for room in texts.ROOMS
    }


def translations(*rooms: str) -> list[tuple[str, str]]:
    """Return the translated texts of some rooms, or of all, in English and Korean."""
    chosen = [korean()[room] for room in rooms or texts.ROOMS]
    found = [message for room in some(chosen) for message in some(catalogues.messages(room))]
    return [
        (str(message.id), str(message.string))
        for message in found
        if message.string and not message.fuzzy
    ]


@pytest.fixture
def in_brackets() -> Iterator[None]:
    with speaking(pseudo()):
        yield


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_pseudo_language_leaves_no_verdict_untouched(
    name: str, tmp_path: Path, in_brackets: None
) -> None:
    paper = Paper(tmp_path)
    SCENARIOS[name](paper)
    outcome = paper.check(name.partition("_")[0].upper())
    headline = repr(outcome).splitlines()[0]
    assert headline.count("⟦") == headline.count("⟧") >= 2, headline
    for english in filter(None, (outcome.seen, outcome.expected, outcome.hint)):
        said = shown(english)
        touched = said.startswith("⟦") and said.endswith("⟧")
        assert touched or IN_ENGLISH.fullmatch(said) or is_error(said), said
        assert {*in_english(english)} <= AS_THEY_ARE


def in_english(said: str) -> Iterator[str]:
    """Yield the names of a text's values that are sentences or words of English."""
    for name, value in said.values.items() if isinstance(said, language.Text) else ():
        if isinstance(value, language.Text):
            yield from in_english(value)
        elif isinstance(value, str) and re.search(r"[a-z]+ [a-z]+", value):
            yield name


def is_error(said: str) -> bool:
    """Return whether a text is an error about a learner's own file or call; errors are in English."""
    return (
        re.match(r"(Question \d+: |The |There |Did you mean |It is |Look at |Declare )", said)
        is not None
    )


def test_a_pseudo_language_leaves_no_hint_and_no_reply_untouched(in_brackets: None) -> None:
    for step in some([*lessons.STEPS.values(), *ASIDES.values()]):
        for said in (step.title, *step.hints):
            assert shown(said) == "⟦⟧", said
    for lesson in some(lessons.LESSONS):
        assert shown(lesson.title) == shown(lesson.subtitle) == "⟦⟧"
    for mistake in some(mistakes().values()):
        assert shown(text(mistake.name)) == "⟦⟧"
    for fact in some(review.facts()):
        for said in (fact.ask, *(part for pair in fact.answers for part in pair)):
            assert shown(said) == "⟦⟧", said


def test_what_is_kept_of_a_verdict_is_english(tmp_path: Path, in_brackets: None) -> None:
    paper = Paper(tmp_path)
    SCENARIOS["w1_port"](paper)
    paper.check("W1")
    entry = paper.progress.entry("W1")
    assert entry["seen"] == "you recorded 127.0.0.1:6444"
    assert (entry["state"], entry["kind"]) == ("failed", "address-elsewhere")


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_verdict_is_that_of_the_english_lab(name: str, tmp_path: Path) -> None:
    with speaking():
        paper = Paper(tmp_path)
        SCENARIOS[name](paper)
        lines = repr(paper.check(name.partition("_")[0].upper())).splitlines()
    english = [line for line in OUTCOMES[name] if not line.startswith("rests on")]
    assert lines[0].split()[:2] == english[0].split()[:2], "the symbol of the state, and the step"
    assert len(lines) == len(english)
    assert HANGUL.search(lines[0])


def test_a_text_has_one_translation_in_all_rooms() -> None:
    known: dict[str, str] = {}
    for english, translation in translations():
        assert known.setdefault(english, translation) == translation, english


def test_a_translation_has_the_values_of_its_text() -> None:
    assert [one for one, other in translations() if placeholders(one) != placeholders(other)] == []


@pytest.mark.parametrize(
    ("check", "red"),
    [
        (
            wrong_forms,
            [
                "롤 바인딩이 있다.",
                "{name}은 없다.",
                "“{name}”을 예측했다.",
                'lab.rewind("{step}")를 실행한다.',
            ],
        ),
        (wrong_particles, ["롤를 생성한다.", "kikai은 이름이다."]),
        (
            wrong_plain_endings,
            ["롤을 생성합니다.", "롤을 생성하세요.", "누구입니까?", "롤이 있음. 다음이다."],
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_wrong_text_is_found(check: Any, red: list[str]) -> None:
    for each in red:
        assert check(each), each


@pytest.mark.parametrize("check", [wrong_forms, wrong_particles])
def test_the_texts_keep_the_rules(check: Any) -> None:
    assert {
        english: wrong for english, translation in translations() if (wrong := check(translation))
    } == {}


def test_the_rooms_speak_plainly_and_the_exercises_as_the_lessons() -> None:
    plain = [room for room in texts.ROOMS if room != "exercises"]
    assert {
        one: wrong for one, other in translations(*plain) if (wrong := wrong_plain_endings(other))
    } == {}
    assert {
        one: wrong for one, other in translations("exercises") if (wrong := wrong_endings(other))
    } == {}


def test_a_task_is_a_request_and_names_what_the_english_one_names() -> None:
    known = dict(translations("exercises"))
    tasks = [str(task["text"]) for task in some(task_texts().values()) if "text" in task]
    for task in some([known[task] for task in tasks if task in known]):
        assert re.search(r"보세요|마세요", task), task
    for english, translation in known.items():
        assert stray_asterisks(translation) == []
        named = set(re.findall(r"`[^`\n]+`", english))
        assert {each for each in named if each not in translation} == set(), translation


def test_a_term_of_the_english_text_is_the_same_term_in_korean() -> None:
    """A field's name can replace the term, such as subjects. The subject of a lesson is not a binding's subject."""
    found = {}
    for english, translation in translations():
        plain = translation.lower().replace(" ", "")
        lacking = untranslated_terms(
            re.sub("subject here|steps' subject", "topic", english), translation
        )
        if lacking := [each for each in lacking if each.lower().replace(" ", "") not in plain]:
            found[english] = lacking
    assert found == {}


def test_every_text_has_a_value_for_each_name() -> None:
    for file in some(sorted(texts.PACKAGE.rglob("*.py"))):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match call:
                case ast.Call(ast.Name("text"), [ast.Constant(str(template)), *values]) if values:
                    assert len(placeholders(template)) == len(values), (file.name, call.lineno)


def test_the_texts_of_a_module_are_found() -> None:
    source = 'hint = text("one {name}", name)\nfailed("kind", "seen" if ok else text("other"), f"{x}", "hint")\nprint("no")'
    assert list(texts.in_module(source)) == ["one {name}", "seen", "hint", "other"]
    source = 'raise UsageError(f"{x}", why="why", todo="todo")'
    assert list(texts.in_module(source)) == ["why", "todo"]


def test_a_changed_english_text_is_fuzzy_and_shown_in_english() -> None:
    before = catalogues.read('msgid "The server speaks TLS only."\nmsgstr "서버는 TLS만 쓴다."\n')
    before.add("the core group", "코어 그룹")
    english = catalogues.template_of_page("The server speaks TLS alone.\n\nthe core group")
    before.update(english)
    (fuzzy,) = [message for message in catalogues.messages(before) if message.fuzzy]
    assert isinstance(fuzzy, Message)
    assert HANGUL.search(str(fuzzy.string))
    assert json.loads(catalogues.compiled([before])) == {"the core group": "코어 그룹"}
