"""The terminal next to the text, and columns that do not fit."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.jupyter import Jupyter, NotebookPage
from tests.browser.test_widgets import show

PANEL = "from labkit import Lab, check, predict\nfrom labkit.ui import StartPanel\nlab = Lab()\nlab.rewind('W9')"
OPEN = "Open a terminal with kubectl"


def test_one_click_opens_a_terminal_beside_the_text_and_what_is_done_there_counts(
    notebook: NotebookPage, jupyter: Jupyter
) -> None:
    notebook.open(jupyter.write("beside.ipynb", [PANEL, "StartPanel()"]))
    notebook.run_all()
    notebook.run(
        "from labkit.lab.words import progress; progress().forget(); predict('W9', 'default')"
    )
    assert "W9 not attempted" in notebook.run("print(repr(check('W9')))")
    notebook.widget("start").get_by_role("button", name=OPEN).click()
    terminal = notebook.page.locator(".jp-Terminal")
    expect(terminal).to_be_visible()
    text = notebook.page.locator(".jp-Notebook")
    notebook.page.wait_for_function(
        """() => document.querySelector(".jp-Terminal").getBoundingClientRect().left
            >= document.querySelector(".jp-Notebook").getBoundingClientRect().right"""
    )
    expect(text).to_be_visible()
    assert notebook.page.locator(".jp-Dialog").count() == 0
    done = jupyter.root / "done.txt"
    until = time.monotonic() + 80
    while not done.exists() and time.monotonic() < until:  # input before it is connected is lost
        terminal.click()
        asked = "printenv LABKIT_HOME KUBECONFIG > seen.txt; kubectl get serviceaccounts; touch done.txt"
        notebook.page.keyboard.type(f"cd {jupyter.root}; {asked}\n")
        notebook.page.wait_for_timeout(3000)
    seen = (jupyter.root / "seen.txt").read_text().splitlines()
    assert seen == [str(jupyter.home), str(jupyter.home / "admin.conf")]
    if shutil.which("kubectl"):
        notebook.page.evaluate(
            "() => window.jupyterapp.commands.execute('application:activate-previous-tab-bar')"
        )
        assert "W9 passed" in notebook.run("print(repr(check('W9')))")


def test_in_notebook_7_the_terminal_is_a_page_of_its_own(
    classic: NotebookPage, jupyter: Jupyter
) -> None:
    classic.open(jupyter.write("page.ipynb", [PANEL, "StartPanel()"]))
    classic.run_all()
    with classic.page.context.expect_page() as opened:
        classic.widget("start").get_by_role("button", name=OPEN).click()
    assert "/terminals/" in opened.value.url


def test_where_no_terminal_opens_the_line_to_type_is_shown(
    notebook: NotebookPage, jupyter: Jupyter
) -> None:
    notebook.open(jupyter.write("none.ipynb", [PANEL, "StartPanel()"]))
    notebook.run_all()
    notebook.page.route("**/api/terminals", lambda route: route.fulfill(status=404, body="{}"))
    panel = notebook.widget("start")
    panel.get_by_role("button", name=OPEN).click()
    expect(panel).to_contain_text("In a terminal, type this first")
    expect(panel.locator(".lk-command code")).to_contain_text(
        f"KUBECONFIG={jupyter.home / 'admin.conf'}"
    )


WIDE = (
    "AccessMatrix(lab, ['kikai/default', 'darbo/default'], namespace='kikai')",
    "RBACGraph(lab, who='kikai/default', request='list services', namespace='kikai')",
    "XRay(lab.as_service_account('darbo/default').get('/api/v1/namespaces/kikai/services'), lab)",
    "TokenInspector(lab, lab.pod_token('kikai/test'), lab.token('kikai/default'))",
)
BOXES = """() => [...document.querySelectorAll(".lk-scroll")].map((box) => ({
    hidden: box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1,
    said: box.previousElementSibling.checkVisibility(),
    faded: getComputedStyle(box).maskImage !== "none",
}))"""


@pytest.mark.parametrize("theme", ["notebook", "dark_notebook"])
def test_hidden_columns_are_said_and_can_be_scrolled_to(
    theme: str, request: pytest.FixtureRequest
) -> None:
    notebook: NotebookPage = request.getfixturevalue(theme)
    show(
        notebook,
        request.getfixturevalue("dark_jupyter" if theme[:4] == "dark" else "jupyter"),
        "narrow",
        *WIDE,
    )
    counts = []
    for width in (1600, 900, 600):
        notebook.page.set_viewport_size({"width": width, "height": 720})
        notebook.page.wait_for_timeout(300)
        boxes = notebook.page.evaluate(BOXES)
        assert all(box["hidden"] == box["said"] == box["faded"] for box in boxes), (width, boxes)
        counts.append(sum(box["hidden"] for box in boxes))
    assert counts[0] == 0
    assert counts[1] >= 1
    assert counts[2] >= 2
    matrix = notebook.widget("matrix").locator(".lk-scroll").first
    matrix.evaluate("(box) => box.scrollTo(box.scrollWidth, 0)")
    expect(matrix).to_have_attribute("data-more", "left")
    column = matrix.locator("tbody tr").first.locator("td").last
    assert column.evaluate("(cell) => cell.getBoundingClientRect().right") <= matrix.evaluate(
        "(box) => box.getBoundingClientRect().right + 1"
    )


@pytest.mark.parametrize("theme", ["notebook", "dark_notebook"])
def test_the_graph_shows_all_columns_in_a_small_window_with_the_side_bar(
    theme: str, request: pytest.FixtureRequest
) -> None:
    notebook: NotebookPage = request.getfixturevalue(theme)
    show(
        notebook,
        request.getfixturevalue("dark_jupyter" if theme[:4] == "dark" else "jupyter"),
        "small",
        WIDE[1],
    )
    notebook.page.set_viewport_size({"width": 900, "height": 720})
    notebook.page.evaluate("() => window.jupyterapp.shell.expandLeft()")
    graph = notebook.widget("graph")
    expect(notebook.page.locator(".jp-FileBrowser")).to_be_visible()
    edge = graph.locator(".lk-scroll").evaluate("(box) => box.getBoundingClientRect().right")
    columns = graph.locator(".lk-column").all()
    assert len(columns) == 4
    for column in columns:
        assert column.evaluate("(part) => part.getBoundingClientRect().right") <= edge + 1
    expect(graph.locator(".lk-more")).to_be_hidden()


def test_rows_that_are_hidden_are_said_and_can_be_scrolled_to(
    notebook: NotebookPage, jupyter: Jupyter
) -> None:
    bind = "lab.kubectl('create rolebinding viewer -n kikai --clusterrole=view --serviceaccount=kikai:default')"
    show(
        notebook,
        jupyter,
        "tall",
        f"{bind}; RBACGraph(lab, who='kikai/default', request='list pods')",
    )
    graph = notebook.widget("graph").locator(".lk-scroll")
    expect(graph).to_have_attribute("data-more", "down")
    said = notebook.widget("graph").locator(".lk-more")
    expect(said).to_have_text("There is more: scroll ⇅ up and down.")
    assert graph.evaluate("(box) => getComputedStyle(box).maskImage") != "none"
    graph.evaluate("(box) => box.scrollTo(0, box.scrollHeight)")
    expect(graph).to_have_attribute("data-more", "up")


MINE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "mine", "labels": {"from": "here"}},
    "rules": [],
}


@pytest.mark.parametrize("exposed", [True, False])
def test_the_work_is_saved_as_a_file_and_added_again(
    notebook: NotebookPage, jupyter: Jupyter, tmp_path: Path, exposed: bool
) -> None:
    name = f"work-{exposed}"
    notebook.open(jupyter.write(f"{name}.ipynb", [f"{PANEL}\nlab.reset()", "StartPanel()"]))
    notebook.run_all()
    notebook.run(f"lab.apply({MINE})")
    panel = notebook.widget("start")
    panel.get_by_text("Go on elsewhere").click()
    if not exposed:  # as for a person, to whom JupyterLab does not expose itself
        notebook.page.evaluate(
            "() => { window.app = window.jupyterapp; window.jupyterapp = undefined; }"
        )
    with notebook.page.expect_download() as loading:
        panel.get_by_role("button", name="Save my work as a file").click()
    file = tmp_path / "labkit-work.json"
    loading.value.save_as(file)
    saved = json.loads(file.read_text())
    saved["content"]["notebooks"] = {
        "from-a-file.ipynb": saved["content"]["notebooks"][f"{name}.ipynb"]
    }
    [mine] = [each for each in saved["content"]["objects"] if each["kind"] == "ClusterRole"]
    mine["metadata"]["labels"] = {"from": "file"}
    file.write_text(json.dumps(saved))
    there = jupyter.root / "from-a-file.ipynb"
    choose = panel.locator("input[type=file]")
    for answer, said in (
        ("Keep what is here", "What was here stays."),
        ("Replace it with the file's", "Replaced."),
    ):
        choose.set_input_files(file)
        expect(panel).to_contain_text("ClusterRole mine is another one here.")
        assert there.exists()
        panel.get_by_role("button", name=answer).click()
        expect(panel).to_contain_text(said)
    choose.set_input_files({"name": "x.json", "mimeType": "application/json", "buffer": b"{}"})
    expect(panel).to_contain_text("This is no exported progress.")
    if not exposed:
        notebook.page.evaluate("() => { window.jupyterapp = window.app; }")
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/mine"
    assert (
        notebook.run(f"print(lab.admin.get({path!r}).body['metadata']['labels'])")
        == "{'from': 'file'}\n"
    )
    there.unlink()
