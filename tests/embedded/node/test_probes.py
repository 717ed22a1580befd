"""Probes, hooks, deadlines and last words, as a kubelet of 1.36 has them (compared with a kind cluster)."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.embedded.machinery.request import Object
from tests.embedded.node.pods import Lab

IMAGE = {"name": "main", "image": "labkit/pod:0.1.0", "imagePullPolicy": "IfNotPresent"}
OPEN_PROXY = ["kubectl", "proxy", "--address=0.0.0.0", "--accept-hosts=.*"]


@pytest.fixture
def lab() -> Lab:
    return Lab()


def main(*words: str, **more: Any) -> Object:
    """A container that sleeps, or runs a command."""
    return {**IMAGE, "command": list(words or ("sleep", "9999")), **more}


def checks(script: str, **more: int) -> Object:
    return {"exec": {"command": ["bash", "-c", script]}, "periodSeconds": 2, **more}


def told(lab: Lab, reason: str) -> dict[str, int]:
    """The messages of a reason's events, and how often they were said."""
    items = lab.admin.get("/api/v1/namespaces/default/events").body["items"]
    return {one["message"]: one["count"] for one in items if one["reason"] == reason}


def test_a_pod_is_ready_once_its_probe_says_so(lab: Lab) -> None:
    lab.pod(containers=[main(readinessProbe=checks("test -f /tmp/ok || { echo not yet; false; }", failureThreshold=1))])
    state = lab.state()
    assert (state["started"], state["ready"]) == (True, False)
    lab.wait(2)
    assert told(lab, "Unhealthy") == {"Readiness probe failed: not yet\n": 1}
    lab.exec("touch /tmp/ok")
    lab.wait(2)
    assert lab.state()["ready"]
    assert {one["status"] for one in lab.get()["status"]["conditions"]} == {"True"}
    lab.exec("rm /tmp/ok")
    lab.wait(2)
    ready = next(one for one in lab.get()["status"]["conditions"] if one["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "ContainersNotReady")
    assert ready["message"] == "containers with unready status: [main]"


def test_a_service_leads_to_ready_pods_alone(lab: Lab) -> None:
    web = main(*OPEN_PROXY, readinessProbe=checks("test -f /tmp/ok"))
    lab.admin.post(
        "/api/v1/namespaces/default/pods",
        {"metadata": {"name": "web", "labels": {"app": "web"}}, "spec": {"containers": [web]}},
    )
    front = {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8001}]}
    lab.admin.post("/api/v1/namespaces/default/services", {"metadata": {"name": "front"}, "spec": front})
    lab.pod(containers=[main()])
    assert lab.exec("curl -s front/version").rc == 7
    lab.exec("touch /tmp/ok", "web")
    lab.wait(3)
    assert lab.exec("curl -s front/version").rc == 0


def test_a_container_that_is_not_alive_is_started_again(lab: Lab) -> None:
    lab.pod(containers=[main(livenessProbe=checks("echo dead; exit 1", failureThreshold=2))])
    assert lab.state()["ready"]
    lab.wait(6)
    assert told(lab, "Killing") == {"Container main failed liveness probe, will be restarted": 1}
    assert told(lab, "Unhealthy")["Liveness probe failed: dead\n"] >= 2
    state = lab.state()
    assert state["restartCount"] == 1
    assert state["lastState"]["terminated"]["exitCode"] == 137


def test_other_probes_wait_until_a_container_has_started_up(lab: Lab) -> None:
    lab.pod(containers=[main(startupProbe=checks("test -f /tmp/up"), readinessProbe=checks("true"))])
    lab.wait(3)
    assert (lab.state()["started"], lab.state()["ready"]) == (False, False)
    assert list(told(lab, "Unhealthy")) == ["Startup probe failed: "]
    lab.exec("touch /tmp/up")
    lab.wait(5)
    assert (lab.state()["started"], lab.state()["ready"]) == (True, True)


def test_a_startup_probe_runs_until_it_succeeds_and_the_others_from_then_on(lab: Lab) -> None:
    startup = checks("echo >> /tmp/startup; test -f /tmp/up", failureThreshold=9)
    others = {kind: checks(f"echo >> /tmp/{kind}") for kind in ("livenessProbe", "readinessProbe")}
    lab.pod(containers=[main(startupProbe=startup, **others)])

    def runs(name: str) -> int:
        return int(lab.exec(f"cat /tmp/{name} 2>/dev/null | wc -l").stdout)

    lab.wait(5)
    waited = runs("startup")
    assert (waited > 1, runs("livenessProbe"), runs("readinessProbe")) == (True, 0, 0)
    lab.exec("touch /tmp/up")
    lab.wait(4)
    once = runs("livenessProbe")
    assert runs("startup") == waited + 1
    lab.wait(6)
    assert runs("startup") == waited + 1
    assert runs("livenessProbe") == once + 3
    assert runs("readinessProbe") >= 3


def test_a_liveness_probe_rests_from_its_failure_to_the_restart(lab: Lab) -> None:
    lab.pod(containers=[main(livenessProbe=checks("test ! -f /tmp/bad", failureThreshold=1))])
    lab.exec("touch /tmp/bad")
    lab.wait(8)
    assert told(lab, "Unhealthy") == {"Liveness probe failed: ": 1}
    lab.wait(40)
    assert lab.state()["restartCount"] == 1
    lab.exec("touch /tmp/bad")
    lab.wait(8)
    assert told(lab, "Unhealthy") == {"Liveness probe failed: ": 2}


@pytest.mark.parametrize(
    ("probe", "words", "message"),
    [({"httpGet": {"path": "/version", "port": 8001}}, OPEN_PROXY, ""),
     ({"httpGet": {"path": "/api/v1/secrets", "port": 8001}}, OPEN_PROXY, "HTTP probe failed with statuscode: 403"),
     ({"httpGet": {"path": "/x", "port": 80}}, [],
      'Get "http://10.244.0.5:80/x": dial tcp 10.244.0.5:80: connect: connection refused'),
     ({"tcpSocket": {"port": 8001}}, OPEN_PROXY, ""),
     ({"tcpSocket": {"port": 8001}}, ["kubectl", "proxy"],
      "dial tcp 10.244.0.5:8001: connect: connection refused"),
     ({"grpc": {"port": 9000}}, [],
      'timeout: failed to connect service "10.244.0.5:9000" within 1s: context deadline exceeded'),
     ({"exec": {"command": ["sleep", "5"]}}, [], 'command timed out: "sleep 5" timed out after 1s')],
)  # fmt: skip
def test_what_a_probe_says(lab: Lab, probe: Object, words: list[str], message: str) -> None:
    lab.pod(containers=[main(*words, readinessProbe=probe)])
    lab.wait(2)
    assert list(told(lab, "Unhealthy")) == ([f"Readiness probe failed: {message}"] if message else [])
    assert lab.state()["ready"] == (not message)


def test_a_probe_that_cannot_be_made_says_nothing_of_the_container(lab: Lab) -> None:
    lab.pod(containers=[main(livenessProbe={"exec": {"command": ["nosuch"]}, "periodSeconds": 1})])
    lab.wait(6)
    assert lab.state()["restartCount"] == 0
    assert any("Liveness probe errored and resulted in unknown state" in one for one in told(lab, "Unhealthy"))


def test_a_hook_runs_after_the_start(lab: Lab) -> None:
    hook = {"postStart": {"exec": {"command": ["bash", "-c", "echo hook > /tmp/h"]}}}
    lab.pod(containers=[main("bash", "-c", "sleep 1; cat /tmp/h; sleep 99", lifecycle=hook)])
    lab.wait(2)
    assert lab.log() == "hook\n"


def test_a_hook_that_fails_ends_the_container(lab: Lab) -> None:
    pod = lab.pod(
        containers=[main(lifecycle={"postStart": {"exec": {"command": ["bash", "-c", "echo oops >&2; exit 7"]}}})]
    )
    waiting = lab.state()["state"]["waiting"]
    assert waiting["reason"] == "PostStartHookError"
    assert waiting["message"] == (
        f'Exec lifecycle hook ([bash -c echo oops >&2; exit 7]) for Container "main" in Pod "p_default('
        f"{pod['metadata']['uid']})\" failed - error: command 'bash -c echo oops >&2; exit 7' exited with 7: oops\n"
        ', message: "oops\\n"'
    )
    assert told(lab, "FailedPostStartHook") == {"PostStartHook failed": 1}
    assert told(lab, "Killing") == {"FailedPostStartHook": 1}
    lab.wait(20)
    assert lab.state()["restartCount"] >= 2


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
def test_the_last_words_of_a_container(lab: Lab, script: str, more: Object, message: str | None) -> None:
    lab.pod(restartPolicy="Never", containers=[main("bash", "-c", script, **more)])
    assert lab.state()["state"]["terminated"].get("message") == message


def test_a_proxy_takes_the_hosts_it_is_told(lab: Lab) -> None:
    lab.pod(containers=[main("kubectl", "proxy", "--address=0.0.0.0", "--accept-hosts=^lab$")])
    assert lab.log() == "Starting to serve on [::]:8001\n"
    assert lab.exec("curl -s -H 'Host: lab' localhost:8001/version").stdout.startswith("{")
    assert lab.exec("curl -s localhost:8001/version").stdout == "Forbidden"


@pytest.mark.parametrize("kind", ["startupProbe", "livenessProbe"])
def test_a_probe_begins_a_period_after_the_pod(lab: Lab, kind: str) -> None:
    lab.pod(containers=[main(**{kind: {**checks("echo no; false"), "periodSeconds": 60, "failureThreshold": 1}})])
    lab.wait(58)
    assert (told(lab, "Unhealthy"), lab.state()["restartCount"]) == ({}, 0)
    lab.wait(10)
    assert list(told(lab, "Unhealthy")) == [f"{kind.removesuffix('Probe').capitalize()} probe failed: no\n"]
    assert lab.state()["restartCount"] == 1


def test_a_hook_that_fails_ends_a_pod_that_never_restarts(lab: Lab) -> None:
    hook = {"postStart": {"exec": {"command": ["false"]}}}
    lab.pod(restartPolicy="Never", containers=[main(lifecycle=hook)])
    ended = lab.state()["state"]["terminated"]
    assert (ended["reason"], ended["exitCode"], lab.get()["status"]["phase"]) == ("Error", 137, "Failed")
    lab.wait(30)
    assert lab.state()["restartCount"] == 0
