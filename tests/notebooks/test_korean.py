"""The Korean notebooks and README: translations follow the terms, one style and Korean grammar."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest

from kube_embedded.tests.support.some import some
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
from tests.support.languages import speaking, translate
from tools import catalogues, messages, notebooks, texts

GLOSSARY = "99-glossary"
"""Its tables have the English words in a column of their own."""


def is_translated(english: Iterable[str], catalogue: Any) -> bool:
    """Return whether all of these texts have a finished Korean translation."""
    found = [catalogue.get(text) for text in english]
    return all(message and message.string and not message.fuzzy for message in found)


@cache
def korean(name: str = "notebooks") -> Any:
    return catalogues.read(catalogues.path("ko", name).read_text(encoding="utf-8"))


def translations(name: str = "notebooks") -> list[tuple[str, str]]:
    """Return the translated texts, in English and Korean."""
    return [
        (str(message.id), str(message.string))
        for message in some(catalogues.messages(korean(name)))
        if message.string and not message.fuzzy
    ]


def pages() -> Iterator[tuple[str, str]]:
    """Yield each notebook's name with its Korean cells as one text, and README; without untranslated ones."""
    for source in notebooks.sources():
        document = notebooks.notebook(source)
        if is_translated(catalogues.messages_of(document), korean()):
            cells = catalogues.translated(document, korean()).cells
            yield (
                source.stem,
                "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown"),
            )
    for name, document in exercises("ko").items():
        yield (
            name,
            "\n\n".join(
                cell["source"] for cell in document["cells"] if cell["cell_type"] == "markdown"
            ),
        )
    readme = (notebooks.ROOT / "README.md").read_text(encoding="utf-8")
    if is_translated(catalogues.messages_of_page(readme), korean("readme")):
        yield "README", catalogues.translated_page(readme, korean("readme"))


def exercises(language: str) -> dict[str, Any]:
    """Return the exercises' notebooks in a language, by their names."""
    reads: Any = nbformat.reads
    with speaking() if language == "ko" else nullcontext():
        built = notebooks.exercises(language, notebooks.ROOT)
    return {path.stem: reads(text, as_version=4) for path, text in built.items()}


def test_what_labkit_reads_is_compiled_from_the_catalogues() -> None:
    """A change of a catalogue needs `make messages`. A change of an English text does not make this test fail."""
    rooms = [korean(room) for room in texts.ROOMS]
    compiled = (texts.COMPILED / "ko.json").read_text(encoding="utf-8")
    assert json.loads(compiled) == json.loads(catalogues.compiled(rooms))


@pytest.mark.parametrize(
    ("english", "report", "complete"), [("A role.", 0, 0), ("A new role.", 0, 1), ("Else.", 0, 1)]
)
def test_only_a_release_requires_every_translation(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    english: str,
    report: int,
    complete: int,
) -> None:
    catalogue = tmp_path / "locale" / "ko" / "readme.po"
    catalogue.parent.mkdir(parents=True)
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"'
    before = f'{header}\n\nmsgid "A role."\nmsgstr "롤이다."\n\n'
    catalogue.write_text(before, encoding="utf-8")
    renewed = catalogues.renewed(before, catalogues.template_of_page(english))
    monkeypatch.setattr(catalogues, "LOCALE", catalogue.parent.parent)
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    monkeypatch.setattr(messages, "outputs", lambda: {catalogue: renewed})
    assert messages.main(["--report"]) == report
    warned = capsys.readouterr()
    assert messages.main(["--complete"]) == complete
    assert ("warning" in warned.err) == bool(complete)
    assert catalogue.read_text(encoding="utf-8") == before
    assert messages.main([]) == 0
    assert catalogue.read_text(encoding="utf-8") == renewed


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
    pairs = [*some(translations()), *some(translations("readme"))]
    found = {text[:40]: wrong for _, text in pairs if (wrong := check(text))}
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
        if (lacking := untranslated_terms(re.sub(r"role-based\saccess", "", text), translation))
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
    brackets = catalogues.template(english)
    for message in some(catalogues.messages(brackets)):
        message.string = f"⟦{message.id}⟧"
    for source in notebooks.sources():
        before, after = (
            notebooks.notebook(source),
            catalogues.translated(notebooks.notebook(source), brackets),
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
    cell = SimpleNamespace(cell_type="markdown", source="Time: about 8 minutes.\n\nA role grants.")
    document = SimpleNamespace(cells=[cell])
    before = catalogues.template({"start": document})
    translate(before, "Time: about 8 minutes.", "약 8분.")
    translate(before, "A role grants.", "롤이 허용합니다.")
    cell.source = cell.source.replace("8", "9")
    before.update(catalogues.template({"start": document}))
    (fuzzy,) = [message for message in catalogues.messages(before) if message.fuzzy]
    assert (fuzzy.id, fuzzy.string) == ("Time: about 9 minutes.", "약 8분.")
    shown = catalogues.translated(document, before).cells
    assert shown[0].source == "Time: about 9 minutes.\n\n롤이 허용합니다."


def test_a_row_of_a_table_is_a_message() -> None:
    page = "Rows:\n| a | b |\n|---|---|\n| one | 1 |\n| 2 | 3 |\nAfter\nthem.\n\n```\n| no row |\n\nof a table\n```\n"
    table = catalogues.template_of_page(page)
    assert [message.id for message in catalogues.messages(table)] == [
        *("Rows:", "| a | b |", "| one | 1 |", "After\nthem."),
        "```\n| no row |\n\nof a table\n```",
    ]
    translate(table, "| one | 1 |", "| 하나 | 1 |")
    assert catalogues.translated_page(page, table) == page.replace("one", "하나")


@pytest.mark.parametrize("name", [source.stem for source in notebooks.sources()])
def test_a_link_leads_somewhere_from_the_deeper_folder(name: str) -> None:
    folder = notebooks.ROOT / "notebooks" / "ko"
    document = catalogues.translated(notebooks.notebook(notebooks.SOURCES / f"{name}.py"), korean())
    text = "\n".join(cell.source for cell in document.cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
        assert (folder / target).exists(), target
