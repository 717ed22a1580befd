"""The site, built once."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from kube_embedded.tests.support.until import SECONDS

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Site:
    """The built site.

    Args:
        folder: Its folder.
        said: The build's output.
        code: The build's exit code.
    """

    folder: Path
    said: str
    code: int

    @property
    def pages(self) -> list[str]:
        """The written pages, as paths in the folder; without the search and the index."""
        found = (path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*.html"))
        return sorted(set(found) - {"search.html", "genindex.html"})

    def read(self, page: str) -> str:
        return (self.folder / page).read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site") / "docs"
    command = [sys.executable, "-m", "tools.docs_site", "--out", str(folder)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    return Site(folder, done.stdout, done.returncode)
