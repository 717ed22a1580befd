"""The recording of ``labkit demo --record``."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from labkit.core.errors import UsageError
from labkit.presenter.recording import recorded


def test_what_is_written_is_kept_as_a_cast(tmp_path: Path) -> None:
    shown, file = io.StringIO(), tmp_path / "roles.cast"
    with recorded(shown, file) as stream:
        stream.write("403 services is forbidden\n")
        stream.write("한국\x1b[2J")
        stream.flush()
    assert shown.getvalue() == "403 services is forbidden\n한국\x1b[2J"
    header, *events = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    assert (header["version"], header["width"], header["height"]) == (2, 80, 24)
    assert [(kind, text) for _, kind, text in events] == [
        ("o", "403 services is forbidden\r\n"),
        ("o", "한국\x1b[2J"),
    ]
    assert 0 <= events[0][0] <= events[1][0]


def test_no_file_is_written_over(tmp_path: Path) -> None:
    file = tmp_path / "kept"
    file.write_text("kept")
    with pytest.raises(UsageError, match="File exists"), recorded(io.StringIO(), file):
        pass
    assert file.read_text() == "kept"


def test_without_a_file_nothing_is_between() -> None:
    shown = io.StringIO()
    with recorded(shown, None) as stream:
        assert stream is shown
