"""The make targets and the set-up behind them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools import bootstrap

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")

TARGETS = [
    "lab",
    "test",
    "test-all",
    "check",
    "demo",
    "bench",
    "parity",
    "soak",
    "test-browser",
    "test-hub",
    "test-lowest",
    "test-page",
    "test-page-node",
    "test-page-short",
    "site",
    "site-serve",
    "test-kind",
    "test-reach",
    "messages",
    "notebooks",
    "docs",
    "screenshots",
    "lock",
    "links",
    "dist",
    "rehearsal",
    "clean",
    "format",
    "help",
]


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_there_and_phony(target: str) -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.M)
    assert phony is not None
    assert target in phony[1].split()
    assert re.search(rf"^{target}:", MAKEFILE, re.M)


def test_help_lists_the_targets_with_their_purpose() -> None:
    listed = make("help").stdout
    assert re.search(r"^make lab +open JupyterLab", listed, re.M)
    assert re.search(r"^make test +the tests", listed, re.M)
    assert re.search(r"^make test-all +every test", listed, re.M)


def test_a_marker_has_a_target_of_its_own_or_is_slow() -> None:
    """`make test-all` leaves out what other targets run, and `make test` the slow ones as well."""
    elsewhere = re.search(r"^ELSEWHERE := (.*)$", MAKEFILE, re.M)
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "pytest"
    ]["ini_options"]
    markers = {marker.split(":")[0] for marker in options["markers"]}
    assert elsewhere is not None
    assert set(elsewhere[1].split(" or ")) == markers - {"slow"}
    assert f"-m 'not ({' or '.join(sorted(markers))})'" in options["addopts"]


def test_ci_calls_only_make_targets_and_apt() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert "set -euo pipefail" in lines
    called = [line.strip() for line in lines if re.match(r"\s*(make|tests) \w", line)]
    hub = "tests test-hub PYTEST_ARGS=tests/hub/test_two_users.py"
    page = ["tests test-page-node", "tests test-page-short"]
    assert called == [
        "make check",
        "tests test-lowest",
        "tests test-browser",
        *page,
        hub,
        "tests test-reach",
        "tests test-all",
    ]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


MAKE = """#!/usr/bin/env bash
case "$*" in
  *--last-failed*) exit "$AGAIN" ;;
  test-all*) mkdir -p .pytest_cache/v/cache; echo "$RED" > .pytest_cache/v/cache/lastfailed; exit 1 ;;
esac
"""
"""A make whose last suite is red at first."""


@pytest.mark.parametrize(
    ("red", "again", "code"),
    [
        ('{"a": true, "b": true}', 0, 0),
        ('{"a": true}', 2, 2),
        ('{"a": 1, "b": 1, "c": 1, "d": 1}', 0, 1),
        ("", 0, 1),
    ],
)
def test_ci_runs_a_few_red_tests_again_and_names_them(
    tmp_path: Path, red: str, again: int, code: int
) -> None:
    programs = {
        "bin/make": MAKE,
        "bin/apt-get": "#!/bin/sh\n",
        ".ci/run": (ROOT / ".ci" / "run").read_text(),
    }
    for name, text in programs.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "RED": red,
        "AGAIN": str(again),
    }
    done = subprocess.run(
        [tmp_path / ".ci" / "run"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert done.stdout.endswith("(mend them):\na\nb\n") is (code == 0)


def test_a_missing_python_is_said_in_a_sentence(tmp_path: Path) -> None:
    done = make("lab", "PYTHON=no-such-python", f"VENV={tmp_path / 'venv'}")
    assert done.returncode != 0
    assert "labkit needs Python 3.11 or newer: there is no no-such-python" in done.stderr


def test_a_python_that_is_too_old_is_said_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer, and .* is 3\.9\.2"):
        bootstrap.check_version()


def test_a_missing_venv_module_is_said_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(SystemExit, match="apt-get install python3-venv"):
        bootstrap.create(str(tmp_path / "venv"), None)


def test_the_set_up_pins_uv_itself_from_the_lock() -> None:
    for lock in ("requirements.lock", "requirements-dev.lock"):
        pin = bootstrap.pin_of("uv", str(ROOT / lock))
        assert re.match(r"uv==[\d.]+ \\\n    --hash=sha256:", pin)
        assert pin.count("==") == 1


def test_the_set_up_trusts_what_the_system_trusts() -> None:
    """uv alone brings CAs of its own, and does not know the one of a school's proxy."""
    done = make("--eval=trust: ; @env", "trust")
    assert "UV_SYSTEM_CERTS=1" in done.stdout.splitlines()
    done = make("--eval=trust: ; @env", "trust", "UV_SYSTEM_CERTS=0")
    assert "UV_SYSTEM_CERTS=0" in done.stdout.splitlines()


def test_an_environment_that_does_not_start_is_not_taken(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    assert not bootstrap.works(str(broken))
    assert not bootstrap.works(str(tmp_path / "missing"))
    assert bootstrap.works(sys.executable)


def test_an_environment_whose_making_was_interrupted_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    assert not bootstrap.can_install(str(tmp_path)), "neither pip nor uv is there"
    (tmp_path / "bin" / "pip").touch()
    assert bootstrap.can_install(str(tmp_path))


def test_the_set_up_can_be_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_venv: str, _lock: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bootstrap, "main", interrupted)
    assert bootstrap.command("venv", "lock") == 130
    assert capsys.readouterr().err.startswith("labkit: interrupted; run the same make target again")


def test_a_failing_command_ends_the_set_up_with_its_name() -> None:
    with pytest.raises(SystemExit, match="this failed with exit code 1: false"):
        bootstrap.run(["false"])
