"""Each widget used as a learner would use it, in a real JupyterLab on the embedded server."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, expect

from kube_embedded.tests.support.some import some
from tests.browser.jupyter import Jupyter, NotebookPage

START = "from labkit import Lab\nfrom labkit.ui import *\nlab = Lab()\n_ = lab.rewind('W18')"
BIND = """
lab.apply("04-roles/W18-rolebinding-test.yaml")
"""


def show(notebook: NotebookPage, jupyter: Jupyter, name: str, *cells: str) -> None:
    """Open a notebook of these cells and run it."""
    notebook.open(jupyter.write(f"{name}.ipynb", [START, *cells]))
    notebook.run_all()


def settled(widget: Locator) -> Locator:
    """The widget, once its last action is done."""
    expect(widget).not_to_have_attribute("aria-busy", "true")
    return widget


def test_the_matrix_marks_what_a_new_binding_changed(
    notebook: NotebookPage, jupyter: Jupyter
) -> None:
    show(
        notebook,
        jupyter,
        "matrix",
        "m = AccessMatrix(lab, ['kikai/default', 'darbo/default'], namespace='kikai')\nm",
    )
    matrix = notebook.widget("matrix")
    cell = matrix.locator('[data-key="1-0"]')
    expect(cell).to_contain_text("no")
    notebook.run(BIND)
    matrix.get_by_role("button", name="Ask again").click()
    expect(cell).to_contain_text("yes ●")
    expect(matrix.get_by_role("status").first).to_contain_text("1 answer has changed")


def test_a_cell_of_the_matrix_explains_itself_by_keyboard(
    notebook: NotebookPage, jupyter: Jupyter
) -> None:
    show(
        notebook,
        jupyter,
        "why",
        "AccessMatrix(lab, ['kikai/default', 'darbo/default'], namespace='kikai')",
    )
    matrix = notebook.widget("matrix")
    matrix.locator('[data-key="1-0"]').focus()
    notebook.page.keyboard.press("Enter")
    expect(matrix).to_contain_text(
        "RoleBinding kikai/test grants this, but to ServiceAccount kikai/default"
    )
    expect(matrix).to_contain_text(
        "kubectl create role services-list --verb=list --resource=services -n kikai"
    )
    expect(matrix.locator('[data-key="1-0"]')).to_be_focused()


def test_the_xray_stops_where_the_server_stopped(notebook: NotebookPage, jupyter: Jupyter) -> None:
    ask = "answer = lab.as_service_account('darbo/default').get('/api/v1/namespaces/kikai/services')\nXRay(answer, lab)"
    show(notebook, jupyter, "xray", ask)
    stages = (
        notebook.widget("xray")
        .get_by_role("list", name="Stages of the request, in order")
        .get_by_role("listitem")
    )
    expect(stages.nth(1)).to_contain_text("system:serviceaccount:darbo:default")
    expect(stages.nth(2)).to_contain_text("stopped here")
    expect(stages.nth(3)).to_contain_text("not reached")
    assert notebook.run("print(answer.audit_id)").strip() in notebook.widget("xray").inner_text()


def test_the_graph_filters_and_lights_up_what_is_connected(
    notebook: NotebookPage, jupyter: Jupyter
) -> None:
    show(
        notebook,
        jupyter,
        "graph",
        "RBACGraph(lab, who='kikai/default', request='list services', namespace='kikai')",
    )
    graph = notebook.widget("graph")
    expect(graph).to_contain_text("granted by the marked path")
    box = graph.locator('[data-key="RoleBinding:kikai/test"]')
    box.click()
    expect(box).to_have_attribute("aria-pressed", "true")
    expect(graph.locator(".lk-node.lk-picked")).to_have_count(4)
    graph.locator('[data-key="subject"]').select_option("")
    expect(settled(graph).locator(".lk-node").first).to_be_visible()
    graph.get_by_role("checkbox").check()
    expect(graph).to_contain_text("cluster-admin")


def test_the_wall_is_walked_by_keyboard_narrow_and_as_a_table(
    notebook: NotebookPage, jupyter: Jupyter
) -> None:
    two = "questions: [{who: kikai/default, may: [get services in kikai, list services in kikai]}]"
    show(notebook, jupyter, "wall", f"MutantWall(lab.policy('04-roles'), '{two}')")
    wall = notebook.widget("wall")
    expect(wall.get_by_role("status").first).to_contain_text(
        "21 of 32 wrong policies pass 2 questions"
    )
    expect(wall.locator(".lk-lit")).to_have_count(21)
    assert wall.locator('.lk-mutant[tabindex="0"]').count() == 1
    wall.locator('[data-key="card-0"]').focus()
    notebook.page.keyboard.press("ArrowRight")
    notebook.page.keyboard.press("Enter")
    expect(wall.locator('[data-key="card-1"]')).to_be_focused()
    expect(wall.locator(".lk-detail")).to_contain_text(
        "Rejected by the question: kikai/default may: get services"
    )
    wall.get_by_role("checkbox", name="only those that pass").check()
    expect(wall.locator(".lk-mutant")).to_have_count(21)
    assert wall.locator('.lk-mutant[tabindex="0"]').count() == 1
    notebook.page.set_viewport_size({"width": 600, "height": 720})
    assert wall.evaluate("(root) => root.scrollWidth <= root.clientWidth")
    wall.get_by_role("checkbox", name="as a table").check()
    expect(wall.get_by_role("row")).to_have_count(22)
    wall.get_by_role("checkbox", name="only those that pass").uncheck()
    expect(wall.get_by_role("row")).to_have_count(33)


def test_a_tampered_token_fails_where_it_must(notebook: NotebookPage, jupyter: Jupyter) -> None:
    tokens = "TokenInspector(lab, lab.token('default/kikai'), lab.pod_token('kikai/test'))"
    show(
        notebook,
        jupyter,
        "token",
        "lab.apply('03-service-accounts/W10-serviceaccount-kikai.yaml')",
        tokens,
    )
    inspector = notebook.widget("token")
    expect(inspector.locator(".lk-verdict.lk-yes")).to_have_count(2)
    notebook.page.set_viewport_size({"width": 1000, "height": 720})
    assert inspector.locator(".lk-scroll").evaluate(
        "(table) => table.scrollWidth <= table.clientWidth"
    )
    inspector.locator('[data-key="tamper-0"]').click()
    expect(inspector.locator(".lk-verdict.lk-no")).to_contain_text("not verified")
    expect(inspector).to_contain_text("the signature does not fit")
    inspector.locator('[data-key="tamper-0"]').click()
    expect(inspector.locator(".lk-verdict.lk-yes")).to_have_count(2)
    raw = notebook.run("print(lab.read_pod_token('kikai/test'))").strip()
    assert raw.count(".") == 2
    saved = notebook.page.content() + str(notebook.outputs())
    assert raw.split(".")[2] not in saved


def test_the_terminal_runs_commands_in_the_pod(notebook: NotebookPage, jupyter: Jupyter) -> None:
    show(notebook, jupyter, "terminal", "PodTerminal(lab, 'kikai/test')")
    terminal = notebook.widget("terminal")
    prompt = terminal.get_by_role("textbox")
    prompt.fill("cat /var/run/secrets/kubernetes.io/serviceaccount/namespace; echo; false")
    notebook.page.keyboard.press("Enter")
    screen = terminal.get_by_role("log")
    expect(screen).to_contain_text("kikai")
    expect(screen).to_contain_text("exit code 1")
    prompt.fill("nosuchcommand")
    notebook.page.keyboard.press("Enter")
    expect(screen).to_contain_text("command not found")
    settled(terminal)
    notebook.page.keyboard.press("ArrowUp")
    notebook.page.keyboard.press("ArrowUp")
    expect(terminal.get_by_role("textbox")).to_have_value(
        "cat /var/run/secrets/kubernetes.io/serviceaccount/namespace; echo; false"
    )


def test_the_board_follows_checks_and_survives_a_kernel_restart(
    notebook: NotebookPage, jupyter: Jupyter
) -> None:
    (jupyter.home / "progress.json").unlink(missing_ok=True)
    show(notebook, jupyter, "board", "Board(lab, '04-roles')")
    board = notebook.widget("board")
    expect(board.get_by_role("progressbar")).to_have_attribute("aria-valuemax", "6")
    board.get_by_role("button", name="Hint for W16").click()
    expect(board.locator(".lk-hint").first).not_to_be_empty()
    notebook.run(BIND)  # objects of the rewind do not pass a step
    board.get_by_role("button", name="Check W18").click()
    expect(board.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "1")
    notebook.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    notebook.idle()
    notebook.run_all()
    expect(notebook.widget("board").get_by_role("progressbar")).to_have_attribute(
        "aria-valuenow", "1"
    )


STOPPED = "from labkit import Lab\nfrom labkit.ui import StartPanel\nLab().stop()\npanel = StartPanel()\npanel"


def test_the_start_panel_starts_and_rewinds_a_cluster(
    notebook: NotebookPage, jupyter: Jupyter
) -> None:
    notebook.open(jupyter.write("start.ipynb", [STOPPED]))
    notebook.run_all()
    panel = notebook.widget("start")
    panel.locator('[data-key="start-embedded"]').click()
    expect(panel.locator("h3")).to_contain_text("The embedded cluster runs")
    panel.locator(".lk-step").select_option("W17")
    panel.get_by_role("button", name="Rewind", exact=True).click()
    expect(panel.locator(".lk-log")).to_contain_text("Rewound to W17")
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/kikai/roles/service-reader"
    assert notebook.run(f"print(panel.lab.admin.get('{path}').status)").strip() == "200"


SLOW_DOCKER = """import os, pathlib, tempfile
folder = pathlib.Path(tempfile.mkdtemp())
for name in ("docker", "podman"):
    (folder / name).write_text(
        f"#!/bin/sh\\nwhile [ ! -e {folder}/go ]; do sleep 0.05; done\\necho 'Cannot connect' >&2; exit 1\\n"
    )
    (folder / name).chmod(0o755)
os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
"""


def test_the_start_panel_speaks_another_language_and_what_was_done_stays(
    notebook: NotebookPage, jupyter: Jupyter
) -> None:
    show(notebook, jupyter, "language", "lab.progress.mark('W9', 'passed')\nStartPanel()")
    panel = notebook.widget("start")
    panel.locator('[data-key="language"]').select_option("ko")
    expect(panel.locator("h3")).to_have_text("embedded 클러스터 실행 중")
    expect(settled(panel).locator(".lk-notice")).to_contain_text(
        "한국어 노트북은 다음 폴더에 있다: ko"
    )
    assert notebook.run("print(lab.progress.passed('W9'), lab.status().running)") == "True True\n"
    panel.locator('[data-key="language"]').select_option("en")
    expect(panel.locator("h3")).to_have_text("The embedded cluster runs")


def test_the_start_panel_is_there_before_docker_answers_and_nothing_moves_then(
    notebook: NotebookPage, jupyter: Jupyter
) -> None:
    notebook.open(jupyter.write("slow.ipynb", [SLOW_DOCKER, STOPPED]))
    notebook.run_all()
    panel = notebook.widget("start")
    kind = panel.locator(".lk-choice").filter(has_text="A real cluster in Docker")
    expect(kind).to_contain_text("Looking for Docker")
    expect(kind.get_by_role("button")).to_have_attribute("aria-disabled", "true")
    before = panel.bounding_box()
    notebook.run("(folder / 'go').touch()")
    expect(kind).to_contain_text("This machine lacks: Docker or Podman")
    assert panel.bounding_box() == before
    kind.get_by_text("What to do").press("Enter")
    expect(kind).to_contain_text("Start it: sudo systemctl start docker")


EVERYTHING = (
    "AccessMatrix(lab, ['kikai/default'], namespace='kikai')",
    "RBACGraph(lab, defaults=True)",
    "XRay(lab.as_pod('kikai/test').get('/api/v1/namespaces/kikai/services'), lab)",
    "TokenInspector(lab, lab.pod_token('kikai/test'))",
    "PodTerminal(lab, 'kikai/test')",
    "Board(lab)",
    "MutantWall(lab.policy('04-roles'))",
    "StartPanel()",
)


@pytest.mark.parametrize("theme", ["notebook", "dark_notebook", "classic", "dark_classic"])
def test_no_accessibility_violations_and_no_request_leaves_the_machine(
    theme: str, request: pytest.FixtureRequest
) -> None:
    page: NotebookPage = request.getfixturevalue(theme)
    jupyter: Jupyter = request.getfixturevalue(
        "dark_jupyter" if theme.startswith("dark") else "jupyter"
    )
    show(page, jupyter, "everything", "## A lesson's heading", *EVERYTHING)
    for name in ("matrix", "graph", "xray", "token", "terminal", "board", "wall", "start"):
        page.widget(name)
    page.page.evaluate(axe())
    found: list[dict[str, Any]] = page.page.evaluate(
        "async () => (await axe.run('.lk')).violations"
    )
    told = [
        f"{entry['id']}: {node['html'][:200]} {node['failureSummary']}"
        for entry in found
        for node in entry["nodes"]
    ]
    assert not told, "\n".join(told)
    assert not page.errors
    hosts = {urlsplit(url).hostname for url in page.asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {"127.0.0.1"}


def axe() -> str:
    """axe-core's script, as the package ships it."""
    import axe_playwright_python

    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [400, 520, 1000, 1280])
def test_nothing_is_wider_than_the_page(
    notebook: NotebookPage, jupyter: Jupyter, width: int
) -> None:
    notebook.page.set_viewport_size({"width": width, "height": 720})
    show(notebook, jupyter, "wide", *EVERYTHING)
    for name in ("matrix", "graph", "xray", "token", "terminal", "board", "wall", "start"):
        widget = notebook.widget(name)
        box = widget.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width
        assert not widget.evaluate(SPILLS), f"{name} does not hold what it shows"


def test_a_card_with_long_names_shows_its_values_on_a_narrow_page(
    notebook: NotebookPage, jupyter: Jupyter
) -> None:
    notebook.page.set_viewport_size({"width": 400, "height": 720})
    show(notebook, jupyter, "narrow", "lab.token('kikai/default')")
    card = notebook.page.locator(".jp-OutputArea div[role=group]")
    whole = card.bounding_box()
    assert whole is not None
    for part in some(card.locator("td, strong, span").all()):
        box = part.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= whole["x"] + whole["width"]
    assert min(value.bounding_box()["width"] for value in some(card.locator("td").all())) > 60  # type: ignore[index]  # all are visible


SPILLS = """(widget) => [...widget.querySelectorAll(':not(.lk-scroll *)')]
    .filter((part) => part.getBoundingClientRect().right > widget.getBoundingClientRect().right + 1)
    .map((part) => part.outerHTML.slice(0, 80)).join(' ')"""
"""What of a widget reaches beyond its right edge, but for what scrolls."""
