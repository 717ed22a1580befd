"""A lab without a cluster, and steps with a few lines of Python, for tests of the pages and keys alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.presenter.cells import Cells

CELLS: dict[str, list[str]] = {
    "W1": ["a = 1", "print('one')", "predict('W1', 1)\n", "print('two')\nprint('three')"],
    "W2": ["from labkit.ui import XRay\nXRay(a)", " ", "print('W2')"],
    "W3": ["a = 1\nlab.record('W3', a)", "a"],
}
"""Cells of the first steps; all others have one that prints the step's name."""


class Admin:
    """A caller that may do everything, and is answered nothing."""

    server = "https://127.0.0.1:1"

    def __init__(self) -> None:
        self.observers: list[Any] = []
        self.grants = True
        self.version = 1

    def without_observers(self) -> Admin:
        return self

    def can(self, *_words: str, **_more: str) -> bool:
        return self.grants

    def get(self, _path: str) -> Any:
        body = {"metadata": {"resourceVersion": str(self.version)}}
        return SimpleNamespace(status=403, message="nobody may read roles", body=body)


class StubLab:
    """Counts its resets."""

    def __init__(self) -> None:
        self.admin = Admin()
        self.backend = SimpleNamespace(audit_log=None)
        self.progress: Any = SimpleNamespace(forget=lambda: None, all=dict)
        self.resets = self.stops = 0

    def reset(self) -> None:
        self.resets += 1

    def stop(self) -> None:
        self.stops += 1

    def record(self, *_words: object) -> None:
        pass

    def kubectl(self, arguments: str) -> str:
        return f"kubectl was given {arguments}"


def stub_lab(monkeypatch: pytest.MonkeyPatch, cells: Mapping[str, Sequence[str]] = CELLS) -> Any:
    """Return a lab, and give the steps these cells."""

    def of(_cells: Cells, step: str) -> list[str]:
        return list(cells.get(step, [f"print({step!r})"]))

    monkeypatch.setattr(Cells, "of", of)
    return StubLab()
