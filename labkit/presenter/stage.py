"""The actions of a performance's keys, and the drawing of its pages."""

import time
from typing import Any

from rich.console import Console, ConsoleDimensions, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.segment import Segment
from rich.text import Text

from labkit import lessons
from labkit.core.errors import UsageError
from labkit.core.language import said, shown, text
from labkit.core.sharing import DEMO, Share, shared
from labkit.lab.lab import Lab

from . import room, screen
from .play import Play
from .terminal import Terminal

MARGIN = 2
FRAME_LINES = 4
"""The lines of a page's header and footer."""

TICK_SECONDS = 0.25
"""The interval at which the terminal's size and the pace are checked while no key is pressed."""

PAGES = ("overview", "xray", "graph", "room", "help")
ASKED = "asked"
"""The page of an answer to a line from the audience."""

PROMPTS = {
    "/": "Jump to step: /{it}█  (Enter goes, Escape leaves)",
    ":": "kubectl … or Python: {it}█  (Enter asks)",
}
LENGTHS = {"/": 20, ":": 300}
ENTER = ("c-m", "c-j")
CODE = ("all at once", "a line at a key", "not before it runs")
"""The ways to show the next code; a key changes it."""
ACTIONS = {key: action for _, _, action, keys in screen.DATA["keys"] for key in keys}


def perform(
    lab: Lab, console: Console, terminal: Terminal, pace_seconds: float | None = None
) -> int:
    """Perform the walkthrough on a cluster at its beginning; ``demo.run`` has the arguments and exit codes."""
    with shared(DEMO) as share, console.screen():
        return Stage(lab, console, terminal, share, pace_seconds).run()


class Stage:
    """A performance in a terminal; with a pace it goes on by itself."""

    def __init__(
        self,
        lab: Lab,
        console: Console,
        terminal: Terminal,
        share: Share | None,
        pace_seconds: float | None,
    ) -> None:
        self.play = Play(lab, lessons.LESSONS, self._report)
        self._console = console
        self._terminal = terminal
        self._share = share
        self._pace = pace_seconds
        self._page = ""  # one of PAGES, above the play
        self._prompt, self._typed = "", ""  # one of PROMPTS while something is typed, and what
        self._code = 0  # how many lines of the next code are shown
        self._way = 0  # one of CODE
        self._chosen = 0  # a step of the overview
        self._message = ""
        self._large = self._paused = self._at_end = self._over = False
        self._scroll = self._beneath = 0
        self._height = 1
        self._drawn: ConsoleDimensions | None = None
        self._room: room.Question = {}  # the room's question, in a class
        self._begun = self._since = time.time()
        self._step = ""  # the step that began at _since
        self._taken: dict[str, float] = {}  # the seconds at other times, by step

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
            if self._console.size != self._drawn or room.question() != self._room:
                self._draw()
            if until and time.monotonic() >= until and not self._prompt:
                self._page = ""
                # The pace presses the same keys as an instructor, so nothing behaves
                # differently.
                return "q" if self._at_end else " "
        return key

    def _press(self, key: str) -> None:
        self._message = ""
        if self._prompt:
            self._type(key)
            return
        if key in ("up", "down"):
            step = 1 if key == "down" else -1
            self._chosen = (self._chosen + step) % len(self.play.steps)
            self._scroll += 0 if self._page == "overview" else step
        if self._page and key == "escape":
            self._leave()
            self._page = ""
        if self._page == "overview" and key in ENTER:
            self._jump_to(self.play.steps[self._chosen].id)
            return
        match ACTIONS.get(key):
            case "forward":
                self._forward()
            case "back":
                self._back()
            case "jump" | "ask":
                self._prompt = key
                self._typed = ""
            case "code":
                self._way = (self._way + 1) % len(CODE)
                self._message = said(f"Code is shown {CODE[self._way]}.")
            case "larger":
                self._large = not self._large
                self._scroll = 0
            case "pause":
                self._paused = not self._paused
            case "end":
                self._over = True
            case str(page) if page in PAGES:
                self._leave()
                self._page = "" if page == self._page else page
                self._scroll = 0
                self._chosen = max(0, len(self.play.played) - 1)

    def _type(self, key: str) -> None:
        """Process a key while a line is typed."""
        prompt = self._prompt
        typed = self._typed.strip()
        if key in (*ENTER, "escape", "c-d") or (key == "c-h" and not self._typed):
            self._prompt = ""
            if typed and key in ENTER:
                (self._ask if prompt == ":" else self._jump_to)(typed.removeprefix(prompt))
        elif key == "c-h":
            self._typed = self._typed[:-1]
        elif len(key) == 1 and key.isprintable() and len(self._typed) < LENGTHS[prompt]:
            self._typed += key

    def _ask(self, typed: str) -> None:
        self._report(text("asking"))
        self.play.ask(typed)
        self._page = ASKED
        self._scroll = 0

    def _leave(self) -> None:
        """Leave the page above the play, and undo the changes of a line from the audience."""
        if self._page == ASKED:
            self._report(text("putting back what was there"))
            self.play.put_back()

    def _jump_to(self, typed: str) -> None:
        try:
            step = lessons.find(typed)
        except UsageError as error:
            self._message = f"{said(error.what)} {said(error.todo)}"
            return
        if step not in self.play.steps:
            self._message = said(
                "{step} is left out: you may not create cluster roles here.", step.id
            )
            return
        self._report(text("going to {step}", step.id))
        self._page, self._scroll, self._at_end, self._code = "", 0, False, 0
        self.play.go(self.play.steps.index(step) + 1)

    def _forward(self) -> None:
        if self._beneath > 0:
            self._scroll += max(1, self._height - 1)
            return
        lines = len(self.play.coming)
        if self._page:
            self._leave()
        elif self._code < lines and CODE[self._way] != CODE[-1]:
            self._code = lines if self._way == 0 else self._code + 1
        else:
            self._report(text("running"))
            self._at_end = not self.play.forward()
            self._code = 0
        self._page, self._scroll = "", 0

    def _back(self) -> None:
        if self._scroll:
            self._scroll -= max(1, self._height - 1)
        elif self._page or self._at_end or self._code:
            self._leave()
            self._page, self._at_end, self._code = "", False, 0
        else:
            self._report(text("going back"))
            self.play.back()

    # -- drawing ---------------------------------------------------------------------

    def _draw(self) -> None:
        size = self._drawn = self._console.size
        self._room = room.question()
        self._height = max(1, size.height - FRAME_LINES)
        body = self._rendered(self._body(size.width - 2 * MARGIN))
        self._scroll = max(0, min(self._scroll, len(body) - self._height))
        self._beneath = len(body) - self._scroll - self._height
        shown = body[self._scroll : self._scroll + self._height]
        blank = [[Segment(" " * size.width)]] * (self._height - len(shown))
        header = self._rendered(self._header())
        footer = self._rendered(self._footer())
        self._console.update_screen_lines([*header, *shown, *blank, *footer])
        if self._share:
            self._share(self._place())

    def _rendered(self, page: RenderableType) -> list[list[Segment]]:
        return self._console.render_lines(
            Padding(page, (0, MARGIN)), self._console.options.update(height=None)
        )

    def _report(self, what: str) -> None:
        """Show an action at the bottom of the screen while it goes on."""
        # Only this line is written: drawing the page would read the room and share the place again.
        if self._drawn:
            line = self._rendered(Text(f"… {shown(what)}", "dim", no_wrap=True))
            self._console.update_screen_lines(line, 0, max(0, self._drawn.height - 2))

    def _body(self, width: int) -> RenderableType:
        if self._page == "overview":
            return screen.overview(self.play, self._chosen)
        if self._page == "room":
            return room.page(self._room)
        if self._page == "help":
            return screen.help_page(self._share is not None)
        if self._page == ASKED:
            return screen.asked(self.play, width)
        if self._page:
            return screen.picture(self.play, self._page, width)
        if self._code:
            return screen.code(self.play.coming[: self._code])
        if self._at_end:
            return screen.end(self.play)
        return screen.page(self.play, width, self._height, self._room, large=self._large)

    def _header(self) -> RenderableType:
        begun = self.play.played
        title = f"{begun[-1].step.id}  {shown(begun[-1].step.title)}" if begun else "labkit"
        place = said("({number} of {total})", len(begun), len(self.play.steps))
        heading = Text(f"{title}   {place}", "bold", no_wrap=True, overflow="ellipsis")
        return Group(heading, Rule(style="dim"))

    def _footer(self) -> RenderableType:
        steps, beats = self.play.place
        first = (
            text("space runs it")
            if steps and not beats and not self._page
            else text("space goes on")
        )
        if self._code and not self._page:
            first = (
                text("space sends it")
                if self._code == len(self.play.coming)
                else text("space: the next line")
            )
        first = text("space: {lines} more lines", self._beneath) if self._beneath > 0 else first
        message = Text(self._message, "yellow", no_wrap=True)
        if self._prompt:
            typed = self._typed[-max(10, self._console.width - 60) :]
            message = Text(said(PROMPTS[self._prompt], typed), "bold", no_wrap=True)
        elif self._pace and not self._message:
            state = text("goes on by itself every {seconds} s, t stops that", f"{self._pace:g}")
            message = Text(
                shown(text("t goes on by itself") if self._paused else state), "dim", no_wrap=True
            )
        keys = text("{first}   ← back  / jump  : ask  o steps  ? keys  q ends", first)
        return Group(message, Text(shown(keys), "dim", no_wrap=True))

    def _place(self) -> dict[str, Any]:
        """Return the place to share with the notes."""
        steps, beats = self.play.place
        now = self.play.played[-1] if steps else None
        following = self.play.steps[steps].id if steps < len(self.play.steps) else ""
        where = shown(
            text("{number} of {total}", beats, len(now.beats))
            if now and beats
            else text("the question")
        )
        step = now.step.id if now else ""
        if step != self._step:
            until = time.time()
            self._taken[self._step] = self._taken.get(self._step, 0) + until - self._since
            self._step = step
            self._since = until
        place = {"step": step, "next": following, "place": where, "begun": self._begun}
        return {**place, "since": self._since, "taken": self._taken}
