"""Build the documentation as a site, without any download.

    python -m tools.docs_site              run the lessons, then Sphinx, into build/docs
    python -m tools.docs_site --out DIR    the same into another folder

The README is the site's first page. The pages lie as they lie in the repository, so that a link between two of
them leads to the same page here and there. The lessons are the solved ones, run on embedded clusters of their
own: each shows its outputs, and hides its solutions until they are asked for. A warning of Sphinx is an error.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import nbformat

from labkit.presenter.slides import run_notebook
from tools.notebooks import ROOT, notebook, sources

DOCS = ROOT / "docs"
LEARNERS_HOME = "~/.local/share/labkit"
"""What the outputs show in the place of the temporary ``LABKIT_HOME``."""
ABOUT = ("CHANGELOG.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "CITATION.cff")
NOTEBOOKS = ("notebooks/pictures", "notebooks/exercises", "notebooks/instructor", "notebooks/ko")
AS_THEY_ARE = ("docs", *NOTEBOOKS, "CONTRIBUTING.md", "LICENSE", *ABOUT)
GLOSSARY = "99-glossary"
write: Any = nbformat.writes  # nbformat has no types for it

FOR_EVERYBODY = {
    'role="heading">': 'role="heading" aria-level="2">',
    'class="cell_output docutils container"': 'class="cell_output docutils container" tabindex="0"',
    'class="table-wrapper colwidths-auto docutils container"': (
        'class="table-wrapper colwidths-auto docutils container" tabindex="0"'
    ),
}
"""What a screen reader and a keyboard need of Sphinx's and MyST-NB's pages, and do not get."""

THE_THEME_SAYS = {
    "ko": {
        ">Next<": ">다음<",
        ">Previous<": ">이전<",
        ">Back to top<": ">맨 위로<",
        ">Skip to content<": ">본문으로 건너뛰기<",
        "On this page\n": "이 페이지의 내용\n",
        'placeholder="Search"': 'placeholder="검색"',
        'aria-label="Search"': 'aria-label="검색"',
        "Toggle site navigation sidebar": "사이트 메뉴 열고 닫기",
        "Toggle table of contents sidebar": "목차 열고 닫기",
        "Toggle Light / Dark / Auto color theme": "밝은 테마, 어두운 테마, 자동 가운데 바꾸기",
    }
}
"""The texts of the theme, which has no translations."""

CONTENTS = """
```{toctree}
:hidden:

docs/install
docs/machine
```

```{toctree}
:hidden:
:caption: Lessons

notebooks/00-start
notebooks/01-api-server
notebooks/02-inside-a-pod
notebooks/03-service-accounts
notebooks/04-roles
notebooks/05-cluster-roles
notebooks/06-test-the-policy
docs/glossary
```

```{toctree}
:hidden:
:caption: Exercises
:glob:

notebooks/exercises/*
```

```{toctree}
:hidden:
:caption: Teaching
:glob:

docs/instructor
docs/workshop
docs/hub
docs/grading
docs/scale
docs/evidence
docs/teaching
docs/writing-tasks
docs/testing-a-policy
docs/testing
```

```{toctree}
:hidden:
:caption: How it works

docs/architecture
docs/page
docs/limits
docs/parity
docs/upstream
docs/performance
CONTRIBUTING
docs/contributing/tests
docs/contributing/lessons
docs/contributing/exercises
docs/contributing/server
docs/contributing/widgets
docs/contributing/translations
docs/contributing/page
docs/contributing/dependencies
docs/contributing/releases
CHANGELOG
SECURITY
CODE_OF_CONDUCT
```

```{toctree}
:hidden:
:caption: 한국어

docs/ko/index
```
"""
ORDER = re.findall(r"^docs/([\w-]+)$", CONTENTS, re.MULTILINE)
"""The documents as the site's contents list them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the site. Returns the exit code, which is Sphinx's own."""
    parser = argparse.ArgumentParser(description="Build the documentation as a site.")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "docs", help="where the site goes"
    )
    out: Path = parser.parse_args(arguments).out.resolve()
    with tempfile.TemporaryDirectory(prefix="lk-") as folder:
        pages = Path(folder) / "pages"
        copy_pages(pages)
        lessons = [source for source in sources() if source.stem != GLOSSARY]
        with ProcessPoolExecutor(max_workers=2) as pool:
            for name in pool.map(partial(write_lesson, pages / "notebooks"), lessons):
                print(f"ran {name}", flush=True)
        shutil.rmtree(out, ignore_errors=True)
        status = run_sphinx(pages, Path(folder) / "doctrees", out)
    for page in out.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        language = re.search(r'<html[^>]* lang="(\w+)"', text)
        in_language = THE_THEME_SAYS.get(language[1], {}) if language else {}
        for theirs, ours in {**FOR_EVERYBODY, **in_language}.items():
            text = text.replace(theirs, ours)
        page.write_text(text, encoding="utf-8")
    return status


def run_sphinx(pages: Path, doctrees: Path, out: Path) -> int:
    """Run Sphinx with warnings as errors. Returns its exit code."""
    command = [
        "-W",
        "--keep-going",
        "-q",
        "-b",
        "html",
        "-c",
        str(DOCS),
        "-d",
        str(doctrees),
        str(pages),
        str(out),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "sphinx", *command], env=environment, check=False
    ).returncode


def copy_pages(pages: Path) -> None:
    """Lay the pages out as in the repository, with the README as the first one."""
    pages.mkdir(parents=True)
    for name in AS_THEY_ARE:
        source, copy = ROOT / name, pages / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(
                source, copy, ignore=shutil.ignore_patterns("*.py", "static", "__pycache__")
            )
        else:
            shutil.copyfile(source, copy)
    for page in (pages / "notebooks" / "exercises").glob("*.ipynb"):
        page.write_text(
            to_the_glossary(page.read_text(encoding="utf-8"), "../../docs"), encoding="utf-8"
        )
    not_in_the_side_bar = ("instructor", "ko")  # other pages link to them
    for page in [
        page
        for name in not_in_the_side_bar
        for page in (pages / "notebooks" / name).rglob("*.ipynb")
    ]:
        document = json.loads(page.read_text(encoding="utf-8"))
        document["metadata"]["orphan"] = True
        page.write_text(json.dumps(document), encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (pages / "index.md").write_text(readme + CONTENTS, encoding="utf-8")
    for page in (pages / "docs").glob("*/index.md"):
        names = "\n".join(name for name in ORDER if (page.parent / f"{name}.md").exists())
        contents = f"\n```{{toctree}}\n:hidden:\n\n{names}\n```\n"
        text = page.read_text(encoding="utf-8").replace("](../../README.md)", "](../../index.md)")
        page.write_text(text + contents, encoding="utf-8")
    for page in sorted(ROOT.glob("README.*.md")):
        text = page.read_text(encoding="utf-8").replace("](README.md)", "](index.md)")
        (pages / page.name).write_text(f"---\norphan: true\n---\n{text}", encoding="utf-8")


def to_the_glossary(text: str, docs: str) -> str:
    """Have links to the glossary's notebook lead to the page made from it."""
    return re.sub(rf"\]\((?:\.\./)?{GLOSSARY}\.ipynb\)", f"]({docs}/glossary.md)", text)


def write_lesson(folder: Path, source: Path) -> str:
    """Run a lesson with its solutions, and write it with its outputs. Returns its name.

    Raises:
        LabkitError: When a cell fails.
    """
    document = notebook(source, solved=True)
    with tempfile.TemporaryDirectory(prefix="lk-") as directory:
        run_notebook(document, Path(directory))
    for cell in document.cells:
        finish(cell)
    text = write(document)
    places = {f"{directory}/home": LEARNERS_HOME, str(Path(sys.executable).parent): ".venv/bin"}
    for machine, learner in places.items():
        text = text.replace(machine, learner)
    # A widget's links lead to notebooks.
    text = re.sub(r'(<a href=\\"[\w-]+)\.ipynb\\"', r'\1.html\\"', text)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{source.stem}.ipynb").write_text(text, encoding="utf-8")
    return source.stem


def finish(cell: Any) -> None:
    """Hide a solution behind a click, and lead to the glossary's page."""
    if "exercise" in cell.metadata.get("tags", []):
        cell.metadata["tags"].append("hide-input")
    cell.source = (
        to_the_glossary(cell.source, "../docs") if cell.cell_type == "markdown" else cell.source
    )


if __name__ == "__main__":
    sys.exit(main())
