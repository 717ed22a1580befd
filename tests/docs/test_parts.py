"""The pages that list the parts have the steps that the lessons have."""

from __future__ import annotations

import pytest

from labkit.lessons import LESSONS
from tools import parts
from tools.notebooks import ROOT


@pytest.mark.parametrize("name", parts.CELLS)
def test_a_page_lists_the_steps_of_each_part(name: str) -> None:
    written = (ROOT / name).read_text(encoding="utf-8")
    assert written == parts.page(name), (
        f"{name} has other steps than labkit/lessons: make notebooks"
    )


@pytest.mark.parametrize("name", parts.CELLS)
def test_the_steps_of_every_part_are_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pattern, _ = parts.CELLS[name]
    monkeypatch.setitem(parts.CELLS, name, (pattern, "none"))
    assert parts.page(name).count("none") >= len(LESSONS)
