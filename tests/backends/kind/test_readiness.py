from __future__ import annotations

import pytest

from labkit.backends.kind import readiness
from labkit.client.client import Client
from labkit.client.transport import Endpoint
from labkit.core.errors import StartFailed
from tests.client.fake import Reply, Request, fake_api


def ready(name: str, status: str) -> dict[str, object]:
    return {
        "metadata": {"name": name},
        "status": {"conditions": [{"type": "Ready", "status": status}]},
    }


def test_a_step_that_never_holds_is_named_with_the_way_to_its_cause() -> None:
    def answer(request: Request) -> Reply:
        if request.path == "/api/v1/nodes":
            return Reply(
                200, {"kind": "NodeList", "items": [ready("a", "True"), ready("b", "False")]}
            )
        return Reply(200, {})

    said: list[str] = []
    with fake_api(answer) as api, pytest.raises(StartFailed, match="waits for the node") as caught:
        readiness.wait(
            Client(api.endpoint), "`kind export logs` shows why.", said.append, seconds=0
        )
    assert said == ["  … the node"]
    assert "kind export logs" in caught.value.todo


def test_a_long_wait_is_reported_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "STILL_SECONDS", 0.0)
    monkeypatch.setattr(readiness, "POLL_SECONDS", 0.01)
    said: list[str] = []
    with (
        fake_api(lambda _: Reply(503, {})) as api,
        pytest.raises(StartFailed, match="waits for the API server"),
    ):
        readiness.wait(
            Client(api.endpoint), "`kind export logs` shows why.", said.append, seconds=0.05
        )
    assert said[:2] == ["  … the API server", "  … the API server, still (0 s)"]


def test_nothing_that_answers_holds_for_nothing() -> None:
    nobody = Client(Endpoint("http://127.0.0.1:9"))
    assert not readiness.exists(nobody, "/readyz")
    assert readiness.all_ready(nobody, "/api/v1/nodes") is False
    assert not readiness.pod_runs(nobody)


def test_an_empty_list_is_not_ready() -> None:
    with fake_api(lambda _: Reply(200, {"items": []})) as api:
        assert not readiness.all_ready(Client(api.endpoint), "/api/v1/nodes")
