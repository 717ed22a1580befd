"""What a pod's containers request together."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.machinery.pods.resources import pod_level, together


def container(cpu: str, policy: str = "") -> dict[str, Any]:
    asked = {"resources": {"requests": {"cpu": cpu}, "limits": {"cpu": "9", "memory": "1Gi"}}}
    return {**asked, **({"restartPolicy": policy} if policy else {})}


@pytest.mark.parametrize(
    ("main", "init", "cpu"),
    [
        ([container("1")], None, "1"),
        ([container("1"), container("2")], [], "3"),
        ([container("1")], [container("3")], "3"),
        ([container("4")], [container("3")], "4"),
        ([container("1")], [container("3"), container("2")], "3"),
        # A sidecar runs beside the containers, and beside the init containers that come after it.
        ([container("1")], [container("2", "Always")], "3"),
        ([container("1")], [container("2", "Always"), container("5")], "7"),
        ([container("1")], [container("5"), container("2", "Always")], "5"),
        ([container("1")], [container("2", "Always"), container("3", "Always")], "6"),
        ([{"name": "asks for nothing"}, container("1")], [{}], "1"),
    ],
)
def test_containers_run_together_and_after_those_that_initialize(
    main: list[dict[str, Any]], init: list[dict[str, Any]] | None, cpu: str
) -> None:
    asked = together({"containers": main, "initContainers": init}, "requests")
    assert {name: str(amount) for name, amount in asked.items()} == {"cpu": cpu}


def test_requests_and_limits_are_apart() -> None:
    asked = together({"containers": [container("1"), container("1")]}, "limits")
    assert {name: str(amount) for name, amount in asked.items()} == {"cpu": "18", "memory": "2Gi"}
    assert together({}, "limits") == {}


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("cpu", True),
        ("memory", True),
        ("hugepages-2Mi", True),
        ("ephemeral-storage", False),
        ("example.com/gpu", False),
        ("example.com/hugepages-", False),
    ],
)
def test_which_resources_a_pod_can_request_as_a_whole(name: str, whole: bool) -> None:
    assert pod_level(name) is whole
