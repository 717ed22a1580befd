"""A shell that reads its commands line by line: from a terminal, or from stdin."""

import re

from .parser import parse
from .shell import ExitShell, LoopControl, Shell
from .streams import StreamError, decode
from .task_loop import Interrupted

MAX_LINES = 500


def prompt(shell: Shell) -> str:
    """Return the prompt: ``root@curl:/#`` of Debian's bash, ``/ #`` of busybox."""
    uid = shell.system.fs.uid
    mark = "$" if uid else "#"
    home = shell.variables.text("HOME") or "/root"
    path = re.sub(rf"^{re.escape(home)}(?=/|$)", "~", shell.cwd)
    if not shell.bash:
        busybox = shell.system.image.distribution in ("alpine", "busybox")
        return f"{path} {mark} " if busybox else f"{mark} "
    meanings = {
        "\\u": shell.system.image.user_name(uid) or "I have no name!",
        "\\h": shell.system.hostname,
        "\\w": path,
        "\\$": mark,
        "\\n": "\n",
    }
    text = shell.variables.text("PS1") or r"\u@\h:\w\$ "
    return re.sub(r"\\.", lambda match: meanings.get(match[0], match[0]), text)


async def _read_command(shell: Shell, *, prompts: bool) -> str:
    """Return the lines up to the end of a command; an empty text at the end of the input."""
    text = ""
    for _ in range(MAX_LINES):
        if prompts:
            await shell.write(2, (shell.variables.text("PS2") or "> ") if text else prompt(shell))
        line = decode(await shell.fds[0].read_line())
        text += line
        goes_on = text.endswith("\\\n") and not text.endswith("\\\\\n")
        if not line or not (goes_on or parse(text, shell.dialect).unfinished):
            break
    return text


async def interact(shell: Shell) -> int:
    """Run the commands of a person, and return the exit status."""
    shell.interactive = True
    while True:
        try:
            text = await _read_command(shell, prompts=True)
            if not text:
                await shell.write(2, "exit\n" if shell.bash else "")
                return shell.status
            if re.match(r"!\S", text) and shell.bash:
                await shell.write(2, f"{text.split()[0]}: not simulated in this lab's pods\n")
            elif text.strip():
                await shell.run_text(text)
        except Interrupted:
            # Ctrl-C ends what runs, at any depth, but not the shell.
            shell.status = 130
            shell.loops = shell.tested = 0
            shell.task_loop.depth = 1
            await shell.write(2, "\n")
        except ExitShell as leave:
            shell.status = leave.status
            return shell.status
        # `break` at the prompt, outside of any loop.
        except LoopControl:
            continue
        except StreamError:
            return shell.status


async def run_lines(shell: Shell) -> int:
    """Run the commands of stdin, one at a time, so that commands can read the lines after them."""
    try:
        while text := await _read_command(shell, prompts=False):
            await shell.run_text(text)
            shell.line += text.count("\n")
    except ExitShell as leave:
        shell.status = leave.status
    except LoopControl:
        pass
    except StreamError as error:
        return await shell.complain(error.reason)
    return shell.status
