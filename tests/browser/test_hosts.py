"""Widgets work in any host of anywidget: a plain module, a model, no rights beyond drawing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from labkit.lab.lab import Lab
from labkit.ui import (
    AccessMatrix,
    Board,
    MutantWall,
    PodTerminal,
    RBACGraph,
    StartPanel,
    TokenInspector,
    XRay,
)
from labkit.ui.base import LabWidget
from tests.browser.host import THEMES, Host
from tests.browser.test_widgets import axe
from tests.lessons.policy_questions import TWO

SERVICES = "/api/v1/namespaces/kikai/services"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Iterator[Lab]:
    """A lab at W18."""
    made = Lab("embedded", home=tmp_path_factory.mktemp("home"), say=lambda _line: None)
    made.rewind("W18")
    yield made
    made.stop()


def one_of_each(lab: Lab) -> dict[str, LabWidget]:
    """One of each."""
    return {
        "matrix": AccessMatrix(lab, ["kikai/default", "darbo/default"], namespace="kikai"),
        "graph": RBACGraph(lab, who="kikai/default", request="list services", namespace="kikai"),
        "xray": XRay(lab.as_service_account("darbo/default").get(SERVICES), lab),
        "token": TokenInspector(lab, lab.pod_token("kikai/test")),
        "terminal": PodTerminal(lab, "kikai/test"),
        "board": Board(lab, "04-roles"),
        "start": StartPanel(home=lab.home),
        "wall": MutantWall(lab.policy("04-roles"), TWO),
    }


@pytest.mark.parametrize("theme", [*THEMES, "plain"])
def test_every_widget_lives_outside_jupyter(browser: Any, lab: Lab, theme: str) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 720})
    host = Host(page, theme)
    for name, widget in one_of_each(lab).items():
        assert host.show(name, widget) == [], f"{name} makes global names"
        expect(host.widget(name)).to_be_visible()
    host.widget("matrix").locator('[data-key="1-0"]').click()
    expect(host.widget("matrix")).to_contain_text("The smallest change that would allow it")
    host.widget("token").locator('[data-key="tamper-0"]').click()
    expect(host.widget("token")).to_contain_text("not verified")
    host.widget("terminal").get_by_role("textbox").fill("echo $((6 * 7))")
    page.keyboard.press("Enter")
    expect(host.widget("terminal").get_by_role("log")).to_contain_text("42")
    card = host.widget("wall").locator('[data-key="card-1"]')
    card.click()
    expect(host.widget("wall").locator(".lk-detail")).to_contain_text(
        "Rejected by the question: kikai/default may"
    )
    expect(host.widget("start")).to_contain_text("In a terminal, type this first")
    host.widget("board").get_by_role("button", name="Hint for W16").click()
    expect(host.widget("board").locator(".lk-hint")).not_to_be_empty()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 1000
    found = page.evaluate(f"async () => {{ {axe()}; return (await axe.run('.lk')).violations }}")
    assert not [
        (entry["id"], node["html"], node["failureSummary"])
        for entry in found
        for node in entry["nodes"]
    ]
    assert not host.refused()
    assert not host.errors
    page.close()


def test_a_widget_that_is_taken_away_listens_no_more(browser: Any, lab: Lab) -> None:
    page = browser.new_page()
    host = Host(page, "vscode-dark")
    for name, widget in one_of_each(lab).items():
        host.show(name, widget)
        assert page.evaluate("(name) => models[name].model.listening()", name) == 3
        page.evaluate("(name) => models[name].away()", name)
        assert page.evaluate("(name) => models[name].model.listening()", name) == 0
    page.close()


def test_a_kernel_that_does_not_answer_is_said(browser: Any, lab: Lab) -> None:
    page = browser.new_page()
    page.clock.install()
    host = Host(page, "plain")
    host.show("matrix", AccessMatrix(lab, ["kikai/default"], namespace="kikai"))
    matrix = host.widget("matrix")
    page.evaluate("() => { window.python = () => new Promise(() => {}); }")
    matrix.get_by_role("button", name="Ask again").click()
    page.clock.fast_forward(2_100)
    expect(matrix).to_contain_text("Waiting for the kernel …")
    page.clock.fast_forward(6_100)
    expect(matrix).to_contain_text("run the cell again")
    page.close()
