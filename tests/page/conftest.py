"""A page of a browser, played in this process."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.backends.page import Page
from labkit.core import page
from labkit.lab import current
from labkit.lab.lab import Lab


class MemoryStorage:
    """A page's storage, which outlives the page."""

    def __init__(self) -> None:
        self.names: dict[str, bytes] = {}
        self.writes = 0
        self.problem: OSError | None = None

    def read(self, name: str) -> bytes | None:
        return self.names.get(name)

    def write(self, name: str, data: bytes) -> None:
        if self.problem is not None:
            raise self.problem
        self.names[name] = data
        self.writes += name == "snapshot"


def audit_events(lab: Lab) -> list[dict[str, Any]]:
    """The events of the cluster's audit log."""
    assert lab.backend.audit_log is not None
    return list(lab.backend.audit_log.events())


def leave() -> None:
    """End the page, and clear its memory."""
    if isinstance(page.current, Page):
        page.current.leave()
    current._labs.clear()


@pytest.fixture
def in_page(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forbid threads, sockets, processes and locks."""
    monkeypatch.setattr(page, "IN_PAGE", True)

    def refuse(*_given: Any, **_named: Any) -> Any:
        raise AssertionError("a page cannot do that")

    sockets = [(socket.socket, "connect"), (socket.socket, "bind")]
    for owner, name in (
        (threading.Thread, "start"),
        (subprocess, "Popen"),
        (os, "fork"),
        (fcntl, "flock"),
        *sockets,
    ):
        monkeypatch.setattr(owner, name, refuse)
    yield
    leave()


@pytest.fixture
def kept(in_page: None) -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def lab(in_page: None, labkit_home: Path) -> Lab:
    return Lab(say=lambda _line: None)
