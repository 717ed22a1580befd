"""Check the links of the documentation and the notebooks.

``python -m tools.links`` checks those between the project's own files; with ``--online`` those to other
sites too. Prints a line for each broken one, and exits with 1 if there is any.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(
    r"\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|<(https?://[^>\s]+)>|\bsrc=\"([^\"]+)\""
)
CODE = re.compile(r"^ *```.*?^ *```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
EXAMPLE_HOSTS = {"localhost", "127.0.0.1", "kubernetes", "kubernetes.default", "example.com"}
SECONDS = 30.0


def texts(root: Path) -> Iterator[tuple[Path, str]]:
    """The tracked Markdown files, and the Markdown cells of the tracked notebooks."""
    command = ["git", "-C", str(root), "ls-files", "-z", "*.md", "*.ipynb"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        path = root / name
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            cells = json.loads(text)["cells"]
            text = "\n\n".join(
                "".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"
            )
        yield path, text


def links(text: str) -> list[str]:
    """The targets of a text's links and pictures, without those in code."""
    return ["".join(groups) for groups in LINK.findall(CODE.sub("", text))]


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to a text's headings."""
    headings = re.findall(
        r"^#+ +(.+?) *#*$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M
    )
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def broken_within(root: Path) -> list[str]:
    """Describe each link to a file or a heading of the project that is not there."""
    found = []
    for path, text in texts(root):
        for link in links(text):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            place = f"{path.relative_to(root)}: {link}"
            if not target.exists():
                found.append(f"{place}: there is no such file")
            elif (
                parts.fragment
                and target.suffix == ".md"
                and parts.fragment not in anchors(target.read_text("utf-8"))
            ):
                found.append(f"{place}: there is no such heading")
    return found


def broken_outside(root: Path) -> list[str]:
    """Describe each link to another site that does not answer, or answers that the page is not there."""
    places: dict[str, str] = {}
    for path, text in texts(root):
        for link in links(text):
            parts = urlsplit(link)
            if parts.scheme in ("http", "https") and parts.hostname not in EXAMPLE_HOSTS:
                places.setdefault(link.partition("#")[0], str(path.relative_to(root)))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(problem, places))
    return [
        f"{place}: {link}: {why}"
        for (link, place), why in zip(places.items(), answers, strict=True)
        if why
    ]


def problem(link: str) -> str:
    """Why a page cannot be read; empty when it can, or when the site only refuses programs (401, 403, 429)."""
    request = urllib.request.Request(
        link, headers={"User-Agent": "Mozilla/5.0 (labkit's link check)"}
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        error.close()
        return "" if error.code in (401, 403, 429) else f"HTTP {error.code}"
    except OSError as error:
        return str(getattr(error, "reason", error))


def main() -> int:
    """Check the links, print the broken ones and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--online", action="store_true", help="check the links to other sites too")
    found = broken_within(ROOT)
    if parser.parse_args().online:
        found += broken_outside(ROOT)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
