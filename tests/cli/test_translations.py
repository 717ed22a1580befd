"""The command line in another language: help, what commands print, and errors."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from kube_embedded.tests.support.some import some
from labkit import cli
from labkit.backends import servers
from labkit.core.errors import HomeError, LabkitError, UsageError, near
from labkit.core.language import text, width
from labkit.lab import workbook
from tests.support.korean import HANGUL
from tests.support.languages import outside_brackets, pseudo, speaking
from tools import texts

CONTEXT = click.Context(cli.cli, info_name="labkit")


def commands() -> Iterator[tuple[list[str], click.Command]]:
    """Yield each command with its words, groups included."""
    yield [], cli.cli
    for name in cli.COMMANDS:
        command = cli.cli.get_command(CONTEXT, name)
        assert command is not None
        yield [name], command
        yield from (
            ([name, each], inner) for each, inner in getattr(command, "commands", {}).items()
        )


@pytest.fixture
def in_brackets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LABKIT_LANG", "ko")  # `labkit grade` returns to the environment's language
    with speaking(pseudo()):
        yield


def test_no_help_is_left_in_english(in_brackets: None, capsys: pytest.CaptureFixture[str]) -> None:
    for words, command in some(commands()):
        assert cli.run([*words, "--help"]) == 0
        usage, *lines = capsys.readouterr().out.splitlines()
        assert usage.startswith("⟦⟧ labkit")
        names = {*getattr(command, "commands", {}), *(cli.COMMANDS if not words else ())}
        for line in lines:
            said = re.sub(r"^  (-\w, )?--[\w-]+.*?(?=⟦|$)|\[[\w<=|.]+\]", "", line)
            assert {*outside_brackets(said)} <= names, (words, line)


def test_help_in_korean_is_as_wide_as_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LABKIT_LANG", "ko")
    for words, _ in some(commands()):
        assert cli.run([*words, "--help"]) == 0
        shown = capsys.readouterr().out
        assert [
            line for line in shown.splitlines() if width(line) > 80 and "  labkit exec" not in line
        ] == []
        assert HANGUL.search(shown)
        assert not re.search("[\ue000-\uf8ff]", shown)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("stauts", 2),
        ("status --jsn", 2),
        ("class strat", 2),
        ("up --port 0", 2),
        ("up --backend docker", 2),
        ("kubeconfig a b", 2),
        ("work save", 2),
        ("rbac report", 2),
        ("up --image", 2),
        ("demo --yes", 2),
        ("grade /nowhere", 2),
        ("clean", 0),
        ("status", 3),
    ],
)
def test_what_a_command_says_is_translated(
    labkit_home: Path,
    in_brackets: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: str,
    code: int,
) -> None:
    monkeypatch.setattr(servers, "running_servers", list)
    monkeypatch.setattr(servers, "leftovers", lambda _home: [])
    assert cli.run(line.split()) == code
    read = capsys.readouterr()
    said = re.sub("^labkit: |⟦⟧ labkit .*", "", read.out + read.err, flags=re.MULTILINE)
    assert "⟦" in said
    assert outside_brackets(said) == (["labkit", "up"] if line == "status" else [])


def test_what_programs_read_stays_english(
    labkit_home: Path, in_brackets: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["doctor", "--json"]) == 0
    assert "⟦" not in capsys.readouterr().out
    assert cli.run(["doctor"]) == 0
    assert capsys.readouterr().out.startswith("⟦embedded⟧\n    ✔ ⟦⟧: ⟦")


def test_an_error_is_shown_in_korean_with_its_values(monkeypatch: pytest.MonkeyPatch) -> None:
    error: LabkitError = UsageError(
        text('labkit has no command "{args}".', "x"), todo=near("x", ["up"])
    )
    monkeypatch.setenv("LABKIT_LANG", "en")
    assert str(error) == 'labkit has no command "x".\n  try: Known are: up.'
    monkeypatch.setenv("LABKIT_LANG", "ko")
    assert str(error) == 'labkit에 이런 명령이 없다: "x"\n  해결: 쓸 수 있는 것: up.'
    error = HomeError(text("labkit cannot use {path}.", "/a b"), why="Permission denied")
    assert str(error) == "쓸 수 없는 위치다: /a b.\n  이유: Permission denied"
    assert error.what == "labkit cannot use /a b."


@pytest.mark.parametrize(
    ("lang", "words", "reads"), [("en", "--help", 0), ("ko", "--version", 0), ("ko", "--help", 1)]
)
def test_a_catalogue_is_read_when_it_is_used(lang: str, words: str, reads: int) -> None:
    program = (
        "import sys\nfrom labkit.core import language\n"
        "language.read = lambda name: sys.exit(f'{name} was read')\n"
        "from labkit import cli\nsys.exit(cli.run(sys.argv[1:]))"
    )
    environment = {**os.environ, "LABKIT_LANG": lang}
    run = subprocess.run(
        [sys.executable, "-c", program, words], env=environment, capture_output=True, text=True
    )
    assert (run.returncode, "was read" in run.stderr) == (reads, bool(reads)), run.stderr


def test_the_texts_of_a_command_are_found() -> None:
    source = (
        "@group.command('x')\n@click.option('--y', help='One. Two.')\n"
        "def x_command():\n    '''First\n    line.\n\n    Second.'''\n"
        "    echo(text('{a} and {b}', a, b) if c else 'no a')\n    print('not this')\n"
        "    raise UsageError('No a.', why='why' if b else '', todo=near(x, y))\n"
    )
    assert sorted(texts.in_module(source, "cli")) == [
        *("First line.", "No a.", "One. Two.", "Second.", "no a", "why", "{a} and {b}")
    ]


@pytest.mark.parametrize(
    ("lang", "installed", "told"), [("ko", False, True), ("ko", True, False), ("en", False, False)]
)
def test_a_korean_learner_is_told_how_to_get_korean_menus(
    labkit_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    lang: str,
    installed: bool,
    told: bool,
) -> None:
    monkeypatch.setenv("LABKIT_LANG", lang)
    monkeypatch.setattr(workbook, "HAS_KOREAN", installed)
    monkeypatch.setattr(signal, "pthread_sigmask", lambda *_: None)
    monkeypatch.setattr(os, "execve", lambda *_: None)  # JupyterLab
    assert cli.run(["lab", "--no-browser"]) == 0
    assert ("pip install 'kube-labkit[ko]'" in capsys.readouterr().out) == told
