"""Arguments of learners' calls are checked in one place, and errors show a right call."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.core.arguments import COMMAND, LINE, SECONDS, STEP, STORABLE, TEXT, describe, takes
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
    for value in ({"sub", "iss"}, object(), {("a", 1): 2}):
        assert STORABLE.read(value) is value


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
