"""The widgets' Python side: data down, actions up, and the fallbacks."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest

from kube_embedded.tests.support.some import some
from kube_embedded.tests.support.until import SECONDS
from labkit import lessons
from labkit.client.client import Client
from labkit.core.errors import TokenError, Unreachable, UsageError
from labkit.grading.tasks.task import binding, role
from labkit.lab.lab import Lab
from labkit.lab.policy import PolicyTests
from labkit.lab.sources import objects_of
from labkit.lessons.library import library
from labkit.lessons.progress import Progress
from labkit.practice import keeping
from labkit.ui import AccessMatrix, Board, MutantWall, RBACGraph, StartPanel, TokenInspector, XRay
from labkit.ui.base import STATIC, LabWidget
from tests.lessons.policy_questions import TEN, TWO
from tests.rbac.conftest import api, put

__all__ = ["api"]

SITE = Path(__file__).resolve().parents[2] / "page" / "site"
TOKEN_REQUEST = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}


def bundle_of(widget: LabWidget) -> dict[str, Any]:
    """Return the data that a notebook displays."""
    bundle = widget._repr_mimebundle_()
    return dict(bundle[0] if isinstance(bundle, tuple) else bundle)


def test_every_widget_says_the_same_as_text_and_as_a_page(api: Client) -> None:
    widget = AccessMatrix(api, ["kikai/default"], namespace="kikai")
    bundle = bundle_of(widget)
    assert "kikai/default" in bundle["text/plain"]
    assert (
        '<th scope="row" style="text-align:left;vertical-align:top;word-break:keep-all">kikai/default</th>'
        in bundle["text/html"]
    )
    assert "application/vnd.jupyter.widget-view+json" in bundle


class Shell:
    """The attributes of a kernel's shell that a widget needs; records published data."""

    def __init__(self, **names: str) -> None:
        self.kernel = self.display_pub = self
        self.user_ns = names
        self.published: list[tuple[dict[str, str], str, bool]] = []

    def publish(self, bundle: dict[str, str], *, transient: dict[str, str], update: bool) -> None:
        self.published.append((bundle, transient["display_id"], update))


def test_a_kernel_stores_html_alone_and_renews_it(
    api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = Shell()
    monkeypatch.setattr("labkit.ui.base.get_ipython", lambda: shell)
    matrix = AccessMatrix(api, ["kikai/default"], ["list services"], "kikai")
    matrix.act("explain", row=0, column=0)
    assert shell.published == []
    matrix._ipython_display_()
    matrix.act("refresh")
    assert [update for _, _, update in shell.published] == [False, True]
    assert {place for _, place, _ in shell.published} == {matrix.model_id}
    for bundle, place, _ in shell.published:
        assert set(bundle) == {"text/plain", "text/html"}
        assert f'class="lk-stored lk-place-{place}"' in bundle["text/html"]
    assert "granted by" in shell.published[0][0]["text/html"]
    assert "granted by" not in shell.published[1][0]["text/html"]


@pytest.mark.parametrize(
    "shell", [None, Shell(__vsc_ipynb_file__="a.ipynb")], ids=["no kernel", "VS Code"]
)
def test_other_front_ends_get_the_widget_itself(
    api: Client, monkeypatch: pytest.MonkeyPatch, shell: Shell | None
) -> None:
    monkeypatch.setattr("labkit.ui.base.get_ipython", lambda: shell)
    matrix = AccessMatrix(api, ["kikai/default"], ["list services"], "kikai")
    with pytest.raises(NotImplementedError):
        matrix._ipython_display_()
    assert "application/vnd.jupyter.widget-view+json" in bundle_of(matrix)


def test_what_is_shown_is_escaped() -> None:
    class Rude(LabWidget):
        _esm = "export default { render() {} }"

        def as_text(self) -> str:
            return "<script>"

    assert "<script>" not in Rude().as_html()


def test_the_matrix_refreshes_and_explains(api: Client) -> None:
    matrix = AccessMatrix(api, ["kikai/default", "darbo/default"], ["list services"], "kikai")
    put(api, binding("kikai", "test", "Role/service-reader", "kikai/default", "darbo/default"))
    matrix.act("refresh")
    assert matrix.data["rows"][1]["cells"] == [{"allowed": True, "changed": True}]
    matrix.act("explain", row=1, column=0)
    assert matrix.data["explanation"]["grants"][0]["binding"] == "RoleBinding kikai/test"
    assert "granted by RoleBinding kikai/test" in matrix.as_text()


def test_an_unknown_action_is_said_and_not_raised(api: Client) -> None:
    matrix = AccessMatrix(api, ["kikai/default"], ["list services"], "kikai")
    matrix.act("explode")
    assert "cannot do" in matrix.notice


def test_what_goes_wrong_is_said_and_the_page_waits_no_longer(
    api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = AccessMatrix(api, ["kikai/default"], ["list services"], "kikai")
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(matrix, "send", sent.append)

    def gone(*_arguments: Any, **_more: Any) -> Any:
        raise Unreachable("Nothing listens at https://127.0.0.1:1.")

    monkeypatch.setattr(api.transport, "send_all", gone)
    matrix._receive(matrix, {"action": "refresh"}, [])
    assert matrix.notice.startswith("Nothing listens")
    monkeypatch.setattr(matrix, "on_refresh", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        matrix._receive(matrix, {"action": "refresh"}, [])
    assert matrix.notice == "This went wrong: ZeroDivisionError: division by zero"
    assert [message["done"] for message in sent] == ["refresh", "refresh"]


def test_the_page_is_told_how_long_an_action_took(
    api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = AccessMatrix(api, ["kikai/default"], ["list services"], "kikai")
    sent: list[dict[str, Any]] = []
    times = iter([5.0, 5.25])
    monkeypatch.setattr(matrix, "send", sent.append)
    monkeypatch.setattr("labkit.ui.base.time", SimpleNamespace(perf_counter=lambda: next(times)))
    matrix._receive(matrix, {"action": "explain", "row": 0, "column": 0}, [])
    assert sent == [{"done": "explain", "milliseconds": 250.0}]
    assert matrix.data["explanation"]["allowed"] is True


def test_a_column_of_what_lives_in_no_namespace_says_so(api: Client) -> None:
    matrix = AccessMatrix(
        api, ["kikai/default"], ["list services", "list persistentvolumes"], "kikai"
    )
    assert matrix.data["columns"] == ["list services", "list persistentvolumes (cluster-wide)"]
    matrix.act("explain", row=0, column=1)
    assert (
        matrix.data["explanation"]["question"]
        == "kikai/default: list persistentvolumes in the whole cluster"
    )


def test_a_graph_of_everything_is_folded_and_left_whole(api: Client) -> None:
    graph = RBACGraph(api, defaults=True)
    assert len(graph.data["nodes"]) == len({node["id"] for node in graph.data["nodes"]}) > 150
    assert any(re.search(r" … and \d+ more$", node["title"]) for node in graph.data["nodes"])
    assert "left out" not in graph.data["summary"]


def test_of_a_large_graph_the_boxes_that_grant_the_request_are_drawn_first(
    api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(
        api,
        role("kikai", "other", ("get", "", "pods")),
        binding("kikai", "a", "Role/other", "kikai/default"),
    )

    def drawn(most: int) -> RBACGraph:
        monkeypatch.setattr("labkit.ui.graph.MAX_DRAWN", most)
        return RBACGraph(api, namespace="kikai", who="kikai/default", request="list services")

    every = len(drawn(400).data["nodes"])
    assert every > 4
    whole = drawn(every)
    assert (len(whole.data["nodes"]), "left out" in whole.data["summary"]) == (every, False)
    most = drawn(every - 1)
    assert len(most.data["nodes"]) == every - 1
    left = f"1 of {every} boxes are left out: choose a namespace or a subject."
    assert most.data["summary"].endswith(left)
    granting = [node["id"] for node in whole.data["nodes"] if node["granting"]]
    few = drawn(len(granting))
    assert [node["id"] for node in few.data["nodes"]] == granting
    assert [edge["granting"] for edge in few.data["edges"]] == [True] * (len(granting) - 1)
    assert f"{every - len(granting)} of {every} boxes" in few.data["summary"]


def test_rules_share_a_box_once_there_are_too_many_boxes(
    api: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = [("get", "", resource) for resource in ("pods", "secrets", "services", "events")]
    put(api, role("kikai", "many", *rules), binding("kikai", "many", "Role/many", "kikai/bot"))
    every = len(RBACGraph(api).data["nodes"])
    monkeypatch.setattr("labkit.ui.graph.MAX_UNFOLDED", every)
    assert len(RBACGraph(api).data["nodes"]) == every
    monkeypatch.setattr("labkit.ui.graph.MAX_UNFOLDED", every - 1)
    folded = RBACGraph(api)
    assert len(folded.data["nodes"]) < every
    assert len(folded.graph.nodes) == every


@pytest.mark.parametrize(("count", "more"), [(4, ""), (5, "; … and 1 more"), (7, "; … and 3 more")])
def test_a_row_has_the_first_four_rules_of_a_role(api: Client, count: int, more: str) -> None:
    names = ["pods", "secrets", "services", "events", "endpoints", "configmaps", "limitranges"]
    put(
        api,
        role("darbo", "many", *(("get", "", name) for name in names[:count])),
        binding("darbo", "many", "Role/many", "darbo/default"),
    )
    row = RBACGraph(api, namespace="darbo").as_text().splitlines()[-1]
    assert (
        row.partition("Role many  ")[2] == "; ".join(f"get · {name}" for name in names[:4]) + more
    )


def test_the_graph_says_who_is_bound_to_what(api: Client) -> None:
    graph = RBACGraph(api, who="kikai/default", request="list services", namespace="kikai")
    assert "granted by the marked path" in graph.data["summary"]
    [header, row] = graph.as_text().splitlines()[1:]
    assert header.split()[-2:] == ["grants", "it"]
    assert "RoleBinding kikai/test" in row
    assert row.endswith("✓ yes")
    assert "✓ yes" in graph.as_html()
    assert "grants it" not in RBACGraph(api, who="kikai/default").as_text()
    graph.act("filter", subject="darbo/default")
    assert "granted by nothing here" in graph.data["summary"]


def test_a_graph_of_nothing_says_so_without_a_widget_too(api: Client) -> None:
    graph = RBACGraph(api, who="nobody/here", request="list pods")
    for text in (graph.as_text(), graph.as_html()):
        assert "nobody/here: list pods — ✕ granted by nothing here." in text
        assert "No binding fits this choice." in text
        assert "<table>" not in text


def test_the_xray_of_a_refusal(api: Client) -> None:
    answer = api.get("/api/v1/namespaces/nowhere/pods/none")
    seen = XRay(answer, api)
    assert [stage["state"] for stage in seen.data["stages"]] == [
        "pass",
        "pass",
        "pass",
        "pass",
        "stop",
    ]


def test_the_xray_without_an_audit_log_claims_no_groups_that_it_does_not_know(api: Client) -> None:
    groups = "system:serviceaccounts, system:serviceaccounts:kikai, system:authenticated"
    user = {"Impersonate-User": "system:serviceaccount:kikai:bot"}
    other = XRay(api.request("GET", "/api/v1/namespaces/kikai/pods", headers=user), api)
    assert ["groups", groups] in other.data["stages"][1]["facts"]
    jane = XRay(
        api.request("GET", "/api/v1/namespaces/kikai/pods", headers={"Impersonate-User": "jane"}),
        api,
    )
    assert ["groups", "not known"] in jane.data["stages"][1]["facts"]


def test_the_page_without_widgets_explains_too(api: Client) -> None:
    answer = api.get("/api/v1/namespaces/kikai/services")
    assert "granted by ClusterRoleBinding cluster-admin" in XRay(answer, api).as_html()
    matrix = AccessMatrix(api, ["darbo/default"], ["list services"], "kikai")
    matrix.act("explain", row=0, column=0)
    assert "near miss (subject)" in matrix.as_html()


def test_the_inspector_takes_one_token_or_two(api: Client) -> None:
    with pytest.raises(UsageError, match="one token or two"):
        TokenInspector(api)


def test_a_widget_of_the_wrong_thing_says_what_it_takes(api: Client) -> None:
    answer: Any = "/api"
    with pytest.raises(UsageError, match="made of an answer"):
        XRay(answer, api)
    number: Any = 5
    with pytest.raises(UsageError, match="takes tokens"):
        TokenInspector(api, number)
    with pytest.raises(TokenError):
        TokenInspector(api, "x.y.z")


def test_a_token_may_be_given_as_its_text(api: Client) -> None:
    made = api.post("/api/v1/namespaces/kikai/serviceaccounts/default/token", TOKEN_REQUEST)
    inspector = TokenInspector(api, made.body["status"]["token"])
    assert inspector.data["tokens"][0]["title"] == "token of system:serviceaccount:kikai:default"


def made_up(**claims: Any) -> str:
    return jwt.encode(claims, "secret" * 8, algorithm="HS256")


def test_two_tokens_are_compared_entry_by_entry(api: Client) -> None:
    first, second = made_up(sub="me", jti="1", aud="x"), made_up(sub="me", jti="2", iat=5)
    seen = TokenInspector(api, first, second)
    differs = {row["name"]: row["differs"] for row in seen.data["rows"]}
    assert differs == {
        "header alg": False,
        "header typ": False,
        "sub": False,
        "jti": True,
        "aud": True,
        "iat": True,
    }
    assert seen.data["summary"] == "3 of 6 entries differ."
    assert [token["title"] for token in seen.data["tokens"]] == [
        "first token of me",
        "second token of me",
    ]
    other = TokenInspector(api, first, made_up(sub="you"), titles=())
    assert [token["title"] for token in other.data["tokens"]] == ["token of me", "token of you"]
    same = TokenInspector(api, first, first, titles=("a", "b"))
    assert same.data["summary"] == "They are one and the same token."
    assert [token["title"] for token in same.data["tokens"]] == ["a", "b"]
    alone = TokenInspector(api, first)
    assert alone.data["summary"] == ""
    assert not any(row["differs"] for row in alone.data["rows"])


def test_a_tampered_token_is_another_one_until_it_is_undone(api: Client) -> None:
    seen = TokenInspector(api, made_up(sub="me"), made_up(sub="you"))
    states = []
    for _ in range(3):
        states.append([token["tampered"] for token in seen.data["tokens"]])
        (row,) = (row for row in seen.data["rows"] if row["name"] == "sub")
        forged = "system:serviceaccount:kube-system:namespace-controller"
        assert row["values"] == [["me", "you"], ["me", forged]][states[-1][1]]
        assert ("(the subject was changed)" in seen.as_text()) is states[-1][1]
        seen.act("tamper", index=1)
    assert states == [[False, False], [False, True], [False, False]]


def test_one_subject_and_one_permission_need_no_list(api: Client) -> None:
    matrix = AccessMatrix(api, "kikai/default", "list services", "kikai")
    assert [row["label"] for row in matrix.data["rows"]] == ["kikai/default"]
    assert len(matrix.data["rows"][0]["cells"]) == 1


LATER = """
import asyncio, sys, ipykernel
import labkit.ui
from labkit.lab import current

async def main():
    current.use(object())
    assert "ipywidgets" not in sys.modules
    while "labkit.ui.xray" not in sys.modules:
        await asyncio.sleep(0.01)

asyncio.run(asyncio.wait_for(main(), 60))
"""


def test_a_kernel_with_nothing_to_do_imports_the_widgets_beforehand() -> None:
    subprocess.run([sys.executable, "-c", LATER], check=True, timeout=SECONDS)
    alone = LATER.replace("import asyncio, sys, ipykernel", "import asyncio, sys").replace(
        "60", "1.5"
    )
    done = subprocess.run(
        [sys.executable, "-c", alone], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert "TimeoutError" in done.stderr, "a program that is no kernel must not import widgets"


def test_scripts_ask_nobody_on_the_net() -> None:
    for file in some([*STATIC.glob("*.js"), *STATIC.glob("*.css")]):
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, file
        assert "https://" not in text, file
        assert "@import" not in text, file


def test_nothing_moves_for_who_wants_no_motion() -> None:
    moves = re.compile(
        r"\b(transition|animation)\s*:|@keyframes|\bbehavior:\s*.?smooth|\.animate\("
    )
    files = [
        *some(STATIC.glob("*.*s")),
        *some([each for each in SITE.glob("*.*") if each.suffix != ".mjs"]),
    ]
    lines = [
        line
        for file in files
        for line in file.read_text(encoding="utf-8").splitlines()
        if moves.search(line)
    ]
    assert [
        line
        for line in some(lines)
        if "@media (prefers-reduced-motion: no-preference) {" not in line
    ] == []


def test_the_start_panel_tells_what_is_missing(tmp_path: Path) -> None:
    panel = StartPanel(home=tmp_path)
    rows = {row["name"]: row for row in panel.data["backends"]}
    assert all(need["met"] for need in rows["embedded"]["needs"] if need["required"])
    assert "existing" in panel.as_text()


def test_the_start_panel_says_what_comes_back(tmp_path: Path) -> None:
    progress, now = Progress(tmp_path / "progress.json"), time.time()
    progress.join_drill(keeping.found(keeping.new(), "any-group", now - keeping.DAY / 2))
    assert StartPanel(home=tmp_path).data["again"].startswith("The next question comes back on ")
    progress.join_drill(keeping.found(keeping.new(), "get-includes-list", now - 2 * keeping.DAY))
    line = (
        "One idea that was wrong comes back today. In a new cell: from labkit import drill; drill()"
    )
    panel = StartPanel(home=tmp_path)
    assert panel.data["again"] == line
    assert panel.as_text().startswith(f"{line}\n")
    progress.join_drill({**keeping.new(), "off": {"value": True, "at": now}})
    assert StartPanel(home=tmp_path).data["again"] == ""


def test_the_start_panel_does_not_wait_for_docker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker's answer waits for a file that the test writes when the panel is there."""
    asked, go = tmp_path / "asked", tmp_path / "go"
    for name in ("docker", "podman"):
        program = tmp_path / name
        program.write_text(
            f"#!/bin/sh\n: > {asked}\nwhile [ ! -e {go} ]; do sleep 0.05; done\necho 'Cannot connect' >&2; exit 1\n"
        )
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    async def main() -> StartPanel:
        panel = StartPanel(home=tmp_path / "home")
        rows = {row["name"]: row for row in panel.data["backends"]}
        assert (rows["kind"]["known"], rows["embedded"]["known"]) == (False, True)
        assert "not known yet" in panel.as_text()
        go.touch()
        while "not known yet" in panel.as_text():
            await asyncio.sleep(0.01)
        return panel

    panel = asyncio.run(asyncio.wait_for(main(), 60))
    assert asked.exists()
    kind = next(row for row in panel.data["backends"] if row["name"] == "kind")
    assert kind["known"]
    assert not kind["needs"][0]["met"]
    assert "Docker is installed, but it does not run" in panel.as_text()


def test_the_start_panel_finds_the_cluster_that_runs(tmp_path: Path) -> None:
    lab = Lab("embedded", home=tmp_path / "home", say=lambda _line: None)
    try:
        panel = StartPanel(home=tmp_path / "home")
        assert (panel.data["backend"], panel.data["running"]) == ("embedded", True)
        assert (
            f"export LABKIT_HOME={tmp_path / 'home'} KUBECONFIG={lab.kubeconfig} "
            in panel.as_html()
        )
        panel.act("stop")
        assert panel.data["running"] is False
    finally:
        lab.stop()
    assert StartPanel(home=tmp_path / "home").lab is None


def test_a_board_of_an_unknown_lesson_names_the_lessons() -> None:
    with pytest.raises(UsageError, match=lessons.LESSONS[0].id):
        Board(None, "nope")


@pytest.mark.parametrize("lesson", ["", "04-roles"])
def test_a_board_has_the_steps_of_its_lesson_or_all(lesson: str, tmp_path: Path) -> None:
    progress = Progress(tmp_path / "progress.json", clock=lambda: 1_700_000_000.0)
    progress.mark("W17", "passed")
    lab: Any = SimpleNamespace(progress=progress)
    board = Board(lab, lesson)
    steps = [step for each in lessons.LESSONS if lesson in ("", each.id) for step in each.steps]
    shown = {step["id"]: step for group in board.data["lessons"] for step in group["steps"]}
    assert list(shown) == [step.id for step in steps]
    assert (board.data["passed"], board.data["total"]) == (1, len(steps))
    when = time.strftime("%H:%M", time.localtime(1_700_000_000))
    assert (shown["W17"]["state"], shown["W17"]["time"]) == ("passed", f"passed at {when}")
    (other,) = (step for step in steps if step.id == "W18")
    assert (shown["W18"]["state"], shown["W18"]["time"]) == (
        "not attempted",
        f"about {other.minutes} min",
    )
    assert len(board.as_text().splitlines()) == 1 + len(steps)


def test_a_hint_is_shown_at_its_step_alone(tmp_path: Path) -> None:
    lab: Any = SimpleNamespace(progress=Progress(tmp_path / "progress.json"))
    board = Board(lab, "04-roles")
    board.act("hint", step="W17")
    says = {step["id"]: step["says"] for step in board.data["lessons"][0]["steps"] if step["says"]}
    assert list(says) == ["W17"]
    assert says["W17"].startswith("Hint 1")


def test_the_wall_lights_the_wrong_policies_that_pass() -> None:
    policy = PolicyTests(SimpleNamespace(), objects_of("04-roles", library()))  # type: ignore[arg-type]  # uses no lab
    wall = MutantWall(policy, TWO)
    assert wall.data["summary"] == "21 of 32 wrong policies pass 2 questions"
    cards = [card for group in wall.data["groups"] for card in group["cards"]]
    assert sum(not card["by"] for card in cards) == 21
    assert [group["title"] for group in wall.data["groups"]][:2] == ["Verbs", "Resources"]
    lines = wall.as_text().splitlines()
    assert any(
        line.startswith("Role kikai/service-reader lets them watch") and "● passes" in line
        for line in lines
    )
    assert any("○ rejected  kikai/default may: list services in kikai" in line for line in lines)
    assert wall.as_html().count('<th scope="row"') == 32
    assert MutantWall(policy).data["left"] == 32
    assert MutantWall(policy, TEN).data["left"] == 0
    with pytest.raises(UsageError, match="The right policy answers otherwise"):
        MutantWall(policy, TWO.replace("get services", "get pods"))


def test_a_widget_without_its_own_text_has_none(api: Client) -> None:
    assert LabWidget.as_text(AccessMatrix(api, ["kikai/default"], ["list services"])) == ""


def test_a_filter_leaves_what_it_does_not_name(api: Client) -> None:
    graph = RBACGraph(api, namespace="kikai")
    graph.act("filter", subject="kikai/default")
    assert (graph._namespace, graph._who, graph._defaults) == ("kikai", "kikai/default", False)
    graph.act("filter", namespace="", defaults=True)
    assert (graph._namespace, graph._who, graph._defaults) == ("", "kikai/default", True)
    graph.act("filter", subject="")
    assert (graph._namespace, graph._who, graph._defaults) == ("", "", True)


def test_the_stages_of_an_xray_are_a_table_with_headings(api: Client) -> None:
    page = XRay(api.get("/api/v1/namespaces/kikai/services"), api).as_html()
    assert re.findall('<th[^>]*scope="col"[^>]*>(.*?)</th>', page) == [
        "stage",
        "state",
        "what is known",
    ]
