"""What each key of a performance does, and the drawing of its pages."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console, ConsoleDimensions, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.segment import Segment
from rich.text import Text

from labkit import lessons
from labkit.core.errors import UsageError
from labkit.lab.lab import Lab
from labkit.presenter import screen
from labkit.presenter.notes import Share, shared
from labkit.presenter.play import Play
from labkit.presenter.terminal import Terminal

MARGIN = 2
FRAME_LINES = 4
"""The lines of a page's header and footer."""

TICK_SECONDS = 0.25
"""How often the size of the terminal and the pace are looked at while no key comes."""

PAGES = ("overview", "xray", "graph", "help")
ACTIONS = {key: action for _, _, action, keys in screen.DATA["keys"] for key in keys}


def perform(lab: Lab, console: Console, terminal: Terminal, pace_seconds: float | None = None) -> int:
    """Perform the walkthrough on a cluster at its beginning; ``demo.run`` has the arguments and exit codes."""
    with shared() as share, console.screen():
        return Stage(lab, console, terminal, share, pace_seconds).run()


class Stage:
    """A performance in a terminal, which goes on by itself where it has a pace."""

    def __init__(
        self, lab: Lab, console: Console, terminal: Terminal, share: Share | None, pace_seconds: float | None
    ) -> None:
        self.play = Play(lab, lessons.LESSONS, self._report)
        self._console, self._terminal, self._share, self._pace = console, terminal, share, pace_seconds
        self._page = ""  # one of PAGES, above the play
        self._typed: str | None = None  # what was typed after /
        self._message = ""
        self._large = self._paused = self._at_end = self._over = False
        self._scroll = self._beneath = 0
        self._height = 1
        self._drawn: ConsoleDimensions | None = None
        self._begun = time.time()

    def run(self) -> int:
        """Perform until a key, or the pace, ends it."""
        complete = False
        while not self._over:
            self._draw()
            self._press(self._wait())
            complete = complete or self._at_end
        return 0 if not complete or self.play.passed == len(self.play.steps) else 1

    def _wait(self) -> str:
        """Wait for a key, or for the pace; draw the page again when the terminal has another size."""
        until = time.monotonic() + self._pace if self._pace and not self._paused else None
        while (key := self._terminal.key(TICK_SECONDS)) is None:
            if self._console.size != self._drawn:
                self._draw()
            if until and time.monotonic() >= until and self._typed is None:
                self._page = ""
                return "q" if self._at_end else " "
        return key

    def _press(self, key: str) -> None:
        self._message = ""
        if self._typed is not None:
            self._type(self._typed, key)
            return
        if key in ("up", "down"):
            self._scroll += 1 if key == "down" else -1
        match ACTIONS.get(key):
            case "forward":
                self._forward()
            case "back":
                self._back()
            case "jump":
                self._typed = ""
            case "larger":
                self._large, self._scroll = not self._large, 0
            case "pause":
                self._paused = not self._paused
            case "end":
                self._over = True
            case str(page) if page in PAGES:
                self._page, self._scroll = "" if page == self._page else page, 0

    def _type(self, typed: str, key: str) -> None:
        """Take a key of a jump's line."""
        if key in ("c-m", "c-j", "escape", "c-d") or (key == "c-h" and not typed):
            self._typed = None
            if typed.strip() and key in ("c-m", "c-j"):
                self._jump_to(typed.strip().removeprefix("/"))
        elif key == "c-h":
            self._typed = typed[:-1]
        elif len(key) == 1 and key.isprintable() and len(typed) < 20:
            self._typed = typed + key

    def _jump_to(self, typed: str) -> None:
        try:
            step = lessons.find(typed)
        except UsageError as error:
            self._message = f"{error.what} {error.todo}"
            return
        if step not in self.play.steps:
            self._message = f"{step.id} is left out: you may not create cluster roles on this cluster."
            return
        self._report(f"going to {step.id}")
        self._page, self._scroll, self._at_end = "", 0, False
        self.play.go(self.play.steps.index(step) + 1)

    def _forward(self) -> None:
        if self._beneath > 0:
            self._scroll += max(1, self._height - 1)
            return
        if not self._page:
            self._report("running")
            self._at_end = not self.play.forward()
        self._page, self._scroll = "", 0

    def _back(self) -> None:
        if self._scroll:
            self._scroll -= max(1, self._height - 1)
        elif self._page or self._at_end:
            self._page, self._at_end = "", False
        else:
            self._report("going back")
            self.play.back()

    # -- drawing ---------------------------------------------------------------------

    def _draw(self) -> None:
        size = self._drawn = self._console.size
        self._height = max(1, size.height - FRAME_LINES)
        body = self._rendered(self._body((size.width - 2 * MARGIN, self._height)))
        self._scroll = max(0, min(self._scroll, len(body) - self._height))
        self._beneath = len(body) - self._scroll - self._height
        shown = body[self._scroll : self._scroll + self._height]
        blank = [[Segment(" " * size.width)]] * (self._height - len(shown))
        header, footer = self._rendered(self._header()), self._rendered(self._footer())
        self._console.update_screen_lines([*header, *shown, *blank, *footer])
        if self._share:
            self._share(self._place())

    def _rendered(self, page: RenderableType) -> list[list[Segment]]:
        return self._console.render_lines(Padding(page, (0, MARGIN)), self._console.options.update(height=None))

    def _report(self, what: str) -> None:
        """Say what is being done, while it is done."""
        if self._drawn:
            line = self._rendered(Text(f"… {what}", "dim", no_wrap=True))
            self._console.update_screen_lines(line, 0, max(0, self._drawn.height - 2))

    def _body(self, room: tuple[int, int]) -> RenderableType:
        if self._page == "overview":
            return screen.overview(self.play)
        if self._page == "help":
            return screen.help_page(self._share is not None)
        if self._page:
            return screen.picture(self.play, self._page, room[0])
        return screen.end(self.play) if self._at_end else screen.page(self.play, *room, large=self._large)

    def _header(self) -> RenderableType:
        begun = self.play.played
        title = f"{begun[-1].step.id}  {begun[-1].step.title}" if begun else "labkit"
        heading = Text(f"{title}   ({len(begun)} of {len(self.play.steps)})", "bold", no_wrap=True, overflow="ellipsis")
        return Group(heading, Rule(style="dim"))

    def _footer(self) -> RenderableType:
        steps, beats = self.play.place
        first = "space runs it" if steps and not beats and not self._page else "space goes on"
        first = f"space: {self._beneath} more lines" if self._beneath > 0 else first
        message = Text(self._message, "yellow", no_wrap=True)
        if self._typed is not None:
            message = Text(f"Jump to step: /{self._typed}█   (Enter goes, Escape leaves)", "bold", no_wrap=True)
        elif self._pace and not self._message:
            state = "t goes on by itself" if self._paused else f"goes on by itself every {self._pace:g} s, t stops that"
            message = Text(state, "dim", no_wrap=True)
        bar = Text(f"{first}   ← back   / jump   o overview   ? keys   q ends", "dim", no_wrap=True)
        return Group(message, bar)

    def _place(self) -> dict[str, Any]:
        """Where it stands, for the notes."""
        steps, beats = self.play.place
        now = self.play.played[-1] if steps else None
        following = self.play.steps[steps].id if steps < len(self.play.steps) else ""
        where = f"{beats} of {len(now.beats)}" if now and beats else "the question"
        return {"step": now.step.id if now else "", "next": following, "place": where, "begun": self._begun}
