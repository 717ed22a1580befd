"""Draw the Mermaid diagrams of the documents, with the Mermaid of a real JupyterLab.

    python -m tools.diagrams

JupyterLab brings Mermaid along, so nothing is downloaded. Each diagram of ``docs/PAGE.md`` gives
``docs/diagrams/PAGE-1-light.svg`` and ``PAGE-1-dark.svg``, which name the text that they were drawn from.
"""

from __future__ import annotations

import hashlib
import re
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote

from playwright.sync_api import sync_playwright

from tests.browser.jupyter import running_jupyter
from tests.support.chromium import FLAGS, chromium

DOCS = Path(__file__).resolve().parents[1] / "docs"
PICTURES = DOCS / "diagrams"
BLOCK = re.compile(r"^```mermaid\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"<!-- drawn from ([0-9a-f]+) -->")
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}

COLUMN = 736
"""The width of the site's text in pixels; what is wider is made smaller, and scrolls."""
SMALLEST = 0.7
"""The scale below which a diagram cannot be read."""


def key(text: str) -> str:
    """What tells one diagram's text from another's."""
    return hashlib.sha256(text.strip().encode()).hexdigest()[:16]


def drawn() -> dict[str, str]:
    """The diagrams that have both pictures: for each text's key, the pictures' name."""
    marks: dict[str, dict[str, str]] = {theme: {} for theme in THEMES}
    for theme, found in marks.items():
        for picture in PICTURES.glob(f"*-{theme}.svg"):
            mark = MARK.search(picture.read_text(encoding="utf-8"))
            if mark:
                found[mark[1]] = picture.name.removesuffix(f"-{theme}.svg")
    return {mark: name for mark, name in marks["light"].items() if marks["dark"].get(mark) == name}


def diagrams() -> dict[str, str]:
    """The text of each diagram of the documents, by the pictures' name."""
    return {
        f"{page.stem}-{number}": text
        for page in sorted(DOCS.glob("*.md"))
        for number, text in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), 1)
    }


def main() -> int:
    """Draw all of them."""
    if not chromium():
        print("Chromium is not installed. On Debian: apt-get install chromium", file=sys.stderr)
        return 1
    PICTURES.mkdir(exist_ok=True)
    texts = diagrams()
    for theme in THEMES:
        for name, picture in draw(texts, theme).items():
            path = PICTURES / f"{name}-{theme}.svg"
            path.write_text(
                f"{picture}\n<!-- drawn from {key(texts[name])} -->\n", encoding="utf-8"
            )
            print(f"{path.stat().st_size // 1024:5} KiB  {path.relative_to(DOCS.parent)}")
    return 0


def draw(texts: dict[str, str], theme: str) -> dict[str, str]:
    """The pictures of diagrams in a theme, drawn in the preview of a Markdown file."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_jupyter(Path(folder), THEMES[theme]) as jupyter,
        sync_playwright() as playwright,
    ):
        blocks = (f"```mermaid\n{text}\n```\n" for text in texts.values())
        (jupyter.root / "diagrams.md").write_text("\n".join(blocks))
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(f"{jupyter.url}/lab?token={jupyter.token}")
        page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('docmanager:open')")
        page.evaluate(
            "() => window.jupyterapp.commands.execute('docmanager:open',"
            " {path: 'diagrams.md', factory: 'Markdown Preview'})"
        )
        images = page.locator(".jp-RenderedMermaid img")
        page.wait_for_function(
            "(count) => document.querySelectorAll('.jp-RenderedMermaid img').length === count",
            arg=len(texts),
        )
        addresses = [images.nth(number).get_attribute("src") or "" for number in range(len(texts))]
        browser.close()
    pictures = (unquote(address.split(",", 1)[1]) for address in addresses)
    return {name: standalone(picture) for name, picture in zip(texts, pictures, strict=True)}


def standalone(picture: str) -> str:
    """A picture with a size of its own, without the HTML entities that its DOCTYPE names: none is used."""
    root = picture[picture.index("<svg") :]
    width, height = map(float, re.findall(r'viewBox="\S+ \S+ (\S+) (\S+)"', root)[0])
    scale = min(1, max(SMALLEST, COLUMN / width))
    return root.replace(
        'width="100%"', f'width="{width * scale:.0f}" height="{height * scale:.0f}"', 1
    )


if __name__ == "__main__":
    sys.exit(main())
