"""The room's answers in a class on this machine; ``labkit class start`` shares its public data."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from rich.bar import Bar
from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from labkit.core.errors import LabkitError
from labkit.core.language import said, text
from labkit.core.sharing import ROOM, read_shared
from labkit.core.yaml_file import read_yaml

DATA: dict[str, Any] = read_yaml(__file__, "room.yaml")

Question = dict[str, Any]
"""The data of ``classroom.board.public`` with its ``source``; empty without a class or a question."""


def question() -> Question:
    """Return the room's last question."""
    # The demo goes on without the class: its directory may not exist, or belong to somebody else.
    with suppress(LabkitError):
        asked = read_shared(ROOM) or {}
        return asked if asked.get("id") else {}
    return {}


def state(asked: Question) -> str:
    """Return a line with a question's stage and the number of answers."""
    first, second = asked["answers"]
    answered = said(
        text("{first} answered, then {second}", first, second)
        if second
        else text("{first} answered", first)
    )
    return said("The room: {stage}, {answered}", said(DATA["stages"][asked["stage"]]), answered)


def page(asked: Question) -> RenderableType:
    """Return the page of a question, with its bars."""
    if not asked:
        return Text(said(DATA["no class"]))
    return Group(
        Markdown(asked["ask"], style="bold yellow"),
        Text(f"\n{asked['text']}".rstrip()),
        bars(asked),
    )


def bars(asked: Question) -> RenderableType:
    """Return the bars of each round, once the board shows them to everybody; after the closing also the answer."""
    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column()
    table.add_column(justify="right")
    table.add_column(ratio=1, min_width=10)
    rounds = [
        votes for number, votes in enumerate(asked.get("rounds", [])) if number == 0 or any(votes)
    ]
    for place, option in enumerate(asked["options"]):
        right = place == asked.get("right")
        name = Text(
            f"{option.replace('`', '')}{' ✓' if right else ''}",
            "bold green" if right else "",
            overflow="fold",
        )
        numbers = "\n".join(f"{votes[place]}" for votes in rounds)
        table.add_row(
            name,
            numbers,
            Group(*(Bar(sum(votes) or 1, 0, votes[place], color="cyan") for votes in rounds)),
        )
    below = _wrong(asked) if rounds else [Text(f"\n{said(DATA['no bars'])}", "dim")]
    return Group(Text(f"{state(asked)}\n", "bold"), table, *below)


def _wrong(asked: Question) -> Iterator[RenderableType]:
    """Yield the commonest wrong answer of a closed question, and the ideas behind it."""
    if wrong := asked.get("wrong"):
        yield Text(
            said(
                "\nThe commonest wrong answer: {option} ({count}).",
                asked["options"][wrong["option"]],
                wrong["count"],
            )
        )
        yield from (
            Text(said("The idea behind it: “{idea}”", idea["idea"]))
            for idea in wrong["ideas"]
            if idea["idea"]
        )
