"""The command drill: find out in a terminal what one believes wrongly about RBAC."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

import click

from labkit.core.language import said, shown, text

from .output import echo

if TYPE_CHECKING:
    from labkit.lessons.progress import Progress
    from labkit.practice.chooser import Finding, Question
    from labkit.practice.keeping import Kept

MEASURED = {
    "before": "{number} of 10, before the lessons",
    "after": "{number} of 10, after the lessons",
}
KOREAN_KEYS = str.maketrans("ㅁㄹㅂ", "afq")
"""What the same keys write while a Korean keyboard is switched to Korean."""


@click.command("drill")
@click.option(
    "--measure",
    is_flag=True,
    help="Ten questions before part 1, and ten of the same kinds after part 5.",
)
@click.option(
    "--summary",
    is_flag=True,
    help="Print passes, first guesses, what was found and is gone, the gain.",
)
@click.option(
    "--again/--no-again",
    default=None,
    help="Whether what was found comes back after 1, 7 and 30 days.",
)
def drill_command(measure: bool, summary: bool, again: bool | None) -> None:
    """Find out what you believe wrongly about RBAC.

    Each question shows a small policy and one request. Answer a for allowed, f for forbidden, q to stop.
    """
    from labkit import lessons
    from labkit.lessons.progress import Progress
    from labkit.practice import keeping
    from labkit.practice.pool import pool

    progress = Progress.default()
    now = time.time()
    # The ideas that this version knows: progress from another machine can have more.
    kept, odd = keeping.read(progress.drill(), [idea["id"] for idea in pool()["beliefs"]])
    kept, late = keeping.settled(kept, now)
    for sentence in filter(None, (odd, late)):
        echo(sentence)
    if again is not None:
        progress.join_drill({**kept, "off": {"value": not again, "at": now}})
        echo("What was found comes back." if again else "Nothing comes back.")
    elif summary:
        click.echo("\n".join([shown(lessons.board(progress).title), *summary_lines(kept)]))
    elif measure:
        _measure(progress, kept, now)
    else:
        _drill(progress, kept, now)


def summary_lines(kept: Kept) -> list[str]:
    """What was found, what is gone, and the gain, a line each."""
    from labkit.practice import keeping
    from labkit.practice.pool import pool

    names = {idea["id"]: text(idea["name"]) for idea in pool()["beliefs"]}
    gone = keeping.gone(kept)
    right = {name: entry["right"] for name, entry in kept["measured"].items()}
    lines = [text("Gone: {idea}", names[idea]) for idea in gone]
    lines += [
        text("Comes back: {idea}", names[idea])
        for idea in sorted(kept["ideas"])
        if idea not in gone
    ]
    lines += [text("Before: {right} of 10 right", right["before"])] if "before" in right else []
    lines += [text("After: {right} of 10 right", right["after"])] if "after" in right else []
    if len(right) == 2:
        lines.append(text("Gain: {gain}", f"{right['after'] - right['before']:+d}"))
    return [shown(line) for line in lines or [text("Of the drill nothing is kept yet.")]]


def finding_lines(found: Finding) -> list[str]:
    """What a session ended with."""
    from labkit.practice.pool import pool

    sure = f"{found.sure:.0%}"
    if found.kind == "nothing":
        return [said("Nothing wrong was found ({percent} sure).", sure)]
    if found.kind == "unknown":
        return [
            said(
                "Something is wrong, but no idea that the drill knows. Read the explanations again."
            )
        ]
    idea = pool()["beliefs"][found.idea]
    lines = [
        text("You may believe ({percent} sure): {idea}", sure, text(idea["name"])),
        text("In truth: {truth}", text(idea["says"])),
        text("Read {step} again, or {page}. It comes back tomorrow.", idea["step"], idea["source"]),
    ]
    return [shown(line) for line in lines]


def _drill(progress: Progress, kept: Kept, now: float) -> None:
    from labkit.practice.asking import Session
    from labkit.practice.pool import pool

    questions = pool()["questions"]
    # In random order: of equally informative questions the first is asked, so sessions differ.
    session = Session(pool()["beliefs"], random.sample(questions, len(questions)), kept, now)
    while question := session.next():
        click.echo(f"\n{said('This was wrong before.')}" if session.coming_back else "")
        answer = _asked(question)
        if answer is None:
            return
        hint = session.likeliest(question)
        if not session.answer(question, answer) and hint:
            echo("Remember: {truth}", text(hint["says"]))
        # After each answer, so that a session that is interrupted loses nothing.
        progress.join_drill(session.kept)
        _why(question)
    none_left = [said("No question is left today.")]
    click.echo("\n".join(["", *(finding_lines(session.finding) if session.finding else none_left)]))


def _measure(progress: Progress, kept: Kept, now: float) -> None:
    from labkit.practice import keeping
    from labkit.practice.pool import pool

    # The first measurement counts as the one before the lessons, whenever it is taken.
    name = "after" if "before" in kept["measured"] else "before"
    right = 0
    for number, question in enumerate(
        [question for question in pool()["questions"] if question.get("set") == name], 1
    ):
        click.echo(f"\n{said(MEASURED[name], number)}")
        answer = _asked(question, explained=False)
        if answer is None:
            # Part of the ten would not compare with the other measurement.
            echo("Nothing is kept: only all ten count.")
            return
        right += answer == question["allowed"]
    kept = keeping.measured(kept, name, right, now)
    progress.join_drill(kept)
    click.echo("\n".join(["", *summary_lines(kept)]))


def _asked(question: Question, *, explained: bool = True) -> bool | None:
    """Ask one question; None to stop."""
    from labkit.practice.pool import policy, sentence

    lines = [f"    {line}" for line in policy(question).split("\n")]
    notes = [shown(sentence(question[part])) for part in ("note", "ask") if part in question]
    click.echo("\n".join([*lines, "", *notes]))
    answer = _choice(text("allowed, forbidden or quit? [a/f/q]"), "afq")
    if answer == "q":
        return None
    if explained:
        verdict = "allowed" if question["allowed"] else "forbidden"
        right = (answer == "a") == question["allowed"]
        echo(f"{'Right' if right else 'No'}: {verdict}.")
        click.echo("\n".join(shown(sentence(line)) for line in question["says"].split("\n")))
    return answer == "a"


def _why(question: Question) -> None:
    from labkit.practice.pool import sentence

    # The pool has the right reason first; sorted, its place says nothing.
    options: list[Any] = sorted(question["why"])
    echo("Why?")
    for number, option in enumerate(options, 1):
        click.echo(f"  {number}. {shown(sentence(option))}")
    answer = _choice(text("1, 2 or 3? Enter goes on."), "123", skippable=True)
    if answer:
        right = options[int(answer) - 1] == question["why"][0]
        echo(text("Right.") if right else text("No: {reason}", sentence(question["why"][0])))


def _choice(asked: str, letters: str, *, skippable: bool = False) -> str:
    """One of the letters; ``q`` at the end of input."""
    while True:
        try:
            typed = str(
                click.prompt(shown(asked), default="", show_default=False, prompt_suffix=" ")
            )
        # Both the end of input and Ctrl-C at a prompt.
        except click.Abort:
            return "" if skippable else "q"
        # Whole words such as “forbidden” count as well.
        answer = typed.strip().lower()[:1].translate(KOREAN_KEYS)
        if (answer and answer in letters) or (skippable and not answer):
            return answer
