"""A shell that reads its commands line by line: from a terminal, or from stdin."""

from __future__ import annotations

from labkit.embedded.container.shell.parser import parse
from labkit.embedded.container.shell.shell import ExitShell, LoopControl, Shell
from labkit.embedded.container.shell.streams import StreamError, decode
from labkit.embedded.container.shell.task_loop import Interrupted

MAX_LINES = 500


def prompt(shell: Shell) -> str:
    """The prompt: ``root@curl:/#`` of Debian's bash, ``/ #`` of busybox."""
    mark = "#" if shell.system.fs.uid == 0 else "$"
    home = shell.variables.text("HOME") or "/root"
    where = (
        "~" + shell.cwd[len(home) :]
        if shell.cwd == home or shell.cwd.startswith(home + "/")
        else shell.cwd
    )
    user = next(
        (one.name for one in shell.system.image.users if one.uid == shell.system.fs.uid),
        "I have no name!",
    )
    if shell.dialect == "bash":
        text = shell.variables.text("PS1") or r"\u@\h:\w\$ "
        meanings = {
            "\\u": user,
            "\\h": shell.system.hostname,
            "\\w": where,
            "\\$": mark,
            "\\n": "\n",
        }
        for escape, meaning in meanings.items():
            text = text.replace(escape, meaning)
        return text
    if shell.system.image.distribution in ("alpine", "busybox"):
        return f"{where} {mark} "
    return f"{mark} "


def _unfinished(text: str, dialect: str) -> bool:
    """Whether a command goes on in the next line."""
    if text.endswith("\\\n") and not text.endswith("\\\\\n"):
        return True
    return parse(text, dialect).unfinished


async def interact(shell: Shell) -> int:
    """Run the commands of a person, and return the exit status."""
    shell.interactive = True
    source = shell.fds[0]
    while True:
        text = ""
        try:
            await shell.write(2, prompt(shell))
            count = 0
            while True:
                line = decode(await source.read_line())
                count += 1
                if not line:
                    if text:
                        break
                    await shell.write(2, "exit\n" if shell.dialect == "bash" else "")
                    return shell.status
                text += line
                if count < MAX_LINES and _unfinished(text, shell.dialect):
                    await shell.write(2, shell.variables.text("PS2") or "> ")
                    continue
                break
            if text.startswith("!") and shell.dialect == "bash" and text[1:2].strip():
                await shell.write(2, f"{text.split()[0]}: not simulated in this lab's pods\n")
            elif text.strip():
                await shell.run_text(text)
        except Interrupted:
            shell.status = 130
            shell.loops = 0
            shell.tested = 0
            shell.task_loop.depth = 1
            await shell.write(2, "\n")
        except ExitShell as leave:
            shell.status = leave.status
            return shell.status
        except LoopControl:
            continue
        except StreamError:
            return shell.status


async def run_lines(shell: Shell) -> int:
    """Run what stdin gives, a command at a time, so that commands can read the lines after them."""
    source = shell.fds[0]
    text = ""
    try:
        while True:
            line = decode(await source.read_line())
            text += line
            if line and len(text) < 100_000 and _unfinished(text, shell.dialect):
                continue
            if not text:
                break
            await shell.run_text(text)
            shell.line += text.count("\n")
            text = ""
            if not line:
                break
    except ExitShell as leave:
        shell.status = leave.status
    except LoopControl:
        pass
    except StreamError as error:
        return await shell.complain(error.reason)
    return shell.status
