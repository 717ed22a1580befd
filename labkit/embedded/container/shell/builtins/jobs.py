"""Background commands and signals: ``wait``, ``kill``."""

from __future__ import annotations

from labkit.embedded.container.shell.builtins.table import builtin, left_out
from labkit.embedded.container.shell.errors import ExitShell
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.task_loop import Task

SIGNALS = {
    "HUP": 1,
    "INT": 2,
    "QUIT": 3,
    "KILL": 9,
    "USR1": 10,
    "USR2": 12,
    "PIPE": 13,
    "ALRM": 14,
    "TERM": 15,
}
"""The signals that have a name here."""


def signal_number(text: str) -> int | None:
    """The number of a signal that ends a process, by its number or name; 0 only tests for the process."""
    if text.isdigit():
        return int(text) if int(text[:4]) in (0, *SIGNALS.values()) else None
    return SIGNALS.get(text.upper().removeprefix("SIG"))


@builtin("wait")
async def wait(shell: Shell, words: list[str]) -> int:
    """Wait for background commands."""
    if not words[1:]:
        for job in shell.jobs:
            await shell.task_loop.join(job)
        shell.jobs.clear()
        return 0
    status = 0
    for word in words[1:]:
        if word.startswith(("%", "-")):
            return await left_out(shell, f"wait {word}")
        task = _job(shell, word)
        if task is not None:
            status = await shell.task_loop.join(task)
            shell.jobs.remove(task)
            if shell.dialect == "dash" and status in (137, 143):
                await shell.write(2, "Killed\n" if status == 137 else "Terminated\n")
            continue
        problem = (
            f"pid {word} is not a child of this shell"
            if word.isdigit()
            else f"`{word}': not a pid or valid job spec"
        )
        status = await shell.complain(f"wait: {problem}", 127)
    return status


def _job(shell: Shell, pid: str) -> Task | None:
    return next((task for task in shell.jobs if str(task.pid) == pid), None)


@builtin("kill")
async def kill(shell: Shell, words: list[str]) -> int:
    """Send a signal to a process of this exec."""
    args = words[1:]
    signal: int | None = 15
    if args and args[0] in ("-l", "-L", "-n", "-s"):
        return await left_out(shell, f"kill {args[0]}")
    if args and args[0].startswith("-") and args[0] != "--":
        signal = signal_number(args[0][1:])
        if signal is None and shell.dialect == "dash":
            return await shell.complain(f"kill: Illegal option {args[0][:2]}", 2)
        if signal is None:
            return await shell.complain(f"kill: {args[0][1:]}: invalid signal specification")
        args = args[1:]
    if not args:
        await shell.write(
            2,
            "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n",
        )
        return 2
    return max([await _kill_one(shell, word, signal or 0) for word in args])


async def _kill_one(shell: Shell, word: str, signal: int) -> int:
    task = _job(shell, word)
    if task is not None and signal:
        shell.task_loop.stop(task, signal)
    elif word == str(shell.pid) and signal:
        raise ExitShell(128 + signal)
    elif (
        task is None
        and not (word.isdigit() and shell.system.fs.exists(f"/proc/{word}"))
        and word != str(shell.pid)
    ):
        if word.startswith("%"):
            return await left_out(shell, f"kill {word}")
        if shell.dialect == "dash":
            problem = "No such process\n" if word.isdigit() else f"Illegal number: {word}"
        elif word.isdigit() and len(word) < 9:
            problem = f"({word}) - No such process"
        else:
            problem = f"{word}: arguments must be process or job IDs"
        return await shell.complain(f"kill: {problem}")
    return 0
