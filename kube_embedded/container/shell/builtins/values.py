"""Builtins that print, and those about variables, options and the working directory."""

import posixpath
import re

from ...files.inodes import FileError
from ..builtin_table import builtin, left_out
from ..parser import NAME
from ..printf import echo_text, format_printf
from ..shell import FLAGS, ExitShell, Shell
from ..streams import encode


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
    # dash follows XSI, where backslashes have a meaning without -e.
    await shell.fds[1].write(encode(echo_text(words[1:], escapes=not shell.bash)))
    return 0


@builtin("printf")
async def printf(shell: Shell, words: list[str]) -> int:
    """Print by a format."""
    arguments = words[1:]
    if arguments[:1] == ["-v"]:
        return await left_out(shell, "printf -v")
    del arguments[: arguments[:1] == ["--"]]
    if not arguments:
        await shell.write(2, "printf: usage: printf [-v var] format [arguments]\n")
        return 2
    text, problems = format_printf(arguments[0], arguments[1:])
    for problem in problems:
        if not shell.bash:
            partly = problem.lstrip("-")[:1].isdigit()
            dash = "not completely converted" if partly else "expected numeric value"
            problem = problem.replace("invalid number", dash)
        await shell.complain(f"printf: {problem}")
    await shell.fds[1].write(encode(text))
    return int(bool(problems))


@builtin("cd", "chdir")
async def cd(shell: Shell, words: list[str]) -> int:
    """Change the working directory."""
    arguments = [word for word in words[1:] if word not in ("-L", "-P", "--")]
    if len(arguments) > 1 and shell.bash:
        return await shell.complain("cd: too many arguments")
    target = arguments[0] if arguments else ""
    variable = {"-": "OLDPWD"}.get(target, "" if arguments else "HOME")
    if variable:
        target = shell.variables.text(variable) or ""
        if not target:
            if variable == "HOME" and not shell.bash:
                return 0
            return await shell.complain(f"cd: {variable} not set")
    fs = shell.system.fs
    try:
        node = fs.directory(target or ".", shell.cwd)
        # Raises an error if the user must not enter the directory.
        fs.find("x", fs.path_of(node))
    except FileError as error:
        if not shell.bash:
            return await shell.complain(f"cd: can't cd to {target}", 2)
        return await shell.complain(f"cd: {target}: {error.reason}")
    # `..` leads back through a link, unless that is another directory.
    path = posixpath.normpath(posixpath.join(shell.cwd, target))
    if "-P" in words or not fs.exists(path) or fs.get(path) is not node:
        path = fs.path_of(node)
    for name, value in (("OLDPWD", shell.cwd), ("PWD", path)):
        shell.variables.set(name, value)
        shell.variables.export(name)
    shell.cwd = path
    if variable == "OLDPWD":
        await shell.write(1, path + "\n")
    return 0


@builtin("pwd")
async def pwd(shell: Shell, words: list[str]) -> int:
    """Print the working directory."""
    wrong = next((word for word in words[1:] if not re.fullmatch("-[LP]+|[^-].*", word)), "")
    if wrong and shell.bash:
        await shell.complain(f"pwd: {wrong[:2]}: invalid option")
        await shell.write(2, "pwd: usage: pwd [-LP]\n")
        return 2
    path = shell.cwd
    if "-P" in words:
        path = shell.system.fs.path_of(shell.system.fs.directory(path))
    await shell.fds[1].write(encode(path + "\n"))
    return 0


@builtin("export")
async def export(shell: Shell, words: list[str]) -> int:
    """Export variables."""
    arguments = words[1:]
    exported = arguments[:1] != ["-n"]
    del arguments[: not exported]
    if not arguments:
        return await left_out(shell, "export without names")
    if arguments[0].startswith("-"):
        return await left_out(shell, f"export {arguments[0]}")
    status = 0
    for word in arguments:
        match = re.fullmatch(rf"({NAME.pattern})(?:(\+?)=(.*))?", word, re.DOTALL)
        if match is None:
            if shell.bash:
                status = await shell.complain(f"export: `{word}': not a valid identifier")
                continue
            name = word.partition("=")[0]
            raise ExitShell(await shell.complain(f"export: {name}: bad variable name", 2))
        if match[3] is not None:
            shell.assign(match[1], match[3], append=bool(match[2]))
        shell.variables.export(match[1], exported=exported)
    return status


@builtin("unset")
async def unset(shell: Shell, words: list[str]) -> int:
    """Remove variables."""
    status = 0
    for word in words[1:]:
        if word == "-f":
            return await left_out(shell, "unset -f")
        if NAME.fullmatch(word):
            shell.variables.unset(word)
        elif word != "-v":
            status = await shell.complain(f"unset: `{word}': not a valid identifier")
    return status


@builtin("set")
async def set_options(shell: Shell, words: list[str]) -> int:
    """Set options and positional parameters."""
    if len(words) == 1:
        return await left_out(shell, "set without options")
    rest = words[1:]
    while rest and rest[0][:1] in ("-", "+") and len(rest[0]) > 1 and rest[0] != "--":
        word = rest.pop(0)
        for letter in word[1:]:
            option = rest.pop(0) if letter == "o" and rest else FLAGS.get(letter, "")
            if option not in (*FLAGS.values(), "pipefail"):
                return await left_out(shell, f"set {word[0]}{letter} {option}".rstrip())
            (shell.options.add if word[0] == "-" else shell.options.discard)(option)
    # `set --` alone clears the parameters; `set -e` leaves them.
    if rest or words[-1] == "--":
        shell.positional = rest[1:] if rest[:1] == ["--"] else rest
    return 0


@builtin("shift")
async def shift(shell: Shell, words: list[str]) -> int:
    """Drop the first positional parameters."""
    count = words[1] if len(words) > 1 else "1"
    if not re.fullmatch(r"\d{1,7}", count):
        if shell.bash:
            return await shell.complain(f"shift: {count}: numeric argument required")
        raise ExitShell(await shell.complain(f"shift: Illegal number: {count}", 2))
    if int(count) > len(shell.positional):
        if shell.bash:
            return 1
        raise ExitShell(await shell.complain("shift: can't shift that many", 2))
    del shell.positional[: int(count)]
    return 0
