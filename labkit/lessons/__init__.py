"""The walkthrough as data, and its functions: predict, check, hint, solution, board.

A checkpoint is a plain function of a ``CheckContext``; nothing here depends on the kind of cluster.
Solutions come from the notebooks' sources when those are built.
"""

import json
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any

from labkit.core.errors import LabkitError, UsageError
from labkit.core.language import text
from labkit.core.yaml_file import read_yaml
from labkit.rbac.policy import PolicyUnreadable

from . import (
    part1_api_server,
    part2_inside_a_pod,
    part3_service_accounts,
    part4_roles,
    part5_cluster_roles,
    part6_test_the_policy,
)
from .asides import ASIDES, of_lesson
from .attempts import recognised
from .base import CheckContext, Outcome, failed, passed, run_with_retries
from .library import library
from .predictions import Noted, in_words
from .progress import Entry, Progress
from .shown import Board, Help
from .steps import STATE, Lesson, Step, step_id

_PARTS = (
    part1_api_server,
    part2_inside_a_pod,
    part3_service_accounts,
    part4_roles,
    part5_cluster_roles,
    part6_test_the_policy,
)
LESSONS: tuple[Lesson, ...] = tuple(
    Lesson(name, text(said["title"]), text(said["subtitle"]), part.STEPS, of_lesson(name))
    for (name, said), part in zip(read_yaml(__file__, "lessons.yaml").items(), _PARTS, strict=True)
)

STEPS: Mapping[str, Step] = {step.id: step for lesson in LESSONS for step in lesson.steps}


def find(step: str | int) -> Step:
    """The step or aside of that name; ``W15``, ``w15``, ``"15"`` and ``15`` are the same.

    Raises:
        UsageError: There is none.
    """
    name = str(step).strip().upper()
    return ASIDES[name] if name in ASIDES else STEPS[step_id(step)]


def predict(step: str, value: object, progress: Progress) -> Noted:
    """Store a learner's prediction for a step; the first guess is stored in addition to later ones.

    Raises:
        UsageError: There is no such step, or the value is not a possible answer.
    """
    found = find(step)
    kept = found.prediction.read(found.id, value) if found.prediction else _kept_value(value)
    progress.predict(found.id, kept)
    return Noted(found.id, kept if isinstance(kept, (str, dict)) else str(kept))


def record(step: str, what: object, progress: Progress) -> None:
    """Store an answer for a step.

    Args:
        step: Such as ``W15``.
        what: A response, a finished command, or a fact, such as an address.
        progress: Stores it.

    Raises:
        UsageError: There is no such step, or the value cannot be stored.
    """
    summary = getattr(what, "summary", None)
    # Both have stdout: lab.exec's result also has a summary, with its exit code; lab.kubectl's has none.
    printed = getattr(what, "stdout", None)  # of a kubectl command
    fact = printed.strip() if isinstance(printed, str) else what
    kept = summary() if callable(summary) else {"kind": "fact", "value": _kept_value(fact)}
    progress.record(find(step).id, kept)


def _kept_value(value: object) -> object:
    """The value as a JSON document can hold it: a set as a list."""
    value = sorted(map(str, value)) if isinstance(value, Set) else value
    try:
        json.dumps(value)
    except (TypeError, ValueError) as error:
        raise UsageError(
            text("A value of the type {name} cannot be kept for a step.", type(value).__name__),
            why="it has to outlive the notebook, as text",
            todo='Give text, a number, a list or a dict, such as "forbidden".',
        ) from error
    return value


def check(step: str, context: CheckContext) -> Outcome:
    """Judge a step by the cluster's behaviour, and store the outcome.

    A pass is permanent: if a later step has changed the objects that the checkpoint reads, the outcome mentions it
    and stays a pass.

    Returns:
        The outcome; its repr is a headline and at most three lines.

    Raises:
        UsageError: There is no such step.
    """
    asked = find(step)
    progress = context.progress
    entry = progress.entry(asked.id)
    try:
        outcome = run_with_retries(asked.check, context)
    except LabkitError as error:
        what = f"{error.what.rstrip('.')}: {error.why}" if error.why else error.what
        outcome = _silent(what, error.todo)
    except PolicyUnreadable as error:
        outcome = _silent(str(error))
    # Parts 5 and 6 change objects of earlier steps, as instructed, so a pass is never taken back.
    kept = entry.get("state") == "passed" and not outcome.passed
    work = recognised(outcome, asked.id, context)
    if kept:
        # Later steps delete objects as instructed, which is no mistake.
        wrong = work.state == "failed" and work.kind != "deleted-again"
        outcome = passed(_kept_text(entry, outcome.seen), outcome.hint if wrong else "")
    else:
        outcome = work
    guess = entry.get("prediction")
    predicted = "" if guess is None else in_words(guess)
    outcome = replace(outcome, step=asked.id, title=asked.title, kept=kept, predicted=predicted)
    facts: Entry = {"seen": outcome.seen, "kind": outcome.kind}
    if outcome.passed:
        facts["guessed"] = _guessed(entry, outcome.asked_at)
    progress.mark(asked.id, outcome.state, **facts)
    context.report(outcome)
    return outcome


def _silent(what: str, todo: str = "") -> Outcome:
    """Return the outcome if the cluster did not respond, which is no verdict on the learner's work."""
    todo = todo or text("See how the cluster is doing: lab.status().")
    return failed("cluster-silent", what, "an answer of the cluster", todo).outcome


def _kept_text(entry: Entry, now: str) -> str:
    when = datetime.fromtimestamp(entry.get("passed_at", 0)).strftime("%d %B, %H:%M")
    seen = text("passed on {when}, and a pass is kept.", when)
    if now:
        seen = text("{seen} It looks different now: {now}.", seen, now)
    return seen


def _guessed(entry: Entry, asked_at: float) -> bool | None:
    """Return whether the first guess was right and came before the answer; None without a prediction."""
    first = entry.get("first_guess")
    if first is None:
        return None
    return bool(
        first["value"] == entry.get("prediction") and (not asked_at or first["at"] <= asked_at)
    )


def hint(step: str, progress: Progress) -> Help:
    """Return a hint: where to look, then what to write, then all but the last word. The progress counts the hints."""
    found = find(step)
    given = min(progress.entry(found.id).get("hints", 0), len(found.hints))
    number = min(given + 1, len(found.hints))
    progress.note(found.id, hints=number)
    last = number == len(found.hints)
    then = (
        text('solution("{step}") shows all.', found.id)
        if last
        else text('hint("{step}") says more.', found.id)
    )
    return Help(
        text("{step} hint {number} of {count}", found.id, number, len(found.hints)),
        found.hints[number - 1],
        then,
    )


def solution(step: str, progress: Progress) -> Help:
    """Return a solution of a step, for a cell and for a terminal. The progress records that it was shown."""
    found = find(step)
    progress.note(found.id, solution_shown=True)
    if found.id in ASIDES:
        return Help(
            text("{step} solution: {title}", found.id, found.title),
            found.hints[-1],
            text('predict("{step}", …) once more.', found.id)
            if found.prediction
            else text('check("{step}") once more.', found.id),
        )
    objects = "\n---\n".join(_manifests(found))
    code = whole = str(worked()[found.id]["solution"])
    if objects:
        guess = whole.partition("\n\n")[0] + "\n\n" if found.prediction else ""
        code = f'{guess}lab.apply("""\n{objects}\n""")'
    if found.kubectl:
        code += "\n\n# Or in a terminal:\n" + "\n".join(
            f"# {line}" for line in found.kubectl.splitlines()
        )
    return Help(
        text("{step} solution: {title}", found.id, found.title),
        code,
        text("Any other way that works passes too."),
        True,
    )


def _manifests(step: Step) -> Iterator[str]:
    """Yield the manifests that a step requires, as plain YAML; none for a step that only looks."""
    # A step that only looks has files for its experiments at most, which are not a solution.
    own = library().of_step(step.id) if step.by == STATE else []
    for file in [file for file in own if file.parent.name != "tryout"] or own:
        lines = file.read_text(encoding="utf-8").strip().removeprefix("---").splitlines()
        yield "\n".join(line for line in lines if not line.startswith("#")).strip()


def board(progress: Progress) -> Board:
    """Every step and its state."""
    return Board(LESSONS, progress.all())


@cache
def worked() -> Mapping[str, Mapping[str, Any]]:
    """Return the solved cells of every step: ``cells`` is all its code, ``solution`` the learner's part."""
    # Built from the notebooks' sources, so that solution() shows what the notebook's own tests run.
    text = (resources.files(__name__) / "solutions.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, Any]] = json.loads(text)
    return found
