"""``labkit work``: the learner's work goes into a file, and from a file into another lab."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from labkit.cli import cli
from labkit.core import page
from labkit.core.errors import LabkitError
from labkit.lab.lab import Lab
from labkit.lab.workbook import prepare
from tests.page.conftest import leave

FIRST = "00-start.ipynb"
SPACE = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "kikai", "labels": {"team": "blue"}},
}


def labkit(*words: object, answer: str = "") -> Result:
    return CliRunner().invoke(cli, ["work", *map(str, words)], input=answer)


@pytest.fixture
def saved(labkit_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Provide the file of a learner with a pass, a namespace and a changed notebook; then a lab elsewhere."""
    monkeypatch.setattr(page, "IN_PAGE", True)  # a cluster in this process
    lab = Lab(say=lambda _line: None)
    lab.apply(SPACE)
    lab.progress.mark("W15", "passed")
    change(prepare().directory / FIRST, "mine")
    assert labkit("save", tmp_path / "work.json").exit_code == 0
    leave()
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "elsewhere"))
    yield tmp_path / "work.json"
    leave()


def change(path: Path, source: str) -> None:
    notebook = json.loads(path.read_text())
    notebook["cells"][0]["source"] = source
    path.write_text(json.dumps(notebook))


def first_cell(name: str) -> Any:
    return json.loads((prepare().directory / name).read_text())["cells"][0]["source"]


def test_the_work_is_here_and_untouched_copies_make_room(saved: Path) -> None:
    prepare()
    found = labkit("load", saved)
    assert (found.exit_code, found.stdout.partition(",")[0]) == (0, "Your work is here")
    lab = Lab(say=lambda _line: None)
    assert lab.progress.passed("W15")
    assert lab.admin.get("/api/v1/namespaces/kikai").body["metadata"]["labels"]["team"] == "blue"
    assert first_cell(FIRST) == "mine"
    assert "differs" not in labkit("load", saved).stdout  # once more


@pytest.mark.parametrize(
    ("words", "answer", "here", "beside"),
    [([], "y\n", "mine", ""), (["--keep"], "", "theirs", "mine")],
)
def test_what_differs_is_replaced_only_if_that_is_wanted(
    saved: Path, words: list[str], answer: str, here: str, beside: str
) -> None:
    change(prepare().directory / FIRST, "theirs")
    Lab(say=lambda _line: None).apply({**SPACE, "metadata": {"name": "kikai"}})
    found = labkit("load", saved, *words, answer=answer)
    assert found.exit_code == 0
    assert (
        f"This differs here: {FIRST}\nThis differs here: Namespace kikai is another one here.\n"
        in found.stdout
    )
    labels = (
        Lab(say=lambda _line: None).admin.get("/api/v1/namespaces/kikai").body["metadata"]["labels"]
    )
    assert ("team" in labels) is (here == "mine")
    assert first_cell(FIRST) == here
    assert (prepare().directory / "00-start-2.ipynb").exists() is bool(beside)
    assert not beside or first_cell("00-start-2.ipynb") == beside


def test_what_is_no_work_is_refused_and_written_nowhere(saved: Path) -> None:
    bad: list[tuple[str, Any]] = [
        (name, {"cells": []}) for name in ("../out.ipynb", "/out.ipynb", "a//out.ipynb", "out.sh")
    ]
    bad += [
        ("out.ipynb", None),
        ("out.ipynb", []),
        ("out.ipynb", {"cells": [7]}),
        ("out.ipynb", {"cells": [{}]}),
    ]
    for name, notebook in bad:
        odd = json.loads(saved.read_text())
        odd["content"]["notebooks"] = {name: notebook}
        assert f"{name} in " in refused(saved, json.dumps(odd))
    for text in (
        "no work",
        "{}",
        '{"labkit work": 2, "progress": "", "content": {"notebooks": {}, "objects": []}}',
    ):
        assert refused(saved, text)
    assert "cannot use" in refused(saved, None)
    assert not list(saved.parent.rglob("out*"))


def refused(saved: Path, text: str | None) -> str:
    """Why a file is refused that has this text, or is not there."""
    file = saved.with_name("odd.json")
    file.unlink(missing_ok=True)
    if text is not None:
        file.write_text(text)
    error = labkit("load", file).exception
    assert isinstance(error, LabkitError)
    return error.what


def test_a_file_that_is_there_stays(saved: Path) -> None:
    before = saved.read_bytes()
    assert isinstance(labkit("save", saved).exception, LabkitError)
    assert saved.read_bytes() == before
