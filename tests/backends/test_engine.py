"""Programs that are followed to their end, or ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from kube_embedded.tests.support.until import SECONDS
from labkit.backends import engine


def test_a_program_is_followed_to_its_end(tmp_path: Path) -> None:
    said: list[str] = []
    command = ["sh", "-c", "echo one; echo two >&2; exit 3"]
    assert engine.follow(command, said.append, cwd=tmp_path, env=dict(os.environ)) == (
        3,
        ["one", "two"],
    )
    assert said == ["  one", "  two"]


def test_an_interruption_while_the_program_begins_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[subprocess.Popen[str]] = []
    begin = subprocess.Popen

    def begin_interrupted(command: list[str], **named: Any) -> subprocess.Popen[str]:
        process = begin(command, **named)
        if command[0] == "sleep":
            begun.append(process)
            signal.raise_signal(signal.SIGINT)
        return process

    monkeypatch.setattr(subprocess, "Popen", begin_interrupted)
    given = signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # ignored where tests run in the background
    try:
        with pytest.raises(KeyboardInterrupt):
            engine.follow(["sleep", "60"], lambda _: None, cwd=tmp_path, env=dict(os.environ))
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, given)
    deadline = time.monotonic() + SECONDS
    while begun[0].poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    begun[0].kill()
    assert begun[0].wait() == -signal.SIGTERM
