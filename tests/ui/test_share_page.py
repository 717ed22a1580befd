"""The page that draws a link's picture, in the language of the link or the browser; Node runs its script."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from labkit.rbac.policy import Policy
from labkit.ui.share import Shareable
from tests.support.languages import korean, speaking
from tools import site_pages
from tools.texts import IN_SCRIPT

PAGE = """
import { readFileSync } from "node:fs";
const { browser, search } = JSON.parse(readFileSync(0, "utf8"));
const append = (...added) => heads.push(...added);
const element = (text = "") => ({ textContent: text, dataset: {}, append, replaceChildren() {} });
const heads = [], named = {}, texts = TEXTS.map(element);
const set = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true });
set("document", {
  body: element(),
  head: element(),
  documentElement: { lang: "en" },
  getElementById: (id) => (named[id] ??= element()),
  querySelectorAll: () => texts,
  createElement: () => element(),
});
set("navigator", { language: browser });
set("location", { search, hash: "#x" });
set("matchMedia", () => ({ matches: false, addEventListener() {} }));
set("addEventListener", () => {});
await import("./share/share.js");
console.log(JSON.stringify({
  language: document.documentElement.lang,
  texts: texts.map(({ textContent }) => textContent),
  refused: named.refused.textContent,
  about: named.about?.href,
  other: [named.other.textContent, named.other.href],
  fonts: heads.map(({ src }) => src),
  ready: document.body.dataset.ready,
}));
"""

needs_node = pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide the pictures' part of the site."""
    folder = tmp_path_factory.mktemp("site")
    site_pages.add_share(folder)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def static_texts(site: Path) -> list[str]:
    """Return the page's own texts in English."""
    html = (site / "share.html").read_text(encoding="utf-8")
    assert "{{" not in html
    return re.findall(r"<[^>]* data-text>([^<]+)<", html)


def opened(site: Path, browser: str, search: str = "") -> Any:
    """Return the page's texts in a browser with this language, opened with a query."""
    script = PAGE.replace("TEXTS", json.dumps(static_texts(site)))
    (site / "page.mjs").write_text(script, encoding="utf-8")
    asked = json.dumps({"browser": browser, "search": search})
    done = subprocess.run(
        ["node", "page.mjs"],
        cwd=site,
        input=asked,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_node
@pytest.mark.parametrize(
    ("browser", "search"), [("ko-KR", ""), ("ko", "?x=1"), ("en-GB", "?lang=ko")]
)
def test_the_page_is_korean_where_the_browser_or_the_link_is(
    site: Path, browser: str, search: str
) -> None:
    assert opened(site, browser, search) == {
        "language": "ko",
        "texts": [
            "labkit: 결정을 그린 그림",
            "이 그림은 링크를 만든 사람이 만든 것이며, 아무도 확인하지 않았습니다.",
            "실습에서 열기",
            "labkit 소개",
        ],
        "refused": "labkit의 그림이 아니거나 링크가 잘렸습니다. 링크 전체를 복사하세요.",
        "about": "ko.html",
        "other": ["English", "?lang=en#x"],
        "fonts": ["fonts/ko.js"],
        "ready": "yes",
    }


@needs_node
@pytest.mark.parametrize(
    ("browser", "search"), [("en", ""), ("kok", ""), ("ko-KR", "?lang=en"), ("de", "?lang=../x")]
)
def test_elsewhere_the_page_is_english_and_fetches_nothing_more(
    site: Path, browser: str, search: str
) -> None:
    page = opened(site, browser, search)
    assert (page["language"], page["texts"]) == ("en", static_texts(site))
    assert page["refused"].startswith("This is no picture of labkit")
    assert (page["other"], page["fonts"], page["ready"]) == (["한국어", "?lang=ko#x"], [], "yes")


def test_the_page_has_the_translations_of_its_texts_and_of_its_widgets(site: Path) -> None:
    module = (site / "share" / "words-ko.js").read_text(encoding="utf-8")
    words = json.loads(module.removeprefix("export const words = ").partition(";\nexport")[0])
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in (site / "share").glob("*.js"))
    said = {*IN_SCRIPT.findall(scripts), *static_texts(site)}
    assert len(said) > 50
    known = korean()
    assert words.items() >= {(each, known[each]) for each in said if each in known}


def test_a_korean_labs_link_names_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = Shareable()
    picture.data, picture._policy = {"title": "T", "source": "", "stages": []}, Policy({}, ())
    monkeypatch.setattr(Shareable, "__module__", "labkit.ui.xray")
    monkeypatch.setenv("LABKIT_LANG", "en")
    assert picture.link("https://example.org/").startswith("https://example.org/share.html#")
    with speaking():
        assert picture.link("https://example.org/").startswith(
            "https://example.org/share.html?lang=ko#"
        )
