"""A server that runs on renews its certificates twice a day, and when the clock has jumped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kube_embedded import process
from kube_embedded.apiserver.serving.state import StateProblem
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.tests.support.cluster import keys


class Over(BaseException):
    """The time that a test lets pass has passed."""


class Machine:
    """A machine on which a server runs, with a clock that can be wrong."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found: Callable[[Path], Keys] = lambda _: keys()
        self.looked: list[float] = []
        """After how many seconds the certificates were looked after."""
        self.renewed: list[object] = []
        self._home = home
        self._jumps: Mapping[float, float] = {}
        self._passed = self._wrong = self._end = 0.0
        clock = SimpleNamespace(
            monotonic=lambda: 100 + self._passed,
            time=lambda: 1_800_000_000 + self._passed + self._wrong,
        )
        monkeypatch.setattr(process, "time", clock)
        monkeypatch.setattr(process, "asyncio", SimpleNamespace(sleep=self._sleep))
        monkeypatch.setattr(process, "load_keys", self._load)

    def run(self, hours: float, jumps: Mapping[float, float] | None = None) -> list[float]:
        """Let time pass; the clock jumps by seconds at seconds."""
        self._end = hours * 3600
        self._jumps = jumps or {}
        part: Any = SimpleNamespace(keys=keys(), renew=self.renewed.append)
        with pytest.raises(Over):
            asyncio.run(process._renew(self._home, part, part, "127.0.0.1:6443"))
        return self.looked

    async def _sleep(self, seconds: float) -> None:
        before = self._passed
        self._passed += seconds
        self._wrong += sum(by for at, by in self._jumps.items() if before < at <= self._passed)
        if self._passed > self._end:
            raise Over

    def _load(self, home: Path) -> Keys:
        self.looked.append(self._passed)
        return self.found(home)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_certificates_are_looked_after_twice_a_day(machine: Machine) -> None:
    assert machine.run(25) == [12 * 3600, 24 * 3600]
    assert machine.renewed == []


@pytest.mark.parametrize("by", [-86400, -3, 3, 86400])
def test_a_jump_of_the_clock_is_noticed_once(machine: Machine, by: float) -> None:
    assert machine.run(1, {100: by}) == [100]


@pytest.mark.parametrize("by", [-2, -1, 1, 2])
def test_a_clock_that_is_corrected_a_little_has_not_jumped(machine: Machine, by: float) -> None:
    assert machine.run(1, {100: by}) == []


def test_half_a_day_is_counted_from_the_last_jump(machine: Machine) -> None:
    assert machine.run(14.5, {3600: 60, 7200: -60}) == [3600, 7200, 14 * 3600]


def test_a_renewed_certificate_is_served_by_all_parts(machine: Machine) -> None:
    new = keys().renewed()
    machine.found = lambda _: new
    assert machine.run(13) == [12 * 3600]
    assert machine.renewed == [new, new]


@pytest.mark.parametrize("error", [OSError("no"), StateProblem("no"), RuntimeError("no")])
def test_a_failure_is_noted_and_the_server_goes_on(
    machine: Machine, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(_: Path) -> Keys:
        raise error

    machine.found = fail
    assert machine.run(25) == [12 * 3600, 24 * 3600]
    assert caplog.text.count("certificates could not be renewed") == 2
    assert machine.renewed == []
