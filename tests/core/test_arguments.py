"""Arguments of learners' calls are checked in one place, and errors show a right call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labkit.core.arguments import (
    COMMAND,
    INPUT,
    LINE,
    MANIFESTS,
    MAX_DESCRIPTION,
    MAX_LINE,
    MAX_SECONDS,
    METHOD,
    PATH,
    PORT,
    SECONDS,
    STEP,
    STORABLE,
    TEXT,
    ArgumentKind,
    describe,
    takes,
)
from labkit.core.errors import LabkitError, UsageError

TOKEN = f"eyJ{'a' * 40}.eyJ{'b' * 400}.{'c' * 300}"
ENCODED = "ZXlK" + "a" * 900


@takes('act("kikai/test", "ls")', pod=LINE, command=COMMAND, seconds=SECONDS, note=TEXT)
def act(
    pod: str, command: Any, seconds: float = 1.0, *, note: str | None = None
) -> tuple[Any, ...]:
    """Return the arguments as the function receives them."""
    return pod, command, seconds, note


def refused(*args: object, **named: Any) -> str:
    with pytest.raises(UsageError) as caught:
        act(*args, **named)  # type: ignore[arg-type] # what a learner may write
    return str(caught.value)


def test_what_fits_arrives() -> None:
    assert act("kikai/test", "ls", 5, note=None) == ("kikai/test", "ls", 5.0, None)
    assert act("a", iter(["ls", "/"]), float("inf")) == ("a", ["ls", "/"], 604800.0, None)


def test_an_argument_that_is_left_out_has_its_default() -> None:
    assert act("kikai/test", "ls") == ("kikai/test", "ls", 1.0, None)
    assert act("kikai/test", command="ls", note="n") == ("kikai/test", "ls", 1.0, "n")


def test_a_wrong_call_shows_the_right_one() -> None:
    assert refused() == (
        "act() got the wrong arguments.\n"
        "  why: missing a required argument: 'pod'\n"
        '  try: Write act("kikai/test", "ls").'
    )
    assert "too many positional arguments" in refused("a", "b", 1, 2)
    assert "unexpected keyword argument 'timeout'" in refused("a", "b", timeout=3)


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"pod": None}, "act cannot take None as `pod`.\n  why: it has to be one line of text"),
        ({"pod": 5}, "act cannot take 5 as `pod`"),
        ({"pod": b"curl"}, "Make text of the bytes: add .decode()."),
        ({"pod": "a\0b"}, 'act cannot take "a\\x00b" as `pod`'),
        ({"pod": "x" * 2000}, f'act cannot take "{"x" * 59}…" as `pod`'),
        ({"pod": "\ud800"}, 'act cannot take "\\ud800" as `pod`'),
        ({"command": []}, "a command line, or a list of its words"),
        ({"command": ["ls", 5]}, "a command line, or a list of its words"),
        ({"command": {"a": 1}}, "a value of the type dict"),
        (
            {"seconds": "5"},
            'act cannot take "5" as `seconds`.\n  why: it has to be a number of seconds',
        ),
        ({"seconds": True}, "act cannot take True"),
        ({"seconds": float("nan")}, "act cannot take nan"),
        ({"seconds": 10**5000}, "act cannot take a very large number"),
        ({"seconds": -1}, "act cannot take -1"),
    ],
)
def test_what_does_not_fit_is_said(named: dict[str, Any], said: str) -> None:
    assert said in refused(**{"pod": "a", "command": "b", **named})


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (TEXT, "a\nb", "a\nb"),
        (LINE, "", ""),
        (LINE, "x" * MAX_LINE, "x" * MAX_LINE),
        (LINE, " padded\n", " padded\n"),
        (LINE, "한국어", "한국어"),
        (PATH, "a/b", "a/b"),
        (PATH, Path("a\nb"), Path("a\nb")),
        (SECONDS, 0, 0.0),
        (SECONDS, MAX_SECONDS + 1, MAX_SECONDS),
        (PORT, 0, 0),
        (PORT, 65535, 65535),
        (COMMAND, "ls\npwd", "ls\npwd"),
        (COMMAND, ("ls", "a b"), ["ls", "a b"]),
        (MANIFESTS, "kind: Pod\n", "kind: Pod\n"),
        (MANIFESTS, {"kind": "Pod"}, {"kind": "Pod"}),
        (INPUT, "y\n", "y\n"),
        (INPUT, b"y\0", b"y\0"),
        (METHOD, "get", "get"),
    ],
)
def test_what_a_kind_takes(kind: ArgumentKind, value: object, read: object) -> None:
    got = kind.read(value)
    assert (got, type(got)) == (read, type(read))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *[(TEXT, value) for value in (None, b"a", "a\0b", "\ud800")],
        *[(LINE, value) for value in ("a\nb", "a\tb", "a\x1b[1m", "x" * (MAX_LINE + 1), 5)],
        *[(PATH, value) for value in ("a\nb", None, 5)],
        *[(STEP, value) for value in (False, 1.5, "W1\nW2")],
        *[(SECONDS, value) for value in (-0.1, False, float("nan"), None)],
        *[(PORT, value) for value in (-1, 65536, True, "80", 80.0)],
        *[(COMMAND, value) for value in (b"ls", {"ls": 1}, [], ["a\0"], "a\0", [b"ls"], 5)],
        *[(MANIFESTS, value) for value in (b"kind: Pod", bytearray(b"a"), "a\0")],
        *[(INPUT, value) for value in (None, 5, "\ud800", ["y"])],
        *[(METHOD, value) for value in ("", "GET ", "GET1", "GÉT", 5, None)],
    ],
)
def test_what_a_kind_does_not_take(kind: ArgumentKind, value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        kind.read(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (2**127 - 1, str(2**127 - 1)),
        (2**127, "a very large number"),
        (-(2**127), "a very large number"),
        (1.5, "1.5"),
        ([1], "a value of the type list"),
        ("x" * MAX_DESCRIPTION, f'"{"x" * MAX_DESCRIPTION}"'),
        ("x" * (MAX_DESCRIPTION + 1), f'"{"x" * (MAX_DESCRIPTION - 1)}…"'),
        ("a\x1b[1m\u202eb", '"a\\x1b[1m\\u202eb"'),
    ],
)
def test_an_argument_is_described_in_a_short_line(value: object, text: str) -> None:
    assert describe(value) == text


def test_a_step_is_a_number_too() -> None:
    assert STEP.read(15) == "15"
    assert STEP.read(" W15\n") == "W15"
    with pytest.raises(TypeError):
        STEP.read(True)


def test_what_holds_itself_cannot_be_kept() -> None:
    ring: list[object] = []
    ring.append(ring)
    with pytest.raises(ValueError, match="Circular"):
        STORABLE.read(ring)
    for value in ({"sub", "iss"}, object(), {("a", 1): 2}, "한국어", 5, [object()], frozenset("a")):
        assert STORABLE.read(value) is value
    for text in ("\ud800", ["\ud800"], {"\ud800"}):
        with pytest.raises(UnicodeEncodeError):
            STORABLE.read(text)


@pytest.mark.parametrize("secret", [TOKEN, ENCODED])
def test_no_error_repeats_a_token(secret: str) -> None:
    error = LabkitError(f"There is no {secret}.", why=f"no {secret}", todo=f"not {secret}")
    for text in (
        str(error),
        repr(error),
        error.what,
        error.why,
        error.todo,
        describe(secret),
        repr(error.args),
    ):
        assert "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" not in text
        assert "cccc" not in text
