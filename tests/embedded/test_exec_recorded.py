"""The commands recorded in real pods, run in this process."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest

from kube_embedded.tests.node.pods import Lab
from tests.parity.model import load
from tests.parity.pods import manifests
from tests.parity.text import mask_output

PATHS = {
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "Pod": "/api/v1/namespaces/{}/pods",
}
RC = "command terminated with exit code"


@lru_cache(maxsize=1)
def lab() -> Lab:
    made = Lab()
    for item in manifests():
        path = PATHS[item["kind"]].format(item["metadata"].get("namespace", "default"))
        assert made.admin.post(path, item).status == 201
    return made


def masked(text: str) -> str:
    names = {
        item["status"]["podIP"]: "<pod ip>"
        for item in lab().admin.get("/api/v1/pods").body["items"]
    }
    names["172.18.0.2"] = "<node ip>"
    return mask_output(text, names)


@pytest.mark.parametrize(
    "entry",
    [pytest.param(entry, id=f"{number:02}") for number, entry in enumerate(load("pods")["exec"])],
)
def test_recorded_command(entry: dict[str, Any]) -> None:
    done = lab().exec(entry["cmd"], entry["pod"], container=entry["container"], shell="bash")
    stderr = "".join(
        line for line in entry["stderr"].splitlines(keepends=True) if not line.startswith(RC)
    )
    assert done.rc == entry["rc"]
    assert masked(done.stdout) == masked(entry["stdout"])
    assert masked(done.stderr) == masked(stderr)
