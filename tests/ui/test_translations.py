"""Widgets and cards in another language: each text that they show is translated."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kube_embedded.tests.support.some import some
from labkit.client.client import Client
from labkit.client.manifests import Applied, AppliedObject
from labkit.core import language
from labkit.core.errors import UsageError, near
from labkit.lab.policy import PolicyTests
from labkit.lab.sources import objects_of
from labkit.lessons.library import library
from labkit.lessons.predictions import decisions
from labkit.lessons.progress import Progress
from labkit.practice import keeping
from labkit.ui import AccessMatrix, Board, MutantWall, RBACGraph, StartPanel, XRay
from labkit.ui.base import STATIC, LabWidget
from tests.lessons.policy_questions import TWO
from tests.rbac.conftest import api
from tests.support.languages import pseudo, speaking
from tools.texts import IN_SCRIPT

__all__ = ["api"]


@pytest.fixture
def in_brackets() -> Iterator[None]:
    with speaking(pseudo()):
        yield


def lab_of(progress: Progress) -> Any:
    return SimpleNamespace(progress=progress)


def widgets(api: Client, home: Path) -> Iterator[LabWidget]:
    """Yield one widget of each kind, except those that need a pod."""
    matrix = AccessMatrix(api, ["darbo/default"], ["list services", "list nodes"], "kikai")
    matrix.act("explain", row=0, column=0)
    yield matrix
    yield Board(lab_of(Progress(home / "progress.json")))
    yield MutantWall(PolicyTests(SimpleNamespace(), objects_of("04-roles", library())), TWO)  # type: ignore[arg-type]  # uses no lab
    yield RBACGraph(api, who="nobody/here", request="list pods")
    yield StartPanel(home=home)
    yield XRay(api.get("/api/v1/namespaces/nowhere/pods/none"), api)


def test_in_english_a_widget_has_no_words_of_another_language(api: Client, tmp_path: Path) -> None:
    for widget in widgets(api, tmp_path):
        assert widget.words == {}


def test_every_text_of_a_script_has_its_translation(
    api: Client, tmp_path: Path, in_brackets: None
) -> None:
    for widget in widgets(api, tmp_path):
        assert len(widget.words) > 20
        assert {word for word in widget.words.values() if not re.fullmatch("⟦.*⟧", word)} == set()


NO_TEXTS = ("ArrowDown", "ArrowUp", "Escape", "GET", "POST", "PUT", "StartPanel(kubeconfig=…)")
"""Keys, methods and code."""


def untranslated(script: str) -> list[str]:
    """Return a script's untranslated texts that begin with a capital or a symbol, or have several words."""
    source = re.sub(r"/\*[\s\S]*?\*/|^\s*//.*|; //.*", "", script, flags=re.MULTILINE)
    plain = re.findall(r'(?:\(|, |: |\? |= )"([A-Z✓✕●○•⇄⇅][^"]*)"', IN_SCRIPT.sub("", source))
    literals = re.findall(
        r"(?:\(|, |: |\? |= )`([^`]*[a-z]{2} [a-z]{2}[^`]*)`", re.sub(r"class: `[^`]*`", "", source)
    )
    return [
        each for each in plain + literals if re.search("[A-Za-z]{2}", each) and each not in NO_TEXTS
    ]


def test_the_panel_says_all_in_the_language_that_is_chosen(tmp_path: Path) -> None:
    panel = StartPanel(home=tmp_path)
    try:
        panel.act("speak", language="ko")
        assert panel.words["Language "] == "언어(Language) "
        assert panel.data["backends"][0]["about"].endswith("다.")
        assert panel.notice.endswith(": ko")
        panel.act("speak", language="en")
        assert (panel.words, panel.notice) == ({}, "")
        assert panel.data["backends"][0]["about"].startswith("The lab's own")
    finally:
        language.use("")


def test_a_script_shows_no_text_that_is_not_translated() -> None:
    assert untranslated(
        'h("p", {}, "Not translated"); h("p", {}, t("Translated")); // "No text"'
    ) == ["Not translated"]
    assert untranslated("show(`it has failed: ${error}`, `${count} have failed`)") == [
        "it has failed: ${error}",
        "${count} have failed",
    ]
    for script in some(sorted(STATIC.glob("*.js"))):
        texts_of_the_pool = keeping.SAID if script.stem == "drill" else ()
        assert {*untranslated(script.read_text(encoding="utf-8"))} == {*texts_of_the_pool}, script


def test_a_style_says_nothing() -> None:
    for style in some(sorted(STATIC.glob("*.css"))):
        assert re.findall(r'content: "[^"]*[A-Za-z]', style.read_text(encoding="utf-8")) == [], (
            style
        )


def test_a_widget_shows_translated_data(api: Client, tmp_path: Path, in_brackets: None) -> None:
    for widget in widgets(api, tmp_path):
        data = json.dumps(widget.data, ensure_ascii=False)
        assert "⟦" in data, type(widget)
        assert "⟦" in widget.as_text()
        assert "⟦" in widget.as_html()


def test_a_card_has_translated_labels_and_texts(api: Client, in_brackets: None) -> None:
    lines = repr(api.get("/api/v1/namespaces")).splitlines()
    assert lines[0] == "✔ ⟦200 ⟦⟧⟧"
    assert lines[1].startswith("  ⟦⟧  ⟦")
    applied = Applied((AppliedObject("Role", "kikai/reader", "created"),))
    assert repr(applied).splitlines() == ["✔ ⟦1⟧", "  ⟦⟧  Role kikai/reader"]


def test_an_error_is_translated_part_by_part(in_brackets: None) -> None:
    with pytest.raises(UsageError) as caught:
        decisions().read("W15", "maybe")
    assert str(caught.value).splitlines()[0] == "⟦W15 maybe⟧"
    assert caught.value.what == "“maybe” is no possible answer to W15."
    assert str(UsageError("Not a text of labkit.", todo=near("x", ["up"]))).splitlines() == [
        "Not a text of labkit.",
        "⟦⟦up⟧⟧",
    ]
