"""Expansion: from the words of a command to the texts it is given.

The order is bash's: tilde, parameters, ``$((…))`` and ``$(…)`` from left to right, then
field splitting, then file names, then quotes are gone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from labkit.embedded.container.files.inodes import Directory, FileError
from labkit.embedded.container.shell.arithmetic import ArithmeticProblem, evaluate
from labkit.embedded.container.shell.errors import ExpansionError
from labkit.embedded.container.shell.parameters import expand_parameter
from labkit.embedded.container.shell.patterns import Pattern
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.streams import Capture, decode
from labkit.embedded.container.shell.syntax import (
    Arithmetic,
    Parameter,
    Part,
    Script,
    Simple,
    Substitution,
    Text,
    Tilde,
    Word,
)
from labkit.embedded.container.shell.task_loop import MemoryExceeded

MAX_FIELDS = 100_100
MAX_CHARS = 4 << 20

Segment = tuple[str, bool]
"""Characters, and whether they are safe from splitting and patterns."""


class _Fields:
    """Fields as they grow: each is a list of segments."""

    def __init__(self) -> None:
        self.done: list[list[Segment]] = []
        self.now: list[Segment] = []
        self.started = False
        self.size = 0

    def add(self, text: str, *, quoted: bool) -> None:
        self.size += len(text)
        if self.size > MAX_CHARS or len(self.done) > MAX_FIELDS:
            raise MemoryExceeded
        if text or quoted:
            self.now.append((text, quoted))
            self.started = True

    def end(self) -> None:
        if self.started:
            self.done.append(self.now)
        self.now = []
        self.started = False

    def split(self, text: str, separators: str) -> None:
        """Add the result of an unquoted expansion; a separator that is no blank ends even an empty field."""
        if not separators:
            self.add(text, quoted=False)
            return
        for piece, separator in _separators(separators).findall(text):
            if piece:
                self.add(piece, quoted=False)
            if separator.strip(" \t\n"):
                self.add("", quoted=True)
            if separator:
                self.end()


@lru_cache(maxsize=16)
def _separators(separators: str) -> re.Pattern[str]:
    """The expression for a piece of a text and what separates it from the next."""
    blank = re.escape("".join(char for char in separators if char in " \t\n"))
    blanks = f"[{blank}]*" if blank else ""
    hard = re.escape("".join(char for char in separators if char not in " \t\n"))
    one_of = [f"{blanks}[{hard}]{blanks}"] if hard else []
    one_of += [f"[{blank}]+"] if blank else []
    return re.compile(f"([^{blank}{hard}]*)({'|'.join(one_of)}|$(?!\\n))", re.DOTALL)


class Expander(Shell):
    """The part of a shell that expands words."""

    async def fields(self, words: Sequence[Word]) -> list[str]:
        """The texts that a command line's words become; ``ExpansionError`` if a word has none."""
        out: list[str] = []
        for word in words:
            parts = word.parts
            if len(parts) == 1 and isinstance(parts[0], Text):
                text = parts[0].text
                if parts[0].quoted or not any(char in text for char in "*?["):
                    out.append(text)
                    continue
            fields = _Fields()
            await self._collect(parts, fields)
            fields.end()
            for field in fields.done:
                out.extend(self._file_names(field))
            if len(out) > MAX_FIELDS:
                raise MemoryExceeded
        return out

    async def text(self, word: Word) -> str:
        """A word as one text, without splitting and file names."""
        return "".join(text for text, _ in await self._segments(word))

    async def pattern(self, word: Word) -> Pattern:
        """A word as a pattern (``${x#…}``)."""
        return Pattern(await self._segments(word))

    async def _segments(self, word: Word) -> list[Segment]:
        """A word as one field."""
        fields = _Fields()
        await self._collect(word.parts, fields, split=False)
        fields.end()
        joined: list[Segment] = []
        for index, field in enumerate(fields.done):
            if index:
                joined.append((" ", True))
            joined.extend(field)
        return joined

    async def arithmetic(self, expression: Word) -> int:
        """The value of an expression; ``ExpansionError`` if it has none."""
        text = await self.text(expression)
        try:
            return evaluate(
                text, lambda name: self.variables.text(name) or "", bash=self.dialect == "bash"
            )
        except ArithmeticProblem as problem:
            raise ExpansionError(str(problem)) from None

    async def _collect(
        self, parts: Sequence[Part], fields: _Fields, *, split: bool = True, inner: bool = False
    ) -> None:
        """Add a word's parts to the fields; unquoted text is split too where the word is ``inner``: within ``${…}``."""
        for part in parts:
            self.task_loop.charge(0.1)
            match part:
                case Text(text, quoted):
                    self._put(text, fields, quoted=quoted, split=split and inner)
                case Tilde(user):
                    fields.add(self._home(user), quoted=True)
                case Parameter():
                    await self._parameter(part, fields, split=split)
                case Substitution(script, quoted):
                    self._put(await self._substitute(script), fields, quoted=quoted, split=split)
                case Arithmetic(expression, quoted):
                    self._put(
                        str(await self.arithmetic(expression)), fields, quoted=quoted, split=split
                    )

    def _put(self, text: str, fields: _Fields, *, quoted: bool, split: bool) -> None:
        if quoted or not split:
            fields.add(text, quoted=quoted)
        else:
            fields.split(text, self._separators())

    def _separators(self) -> str:
        """``$IFS``."""
        value = self.variables.text("IFS")
        return " \t\n" if value is None else value

    async def _substitute(self, script: Script) -> str:
        """``$(…)``: what a script prints, without its last newlines."""
        capture = Capture(self.task_loop.budget.memory_bytes)
        inner = self.subshell()
        inner.fds[1] = capture
        if self.dialect == "bash":
            inner.options.discard("errexit")
        self.task_loop.depth += 1
        try:
            only = script.commands[0] if len(script.commands) == 1 else None
            if (
                isinstance(only, Simple)
                and not only.words
                and [one.operator for one in only.redirects] == ["<"]
            ):
                script = Script((Simple(only.line, only.redirects, (), (Word((Text("cat"),)),)),))
            self.status = await inner.main(script)
        finally:
            self.task_loop.depth -= 1
        return decode(bytes(capture.data)).rstrip("\n").replace("\0", "")

    async def _parameter(self, part: Parameter, fields: _Fields, *, split: bool) -> None:
        value = await expand_parameter(self, part)
        if isinstance(value, str):
            self._put(value, fields, quoted=part.quoted, split=split)
        elif isinstance(value, Word):
            await self._collect(value.parts, fields, split=split, inner=True)
        elif (part.quoted and part.name != "@") or not (part.quoted or split):
            joint = self._separators()[:1] if part.name == "*" else " "
            fields.add(joint.join(value), quoted=part.quoted)
        else:
            for index, item in enumerate(value):
                if index:
                    fields.end()
                self._put(item, fields, quoted=part.quoted, split=split)

    def _home(self, user: str) -> str:
        if not user:
            return self.variables.text("HOME") or "/root"
        return next(
            (account.home for account in self.system.image.users if account.name == user),
            "~" + user,
        )

    def _file_names(self, field: list[Segment]) -> list[str]:
        text = "".join(piece for piece, _ in field)
        magic = any(not quoted and any(char in "*?[" for char in piece) for piece, quoted in field)
        if not magic:
            return [text]
        return self._glob(field) or [text]

    def _glob(self, field: list[Segment]) -> list[str]:
        """The paths that match a pattern, sorted."""
        levels: list[list[Segment]] = [[]]
        for piece, quoted in field:
            for index, part in enumerate(piece.split("/")):
                if index:
                    levels.append([])
                if part:
                    levels[-1].append((part, quoted))
        absolute = not levels[0] and len(levels) > 1
        paths = ["/" if absolute else ""]
        if absolute:
            levels = levels[1:]
        for number, level in enumerate(levels):
            last = number == len(levels) - 1
            if not level:
                paths = [
                    path if path.endswith("/") else path + "/" for path in paths if last or path
                ]
                continue
            paths = self._glob_level(paths, Pattern(level), last=last)
            if not paths:
                return []
        return sorted(paths)

    def _glob_level(self, bases: list[str], pattern: Pattern, *, last: bool) -> list[str]:
        fs, cwd = self.system.fs, self.cwd
        out: list[str] = []
        for base in bases:
            self.task_loop.charge(10)  # a path is walked, and no other process runs meanwhile
            prefix = base if not base or base.endswith("/") else base + "/"
            if not pattern.magic:
                path = prefix + pattern.literal
                if fs.exists(path, cwd, follow=False):
                    out.append(path)
                continue
            dotted = pattern.items[:1] == [r"\."]
            try:
                directory = fs.directory(base or ".", cwd)
                names = fs.names(directory)
                if dotted and self.dialect != "bash":
                    names = [".", "..", *names]
            except FileError:
                continue
            for name in names:
                self.task_loop.charge(0.1)
                if name.startswith(".") and not dotted:
                    continue
                if pattern.matches(name):
                    path = prefix + name
                    if last or isinstance(
                        fs.get(path, cwd) if fs.exists(path, cwd) else None, Directory
                    ):
                        out.append(path)
        return out
