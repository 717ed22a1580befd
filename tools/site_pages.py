"""The site's own pages, in each language: the landing page, the drill, and a link's picture.

A text in their HTML is ``{{t("…")}}``, and in their scripts as in a widget's. ``locale/LANGUAGE/page.po`` has the
translations.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from labkit.core.html import stylesheet, tokens
from labkit.core.language import LANGUAGES as NAMES
from labkit.core.version import __version__
from labkit.practice import pool
from tools import catalogues, site_answers, site_fonts
from tools.notebooks import ROOT
from tools.texts import IN_SCRIPT

SOURCES = ROOT / "page" / "site"
STATIC = ROOT / "labkit" / "ui" / "static"
IN_PAGE = re.compile(r'\{\{t\("([^"]*)"\)\}\}')
"""A text in a page's HTML."""
SAID = ROOT / "labkit" / "core" / "languages"
"""What labkit says in other languages."""
PICTURES = ("xray", "graph", "matrix")
"""The widgets that have links to pictures."""
README_ROW = re.compile(
    r"^\| \d \| \[(.+?)\]\(notebooks/((?:\w+/)?[\w-]+\.ipynb)\) \| (.*?) ?\| (\d+) \| (.+?) \|$",
    re.MULTILINE,
)
LANDING = {"en": "index", "ko": "ko"}
"""The landing page of each language, and so of its other pages."""


def add_loading(out: Path, jupyterlite: str, front: int, begin: int) -> None:
    """Add what JupyterLab's page loads, with JupyterLite's version and names, and what it says in other languages.

    Args:
        out: The site.
        jupyterlite: JupyterLite's version.
        front: The bytes on the wire before Python.
        begin: Those before the first cell runs.
    """
    folder = out / "static"
    [worker] = out.glob(
        "extensions/@jupyterlite/pyodide-kernel-extension/static/comlink.worker.*.js"
    )
    for name, place in (("loading.js", folder), ("early.mjs", folder / "pyodide")):
        script = (SOURCES / name).read_text(encoding="utf-8")
        script = script.replace("{{jupyterlite}}", jupyterlite).replace("{{worker}}", worker.name)
        script = script.replace("{{tokens}}", json.dumps(tokens()))
        script = script.replace("{{front}}", str(front)).replace("{{total}}", str(begin))
        (place / name).write_text(script, encoding="utf-8")
    shutil.copyfile(SOURCES / "progress.js", folder / "progress.js")
    for language in LANDING:
        if texts := texts_of_pages(language):
            script = "".join(
                (SOURCES / name).read_text(encoding="utf-8")
                for name in ("loading.js", "kernel.mjs", "storage.mjs")
            )
            (folder / f"loading-{language}.json").write_text(
                words_of(script, texts), encoding="utf-8"
            )


def words_of(script: str, texts: Mapping[str, str]) -> str:
    """The translations of a script's texts, as JSON."""
    return json.dumps(
        {each: texts[each] for each in IN_SCRIPT.findall(script) if each in texts},
        ensure_ascii=False,
    )


def add_landing(out: Path, size: int) -> None:
    """Add the landing page, in each language; it says how many bytes come before the first cell."""
    address = os.environ.get("LABKIT_SITE", "")
    answers, picture = site_answers.record()
    for language, name in LANDING.items():
        texts = texts_of_pages(language)
        page = translated((SOURCES / "index.html").read_text(encoding="utf-8"), language, LANDING)
        page = page.replace("{{megabytes}}", f"{size / 1e6:.0f}").replace(
            "{{version}}", __version__
        )
        page = page.replace("{{cards}}", "\n".join(cards(language, texts)))
        page = page.replace("{{time}}", time_of(language, texts)).replace("{{tokens}}", tokens())
        page = page.replace("{{exercises}}", "\n".join(exercises(language)))
        page = page.replace("{{answers}}", json.dumps(answers, ensure_ascii=False))
        page = page.replace("{{picture}}", picture).replace("{{address}}", address)
        page = page.replace("{{alternates}}", alternates(address, name))
        page = page.replace(
            "{{elsewhere}}", elsewhere(os.environ.get("GITHUB_REPOSITORY", ""), texts)
        )
        (out / f"{name}.html").write_text(page, encoding="utf-8")


def alternates(address: str, name: str) -> str:
    """The links to the landing page in each language, and to its own address if the site's is known."""
    links = [
        f'<link rel="alternate" hreflang="{code}" href="{address}{other}.html">'
        for code, other in LANDING.items()
    ]
    own = f'<link rel="canonical" href="{address}{name}.html">'
    return "\n".join([*links, own] if address else links)


def time_of(language: str, texts: Mapping[str, str]) -> str:
    """How long the parts take together."""
    text = "About {hours} hours in {parts} parts; your progress stays in this browser."
    minutes = [int(row[3]) for row in rows(language)]
    said = texts.get(text, text)
    return said.format(hours=f"{round(sum(minutes) / 30) / 2:g}", parts=len(minutes))


def rows(language: str) -> list[tuple[str, ...]]:
    """The README's table of the parts: title, notebook, steps, minutes and what one does."""
    readme = ROOT / ("README.md" if language == "en" else f"README.{language}.md")
    return README_ROW.findall(readme.read_text(encoding="utf-8"))


def exercises(language: str) -> Iterator[str]:
    """A link to each exercise, with its title."""
    folder = "exercises" if language == "en" else f"{language}/exercises"
    for path in sorted((ROOT / "notebooks" / folder).glob("*.ipynb")):
        first = json.loads(path.read_text(encoding="utf-8"))["cells"][0]
        title = "".join(first["source"]).partition("\n")[0].removeprefix("# ")
        href = f"lab/index.html?path={folder}/{path.name}"
        yield f'<li><a href="{href}">{html.escape(title)}</a></li>'


def texts_of_pages(language: str) -> dict[str, str]:
    """What the site's own pages say in a language, by the English text; nothing for English."""
    if language == "en":
        return {}
    messages = catalogues.messages(
        catalogues.read(catalogues.path(language, "page").read_text(encoding="utf-8"))
    )
    return {str(each.id): str(each.string) for each in messages if each.string and not each.fuzzy}


def translated(page: str, language: str, names: Mapping[str, str]) -> str:
    """A page in a language, with a link to itself in each other one.

    Args:
        page: Its source.
        language: The language's code.
        names: The page's name in each language.
    """
    texts, suffix = texts_of_pages(language), "" if language == "en" else f"-{language}"
    page = IN_PAGE.sub(lambda text: texts.get(text[1], text[1]), page)
    links = " · ".join(
        f'<a href="{name}.html" lang="{code}" hreflang="{code}">{NAMES[code]}</a>'
        for code, name in names.items()
        if code != language
    )
    values = {
        "language": language,
        "languages": f'<p class="languages">{links}</p>',
        "font": site_fonts.script(language),
        "landing": LANDING[language],
        "suffix": suffix,
        "readme": "index" if language == "en" else f"README.{language}",
        "documents": "index" if language == "en" else f"docs/{language}/index",
        "folder": "" if language == "en" else f"{language}/",
        "catalogue": f', "drill{suffix}.json"' if suffix else "",
        "words": words_of(page, texts),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda name: values.get(name[1], name[0]), page)


def cards(language: str, texts: Mapping[str, str]) -> Iterator[str]:
    """The landing page's cards: a notebook each, as the README's table has them in that language."""
    time = texts.get("{minutes} minutes", "{minutes} minutes")
    for title, name, steps, minutes, what in rows(language):
        first, last = re.findall(r"\d+", steps) or (1, 0)
        own = " ".join(f"{steps[0]}{number}" for number in range(int(first), int(last) + 1))
        yield (
            f'<li data-steps="{own}"><h3><a href="lab/index.html?path={name}">{html.escape(title)}</a></h2>'
            f"<p>{html.escape(what)}</p>"
            f'<p class="quiet">{time.format(minutes=minutes)}{", " + steps if own else ""} '
            '<span class="passes"></span></p></li>'
        )


def add_drill(out: Path) -> None:
    """Add the drill's page: the widget's script and style, and the questions, which the lab's widget fetches too."""
    script = [(STATIC / name).read_text(encoding="utf-8") for name in ("common.js", "drill.js")]
    (out / "drill.js").write_text("\n".join(script), encoding="utf-8")
    names = {"en": "drill", **{code: f"drill-{code}" for code in LANDING if code != "en"}}
    shutil.copyfile(ROOT / "labkit" / "practice" / "pool.json", out / "drill-pool.json")
    for language, name in names.items():
        page = translated((SOURCES / "drill.html").read_text(encoding="utf-8"), language, names)
        (out / f"{name}.html").write_text(
            page.replace("{{style}}", style_of("drill")), encoding="utf-8"
        )
        if language != "en":
            shown = json.loads((SAID / f"{language}.json").read_text(encoding="utf-8"))
            english = dict.fromkeys([*IN_SCRIPT.findall("\n".join(script)), *pool.texts()])
            words = json.dumps(
                {each: shown[each] for each in english if each in shown}, ensure_ascii=False
            )
            (out / f"{name}.json").write_text(words, encoding="utf-8")


def add_share(out: Path) -> None:
    """Add the page that draws a link's picture, with the scripts of the widgets that have links and their texts."""
    folder = out / "share"
    folder.mkdir()
    page, script = (
        (SOURCES / f"share.{kind}").read_text(encoding="utf-8") for kind in ("html", "js")
    )
    (out / "share.html").write_text(IN_PAGE.sub(r"\1", page), encoding="utf-8")
    (folder / "share.js").write_text(script, encoding="utf-8")
    link = (SOURCES / "share-link.js").read_text(encoding="utf-8")
    shapes = (STATIC / "share.json").read_text(encoding="utf-8")
    (folder / "link.js").write_text(link.replace("{{shapes}}", shapes), encoding="utf-8")
    (folder / "share.css").write_text(style_of(*PICTURES), encoding="utf-8")
    parts = {
        name: (STATIC / f"{name}.js").read_text(encoding="utf-8")
        for name in ("common", "explanation", *PICTURES)
    }
    for name in PICTURES:
        (folder / f"{name}.js").write_text(
            "\n".join((parts["common"], parts["explanation"], parts[name])), encoding="utf-8"
        )
    for language, landing in LANDING.items():
        if texts := texts_of_pages(language):
            texts |= json.loads((SAID / f"{language}.json").read_text(encoding="utf-8"))
            words = words_of("\n".join((page, script, *parts.values())), texts)
            module = f'export const words = {words};\nexport const landing = "{landing}.html";\n'
            (folder / f"words-{language}.js").write_text(module, encoding="utf-8")


def style_of(*widgets: str) -> str:
    """The style of a page that shows widgets without JupyterLab."""
    sheets = [(STATIC / f"{name}.css").read_text(encoding="utf-8") for name in ("common", *widgets)]
    return "\n".join([stylesheet(), *sheets, (SOURCES / "widgets.css").read_text(encoding="utf-8")])


def elsewhere(repository: str, texts: Mapping[str, str]) -> str:
    """Links to the same notebooks in Binder and Codespaces; empty where no repository (owner/name) is known."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        return ""
    links = {
        "Open in Binder": f"https://mybinder.org/v2/gh/{repository}/HEAD?urlpath=lab/tree/notebooks/00-start.ipynb",
        "Open in Codespaces": f"https://codespaces.new/{repository}",
        "Source": f"https://github.com/{repository}",
    }
    return "".join(f' · <a href="{url}">{texts.get(text, text)}</a>' for text, url in links.items())
