"""Cells share their names, and a question of the class in between leaves them as they were."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from labkit.client.answer import Answer, Identity
from labkit.client.exec.completed import CompletedExec
from labkit.core.errors import UsageError
from labkit.presenter.cells import ALL_LINES, LINES, WIDTH, Cells


@pytest.fixture
def shown() -> list[str]:
    return []


@pytest.fixture
def kinds() -> list[str]:
    return []


@pytest.fixture
def cells(shown: list[str], kinds: list[str]) -> Cells:
    lab: Any = SimpleNamespace(
        admin=SimpleNamespace(observers=[], server="https://127.0.0.1:1"),
        backend=SimpleNamespace(audit_log=None),
        kubectl=lambda arguments: f"kubectl was given {arguments}",
    )

    def show(kind: str, line: str) -> None:
        kinds.append(kind)
        shown.append(line)

    cells = Cells(lab, show)
    cells.begin()
    return cells


def test_a_questions_names_are_gone_in_the_next_cell(cells: Cells) -> None:
    cells.run("mine = 1")
    cells.ask("mine = 2; theirs = 3")
    cells.run("assert mine == 1")
    with pytest.raises(NameError):
        cells.run("theirs")


def test_a_question_that_fails_leaves_the_names_too(cells: Cells) -> None:
    with pytest.raises(ZeroDivisionError):
        cells.ask("theirs = 1 / 0")
    with pytest.raises(NameError):
        cells.run("theirs")


@pytest.mark.parametrize("word", ["exit", "quit", "input"])
def test_the_terminals_words_are_refused_in_questions_only(cells: Cells, word: str) -> None:
    with pytest.raises(UsageError, match="has the terminal's keys"):
        cells.ask(f"{word}()")
    cells.run(f"assert {word} is not None")  # Python's own again
    assert word not in cells._names


def test_the_last_answer_of_the_cells_survives_a_question(cells: Cells) -> None:
    answer: Any = object()
    cells.answer = answer
    cells.ask("1 + 1")
    assert cells.answer is answer
    assert cells.asked is None


def test_a_line_of_kubectl_is_run_by_the_lab(cells: Cells, shown: list[str]) -> None:
    cells.ask("kubectl get pods -n kikai")
    assert "'kubectl was given get pods -n kikai'" in shown


def test_a_name_that_begins_like_kubectl_is_python(cells: Cells, shown: list[str]) -> None:
    cells.run("kubectl_version = 'v1'")
    cells.ask("kubectl_version")
    assert shown[-1] == "'v1'"


EVENT = {
    "auditID": "a-1",
    "userAgent": "kubectl/v1.32.0 (linux/amd64)",
    "verb": "list",
    "requestURI": "/api/v1/pods",
    "user": {"username": "admin"},
    "responseStatus": {"code": 403, "message": "no"},
}


def test_what_kubectl_asked_is_read_from_the_audit_log(cells: Cells) -> None:
    events: list[dict[str, Any]] = [{"userAgent": "labkit kubectl/1"}, {}]
    lab: Any = cells.lab
    lab.backend.audit_log = SimpleNamespace(events=lambda: list(events))

    def asked(*new: dict[str, Any]) -> Answer | None:
        lab.kubectl = lambda _arguments: events.__setitem__(slice(0, 0), new)
        cells.ask("kubectl get pods")
        return cells.asked

    assert asked() is None, "another program's requests are none of kubectl's"
    answer = asked({"userAgent": "curl/8"}, EVENT)
    assert answer is not None
    assert (answer.who, answer.method, answer.path) == ("admin", "GET", "/api/v1/pods")
    assert (answer.status, answer.credential) == (403, "certificate")
    assert answer.identity.user == "admin"
    assert asked() is None, "it asked nothing new"
    other = {**EVENT, "auditID": "a-2", "verb": "create", "impersonatedUser": {"username": "jane"}}
    answer = asked(other)
    assert answer is not None
    assert (answer.who, answer.method, answer.identity.user) == ("jane", "POST", "jane")


def test_a_command_in_a_pod_has_its_exit_code_and_the_first_lines(
    cells: Cells, shown: list[str], kinds: list[str]
) -> None:
    cells.begin()

    def run(returncode: int, stdout: str, stderr: str = "") -> list[tuple[str, str]]:
        shown.clear()
        kinds.clear()
        done = CompletedExec(["ls"], returncode, stdout, stderr, "kikai/test")
        cells.lab.done = lambda: done  # type: ignore[attr-defined]  # a namespace
        cells.run("lab.done()")
        return list(zip(kinds, shown, strict=True))

    head = [("code", "lab.done()"), ("request", "kikai/test: exit code 0")]
    assert run(0, "a\nb\n") == [*head, ("good", "a"), ("good", "b")]
    failed = run(3, "", "no such file\n")
    assert failed[1:] == [("request", "kikai/test: exit code 3"), ("bad", "no such file")]
    assert len(run(0, "x\n" * LINES)) == 2 + LINES
    assert run(0, "x\n" * (LINES + 2))[-2:] == [("good", "x"), ("good", "… 2 more lines")]


def test_other_output_is_cut_in_length_and_width(cells: Cells, shown: list[str]) -> None:
    cells.run(f"print('y' * {WIDTH})\nprint('z' * {WIDTH + 1})")
    assert shown[-2:] == ["y" * WIDTH, "z" * (WIDTH - 1) + "…"]
    cells.run(f"for i in range({ALL_LINES}): print(i)\n")
    assert shown[-1] == str(ALL_LINES - 1)
    cells.lab.long = "\n".join(map(str, range(ALL_LINES + 1)))  # type: ignore[attr-defined]
    cells.run("print(lab.long)")
    assert shown[-2:] == [str(ALL_LINES - 1), "… 1 more lines"]


def test_print_takes_what_pythons_own_takes(cells: Cells, shown: list[str]) -> None:
    cells.run("print('a', 1, sep=', ', end='', flush=True)")
    cells.ask("print('b', None)")
    assert [line for line in shown if "print" not in line] == ["a, 1", "b None"]


def test_an_answer_is_shown_as_the_request_and_what_the_server_said(
    cells: Cells, shown: list[str], kinds: list[str]
) -> None:
    (seen,) = cells.lab.admin.observers

    def said(status: int, body: Any, who: str = "admin") -> list[str]:
        shown.clear()
        seen(
            Answer(
                "me", "GET", "/api/v1/pods", "https://s", status, {}, body,
                identify=lambda: Identity(who),
            )
        )  # fmt: skip
        return shown

    item = {"metadata": {"name": "a", "namespace": "d"}}
    assert said(200, {"items": [item]}) == ["admin: GET /api/v1/pods", "200 d/a"]
    assert said(200, {"items": []})[1] == "200 an empty list"
    assert said(200, {"kind": "Status"})[1] == "200 ok"
    assert said(401, {"kind": "Status", "message": "Unauthorized"}) == [
        "nobody: GET /api/v1/pods",
        "401 Unauthorized",
    ]
    assert kinds[0] == "request"
    assert cells.answer is not None
    assert cells.answer.status == 401
