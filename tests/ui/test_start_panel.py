"""The start panel while a cluster starts and is rewound, with a lab that only counts as one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit.core.errors import UsageError
from labkit.ui import StartPanel
from labkit.ui import start as module


class FakeLab:
    """A lab that reports some lines at its start."""

    lines = 0
    error: Exception | None = None
    made: list[FakeLab]

    def __init__(
        self, backend: str, *, kubeconfig: Path | None, home: Path, say: Callable[[str], None]
    ) -> None:
        self.backend = SimpleNamespace(name=backend)
        self.given, self.home, self.kubeconfig = kubeconfig, home, home / "admin.conf"
        self.runs = True
        self.rewound: list[str] = []
        self.made.append(self)
        for number in range(self.lines):
            say(f"line {number}")
        if self.error:
            raise self.error

    def status(self) -> SimpleNamespace:
        return SimpleNamespace(running=self.runs, url="https://127.0.0.1:1")

    def stop(self) -> None:
        self.runs = False

    def rewind(self, step: str) -> None:
        self.rewound.append(step)

    def reset(self) -> None:
        self.rewound.append("")


@pytest.fixture
def labs(monkeypatch: pytest.MonkeyPatch) -> list[FakeLab]:
    """Provide the labs that a panel starts."""
    monkeypatch.setattr(module, "Lab", FakeLab)
    monkeypatch.setattr(FakeLab, "made", [], raising=False)
    return FakeLab.made


def test_each_cluster_has_a_title_and_a_sentence(tmp_path: Path) -> None:
    panel = StartPanel(home=tmp_path)
    assert [(row["name"], row["title"], row["about"]) for row in panel.data["backends"]] == [
        ("embedded", "Embedded", "The lab's own small API server. No Docker, starts at once."),
        ("kind", "kind", "A real cluster in Docker, made by the program kind."),
        ("existing", "Existing", "A cluster you have, named by a kubeconfig."),
    ]


@pytest.mark.parametrize(
    ("backend", "percents"),
    [
        ("embedded", [2, 50, 95, 95, 100]),
        ("kind", [2, 8, 17, 25, 100]),
        ("existing", [2, 33, 67, 95, 100]),
    ],
)
def test_the_bar_follows_the_lines_and_is_full_when_the_cluster_is_ready(
    labs: list[FakeLab],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    backend: str,
    percents: list[int],
) -> None:
    monkeypatch.setattr(FakeLab, "lines", 3)
    panel = StartPanel(home=tmp_path)
    seen: list[tuple[int, bool, bool]] = []
    panel.observe(
        lambda change: seen.append(
            (change["new"]["percent"], change["new"]["busy"], change["new"]["running"])
        ),
        "data",
    )
    panel.act("start", backend=backend)
    assert [percent for percent, _, _ in seen] == percents
    assert [(busy, runs) for _, busy, runs in seen] == [(True, False)] * 4 + [(False, True)]
    assert [line["text"] for line in panel.data["log"]] == ["line 0", "line 1", "line 2", "Ready"]
    assert (panel.data["backend"], panel.data["url"]) == (backend, "https://127.0.0.1:1")
    panel.act("start", backend=backend)
    assert len(panel.data["log"]) == 4


def test_of_a_long_log_the_last_lines_are_shown(
    labs: list[FakeLab], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeLab, "lines", 50)
    panel = StartPanel(home=tmp_path)
    panel.act("start", backend="kind")
    shown = [line["text"] for line in panel.data["log"]]
    assert shown == [*(f"line {number}" for number in range(11, 50)), "Ready"]


def test_a_start_that_fails_empties_the_bar_and_says_why(
    labs: list[FakeLab], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeLab, "lines", 1)
    monkeypatch.setattr(FakeLab, "error", UsageError("It does not start."))
    panel = StartPanel(home=tmp_path)
    panel.act("start", backend="embedded")
    assert panel.notice == "It does not start."
    assert (panel.data["percent"], panel.data["busy"], panel.lab) == (0, False, None)
    assert [line["text"] for line in panel.data["log"]] == ["line 0"]


def test_only_an_existing_cluster_gets_the_kubeconfig(
    labs: list[FakeLab], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    panel = StartPanel(home=tmp_path, kubeconfig="config")
    assert panel.data["kubeconfig"] == str(tmp_path / "config")
    for backend in ("embedded", "existing"):
        panel.act("start", backend=backend)
    assert [lab.given for lab in labs] == [None, tmp_path / "config"]
    assert StartPanel(home=tmp_path).data["kubeconfig"] == ""


def test_a_running_cluster_is_rewound_and_stopped(labs: list[FakeLab], tmp_path: Path) -> None:
    panel = StartPanel(home=tmp_path)
    for action, words in (("stop", {}), ("rewind", {"step": "W17"})):
        panel.act(action, **words)
        assert (panel.notice, panel.data["log"], panel.data["running"]) == ("", [], False)
    panel.act("start", backend="embedded")
    panel.act("rewind", step="W17")
    panel.act("rewind", step="")
    (lab,) = labs
    assert lab.rewound == ["W17", ""]
    said = [line["text"] for line in panel.data["log"]]
    assert said == ["Ready", "Rewound to W17", "Rewound to the beginning"]
    assert panel.data["terminal"].startswith(f"export LABKIT_HOME={tmp_path} ")
    panel.act("stop")
    assert (lab.runs, panel.data["running"], panel.data["terminal"]) == (False, False, "")
