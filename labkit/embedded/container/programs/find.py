"""``find``: ``-name -path -type -maxdepth -print -exec``."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from labkit.embedded.container.files.inodes import Device, Directory, File, FileError, Link, Node
from labkit.embedded.container.programs.options import NOT_SIMULATED
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.patterns import Pattern
from labkit.embedded.container.shell.process import Process

_KINDS: dict[str, type[Node]] = {"f": File, "d": Directory, "l": Link, "c": Device}
_LEFT_OUT = frozenset({
    "!", "(", ")", ",", "-a", "-amin", "-and", "-atime", "-cmin", "-ctime", "-delete", "-depth", "-empty", "-execdir",
    "-executable", "-false", "-fprint", "-group", "-inum", "-ipath", "-links", "-ls", "-mmin", "-mount", "-mtime",
    "-newer", "-not", "-o", "-ok", "-okdir", "-or", "-perm", "-print0", "-printf", "-prune", "-quit", "-readable",
    "-regex", "-samefile", "-size", "-true", "-user", "-wholename", "-writable", "-xdev", "-xtype",
})  # fmt: skip


class _FindError(Exception):
    """The expression makes no sense."""


_Step = Callable[[str, Node], Awaitable[bool]]
"""A test or an action on a path and its node; it returns whether the next one is tried."""


@dataclass(slots=True)
class _Plan:
    """A parsed expression: its tests and actions in order, and the depths of interest.

    If none of them ``acts``, the paths that pass are printed.
    """

    steps: list[_Step] = field(default_factory=list)
    least: int = 0
    most: int = 1 << 30
    acts: bool = False

    async def passes(self, path: str, node: Node, depth: int) -> bool:
        """Run the steps on a file, and return whether all of them passed."""
        if not self.least <= depth <= self.most:
            return False
        for step in self.steps:
            if not await step(path, node):
                return False
        return True


def _plan(process: Process, words: list[str]) -> _Plan:
    """Parse an expression, or raise ``_FindError``."""
    plan = _Plan()
    left = list(words)

    def take(name: str) -> str:
        if not left:
            raise _FindError(f"missing argument to `{name}'")
        return left.pop(0)

    while left:
        word = left.pop(0)
        match word:
            case "-name" | "-iname" | "-path":
                plan.steps.append(_named(take(word), fold=word == "-iname", whole=word == "-path"))
            case "-type":
                plan.steps.append(_of_type(take(word)))
            case "-maxdepth" | "-mindepth":
                text = take(word)
                if not re.fullmatch(r"\d{1,6}", text):
                    raise _FindError(f"Expected a positive decimal integer argument to {word}, but got `{text}'")
                plan.least, plan.most = (plan.least, int(text)) if word == "-maxdepth" else (int(text), plan.most)
            case "-print":
                plan.acts = True
                plan.steps.append(_printer(process))
            case "-exec":
                plan.acts = True
                command: list[str] = []
                while (piece := take(word)) != ";":
                    if piece == "+" and command[-1:] == ["{}"]:
                        raise _FindError(f"-exec … +{NOT_SIMULATED}")
                    command.append(piece)
                plan.steps.append(_runner(process, command))
            case _ if word in _LEFT_OUT:
                raise _FindError(f"{word}{NOT_SIMULATED}")
            case _ if word.startswith("-"):
                raise _FindError(f"unknown predicate `{word}'")
            case _:
                raise _FindError(f"paths must precede expression: `{word}'")
    return plan


def _named(pattern: str, *, fold: bool, whole: bool) -> _Step:
    glob = Pattern([(pattern, False)], fold=fold)

    async def step(path: str, node: Node) -> bool:
        return glob.matches(path if whole else path.rstrip("/").rpartition("/")[2] or path)

    return step


def _of_type(kind: str) -> _Step:
    if kind not in (*_KINDS, "b", "p", "s"):
        raise _FindError(f"Unknown argument to -type: {kind}")

    async def step(path: str, node: Node) -> bool:
        return kind in _KINDS and isinstance(node, _KINDS[kind])

    return step


def _printer(process: Process) -> _Step:
    async def step(path: str, node: Node) -> bool:
        await process.out(path + "\n")
        return True

    return step


def _runner(process: Process, command: list[str]) -> _Step:
    async def step(path: str, node: Node) -> bool:
        return bool(command) and await process.run([piece.replace("{}", path) for piece in command]) == 0

    return step


@program("find")
async def find(process: Process) -> int:
    """Search a tree."""
    roots: list[str] = []
    words = [word for word in process.args if word not in ("-L", "-P", "-H")]
    while words and not words[0].startswith("-") and words[0] not in ("(", "!", ")"):
        roots.append(words.pop(0))
    try:
        plan = _plan(process, words)
    except _FindError as error:
        return await process.fail(str(error))
    status = 0
    for root in roots or ["."]:
        try:
            top = process.node(root, follow=False)
        except FileError as error:
            status = await process.fail(f"'{root}': {error.reason}")
            continue
        for path, node, depth in process.fs.walk(top, root):
            await process.scheduler.tick(0.3)
            if await plan.passes(path, node, depth) and not plan.acts:
                await process.out(path + "\n")
    return status
