"""Background commands and signals: ``trap``, ``wait``, ``kill``."""

from __future__ import annotations

from labkit.embedded.container.shell.builtins.table import builtin, left_out
from labkit.embedded.container.shell.errors import ExitShell
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.scheduler import Task

SIGNALS = {"HUP": 1, "INT": 2, "QUIT": 3, "KILL": 9, "USR1": 10, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15}
"""The signals that have a name here."""

FATAL = frozenset({1, 2, 3, 9, 14, 15})
"""The signals that end a shell which has no trap for them."""


def signal_number(text: str) -> int | None:
    """The number of a signal given by number or name, None if there is none; 0 only tests for the process."""
    if text.isdigit():
        return int(text) if len(text) < 3 and int(text) < 65 else None
    return SIGNALS.get(text.upper().removeprefix("SIG"))


@builtin("trap")
async def trap(shell: Shell, words: list[str]) -> int:
    """Set a script for the end of the shell, or for a signal."""
    args = words[1:]
    if args and args[0] in ("-p", "-l"):
        return await left_out(shell, f"trap {args[0]}")
    if args and args[0] == "--":
        args = args[1:]
    if not args:
        for name, script in shell.traps.items():
            await shell.write(1, f"trap -- '{script}' {name}\n")
        return 0
    script, names = (args[0], args[1:]) if len(args) > 1 else ("-", args)
    for name in names:
        number = signal_number(name)
        if name in ("ERR", "DEBUG", "RETURN") and shell.dialect == "bash":
            return await left_out(shell, f"trap {name}")
        if name not in ("EXIT", "0") and number is None:
            message = "invalid signal specification" if shell.dialect == "bash" else "bad trap"
            return await shell.complain(f"trap: {name}: {message}")
        known = next((known for known, one in SIGNALS.items() if one == number), name)
        key = "EXIT" if not number else f"SIG{known}"
        if script == "-":
            shell.traps.pop(key, None)
        else:
            shell.traps[key] = script
    return 0


@builtin("wait")
async def wait(shell: Shell, words: list[str]) -> int:
    """Wait for background commands."""
    if not words[1:]:
        for job in shell.jobs:
            await shell.scheduler.join(job)
        shell.jobs.clear()
        return 0
    status = 0
    for word in words[1:]:
        if word.startswith(("%", "-")):
            return await left_out(shell, f"wait {word}")
        task = _job(shell, word)
        if task is not None:
            status = await shell.scheduler.join(task)
            shell.jobs.remove(task)
            if shell.dialect == "dash" and status in (137, 143):
                await shell.write(2, "Killed\n" if status == 137 else "Terminated\n")
            continue
        problem = (
            f"pid {word} is not a child of this shell" if word.isdigit() else f"`{word}': not a pid or valid job spec"
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
    if args and args[0] in ("-l", "-L"):
        return await left_out(shell, "kill -l")
    if args and args[0] in ("-s", "-n") and len(args) > 1:
        args = ["-" + args[1], *args[2:]]
    if args and args[0].startswith("-") and args[0] != "--":
        signal = signal_number(args[0][1:])
        if signal is None:
            return await shell.complain(f"kill: {args[0][1:]}: invalid signal specification")
        args = args[1:]
    if not args:
        await shell.write(
            2, "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n"
        )
        return 2
    return max([await _kill_one(shell, word, signal or 0) for word in args])


async def _kill_one(shell: Shell, word: str, signal: int) -> int:
    if word.startswith("%"):
        return await left_out(shell, f"kill {word}")
    task = _job(shell, word)
    if task is not None and signal:
        shell.scheduler.stop(task, signal)
    elif word == str(shell.pid):
        name = next((name for name, number in SIGNALS.items() if number == signal), "")
        script = shell.traps.get(f"SIG{name}") if signal != SIGNALS["KILL"] else None
        if script is not None:
            await shell.run_text(script)
        elif signal in FATAL:
            if shell.dialect != "bash":
                shell.traps.clear()
            raise ExitShell(128 + signal)
    elif task is None and not any(word == str(pid) for pid, _ in shell.system.processes()):
        if shell.dialect == "dash":
            return await shell.complain(
                "kill: No such process\n" if word.isdigit() else f"kill: Illegal number: {word}"
            )
        if word.isdigit() and len(word) < 9:
            return await shell.complain(f"kill: ({word}) - No such process")
        return await shell.complain(f"kill: {word}: arguments must be process or job IDs")
    return 0
