"""``find``: tests on names, types, sizes and ages; ``-print``, ``-exec`` and ``-delete``."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from labkit.embedded.container.files.inodes import Device, Directory, File, FileError, Link, Node
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.patterns import glob_pattern
from labkit.embedded.container.shell.process import Process

MAX_TERMS = 200
_KINDS: dict[str, type[Node]] = {"f": File, "d": Directory, "l": Link, "c": Device}
_LEFT_OUT = frozenset({
    "-amin", "-atime", "-cmin", "-ctime", "-depth", "-execdir", "-executable", "-fprint", "-group", "-inum",
    "-links", "-ls", "-mmin", "-mount", "-mtime", "-newer", "-ok", "-okdir", "-perm", "-printf", "-prune",
    "-quit", "-readable", "-regex", "-samefile", "-size", "-user", "-writable", "-xdev", "-xtype",
})  # fmt: skip


class _FindError(Exception):
    """The expression makes no sense."""


@dataclass(slots=True, frozen=True)
class _Place:
    """A file that the walk has come to."""

    path: str
    node: Node

    @property
    def name(self) -> str:
        return self.path.rstrip("/").rpartition("/")[2] or self.path


_Test = Callable[[_Place], Awaitable[bool]]


class _Find:
    """Reads an expression by precedence (``-o``, ``-a``, ``!``, brackets) into a function, and walks with it.

    Args:
        process: The process.
        words: The expression.
    """

    def __init__(self, process: Process, words: list[str]) -> None:
        self.process = process
        self.words = words
        self.index = 0
        self.terms = 0
        self.acts = False
        self.least, self.most = 0, 1 << 30
        self.batches: list[tuple[list[str], list[str]]] = []
        self.status = 0

    def peek(self) -> str:
        return self.words[self.index] if self.index < len(self.words) else ""

    def take(self, name: str) -> str:
        if self.index >= len(self.words):
            raise _FindError(f"missing argument to `{name}'")
        self.index += 1
        return self.words[self.index - 1]

    def either(self) -> _Test:
        options = [self.both()]
        while self.peek() in ("-o", "-or"):
            self.index += 1
            options.append(self.both())

        async def either(place: _Place) -> bool:
            for option in options:
                if await option(place):
                    return True
            return False

        return either

    def both(self) -> _Test:
        tests = [self.one()]
        while self.peek() and self.peek() not in ("-o", "-or", ")"):
            self.index += self.peek() in ("-a", "-and")
            tests.append(self.one())

        async def both(place: _Place) -> bool:
            for test in tests:
                if not await test(place):
                    return False
            return True

        return both

    def one(self) -> _Test:
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise _FindError("expression too long")
        word = self.take("expression")
        if word in ("!", "-not"):
            inner = self.one()

            async def negated(place: _Place) -> bool:
                return not await inner(place)

            return negated
        if word == "(":
            inner = self.either()
            if self.peek() != ")":
                raise _FindError("missing `)'")
            self.index += 1
            return inner
        if word in _LEFT_OUT:
            raise _FindError(f"{word}: not simulated in this lab's pods")
        if word in ("-print", "-print0", "-delete", "-exec"):
            return self.action(word)
        test = self.test(word)

        async def run(place: _Place) -> bool:
            return test(place)

        return run

    def test(self, word: str) -> Callable[[_Place], bool]:
        """A test that looks at nothing but the file."""
        match word:
            case "-name" | "-iname":
                glob = glob_pattern(self.take(word), fold=word == "-iname")
                return lambda place: glob.matches(place.name)
            case "-path" | "-wholename" | "-ipath":
                glob = glob_pattern(self.take(word), fold=word == "-ipath")
                return lambda place: glob.matches(place.path)
            case "-type":
                kinds = self.take(word).split(",")
                if not all(kind in (*_KINDS, "b", "p", "s") for kind in kinds):
                    raise _FindError(f"Unknown argument to -type: {kinds[0]}")
                return lambda place: any(kind in _KINDS and isinstance(place.node, _KINDS[kind]) for kind in kinds)
            case "-maxdepth" | "-mindepth":
                text = self.take(word)
                if not re.fullmatch(r"\d{1,6}", text):
                    raise _FindError(f"Expected a positive decimal integer argument to {word}, but got `{text}'")
                if word == "-maxdepth":
                    self.most = int(text)
                else:
                    self.least = int(text)
                return lambda place: True
            case "-empty":
                return _empty
            case "-true" | "-false":
                return lambda place: word == "-true"
        raise _FindError(
            f"unknown predicate `{word}'" if word.startswith("-") else f"paths must precede expression: `{word}'"
        )

    def action(self, word: str) -> _Test:
        self.acts = True
        if word == "-exec":
            return self.execution()

        async def act(place: _Place) -> bool:
            if word == "-delete":
                return await self.delete(place)
            await self.process.out(place.path + ("\0" if word == "-print0" else "\n"))
            return True

        return act

    def execution(self) -> _Test:
        """``-exec … ;`` runs a command for every file, ``-exec … {} +`` one for all."""
        command: list[str] = []
        while (piece := self.take("-exec")) != ";":
            if piece == "+" and command[-1:] == ["{}"]:
                return self.batch(command[:-1])
            command.append(piece)

        async def execute(place: _Place) -> bool:
            words = [piece.replace("{}", place.path) for piece in command]
            return bool(words) and await self.process.run(words) == 0

        return execute

    def batch(self, command: list[str]) -> _Test:
        paths: list[str] = []
        self.batches.append((command, paths))

        async def collect(place: _Place) -> bool:
            paths.append(place.path)
            return True

        return collect

    async def delete(self, place: _Place) -> bool:
        fs = self.process.fs
        try:
            if isinstance(place.node, Directory) and place.node.look():
                raise FileError("Directory not empty")
            fs.remove(fs.find(place.path, self.process.cwd, follow=False))
        except FileError as error:
            self.status = await self.process.fail(f"cannot delete '{place.path}': {error.reason}")
            return False
        return True

    async def run(self, roots: list[str]) -> int:
        process = self.process
        test = self.either() if self.words else None
        if self.index < len(self.words):
            raise _FindError(f"paths must precede expression: `{self.words[self.index]}'")
        for root in roots:
            try:
                top = process.node(root, follow=False)
            except FileError as error:
                self.status = await process.fail(f"'{root}': {error.reason}")
                continue
            walk = process.fs.walk(top, root)
            for path, node, depth in reversed(list(walk)) if "-delete" in self.words else walk:
                await process.scheduler.tick(0.3)
                if not self.least <= depth <= self.most:
                    continue
                good = test is None or await test(_Place(path, node))
                if good and not self.acts:
                    await process.out(path + "\n")
        for command, paths in self.batches:
            if paths and await process.run([*command, *paths]):
                self.status = 1
        return self.status


def _empty(place: _Place) -> bool:
    if isinstance(place.node, Directory):
        return not place.node.look()
    return isinstance(place.node, File) and not place.node.content()


@program("find")
async def find(process: Process) -> int:
    """Search a tree."""
    roots: list[str] = []
    words = [word for word in process.args if word not in ("-L", "-P", "-H")]
    while words and not words[0].startswith("-") and words[0] not in ("(", "!", ")"):
        roots.append(words.pop(0))
    try:
        return await _Find(process, words).run(roots or ["."])
    except _FindError as error:
        return await process.fail(str(error))
