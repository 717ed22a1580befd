"""Events end an hour after their last write, whatever they say of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi

EVENTS = "/api/v1/namespaces/lab/events"


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


def event(name: str, **fields: Any) -> dict[str, Any]:
    about = {"kind": "Pod", "namespace": "lab", "name": "p"}
    return {"metadata": {"name": name}, "involvedObject": about, "reason": "X", **fields}


def names(api: ClusterApi) -> list[str]:
    return [item["metadata"]["name"] for item in api.must(api.admin.get(EVENTS))["items"]]


def test_events_end_an_hour_after_their_last_write(api: ClusterApi) -> None:
    api.must(api.admin.post(EVENTS, event("old", lastTimestamp="2099-01-01T00:00:00Z")))
    api.must(api.admin.post(EVENTS, event("counted", firstTimestamp="2001-01-01T00:00:00Z")))
    api.cluster.advance()
    assert names(api) == ["counted", "old"]
    api.clock.now += 1800
    api.must(api.admin.patch(f"{EVENTS}/counted", {"count": 2}))
    api.clock.now += 1860
    api.cluster.advance()
    assert names(api) == ["counted"]
    api.clock.now += 1860
    api.cluster.advance()
    assert names(api) == []
    assert api.must(api.admin.get("/api/v1/namespaces/lab"))["status"]["phase"] == "Active", (
        "nothing else ends"
    )
