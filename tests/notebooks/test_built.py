"""The learner's notebooks come from their sources, and follow the style."""

from __future__ import annotations

import ast
import re
import shutil
import statistics
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
import pytest

from kube_embedded.tests.support.some import some
from labkit import lessons
from labkit.lessons.predictions import is_open
from tests.support.course import MISSING
from tools import notebooks
from tools.catalogues import PLACEHOLDER

LESSONS = {lesson.id: lesson for lesson in lessons.LESSONS}
SOURCES = notebooks.sources()
NAMES = [source.stem for source in SOURCES]


def read(name: str) -> Any:
    reader: Any = nbformat.read
    return reader(notebooks.ROOT / "notebooks" / f"{name}.ipynb", as_version=4)


def cells(name: str, kind: str) -> list[Any]:
    return [cell for cell in read(name).cells if cell.cell_type == kind]


def test_what_is_built_is_up_to_date() -> None:
    assert [str(path.name) for path in notebooks.stale()] == [], "run `make notebooks`"


@pytest.mark.slow
def test_building_twice_gives_the_same() -> None:
    assert notebooks.outputs() == notebooks.outputs()


def test_check_fails_when_something_is_stale(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = notebooks.ROOT / "docs" / "glossary.md"
    real = notebooks.outputs()
    monkeypatch.setattr(notebooks, "outputs", lambda: {**real, changed: "something else\n"})
    assert notebooks.main(["--check"]) == 1
    assert "not up to date: docs/glossary.md" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("heading", "why"),
    [
        (f"## {MISSING} · One more", f"labkit/lessons has no step {MISSING}"),
        ("## W15 · Again", "W15 has a heading already"),
        ("## W16: Write a role", "a step's heading begins a cell, in the form ## W17 · Title"),
        ("### W16 · Write a role", "a step's heading begins a cell, in the form ## W17 · Title"),
        (
            "Some words first.\n## W16 · Write a role",
            "a step's heading begins a cell, in the form ## W17 · Title",
        ),
        ("## Write a role", "no source has a heading for W16: it begins with ## W16 · "),
    ],
)
def test_a_heading_that_is_not_understood_is_an_error_with_its_line(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    heading: str,
    why: str,
) -> None:
    sources = tmp_path / "notebooks" / "source"
    shutil.copytree(notebooks.SOURCES, sources)
    roles = sources / "04-roles.py"
    lines = roles.read_text(encoding="utf-8").splitlines()
    number = next(index for index, line in enumerate(lines) if line.startswith("# ## W16 ·"))
    lines[number : number + 1] = [f"# {line}" for line in heading.splitlines()]
    roles.write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    monkeypatch.setattr(notebooks, "SOURCES", sources)
    assert notebooks.main(["--check"]) == 1
    *_, last = heading.splitlines()
    place = f"notebooks/source/04-roles.py:{number + len(heading.splitlines())}: {last}: "
    assert capsys.readouterr().err == (
        f"{why}\n" if why.startswith("no source") else f"{place}{why}\n"
    )


def test_every_part_has_a_notebook() -> None:
    assert ["00-start", *LESSONS, "99-glossary"] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_no_outputs_and_unique_ids(name: str) -> None:
    document = read(name)
    validate: Any = nbformat.validate
    validate(document)
    ids = [cell.id for cell in document.cells]
    assert len(ids) == len(set(ids))
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in document.cells)


@pytest.mark.parametrize("name", NAMES)
def test_no_solution_is_left(name: str) -> None:
    learner = "\n".join(cell.source for cell in cells(name, "code"))
    assert "SOLUTION" not in learner


@pytest.mark.parametrize("name", LESSONS)
def test_a_frame_for_a_prediction_predicts_nothing(name: str) -> None:
    """Run as it stands it shows buttons, and must not be an answer: ``"a" or "b"`` is ``"a"``."""
    frames = re.findall(
        r"^predict\((.+?)\)$", "\n".join(cell.source for cell in cells(name, "code")), re.MULTILINE
    )
    assert len(frames) == sum(
        f'predict("{step.id}", ' in notebooks_solution(step.id) for step in LESSONS[name].steps
    ) + sum(aside.prediction is not None for aside in LESSONS[name].asides)
    for frame in frames:
        _step, value = ast.literal_eval(f"({frame})")
        answers = value.values() if isinstance(value, dict) else [value]
        assert all(answer.endswith("…") for answer in answers)


def frame_value(code: str) -> object:
    """Return the value of the one prediction in a cell."""
    call = re.fullmatch(r"predict\((.+)\)", code)
    assert call, code
    return ast.literal_eval(f"({call[1]})")[1]


def notebooks_solution(step: str) -> str:
    return str(lessons.worked()[step]["solution"])


@pytest.mark.parametrize("name", ["00-start", *LESSONS])
def test_the_top_says_what_it_is_and_how_long(name: str) -> None:
    top = cells(name, "markdown")[0].source
    title, _, subtitle, *_ = top.splitlines()
    assert title.startswith("# ")
    assert re.fullmatch(r"\*.+\*", subtitle)
    assert "**In this lab you will**" in top
    minutes = re.search(r"Time: about (\d+) minutes", " ".join(top.split()))
    assert minutes
    if name in LESSONS:
        lesson = LESSONS[name]
        assert title == f"# {lesson.title}"
        assert subtitle == f"*{lesson.subtitle}*"
        assert int(minutes[1]) == lesson.minutes


@pytest.mark.parametrize("name", LESSONS)
def test_every_step_has_its_place_and_its_check(name: str) -> None:
    document = read(name)
    headings = [
        match[1]
        for cell in document.cells
        if cell.cell_type == "markdown" and (match := notebooks.STEP.search(cell.source))
    ]
    assert headings == [step.id for step in LESSONS[name].steps]
    titles = re.findall(
        r"^## [A-Z]\d+ · (.+)$", "\n".join(c.source for c in document.cells), re.MULTILINE
    )
    assert titles == [step.title for step in LESSONS[name].steps]
    for step in some(headings):
        own = [cell for cell in document.cells if cell.id.startswith(f"{step.lower()}-")]
        assert any(cell.source == f'check("{step}")' for cell in own)
        assert any("exercise" in cell.metadata.get("tags", []) for cell in own), "the learner acts"


@pytest.mark.parametrize("name", ["00-start", *LESSONS])
def test_code_is_short_and_prose_comes_first(name: str) -> None:
    document = notebooks.notebook(notebooks.SOURCES / f"{name}.py", solved=True)
    lengths = [len(cell.source.splitlines()) for cell in document.cells if cell.cell_type == "code"]
    assert statistics.median(lengths) <= 3
    assert max(lengths) <= 10
    assert document.cells[0].cell_type == "markdown"


@pytest.mark.parametrize("name", LESSONS)
def test_solutions_and_learner_copies_differ_in_the_solutions_only(name: str) -> None:
    source = notebooks.SOURCES / f"{name}.py"
    solved, learner = notebooks.notebook(source, solved=True), notebooks.notebook(source)
    assert [cell.id for cell in solved.cells] == [cell.id for cell in learner.cells]
    for one, other in zip(solved.cells, learner.cells, strict=True):
        if "exercise" in one.metadata.get("tags", []):
            assert PLACEHOLDER in other.source or is_open(frame_value(other.source))
        else:
            assert one.source == other.source


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    text = "\n".join(cell.source for cell in cells(name, "markdown"))
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (notebooks.ROOT / "notebooks" / target).exists(), target


def test_every_picture_has_a_text_alternative_and_shows_where_one_is() -> None:
    pictures = notebooks.PICTURES
    shown: dict[str, list[tuple[str, str]]] = {}
    for name in NAMES:
        text = "\n".join(cell.source for cell in cells(name, "markdown"))
        shown[name] = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text)
    for alternative, file in (picture for found in shown.values() for picture in found):
        assert len(alternative) > 100, file
        assert (pictures.parent / file).parent == pictures
    for name in LESSONS:
        strips = [
            alternative for alternative, file in shown[name] if file.startswith("pictures/request-")
        ]
        assert len(strips) == 1
        assert strips[0].startswith("You are here: ")
    assert {file.name for file in pictures.iterdir()} == {
        Path(file).name for found in shown.values() for _, file in found
    }


@pytest.mark.parametrize(
    "file", sorted(notebooks.PICTURES.glob("*.svg")), ids=lambda file: file.name
)
def test_a_picture_stands_alone_in_light_and_dark(file: Path) -> None:
    root = ElementTree.parse(file).getroot()
    texts = {
        tag: root.findtext(f"{{http://www.w3.org/2000/svg}}{tag}")
        for tag in ("title", "desc", "style")
    }
    assert all(texts.values())
    assert root.get("aria-labelledby") == "title desc"
    assert "prefers-color-scheme: dark" in str(texts["style"])
    source = file.read_text(encoding="utf-8")
    assert "{here}" not in source
    assert not re.search(r"<script|href=|url\(|@import", source)
    assert max(int(size) for size in re.findall(r"font-size: (\d+)", source)) < 20
    assert min(int(size) for size in re.findall(r"font-size: (\d+)", source)) >= 13


@pytest.mark.parametrize("stations", notebooks.STRIPS)
def test_a_strip_highlights_its_stations(stations: tuple[str, ...]) -> None:
    assert (
        tuple(re.findall(r'class="station here" id="(\w+)"', notebooks.strip(stations))) == stations
    )


def test_a_strip_without_the_station_is_an_error() -> None:
    with pytest.raises(ValueError, match="no station kubelet"):
        notebooks.strip(("kubelet",))


@pytest.mark.parametrize("name", LESSONS)
def test_a_part_begins_with_questions_and_ends_with_an_explanation(name: str) -> None:
    sources = [cell.source for cell in read(name).cells]
    first_step = next(
        number for number, source in enumerate(sources) if notebooks.STEP.search(source)
    )
    last_check = max(number for number, source in enumerate(sources) if source.startswith("check("))
    begin = next(
        number
        for number, source in enumerate(sources)
        if source.startswith("## Three questions first")
    )
    part = int(name[:2])
    assert f"drill(before={part})" in sources[begin:first_step]
    assert f"drill(part={part})" in sources[last_check:]
    explained = "\n".join(sources[last_check:])
    assert "## Explain it in your words" in explained
    assert "<summary>A model answer</summary>" in explained
    assert "**Read on:**" in explained


@pytest.mark.parametrize("name", LESSONS)
def test_a_summary_has_no_markdown(name: str) -> None:
    """The content of a ``<summary>`` is HTML, in which backticks would be displayed."""
    text = "\n".join(cell.source for cell in cells(name, "markdown"))
    assert not any(
        set(summary) & set("`*")
        for summary in re.findall(r"<summary>(.*?)</summary>", text, re.DOTALL)
    )


@pytest.mark.parametrize("name", LESSONS)
def test_tasks_are_text_and_comments_are_code(name: str) -> None:
    for cell in cells(name, "code"):
        for line in cell.source.replace(PLACEHOLDER, "").splitlines():
            if line.startswith("#"):
                ast.parse(line.removeprefix("#").strip().replace("…", "x"))


@pytest.mark.parametrize("name", ["04-roles", "05-cluster-roles"])
def test_the_later_parts_give_a_goal_and_no_call(name: str) -> None:
    for cell in cells(name, "code"):
        for line in cell.source.replace(PLACEHOLDER, "").splitlines():
            assert not line.startswith("#") or "…" in line or line == "# lab.reset()", line
    asked = [cell.source for cell in cells(name, "markdown") if "**Your turn:**" in cell.source]
    assert asked
    assert ".yaml" not in "\n".join(asked)


def test_every_change_since_the_write_up_is_taught() -> None:
    taught = {name: read(name) for name in LESSONS}
    found = {
        cell.id.partition("-")[0]
        for document in taught.values()
        for cell in document.cells
        if cell.cell_type == "markdown" and "**now:**" in cell.source
    }
    assert {"w2", "w8", "w10", "w11", "w12"} <= found


def test_the_glossary_has_the_write_ups_words() -> None:
    page = (notebooks.ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = (
        "API 서버,프록시,인증,인가,서비스 어카운트,토큰,시크릿,네임스페이스,롤,롤바인딩,"
        "클러스터롤,클러스터롤바인딩,권한,앰배서더 컨테이너"
    )
    for word in words.split(","):
        assert f"| {word} |" in page


def test_every_step_can_be_shown_and_run() -> None:
    assert set(lessons.worked()) == set(lessons.STEPS)
    for step, worked in some(lessons.worked().items()):
        assert worked["solution"], step
        assert worked["cells"][-1] != "", step


@pytest.mark.parametrize("mark", [notebooks.BEGIN, notebooks.END])
def test_a_mark_that_stands_alone_is_an_error(mark: str) -> None:
    with pytest.raises(ValueError, match="stands alone"):
        notebooks.without_solution(f"a = 1\n{mark}\nb = 2")


def test_solutions_are_cut_out_and_their_task_stays() -> None:
    code = "first = 1\n# your task\n### BEGIN SOLUTION\nsecond = 2\n### END SOLUTION\nthird = 3"
    assert notebooks.without_solution(code) == f"first = 1\n# your task\n{PLACEHOLDER}\nthird = 3"
    assert notebooks.with_solution(code) == "first = 1\nsecond = 2\nthird = 3"


@pytest.mark.parametrize("name", LESSONS)
def test_each_part_says_how_to_go_on_after_a_restart(name: str) -> None:
    text = "\n".join(cell.source for cell in cells(name, "markdown"))
    assert text.count("After a restart of the kernel: select the cell where you were") == 1


@pytest.mark.parametrize("name", NAMES)
def test_no_notebook_answers_a_prediction_before_its_step(name: str) -> None:
    own = {step.id for step in LESSONS[name].steps} if name in LESSONS else set()
    text = "\n".join(cell.source for cell in read(name).cells)
    elsewhere = [
        (step, guess)
        for step, guess in re.findall(r'predict\("([WT]\d+)", *([^)]*)', text)
        if step not in own
    ]
    assert {guess for _, guess in elsewhere} <= {'"…"'}, elsewhere
