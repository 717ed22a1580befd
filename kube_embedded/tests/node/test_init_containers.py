"""Init containers and sidecars: their order, their states, and the time of the pods beside them."""

from __future__ import annotations

import pytest

from kube_embedded.machinery.request import Object
from kube_embedded.tests.node.pods import Lab

FOREVER = {"name": "main", "image": "busybox", "command": ["sleep", "9999"]}


@pytest.fixture
def lab() -> Lab:
    return Lab()


def init(script: str, name: str = "i", **more: str) -> Object:
    return {"name": name, "image": "busybox", "command": ["sh", "-c", script], **more}


def brief(status: Object) -> tuple[str, bool, bool]:
    """A container's state with its reason, whether it is ready, and whether it has started."""
    ((kind, state),) = status["state"].items()
    return f"{kind} {state.get('reason', '')}".strip(), status["ready"], status["started"]


def test_an_init_container_that_runs_has_started_and_is_not_ready(lab: Lab) -> None:
    status = lab.pod(initContainers=[init("sleep 99"), init("true", "j")], containers=[FOREVER])[
        "status"
    ]
    assert [brief(one) for one in status["initContainerStatuses"]] == [
        ("running", False, True),
        ("waiting PodInitializing", False, False),
    ]
    assert brief(status["containerStatuses"][0]) == ("waiting PodInitializing", False, False)
    texts = {one["type"]: one.get("message") for one in status["conditions"]}
    assert texts["Initialized"] == "containers with incomplete status: [i j]"
    answer = lab.admin.get("/api/v1/namespaces/default/pods/p/log?container=j")
    assert answer.body["message"] == 'container "j" in pod "p" is waiting to start: PodInitializing'


def test_events_say_that_it_is_an_init_container(lab: Lab) -> None:
    lab.pod(initContainers=[init("true")], containers=[FOREVER])
    items = lab.admin.get("/api/v1/namespaces/default/events").body["items"]
    paths = [one["involvedObject"].get("fieldPath") for one in items if one["reason"] == "Started"]
    assert sorted(paths) == ["spec.containers{main}", "spec.initContainers{i}"]


def test_a_slow_init_container_takes_no_time_from_other_pods(lab: Lab) -> None:
    lab.pod("slow", initContainers=[init("sleep 999")], containers=[FOREVER])
    lab.pod("quick", restartPolicy="Never", containers=[{**FOREVER, "command": ["sleep", "3"]}])
    lab.wait(4)
    assert lab.get("quick")["status"]["phase"] == "Succeeded"


def test_a_sidecar_that_crashes_holds_up_nobody(lab: Lab) -> None:
    lab.pod(initContainers=[init("exit 1", restartPolicy="Always")], containers=[FOREVER])
    lab.wait(8)
    status = lab.get()["status"]
    assert status["phase"] == "Running"
    assert status["initContainerStatuses"][0]["restartCount"] == 1
    told = {one["type"]: (one["status"], one.get("message", "")) for one in status["conditions"]}
    assert told["Initialized"] == ("True", "")
    assert told["Ready"] == ("False", "containers with unready status: [i]")


def test_a_sidecar_ends_when_the_others_are_done(lab: Lab) -> None:
    sidecar = init("sleep 9999", restartPolicy="Always")
    lab.pod(
        restartPolicy="Never",
        initContainers=[sidecar],
        containers=[{**FOREVER, "command": ["sleep", "2"]}],
    )
    assert brief(lab.get()["status"]["initContainerStatuses"][0]) == ("running", True, True)
    lab.wait(5)
    status = lab.get()["status"]
    assert status["phase"] == "Succeeded"
    assert status["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 137
    assert ("Killing", 1) in lab.events()
