"""The documents in Korean: translations are complete, have the same code and links, and follow Korean's rules."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kube_embedded.tests.support.some import some
from tests.architecture.test_docs import missing_paths
from tests.notebooks.test_korean import is_translated
from tests.support.korean import (
    stray_asterisks,
    untranslated_terms,
    without_english,
    wrong_document_endings,
    wrong_forms,
    wrong_particles,
)
from tests.support.languages import translate
from tools import catalogues, documents, site, site_pages

NO_TERM = re.compile(
    r"^    .*|^\| [\w-]+ (?=\| \d)|\b\d\d-[\w-]+|\bsecrets?\b|header Authorization|\bclaims that\b"
    r"|event loop|audit event|kube-apiserver",
    re.MULTILINE,
)
"""Code, the names of rows of numbers and of notebooks, and words that are no terms: a course's secret (Kubernetes' is a
Secret), a header, what somebody claims, the events of Python and of a log."""
KOREAN = documents.DOCS / "ko"
PAGES = sorted([*documents.english(), documents.GLOSSARY])


@cache
def texts(name: str) -> Any:
    return catalogues.read(catalogues.path("ko", f"docs/{name}").read_text(encoding="utf-8"))


def translations() -> list[tuple[str, str]]:
    """Return the translated paragraphs, in English and Korean."""
    return [
        (str(message.id), str(message.string))
        for name in PAGES
        if name != documents.GLOSSARY
        for message in some(catalogues.messages(texts(name)))
        if message.string and not message.fuzzy
    ]


@cache
def built() -> dict[str, str]:
    """Return the Korean pages, built from the English ones as they are now, which `make messages` would write."""
    names = documents.english()
    files = documents.built("ko", {name: texts(name) for name in names}, "")
    return {path.stem: text for path, text in files.items() if path.parent == KOREAN}


def page(name: str) -> str:
    return built()[name]


def code(text: str) -> list[str]:
    """Return the blocks of code of a text, without their comments."""
    blocks = re.findall(r"^ *```.*?^ *```", text, re.MULTILINE | re.DOTALL)
    return [re.sub(r"\s*#.*$", "", block, flags=re.MULTILINE) for block in blocks]


def test_the_index_leads_to_korean_documents() -> None:
    assert {f"({name}.md)" for name in documents.english() if name != documents.INDEX} <= set(
        re.findall(r"\(.*?\)", page(documents.INDEX))
    )
    assert "](../" not in page(documents.INDEX).replace("](../../README", ""), (
        "a link to an English document"
    )


def test_a_wrong_ending_is_found() -> None:
    for red in (
        "롤을 생성합니다.",
        "- 롤을 생성함.\n- 토큰",
        "| 롤 | 생성합니다 |",
        "이것은 롤입니다. 다음이다.",
    ):
        assert wrong_document_endings(red), red
    assert (
        wrong_document_endings(
            "롤을 생성한다. 아닌가?\n\n- 항목\n- `a`에 둔다.\n\n| 롤 | 요청이 지나는 프로세스. 남는다 |"
        )
        == []
    )


@pytest.mark.parametrize(
    "check", [wrong_forms, wrong_document_endings, wrong_particles, stray_asterisks]
)
def test_the_texts_keep_the_rules(check: Any) -> None:
    found = {text[:40]: wrong for _, text in some(translations()) if (wrong := check(text))}
    assert found == {}


def test_english_stands_beside_a_term_at_its_first_use_on_a_page() -> None:
    others = [
        name
        for name, english in some(documents.english().items())
        if name != documents.INDEX
        and is_translated(catalogues.messages_of_page(english), texts(name))
    ]
    assert {
        name: wrong
        for name in others
        if (wrong := without_english(page(name).replace("이벤트 루프", "")))
    } == {}


def test_a_term_of_the_english_text_is_the_same_term_in_korean() -> None:
    # Some cells of a table stay English, such as a field's name: other rows have the terms.
    rows = [pair for pair in translations() if pair[0].startswith("|")]
    pairs = [pair for pair in some(translations()) if pair not in rows]
    pairs.append(("\n".join(pair[0] for pair in rows), "\n".join(pair[1] for pair in rows)))
    found = {
        text: lacking
        for text, translation in pairs
        if (lacking := untranslated_terms(NO_TERM.sub("", text), translation))
    }
    assert found == {}


def test_code_links_and_headings_are_those_of_the_english_text() -> None:
    for text, translation in some(translations()):
        assert code(text) == code(translation), translation
        for pattern in (r"\]\([^)]*\)", r"<https[^>]*>", r"^#+ "):
            ours = sorted(re.findall(pattern, translation, re.MULTILINE))
            assert ours == sorted(re.findall(pattern, text, re.MULTILINE)), translation
        commands = set(re.findall(r"`[^`\n]+`", documents.CODE.sub("", text)))
        assert {command for command in commands if command not in translation} == set(), translation


@pytest.mark.parametrize("name", PAGES)
def test_every_path_and_link_of_a_page_leads_somewhere(name: str) -> None:
    assert missing_paths(page(name)) == []
    for link, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]+)?", page(name)):
        target = KOREAN / link if link else KOREAN / f"{name}.md"
        assert target.exists(), link
        if anchor:
            assert anchor in map(
                documents.anchor, documents.headings(target.read_text(encoding="utf-8"))
            ), anchor


def test_links_lead_to_the_pages_notebooks_and_headings_of_the_language() -> None:
    english = "See [a](hub.md#what-was-tried), [b](scale.md), [c](../notebooks/04-roles.ipynb), [d](#here)."
    pages = {
        "hub": re.sub(r"^(#+) .*", r"\1 시험한 것", documents.english()["hub"], flags=re.MULTILINE)
    }
    here = documents.DOCS / "limits.md"
    assert documents.with_own_links(english, here, KOREAN, "ko", pages) == (
        "See [a](hub.md#시험한-것), [b](../scale.md), [c](../../notebooks/ko/04-roles.ipynb), [d](#here)."
    )


def test_the_korean_landing_page_leads_to_the_korean_documents() -> None:
    landing = (site.SOURCES / "index.html").read_text(encoding="utf-8")
    for language, wanted in (
        ("en", {"docs/index.html", "docs/docs/install.html"}),
        ("ko", {"docs/README.ko.html", "docs/docs/ko/index.html", "docs/docs/ko/install.html"}),
    ):
        page = site_pages.translated(landing, language, site_pages.LANDING)
        assert set(re.findall(r'href="(docs/[^"]+)"', page)) == wanted


@pytest.mark.parametrize(
    ("name", "link"),
    [
        (
            "notebooks/04-roles",
            '../../lab/index.html?path=04-roles.ipynb">Open this lesson in the lab',
        ),
        (
            "notebooks/ko/04-roles",
            '../../../lab/index.html?path=ko/04-roles.ipynb">실습에서 이 강의 열기',
        ),
        ("docs/ko/install", '../../../ko.html">실습으로 돌아가기'),
        ("README.ko", '../ko.html">실습으로 돌아가기'),
        ("docs/install", '../../index.html">Back to the lab'),
    ],
)
def test_a_page_of_the_site_leads_back_in_its_language(
    tmp_path: Path, name: str, link: str
) -> None:
    for notebook in ("04-roles", "ko/04-roles"):
        (tmp_path / "files" / f"{notebook}.ipynb").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "files" / f"{notebook}.ipynb").write_text("{}")
    shown = tmp_path / "docs" / f"{name}.html"
    shown.parent.mkdir(parents=True)
    shown.write_text('<div class="page">')
    site.lead_to_the_lab(shown, tmp_path)
    assert f'<a href="{link}</a>' in shown.read_text(encoding="utf-8")


def test_a_text_that_is_not_translated_is_shown_in_english_within_the_page() -> None:
    catalogue = {
        name: catalogues.template_of_page(text) for name, text in documents.english().items()
    }
    title = documents.english()["hub"].partition("\n")[0]
    translate(catalogue["hub"], title, "# 제목")
    pages = documents.built("ko", catalogue, "[a](docs/hub.md), [b](../LICENSE)")
    assert pages[documents.DOCS.parent / "README.ko.md"] == "[a](docs/ko/hub.md), [b](../LICENSE)"
    hub = pages[KOREAN / "hub.md"]
    assert hub.startswith("# 제목\n\n[English](../hub.md)\n\n")
    assert documents.headings(hub)[1:] == documents.headings(documents.english()["hub"])[1:]
    assert "- [제목](hub.md)" in pages[KOREAN / "index.md"]
    assert "- [Grading on several machines](scale.md)" in pages[KOREAN / "index.md"]
