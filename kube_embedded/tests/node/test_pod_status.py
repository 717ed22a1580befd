"""A pod's phase and its class of service, by the kubelet's rules."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.node.pod.pod_status import NEVER_RAN, phase_of, qos_class

RUNNING: dict[str, Any] = {"running": {}}
WAITING: dict[str, Any] = {"waiting": {}}


def ended(code: int, reason: str = "") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason}}


def status(
    state: dict[str, Any], name: str = "c", last: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {"name": name, "state": state, "lastState": last or {}, "started": state is RUNNING}


@pytest.mark.parametrize(
    ("policy", "states", "phase"),
    [
        ("Always", [RUNNING], "Running"),
        ("Always", [WAITING], "Pending"),
        ("Always", [ended(0)], "Running"),
        ("Always", [ended(1)], "Running"),
        ("OnFailure", [ended(0)], "Succeeded"),
        ("OnFailure", [ended(1)], "Running"),
        ("Never", [ended(0)], "Succeeded"),
        ("Never", [ended(1)], "Failed"),
        ("Never", [ended(0), ended(1)], "Failed"),
        ("Never", [ended(1), ended(0)], "Failed"),
        ("Never", [ended(1), RUNNING], "Running"),
        ("Never", [RUNNING, WAITING], "Pending"),
        ("Never", [ended(137, NEVER_RAN)], "Pending"),
    ],
)
def test_the_phase_by_the_containers_and_the_policy(
    policy: str, states: list[dict[str, Any]], phase: str
) -> None:
    spec = {"restartPolicy": policy}
    assert phase_of(spec, [], [status(state) for state in states]) == phase


def test_a_container_that_waits_for_its_restart_has_run() -> None:
    crashed = status(WAITING, last=ended(1))
    assert phase_of({"restartPolicy": "Always"}, [], [crashed]) == "Running"
    assert phase_of({}, [], [crashed]) == "Running"


@pytest.mark.parametrize(
    ("policy", "code", "phase"),
    [("Always", 0, "Succeeded"), ("Always", 1, "Failed"), ("OnFailure", 1, "Failed")],
)
def test_no_container_of_a_deleted_pod_restarts(policy: str, code: int, phase: str) -> None:
    spec = {"restartPolicy": policy}
    assert phase_of(spec, [], [status(ended(code))], deleted=True) == phase


@pytest.mark.parametrize(
    ("policy", "init", "phase"),
    [
        ("Always", [ended(0)], "Running"),
        ("Always", [RUNNING], "Pending"),
        ("Always", [WAITING], "Pending"),
        ("Always", [ended(1)], "Pending"),
        ("Never", [ended(1)], "Failed"),
        ("Never", [ended(0), RUNNING], "Pending"),
        ("Never", [ended(0), ended(0)], "Running"),
    ],
)
def test_the_phase_by_the_init_containers(
    policy: str, init: list[dict[str, Any]], phase: str
) -> None:
    statuses = [status(state, f"i{number}") for number, state in enumerate(init)]
    assert phase_of({"restartPolicy": policy}, statuses, [status(RUNNING)]) == phase


@pytest.mark.parametrize(
    ("state", "last", "phase"),
    [
        (WAITING, None, "Pending"),
        (RUNNING, None, "Running"),
        (WAITING, ended(1), "Running"),
        (ended(1), None, "Running"),
    ],
)
def test_a_sidecar_only_has_to_begin(
    state: dict[str, Any], last: dict[str, Any] | None, phase: str
) -> None:
    spec = {"restartPolicy": "Never", "initContainers": [{"name": "s", "restartPolicy": "Always"}]}
    assert phase_of(spec, [status(state, "s", last)], [status(RUNNING)]) == phase


def container(requests: str = "", limits: str = "") -> dict[str, Any]:
    """A container with amounts of cpu and memory: ``1/1``, ``1/`` or ``/1``."""

    def amounts(text: str) -> dict[str, str]:
        pairs = zip(("cpu", "memory"), text.split("/"), strict=False)
        return {name: value for name, value in pairs if value}

    return {"resources": {"requests": amounts(requests), "limits": amounts(limits)}}


@pytest.mark.parametrize(
    ("containers", "init", "expected"),
    [
        ([{}], None, "BestEffort"),
        ([container()], [{}], "BestEffort"),
        ([container("1/1", "1/1")], None, "Guaranteed"),
        ([container("", "1/1")], None, "Guaranteed"),
        ([container("1/1", "2/1")], None, "Burstable"),
        ([container("1/1", "")], None, "Burstable"),
        ([container("1/", "1/")], None, "Burstable"),
        ([container("/1", "/1")], None, "Burstable"),
        ([container("1/1", "1/1"), {}], None, "Burstable"),
        ([container("1/1", "1/1")], [{}], "Burstable"),
        ([container("1/1", "1/1")], [container("", "1/1")], "Guaranteed"),
    ],
)
def test_the_class_of_service(
    containers: list[dict[str, Any]], init: list[dict[str, Any]] | None, expected: str
) -> None:
    assert qos_class({"containers": containers, "initContainers": init}) == expected
