"""Background commands and signals."""

from __future__ import annotations

from labkit.embedded.container.shell.builtins.table import builtin
from labkit.embedded.container.shell.interpreter import Shell
from labkit.embedded.container.shell.kernel import Task
from labkit.embedded.container.shell.leaving import Leave

SIGNALS = (
    "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
    "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
    "WINCH", "IO", "PWR", "SYS",
)  # fmt: skip


KILL = 9
"""The signal that no process can catch."""


@builtin("trap")
async def trap(shell: Shell, words: list[str]) -> int:
    """Keep a script for the end of the shell."""
    args = [word for word in words[1:] if word not in ("--", "-p")]
    if "-l" in args:
        return await kill(shell, ["kill", "-l"])
    if not args:
        for name, script in shell.traps.items():
            await shell.write(1, f"trap -- '{script}' {name}\n")
        return 0
    script, names = (args[0], args[1:]) if len(args) > 1 else ("-", args)
    for name in names:
        name = name.upper().removeprefix("SIG")
        name = {"0": "EXIT"}.get(name, name)
        if name.isdigit() and int(name[:3]) < len(SIGNALS):
            name = SIGNALS[int(name)]
        if name not in SIGNALS and name not in ("EXIT", "ERR", "DEBUG", "RETURN"):
            await shell.complain(f"trap: {name}: invalid signal specification")
            return 1
        key = name if name in ("EXIT", "ERR", "DEBUG", "RETURN") else "SIG" + name
        if script == "-":
            shell.traps.pop(key, None)
        else:
            shell.traps[key] = script
    return 0


@builtin("wait")
async def wait(shell: Shell, words: list[str]) -> int:
    """Wait for background commands."""
    status = 0
    targets = [word for word in words[1:] if not word.startswith("-")]
    if not targets:
        for _, task, _ in shell.jobs:
            await shell.kernel.join(task)
        shell.jobs.clear()
        return 0
    for word in targets:
        found = _job(shell, word)
        if found is None:
            if word.startswith("%"):
                await shell.complain(f"wait: {word}: no such job")
            elif word.isdigit():
                await shell.complain(f"wait: pid {word} is not a child of this shell")
            else:
                await shell.complain(f"wait: `{word}': not a pid or valid job spec")
            status = 127
        else:
            status = await shell.kernel.join(found[1])
            shell.jobs = [job for job in shell.jobs if job[1] is not found[1]]
    return status


def _job(shell: Shell, word: str) -> tuple[int, Task, str] | None:
    for job in shell.jobs:
        if word in (f"%{job[0]}", str(job[1].pid)) or (word in ("%%", "%+", "%") and job is shell.jobs[-1]):
            return job
    return None


@builtin("jobs")
async def jobs(shell: Shell, words: list[str]) -> int:
    """List background commands."""
    for number, task, text in shell.jobs:
        state = "Running" if not task.done else "Done"
        mark = "+" if number == shell.jobs[-1][0] else "-"
        await shell.write(1, f"[{number}]{mark}  {state:<24}{text}{' &' if not task.done else ''}\n")
    shell.jobs = [job for job in shell.jobs if not job[1].done]
    return 0


@builtin("fg", "bg", "disown")
async def job_control(shell: Shell, words: list[str]) -> int:
    """Bring a background command to the front."""
    if words[0] == "disown":
        shell.jobs.clear()
        return 0
    if not shell.interactive:
        await shell.complain(f"{words[0]}: no job control")
        return 1
    found = _job(shell, words[1] if len(words) > 1 else "%%")
    if found is None:
        await shell.complain(f"{words[0]}: {words[1] if len(words) > 1 else 'current'}: no such job")
        return 1
    if words[0] == "bg":
        return 0
    status = await shell.kernel.join(found[1])
    shell.jobs = [job for job in shell.jobs if job[1] is not found[1]]
    return status


@builtin("kill")
async def kill(shell: Shell, words: list[str]) -> int:
    """Send a signal to a process of this exec."""
    args = words[1:]
    if args and args[0] in ("-l", "-L"):
        return await _list_signals(shell, args[1:])
    signal = 15
    if args and args[0] == "-s" and len(args) > 1:
        args = ["-" + args[1], *args[2:]]
    if args and args[0].startswith("-") and args[0] != "--":
        name = args[0][1:].upper().removeprefix("SIG")
        if name.isdigit() and len(name) < 3:
            signal = int(name)
        elif name in SIGNALS:
            signal = SIGNALS.index(name)
        else:
            await shell.complain(f"kill: {args[0][1:]}: invalid signal specification")
            return 1
        args = args[1:]
    if not args:
        await shell.write(
            2, "kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n"
        )
        return 2
    status = 0
    for word in args:
        job = _job(shell, word)
        if job is not None:
            if signal:
                shell.kernel.stop(job[1], signal)
            continue
        known = {pid for pid, _ in shell.system.processes()}
        if word.isdigit() and len(word) < 9:
            if int(word) == shell.pid:
                script = shell.traps.get(f"SIG{SIGNALS[signal]}") if 0 < signal < len(SIGNALS) else None
                if script is not None and signal != KILL:
                    await shell.run_text(script)
                elif signal in (1, 2, KILL, 15):
                    raise Leave(128 + signal)
                continue
            if int(word) in known:
                continue
            await shell.complain(f"kill: ({word}) - No such process")
        elif word.startswith("%"):
            await shell.complain(f"kill: {word}: no such job")
        else:
            await shell.complain(f"kill: {word}: arguments must be process or job IDs")
        status = 1
    return status


async def _list_signals(shell: Shell, args: list[str]) -> int:
    if args:
        for word in args:
            number = int(word) & 127 if word.isdigit() and len(word) < 6 else 0
            name = word.upper().removeprefix("SIG")
            if 0 < number < len(SIGNALS):
                await shell.write(1, SIGNALS[number] + "\n")
            elif name in SIGNALS:
                await shell.write(1, f"{SIGNALS.index(name)}\n")
            else:
                await shell.complain(f"kill: {word}: invalid signal specification")
                return 1
        return 0
    cells = [f"{number:2}) SIG{name}" for number, name in enumerate(SIGNALS) if name]
    for start in range(0, len(cells), 5):
        await shell.write(1, "\t".join(cells[start : start + 5]) + "\n")
    return 0
