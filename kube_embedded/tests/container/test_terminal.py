"""A terminal: echo, erasing, line ends, Ctrl-C, Ctrl-D, history."""

from __future__ import annotations

import pytest

from kube_embedded.container.container import Container
from kube_embedded.container.shell.task_loop import Budget
from kube_embedded.container.terminal import Terminal
from kube_embedded.machinery.request import WINDOW
from kube_embedded.tests.container.harness import container
from kube_embedded.tests.container.textio import drive


class Keys:
    """Somebody who types the next keys whenever the shell has nothing else to do."""

    window = WINDOW

    def __init__(self, *keys: bytes) -> None:
        self.keys = list(keys)
        self.seen = bytearray()
        self.slept = 0.0

    async def read_stdin(self) -> bytes:
        return self.keys.pop(0) if self.keys else b""

    def stdin_ready(self) -> bool:
        return self.slept > 1 or not self.keys

    async def write(self, channel: int, data: bytes) -> None:
        self.seen += data

    async def sleep(self, seconds: float) -> None:
        self.slept += seconds


def talk(*keys: bytes, place: Container | None = None, shell: str = "bash") -> tuple[int, str]:
    far = Keys(*keys)
    status = drive(
        (place or container()).run(
            [shell], Terminal(far), stdin=True, terminal=True, budget=Budget(seconds=60)
        )
    )
    return status, far.seen.decode()


def test_a_session_is_echoed_and_ends_with_its_status() -> None:
    status, seen = talk(b"echo hi\r", b"cd /etc\r", b"exit 4\r")
    assert status == 4
    assert (
        seen
        == "root@curl:/# echo hi\r\nhi\r\nroot@curl:/# cd /etc\r\nroot@curl:/etc# exit 4\r\nexit\r\n"
    )


def test_history_expansion_is_left_out_and_said() -> None:
    assert "!!: not simulated in this lab's pods\r\n" in talk(b"echo one\r", b"!!\r", b"exit\r")[1]


def test_erasing() -> None:
    assert "\r\nab\r\n" in talk(b"echo axx\x7f\x7fb\r")[1]
    assert "\r\nonly\r\n" in talk(b"rm -rf /\x15echo only\r")[1]
    assert "\r\none\r\n" in talk(b"echo one two\x17\x7f\r")[1]


def test_ctrl_c_ends_what_runs_and_ctrl_d_the_shell() -> None:
    status, seen = talk(b"sleep 100\r", b"\x03", b"echo $?\r", b"\x04")
    assert "^C" in seen
    assert "130\r\n" in seen
    assert seen.endswith("exit\r\n")
    assert status == 0


def test_ctrl_c_forgets_the_line() -> None:
    assert "nosuch" not in talk(b"nosuch\x03", b"echo fine\r", b"\x04")[1].split("\n", 1)[1]


def test_ctrl_d_ends_input_but_not_the_shell() -> None:
    assert "\r\nstill\r\n" in talk(b"cat\r", b"a\r", b"\x04", b"echo still\r", b"\x04")[1]


def test_arrows_bring_lines_back() -> None:
    assert talk(b"echo first\r", b"\x1b[A\r", b"exit\r")[1].count("\r\nfirst\r\n") == 2


def test_an_arrow_down_beyond_the_last_line_leaves_an_empty_one() -> None:
    _, screen = talk(b"echo first\r", b"\x1b[A", b"\x1b[B", b"\x1b[B", b"echo second\r", b"exit\r")
    assert screen.count("\r\nfirst\r\n") == 1
    assert "\r\nsecond\r\n" in screen


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        ((b"for i in 1 2\r", b"do echo n$i\r", b"done\r"), "n1\r\nn2\r\n"),
        ((b'echo "a\r', b'b"\r'), "a\r\nb\r\n"),
    ],
)
def test_unfinished_commands_go_on(lines: tuple[bytes, ...], answer: str) -> None:
    seen = talk(*lines, b"exit\r")[1]
    assert answer in seen
    assert "> " in seen


def test_a_terminal_lists_in_columns_and_curl_shows_no_meter() -> None:
    seen = talk(b"mkdir /d; cd /d; touch a b c; ls; test -t 0 && echo tty\r", b"exit\r")[1]
    assert "a  b  c\r\ntty\r\n" in seen


def test_busyboxs_prompt() -> None:
    assert talk(b"exit\r", place=container("busybox"), shell="sh")[1] == "/ # exit\r\n"
