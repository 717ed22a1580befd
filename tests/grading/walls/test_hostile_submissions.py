"""More submissions that want harm: odd files and names, bombs for the checks, the reports and the other learners."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from kube_embedded.tests.support.slow import slow_but
from labkit.grading.clusters.budget import Quota
from labkit.grading.graders.grader import Grader
from labkit.grading.intake.submissions import choose, find, walk
from labkit.grading.session import GradingSession
from labkit.grading.tasks.seed import Seed
from tests.grading.conftest import PATIENT
from tests.grading.support import SETUP, grade, solved_cells, submit
from tests.grading.walls.test_attacks import left_behind

EXERCISE = "ex4-roles"


@pytest.fixture
def isolated(grader: Grader) -> None:
    """Skip where the platform has no namespaces."""
    if grader.level == "plain":
        pytest.skip("no namespaces here (docs/grading.md)")


class TestOddFiles:
    """What lies where a notebook should."""

    def test_none_of_them_stops_the_others(self, grader: Grader, tmp_path: Path) -> None:
        folder = tmp_path / "s"
        submit(folder, "ann", EXERCISE, solved_cells(EXERCISE, "ann"))
        for learner in ("pipe", "folder", "link", "huge", "nested", "number"):
            (folder / learner).mkdir()
        os.mkfifo(folder / "pipe" / f"{EXERCISE}.ipynb")
        (folder / "folder" / f"{EXERCISE}.ipynb").mkdir()
        (folder / "link" / f"{EXERCISE}.ipynb").symlink_to(folder / "ann" / f"{EXERCISE}.ipynb")
        (folder / "huge" / f"{EXERCISE}.ipynb").write_bytes(b" " * (9 << 20))
        (folder / "nested" / f"{EXERCISE}.ipynb").write_bytes(b"[" * 1_000_000)
        (folder / "number" / f"{EXERCISE}.ipynb").write_bytes(b'{"cells": ' + b"9" * 100_000 + b"}")
        old = {"nbformat": 3, "worksheets": [{"cells": []}], "metadata": {}}
        submit(folder, "old", EXERCISE, []).write_text(json.dumps(old))
        results = {
            result.learner: result
            for result in GradingSession(folder, tmp_path / "out").run(grader, lambda _result: None)
        }
        assert results.pop("ann").passed
        assert {learner: result.ended for learner, result in results.items()} == dict.fromkeys(
            results, "unreadable"
        )
        assert len(results) == 7
        assert "clear its outputs" in results["huge"].outcome
        assert "format 3: open it in JupyterLab" in results["old"].outcome
        assert "symbolic link" in results["link"].outcome
        assert "ordinary file" in results["pipe"].outcome

    def test_odd_notebooks_are_run_as_far_as_they_can_be(
        self, grader: Grader, tmp_path: Path
    ) -> None:
        many = submit(tmp_path, "many", EXERCISE, ["x = 1"] * 10_000)
        document = json.loads(many.read_text())
        document["metadata"] = {
            "a": float("nan"),
            "kernelspec": {"name": "../../evil", "display_name": "=1+1"},
        }
        many.write_text(json.dumps(document))
        submit(
            tmp_path,
            "deep",
            EXERCISE,
            ["-" * 100_000 + "1", "x" + ".x" * 50_000, "(" * 5000, "print('alive')"],
        )
        submit(tmp_path, "zero", EXERCISE, ["a\0b", "\ud800", "print('alive')"])
        submit(tmp_path, "ann", EXERCISE, solved_cells(EXERCISE, "ann"))
        results = grade(grader, tmp_path)
        assert results["many"].complete, results["many"].outcome
        assert results["many"].claimed_cells == 10_000
        assert "alive" in results["zero"].output
        assert results["deep"].score.points == 0
        assert results["ann"].passed


class TestNames:
    """A submission's name is nobody else's."""

    def test_a_file_in_ones_own_folder_is_ones_own(self, tmp_path: Path) -> None:
        submit(tmp_path, "eve", f"ann__{EXERCISE}", ["1"])
        submit(tmp_path, "ann", EXERCISE, ["2"])
        assert [(entry.learner, entry.path.parent.name) for entry in find(tmp_path)] == [
            ("ann", "ann"),
            ("eve", "eve"),
        ]

    def test_the_topmost_of_several_counts(self, tmp_path: Path) -> None:
        deep = submit(tmp_path / "eve", "old", EXERCISE, ["1"])
        top = submit(tmp_path, "eve", EXERCISE, ["2"])
        assert deep.exists()
        assert [entry.path for entry in find(tmp_path)] == [top]

    @pytest.mark.parametrize("others", [["=ann"], ["_ANN", "_ann "], ["_ａｎｎ", "_a\u200bnn"]])
    def test_of_folders_that_would_be_one_learner_that_of_the_id_counts_and_all_are_named(
        self, others: list[str], tmp_path: Path
    ) -> None:
        for learner in ("_ann", "bob", *others):  # the others are newer
            submit(tmp_path, learner, EXERCISE, ["1"])
        chosen, left_out = choose(walk(tmp_path))
        assert [(entry.learner, entry.path.parent.name) for entry in chosen] == [
            ("_ann", "_ann"),
            ("bob", "bob"),
        ]
        assert len(left_out) == 1 + len(others)
        assert left_out[0].startswith("the rest of ")
        assert left_out[0].endswith(
            ", which are one learner: that which is written as the id counts, else the newest"
        )
        for name in ("_ann", *others):
            assert name.replace("\u200b", "\ufffd") in left_out[0]

    def test_where_no_folder_is_written_as_the_id_the_newest_counts(self, tmp_path: Path) -> None:
        for number, learner in enumerate(("=Ann", "(Ann")):
            os.utime(submit(tmp_path, learner, EXERCISE, ["1"]), (number, number))
        chosen, _ = choose(walk(tmp_path))
        assert [entry.path.parent.name for entry in chosen] == ["(Ann"]
        chosen, left_out = choose(walk(tmp_path), "first")
        assert [entry.path.parent.name for entry in chosen] == ["=Ann"]
        assert "else the first" in left_out[0]

    def test_a_folder_that_is_a_link_is_not_followed(self, tmp_path: Path) -> None:
        submit(tmp_path / "s", "ann", EXERCISE, ["1"])
        (tmp_path / "s" / "eve").symlink_to(tmp_path / "s" / "ann")
        assert [entry.learner for entry in find(tmp_path / "s")] == ["ann"]

    def test_what_learners_write_is_only_text_in_the_reports(
        self, grader: Grader, tmp_path: Path
    ) -> None:
        evil = "=HYPERLINK(1)\x00\x1b[2J\ud800<script>alert(1)</script>]]>" + "x" * 2000
        space, name = Seed("-1_1_cmd").name("facts"), Seed("-1_1_cmd").name("report")
        body = {"metadata": {"name": name}, "data": {"version": evil}}
        cells = [
            SETUP.replace(EXERCISE, "ex1-api-server"),
            f'print(lab.admin.post("/api/v1/namespaces/{space}/configmaps", {body!r}).status)',
            r'print("\x1b[31mred\x1b[0m \x00\x1b]0;title\x07\u202e")',
        ]
        submit(tmp_path / "s", "-1+1\ncmd", "ex1-api-server", cells)
        results = GradingSession(tmp_path / "s", tmp_path / "out").run(grader, lambda _result: None)
        learner = results[0].learner
        seen = next(
            item.seen
            for task in results[0].score.tasks
            for item in task.items
            if "HYPERLINK" in item.seen
        )
        assert len(seen) < 600
        ElementTree.parse(tmp_path / "out" / "junit.xml")
        row = next(csv.DictReader((tmp_path / "out" / "scores.csv").read_text().splitlines()))
        assert row["learner"] == f"'{learner}"
        page = (tmp_path / "out" / "feedback" / f"{learner}.html").read_text()
        assert "HYPERLINK" in page
        assert "<script>" not in page
        assert not {"\0", "\x1b", "\x07", "\u202e"} & set(page)
        assert "red" in page
        assert "[31m" not in page


def role_of_many_parts(verbs: str, groups: str, resources: str) -> str:
    """A cell that gives all accounts each verb on each resource of each group."""
    return f"""
rule = {{"verbs": {verbs}, "apiGroups": {groups}, "resources": {resources}}}
meta = {{"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {{"name": "bomb"}}}}
lab.apply({{**meta, "kind": "ClusterRole", "rules": [rule]}})
ref = {{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "bomb"}}
group = {{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:serviceaccounts"}}
lab.apply({{**meta, "kind": "ClusterRoleBinding", "roleRef": ref, "subjects": [group]}})
"""


BOMBS = {
    "many-bindings-to-a-rule-of-many-names": """
rule = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": [f"{n:x}" for n in range(14000)]}
base = "/apis/rbac.authorization.k8s.io/v1/"
lab.admin.post(base + "clusterroles", {"metadata": {"name": "bomb"}, "rules": [rule]})
ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "bomb"}
group = {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:serviceaccounts"}
status = 201
number = 0
while status == 201:
    number += 1
    body = {"metadata": {"name": f"b{number}"}, "roleRef": ref, "subjects": [group]}
    status = lab.admin.post(base + "clusterrolebindings", body).status
""",
    "a-role-of-a-billion-parts": role_of_many_parts(*['[f"w{n}" for n in range(1000)]'] * 3),
    "a-role-of-parts-that-nobody-can-do": role_of_many_parts(
        '["list"] * 300', '[""] * 10', '["pods/log"] * 300'
    ),
    "many-bindings-to-many-rules": """
rules = [{"verbs": ["get"], "apiGroups": ["a"], "resources": [f"r{n}"]} for n in range(1500)]
base = "/apis/rbac.authorization.k8s.io/v1/"
lab.admin.post(base + "clusterroles", {"metadata": {"name": "bomb"}, "rules": rules})
ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "bomb"}
group = {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:serviceaccounts"}
status = 201
number = 0
while status == 201:
    number += 1
    body = {"metadata": {"name": f"b{number}"}, "roleRef": ref, "subjects": [group]}
    status = lab.admin.post(base + "clusterrolebindings", body).status
print("ended with", status)
""",
    "filling-the-cluster": """
text = "x" * 1_000_000
status = 201
number = 0
while status == 201:
    number += 1
    body = {"metadata": {"name": f"c{number}"}, "data": {"a": text}}
    status = lab.admin.post("/api/v1/namespaces/default/configmaps", body).status
print("ended with", status)
""",
    "copying-what-was-copied": """
lab.admin.post("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "c"}, "data": {"a": "b"}})
path = "/api/v1/namespaces/default/configmaps/c"
ops = [{"op": "copy", "from": "/data", "path": f"/data/x{n}"} for n in range(60)]
print("ended with", lab.admin.patch(path, ops, kind="json").status)
""",
    "tokens-that-are-none": "print('-eyJaaaaa' * 110_000)",
    "a-policy-against-questions": """
policy = {
    "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "no"},
    "spec": {"matchConstraints": {"resourceRules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"],
             "resources": ["*"]}]}, "validations": [{"expression": "false"}]},
}
lab.admin.post("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies", policy)
""",
}


@pytest.mark.parametrize(
    "bomb", slow_but(BOMBS, "a-role-of-a-billion-parts", "filling-the-cluster")
)
def test_no_bomb_reaches_the_grader(bomb: str, grader: Grader, tmp_path: Path) -> None:
    submit(tmp_path, "ann", EXERCISE, solved_cells(EXERCISE, "ann"))
    submit(tmp_path, "eve", EXERCISE, [SETUP, BOMBS[bomb]])
    results = grade(grader, tmp_path)
    assert results["ann"].passed, results["ann"].outcome
    eve = results["eve"]
    assert eve.score.points == 0
    if bomb in ("many-bindings-to-many-rules", "filling-the-cluster"):
        assert "ended with 429" in eve.output or eve.ended == "unreadable", eve.output
    if bomb.startswith("many-bindings"):
        assert "more than can be judged" in eve.outcome
    if bomb == "filling-the-cluster":
        assert "used up what it may ask" in eve.note
    if bomb == "copying-what-was-copied":
        assert "ended with 413" in eve.output
    if bomb.startswith("a-role-of"):
        assert any("and more" in line for task in eve.score.tasks for line in task.excess)


def test_who_keeps_the_server_busy_is_refused(tmp_path: Path) -> None:
    busy = "status = 200\nwhile status == 200: status = lab.admin.get('/api/v1/namespaces').status\nprint('got', status)"
    submit(tmp_path, "eve", EXERCISE, [SETUP, busy])
    with Grader(limits=PATIENT, quota=Quota(seconds=0.05)) as strict:
        result = grade(strict, tmp_path)["eve"]
    assert "got 429" in result.output, result.output
    assert "took the server more than" in result.note


@pytest.mark.slow
def test_what_the_clock_brings_is_paid_for_as_well(tmp_path: Path) -> None:
    """A job without end makes pods each second, and no request asks for them."""
    endless = """
container = {"name": "c", "image": "ubuntu", "command": ["true"]}
template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": "default"}}
lab.apply([{**job, "spec": {"completions": 10**6, "parallelism": 50, "template": template}}])
import time
until = time.monotonic() + 100
while (status := lab.admin.get("/version").status) == 200 and time.monotonic() < until:
    time.sleep(0.5)
print("got", status)
"""
    submit(tmp_path, "eve", EXERCISE, [SETUP, endless])
    with Grader(limits=PATIENT, quota=Quota(seconds=0.3)) as strict:
        result = grade(strict, tmp_path)["eve"]
    # On a busy machine one turn of the controllers may take so much that the connection is cut, without a 429.
    assert "got 200" not in result.output, result.output
    assert "took the server more than" in result.note


@pytest.mark.usefixtures("isolated")
def test_the_process_above_is_out_of_reach(grader: Grader, tmp_path: Path) -> None:
    look = """
import ctypes, os, signal, socket
libc = ctypes.CDLL(None, use_errno=True)
def attempt(what, act):
    try:
        done = act()
        print(what, "worked" if done in (None, 0) or what.startswith("read") else "failed")
    except OSError as error:
        print(what, "failed", error.strerror)
def traced():
    if libc.ptrace(16, 1, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
attempt("read mem", lambda: open("/proc/1/mem", "rb").read(1))
attempt("read environ", lambda: open("/proc/1/environ", "rb").read(1))
attempt("read fds", lambda: os.listdir("/proc/1/fd"))
attempt("read root", lambda: os.listdir("/proc/1/root/"))
attempt("ptrace", traced)
attempt("core pattern", lambda: open("/proc/sys/kernel/core_pattern", "w").write("|/bin/sh"))
attempt("setuid", lambda: os.setuid(0))
attempt("mount", lambda: None if libc.mount(b"none", b"/home", b"tmpfs", 0, None) == 0 else os.stat("/nowhere"))
attempt("raw socket", lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))
attempt("device", lambda: os.mknod("disk", 0o60600, os.makedev(8, 0)))
attempt("nice", lambda: os.nice(-10))
for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGINT):
    attempt(f"signal {number.name}", lambda: os.kill(1, number))
print("sockets", [line.split()[-1] for line in open("/proc/net/unix") if "@" in line])
print("still here")
"""
    submit(tmp_path, "eve", EXERCISE, [look])
    submit(tmp_path, "ann", EXERCISE, solved_cells(EXERCISE, "ann"))
    results = grade(grader, tmp_path)
    output = results["eve"].output
    assert results["ann"].passed
    if grader.level == "root":
        assert "worked" not in output, output
        assert "sockets []\nstill here" in output
    assert not list(left_behind(grader))


def test_a_pod_that_acts_on_after_the_end_changes_nothing(grader: Grader, tmp_path: Path) -> None:
    late = f"""
import threading, time, os
solve = {solved_cells(EXERCISE, "eve")!r}
lab.apply({{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "late", "namespace": "default"}},
           "spec": {{"containers": [{{"name": "c", "image": "curlimages/curl", "command": ["sleep", "99999"]}}]}}}})
base = "https://kubernetes.default.svc/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
body = '{{"metadata": {{"name": "late"}}, "roleRef": {{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", '
body += '"name": "cluster-admin"}}, "subjects": [{{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", '
body += '"name": "system:serviceaccounts"}}]}}'
lab.kubectl("create clusterrolebinding open --clusterrole=cluster-admin --serviceaccount=default:default")
line = "sleep 1; T=$(cat /var/run/secrets/kubernetes.io/serviceaccount/token); while true; do curl -sk -X POST "
line += f"-H 'Content-Type: application/json' -H \\"Authorization: Bearer $T\\" -d '{{body}}' {{base}}; sleep 0.1; done"
threading.Thread(target=lambda: lab.exec("default/late", line), daemon=True).start()
time.sleep(0.5)
"""
    submit(tmp_path, "eve", EXERCISE, [SETUP, late])
    result = grade(grader, tmp_path)["eve"]
    assert result.score.points == 0, result.output
    granted = [line for task in result.score.tasks for line in task.excess]
    assert not [line for line in granted if "system:serviceaccounts" in line], (
        "it acted while it was judged"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there is no bash")
def test_a_shell_cell_is_isolated_in_the_same_way(hasty_grader: Grader, tmp_path: Path) -> None:
    shell = "%%bash\nid -u; ls /proc | grep -c '^[0-9]'; (sleep 600 &); echo from the shell"
    submit(tmp_path, "eve", EXERCISE, [shell, "import os; os.kill(os.getpid(), 9)", "1"])
    result = grade(hasty_grader, tmp_path)["eve"]
    assert not result.passed
    assert not result.complete
    assert result.score.points == 0
    assert not list(left_behind(hasty_grader))
