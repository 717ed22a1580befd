"""Texts are English until they are shown in the learner's language; English reads no catalogue."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from kube_embedded.tests.support.some import some
from labkit.core import language
from labkit.core.display import Card, Row
from labkit.core.language import LANGUAGES, VARIABLES, listed, packed, said, shown, text, unpacked
from tests.support.languages import speaking

KOREAN = {
    "pod {name} is {state}": "{name} 파드의 상태: {state}",
    "{one} and {other}": "{one}, {other}",
    "Running": "실행 중",
    "seen": "결과",
}


@pytest.fixture
def korean() -> Iterator[None]:
    """A lab in Korean, with a catalogue of four messages."""
    with speaking(KOREAN):
        yield


def test_a_text_is_english_where_it_is_compared_and_stored(korean: None) -> None:
    said = text("pod {name} is {state}", "curl", text("Running"))
    assert said == "pod curl is Running"
    assert {"pod curl is Running": 1}[said] == 1
    assert json.loads(json.dumps([said])) == ["pod curl is Running"]


def test_a_text_is_translated_with_its_values_when_it_is_shown(korean: None) -> None:
    assert (
        shown(text("pod {name} is {state}", "curl", text("Running"))) == "curl 파드의 상태: 실행 중"
    )
    assert (
        shown(text("pod {name} is {state}", name="curl", state="Running"))
        == "curl 파드의 상태: Running"
    )


def test_only_a_text_is_translated(korean: None) -> None:
    """A learner's own word is not translated, even if labkit has the same word."""
    assert shown("Running") == "Running"
    assert shown(text("nothing of the catalogue")) == "nothing of the catalogue"


def test_the_parts_of_a_list_are_translated(korean: None) -> None:
    parts = [text("Running"), "curl", "test"]
    assert listed(parts) == "Running and curl and test"
    assert shown(listed(parts)) == "실행 중, curl, test"
    assert listed(parts, "; ") == "Running; curl; test"
    assert shown(listed(parts, "; ")) == "실행 중; curl; test"


def test_an_empty_part_leaves_no_separator() -> None:
    assert listed(["", "one", "", "other"], " ") == "one other"
    assert listed(["one", ""]) == "one"
    assert listed([], " ") == listed([""], ", ") == ""


def test_a_text_is_translated_after_it_was_stored_as_json(korean: None) -> None:
    said_before = {"seen": [text("pod {name} is {state}", "curl", text("Running")), "pod curl", 1]}
    stored = json.dumps(packed(said_before))
    assert unpacked(json.loads(stored)) == said_before
    assert shown(unpacked(json.loads(stored))["seen"][0]) == "curl 파드의 상태: 실행 중"
    assert unpacked(["Running"]) == ["Running"]


@pytest.mark.parametrize("parts", [{"text": 1, "values": {}}, {"text": "a", "values": [1]}])
def test_what_is_no_text_is_not_put_together(parts: object) -> None:
    with pytest.raises(TypeError):
        unpacked([parts])


def test_a_text_stays_itself_unless_it_is_given_values() -> None:
    made = text("{who} may {what}", "ann", "read")
    assert text(made) is made
    assert made.values == {"who": "ann", "what": "read"}
    again = text(text("{who} may {what}"), who="bob", what="write")
    assert again == "bob may write"
    assert again.values == {"who": "bob", "what": "write"}


def test_a_text_without_values_can_be_given_some(korean: None) -> None:
    named = text("pod {name} is {state}")
    assert named == "pod {name} is {state}"
    assert text(named, "curl", "Running") == "pod curl is Running"
    assert said(named, "curl", text("Running")) == "curl 파드의 상태: 실행 중"


def test_braces_that_name_no_value_stay() -> None:
    assert text('predict("{step}", {"kikai": "…"})', "W19") == 'predict("W19", {"kikai": "…"})'
    assert text("{kind: ServiceAccount, name: …}") == "{kind: ServiceAccount, name: …}"


def test_a_value_too_few_is_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        text("pod {name} is {state}", "curl")


def test_a_text_outlives_a_way_between_processes(korean: None) -> None:
    said = pickle.loads(pickle.dumps(text("pod {name} is {state}", "curl", text("Running"))))
    assert shown(said) == "curl 파드의 상태: 실행 중"


def test_a_card_shows_its_texts_and_aligns_wide_letters(korean: None) -> None:
    card = Card(
        text("pod {name} is {state}", "curl", "Pending"),
        "bad",
        [Row(text("seen"), "x"), Row("url", "y")],
    )
    assert card.text().splitlines() == ["✘ curl 파드의 상태: Pending", "  결과  x", "  url   y"]
    assert "curl 파드의 상태: Pending</strong>" in card.html()
    assert ">결과</span></th>" in card.html()


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({}, "en"),
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8", "LC_MESSAGES": "ko"}, "ko"),
        ({"LANG": "ko_KR.UTF-8", "LABKIT_LANG": "en"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LABKIT_LANG": "ko"}, "ko"),
    ],
)
def test_the_environment_names_the_language(
    environment: dict[str, str], code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in some(VARIABLES):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language.language() == code


def test_the_lab_names_a_language_before_the_environment(
    korean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_LANG", "en")
    assert language.language() == "ko"


def test_english_reads_no_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(name: str) -> str:
        raise AssertionError(f"{name} was read")

    monkeypatch.setattr(language, "read", read)
    language._catalogue.cache_clear()
    assert shown(text("pod {name} is {state}", "curl", "Running")) == "pod curl is Running"


def test_a_site_that_does_not_answer_leaves_english(monkeypatch: pytest.MonkeyPatch) -> None:
    with speaking(KOREAN), monkeypatch.context() as patch:
        patch.setattr(language, "read", lambda _name: "")
        assert shown(text("Running")) == "Running"


def test_each_language_has_its_catalogue() -> None:
    folder = Path(language.__file__).with_name("languages")
    others = set(LANGUAGES) - {"en"}
    assert {file.stem for file in folder.glob("*.json")} == others
