"""The lesson mode of labkit lab: the header, its dots, the column of text, and the way to all of Jupyter."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from labkit.lab.extension import NAME, write_extension
from tests.browser.jupyter import SECONDS, Jupyter, NotebookPage, running_jupyter
from tools.notebooks import ROOT

STEPS = ["W14", "W15", "W16", "W17", "A5", "W18", "W19", "A6", "A7", "A11"]
"""Those of part 4, in their order."""
PASS = "from labkit.lessons.progress import Progress\nProgress.default().mark('{}', 'passed')"
LONGEST_LINE = """() => {
    const texts = [...document.querySelectorAll(".jp-RenderedMarkdown p")].map((each) => each.firstChild);
    const range = document.createRange();
    const lines = {};
    texts.filter((text) => text?.data?.length > 150).forEach((text, number) => {
        for (let place = 0; place < text.length; place += 1) {
            range.setStart(text, place);
            range.setEnd(text, place + 1);
            const line = `${number} ${Math.round(range.getBoundingClientRect().top)}`;
            lines[line] = (lines[line] ?? 0) + 1;
        }
    });
    return Math.max(...Object.values(lines));
}"""
EDGES = """() => [".jp-RenderedMarkdown p", ".jp-CodeCell .jp-InputArea-editor", ".jp-OutputArea .lk"].map((name) => {
    const { left, right } = document.querySelector(`.jp-Notebook ${name}`).getBoundingClientRect();
    return [Math.round(left), Math.round(right)];
})"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    """JupyterLab with the lesson mode, as ``labkit lab`` starts it, and three notebooks."""
    folder = tmp_path_factory.mktemp("lesson")
    write_extension(folder / "extensions")
    option = f"--LabServerApp.extra_labextensions_path={folder / 'extensions'}"
    with running_jupyter(folder / "jupyter", options=[option]) as running:
        (running.root / "ko").mkdir()
        for name in ("04-roles.ipynb", "05-cluster-roles.ipynb", "ko/04-roles.ipynb"):
            shutil.copyfile(ROOT / "notebooks" / name, running.root / name)
        yield running


def opened(browser: Any, lab: Jupyter, front_end: str = "lab", **more: Any) -> NotebookPage:
    """Part 4 in a new window, in the lesson mode."""
    page = browser.new_page(**{"viewport": {"width": 1280, "height": 800}, **more})
    notebook = NotebookPage(page, lab, front_end)
    notebook.open("04-roles.ipynb")
    expect(page.locator(".lk-lesson")).to_be_visible(timeout=SECONDS)
    return notebook


def steps(page: Page, state: str) -> list[str]:
    """The steps whose dots are in a state."""
    dots = page.locator(f".lk-dots a[data-state={state}]")
    found: list[str] = dots.evaluate_all("all => all.map((a) => a.hash.slice(1))")
    return found


@pytest.mark.parametrize("front_end", ["lab", "notebook"])
def test_a_lesson_opens_without_the_frame_and_its_dots_fill(
    browser: Any, lab: Jupyter, front_end: str
) -> None:
    notebook = opened(browser, lab, front_end)
    page = notebook.page
    for frame in (
        ".jp-SideBar",
        ".jp-MenuBar, .lm-MenuBar",
        "#jp-main-statusbar",
        ".jp-NotebookPanel-toolbar",
    ):
        assert not page.locator(frame).first.is_visible(), frame
    dots = page.locator(".lk-dots a")
    expect(dots).to_have_count(len(STEPS))
    assert dots.evaluate_all("all => all.map((a) => a.hash.slice(1))") == STEPS
    before = steps(page, "passed")
    step = "W16" if front_end == "lab" else "W17"
    assert step not in before
    notebook.run(PASS.format(step))
    expect(page.locator(f'.lk-dots a[href="#{step}"]')).to_have_attribute("data-state", "passed")
    assert steps(page, "passed") == sorted({*before, step})
    assert steps(page, "next") == ["W14"]
    expect(page.locator(f'.lk-dots a[href="#{step}"]')).to_have_accessible_name(
        re.compile(": passed$")
    )
    page.close()


def test_a_dot_and_the_next_step_lead_there(browser: Any, lab: Jupyter) -> None:
    page = opened(browser, lab).page
    page.locator('.lk-dots a[href="#W18"]').click()
    expect(page.get_by_role("heading", name="W18")).to_be_in_viewport()
    page.get_by_role("button", name="Next: W14").click()
    expect(page.get_by_role("heading", name="W14")).to_be_in_viewport()
    page.close()


def test_run_takes_the_next_cell_and_text_code_and_cards_share_their_edges(
    browser: Any, lab: Jupyter
) -> None:
    notebook = opened(browser, lab)
    page = notebook.page
    run = page.locator(".lk-lesson .lk-run")
    for _ in range(5):
        run.click()
    notebook.widget("start")
    notebook.idle()
    expect(run).to_have_text("▶ Run")
    text, code, card = page.evaluate(EDGES)
    assert text == code == card
    assert 60 <= page.evaluate(LONGEST_LINE) <= 80
    page.close()


def test_all_of_jupyter_is_one_press_away_and_the_choice_stays(browser: Any, lab: Jupyter) -> None:
    notebook = opened(browser, lab)
    page = notebook.page
    page.locator(".lk-all").click()
    expect(page.locator("#jp-MainMenu")).to_be_visible()
    expect(page.locator(".jp-SideBar.jp-mod-left")).to_be_visible()
    expect(page.locator(".jp-NotebookPanel-toolbar").first).to_be_visible()
    notebook.open("04-roles.ipynb")
    expect(page.locator(".jp-NotebookPanel-toolbar").first).to_be_visible()
    page.locator(".lk-all").click()
    expect(page.locator(".jp-SideBar.jp-mod-left")).to_be_hidden()
    page.close()


def test_the_theme_and_the_language_change(browser: Any, lab: Jupyter) -> None:
    page = opened(browser, lab).page
    page.locator(".lk-theme").click()
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    page.locator(".lk-theme").click()
    expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "true")
    page.locator(".lk-lesson").get_by_text("한국어").click()
    expect(page.locator(".lk-lesson").get_by_text("English")).to_be_visible()
    assert (
        page.evaluate("window.jupyterapp.shell.currentWidget.context.path") == "ko/04-roles.ipynb"
    )
    page.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_has_run_at_the_bottom_and_everybody_can_read_the_header(
    browser: Any, lab: Jupyter, theme: str
) -> None:
    notebook = opened(
        browser, lab, "notebook", viewport={"width": 360, "height": 700}, has_touch=True
    )
    page = notebook.page
    if theme == "dark":
        page.locator(".lk-theme").click()
        expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    box = page.locator(".lk-lesson-run .lk-run").bounding_box()
    assert box is not None
    assert box["height"] >= 48
    assert 690 <= box["y"] + box["height"] <= 700
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    said = "() => document.querySelector('.lk-lesson').outerHTML + document.querySelector('.lk-lesson-run').outerHTML"
    assert "Shift" not in page.evaluate(said)
    found = Axe().run(page, context={"include": [[".lk-lesson"], [".lk-lesson-run"]]})
    assert [each["help"] for each in found.response["violations"]] == []
    if theme == "dark":
        page.locator(".lk-theme").click()
        expect(page.locator("body")).to_have_attribute("data-jp-theme-light", "true")
    page.close()


def test_the_extension_has_its_style_and_the_texts_of_each_language(lab: Jupyter) -> None:
    script = (lab.root.parents[1] / "extensions" / NAME / "static" / "lesson.js").read_text("utf-8")
    assert "{{" not in script
    assert "--lk-accent: light-dark(" in script
    assert '"ko":' in script


ANSWER = """from labkit.client.answer import Answer
Answer("admin", "GET", "/api", "https://127.0.0.1:6443", 200, {}, {})"""


def test_commands_are_open_where_they_are_taught_and_stay_as_the_learner_leaves_them(
    browser: Any, lab: Jupyter
) -> None:
    page = browser.new_page()
    notebook = NotebookPage(page, lab)
    folds = page.locator("details.lk-command")
    opened = page.locator("details.lk-command[open]")
    for name, are_open in (("02-pods.ipynb", 2), ("04-roles-too.ipynb", 0)):
        notebook.open(lab.write(name, [ANSWER, ANSWER]))
        notebook.run_all()
        expect(folds).to_have_count(2)
        expect(opened).to_have_count(are_open)
    folds.first.locator("summary").click()
    expect(opened).to_have_count(2)
    notebook.run_all()
    expect(opened).to_have_count(2)
    folds.first.locator("summary").click()
    notebook.open("02-pods.ipynb")
    notebook.run_all()
    expect(folds).to_have_count(2)
    expect(opened).to_have_count(0)
    page.close()
