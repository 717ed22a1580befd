"""Tests without a built site: words, diagrams, the instructor's quotations, links from the README."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from labkit import lessons
from labkit.lessons.mistakes import mistakes
from tools import docs_extension, docs_site
from tools.diagrams import diagrams, drawn, key

ROOT = Path(__file__).resolve().parents[2]
INSTRUCTOR = (ROOT / "docs" / "instructor.md").read_text(encoding="utf-8")
WORDS = docs_extension.words((ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))


def test_every_row_of_the_glossary_is_a_word() -> None:
    rows = re.findall(
        r"^\| .* \| W\d+ \|$",
        (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert len({anchor for anchor, _ in WORDS.values()}) == len(rows) > 30


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Pods share a token.", ["Pods", "token"]),
        ("A cluster role binding, and roles", ["cluster role binding", "roles"]),
        ("The CA signs; a certificate authority", ["CA", "certificate authority"]),
        ("the Service kubernetes, some service", ["Service"]),
        ("podman, tokenize, a /pods path, pod.yaml, role-based, system:anonymous", []),
    ],
)
def test_words_are_found_whole_and_the_longest_first(text: str, found: list[str]) -> None:
    assert [match[0] for match in docs_extension.pattern(list(WORDS)).finditer(text)] == found


def test_every_diagram_is_drawn_as_it_is_written() -> None:
    texts = diagrams()
    assert len(texts) >= 6
    assert drawn() == {key(text): name for name, text in texts.items()}, "run make screenshots"


@pytest.mark.slow
def test_a_warning_fails_the_build_and_says_what_is_wrong(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pages = tmp_path / "pages"
    (pages / "docs").mkdir(parents=True)
    (pages / "docs" / "glossary.md").write_text("# Words\n")
    (pages / "index.md").write_text(
        "# Here\n\n[there](nowhere.md)\n\n```mermaid\nflowchart TB\n  a --> b\n```\n"
    )
    assert docs_site.run_sphinx(pages, tmp_path / "doctrees", tmp_path / "out") == 1
    said = capfd.readouterr().err
    assert "nowhere.md" in said
    assert "no picture of this diagram: run `make screenshots`" in said
    assert "docs/glossary.md: WARNING: document isn't included in any toctree" in said


def reached(start: str, clicks: int) -> set[str]:
    """Return the documents and notebooks within so many clicks, on GitHub as on the site."""
    seen = fresh = {start}
    for _ in range(clicks):
        links = {
            ((ROOT / page).parent / link).resolve().relative_to(ROOT).as_posix()
            for page in fresh
            for link in re.findall(
                r"\]\((?!https?:|#)([^)#\s\"]+\.(?:md|ipynb))",
                (ROOT / page).read_text(encoding="utf-8"),
            )
        }
        fresh = links - seen
        seen = seen | fresh
    return seen


def test_every_page_is_two_clicks_from_the_readme() -> None:
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")}
    pages |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "notebooks").rglob("*.ipynb")}
    pages = {page for page in pages if ".ipynb_checkpoints" not in page}
    assert len(pages) > 20
    assert pages - reached("README.md", 2) == set()


def spoken() -> list[str]:
    """Return every text in the code of the lessons and in their mistakes."""
    constants = [mistake.says for mistake in mistakes().values()]
    for path in sorted((ROOT / "labkit" / "lessons").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                constants.append(node.value)
    return constants


def test_the_instructor_reads_what_the_checks_say() -> None:
    rows = re.findall(r"^\| ([A-Z]\d+) \| [^|]+ \| “(.+?)…?” \|$", INSTRUCTOR, re.MULTILINE)
    assert {step for step, _ in rows} == set(lessons.STEPS)
    texts = spoken()
    assert [quoted for _, quoted in rows if not any(quoted in text for text in texts)] == []


def test_the_instructor_s_minutes_are_those_of_the_notebooks_and_sum_up() -> None:
    plans = re.findall(r"^### (\d+) minutes.*?\n(.*?)(?=^#)", INSTRUCTOR, re.MULTILINE | re.DOTALL)
    assert [int(whole) for whole, _ in plans] == [60, 120, 180]
    for whole, plan in plans:
        assert sum(map(int, re.findall(r"^\| (\d+) \|", plan, re.MULTILINE))) == int(whole)
        for minutes, name in re.findall(
            r"^\| (\d+) \| \[[^]]*\]\(\.\./notebooks/(\d\d-[\w-]+)\.ipynb\)", plan, re.MULTILINE
        ):
            source = (ROOT / "notebooks" / "source" / f"{name}.py").read_text(encoding="utf-8")
            assert f"about {minutes} minutes" in re.sub(r"\n# ", " ", source)
