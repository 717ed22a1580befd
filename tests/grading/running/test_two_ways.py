"""A notebook has the same score and the same outputs in a fork and in a real kernel, however odd it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kube_embedded.tests.support.some import some
from labkit.grading.graders import stages
from labkit.grading.graders.grader import Grader
from labkit.grading.judging.result import Result
from labkit.grading.running.execution import needs_kernel
from labkit.grading.walls.isolation import Limits
from tests.grading import recording_fork_server
from tests.grading.odd_notebooks import ODD
from tests.grading.support import SETUP, grade, replace_fork_server, solved_cells, submit

EXERCISE = "ex4-roles"
IDS = (
    (r"0x[0-9a-f]{6,}", "0x…"),
    (r"(~?/\S*?ipykernel_\d+/\d+\.py|<ipython-input-\d+-\w+>)", "<cell>"),
    (r"\b[0-9a-f]{32}\b", "<id>"),
    (r"Tip: .*?\\n", "Tip: …"),
    (r"IPY_MODEL_\w+", "<id>"),
    (r"Thread-\d+", "Thread-…"),
    (r"\(\d+\.py, line", "(<cell>, line"),
    (r"Fontconfig error.*?\\n", ""),
    (r"CPU times.*?total.*?Wall.*?(?=\\n)", "CPU times …"),
    (r"\d+(\.\d+)? [mnμ]?s\b", "…"),
    # Python 3.14 tells of what a kernel compiles before it runs it, and of its threads at a fork.
    (r"<>:\d+: SyntaxWarning: .*?\\n", ""),
    (r"<cell>:\d+: DeprecationWarning: This process .*?\\n.*?\\n", ""),
)
"""What differs from run to run."""

OWN_FRAME = re.compile(r"(\x1b\[[\d;]*m)*File .*(labkit/grading|ipykernel)/")
"""A line of an error that was raised by the shell itself: one way it is labkit's, the other way ipykernel's."""

FEW = (
    "values",
    "rich-values",
    "errors",
    "exits",
    "cell-magics",
    "commands",
    "input",
    "streams",
    "interrupts",
    "a-late-exit",
    "a-thread-that-goes-on",
    "processes",
    "widgets",
    "displays-that-change",
    "every-task-is-cancelled",
    "halves-of-characters",
)
"""At least one of each kind; ``make soak`` runs all. Each needs a kernel, and a kernel takes seconds."""

LATE = {"a-late-exit", "a-thread-that-goes-on", "a-daemon-that-is-late"}
"""Those that are not solved at their end."""


def notebook(name: str) -> list[str]:
    """An odd notebook that solves its exercise at its end, or later."""
    answers = [cell for cell in solved_cells(EXERCISE, name)[1:] if "paper" not in cell]
    solve = "def SOLVE():\n" + "\n".join(f"    exec({cell!r}, globals())" for cell in answers)
    # One answer a cell: what a lab shows besides, such as a handle with its time, differs from run to run.
    one = "get_ipython().ast_node_interactivity = 'last_expr'"
    return [SETUP, f"{one}\n{solve}", *ODD[name], *(() if name in LATE else ("SOLVE()",))]


def cells_of(output: str) -> Iterator[dict[str, Any]]:
    """What each cell showed: its text on each stream, and its values and errors in order."""
    cell: dict[str, Any] = {}
    for line in re.split(
        r"(?<=\n)|(?=\[\"(?:stream|execute_input|error|display_data)\", \{)", output
    ):
        try:
            kind, content = json.loads(line)
        except ValueError:
            kind, content = "stream", {"name": "stdout", "text": line}
        if kind == "execute_input":
            yield cell
            cell = {"count": content["execution_count"], "stdout": "", "stderr": "", "shown": []}
        elif kind == "stream" and content["text"]:
            cell[content["name"]] = cell.get(content["name"], "") + content["text"]
        elif kind in (
            "execute_result",
            "display_data",
            "update_display_data",
            "clear_output",
            "error",
        ):
            content.pop("transient", None)
            if kind == "error":
                content["traceback"] = [
                    line for line in content["traceback"] if not OWN_FRAME.match(line)
                ]
            cell["shown"].append([kind, content])
    yield cell


def comparable(result: Result) -> list[str]:
    """What a notebook showed, without ids and times."""
    found = []
    for cell in cells_of(result.output):
        text = re.sub(
            r"\\u001b\[[0-9;]*m", "", json.dumps(cell, ensure_ascii=False, sort_keys=True)
        )
        for pattern, by in IDS:
            text = re.sub(pattern, by, text)
        found.append(text)
    return found


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep all of each message that a notebook sends."""
    replace_fork_server(monkeypatch, recording_fork_server.__name__, {})
    monkeypatch.setattr(stages, "_readable_output", lambda output: output)


@pytest.mark.slow
@pytest.mark.parametrize(
    "names",
    [FEW, pytest.param(tuple(ODD), marks=pytest.mark.soak)],
    ids=["one-of-each-kind", "all"],
)
@pytest.mark.usefixtures("recorded")
def test_odd_notebooks_have_the_same_scores_and_outputs_both_ways(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    for name in some(names):
        submit(tmp_path, name, EXERCISE, notebook(name))
        assert not needs_kernel(notebook(name)), name
    limits = Limits(seconds=120, cpu_seconds=20)
    ways = []
    for kernel in (False, True):
        with Grader(limits=replace(limits, kernel=kernel)) as grader:
            ways.append(grade(grader, tmp_path))
    different: dict[str, Any] = {}
    for name in names:
        fork, kernel_ = (way[name] for way in ways)
        if (fork.score, fork.ended) != (kernel_.score, kernel_.ended):
            different[name] = (fork.score.points, fork.ended, kernel_.score.points, kernel_.ended)
        pairs = zip(comparable(fork), comparable(kernel_), strict=False)
        unequal = [pair for pair in pairs if pair[0] != pair[1]]
        if unequal:
            different[name + ": outputs"] = unequal
    assert not different, json.dumps(different, indent=1, ensure_ascii=False)
