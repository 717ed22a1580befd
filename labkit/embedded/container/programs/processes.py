"""Programs about processes: ``ps pidof pgrep pkill kill``."""

from __future__ import annotations

import time
from dataclasses import dataclass

from labkit.embedded.container.programs.common import is_busybox
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.programs.users import user_name
from labkit.embedded.container.shell.process import Process

SELF = 7
"""The number of the command that looks."""

COLUMNS = {
    "pid": ("PID", 7), "ppid": ("PPID", 7), "user": ("USER", -8), "uid": ("UID", 5), "tty": ("TT", -8),
    "tt": ("TT", -8), "time": ("TIME", 8), "etime": ("ELAPSED", 11), "stat": ("STAT", -4), "s": ("S", -1),
    "state": ("S", -1), "comm": ("COMMAND", -15), "cmd": ("CMD", -27), "args": ("COMMAND", -27),
    "command": ("COMMAND", -27), "ucmd": ("CMD", -15),
}  # fmt: skip
"""What ``ps -o`` can show here: the heading, and the width (to the left if negative)."""


@dataclass(frozen=True, slots=True)
class Row:
    """A process as ``ps`` shows it."""

    pid: int
    command: str
    user: str
    uid: int
    terminal: str
    started_at: float
    now: float

    @property
    def name(self) -> str:
        """The program, without its directory."""
        words = self.command.split()
        return words[0].rpartition("/")[2] if words else ""

    @property
    def start(self) -> str:
        """When it began."""
        return time.strftime("%H:%M", time.gmtime(self.started_at))

    def field(self, column: str) -> str:
        """The text of a column of ``-o``."""
        seconds = int(self.now - self.started_at)
        elapsed = time.strftime("%H:%M:%S" if seconds >= 3600 else "%M:%S", time.gmtime(seconds))
        known = {
            "pid": str(self.pid), "ppid": "0", "user": self.user, "uid": str(self.uid), "time": "00:00:00",
            "tty": self.terminal, "tt": self.terminal, "comm": self.name, "ucmd": self.name,
            "stat": "Ss" if self.pid == 1 else "R", "s": "S" if self.pid == 1 else "R",
            "state": "S" if self.pid == 1 else "R",
            "etime": elapsed,
        }  # fmt: skip
        return known.get(column, self.command)


def _rows(process: Process) -> list[Row]:
    uid, now = process.fs.uid, process.system.now()
    user = user_name(process, uid) or str(uid)
    begun = process.system.started_at()
    terminal = "pts/0" if process.stdout.terminal else "?"
    others = [Row(pid, command, user, uid, "?", begun, now) for pid, command in process.system.processes()]
    return [*others, Row(SELF, " ".join(process.argv), user, uid, terminal, now, now)]


@program("ps")
async def ps(process: Process) -> int:
    """List the container's processes."""
    rows = _rows(process)
    if is_busybox(process):
        await process.out("PID   USER     TIME  COMMAND\n")
        for row in rows:
            await process.out(f"{row.pid:5} {row.user:<8}  0:00 {row.command}\n")
        return 0
    args = [word for word in process.args if word not in ("--forest", "--no-headers", "--cols", "-w", "-ww")]
    wanted, numbers, args = _selection(args)
    flat = "".join(word.lstrip("-") for word in args)
    if numbers:
        rows = [row for row in rows if str(row.pid) in numbers]
    elif not set(flat) & set("eAax"):
        rows = [row for row in rows if row.terminal == rows[-1].terminal]
    if wanted:
        problem = next((one for one in wanted if one.partition("=")[0] not in COLUMNS), "")
        if problem:
            await process.err(f'error: unknown user-defined format specifier "{problem}"\n')
            return 1
        await _columns(process, rows, wanted)
    elif "u" in flat and "f" not in flat:
        await process.out("USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n")
        for row in rows:
            state = "Ss" if row.pid == 1 else "R"
            await process.out(
                f"{row.user:<8} {row.pid:7}  0.0  0.0   2700  1500 {row.terminal:<8} {state:<4} "
                f"{row.start}   0:00 {row.command}\n"
            )
    elif "f" in flat:
        await process.out("UID          PID    PPID  C STIME TTY          TIME CMD\n")
        for row in rows:
            await process.out(
                f"{row.user:<8} {row.pid:7} {0:7}  0 {row.start} {row.terminal:<8} 00:00:00 {row.command}\n"
            )
    else:
        await process.out("    PID TTY          TIME CMD\n")
        for row in rows:
            await process.out(f"{row.pid:7} {row.terminal:<8} 00:00:00 {row.name}\n")
    return 0 if rows else 1


def _selection(args: list[str]) -> tuple[list[str], list[str], list[str]]:
    """The columns asked for by ``-o``, the processes by ``-p``, and the other words."""
    wanted: list[str] = []
    numbers: list[str] = []
    rest: list[str] = []
    words = iter(args)
    for word in words:
        name, _, value = word.partition("=") if word.startswith("--") else (word[:2], "", word[2:])
        if name in ("-o", "--format", "-p", "--pid") or word in ("o", "p"):
            value = value or next(words, "")
            target = wanted if name.lstrip("-")[:1] in ("o", "f") else numbers
            target += value.replace(",", " ").split()
        elif word.endswith("o") and word.startswith("-") and not word.startswith("--"):
            rest.append(word[:-1])
            wanted += next(words, "").replace(",", " ").split()
        else:
            rest.append(word)
    return wanted, numbers, rest


async def _columns(process: Process, rows: list[Row], wanted: list[str]) -> None:
    """``ps -o``: a heading that is set to nothing for all columns is left out."""
    names = [one.partition("=")[0] for one in wanted]
    heads = [one.partition("=")[2] if "=" in one else COLUMNS[name][0] for one, name in zip(wanted, names, strict=True)]
    lines = [[row.field(name) for name in names] for row in rows]
    if any(heads):
        lines.insert(0, heads)
    for line in lines:
        cells = []
        for place, (text, name) in enumerate(zip(line, names, strict=True)):
            width = COLUMNS[name][1]
            last = place == len(names) - 1
            cells.append(text.rjust(width) if width > 0 else text if last else text.ljust(-width))
        await process.out(" ".join(cells) + "\n")
