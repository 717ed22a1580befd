"""What the documents name is there: files, folders, make targets, and the pages they link to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/contributing/*.md")])
BASES = ("", "labkit", "kube_embedded", "kube_embedded/apiserver", "docs")
"""Where a path that a document names may begin."""
TOP = {path.name for path in (ROOT / "labkit").iterdir()} | {path.name for path in ROOT.iterdir()}
TOP -= {"build", "dist"}  # what is there depends on what was built


def missing_paths(text: str) -> list[str]:
    """The paths in backticks that begin with a folder of this project and lead nowhere."""
    named = re.findall(r"`([\w.-]+(?:/[\w.*-]+)+)/?`", text)
    return [
        name
        for name in named
        if name.split("/")[0] in TOP
        and not any(any(ROOT.glob(f"{base}/{name}".lstrip("/"))) for base in BASES)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_and_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert missing_paths(text) == []
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_a_path_that_leads_nowhere_is_found() -> None:
    assert missing_paths("See `labkit/nowhere.py`, `lessons/steps.py` and `core/errors.py`.") == [
        "labkit/nowhere.py"
    ]


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(
        re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    for page in PAGES:
        named = set(re.findall(r"`make ([a-z-]+)`", page.read_text(encoding="utf-8")))
        assert named <= targets, page.name
