"""All seven widgets in JupyterLab and in Notebook 7: each drawn, each used, by mouse and by keyboard."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.browser.jupyter import Jupyter, NotebookPage
from tests.browser.test_widgets import EVERYTHING, settled, show

CELLS = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"


def test_every_widget_works_by_mouse(either: NotebookPage, jupyter: Jupyter) -> None:
    show(either, jupyter, "mouse", *EVERYTHING)
    matrix = either.widget("matrix")
    matrix.locator('[data-key="0-1"]').click()
    expect(matrix).to_contain_text("kikai/default: create services in kikai")
    box = either.widget("graph").locator('[data-key="ClusterRoleBinding:/cluster-admin"]')
    box.click()
    expect(box).to_have_attribute("aria-pressed", "true")
    expect(either.widget("xray").locator(".lk-stage")).to_have_count(5)
    inspector = either.widget("token")
    inspector.locator('[data-key="tamper-0"]').click()
    expect(inspector.locator(".lk-verdict.lk-no")).to_contain_text("not verified")
    terminal = either.widget("terminal")
    terminal.get_by_role("textbox").fill("echo it is $((6 * 7))")
    terminal.get_by_role("button", name="Run").click()
    expect(terminal.get_by_role("log")).to_contain_text("it is 42")
    board = either.widget("board")
    board.get_by_role("button", name="Hint for W16").click()
    expect(board.locator(".lk-hint").first).not_to_be_empty()
    panel = either.widget("start")
    expect(panel.locator("h3")).to_contain_text("The embedded cluster runs")
    panel.locator(".lk-step").select_option("W17")
    panel.get_by_role("button", name="Rewind", exact=True).click()
    expect(panel.locator(".lk-log")).to_contain_text("Rewound to W17")
    assert not either.errors


def test_every_widget_works_by_keyboard_and_no_key_reaches_the_notebook(
    either: NotebookPage, jupyter: Jupyter
) -> None:
    show(either, jupyter, "keyboard", *EVERYTHING)
    cells = either.page.evaluate(CELLS)

    def press(at: Locator, *keys: str) -> None:
        at.focus()
        for key in keys:
            either.page.keyboard.press(key)

    # As the notebook's own, these insert, cut and delete cells and move between them.
    stray = ("b", "x", "d", "d", "k")
    matrix = either.widget("matrix")
    press(matrix.locator('[data-key="0-1"]'), *stray, "Enter")
    expect(matrix).to_contain_text("kikai/default: create services in kikai")
    expect(matrix.locator('[data-key="0-1"]')).to_be_focused()
    graph = either.widget("graph")
    press(graph.locator('[data-key="namespace"]'), "k")  # a list chooses by first letters
    expect(graph.locator('[data-key="namespace"]')).to_have_value("kikai")
    expect(settled(graph).locator('[data-key="namespace"]')).to_be_focused()
    press(graph.get_by_role("checkbox"), *stray, "Space")
    expect(settled(graph)).to_contain_text("default bindings are not drawn")
    press(either.widget("xray").locator(".lk-scroll").first, *stray)
    inspector = either.widget("token")
    press(inspector.locator('[data-key="tamper-0"]'), *stray, "Space")
    expect(inspector.locator(".lk-verdict.lk-no")).to_contain_text("not verified")
    terminal = either.widget("terminal")
    press(terminal.get_by_role("textbox"), *"bxdd", "Enter")
    expect(terminal.get_by_role("log")).to_contain_text("bxdd: command not found")
    press(settled(terminal).get_by_role("textbox"), "ArrowUp")
    expect(terminal.get_by_role("textbox")).to_have_value("bxdd")
    board = either.widget("board")
    press(board.get_by_role("button", name="Hint for W16"), *stray, "Enter")
    expect(board.locator(".lk-hint").first).not_to_be_empty()
    panel = either.widget("start")
    press(panel.get_by_role("button", name="Stop", exact=True), "Space")
    expect(settled(panel).locator("h3")).not_to_contain_text("The embedded cluster runs")
    press(panel.locator('[data-key="start-embedded"]'), *stray, "Enter")
    expect(panel.locator("h3")).to_contain_text("The embedded cluster runs")
    press(settled(panel).locator(".lk-step"), *"W17")
    press(panel.get_by_role("button", name="Rewind", exact=True), "Space")
    expect(panel.locator(".lk-log")).to_contain_text("Rewound to W17")
    assert either.page.evaluate(CELLS) == cells
    assert not either.errors
