"""Deadlines and last words, as a kubelet of 1.36 has them (compared with a kind cluster)."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.machinery.request import Object
from kube_embedded.tests.node.pods import Lab

IMAGE = {"name": "main", "image": "labkit/pod:0.1.0", "imagePullPolicy": "IfNotPresent"}


@pytest.fixture
def lab() -> Lab:
    return Lab()


def main(*words: str, **more: Any) -> Object:
    """A container that sleeps, or runs a command."""
    return {**IMAGE, "command": list(words or ("sleep", "9999")), **more}


def told(lab: Lab, reason: str) -> dict[str, int]:
    """The messages of a reason's events, and how often they were said."""
    items = lab.admin.get("/api/v1/namespaces/default/events").body["items"]
    return {one["message"]: one["count"] for one in items if one["reason"] == reason}


def test_a_pod_is_given_up_at_its_deadline(lab: Lab) -> None:
    lab.pod(containers=[main()], activeDeadlineSeconds=3)
    lab.wait(4)
    status = lab.get()["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")
    assert status["message"] == "Pod was active on the node longer than the specified deadline"
    assert status["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 137
    assert list(told(lab, "DeadlineExceeded")) == [status["message"]]
    assert list(told(lab, "Killing")) == ["Stopping container main"]


@pytest.mark.parametrize(
    ("script", "more", "message"),
    [("echo my words > /tmp/end; exit 4", {"terminationMessagePath": "/tmp/end"}, "my words\n"),
     ("echo a; echo b; exit 4", {"terminationMessagePolicy": "FallbackToLogsOnError"}, "a\nb\n"),
     ("echo a; exit 0", {"terminationMessagePolicy": "FallbackToLogsOnError"}, None),
     ("echo -n bye > /dev/termination-log", {}, "bye")],
)  # fmt: skip
def test_the_last_words_of_a_container(
    lab: Lab, script: str, more: Object, message: str | None
) -> None:
    lab.pod(restartPolicy="Never", containers=[main("bash", "-c", script, **more)])
    assert lab.state()["state"]["terminated"].get("message") == message


def test_a_proxy_takes_the_hosts_it_is_told(lab: Lab) -> None:
    lab.pod(containers=[main("kubectl", "proxy", "--address=0.0.0.0", "--accept-hosts=^lab$")])
    assert lab.log() == "Starting to serve on [::]:8001\n"
    assert lab.exec("curl -s -H 'Host: lab' localhost:8001/version").stdout.startswith("{")
    assert lab.exec("curl -s localhost:8001/version").stdout == "Forbidden"
