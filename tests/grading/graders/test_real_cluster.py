"""Grading on a real cluster: another embedded server plays it, reached as any existing one."""

from __future__ import annotations

import asyncio
import csv
import json
import socket
import ssl
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kube_embedded.apiserver.serving.address import listen
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.tests.support.server import Server, running_server
from kube_embedded.tests.support.slow import slow_but
from kube_embedded.tests.support.some import some
from kube_embedded.tests.support.wire import read_all
from labkit.backends import preflight, sweep
from labkit.cli import run as run_labkit
from labkit.client.client import Client
from labkit.client.kubeconfig import load
from labkit.client.refusals import failure, find_object
from labkit.client.transport import Transport
from labkit.core.errors import UsageError
from labkit.grading.clusters.request_policy import RequestPolicy
from labkit.grading.clusters.reverse_proxy import ReverseProxy
from labkit.grading.exercises.exercise import lab_context
from labkit.grading.graders.grader import Grader
from labkit.grading.graders.real_cluster import (
    MAX_PROBINGS,
    RealClusterGrader,
    SharedCluster,
    _deletion_rank,
    disagreements,
    lab_for,
    since,
)
from labkit.grading.intake.submissions import find
from labkit.grading.judging.findings import check_exercise
from labkit.grading.judging.result import FAILED, Result
from labkit.grading.reports.scores import write_all
from labkit.grading.tasks import EXERCISES, find_exercise
from labkit.grading.tasks.checks import may, may_not
from labkit.grading.tasks.seed import Seed
from labkit.lab.lab import Lab
from labkit.rbac.policy import Policy
from labkit.rbac.reviews import Unanswered
from tests.grading.conftest import SHORT
from tests.grading.support import SETUP, grade, solved_cells, submit

IDS = [exercise.id for exercise in EXERCISES]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A cluster that is somebody else's."""
    with running_server() as running:
        yield running


@pytest.fixture(scope="module")
def lab(server: Server) -> Iterator[Lab]:
    """A lab on it."""
    with lab_for("existing", lambda _line: None, kubeconfig=server.kubeconfig) as found:
        yield found


@pytest.fixture(scope="module")
def real(lab: Lab) -> Iterator[RealClusterGrader]:
    """A grader on it, which need not wait: this cluster draws its conclusions at once."""
    with RealClusterGrader(lab, limits=SHORT, settle_seconds=0) as grader:
        yield grader


def grade_on(grader: RealClusterGrader, folder: Path) -> dict[str, Result]:
    """Grade a folder on the real cluster; results by learner. Nothing is left there."""
    before = sweep.inventory(grader.lab.admin)
    results = {result.learner: result for result in grader.grade(find(folder))}
    assert sweep.inventory(grader.lab.admin) == before
    return results


@pytest.mark.parametrize("exercise", slow_but(IDS, "ex4-roles"))
def test_the_scores_agree(
    exercise: str, real: RealClusterGrader, grader: Grader, tmp_path: Path
) -> None:
    solved = solved_cells(exercise, "ann")
    submit(tmp_path, "ann", exercise, solved)
    submit(tmp_path, "pat", exercise, solved_cells(exercise, "pat")[: len(solved) // 2])
    submit(tmp_path, "nil", exercise, ["1"])
    here, embedded = grade_on(real, tmp_path), grade(grader, tmp_path)
    for learner, result in some(here.items()):
        assert not disagreements(result, embedded[learner])
        assert result.complete, f"{result.outcome}\n{result.output}"
    assert here["ann"].full, here["ann"].output
    assert here["nil"].score.points == 0
    assert 0 < here["pat"].score.points < here["ann"].score.points


def test_what_cannot_be_judged_is_left_out_and_marked(
    real: RealClusterGrader, tmp_path: Path
) -> None:
    submit(tmp_path, "ann", "ex2-inside-a-pod", solved_cells("ex2-inside-a-pod", "ann"))
    result = grade_on(real, tmp_path)["ann"]
    assert result.score.unjudged == ["2.2"]
    assert (result.score.points, result.score.most) == (5, 5)
    assert result.full
    assert not result.passed
    write_all([result], tmp_path / "out")
    row = next(csv.DictReader((tmp_path / "out" / "scores.csv").read_text().splitlines()))
    assert (row["cluster"], row["not_judged"], row["passed"]) == ("existing", "2.2", "no")
    page = (tmp_path / "out" / "feedback" / "ann.html").read_text()
    assert "Not all of it can be judged on the existing cluster" in page
    assert "no audit log that can be read" in page
    assert '<skipped message="not judged' in (tmp_path / "out" / "junit.xml").read_text()


@pytest.mark.parametrize(("refusals", "ended"), [(2, "done"), (3, FAILED)])
def test_a_server_that_refuses_answers_is_asked_again_and_never_costs_points(
    refusals: int,
    ended: str,
    real: RealClusterGrader,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = [refusals]

    def find_later(asker: Client, path: str) -> Any:
        left[0] -= 1
        if left[0] >= 0:
            raise failure(503, {"message": "busy"}, f"{path} cannot be read.")
        return find_object(asker, path)

    monkeypatch.setattr("labkit.grading.tasks.checks.find_object", find_later)
    submit(tmp_path, "ann", "ex4-roles", solved_cells("ex4-roles", "ann"))
    result = grade_on(real, tmp_path)["ann"]
    assert result.ended == ended
    assert result.full is (ended == "done")
    assert ("the server said 503: busy" in result.outcome) is (ended == FAILED)


def test_it_looks_again_only_while_points_are_missing(
    real: RealClusterGrader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []

    def look(exercise: Any, learner: str, context: Any) -> Any:
        looks.append(learner)
        return check_exercise(exercise, learner, context)

    monkeypatch.setattr("labkit.grading.graders.real_cluster.check_exercise", look)
    submit(tmp_path, "ann", "ex4-roles", solved_cells("ex4-roles", "ann"))
    submit(tmp_path, "nil", "ex4-roles", ["1"])
    # A task without an audit log has no points, and so none that are missing.
    submit(tmp_path, "cat", "ex2-inside-a-pod", solved_cells("ex2-inside-a-pod", "cat"))
    grade_on(real, tmp_path)
    assert Counter(looks) == {"ann": 1, "cat": 1, "nil": MAX_PROBINGS}


def test_what_looks_like_production_is_graded_on_by_force_only(
    real: RealClusterGrader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(tmp_path, "ann", "ex4-roles", ["1"])
    entries = find(tmp_path)
    monkeypatch.setattr(preflight, "MANY", -1)
    with pytest.raises(UsageError, match="looks like production"):
        real.check(entries, force=False, progress=lambda _line: None)
    real.check(entries, force=True, progress=lambda _line: None)


def test_before_it_begins_it_says_what_it_will_do(real: RealClusterGrader, tmp_path: Path) -> None:
    submit(tmp_path, "ann", "ex4-roles", ["1"])
    lines: list[str] = []
    real.check(find(tmp_path), force=False, progress=lines.append)
    assert lines[0].startswith("On https://127.0.0.1:")
    assert not any("no pod runs here" in line for line in lines)
    assert any("Its audit log cannot be read" in line for line in lines)


def test_what_was_made_is_deleted_pods_first_and_namespaces_last() -> None:
    paths = [
        "/api/v1/namespaces/n",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/c",
        "/api/v1/namespaces/n/configmaps/c",
        "/api/v1/namespaces/n/pods/p",
    ]
    assert sorted(paths, key=_deletion_rank) == [paths[3], paths[1], paths[2], paths[0]]


def test_an_existing_cluster_needs_a_kubeconfig() -> None:
    with pytest.raises(UsageError) as refused, lab_for("existing", lambda _line: None):
        pass
    assert refused.value.what == "No kubeconfig is named."
    assert refused.value.todo == "labkit grade SUBMISSIONS --kubeconfig FILE"


def test_a_review_that_is_not_answered_is_no_verdict(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = SimpleNamespace(
        status=503, data=b'{"message": "busy"}', headers={"Content-Type": "application/json"}
    )
    context = lab_context(lab, lambda: Policy.of([]))
    monkeypatch.setattr(Transport, "send_all", lambda *_: [busy])
    for check in (may("s/ann", "list", "pods", "s"), may_not("s/ann", "list", "pods", "s")):
        with pytest.raises(Unanswered, match="503"):
            check.look(context)


@pytest.mark.slow
def test_where_no_pod_runs_it_is_said_and_nobody_waits(tmp_path: Path) -> None:
    submit(tmp_path / "s", "ann", "ex6-final", solved_cells("ex6-final", "ann"))
    submit(tmp_path / "s", "bob", "ex2-inside-a-pod", solved_cells("ex2-inside-a-pod", "bob"))
    said: list[str] = []
    with ExitStack() as stack:
        running = stack.enter_context(running_server(node=False))
        lab = stack.enter_context(lab_for("existing", said.append, kubeconfig=running.kubeconfig))
        bare = stack.enter_context(RealClusterGrader(lab, limits=SHORT, settle_seconds=0))
        bare.check(find(tmp_path / "s"), force=False, progress=said.append)
        results = grade_on(bare, tmp_path / "s")
    assert any("no pod runs here" in line for line in said)
    assert results["ann"].score.unjudged == ["6.7"]
    assert results["ann"].full, results["ann"].output
    assert results["bob"].score.unjudged == ["2.1", "2.2"]
    assert any("no pod runs" in item.seen for item in results["bob"].score.tasks[0].items)


def test_a_learner_never_holds_the_cluster_s_credentials(
    real: RealClusterGrader, server: Server, tmp_path: Path
) -> None:
    show = "import base64, os, yaml\nuser = yaml.safe_load(open(os.environ['KUBECONFIG']))['users'][0]['user']"
    submit(
        tmp_path,
        "eve",
        "ex4-roles",
        [show, "print(base64.b64decode(user['client-certificate-data']).decode())"],
    )
    shown = grade_on(real, tmp_path)["eve"].output
    own = server.admin_identity().read_text().split("-----")[2].strip()
    assert "BEGIN CERTIFICATE" in shown
    assert own not in shown


def test_what_was_there_before_is_not_changed_nor_are_secrets_read(
    real: RealClusterGrader, server: Server, tmp_path: Path
) -> None:
    server.call("POST", "/api/v1/namespaces", {"metadata": {"name": "teachers"}})
    view = "/apis/rbac.authorization.k8s.io/v1/clusterroles/view"
    rules = server.call("GET", view).json()["rules"]
    attack = f"""
admin = lab.admin
for answer in (
    admin.delete("/api/v1/namespaces/teachers"),
    admin.delete("/api/v1/namespaces/teachers/serviceaccounts"),
    admin.patch("{view}", {{"rules": []}}),
    admin.put("{view}", {{"metadata": {{"name": "view"}}, "rules": []}}),
    admin.get("/api/v1/secrets"),
    admin.get("/api/v1/namespaces/kube%2Dsystem/secrets"),
    admin.post("/api/v1/namespaces/kube-system/configmaps", {{"metadata": {{"name": "mine"}}}}),
    admin.post("/api/v1/nodes", {{"metadata": {{"name": "mine"}}}}),
    admin.get("/api/v1/nodes/labkit-control-plane/proxy/metrics"),
):
    print("status", answer.status, answer.message)
"""
    submit(tmp_path, "eve", "ex4-roles", [SETUP, attack])
    result = grade_on(real, tmp_path)["eve"]
    lines = [line for line in result.output.splitlines() if line.startswith("status")]
    assert len(lines) == 9, result.output
    assert all(line.startswith("status 403 The grader does not pass this on") for line in lines), (
        lines
    )
    assert "was there before" in result.note
    assert server.call("GET", view).json()["rules"] == rules
    assert server.call("GET", "/api/v1/namespaces/teachers").status == 200


def test_what_a_learner_wants_to_keep_goes_as_well(real: RealClusterGrader, tmp_path: Path) -> None:
    keep = """
lab.admin.post("/api/v1/namespaces", {"metadata": {"name": "kept", "finalizers": ["eve.example/never"]}})
body = {"metadata": {"name": "kept", "finalizers": ["eve.example/never"]}}
lab.admin.post("/api/v1/namespaces/kept/configmaps", body)
lab.admin.post("/api/v1/namespaces/default/configmaps", {"metadata": {"generateName": "kept-"}})
lab.admin.delete("/api/v1/namespaces/kept/configmaps/kept")
lab.kubectl("create clusterrole kept --verb=get --resource=pods")
"""
    submit(tmp_path, "eve", "ex4-roles", [SETUP, keep])
    result = grade_on(real, tmp_path)["eve"]
    assert "Traceback" not in result.output, result.output


def test_names_that_are_taken_are_said_before_anything_is_made(
    real: RealClusterGrader, server: Server, tmp_path: Path
) -> None:
    submit(tmp_path, "ann", "ex1-api-server", ["1"])
    found = find(tmp_path)
    name = next(task.variant for task in EXERCISES[0].tasks if task.id == "1.2")
    space = name(Seed("ann")).setup[0]["metadata"]["name"]
    server.call("POST", "/api/v1/namespaces", {"metadata": {"name": space}})
    try:
        with pytest.raises(UsageError, match="there already"):
            real.check(found, force=False, progress=lambda _line: None)
        with pytest.raises(UsageError, match="there already"):
            real.grade(found)
        assert server.call("GET", f"/api/v1/namespaces/{space}").status == 200
    finally:
        server.call("DELETE", f"/api/v1/namespaces/{space}")


@pytest.mark.slow
def test_the_command_says_both_scores(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    submit(tmp_path / "s", "ann", "ex1-api-server", solved_cells("ex1-api-server", "ann"))
    command = [
        str(tmp_path / "s"),
        "--out",
        str(tmp_path / "out"),
        "--kubeconfig",
        str(server.kubeconfig),
    ]
    code = run_labkit(["grade", *command])
    said = capsys.readouterr()
    assert code == 0, said.err
    assert "ann ex1-api-server: 7 of 7 on existing, 7 of 7 on embedded: they agree." in said.out


class TestTheReverseProxy:
    """The reverse proxy alone, with requests written by hand."""

    @pytest.fixture
    def keys(self) -> Keys:
        """The proxy's own."""
        return Keys.generate(b"-")

    @pytest.fixture
    def proxy(self, lab: Lab, keys: Keys) -> Iterator[ReverseProxy]:
        """A reverse proxy to the cluster."""
        admin = lab.admin.without_observers()
        running = ReverseProxy(listen(0), keys, admin, lab.as_anonymous(), RequestPolicy(admin))
        yield running
        running.close()

    def send(
        self, proxy: ReverseProxy, keys: Keys, text: str, tmp_path: Path, *, certified: bool = True
    ) -> str:
        """Send bytes, and read to the end of the connection."""
        context = ssl.create_default_context(cadata=keys.ca_certificate.decode())
        if certified:
            path = tmp_path / "client.pem"
            path.write_bytes(b"".join(keys.client_certificate("kubernetes-admin")))
            context.load_cert_chain(path)
        port = int(proxy.url.rpartition(":")[2])
        with (
            socket.create_connection(("127.0.0.1", port), 30) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as tls,
        ):
            tls.sendall(text.encode())
            return read_all(tls).decode()

    def test_only_its_own_certificate_makes_an_administrator(
        self, proxy: ReverseProxy, keys: Keys, tmp_path: Path
    ) -> None:
        ask = "GET /api/v1/namespaces HTTP/1.1\r\nHost: x\r\n\r\n"
        assert self.send(proxy, keys, ask, tmp_path).startswith("HTTP/1.1 200")
        assert self.send(proxy, keys, ask, tmp_path, certified=False).startswith("HTTP/1.1 403")
        forged = ask.replace(
            "Host: x", "Host: x\r\nX-Remote-User: a\r\nX-Remote-Group: system:masters"
        )
        assert self.send(proxy, keys, forged, tmp_path, certified=False).startswith("HTTP/1.1 403")

    @pytest.mark.parametrize("end", ["\r\n\r\n", "\n\n", "\r\nConnection: keep-alive\r\n\r\n"])
    def test_nothing_slips_past_behind_another_request(
        self, end: str, proxy: ReverseProxy, keys: Keys, lab: Lab, tmp_path: Path
    ) -> None:
        second = "DELETE /api/v1/namespaces/kube-public HTTP/1.1\r\nHost: x\r\n\r\n"
        said = self.send(proxy, keys, f"GET /version HTTP/1.1\r\nHost: x{end}{second}", tmp_path)
        assert said.count("HTTP/1.1 ") <= 1
        assert lab.admin.get("/api/v1/namespaces/kube-public").body["status"]["phase"] == "Active"

    def test_an_upgrade_that_is_none_opens_no_tunnel(
        self, proxy: ReverseProxy, keys: Keys, lab: Lab, tmp_path: Path
    ) -> None:
        first = (
            "GET /version HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        second = "DELETE /api/v1/namespaces/kube-public HTTP/1.1\r\nHost: x\r\n\r\n"
        assert self.send(proxy, keys, first + second, tmp_path).count("HTTP/1.1 ") <= 1
        assert lab.admin.get("/api/v1/namespaces/kube-public").body["status"]["phase"] == "Active"

    def test_a_request_needs_no_headers(
        self, proxy: ReverseProxy, keys: Keys, tmp_path: Path
    ) -> None:
        ask = "GET /version HTTP/1.1\r\n\r\n"
        assert self.send(proxy, keys, ask, tmp_path).startswith("HTTP/1.1 200")

    @pytest.mark.parametrize("headers", ["", "Connection: Upgrade\r\nUpgrade: websocket\r\n"])
    def test_what_a_write_creates_is_recorded_whatever_its_headers_ask_for(
        self, headers: str, proxy: ReverseProxy, keys: Keys, lab: Lab, tmp_path: Path
    ) -> None:
        body = '{"metadata": {"generateName": "made-"}}'
        head = (
            f"Host: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}"
        )
        ask = f"POST /api/v1/namespaces HTTP/1.1\r\n{head}\r\n{body}"
        assert self.send(proxy, keys, ask, tmp_path).startswith("HTTP/1.1 201")
        (made,) = proxy.requests.created
        assert lab.admin.delete(made).status == 200

    def test_once_closed_it_accepts_no_connection(self, lab: Lab, keys: Keys) -> None:
        admin = lab.admin.without_observers()
        running = ReverseProxy(listen(0), keys, admin, lab.as_anonymous(), RequestPolicy(admin))
        running.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", int(running.url.rpartition(":")[2])), 2)


@pytest.mark.slow
def test_of_a_log_only_what_came_since_the_submission_began_is_looked_at() -> None:
    """The log of a kind cluster goes back to the cluster's first request, and holds other submissions' as well."""
    times = [
        "2026-11-29T10:00:02.500000Z",
        "2026-11-29T10:00:01.000001Z",
        "2026-11-29T10:00:00.999999Z",
    ]
    events = [{"stageTimestamp": time} for time in times]
    for began in ("2026-11-29T10:00:01.000000+00:00", "2026-11-29T10:00:01+00:00"):
        assert list(since(began, events)) == events[:2]


@pytest.mark.parametrize(
    ("context", "chosen"), [("", "first"), ("first", "first"), ("second", "second")]
)
def test_an_existing_cluster_is_that_of_the_named_context_or_else_of_the_current_one(
    context: str, chosen: str, tmp_path: Path
) -> None:
    entries = ("first", "second")
    file = tmp_path / "config"
    document = {
        "current-context": "first",
        "contexts": [{"name": name, "context": {"cluster": name, "user": "u"}} for name in entries],
        "clusters": [
            {"name": name, "cluster": {"server": f"https://{name}.example"}} for name in entries
        ],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    file.write_text(json.dumps(document))
    with lab_for("existing", lambda _line: None, kubeconfig=file, context=context) as lab:
        assert lab.choice.options.context == chosen
        copy = load(lab.home / "existing" / "kubeconfig")
        assert (copy.name, copy.endpoint.server) == (chosen, f"https://{chosen}.example")


@pytest.mark.parametrize(("settle_seconds", "at_once"), [(0, True), (0.5, False)])
def test_a_learner_s_lab_knows_whether_controllers_act_at_once(
    settle_seconds: float, at_once: bool, lab: Lab, tmp_path: Path
) -> None:
    shared = SharedCluster(
        lab,
        find_exercise("ex4-roles"),
        "ann",
        keys=Keys.generate(b"-"),
        pods=False,
        settle_seconds=settle_seconds,
    )
    served = shared.serve(listen(0), tmp_path)
    facts = json.loads(served.files["existing/cluster.json"])
    asyncio.run(cast("Any", served.close()))
    assert (facts["at_once"], facts["pods"]) == (at_once, False)
    assert served.environment == {}, "an existing cluster has no pod image of the lab's own"
