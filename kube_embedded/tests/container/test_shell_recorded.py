"""The pods' shell prints what bash, dash and Debian's programs print."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kube_embedded.tests.container.harness import PLAIN, Done, container
from kube_embedded.tests.container.textio import TextIO, drive

DATA = Path(__file__).parent / "data"


def cases(name: str) -> list[Any]:
    entries = json.loads((DATA / f"{name}.json").read_text())
    return [pytest.param(entry, id=f"{number:03}") for number, entry in enumerate(entries)]


def play(shell: str, script: str) -> Done:
    place = container()
    place.fs.mkdir("/tmp/w")
    place.workdir = "/tmp/w"
    place.environment = dict(PLAIN)
    io = TextIO()
    status = drive(place.run([shell, "-c", script], io))
    return Done(status, bytes(io.out[1]).decode(), bytes(io.out[2]).decode())


@pytest.mark.parametrize("entry", cases("bash"))
def test_bash(entry: dict[str, Any]) -> None:
    assert play("bash", entry["cmd"]) == (entry["rc"], entry["stdout"], entry["stderr"])


@pytest.mark.parametrize("entry", cases("dash"))
def test_dash(entry: dict[str, Any]) -> None:
    assert play("sh", entry["cmd"]) == (entry["rc"], entry["stdout"], entry["stderr"])
