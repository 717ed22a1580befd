"""The Korean notebooks and README: catalogues are up to date; texts keep to the terms, one style and Korean grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import nbformat
import pytest
from babel.messages.catalog import Message

from tests.support.korean import (
    HANGUL,
    TERMS,
    stray_asterisks,
    untranslated_terms,
    without_english,
    wrong_endings,
    wrong_forms,
    wrong_particles,
)
from tests.support.some import some
from tools import catalogues, messages, notebooks

GLOSSARY = "99-glossary"
"""Its tables have the English words in a column of their own."""


@cache
def korean(name: str = "notebooks") -> Any:
    return catalogues.read(catalogues.path("ko", name).read_text(encoding="utf-8"))


def translations(name: str = "notebooks") -> list[tuple[str, str]]:
    """Each text that is shown in Korean: English and Korean."""
    return [
        (str(message.id), str(message.string))
        for message in some(catalogues.messages(korean(name)))
        if message.string and not message.fuzzy
    ]


def pages() -> Iterator[tuple[str, str]]:
    """Each notebook's name and its Korean cells as one text."""
    for source in notebooks.sources():
        document = catalogues.translated(notebooks.notebook(source), korean())
        cells = [cell.source for cell in document.cells if cell.cell_type == "markdown"]
        yield source.stem, "\n\n".join(cell for cell in cells if HANGUL.search(cell))
    for name, document in exercises("ko").items():
        yield (
            name,
            "\n\n".join(
                cell["source"] for cell in document["cells"] if cell["cell_type"] == "markdown"
            ),
        )
    yield "README", (notebooks.ROOT / "README.ko.md").read_text(encoding="utf-8")


def exercises(language: str) -> dict[str, Any]:
    """The exercises' notebooks in a language, by their names."""
    reads: Any = nbformat.reads
    built = notebooks.exercises(language, notebooks.ROOT)
    return {path.stem: reads(text, as_version=4) for path, text in built.items()}


def test_the_catalogues_are_up_to_date() -> None:
    outputs = messages.outputs()
    assert catalogues.path("ko") in outputs
    for file, text in outputs.items():
        assert text == file.read_text(encoding="utf-8"), (
            f"{file.name}: run `make messages` and `make notebooks`"
        )


@pytest.mark.parametrize("name", [source.stem for source in notebooks.sources()])
def test_a_notebook_is_whole_in_korean(name: str) -> None:
    """The catalogue is complete: a changed English text needs its Korean before it lands."""
    done = catalogues.count(catalogues.messages(korean(), name))
    assert (done.fuzzy, done.untranslated) == (0, 0), done


def test_the_readme_is_whole_in_korean() -> None:
    done = catalogues.count(some(catalogues.messages(korean("readme"))))
    assert (done.fuzzy, done.untranslated) == (0, 0), done


@pytest.mark.parametrize(
    ("check", "red"),
    [
        (
            wrong_forms,
            [
                "롤 바인딩을 만듭니다.",
                "토큰들이 있습니다.",
                "기록되어지는 값입니다.",
                "{name}을 만듭니다.",
            ],
        ),
        (
            without_english,
            ["롤을 생성합니다. 롤(Role)은 규칙입니다.", "*클레임*은 토큰(token)에 있습니다."],
        ),
        (
            wrong_endings,
            ["롤을 생성한다.", "롤을\n생성하십시오. 다음입니다.", "- 항목이다.\n- 항목입니다."],
        ),
        (
            wrong_particles,
            [
                "롤를 생성합니다.",
                "토큰(token)가 있습니다.",
                "`kikai`은 이름입니다.",
                "403로 거부합니다.",
            ],
        ),
        (stray_asterisks, ["*인가(authorization)*에서 거부합니다.", "**롤(Role)**은 규칙입니다."]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_wrong_text_is_found(check: Any, red: list[str]) -> None:
    for text in red:
        assert check(text), text


@pytest.mark.parametrize("check", [wrong_forms, wrong_endings, wrong_particles, stray_asterisks])
def test_the_texts_keep_the_rules(check: Any) -> None:
    texts = [*some(translations()), *some(translations("readme"))]
    found = {text[:40]: wrong for _, text in texts if (wrong := check(text))}
    assert found == {}


def test_english_stands_beside_a_term_at_its_first_use_on_a_page() -> None:
    assert {
        name: wrong
        for name, text in pages()
        if name != GLOSSARY and (wrong := without_english(text))
    } == {}


def test_a_term_of_the_english_text_is_the_same_term_in_korean() -> None:
    assert untranslated_terms("A role binding grants.", "바인딩으로 권한을 부여합니다.") == [
        "Role",
        "RoleBinding",
    ]
    found = {
        text: lacking
        for text, translation in translations()
        if (lacking := untranslated_terms(text, translation))
    }
    assert found == {}


def test_the_english_glossary_has_the_same_terms() -> None:
    page = (notebooks.ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert "| 롤바인딩 |" in page
    assert wrong_forms(page) == []


def test_every_term_says_which_page_decided_it() -> None:
    for term in some(TERMS["terms"]):
        assert term["page"] in {*TERMS["pages"], "ours"}, term
    for page in TERMS["pages"].values():
        assert re.fullmatch(r"content/ko/docs/\S+\.md", page["path"])
        assert re.fullmatch(r"[0-9a-f]{40}", page["commit"])


@pytest.mark.parametrize(
    ("english", "wanted"),
    [
        (r"\*\*Your turn:\*\*", r"\*\*직접 해 보기:\*\*"),
        (r"\*\*now:\*\*", r"\*\*달라진 점:\*\*"),
        (r"\*\*Predict", r"\*\*(?:[^*\n]* )?예측(?=해|:|\*)"),
    ],
    ids=["tasks", "changes", "predictions"],
)
def test_what_a_learner_does_is_marked_alike(english: str, wanted: str) -> None:
    for text, translation in translations():
        assert len(re.findall(english, text)) == len(re.findall(wanted, translation)), translation


def test_a_task_is_a_request() -> None:
    tasks = [
        paragraph
        for _, text in translations()
        for paragraph in text.split("\n\n")
        if re.search(r"\*\*직접 해 보기:\*\*|\*\*예측해", paragraph)
    ]
    assert [task for task in some(tasks) if not re.search(r"보세요|마세요", task)] == []


def test_code_links_and_headings_are_those_of_the_english_text() -> None:
    for text, translation in translations():
        for pattern in (
            r"^(?:> )?```.*?^(?:> )?```",
            r"\]\([^)]*\)",
            r"<https[^>]*>",
            r"^#+ (?:[A-Z]\d+ ·)?",
        ):
            flags = re.MULTILINE | re.DOTALL
            assert re.findall(pattern, text, flags) == re.findall(pattern, translation, flags), (
                translation
            )
        commands = set(re.findall(r"`[^`\n]+`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)))
        assert {command for command in commands if command not in translation} == set(), translation


def test_lines_are_no_longer_than_those_of_the_sources() -> None:
    lines = [
        line
        for _, text in some(translations())
        for line in text.splitlines()
        if not line.startswith("|")
    ]
    assert [line for line in lines if len(line) > 120] == []


def test_a_pseudo_language_leaves_no_text_untouched() -> None:
    english = {source.stem: notebooks.notebook(source) for source in notebooks.sources()}
    texts = catalogues.template(english)
    for message in some(catalogues.messages(texts)):
        message.string = f"⟦{message.id}⟧"
    for source in notebooks.sources():
        before, after = (
            notebooks.notebook(source),
            catalogues.translated(notebooks.notebook(source), texts),
        )
        for one, other in zip(before.cells, after.cells, strict=True):
            assert one.id == other.id
            touched = "⟦" in other.source
            assert touched == (
                one.cell_type == "markdown" or catalogues.PLACEHOLDER in one.source
            ), one.source


def test_an_exercise_has_the_same_cells_and_the_same_code_in_korean() -> None:
    for name, document in some(exercises("ko").items()):
        for one, other in zip(exercises("en")[name].cells, document.cells, strict=True):
            assert (one.id, one.cell_type) == (other.id, other.cell_type)
            if one.cell_type == "markdown":
                assert HANGUL.search(other.source)
                assert re.findall(r"^#+ (?:[\d.]+ ·)?", one.source) == re.findall(
                    r"^#+ (?:[\d.]+ ·)?", other.source
                )
            else:
                placeholder = korean().get(catalogues.PLACEHOLDER).string
                code = one.source.replace(catalogues.PLACEHOLDER, placeholder).replace(
                    "Lab()", 'Lab(lang="ko")'
                )
                assert other.source == code


def test_a_changed_english_text_is_fuzzy_and_shown_in_english() -> None:
    (start, *_), name = notebooks.sources(), "00-start"
    document = notebooks.notebook(start)
    old = document.cells[0].source
    document.cells[0].source = old.replace("about 8 minutes", "about 9 minutes")
    text = catalogues.renewed(
        catalogues.path("ko").read_text(encoding="utf-8"), catalogues.template({name: document})
    )
    texts = catalogues.read(text)
    assert catalogues.count(catalogues.messages(texts)).fuzzy == 1
    (fuzzy,) = [message for message in catalogues.messages(texts) if message.fuzzy]
    assert isinstance(fuzzy, Message)
    assert HANGUL.search(str(fuzzy.string))
    shown = catalogues.translated(document, texts).cells
    assert "about 9 minutes" in shown[0].source
    assert HANGUL.search(shown[1].source)


@pytest.mark.parametrize("name", [source.stem for source in notebooks.sources()])
def test_a_link_leads_somewhere_from_the_deeper_folder(name: str) -> None:
    folder = notebooks.ROOT / "notebooks" / "ko"
    document = catalogues.translated(notebooks.notebook(notebooks.SOURCES / f"{name}.py"), korean())
    text = "\n".join(cell.source for cell in document.cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
        assert (folder / target).exists(), target
