"""Programs, found along ``$PATH`` and run by a shell."""

from __future__ import annotations

from functools import partial

from labkit.embedded.container.files.inodes import Directory, File, FileError
from labkit.embedded.container.programs import find_program
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.streams import Stream, StreamError, decode
from labkit.embedded.container.shell.task_loop import BudgetExceeded, Interrupted, Killed


def look_up(shell: Shell, name: str) -> str | None:
    """The path of a program, searched along ``$PATH`` unless it has a slash."""
    search = shell.variables.text("PATH")
    return shell.system.fs.program(
        name, shell.system.image.path if search is None else search, shell.cwd
    )


async def run_program(
    shell: Shell,
    words: list[str],
    environment: dict[str, str] | None = None,
    *,
    alone: bool = False,
) -> int:
    """Run a command that is neither a function nor a builtin, and return its exit status.

    That is 127 if there is no such command, 126 if it cannot be run. The exported variables are its environment by
    default. ``alone`` says whether it is all that a ``bash -c`` runs, and so takes the place of the shell.
    """
    name = words[0]
    path = look_up(shell, name) if name else None
    if path is None:
        what = "command not found" if shell.dialect == "bash" else "not found"
        if shell.dialect == "bash" and ("/" in name or shell.variables.text("PATH") == ""):
            what = "No such file or directory"
        return await shell.complain(f"{name}: {what}", 127)
    try:
        node = shell.system.fs.get(path, shell.cwd)
    except FileError as error:
        return await shell.complain(f"{name}: {error.reason}", 126)
    if isinstance(node, Directory):
        return await shell.complain(
            f"{name}: {'Is a directory' if shell.dialect == 'bash' else 'Permission denied'}", 126
        )
    if not isinstance(node, File) or not node.mode & 0o111:
        return await shell.complain(f"{name}: Permission denied", 126)
    env = _inherited(shell, path, alone=alone) if environment is None else environment
    if not node.program:
        return await _run_file(shell, words, path, node, env)
    function = find_program(node.program)
    if function is None:
        await shell.write(2, f"{name}: not simulated in this lab's pods\n")
        return 127
    shell.task_loop.charge(2)
    shell.task_loop.depth += 1
    process = Process(
        words,
        env,
        shell.cwd,
        shell.fds,
        shell.task_loop,
        shell.system,
        partial(spawn, shell),
        shell.fresh,
    )
    try:
        return await function(process) & 0xFF
    except FileError as error:
        return await process.fail(error.reason)
    except StreamError as error:
        await shell.write(2, f"{process.name}: write error: {error.reason}\n")
        return 1
    except (Interrupted, BudgetExceeded):
        raise
    except Killed as end:
        return end.status
    finally:
        shell.task_loop.depth -= 1


def _inherited(shell: Shell, path: str, *, alone: bool) -> dict[str, str]:
    """The environment of a program: bash sets ``_`` to its path, and ``SHLVL``."""
    env = shell.variables.environment()
    if shell.dialect == "bash":
        env["_"] = path
        level = env.get("SHLVL", "")
        if alone and level.isdigit():
            env["SHLVL"] = str(int(level) - 1)
    return env


async def _run_file(
    shell: Shell, words: list[str], path: str, node: File, env: dict[str, str]
) -> int:
    """Run a script: by its ``#!`` line, or by the shell itself."""
    text = decode(node.content())
    if "\0" in text[:80]:
        return await shell.complain(
            f"{words[0]}: cannot execute binary file: Exec format error", 126
        )
    first = text.split("\n", 1)[0]
    if first.startswith("#!") and first[2:].split():
        interpreter = first[2:].split(None, 1)
        if not shell.system.fs.exists(interpreter[0]):
            lacking = (
                "cannot execute: required file not found"
                if shell.dialect == "bash"
                else "not found"
            )
            return await shell.complain(f"{words[0]}: {lacking}", 127)
        return await run_program(shell, [*interpreter, path, *words[1:]], env)
    inner = shell.fresh(dict(shell.fds), env, name=path)
    inner.positional = words[1:]
    shell.task_loop.depth += 1
    try:
        return await inner.main(text)
    finally:
        shell.task_loop.depth -= 1


async def spawn(
    shell: Shell, words: list[str], env: dict[str, str], fds: dict[int, Stream], cwd: str
) -> int:
    """Run a program from another one."""
    other = shell.fresh(fds, env, cwd=cwd)
    if shell.task_loop.depth > shell.task_loop.budget.depth:
        raise BudgetExceeded("the lab's limit of nested commands was reached")
    await shell.task_loop.tick()
    return await run_program(other, words, other.variables.environment())
