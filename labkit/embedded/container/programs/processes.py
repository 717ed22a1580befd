"""``ps``."""

from __future__ import annotations

import time

from labkit.embedded.container.programs.common import is_busybox
from labkit.embedded.container.programs.options import read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.programs.users import user_name
from labkit.embedded.container.shell.process import Process

SELF = 7
"""The number of the command that looks."""

COLUMNS = {
    "pid": ("PID", 7), "ppid": ("PPID", 7), "user": ("USER", -8), "uid": ("UID", 5), "tty": ("TT", -8),
    "stat": ("STAT", -4), "time": ("TIME", 8), "etime": ("ELAPSED", 11), "comm": ("COMMAND", -15),
    "cmd": ("CMD", -27), "args": ("COMMAND", -27), "command": ("COMMAND", -27),
}  # fmt: skip
"""What ``ps -o`` can show here: the heading, and the width (to the left if negative)."""


def _facts(process: Process, pid: int, command: str, terminal: str, started_at: float) -> dict[str, str]:
    """A process' columns, and when it began."""
    uid = process.fs.uid
    seconds = int(process.system.now() - started_at)
    name = (command.split() or [""])[0].rpartition("/")[2]
    return {
        "pid": str(pid), "ppid": "0", "user": user_name(process, uid) or str(uid), "uid": str(uid), "tty": terminal,
        "stat": "Ss" if pid == 1 else "R", "time": "00:00:00", "comm": name, "cmd": command, "args": command,
        "command": command, "start": time.strftime("%H:%M", time.gmtime(started_at)),
        "etime": time.strftime("%H:%M:%S" if seconds >= 3600 else "%M:%S", time.gmtime(seconds)),
    }  # fmt: skip


@program("ps")
async def ps(process: Process) -> int:
    """List the container's processes."""
    system = process.system
    rows = [_facts(process, pid, command, "?", system.started_at()) for pid, command in system.processes()]
    terminal = "pts/0" if process.stdout.terminal else "?"
    rows.append(_facts(process, SELF, " ".join(process.argv), terminal, system.now()))
    if is_busybox(process):
        await process.out("PID   USER     TIME  COMMAND\n")
        for row in rows:
            await process.out(f"{row['pid']:>5} {row['user']:<8}  0:00 {row['cmd']}\n")
        return 0
    # BSD's options, as of `ps aux`, need no dash.
    args = [word if word.startswith("-") or not word.isalpha() else f"-{word}" for word in process.args]
    options = read_options(args, "a A e x f u w o,format= p,pid= no-headers! forest! l! j! L! T! H! C! U! sort! cols!")
    if pids := [pid for name, value in options.flags if name == "p" for pid in value.replace(",", " ").split()]:
        rows = [row for row in rows if row["pid"] in pids]
    elif not options.has("e", "A", "a", "x"):
        rows = [row for row in rows if row["tty"] == terminal]
    wanted = [one for name, value in options.flags if name == "o" for one in value.replace(",", " ").split()]
    if wanted:
        return await _columns(process, rows, wanted)
    head, layout = "    PID TTY          TIME CMD", "{pid:>7} {tty:<8} {time} {comm}"
    if options.has("u"):
        head = "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND"
        layout = "{user:<8} {pid:>7}  0.0  0.0   2700  1500 {tty:<8} {stat:<4} {start}   0:00 {cmd}"
    elif options.has("f"):
        head = "UID          PID    PPID  C STIME TTY          TIME CMD"
        layout = "{user:<8} {pid:>7} {ppid:>7}  0 {start} {tty:<8} {time} {cmd}"
    await process.out("\n".join([head, *(layout.format(**row) for row in rows)]) + "\n")
    return 0 if rows else 1


async def _columns(process: Process, rows: list[dict[str, str]], wanted: list[str]) -> int:
    """``ps -o``: a heading that is set to nothing for all columns is left out."""
    columns = [one.partition("=") for one in wanted]
    problem = next((name for name, _, _ in columns if name not in COLUMNS), "")
    if problem:
        await process.err(f'error: unknown user-defined format specifier "{problem}"\n')
        return 1
    heads = [head if equals else COLUMNS[name][0] for name, equals, head in columns]
    lines = [[row[name] for name, _, _ in columns] for row in rows]
    for line in [heads, *lines] if any(heads) else lines:
        cells = []
        for place, (text, (name, _, _)) in enumerate(zip(line, columns, strict=True)):
            width = COLUMNS[name][1]
            last = place == len(columns) - 1
            cells.append(text.rjust(width) if width > 0 else text if last else text.ljust(-width))
        await process.out(" ".join(cells) + "\n")
    return 0 if rows else 1
