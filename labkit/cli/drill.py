"""The command drill: find out in a terminal what one believes wrongly about RBAC."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from labkit.lessons.progress import Progress
    from labkit.practice.chooser import Finding, Question
    from labkit.practice.keeping import Kept


@click.command("drill")
@click.option("--measure", is_flag=True, help="Ten questions before part 1, and ten of the same kinds after part 5.")
@click.option("--summary", is_flag=True, help="Print passes, first guesses, what was found and is gone, the gain.")
@click.option("--again/--no-again", default=None, help="Whether what was found comes back after 1, 7 and 30 days.")
def drill_command(measure: bool, summary: bool, again: bool | None) -> int:
    """Find out what you believe wrongly about RBAC.

    Each question shows a small policy and one request. Answer a for allowed, f for forbidden, q to stop.
    """
    from labkit import lessons
    from labkit.lessons.progress import Progress
    from labkit.practice import keeping
    from labkit.practice.pool import pool

    progress, now = Progress.default(), time.time()
    kept, said = keeping.read(progress.drill(), [idea["id"] for idea in pool()["beliefs"]])
    kept, late = keeping.settled(kept, now)
    for sentence in filter(None, (said, late)):
        click.echo(sentence)
    if again is not None:
        progress.join_drill({**kept, "off": {"value": not again, "at": now}})
        click.echo("What was found comes back." if again else "Nothing comes back.")
    elif summary:
        click.echo("\n".join([lessons.board(progress).title, *summary_lines(kept)]))
    elif measure:
        _measure(progress, kept, now)
    else:
        _drill(progress, kept, now)
    return 0


def summary_lines(kept: Kept) -> list[str]:
    """What was found, what is gone, and the gain, a line each."""
    from labkit.practice import keeping
    from labkit.practice.pool import pool

    names = {idea["id"]: idea["name"] for idea in pool()["beliefs"]}
    gone = keeping.gone(kept)
    lines = [f"Gone: {names[idea]}" for idea in gone]
    lines += [f"Comes back: {names[idea]}" for idea in sorted(kept["ideas"]) if idea not in gone]
    lines += [f"{name.title()}: {entry['right']} of 10 right" for name, entry in sorted(kept["measured"].items())][::-1]
    if len(kept["measured"]) == 2:
        gain = kept["measured"]["after"]["right"] - kept["measured"]["before"]["right"]
        lines.append(f"Gain: {gain:+d}")
    return lines or ["Of the drill nothing is kept yet."]


def finding_lines(found: Finding) -> list[str]:
    """What a session ended with."""
    from labkit.practice.pool import pool

    if found.kind == "nothing":
        return [f"Nothing wrong was found ({found.sure:.0%} sure)."]
    if found.kind == "unknown":
        return ["Something is wrong, and it is none of the ideas that this drill knows. Read the explanations again."]
    idea = pool()["beliefs"][found.idea]
    return [
        f"You may believe ({found.sure:.0%} sure): {idea['name']}",
        f"In truth: {idea['says']}",
        f"Read {idea['step']} again, or {idea['source']}. It comes back tomorrow.",
    ]


def _drill(progress: Progress, kept: Kept, now: float) -> None:
    from labkit.practice.asking import Session
    from labkit.practice.pool import pool

    questions = pool()["questions"]
    session = Session(pool()["beliefs"], random.sample(questions, len(questions)), kept, now)
    while question := session.next():
        click.echo("\nThis was wrong before." if session.coming_back else "")
        answer = _asked(question)
        if answer is None:
            return
        hint = session.likeliest(question)
        if not session.answer(question, answer) and hint:
            click.echo(f"Remember: {hint['says']}")
        progress.join_drill(session.kept)
        _why(question)
    click.echo(
        "\n".join(["", *(finding_lines(session.finding) if session.finding else ["No question is left today."])])
    )


def _measure(progress: Progress, kept: Kept, now: float) -> None:
    from labkit.practice import keeping
    from labkit.practice.pool import pool

    name = "after" if "before" in kept["measured"] else "before"
    right = 0
    for number, question in enumerate([each for each in pool()["questions"] if each.get("set") == name], 1):
        click.echo(f"\n{number} of 10, {name} the lessons")
        answer = _asked(question, explained=False)
        if answer is None:
            click.echo("Nothing is kept: only all ten count.")
            return
        right += answer == question["allowed"]
    kept = keeping.measured(kept, name, right, now)
    progress.join_drill(kept)
    click.echo("\n".join(["", *summary_lines(kept)]))


def _asked(question: Question, *, explained: bool = True) -> bool | None:
    """Ask one question; None to stop."""
    click.echo("\n".join([*(f"    {line}" for line in question["text"].split("\n")), "", *_notes(question)]))
    answer = _choice("allowed, forbidden or quit? [a/f/q]", "afq")
    if answer == "q":
        return None
    if explained:
        verdict = "allowed" if question["allowed"] else "forbidden"
        click.echo(f"{'Right' if (answer == 'a') == question['allowed'] else 'No'}: {verdict}.\n{question['says']}")
    return answer == "a"


def _notes(question: Question) -> list[str]:
    return [*([question["note"]] if "note" in question else []), question["ask"]]


def _why(question: Question) -> None:
    options: list[Any] = sorted(question["why"])
    click.echo("\n".join(["Why?", *(f"  {number}. {text}" for number, text in enumerate(options, 1))]))
    answer = _choice("1, 2 or 3? Enter goes on.", "123", skippable=True)
    if answer:
        right = options[int(answer) - 1] == question["why"][0]
        click.echo("Right." if right else f"No: {question['why'][0]}")


def _choice(text: str, letters: str, *, skippable: bool = False) -> str:
    """One of the letters; ``q`` at the end of input."""
    while True:
        try:
            answer = str(click.prompt(text, default="", show_default=False, prompt_suffix=" ")).strip().lower()[:1]
        except click.Abort:
            return "" if skippable else "q"
        if (answer and answer in letters) or (skippable and not answer):
            return answer
