"""Run tests on one planted change after the other, each in a fork of one process that has collected the tests once.

python -m tools.mutants_forks REQUESTS ANSWERS MARKS TESTS…

REQUESTS and ANSWERS are numbers of open pipes. A request is a line of JSON: the module's ``file``, its ``original`` and
its changed ``source``, the ``tests`` to run, the ``seconds`` that they may take, and the ``mark`` that all processes of
this run have in their environment. An answer is a line: the first test that failed, nothing if all passed, or ``?`` if
the change cannot be made in a running process. Before the first request a line says that the tests are collected: until
then no change may be planted, or it would be in all forks.
"""

from __future__ import annotations

import functools
import gc
import inspect
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from types import CodeType
from typing import IO, Any

import pytest

MARK = "LABKIT_MUTANT"
"""A variable of all processes that a run of tests starts, by which those that it left behind are found."""

CANNOT = "?"


class Forks:
    """Answers requests instead of running all that was collected."""

    def __init__(self, requests: IO[str], answers: IO[str]) -> None:
        self._requests, self._answers = requests, answers

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Fork for each request; the fork answers, and ends."""
        items = {item.nodeid: item for item in session.items}
        self._answer("collected")
        for line in self._requests:
            request = json.loads(line)
            child = os.fork()
            if not child:
                self._run(request, items)
            status = _ended(child, time.monotonic() + request["seconds"])
            if status:
                self._answer(status)
        return True

    def _answer(self, text: str) -> None:
        self._answers.write(f"{text}\n")
        self._answers.flush()

    def _run(self, request: dict[str, Any], items: dict[str, pytest.Item]) -> None:
        """What the fork does."""
        try:
            os.setsid()
            os.environ[MARK] = request["mark"]
            noticed = CANNOT
            if change(request["file"], request["original"], request["source"]):
                noticed = first_failure([items[name] for name in request["tests"] if name in items])
            self._answer(noticed)
            os._exit(0)
        finally:
            os._exit(1)


def _ended(child: int, deadline: float) -> str:
    """Wait for a fork. Returns what went wrong."""
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return f"the fork ended with {status}" if status else ""
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "does not end"


class _FailedError(BaseException):
    """A test failed: its name."""


class _Watch:
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            raise _FailedError(report.nodeid)


def first_failure(items: Sequence[pytest.Item]) -> str:
    """Run tests until one fails, which is returned."""
    if items:
        items[0].config.pluginmanager.register(_Watch())
    try:
        for number, item in enumerate(items, 1):
            following = items[number] if number < len(items) else None
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    except _FailedError as failure:
        return str(failure)
    return ""


def change(file: str, original: str, source: str) -> bool:
    """Give the functions of an imported module the code of its changed source.

    Args:
        file: The module.
        original: Its source.
        source: The same with a change.

    Returns:
        Whether that is all that changed: a new default of an argument needs a new process.
    """
    path = os.path.abspath(file)
    pairs = list(
        _differing(
            compile(original, path, "exec", dont_inherit=True),
            compile(source, path, "exec", dont_inherit=True),
        )
    )
    if any(not was.co_flags & inspect.CO_NEWLOCALS for was, _ in pairs):
        return False
    gc.unfreeze()  # collection froze them, and what is frozen is not listed
    functions = [
        each
        for each in gc.get_objects()
        if inspect.isfunction(each) and each.__code__.co_filename == path
    ]
    for was, becomes in pairs:
        holders = [each for each in functions if each.__code__ == was]
        if not holders or any(each.__code__.co_freevars != becomes.co_freevars for each in holders):
            return False
        for function in holders:
            function.__code__ = becomes
    for cached in gc.get_objects():
        if isinstance(cached, functools._lru_cache_wrapper) and cached.__wrapped__ in functions:
            cached.cache_clear()
    gc.freeze()
    return True


def _differing(was: CodeType, becomes: CodeType) -> Iterator[tuple[CodeType, CodeType]]:
    """The outermost functions that differ; or, if something else does, the code of the module or class."""
    if was.co_flags & inspect.CO_NEWLOCALS:
        if _shape(was) != _shape(becomes):
            yield was, becomes
        return
    if _shape(was, nested=False) != _shape(becomes, nested=False):
        yield was, becomes
        return
    for one, other in zip(_nested(was), _nested(becomes), strict=True):
        yield from _differing(one, other)


def _nested(code: CodeType) -> list[CodeType]:
    return [each for each in code.co_consts if isinstance(each, CodeType)]


def _shape(code: CodeType, nested: bool = True) -> tuple[object, ...]:
    """What a code does, without the numbers of its lines."""
    # From Python 3.13 on, a class keeps the number of its line as a constant.
    line = code.co_firstlineno if "__firstlineno__" in code.co_names else None
    others = (each for each in code.co_consts if not isinstance(each, CodeType) and each != line)
    constants = [(type(each), repr(each)) for each in others]
    within = [_shape(each) for each in _nested(code)] if nested else len(_nested(code))
    return (
        code.co_name,
        code.co_code,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        constants,
        within,
    )


def main(arguments: Sequence[str]) -> int:
    """Collect, and answer requests until there are no more. Returns pytest's exit code."""
    requests, answers, marks, *tests = arguments
    with (
        open(int(requests), encoding="utf-8") as questions,
        open(int(answers), "w", encoding="utf-8") as out,
    ):
        options = ["-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", marks]
        return int(pytest.main([*options, *tests], plugins=[Forks(questions, out)]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
