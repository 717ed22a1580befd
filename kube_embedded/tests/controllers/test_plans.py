"""What controllers read from an object: how many pods can be unavailable, and when a pod ended."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.controllers.daemonplan import max_unavailable
from kube_embedded.controllers.jobprogress import ended_at

CREATED = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("rolling", "desired", "pods"),
    [
        (None, 5, 1),
        ({"maxUnavailable": 2}, 5, 2),
        ({"maxUnavailable": "50%"}, 5, 3),
        ({"maxUnavailable": 0, "maxSurge": 1}, 5, 1),
        ({"maxUnavailable": 0, "maxSurge": 1}, 0, 0),
    ],
)
def test_a_rollout_of_daemons_always_moves(
    rolling: dict[str, Any] | None, desired: int, pods: int
) -> None:
    daemon_set = {"spec": {"updateStrategy": {"rollingUpdate": rolling}}}
    assert max_unavailable(daemon_set, desired) == pods


@pytest.mark.parametrize(
    ("ends", "seconds"),
    [
        ([], 0),
        (["2026-01-01T00:00:07Z"], 7),
        (["2026-01-01T00:00:07Z", "2026-01-01T00:00:09Z", "2026-01-01T00:00:08Z"], 9),
        (["2026-01-01T00:00:07Z", None], 0),
    ],
)
def test_a_pod_ends_with_its_last_container(ends: list[str | None], seconds: int) -> None:
    def pod(*times: str | None) -> Any:
        statuses: list[Any] = [
            {"state": {"terminated": {"finishedAt": time}} if time else {"running": {}}}
            for time in times
        ]
        return {
            "metadata": {"creationTimestamp": CREATED},
            "status": {"containerStatuses": statuses},
        }

    assert ended_at(pod(*ends)) - ended_at(pod()) == seconds
