"""Pods of a cluster: waiting for them, their logs, and the commands in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.client import pods as module
from labkit.client.client import Client
from labkit.client.exec.completed import CompletedExec
from labkit.client.pods import Pods, is_ready, mounted_token, pods_run, waiting_reasons
from labkit.core.errors import ApiFailure, ExecFailed
from tests.client.fake import Fake, Reply, Request, fake_api, status

PATH = "/api/v1/namespaces/kikai/pods/test"
READY = {"type": "Ready", "status": "True"}


def pod(*conditions: dict[str, str], **more: Any) -> dict[str, Any]:
    """Return a pod with these conditions, and other fields of its status."""
    return {
        "kind": "Pod",
        "metadata": {"name": "test", "namespace": "kikai", "uid": "u-1"},
        "spec": {
            "serviceAccountName": "bot",
            "initContainers": [{"name": "first", "image": "setup:1"}],
            "containers": [
                {"name": "main", "image": "ubunut"},
                {"name": "side", "image": "proxy:2"},
            ],
        },
        "status": {"phase": "Pending", "conditions": list(conditions), **more},
    }


def waiting(name: str, reason: str) -> dict[str, Any]:
    return {"name": name, "state": {"waiting": {"reason": reason}}}


class Cluster:
    """An API server with one pod, which is ready after it was read some times."""

    def __init__(self) -> None:
        self.first = pod()
        self.reads_until_ready = 0
        self.events: list[str] = []
        self.reads = 0
        self.log: list[str] = []

    def __call__(self, request: Request) -> Reply:
        path, _, query = request.path.partition("?")
        if path.endswith("/events"):
            assert query == "fieldSelector=involvedObject.uid%3Du-1%2Ctype%3DWarning"
            return Reply(200, {"kind": "EventList", "items": [{"message": m} for m in self.events]})
        if path == f"{PATH}/log":
            self.log.append(query)
            return Reply(200, b"printed\n", {"Content-Type": "text/plain"})
        if path != PATH:
            return status(404, "NotFound", "not found")
        self.reads += 1
        return Reply(200, pod(READY) if self.reads > self.reads_until_ready else self.first)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def api(cluster: Cluster) -> Iterator[Fake]:
    with fake_api(cluster) as fake:
        yield fake


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Provide the time, which passes while somebody sleeps."""
    clock = SimpleNamespace(now=1000.0, slept=[])

    def sleep(seconds: float) -> None:
        clock.slept.append(seconds)
        clock.now += seconds

    fake = SimpleNamespace(monotonic=lambda: clock.now, sleep=sleep)
    monkeypatch.setattr(module, "time", fake)
    return clock


@pytest.mark.parametrize(("reads", "lines"), [(0, 0), (3, 0), (4, 1), (8, 1)])
def test_a_wait_is_reported_once_after_two_seconds(
    api: Fake,
    cluster: Cluster,
    clock: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    reads: int,
    lines: int,
) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 1.0)
    cluster.reads_until_ready = reads
    said: list[str] = []
    ready = Pods(Client(api.endpoint), 10.0, report=said.append).wait("kikai/test")
    assert said == ["Waiting until the pod kikai/test is ready …"] * lines
    assert len(clock.slept) == reads
    assert repr(ready).splitlines() == [
        "✔ The pod kikai/test is ready",
        "  containers  main (ubunut), side (proxy:2)",
        "  runs as     bot",
    ]


def test_a_wait_ends_after_its_timeout_and_at_once_where_no_pod_runs(
    api: Fake, cluster: Cluster, clock: SimpleNamespace
) -> None:
    cluster.reads_until_ready = 10_000
    for run, timeout, waited in ((True, 1.0, 1.0), (False, 1.0, 0.0)):
        begun = clock.now
        with pytest.raises(ApiFailure, match=r"^The pod kikai/test is not ready\.") as caught:
            Pods(Client(api.endpoint), 10.0, run=run).wait("kikai/test", timeout)
        assert waited <= clock.now - begun <= waited + 2 * module.POLL_SECONDS
        assert caught.value.why == "its phase is Pending"
        assert caught.value.todo.startswith("Wait longer, or see what its events say")


def test_a_pod_that_is_not_ready_says_what_its_containers_and_events_say(
    api: Fake, cluster: Cluster, clock: SimpleNamespace
) -> None:
    cluster.reads_until_ready = 10_000
    cluster.first = pod(containerStatuses=[waiting("main", "CrashLoopBackOff")])
    cluster.events = ["short", "the longest of the three", "a bit longer"]
    with pytest.raises(ApiFailure) as caught:
        Pods(Client(api.endpoint), 10.0).wait("kikai/test", 0.1)
    assert caught.value.why == (
        "its phase is Pending; container main: CrashLoopBackOff; "
        "its events say: the longest of the three"
    )
    assert caught.value.todo.startswith("Its command keeps ending.")


@pytest.mark.parametrize("image", ["", "labkit/pod:1"])
def test_an_image_that_is_not_to_be_had_ends_the_wait_and_is_named(
    api: Fake, cluster: Cluster, clock: SimpleNamespace, image: str
) -> None:
    cluster.reads_until_ready = 10_000
    cluster.first = pod(
        initContainerStatuses=[waiting("first", "ErrImagePull")],
        containerStatuses=[waiting("main", "InvalidImageName"), waiting("side", "PodInitializing")],
    )
    with pytest.raises(ApiFailure) as caught:
        Pods(Client(api.endpoint), 0.0, image=image).wait("kikai/test")
    assert clock.slept == []
    assert "spelt right, setup:1 and ubunut, and can this cluster" in caught.value.todo
    assert f'lab.admin.delete("{PATH}")' in caught.value.todo
    assert ("without a registry take labkit/pod:1," in caught.value.todo) is bool(image)


def test_on_a_real_cluster_an_image_can_still_come(
    api: Fake, cluster: Cluster, clock: SimpleNamespace
) -> None:
    cluster.reads_until_ready = 5
    cluster.first = pod(containerStatuses=[waiting("main", "ErrImagePull")])
    assert Pods(Client(api.endpoint), 10.0).wait("kikai/test").name == "kikai/test"


def test_only_pods_are_waited_for_where_they_run_and_take_their_time(
    api: Fake, cluster: Cluster, clock: SimpleNamespace
) -> None:
    objects = [{"kind": "Service", "metadata": {"name": "x"}}, pod()]
    Pods(Client(api.endpoint), 0.0).wait_for(objects)
    Pods(Client(api.endpoint), 10.0, run=False).wait_for(objects)
    assert cluster.reads == 0
    Pods(Client(api.endpoint), 10.0).wait_for(objects)
    assert cluster.reads == 1
    with pytest.raises(ApiFailure) as caught:  # without a namespace it is in "default"
        Pods(Client(api.endpoint), 10.0).wait_for([{"kind": "Pod", "metadata": {"name": "test"}}])
    assert caught.value.status == 404


def test_a_log_is_of_the_container_that_is_named(api: Fake, cluster: Cluster) -> None:
    pods = Pods(Client(api.endpoint), 0.0)
    assert pods.logs("kikai/test") == pods.logs("kikai/test", "side") == "printed\n"
    assert cluster.log == ["", "container=side"]
    with pytest.raises(ApiFailure, match=r"^kikai/nope has no log\."):
        pods.logs("kikai/nope")


@pytest.mark.parametrize(
    ("conditions", "ready"),
    [
        ([], False),
        ([READY], True),
        ([{"type": "PodScheduled", "status": "True"}], False),
        ([{"type": "Ready", "status": "False"}], False),
        ([{"type": "Initialized", "status": "False"}, READY], True),
        ([READY, {"type": "Other", "status": "False"}], True),
    ],
)
def test_ready_is_who_has_the_condition(conditions: list[dict[str, str]], ready: bool) -> None:
    assert is_ready(pod(*conditions)) is ready
    assert is_ready({"status": {"conditions": None}}) is is_ready({"status": None}) is False
    node = {"kind": "Node", "status": {"conditions": conditions}}
    nodes = {"kind": "NodeList", "items": [node, pod()]}
    with fake_api(lambda _: Reply(200, nodes)) as fake:
        assert pods_run(Client(fake.endpoint)) is ready
    with fake_api(lambda _: status(403, "Forbidden", "no")) as fake:
        assert pods_run(Client(fake.endpoint)) is True


def test_only_containers_that_wait_have_a_reason() -> None:
    running = {"name": "side", "state": {"running": {}}}
    body = pod(
        initContainerStatuses=[waiting("first", "PodInitializing")],
        containerStatuses=[running, waiting("main", "ErrImagePull"), {"name": "new"}],
    )
    assert waiting_reasons(body) == {"first": "PodInitializing", "main": "ErrImagePull"}
    assert waiting_reasons({"status": None}) == waiting_reasons(pod()) == {}


Asked = list[tuple[str, Any, dict[str, Any]]]


def running(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], CompletedExec]) -> Asked:
    """Stand in for the functions that run commands; return what they are asked."""
    asked: Asked = []

    def run(_client: Client, name: str, command: Any, **options: Any) -> CompletedExec:
        asked.append((name, command, options))
        return answer()

    monkeypatch.setattr(module, "run", run)
    monkeypatch.setattr(module, "run_shell", run)
    return asked


def test_a_command_goes_to_its_container_with_the_shell_first_that_worked_there(
    api: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = CompletedExec(["sh", "-c", "ls"], 0, "", "")
    asked = running(monkeypatch, lambda: done)
    pods = Pods(Client(api.endpoint), 0.0)
    for container in (None, "side", "side"):
        assert pods.exec("kikai/test", "ls", container=container) is done
    assert pods.exec("test", ("ls", "-l"), stdin="x") is done
    pods.exec("kikai/test", "ls")
    assert [(name, command) for name, command, _ in asked] == [
        *[("kikai/test", "ls")] * 3,
        ("default/test", ["ls", "-l"]),
        ("kikai/test", "ls"),
    ]
    assert [options["container"] for _, _, options in asked] == ["", "side", "side", "", ""]
    shells = [options.get("shells") for _, _, options in asked]
    assert shells == [["bash", "sh"], ["bash", "sh"], ["sh", "bash"], None, ["sh", "bash"]]
    assert asked[3][2]["stdin"] == "x"


def test_a_command_waits_for_a_pod_that_is_starting_and_for_no_other(
    api: Fake, cluster: Cluster, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = ExecFailed(400, "BadRequest", "It does not run.")

    def once() -> CompletedExec:
        if cluster.reads < 4:
            raise refused
        return CompletedExec(["ls"], 0, "", "")

    asked = running(monkeypatch, once)
    cluster.reads_until_ready = 3
    assert Pods(Client(api.endpoint), 10.0).exec("kikai/test", ["ls"]).ok
    assert len(asked) == 2
    cluster.reads = cluster.reads_until_ready = 0
    for patience, name in ((0.0, "kikai/test"), (10.0, "kikai/test"), (10.0, "kikai/nope")):
        with pytest.raises(ExecFailed) as caught:
            Pods(Client(api.endpoint), patience).exec(name, ["ls"])
        assert caught.value is refused


def test_a_pods_token_is_read_in_its_container_and_again_after_a_while_or_a_reset(
    api: Fake, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = running(monkeypatch, lambda: CompletedExec(["cat"], 0, f"t{len(asked)}\n", ""))
    generation = [1]
    token = mounted_token(
        Pods(Client(api.endpoint), 0.0), "kikai/test", "side", lambda: generation[0]
    )
    assert [token(), token()] == ["t1", "t1"]
    clock.now += module.TOKEN_SECONDS
    assert [token(), token()] == ["t2", "t2"]
    generation[0] = 2
    assert token() == "t3"
    name, command, options = asked[0]
    assert (name, command) == ("kikai/test", ["cat", f"{module.MOUNT}/token"])
    assert (options["container"], options["timeout_seconds"]) == ("side", 30.0)


def test_a_pod_without_a_token_and_one_that_does_not_run_are_named(
    api: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    running(monkeypatch, lambda: CompletedExec(["cat"], 1, "", "No such file\n"))
    with pytest.raises(ExecFailed, match=r"^kikai/test mounts no token\.") as caught:
        Pods(Client(api.endpoint), 0.0).token("kikai/test")
    assert caught.value.why == "No such file"
    assert "automountServiceAccountToken: false" in caught.value.todo

    def refuse() -> CompletedExec:
        raise ExecFailed(404, "NotFound", "gone", why="not found", todo="Look.")

    running(monkeypatch, refuse)
    with pytest.raises(ExecFailed, match=r"^The token of kikai/test cannot be read\.") as caught:
        Pods(Client(api.endpoint), 0.0).token("kikai/test")
    assert (caught.value.status, caught.value.why, caught.value.todo) == (404, "not found", "Look.")
