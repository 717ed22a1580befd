"""The terminal of a pod: what was typed and printed, without tokens."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from labkit.client.client import Client
from labkit.client.exec.completed import CompletedExec
from labkit.ui import PodTerminal
from labkit.ui.terminal import MAX_COMMANDS, MAX_OUTPUT
from tests.rbac.conftest import api

__all__ = ["api"]

POD = "/api/v1/namespaces/kikai/pods"


@pytest.fixture
def lab(api: Client) -> Any:
    """Provide a lab with a pod of two containers, whose commands print what they are given."""
    containers = [{"name": name, "image": "ubuntu"} for name in ("main", "side")]
    body = {"kind": "Pod", "metadata": {"name": "test"}, "spec": {"containers": containers}}
    assert api.post(POD, {"apiVersion": "v1", **body}).status == 201
    asked: list[tuple[str, str, str | None]] = []

    def exec_(pod: str, command: str, *, container: str | None) -> CompletedExec:
        asked.append((pod, command, container))
        return CompletedExec(["sh", "-c", command], 3, f"ran {command}\n", "oops\n")

    return SimpleNamespace(admin=api, exec=exec_, asked=asked)


def test_commands_and_their_output_stand_below_one_another(lab: Any) -> None:
    terminal = PodTerminal(lab, "kikai/test")
    assert (terminal.data["container"], terminal.data["containers"]) == ("main", ["main", "side"])
    terminal.act("run", command="ls")
    terminal.act("choose", container="side")
    terminal.act("run", command="pwd")
    assert terminal.as_text().splitlines() == [
        "kikai/test · side",
        "(in a terminal: labkit exec kikai/test)",
        "root@test:/# ls",
        "ran ls",
        "oops",
        "root@test:/# pwd",
        "ran pwd",
        "oops",
    ]
    assert [line["returncode"] for line in terminal.data["lines"]] == [3, 3]
    assert lab.asked == [("kikai/test", "ls", "main"), ("kikai/test", "pwd", "side")]
    terminal.act("clear")
    assert terminal.data["lines"] == []
    assert PodTerminal(lab, "kikai/test", "side").data["container"] == "side"


def test_only_the_last_commands_and_the_beginning_of_their_output_are_kept(lab: Any) -> None:
    terminal = PodTerminal(lab, "kikai/test")
    for number in range(MAX_COMMANDS + 1):
        terminal.act("run", command=f"echo {number}")
    shown = [line["command"] for line in terminal.data["lines"]]
    assert shown == [f"echo {number}" for number in range(1, MAX_COMMANDS + 1)]
    terminal.act("run", command="x" * MAX_OUTPUT)
    assert len(terminal.data["lines"][-1]["stdout"]) == MAX_OUTPUT
    token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwcyJ9.c2lnbmF0dXJl"
    terminal.act("run", command=f"echo {token}")
    assert token not in str(terminal.data)


def test_a_pod_that_is_not_there_is_said(lab: Any) -> None:
    terminal = PodTerminal(lab, "nope")
    assert terminal.notice == 'default/nope cannot be read: pods "nope" not found'
    assert (terminal.data["container"], terminal.data["containers"]) == ("", [])
    assert terminal.notice in terminal.as_text()
    terminal.act("run", command="ls")
    assert lab.asked == [("default/nope", "ls", None)]
