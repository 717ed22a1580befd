"""The health of the control plane's parts."""

from __future__ import annotations

import pytest

from tests.embedded.apiserver.handlers.reading import TABLE, Reading

PATH = "/api/v1/componentstatuses"
HEALTHY = [{"type": "Healthy", "status": "True", "message": "ok"}]
COMPONENTS = ["scheduler", "controller-manager", "etcd-0"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", COMPONENTS),
        ("?limit=1&resourceVersion=99999999", COMPONENTS),
        ("?continue=abc", COMPONENTS),
        ("?fieldSelector=metadata.name=etcd-0", ["etcd-0"]),
        ("?fieldSelector=metadata.name=nope", []),
        ("?labelSelector=a=b", []),
    ],
)
def test_a_list(api: Reading, query: str, names: list[str]) -> None:
    items = [{"metadata": {"name": name}, "conditions": HEALTHY} for name in names]
    body = api.get(PATH + query)
    assert body == {"kind": "ComponentStatusList", "apiVersion": "v1", "metadata": {}, "items": items}


def test_one(api: Reading) -> None:
    assert api.get(f"{PATH}/etcd-0?resourceVersion=99999999") == {
        "kind": "ComponentStatus",
        "apiVersion": "v1",
        "metadata": {"name": "etcd-0"},
        "conditions": HEALTHY,
    }
    assert api.get(f"{PATH}/etcd-0", TABLE)["rows"][0]["cells"] == ["etcd-0", "Healthy", "ok", ""]


@pytest.mark.parametrize("name", ["nope", ".."])
def test_another_is_not_found(api: Reading, name: str) -> None:
    status = api.get(f"{PATH}/{name}")
    assert (status["code"], status["message"]) == (404, f'componentstatus "{name}" not found')
    assert status["details"] == {"name": name, "kind": "componentstatus"}


def test_they_cannot_be_watched(api: Reading) -> None:
    status = api.get(f"{PATH}?watch=1")
    assert (status["code"], status["reason"]) == (405, "MethodNotAllowed")
    assert status["message"] == 'watch is not supported on resources of kind "componentstatuses"'
    assert status["details"] == {"kind": "componentstatuses"}
    assert api.get("/api/v1/watch/componentstatuses")["code"] == 404
