"""The pages of a performance: a question, a beat, the overview."""

import re
import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from labkit.core.language import said, shown, text
from labkit.core.yaml_file import read_yaml
from labkit.lab.stages import question_of
from labkit.lessons.talk import talks

from . import room
from .pictures import asked_in_words, graph, xray
from .play import Play

STYLES = {"code": "cyan", "good": "bold green", "bad": "bold red", "warn": "bold yellow"}
LETTERS_HEIGHT = 14
"""The height from which a question has large letters above it."""

STATUS = re.compile(r"(\d{3}) (.*)")
DATA: dict[str, Any] = read_yaml(__file__, "stage.yaml")


def large_letters(text: str) -> str:
    """Return a step's name or a status in five lines of blocks."""
    glyphs = [
        textwrap.wrap(pixels, len(pixels) // 5) for pixels in map(DATA["glyphs"].__getitem__, text)
    ]
    rows = (
        "  ".join(row).replace("1", "██").replace("0", "  ") for row in zip(*glyphs, strict=True)
    )
    return "\n".join(rows)


def page(
    play: Play, width: int, height: int, asked: room.Question, *, large: bool
) -> RenderableType:
    """Return the page of a question, or of the last beat; with the room's answers if it was ``asked`` the same."""
    if not play.played:
        return Group(Text(f"{_of_data('start')}\n", "bold yellow"), overview(play))
    now = play.played[-1]
    talk = talks()[now.step.id]
    bars = [Text(), room.bars(asked)] if asked.get("source") == now.step.id else []
    if not now.shown:
        hint = Text(f"\n{said('What do you expect? Write it down, then we run it.')}", "dim")
        letters = Text(
            f"{large_letters(now.step.id)}\n\n" if height > LETTERS_HEIGHT else "", "bold blue"
        )
        return Group(letters, Markdown(said(talk.ask), style="bold yellow"), *(bars or [hint]))
    beat = now.beats[len(now.shown) - 1]
    if beat.picture:
        return picture(play, beat.picture, width)
    lines = _lines(now.shown[-1], large=large)
    if not beat.cells[-1].startswith("check("):
        return Group(*lines)
    return Group(
        *lines, Text(), Markdown(said("**The answer:** {answer}", text(talk.answer))), *bars
    )


def code(lines: Sequence[tuple[str, bool]]) -> RenderableType:
    """Return the page of the code that runs next, with marks at lines that differ from the last similar manifest."""
    marked = [
        Text(f"{'▸' if other else ' '} {line}", "bold yellow" if other else "cyan")
        for line, other in lines
    ]
    marks = any(other for _, other in lines)
    return Group(*marked, Text(_of_data("marked") if marks else "", "dim"))


def asked(play: Play, width: int) -> RenderableType:
    """Return the page of a line from the audience; for a request with its X-ray and the graph."""
    parts: list[RenderableType] = [*_lines(play.asked, large=False), Text()]
    if (answer := play.cells.asked) is not None:
        api = play.lab.admin.without_observers()
        parts += [xray(answer, width, api), Text(), graph(api, question_of(answer), width)]
    return Group(*parts)


def _lines(lines: Sequence[tuple[str, str]], *, large: bool) -> Iterator[RenderableType]:
    before = ""
    for kind, line in lines:
        if before and ((kind == "code") != (before == "code") or (large and kind == "request")):
            yield Text()
        status = STATUS.fullmatch(line) if large and before == "request" else None
        if status:
            yield Text(f"\n{large_letters(status[1])}\n", STYLES.get(kind, ""))
        answer = Text(status[2] if status else line.lstrip(), STYLES.get(kind, ""), overflow="fold")
        yield Padding(answer, (0, 0, 0, len(line) - len(line.lstrip())))
        before = kind


def picture(play: Play, name: str, width: int) -> RenderableType:
    """Return the X-ray of the last request, or the graph of the step's question."""
    now = play.played[-1] if play.played else None
    api = play.lab.admin.without_observers()
    if name == "xray":
        return xray(now.answer if now else None, width, api)
    of_step = now.beats[len(now.shown) - 1].picture if now and now.shown else ""
    if now and now.answer and not of_step:
        return graph(api, question_of(now.answer), width)
    return graph(api, asked_in_words(talks()[now.step.id].graph) if now else None, width)


def overview(play: Play, chosen: int = -1) -> RenderableType:
    """Return all steps in three columns, played ones with a tick, the chosen one in reverse."""
    # Three columns fit a terminal of 24 lines, the usual size of a new window.
    columns: tuple[list[Text], ...] = ([], [], [])
    for place, lesson in enumerate(play.lessons):
        column = columns[place * len(columns) // len(play.lessons)]
        column += [Text()] if column else []
        column.append(
            Text(
                f"{lesson.id[1]}  {shown(lesson.title)}", "bold", overflow="ellipsis", no_wrap=True
            )
        )
        for step in lesson.steps:
            ahead = play.steps.index(step) - len(play.played) + 1
            sign, style = ("✔", "green") if ahead < 0 else (" ", "")
            if ahead == 0:
                sign, style = ("▶", "bold yellow")
            style += " reverse" if play.steps.index(step) == chosen else ""
            column.append(
                Text(
                    f"{sign} {step.id:<3} {shown(step.title)}",
                    style,
                    overflow="ellipsis",
                    no_wrap=True,
                )
            )
    table = Table.grid(padding=(0, 2), expand=True)
    for _ in columns:
        table.add_column(ratio=1)
    for row in zip_longest(*columns, fillvalue=Text()):
        table.add_row(*row)
    return table


def help_page(shared: bool) -> RenderableType:
    """Return the page with the keys, and hints for a class."""
    table = Table.grid(padding=(0, 3))
    for names, what, *_ in DATA["keys"]:
        table.add_row(Text(names, "bold"), said(what))
    return Group(
        table, Text(f"\n{_of_data('notes' if shared else 'no notes')}\n{_of_data('font')}")
    )


def end(play: Play) -> RenderableType:
    """Return the last page."""
    passed = said("{passed} of {total} checkpoints passed", play.passed, len(play.steps))
    return Group(Text(f"{passed}\n", "bold green"), Markdown(_of_data("end"), style="bold"))


def _of_data(name: str) -> str:
    return said(DATA[name])
