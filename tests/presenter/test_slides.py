"""The slides of a part, from cells that need not run; ``tests/notebooks/test_instructor.py`` runs them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from labkit import lessons
from labkit.core.errors import LabkitError, UsageError
from labkit.presenter import slides

LESSON = lessons.LESSONS[3]


def notebook(*cells: tuple[str, str]) -> Any:
    """Return a notebook of these cells, each a slide, such as ("markdown", "# Roles")."""
    make: Any = nbformat.v4
    document = make.new_notebook()
    for kind, source in cells:
        cell = make.new_markdown_cell(source) if kind == "markdown" else make.new_code_cell(source)
        cell.metadata["slideshow"] = {"slide_type": "slide"}
        document.cells.append(cell)
    return document


def test_answers_are_unfolded_and_no_slide_shows_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folded = "<details><summary>Answer</summary>\n\nIt is **refused**.\n\n</details>"
    document = notebook(
        ("markdown", folded), ("code", "html = '<summary>stays</summary>'"), ("markdown", "역할")
    )

    def ran(given: Any, scratch: Path) -> None:
        output: Any = nbformat.v4.new_output
        given.cells[1].outputs = [output("stream", text=f"kept in {scratch / 'home'}/state.db")]

    read: list[tuple[Path, int]] = []

    def reads(path: Path, as_version: int) -> Any:
        read.append((path, as_version))
        return document

    class Page(type(tmp_path)):  # type: ignore[misc]  # a path of this system
        def write_text(self, data: str, *words: Any, **more: Any) -> int:
            assert more == {"encoding": "utf-8"}, "whatever the locale is"
            return int(super().write_text(data, *words, **more))

    monkeypatch.setattr(nbformat, "read", reads)
    monkeypatch.setattr(slides, "run_notebook", ran)
    slides.write(LESSON, Page(tmp_path / "page.html"), "reveal-here")
    assert [(path.name, path.parent.name, version) for path, version in read] == [
        (LESSON.notebook, "instructor", 4)
    ]
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<details>" not in page
    assert "Answer</summary>" not in page
    assert "It is <strong>refused</strong>." in page
    assert "&lt;summary&gt;stays&lt;/summary&gt;" in page
    assert "역할" in page
    assert "kept in $HOME/.local/share/labkit/state.db" in page
    assert "labkit-slides-" not in page
    assert "reveal-here/" in page
    assert page.partition("<title>")[2].startswith(f"{LESSON.title}</title>")
    template = Path(slides.__file__).with_name("templates") / "labkit-slides"
    assert template.is_dir()
    with pytest.raises(UsageError):
        slides.write(LESSON, tmp_path, "reveal-here")


def test_without_a_folder_slides_take_a_version_that_they_know() -> None:
    assert re.fullmatch(r"https://unpkg\.com/reveal\.js@[45]\.\d+\.\d+", slides.REVEAL)


class Client:
    """Stands in for nbclient's."""

    fails = False
    made: list[tuple[Any, dict[str, Any], dict[str, Any]]]

    def __init__(self, document: Any, **options: Any) -> None:
        self.given = (document, options)

    def execute(self, **options: Any) -> None:
        self.made.append((*self.given, options))
        if self.fails:
            raise CellExecutionError("traceback", "NameError", "no name")


@pytest.mark.parametrize("fails", [False, True])
def test_a_notebook_runs_in_a_directory_of_its_own_and_its_cluster_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    monkeypatch.setattr(Client, "made", [], raising=False)
    monkeypatch.setattr(Client, "fails", fails)
    monkeypatch.setattr(nbclient, "NotebookClient", Client)
    ended: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(
        subprocess, "run", lambda command, *, env, **_more: ended.append((command[1:], env))
    )
    monkeypatch.setenv("LABKIT_LANG", "ko")
    document = notebook(("code", "1"))
    if fails:
        with pytest.raises(LabkitError) as caught:
            slides.run_notebook(document, tmp_path)
        assert caught.value.what == "A cell of the notebook failed."
        assert caught.value.why == "traceback"
    else:
        slides.run_notebook(document, tmp_path)
    ((given, options, run),) = Client.made
    assert given is document
    assert options["resources"] == {"metadata": {"path": str(tmp_path)}}
    assert (options["timeout"], options["kernel_name"]) == (300, "python3")
    assert options["store_widget_state"] is False
    kernel = options["config"]["KernelManager"]
    assert (kernel["transport"], kernel["ip"]) == ("ipc", f"{tmp_path}/kernel")
    environment = run["env"]
    names = {key: value for key, value in environment.items() if os.environ.get(key) != value}
    assert names == {
        "LABKIT_HOME": str(tmp_path / "home"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "TMPDIR": str(tmp_path),
        "KUBECONFIG": str(tmp_path / "none"),
        "KUBECACHEDIR": str(tmp_path / "cache"),
        "LABKIT_LANG": "en",
    }
    assert ended == [(["-P", "-m", "labkit", "down"], environment)]
