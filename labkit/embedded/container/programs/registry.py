"""The table of programs, and the decorator that adds one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from labkit.embedded.container.programs.options import BadOption
from labkit.embedded.container.shell.process import Process

Program = Callable[[Process], Awaitable[int]]
"""A command: runs with what it is given and returns its exit status."""

PROGRAMS: dict[str, Program] = {}
"""The programs of the modules that are loaded."""


def program(*names: str, misuse: int = 1) -> Callable[[Program], Program]:
    """Put a command into :data:`PROGRAMS`; ``misuse`` is its exit status for an unknown option, which is reported."""

    def register(function: Program) -> Program:
        async def run(process: Process) -> int:
            try:
                return await function(process)
            except BadOption as error:
                hint = (
                    "" if error.left_out else f"Try '{process.name} --help' for more information.\n"
                )
                await process.err(f"{process.name}: {error}\n{hint}")
                return misuse

        for name in names:
            PROGRAMS[name] = run
        return run

    return register
