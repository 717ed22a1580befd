"""The lab's changes to a notebook's kernel."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import IPython
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from labkit import ui


def test_a_cell_shows_the_answers_of_all_its_calls(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make: Any = InteractiveShell  # IPython has no types
    shell = make(config=Config({"HistoryManager": {"enabled": False}}))
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    monkeypatch.setitem(sys.modules, "labkit.ui.base", ModuleType("base"))
    shell.run_cell("'first'\n'second'")
    assert "'first'" not in capsys.readouterr().out
    ui._prepare_kernel()
    shell.run_cell("'first'\n'second'")
    out = capsys.readouterr().out
    assert out.index("'first'") < out.index("'second'")
