"""A font of the site for each language whose letters a system may lack.

A page in Korean has ``font.js``, which adds the style sheet where the system has no such font.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tools import page_packages
from tools.notebooks import ROOT

KOREAN = page_packages.BUILD / "node_modules" / "@fontsource-variable" / "noto-sans-kr"
FAMILY = "labkit Korean"
FIRST_LETTER = 0x2E80
"""Latin letters, marks and arrows, which some parts have too, stay those of the page's own font."""
FACE = re.compile(r"url\(\./files/([\w.-]+)\).*?unicode-range: ([^;]+);", re.DOTALL)
STACK = f'"{FAMILY}", system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif'
MONOSPACE = f'Menlo, Consolas, "DejaVu Sans Mono", "{FAMILY}", monospace'
USED = f"""body {{
  font-family: {STACK};
  --jp-ui-font-family: {STACK}; --jp-content-font-family: {STACK}; --jp-code-font-family: {MONOSPACE};
  --font-stack: {STACK}; --font-stack--monospace: {MONOSPACE};
}}
"""
"""The families of the site's own pages, of JupyterLab, and of the documentation."""


def add_fonts(out: Path) -> None:
    """Add the font, its script, style sheet and license."""
    folder = out / "fonts"
    folder.mkdir()
    faces = []
    for file, ranges in FACE.findall((KOREAN / "index.css").read_text(encoding="utf-8")):
        if letters := [
            each
            for each in ranges.split(",")
            if int(re.split(r"[+-]", each)[1], 16) >= FIRST_LETTER
        ]:
            shutil.copyfile(KOREAN / "files" / file, folder / file)
            faces.append(
                f'@font-face{{font-family:"{FAMILY}";font-display:swap;font-weight:100 900;'
                f"src:url({file});unicode-range:{','.join(letters)}}}\n"
            )
    (folder / "ko.css").write_text("".join(faces) + USED, encoding="utf-8")
    shutil.copyfile(ROOT / "page" / "site" / "font.js", folder / "ko.js")
    shutil.copyfile(KOREAN / "LICENSE", folder / "LICENSE")


def script(language: str, root: str = "") -> str:
    """The HTML by which a page gets the font of its language; nothing in English.

    Args:
        language: The page's language.
        root: From the page to the site's root.
    """
    return "" if language == "en" else f'<script src="{root}fonts/{language}.js" async></script>'
