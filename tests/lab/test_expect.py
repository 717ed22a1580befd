from __future__ import annotations

from typing import Any

import pytest

from labkit import expect_forbidden
from labkit.core.errors import ExpectedForbidden
from labkit.lab.expect import observe


class Seen:
    def __init__(self, status: int, **facts: Any) -> None:
        self.facts = {"kind": "answer", "who": "me", "path": "/x", "status": status, **facts}

    def summary(self) -> dict[str, Any]:
        return self.facts


def test_a_refusal_passes_and_is_kept() -> None:
    with expect_forbidden(verb="list") as block:
        observe(Seen(403, verb="list", resource="services").summary)
    observe(Seen(200, verb="list", resource="services").summary)
    assert (block.refused, block.allowed) == (["me: /x"], []), (
        "a block hears nothing of what comes after it"
    )


def seen(*calls: Seen) -> None:
    for call in calls:
        observe(call.summary)


def test_an_allowed_call_fails_with_who_and_what() -> None:
    refused, allowed = (Seen(status, verb="list", resource="services") for status in (403, 200))
    block = expect_forbidden(verb="list", resource="services")
    with (
        pytest.raises(
            ExpectedForbidden, match=r"^list services was expected to be forbidden, and was not"
        ) as caught,
        block,
    ):
        seen(refused, allowed)
    assert "me: /x (200)" in caught.value.why
    assert isinstance(caught.value, AssertionError)


def test_calls_of_another_kind_do_not_count() -> None:
    with (
        pytest.raises(ExpectedForbidden, match="no such call was made") as caught,
        expect_forbidden(verb="list"),
    ):
        seen(
            Seen(403, verb="get", resource="pods"),
            Seen(200, verb="get", resource="pods"),
            Seen(200, verb="get"),
        )
    assert caught.value.why == "the block made other calls: get pods, get"
    assert caught.value.todo == "Name the verb and the resource of the call you mean."


def test_a_block_without_a_call_is_said() -> None:
    with (
        pytest.raises(ExpectedForbidden, match="no such call was made") as caught,
        expect_forbidden(verb="list"),
    ):
        pass
    assert (caught.value.why, caught.value.todo) == ("", "Make the call inside the `with` block.")


def test_a_bad_token_is_not_a_refusal() -> None:
    said = r"^the call was expected to be forbidden, and was not"
    with pytest.raises(ExpectedForbidden, match=said), expect_forbidden():
        observe(Seen(401).summary)


def test_a_command_that_printed_no_answer_does_not_count() -> None:
    with expect_forbidden():
        observe(Seen(0, kind="exec", command="ls").summary)
        observe(Seen(403, kind="exec", command="curl").summary)


class Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__("no")
        self.status = status


class Response:
    status_code = 403


class Wrapped(Exception):
    response = Response()


@pytest.mark.parametrize("error", [Refused(403), Wrapped()])
def test_other_clients_say_it_with_an_exception(error: Exception) -> None:
    with expect_forbidden():
        raise error


def test_other_exceptions_pass() -> None:
    with pytest.raises(Refused), expect_forbidden():
        raise Refused(404)
    with pytest.raises(ZeroDivisionError), expect_forbidden():
        raise ZeroDivisionError


def test_blocks_may_lie_in_one_another_and_end_with_themselves() -> None:
    with expect_forbidden(verb="list"), expect_forbidden(verb="get"):
        observe(Seen(403, verb="list").summary)
        observe(Seen(403, verb="get").summary)
    observe(Seen(200, verb="list").summary)


def test_what_was_refused_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with expect_forbidden(verb="list"):
        seen(*[Seen(403, verb="list", resource="services")] * 2)
    assert capsys.readouterr().out == "✔ forbidden, as expected: me: /x\n"
