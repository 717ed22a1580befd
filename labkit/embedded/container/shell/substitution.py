"""Substitutions: ``$(…)`` and ``<(…)``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.embedded.container.shell.problems import ExpansionError
from labkit.embedded.container.shell.streams import Capture, Pipe, decode

if TYPE_CHECKING:
    from labkit.embedded.container.shell.interpreter import Shell


async def substitute(shell: Shell, script: str) -> str:
    """``$(…)``: what a script prints, without its last newlines."""
    capture = Capture(shell.kernel.budget.memory_bytes)
    inner = shell.subshell()
    inner.fds[1] = capture
    inner.traps = {}
    text = script.strip()
    if text.startswith("<") and not text.startswith(("<(", "<<")):
        inner.fds[0] = shell.fds[0]
        script = "cat " + text
    shell.kernel.depth += 1
    try:
        if "errexit" in inner.options and shell.dialect == "bash":
            inner.options.discard("errexit")
        shell.status = await inner.main(script)
    finally:
        shell.kernel.depth -= 1
    return decode(bytes(capture.data)).rstrip("\n").replace("\0", "")


async def process_substitution(shell: Shell, script: str, direction: str) -> str:
    """``<(…)``: a path under ``/dev/fd`` from which the script's output is read."""
    number = 63
    while number in shell.fds:
        number -= 1
    if number < 10:
        raise ExpansionError("cannot make pipe for process substitution: Too many open files")
    inner = shell.subshell()
    pipe = Pipe(shell.kernel)
    own, ours = (1, pipe.reader) if direction == "<" else (0, pipe.writer)
    inner.fds[own] = pipe.writer if direction == "<" else pipe.reader
    shell.fds[number] = ours

    async def body() -> int:
        try:
            return await inner.main(script)
        finally:
            inner.fds[own].close()

    shell.kernel.spawn(body())
    return f"/dev/fd/{number}"
