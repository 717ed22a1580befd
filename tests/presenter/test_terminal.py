"""Keys of a terminal, and a terminal that is given back."""

from __future__ import annotations

import os
import pty
import select
import sys
import termios

import pytest

from labkit.presenter.terminal import keys, restore


@pytest.mark.slow
def test_keys_that_came_before_are_not_lost_and_later_ones_not_echoed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal, own = pty.openpty()
    with os.fdopen(own, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        os.write(terminal, b"a")
        assert os.read(terminal, 10) == b"a", "nobody has switched the echo off yet"
        with keys() as pressed:
            os.write(terminal, b"b ")
            assert [pressed.key(5), pressed.key(5), pressed.key(5)] == ["a", "b", " "]
            assert select.select([terminal], [], [], 0)[0] == []
    os.close(terminal)


def test_a_terminal_that_a_killed_demo_left_is_restored(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal, own = pty.openpty()
    with os.fdopen(own, encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(os, "tcgetpgrp", lambda _terminal: os.getpgrp())
        before = termios.tcgetattr(stdin)[3]
        with keys():
            assert termios.tcgetattr(stdin)[3] != before
            restore()
            assert termios.tcgetattr(stdin)[3] == before
    os.close(terminal)
    assert capsys.readouterr().out == "\x1b[?1047l\x1b[?25h"
