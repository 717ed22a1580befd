"""``find``: the common tests and actions."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from labkit.embedded.container.files.inodes import Directory, FileError
from labkit.embedded.container.programs.find_printf import directives
from labkit.embedded.container.programs.find_tests import (
    FileTest,
    FindError,
    Here,
    always,
    at_path,
    empty,
    named,
    never,
    of_size,
    of_type,
    with_mode,
)
from labkit.embedded.container.shell.kernel import BudgetExceeded
from labkit.embedded.container.shell.printf import unescape
from labkit.embedded.container.shell.process import Process, program

_Test = Callable[[Here], Awaitable[bool]]


class _Find:
    def __init__(self, process: Process, words: list[str]) -> None:
        self.process = process
        self.words = words
        self.index = 0
        self.acts = False
        self.least, self.most = 0, 1 << 30
        self.pruned: set[str] = set()
        self.batch: list[tuple[list[str], list[str]]] = []
        self.quit = False
        self.status = 0
        self.depth = 0

    def peek(self) -> str:
        return self.words[self.index] if self.index < len(self.words) else ""

    def take(self, name: str) -> str:
        if self.index >= len(self.words):
            raise FindError(f"missing argument to `{name}'")
        self.index += 1
        return self.words[self.index - 1]

    def either(self) -> _Test:
        left = self.both()
        while self.peek() in ("-o", "-or"):
            self.index += 1
            first, second = left, self.both()

            async def either(here: Here, first: _Test = first, second: _Test = second) -> bool:
                return await first(here) or await second(here)

            left = either
        return left

    def both(self) -> _Test:
        left = self.one()
        while self.peek() and self.peek() not in ("-o", "-or", ")", ","):
            if self.peek() in ("-a", "-and"):
                self.index += 1
            first, second = left, self.one()

            async def both(here: Here, first: _Test = first, second: _Test = second) -> bool:
                return await first(here) and await second(here)

            left = both
        return left

    def one(self) -> _Test:
        self.depth += 1
        if self.depth > 200:
            raise FindError("expression too long")
        word = self.take("expression")
        if word in ("!", "-not"):
            inner = self.one()

            async def negated(here: Here) -> bool:
                return not await inner(here)

            return negated
        if word == "(":
            inner = self.either()
            if self.peek() != ")":
                raise FindError("expected an expression between '(' and ')'" if not self.peek() else "missing `)'")
            self.index += 1
            return inner
        if word in ("-print", "-print0", "-delete", "-exec", "-execdir", "-prune", "-quit", "-ls", "-ok", "-printf"):
            return self.action(word)
        return self.test(word)

    def test(self, word: str) -> _Test:
        simple = self._simple(word)

        async def run(here: Here) -> bool:
            return simple(here)

        return run

    def _simple(self, word: str) -> FileTest:
        """A test that looks at nothing but the file."""
        match word:
            case "-name" | "-iname":
                return named(self.take(word), fold=word == "-iname")
            case "-path" | "-wholename" | "-ipath":
                return at_path(self.take(word), fold=word == "-ipath")
            case "-type":
                return of_type(self.take(word))
            case "-maxdepth" | "-mindepth":
                self._limit_depth(word, self.take(word))
                return always
            case "-empty":
                return empty
            case "-size":
                return of_size(self.take(word))
            case "-user":
                return self._owned_by(self.take(word))
            case "-perm":
                return with_mode(self.take(word))
            case "-newer":
                return self._newer_than(self.take(word))
            case "-mtime" | "-mmin":
                return self._of_age(word, self.take(word))
            case "-ctime" | "-atime" | "-amin" | "-cmin" | "-group" | "-links" | "-inum":
                self.take(word)
                return always
            case "-true" | "-xdev" | "-mount" | "-depth" | "-follow" | "-noleaf" | "-L":
                return always
            case "-false":
                return never
            case "-readable" | "-writable" | "-executable":
                return self._permitted({"-readable": 4, "-writable": 2, "-executable": 1}[word])
        raise FindError(
            f"unknown predicate `{word}'" if word.startswith("-") else f"paths must precede expression: `{word}'"
        )

    def _limit_depth(self, word: str, text: str) -> None:
        if not re.fullmatch(r"\d{1,6}", text):
            raise FindError(f"Expected a positive decimal integer argument to {word}, but got `{text}'")
        if word == "-maxdepth":
            self.most = int(text)
        else:
            self.least = int(text)

    def _owned_by(self, name: str) -> FileTest:
        users = {one.name: one.uid for one in self.process.system.image.users}
        wanted = users.get(name, int(name) if name.isdigit() else -1)

        def owned(here: Here) -> bool:
            return here.node.uid == wanted

        return owned

    def _permitted(self, want: int) -> FileTest:
        def permitted(here: Here) -> bool:
            return self.process.fs.may(here.node, want)

        return permitted

    def _newer_than(self, path: str) -> FileTest:
        mark = self.process.node(path).mtime

        def newer(here: Here) -> bool:
            return here.node.mtime > mark

        return newer

    def _of_age(self, word: str, value: str) -> FileTest:
        match = re.fullmatch(r"([-+]?)(\d{1,6})", value)
        if match is None:
            raise FindError(f"invalid argument `{value}' to `{word}'")
        unit = 86400 if word == "-mtime" else 60
        limit = int(match[2])
        now = self.process.system.now()

        def aged(here: Here) -> bool:
            age = int((now - here.node.mtime) // unit)
            return age < limit if match[1] == "-" else age > limit if match[1] == "+" else age == limit

        return aged

    def action(self, word: str) -> _Test:
        process = self.process
        if word != "-prune":
            self.acts = True
        if word in ("-exec", "-execdir", "-ok"):
            command: list[str] = []
            while True:
                piece = self.take(word)
                if piece == ";":
                    break
                if piece == "+" and command and command[-1] == "{}":
                    return self._batched(command[:-1])
                command.append(piece)

            async def execute(here: Here) -> bool:
                words = [piece.replace("{}", here.path) for piece in command]
                if not words:
                    return False
                return await self._spawn(words) == 0

            return execute
        layout = self.take(word) if word == "-printf" else ""

        async def act(here: Here) -> bool:
            if word == "-prune":
                self.pruned.add(here.path)
            elif word == "-quit":
                self.quit = True
            elif word == "-delete":
                try:
                    found = process.fs.find(here.path, process.cwd, follow=False)
                    if isinstance(here.node, Directory) and here.node.look():
                        raise FileError("Directory not empty")
                    process.fs.remove(found)
                except FileError as error:
                    self.status = await process.fail(f"cannot delete '{here.path}': {error.reason}")
                    return False
            elif word == "-printf":
                await process.out(directives(process, here, unescape(layout)[0]))
            else:
                await process.out(here.path + ("\0" if word == "-print0" else "\n"))
            return True

        return act

    def _batched(self, command: list[str]) -> _Test:
        paths: list[str] = []
        self.batch.append((command, paths))

        async def collect(here: Here) -> bool:
            paths.append(here.path)
            return True

        return collect

    async def _spawn(self, words: list[str]) -> int:
        return await self.process.spawn(words, dict(self.process.env), dict(self.process.fds), self.process.cwd)

    async def run(self, roots: list[str]) -> int:
        process = self.process
        test: _Test | None = self.either() if self.words else None
        if self.index < len(self.words):
            raise FindError(f"paths must precede expression: `{self.words[self.index]}'")
        deleting = "-delete" in self.words or "-depth" in self.words
        for root in roots:
            try:
                top = process.node(root, follow=False)
            except FileError as error:
                self.status = await process.fail(f"'{root}': {error.reason}")
                continue
            walk = list(process.fs.walk(top, root)) if deleting else process.fs.walk(top, root)
            if isinstance(walk, list):
                walk.reverse()
            hidden: tuple[str, ...] = ()
            for path, node, depth in walk:
                await process.kernel.tick(0.3)
                if self.quit:
                    break
                if hidden and path.startswith(hidden):
                    continue
                if depth < self.least or depth > self.most:
                    continue
                good = await test(Here(path, node, depth)) if test is not None else True
                if good and not self.acts:
                    await process.out(path + "\n")
                if path in self.pruned:
                    hidden = (*hidden, path.rstrip("/") + "/")
        for command, paths in self.batch:
            if paths and await self._spawn([*command, *paths]):
                self.status = 1
        return self.status


@program("find")
async def find(process: Process) -> int:
    """Search a tree."""
    roots: list[str] = []
    words = [word for word in process.args if word not in ("-L", "-P", "-H")]
    while words and not words[0].startswith("-") and words[0] not in ("(", "!", ")"):
        roots.append(words.pop(0))
    try:
        return await _Find(process, words).run(roots or ["."])
    except FindError as error:
        return await process.fail(error.message)
    except RecursionError:
        raise BudgetExceeded("the expression is too long") from None
