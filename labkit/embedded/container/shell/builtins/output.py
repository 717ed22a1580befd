"""Builtins that print, and those about the working directory."""

from __future__ import annotations

import re

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.shell.builtins.table import builtin, left_out, usage
from labkit.embedded.container.shell.printf import echo_text, format_printf
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.streams import encode


@builtin(":", "true")
async def true(shell: Shell, words: list[str]) -> int:
    """Succeed."""
    return 0


@builtin("false")
async def false(shell: Shell, words: list[str]) -> int:
    """Fail."""
    return 1


@builtin("echo")
async def echo(shell: Shell, words: list[str]) -> int:
    """Print its arguments."""
    await shell.fds[1].write(encode(echo_text(words[1:], escapes=shell.dialect == "dash")))
    return 0


@builtin("printf")
async def printf(shell: Shell, words: list[str]) -> int:
    """Print by a format."""
    args = words[1:]
    if args[:1] == ["-v"] and shell.dialect == "bash":
        return await left_out(shell, "printf -v")
    if args and args[0] == "--":
        args = args[1:]
    if not args:
        if shell.dialect == "bash":
            await shell.write(2, "printf: usage: printf [-v var] format [arguments]\n")
        else:
            await shell.complain("printf: usage: printf format [arg ...]")
        return 2
    text, problems = format_printf(args[0], args[1:])
    for problem in problems:
        if shell.dialect == "dash":
            partly = problem[:1].isdigit() or problem[1:2].isdigit()
            what = "not completely converted" if partly else "expected numeric value"
            problem = problem.replace("invalid number", what)
        await shell.complain(f"printf: {problem}")
    await shell.fds[1].write(encode(text))
    return int(bool(problems))


@builtin("cd", "chdir")
async def cd(shell: Shell, words: list[str]) -> int:
    """Change the working directory."""
    args = [word for word in words[1:] if word not in ("-L", "-P", "--")]
    if len(args) > 1 and shell.dialect == "bash":
        return await shell.complain("cd: too many arguments")
    variable = "HOME" if not args else "OLDPWD" if args[0] == "-" else ""
    target = (shell.variables.text(variable) or "") if variable else args[0]
    if variable and not target:
        if variable == "HOME" and shell.dialect == "dash":
            return 0
        return await shell.complain(f"cd: {variable} not set")
    fs = shell.system.fs
    try:
        node = fs.directory(target or ".", shell.cwd)
        fs.find("x", fs.path_of(node))
    except FileError as error:
        if shell.dialect == "dash":
            return await shell.complain(f"cd: can't cd to {target}", 2)
        return await shell.complain(f"cd: {target}: {error.reason}")
    new = _logical(target, shell.cwd)
    if "-P" in words or not fs.exists(new) or fs.get(new) is not node:
        new = fs.path_of(node)
    shell.variables.set("OLDPWD", shell.cwd, exported=True)
    shell.cwd = new
    shell.variables.set("PWD", new, exported=True)
    if variable == "OLDPWD":
        await shell.write(1, new + "\n")
    return 0


def _logical(path: str, cwd: str) -> str:
    parts: list[str] = []
    for part in (path if path.startswith("/") else f"{cwd}/{path}").split("/"):
        if part == "..":
            if parts:
                parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


@builtin("pwd")
async def pwd(shell: Shell, words: list[str]) -> int:
    """Print the working directory."""
    path = shell.cwd
    wrong = next((word for word in words[1:] if re.match(r"-[^LP]", word) and word != "--"), "")
    if wrong and shell.dialect == "bash":
        return await usage(shell, "pwd", wrong[:2], "pwd [-LP]")
    if "-P" in words:
        path = shell.system.fs.path_of(shell.system.fs.directory(path))
    await shell.fds[1].write(encode(path + "\n"))
    return 0
