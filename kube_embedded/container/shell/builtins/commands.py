"""Builtins that run, test, describe, end and wait for commands."""

import re

from ..builtin_table import BASH_ONLY, BUILTINS, builtin, left_out
from ..conditions import TestError, ask
from ..lexer import BASH_RESERVED, RESERVED
from ..run_program import look_up, run_program
from ..shell import ExitShell, LoopControl, Shell
from ..task_loop import Task

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

_KILL_USAGE = (
    "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n"
)


@builtin("command")
async def command(shell: Shell, words: list[str]) -> int:
    """Run a command that no function hides, or with ``-v`` print its path."""
    arguments = words[1:]
    option = arguments[0] if arguments and arguments[0].startswith("-") else ""
    if option == "-v":
        # dash looks at the first name only.
        names = arguments[1:] if shell.bash else arguments[1:2]
        return min([await _describe(shell, name) for name in names], default=0)
    if option not in ("", "--"):
        return await left_out(shell, f"command {option}")
    del arguments[: bool(option)]
    return await shell.call(arguments, functions=False) if arguments else 0


async def _describe(shell: Shell, name: str) -> int:
    own = name in RESERVED or name in shell.functions or name in BUILTINS
    if not shell.bash:
        own = own and name not in BASH_ONLY
    path = name if own or (shell.bash and name in BASH_RESERVED) else look_up(shell, name)
    if path is None:
        return 1 if shell.bash else 127
    await shell.write(1, path + "\n")
    return 0


@builtin("exit")
async def exit_shell(shell: Shell, words: list[str]) -> int:
    """End the shell; an interactive bash prints ``exit``."""
    if shell.interactive and shell.bash:
        await shell.write(2, "exit\n")
    status = words[1] if len(words) > 1 else str(shell.status)
    if not re.fullmatch(r"[-+]?\d{1,18}" if shell.bash else r"\d{1,18}", status):
        problem = (
            f"{status}: numeric argument required" if shell.bash else f"Illegal number: {status}"
        )
        raise ExitShell(await shell.complain(f"exit: {problem}", 2))
    if len(words) > 2 and shell.bash:
        raise ExitShell(await shell.complain("exit: too many arguments"))
    raise ExitShell(int(status))


@builtin("break", "continue")
async def loop_control(shell: Shell, words: list[str]) -> int:
    """Leave a loop, or its round."""
    if not shell.loops:
        if shell.bash:
            problem = "only meaningful in a `for', `while', or `until' loop"
            await shell.complain(f"{words[0]}: {problem}")
        return 0
    levels = words[1] if len(words) > 1 else "1"
    if not re.fullmatch(r"[1-9]\d{0,4}", levels):
        return await shell.complain(f"{words[0]}: {levels}: loop count out of range")
    raise LoopControl(int(levels), again=words[0] == "continue")


@builtin("exec")
async def exec_program(shell: Shell, words: list[str]) -> int:
    """Become another program."""
    if len(words) == 1:
        return 0
    if look_up(shell, words[1]) is None:
        raise ExitShell(await shell.complain(f"exec: {words[1]}: not found", 127))
    # The program replaces the shell, so the shell ends with it.
    raise ExitShell(await run_program(shell, words[1:]))


@builtin("test", "[")
async def test(shell: Shell, words: list[str]) -> int:
    """Answer a question about files, texts or numbers."""
    arguments = words[1:]
    if words[0] == "[" and (not arguments or arguments.pop() != "]"):
        return await shell.complain("[: missing `]'" if shell.bash else "[: missing ]", 2)
    try:
        return int(not ask(shell, arguments))
    except TestError as error:
        message = str(error)
        if not shell.bash and error.problem.endswith("expected"):
            message = f"{error.token}: unexpected operator"
            if error.problem.startswith("integer"):
                message = f"Illegal number: {error.token}"
        return await shell.complain(f"{words[0]}: {message}", 2)


@builtin("wait")
async def wait(shell: Shell, words: list[str]) -> int:
    """Wait for background commands."""
    if len(words) == 1:
        for job in shell.jobs:
            await shell.task_loop.join(job)
        shell.jobs.clear()
        return 0
    status = 0
    for word in words[1:]:
        if word.startswith(("%", "-")):
            return await left_out(shell, f"wait {word}")
        task = _job(shell, word)
        if task is None:
            status = await shell.complain(f"wait: pid {word} is not a child of this shell", 127)
            continue
        status = await shell.task_loop.join(task)
        shell.jobs.remove(task)
        # Only dash reports how a process ended that it waited for.
        if not shell.bash and status in (137, 143):
            await shell.write(2, "Killed\n" if status == 137 else "Terminated\n")
    return status


def _job(shell: Shell, pid: str) -> Task | None:
    return next((task for task in shell.jobs if str(task.pid) == pid), None)


@builtin("kill")
async def kill(shell: Shell, words: list[str]) -> int:
    """Send a signal to a process of this exec."""
    arguments = words[1:]
    signal = SIGNALS["TERM"]
    if arguments and arguments[0].startswith("-"):
        name = arguments.pop(0)[1:]
        if name in ("l", "L", "n", "s", "-"):
            return await left_out(shell, f"kill -{name}")
        number = SIGNALS.get(name.upper().removeprefix("SIG"), -1)
        signal = int(name) if name.isdigit() and len(name) < 3 else number
        if signal not in (0, *SIGNALS.values()):
            if shell.bash:
                return await shell.complain(f"kill: {name}: invalid signal specification")
            return await shell.complain(f"kill: Illegal option -{name[:1]}", 2)
    if not arguments:
        await shell.write(2, _KILL_USAGE)
        return 2
    return max([await _kill(shell, word, signal) for word in arguments])


async def _kill(shell: Shell, word: str, signal: int) -> int:
    """Send a signal to one process; the signal 0 is only a test for it."""
    task = _job(shell, word)
    own = word == str(shell.pid)
    if own and signal:
        raise ExitShell(128 + signal)
    if task is not None and signal:
        shell.task_loop.stop(task, signal)
    if own or task is not None or (word.isdigit() and shell.system.fs.exists(f"/proc/{word}")):
        # The container's first process ignores signals that it does not expect, as PID 1 does.
        return 0
    if word.startswith("%"):
        return await left_out(shell, f"kill {word}")
    if not word.isdigit():
        return await shell.complain(f"kill: {word}: arguments must be process or job IDs")
    return await shell.complain(
        f"kill: ({word}) - No such process" if shell.bash else "kill: No such process\n"
    )
