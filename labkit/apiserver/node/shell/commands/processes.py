"""Programs about processes: ``ps pidof pgrep kill``."""

from __future__ import annotations

import time

from labkit.apiserver.node.shell.commands.common import is_busybox
from labkit.apiserver.node.shell.commands.users import user_name
from labkit.apiserver.node.shell.process import Process, program


@program("ps")
async def ps(process: Process) -> int:
    """List the container's processes."""
    rows = [*process.system.processes(), (7, " ".join(process.argv))]
    flat = "".join(word.lstrip("-") for word in process.args)
    user = user_name(process, process.fs.uid) or str(process.fs.uid)
    start = time.strftime("%H:%M", time.gmtime(process.system.started_at()))
    if is_busybox(process):
        await process.out("PID   USER     TIME  COMMAND\n")
        for pid, command in rows:
            await process.out(f"{pid:5} {user:<8}  0:00 {command}\n")
    elif "u" in flat and "f" not in flat:
        await process.out("USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n")
        for pid, command in rows:
            state = "Ss" if pid == 1 else "R"
            await process.out(
                f"{user:<8} {pid:7}  0.0  0.0   2700  1500 ?        {state:<4} {start}   0:00 {command}\n"
            )
    elif "f" in flat:
        await process.out("UID          PID    PPID  C STIME TTY          TIME CMD\n")
        for pid, command in rows:
            await process.out(f"{user:<8} {pid:7} {0:7}  0 {start} ?        00:00:00 {command}\n")
    elif "e" in flat or "A" in flat or "x" in flat:
        await process.out("    PID TTY          TIME CMD\n")
        for pid, command in rows:
            await process.out(
                f"{pid:7} ?        00:00:00 {command.split()[0].rpartition('/')[2] if command.split() else ''}\n"
            )
    else:
        await process.out("    PID TTY          TIME CMD\n")
        await process.out(f"{7:7} {'pts/0' if process.stdout.terminal else '?':<8} 00:00:00 ps\n")
    return 0


@program("pidof", "pgrep")
async def pidof(process: Process) -> int:
    """Find processes by name."""
    found = [
        str(pid)
        for pid, command in process.system.processes()
        if command.split()
        and any(word in command.split()[0].rpartition("/")[2] for word in process.args if not word.startswith("-"))
    ]
    if found:
        await process.out((" " if process.name == "pidof" else "\n").join(found) + "\n")
    return int(not found)


@program("kill")
async def kill(process: Process) -> int:
    """Processes of a container are not to be killed one by one here."""
    await process.err("kill: use the shell's own kill\n")
    return 1
