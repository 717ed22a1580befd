"""When a pod is active, ready and available, and which numbers its ports have."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.machinery.pods.state import (
    has_ended,
    is_active,
    is_available,
    parse_time,
    port_number,
    ready_since,
)

TIME = "2026-01-01T00:00:00Z"
SINCE = parse_time(TIME)


def pod(phase: str = "Running", **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": "p", **more}, "status": {"phase": phase}}


def ready(status: str = "True", **more: str) -> dict[str, Any]:
    condition = {"type": "Ready", "status": status, **more}
    others = [{"type": "Initialized", "status": "True"}]
    return {"metadata": {"name": "p"}, "status": {"conditions": [*others, condition]}}


@pytest.mark.parametrize(
    ("phase", "ended"),
    [("Pending", False), ("Running", False), ("Succeeded", True), ("Failed", True)],
)
def test_a_pod_has_ended_or_is_active(phase: str, ended: bool) -> None:
    assert has_ended(pod(phase)) is ended
    assert is_active(pod(phase)) is not ended
    assert not is_active(pod(phase, deletionTimestamp=TIME))


def test_a_pod_is_ready_since_its_condition_changed() -> None:
    assert ready_since(ready(lastTransitionTime=TIME)) == TIME
    assert ready_since(ready()) == ""
    assert ready_since(ready("False", lastTransitionTime=TIME)) is None
    assert ready_since(pod()) is None


@pytest.mark.parametrize(
    ("seconds", "now", "available"),
    [
        (0, SINCE, True),
        (0, SINCE - 5, True),
        (10, SINCE, False),
        (10, SINCE + 9, False),
        (10, SINCE + 10, True),
        (10, SINCE + 11, True),
    ],
)
def test_a_pod_is_available_after_some_seconds(seconds: int, now: float, available: bool) -> None:
    assert is_available(ready(lastTransitionTime=TIME), seconds, now) is available


@pytest.mark.parametrize("seconds", [0, 10])
def test_a_pod_that_is_not_ready_is_not_available(seconds: int) -> None:
    assert is_available(ready("False", lastTransitionTime=TIME), seconds, SINCE + 100) is False


def test_a_condition_without_a_time_counts_only_if_no_time_is_asked() -> None:
    assert is_available(ready(), 0, SINCE) is True
    assert is_available(ready(), 1, SINCE) is False


PORTS = {
    "spec": {
        "containers": [
            {"name": "a"},
            {"name": "b", "ports": [{"name": "web", "containerPort": 80}]},
            {
                "name": "c",
                "ports": [
                    {"name": "dns", "containerPort": 53, "protocol": "UDP"},
                    {"name": "dns", "containerPort": 54, "protocol": "TCP"},
                    {"containerPort": 99},
                ],
            },
        ]
    }
}


@pytest.mark.parametrize(
    ("target", "protocol", "number"),
    [
        (8080, "TCP", 8080),
        ("8080", "TCP", 8080),
        ("web", "TCP", 80),
        ("web", "UDP", 0),
        ("dns", "UDP", 53),
        ("dns", "TCP", 54),
        ("other", "TCP", 0),
    ],
)
def test_a_port_by_its_number_or_its_name(target: Any, protocol: str, number: int) -> None:
    assert port_number(target, PORTS, protocol) == number
    assert port_number("web", {"spec": {}}, "TCP") == 0
