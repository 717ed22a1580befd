"""The commands that are part of the shell itself."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from labkit.apiserver.node.filesystem import Directory, FileError
from labkit.apiserver.node.shell.conditions import TestError, integer, shell_questions
from labkit.apiserver.node.shell.expand import ExpansionError
from labkit.apiserver.node.shell.interpreter import FLAGS, Leave, LoopControl, ReturnFrom, Shell
from labkit.apiserver.node.shell.kernel import Task
from labkit.apiserver.node.shell.parser import split_words
from labkit.apiserver.node.shell.printf import echo_text, format_printf
from labkit.apiserver.node.shell.streams import Stream, StreamError, decode, encode
from labkit.apiserver.node.shell.variables import ReadOnly
from labkit.apiserver.node.shell.words import parse_word

Builtin = Callable[[Shell, list[str]], Awaitable[int]]
BUILTINS: dict[str, Builtin] = {}
SPECIAL_BUILTINS = frozenset(
    {
        ":",
        ".",
        "break",
        "continue",
        "eval",
        "exec",
        "exit",
        "export",
        "readonly",
        "return",
        "set",
        "shift",
        "trap",
        "unset",
    }
)
BASH_ONLY = frozenset(
    {"source", "declare", "typeset", "let", "shopt", "mapfile", "readarray", "history", "builtin", "pushd", "popd",
     "dirs", "time", "disown", "enable", "help", "logout", "caller"}
)  # fmt: skip
KEYWORDS = frozenset(
    {"if", "then", "elif", "else", "fi", "for", "while", "until", "do", "done", "case", "esac", "{", "}", "!", "in",
     "function", "time", "[[", "]]", "select", "coproc"}
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SIGNALS = (
    "", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM",
    "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF",
    "WINCH", "IO", "PWR", "SYS",
)  # fmt: skip


def builtin(*names: str) -> Callable[[Builtin], Builtin]:
    """Put a builtin into :data:`BUILTINS`."""

    def register(function: Builtin) -> Builtin:
        for name in names:
            BUILTINS[name] = function
        return function

    return register


async def _usage(shell: Shell, name: str, option: str, usage: str) -> int:
    await shell.complain(f"{name}: {option}: invalid option")
    await shell.write(2, f"{name}: usage: {usage}\n")
    return 2


@builtin(":", "true")
async def true(shell: Shell, words: list[str]) -> int:
    """Do nothing, well."""
    return 0


@builtin("false")
async def false(shell: Shell, words: list[str]) -> int:
    """Do nothing, badly."""
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
    target = ""
    if len(args) > 1 and args[0] == "-v" and shell.dialect == "bash":
        target, args = args[1], args[2:]
    if args and args[0] == "--":
        args = args[1:]
    if not args:
        if shell.dialect == "bash":
            await shell.write(2, "printf: usage: printf [-v var] format [arguments]\n")
        else:
            await shell.complain("printf: usage: printf format [arg ...]")
        return 2
    text, problems = format_printf(args[0], args[1:], shell.system.now())
    for problem in problems:
        if shell.dialect == "dash":
            problem = problem.replace("invalid number", "expected numeric value")
        await shell.complain(f"printf: {problem}")
    if target:
        await shell.assign(target, text)
    else:
        await shell.fds[1].write(encode(text))
    return int(bool(problems))


@builtin("cd", "chdir")
async def cd(shell: Shell, words: list[str]) -> int:
    """Change the working directory."""
    args = [word for word in words[1:] if word not in ("-L", "-P", "--")]
    if len(args) > 1 and shell.dialect == "bash":
        await shell.complain("cd: too many arguments")
        return 1
    show = False
    if not args:
        target = shell.variables.text("HOME") or ""
        if not target:
            await shell.complain("cd: HOME not set")
            return 1
    elif args[0] == "-":
        target = shell.variables.text("OLDPWD") or ""
        show = True
        if not target:
            await shell.complain("cd: OLDPWD not set")
            return 1
    else:
        target = args[0]
    fs = shell.system.fs
    try:
        node = fs.directory(target or ".", shell.cwd)
        fs.find("x", fs.path_of(node))
    except FileError as error:
        if shell.dialect == "dash":
            await shell.complain(f"cd: can't cd to {target}")
        elif shell.dialect == "ash":
            await shell.complain(f"cd: can't cd to {target}: {error.reason}")
        else:
            await shell.complain(f"cd: {target}: {error.reason}")
        return 1 if shell.dialect != "dash" else 2
    new = _logical(target, shell.cwd)
    if "-P" in words or not fs.exists(new) or fs.get(new) is not node:
        new = fs.path_of(node)
    shell.variables.set("OLDPWD", shell.cwd, exported=True)
    shell.cwd = new
    shell.variables.set("PWD", new, exported=True)
    if show:
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
    if "-P" in words:
        path = shell.system.fs.path_of(shell.system.fs.directory(path))
    await shell.fds[1].write(encode(path + "\n"))
    return 0


@builtin("logout")
async def logout(shell: Shell, words: list[str]) -> int:
    """End a login shell; this is none unless it talks with a person."""
    if shell.interactive:
        raise Leave(shell.status)
    await shell.complain("logout: not login shell: use `exit'")
    return 1


@builtin("time")
async def time_command(shell: Shell, words: list[str]) -> int:
    """Run a command and say how long it took."""
    start = shell.kernel.elapsed_seconds
    status = 0
    if len(words) > 1:
        function = shell.functions.get(words[1])
        status = (
            await shell.call_function(function, words[1:])
            if function is not None
            else await _without_functions(shell, words[1:])
        )
    seconds = shell.kernel.elapsed_seconds - start
    shown = f"{int(seconds // 60)}m{seconds % 60:.3f}s"
    await shell.write(2, f"\nreal\t{shown}\nuser\t0m0.000s\nsys\t0m0.000s\n")
    return status


@builtin("exit")
async def exit_shell(shell: Shell, words: list[str]) -> int:
    """End the shell."""
    if len(words) > 1:
        if not re.fullmatch(r"[-+]?\d{1,18}", words[1]):
            if shell.dialect == "bash":
                await shell.complain(f"exit: {words[1]}: numeric argument required")
            else:
                await shell.complain(f"exit: Illegal number: {words[1]}")
            raise Leave(2)
        if len(words) > 2 and shell.dialect == "bash":
            await shell.complain("exit: too many arguments")
            return 1
        raise Leave(int(words[1]))
    raise Leave(shell.status)


@builtin("return")
async def return_from(shell: Shell, words: list[str]) -> int:
    """End a function or a sourced script."""
    if not shell.variables.in_function and not shell.sourcing:
        if shell.dialect == "bash":
            await shell.complain("return: can only `return' from a function or sourced script")
            return 2
        raise Leave(int(words[1]) if len(words) > 1 and words[1].isdigit() else shell.status)
    if len(words) > 1 and not re.fullmatch(r"-?\d{1,18}", words[1]):
        await shell.complain(f"return: {words[1]}: numeric argument required")
        raise ReturnFrom(2)
    raise ReturnFrom(int(words[1]) if len(words) > 1 else shell.status)


@builtin("break", "continue")
async def loop_control(shell: Shell, words: list[str]) -> int:
    """Leave a loop, or its round."""
    if not shell.loops:
        if shell.dialect == "bash":
            await shell.complain(f"{words[0]}: only meaningful in a `for', `while', or `until' loop")
        return 0
    levels = int(words[1]) if len(words) > 1 and words[1].isdigit() and len(words[1]) < 6 else 1
    if levels < 1:
        await shell.complain(f"{words[0]}: {words[1]}: loop count out of range")
        return 1
    raise LoopControl(levels, again=words[0] == "continue")


@builtin("eval")
async def evaluate(shell: Shell, words: list[str]) -> int:
    """Run its arguments as a script."""
    line = shell.line
    shell.status = 0
    shell.kernel.depth += 1
    if shell.kernel.depth > shell.kernel.budget.depth:
        shell.kernel.charge(float("inf"))
    try:
        where = f"{shell.name}: eval"
        script = " ".join(words[1:])
        before, shell.name = shell.name, shell.name
        status = await shell.run_text(script, where=where.partition(": ")[2])
        shell.name = before
        return status
    finally:
        shell.kernel.depth -= 1
        shell.line = line


@builtin("source", ".")
async def source(shell: Shell, words: list[str]) -> int:
    """Run a file in this shell."""
    if len(words) < 2:
        await shell.complain(f"{words[0]}: filename argument required")
        await shell.write(2, f"{words[0]}: usage: {words[0]} filename [arguments]\n")
        return 2
    path = words[1]
    fs = shell.system.fs
    if "/" not in path:
        path = shell.look_up(path) or path
    try:
        text = decode(fs.read(path, shell.cwd))
    except FileError as error:
        if error.reason == "Is a directory":
            await shell.complain(f"{words[0]}: {words[1]}: is a directory")
        elif shell.dialect == "dash":
            await shell.complain(f".: cannot open {words[1]}: No such file")
            raise Leave(2) from None
        else:
            await shell.complain(f"{words[1]}: {error.reason}")
        return 1
    kept = shell.positional
    if len(words) > 2:
        shell.positional = words[2:]
    shell.sourcing += 1
    shell.kernel.depth += 1
    if shell.kernel.depth > shell.kernel.budget.depth:
        shell.kernel.charge(float("inf"))
    where, shell.errors_where = shell.errors_where, words[1]
    try:
        return await shell.run_text(text, where=words[1])
    except ReturnFrom as end:
        return end.status
    finally:
        shell.errors_where = where
        shell.sourcing -= 1
        shell.kernel.depth -= 1
        if len(words) > 2:
            shell.positional = kept


@builtin("exec")
async def exec_program(shell: Shell, words: list[str]) -> int:
    """Become another program."""
    if len(words) == 1:
        return 0
    if shell.look_up(words[1]) is None:
        if shell.dialect == "bash":
            await shell.complain(
                f"exec: {words[1]}: "
                + ("not found" if "/" not in words[1] else "cannot execute: No such file or directory")
            )
        else:
            await shell.complain(f"exec: {words[1]}: not found")
        raise Leave(127)
    raise Leave(await shell.run_program(words[1:]))


@builtin("command")
async def command(shell: Shell, words: list[str]) -> int:
    """Run a command that no function hides, or say what it is."""
    args = words[1:]
    if args and args[0] in ("-v", "-V"):
        status = 0
        for name in args[1:]:
            status = max(status, await _describe(shell, name, short=args[0] == "-v", where="command"))
        return status
    while args and args[0] in ("-p", "--"):
        args = args[1:]
    if not args:
        return 0
    return await _without_functions(shell, args)


@builtin("builtin")
async def builtin_command(shell: Shell, words: list[str]) -> int:
    """Run a builtin."""
    if len(words) < 2:
        return 0
    if words[1] not in BUILTINS:
        await shell.complain(f"builtin: {words[1]}: not a shell builtin")
        return 1
    return await BUILTINS[words[1]](shell, words[1:])


async def _without_functions(shell: Shell, words: list[str]) -> int:
    found = BUILTINS.get(words[0])
    if found is not None:
        return await found(shell, words)
    return await shell.run_program(words)


async def _describe(shell: Shell, name: str, *, short: bool, where: str, quiet: bool = False) -> int:
    if name in KEYWORDS:
        text = name if short else f"{name} is a shell keyword"
    elif name in shell.aliases:
        text = f"alias {name}='{shell.aliases[name]}'" if short else f"{name} is aliased to `{shell.aliases[name]}'"
    elif name in shell.functions:
        text = name if short else f"{name} is a function"
    elif name in BUILTINS and (shell.dialect == "bash" or name not in BASH_ONLY):
        text = (
            name
            if short
            else f"{name} is a special shell builtin"
            if name in SPECIAL_BUILTINS and shell.dialect == "dash"
            else f"{name} is a shell builtin"
        )
    else:
        path = shell.look_up(name)
        if path is None:
            if not short and not quiet:
                if shell.dialect == "bash":
                    await shell.complain(f"{where}: {name}: not found")
                else:
                    await shell.write(1 if shell.dialect == "dash" else 2, f"{name}: not found\n")
            return 1 if shell.dialect == "bash" else 127
        text = path if short else f"{name} is {path}"
    await shell.write(1, text + "\n")
    return 0


@builtin("type")
async def type_command(shell: Shell, words: list[str]) -> int:
    """Say what a name is."""
    status = 0
    flags = "".join(word[1:] for word in words[1:] if word.startswith("-"))
    for name in (word for word in words[1:] if not word.startswith("-")):
        if "t" in flags:
            kind = (
                "keyword" if name in KEYWORDS
                else "alias" if name in shell.aliases
                else "function" if name in shell.functions
                else "builtin" if name in BUILTINS
                else "file" if shell.look_up(name) else ""
            )  # fmt: skip
            if kind:
                await shell.write(1, kind + "\n")
            status = max(status, int(not kind))
        elif "p" in flags or "P" in flags:
            path = shell.look_up(name)
            if path and ("P" in flags or name not in BUILTINS):
                await shell.write(1, path + "\n")
            status = max(status, int(path is None))
        else:
            status = max(status, await _describe(shell, name, short=False, where="type"))
    return status


@builtin("hash")
async def hash_command(shell: Shell, words: list[str]) -> int:
    """Remembers nothing."""
    if len(words) == 1:
        await shell.write(1, "hash: hash table empty\n")
        return 0
    for name in words[1:]:
        if not name.startswith("-") and shell.look_up(name) is None:
            await shell.complain(f"hash: {name}: not found")
            return 1
    return 0


def _declared(name: str, shell: Shell) -> str:
    """One variable as ``declare -p`` writes it."""
    found = shell.variables.get(name)
    if found is None:
        return ""
    flags = ("A" if found.associative else "a" if found.array is not None else "") + (
        ("i" if found.integer else "") + ("r" if found.readonly else "") + ("x" if found.exported else "")
    )
    lead = f"declare -{flags or '-'} {name}"
    if found.array is not None:
        items = " ".join(f"[{key}]={_double_quote(value)}" for key, value in found.array.items())
        return f"{lead}=({items}{' ' if found.associative and items else ''})\n"
    return lead + (f"={_double_quote(found.value)}" if found.value is not None else "") + "\n"


def _double_quote(text: str) -> str:
    return '"' + re.sub(r'(["$`\\])', r"\\\1", text) + '"'


@builtin("export", "readonly", "declare", "typeset", "local")
async def declare(shell: Shell, words: list[str]) -> int:
    """Declare variables: exported, read-only, local, arrays."""
    name = words[0]
    flags = ""
    args: list[str] = []
    remove = ""
    for word in words[1:]:
        if word.startswith("-") and len(word) > 1 and not args:
            if word != "--":
                flags += word[1:]
        elif word.startswith("+") and not args:
            remove += word[1:]
        else:
            args.append(word)
    if set(flags) - set("aAfFgilnprtux"):
        bad = next(char for char in flags if char not in "aAfFgilnprtux")
        return await _usage(shell, name, "-" + bad, f"{name} [-fn] [name[=value] ...] or {name} -p")
    if name == "local" and not shell.variables.in_function:
        await shell.complain(
            "local: can only be used in a function" if shell.dialect == "bash" else "local: not in a function"
        )
        return 1
    if "f" in flags or "F" in flags:
        for function in args or sorted(shell.functions):
            if function not in shell.functions:
                return 1
            await shell.write(1, f"declare -f {function}\n" if "F" in flags else f"{function} () \n{{ \n}}\n")
        return 0
    if not args or ("p" in flags and name != "local"):
        return await _list_variables(shell, name, args)
    status = 0
    for word in args:
        status = max(status, await _declare_one(shell, name, flags, remove, word))
    return status


async def _list_variables(shell: Shell, name: str, args: list[str]) -> int:
    status = 0
    for one in args or shell.variables.names():
        found = shell.variables.get(one)
        if found is None:
            await shell.complain(f"{name}: {one}: not found")
            status = 1
            continue
        if args or name in ("declare", "typeset") or (found.exported if name == "export" else found.readonly):
            text = _declared(one, shell)
            if shell.dialect != "bash":
                text = f"{name} {one}='{found.value or ''}'\n"
            await shell.write(1, text)
    return status


async def _declare_one(shell: Shell, name: str, flags: str, remove: str, word: str) -> int:
    target, equals, value = word.partition("=")
    append = target.endswith("+") and bool(equals)
    target = target.removesuffix("+") if append else target
    index = ""
    if target.endswith("]") and "[" in target:
        target, _, index = target[:-1].partition("[")
    if not _NAME.fullmatch(target):
        if shell.dialect == "bash":
            await shell.complain(f"{name}: `{word}': not a valid identifier")
            return 1
        await shell.complain(f"{name}: {target}: bad variable name")
        raise Leave(2)
    is_local = name == "local" or (name in ("declare", "typeset") and shell.variables.in_function and "g" not in flags)
    if is_local:
        if equals and append:
            before = shell.variables.text(target) or ""
            shell.variables.local(target)
            value, append = before + value, False
        variable = shell.variables.local(target)
    else:
        variable = shell.variables.declare(target)
    if "i" in flags:
        variable.integer = True
    if "A" in flags and variable.array is None:
        variable.array, variable.associative = {}, True
    if "a" in flags and variable.array is None:
        variable.array = {0: variable.value} if variable.value is not None else {}
        variable.value = None
    try:
        if equals:
            if value.startswith("(") and value.endswith(")") and ("a" in flags or "A" in flags):
                items = [await shell.expander.text(parse_word(item)) for item in split_words(value[1:-1])]
                shell.variables.set_array(target, dict(enumerate(items)))
            else:
                if "u" in flags:
                    value = value.upper()
                if "l" in flags:
                    value = value.lower()
                await shell.assign(target, value, index, append=append)
    except ReadOnly:
        await shell.complain(f"{target}: readonly variable")
        return 1
    if name == "export" or "x" in flags:
        variable.exported = "n" not in flags
    if "x" in remove:
        variable.exported = False
    if name == "readonly" or "r" in flags:
        variable.readonly = True
    return 0


@builtin("unset")
async def unset(shell: Shell, words: list[str]) -> int:
    """Forget variables or functions."""
    status = 0
    functions = False
    for word in words[1:]:
        if word in ("-f", "-v", "-n"):
            functions = word == "-f"
            continue
        if functions:
            shell.functions.pop(word, None)
            continue
        try:
            if word.endswith("]") and "[" in word:
                name, _, index = word[:-1].partition("[")
                found = shell.variables.get(name)
                if found is not None and found.array is not None:
                    key: int | str = index if found.associative else await shell.expander.arithmetic(index)
                    found.array.pop(key, None)
            elif shell.variables.get(word) is None and word in shell.functions:
                shell.functions.pop(word)
            else:
                shell.variables.unset(word)
        except ReadOnly:
            await shell.complain(f"unset: {word}: cannot unset: readonly variable")
            status = 1
    return status


@builtin("set")
async def set_options(shell: Shell, words: list[str]) -> int:
    """Set options and positional parameters, or list variables."""
    if len(words) == 1:
        for name in shell.variables.names():
            found = shell.variables.get(name)
            if found is not None and found.array is not None:
                items = " ".join(f"[{key}]={_double_quote(value)}" for key, value in found.array.items())
                await shell.write(1, f"{name}=({items})\n")
            elif found is not None and found.value is not None:
                plain = re.fullmatch(r"[\w@%+=:,./-]*", found.value) is not None and shell.dialect == "bash"
                quoted = found.value if plain else "'" + found.value.replace("'", "'\\''") + "'"
                await shell.write(1, f"{name}={quoted}\n")
        return 0
    index = 1
    while index < len(words):
        word = words[index]
        if word == "--":
            shell.positional = words[index + 1 :]
            return 0
        if word == "-":
            shell.options -= {"xtrace", "verbose"}
            shell.positional = words[index + 1 :] or shell.positional
            return 0
        if len(word) < 2 or word[0] not in "-+":
            shell.positional = words[index:]
            return 0
        for letter in word[1:]:
            if letter == "o":
                index += 1
                if index >= len(words):
                    return await _list_options(shell)
                option = words[index]
                if option not in _OPTION_NAMES:
                    await shell.complain(f"set: {option}: invalid option name")
                    return 2
            elif letter in FLAGS:
                option = FLAGS[letter]
            else:
                return await _usage(
                    shell, "set", f"{word[0]}{letter}", "set [-abefhkmnptuvxBCEHPT] [-o option-name] [--] [-] [arg ...]"
                )
            (shell.options.add if word[0] == "-" else shell.options.discard)(option)
        index += 1
    return 0


_OPTION_NAMES = frozenset({*FLAGS.values(), "pipefail", "posix", "emacs", "vi", "history", "ignoreeof"})


async def _list_options(shell: Shell) -> int:
    for option in sorted(_OPTION_NAMES):
        await shell.write(1, f"{option:<15}\t{'on' if option in shell.options else 'off'}\n")
    return 0


@builtin("shopt")
async def shopt(shell: Shell, words: list[str]) -> int:
    """Take shell options and do without."""
    return 0


@builtin("shift")
async def shift(shell: Shell, words: list[str]) -> int:
    """Drop the first positional parameters."""
    count = int(words[1]) if len(words) > 1 and words[1].isdigit() and len(words[1]) < 8 else 1
    if count > len(shell.positional):
        if shell.dialect != "bash":
            await shell.complain("shift: can't shift that many")
            raise Leave(2)
        return 1
    shell.positional = shell.positional[count:]
    return 0


@builtin("let")
async def let(shell: Shell, words: list[str]) -> int:
    """Evaluate expressions."""
    if len(words) < 2:
        await shell.complain("let: expression expected")
        return 1
    value = 0
    for word in words[1:]:
        try:
            value = await shell.expander.arithmetic(word)
        except ExpansionError as error:
            await shell.complain(f"let: {error.message}")
            return 1
    return int(value == 0)


@builtin("test", "[")
async def test(shell: Shell, words: list[str]) -> int:
    """Answer a question about files, texts or numbers."""
    args = words[1:]
    if words[0] == "[":
        if not args or args[-1] != "]":
            await shell.complain("[: missing `]'" if shell.dialect != "dash" else "[: missing ]")
            return 2
        args = args[:-1]
    try:
        return int(not shell_questions(shell, integer).single(args))
    except TestError as error:
        message = error.message
        if shell.dialect == "dash":
            what, _, kind = message.partition(": ")
            message = {
                "integer expression expected": f"Illegal number: {what}",
                "binary operator expected": f"{what}: unexpected operator",
                "unary operator expected": f"{what}: unexpected operator",
            }.get(kind, message)
        await shell.complain(f"{words[0]}: {message}")
        return 2


@builtin("read")
async def read(shell: Shell, words: list[str]) -> int:
    """Read a line into variables."""
    raw = silent = False
    prompt = ""
    delimiter = b"\n"
    count = -1
    array = ""
    source: Stream = shell.fds[0]
    index = 1
    names: list[str] = []
    while index < len(words):
        word = words[index]
        if not word.startswith("-") or len(word) < 2 or names:
            names.append(word)
            index += 1
            continue
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter == "r":
                raw = True
            elif letter == "s":
                silent = True
            elif letter in "pdntaNu":
                if not letters:
                    index += 1
                    if index >= len(words):
                        await shell.complain(f"read: -{letter}: option requires an argument")
                        return 2
                value, letters = letters or words[index], ""
                if letter == "p":
                    prompt = value
                elif letter == "d":
                    delimiter = encode(value)[:1] or b"\0"
                elif letter in "nN":
                    count = int(value) if value.isdigit() and len(value) < 7 else 0
                elif letter == "a":
                    array = value
                elif letter == "u" and value.isdigit():
                    source = shell.fds.get(int(value[:3]), source)
            elif letter not in "e":
                return await _usage(
                    shell,
                    "read",
                    "-" + letter,
                    "read [-Eers] [-a array] [-d delim] [-i text] [-n nchars] [-N nchars] [-p prompt] "
                    "[-t timeout] [-u fd] [name ...]",
                )
        index += 1
    if prompt and source.terminal:
        await shell.write(2, prompt)
    for name in names:
        if not re.fullmatch(r"[A-Za-z_]\w*(\[[^]]*\])?", name):
            await shell.complain(f"read: `{name}': not a valid identifier")
            return 1
    _ = silent
    try:
        ended, line, safe = await _read_line(source, delimiter, count, raw=raw)
    except StreamError as error:
        await shell.complain(f"read: read error: 0: {error.reason}")
        return 1
    separators = shell.separators()
    if array:
        fields = _split(line, safe, separators, 0)
        shell.variables.set_array(array, dict(enumerate(fields)))
    elif not names:
        await shell.assign("REPLY", line)
    else:
        fields = _split(line, safe, separators, len(names))
        for place, name in enumerate(names):
            base, _, sub = name.partition("[")
            await shell.assign(base, fields[place] if place < len(fields) else "", sub[:-1] if sub else "")
    return int(ended)


async def _read_line(source: Stream, delimiter: bytes, count: int, *, raw: bool) -> tuple[bool, str, list[bool]]:
    """A logical line.

    Returns:
        Whether the input ended before the delimiter, the text, and which characters were escaped.
    """
    text: list[str] = []
    safe: list[bool] = []
    while True:
        if count >= 0:
            data = await source.read(max(1, count - len(text)))
            line = data
        else:
            line = await source.read_line(delimiter)
        ended = not line.endswith(delimiter)
        if count >= 0 and delimiter in line:
            line, _, rest = line.partition(delimiter)
            source.unread(rest)
            ended = False
            line += delimiter
        body = decode(line.removesuffix(delimiter)).replace("\0", "")
        again = False
        place = 0
        while place < len(body):
            char = body[place]
            if char == "\\" and not raw:
                place += 1
                if place >= len(body):
                    again = not ended
                    break
                text.append(body[place])
                safe.append(True)
            else:
                text.append(char)
                safe.append(False)
            place += 1
        if count >= 0:
            return not line, "".join(text), safe
        if not again:
            return ended, "".join(text), safe


def _split(line: str, safe: list[bool], separators: str, limit: int) -> list[str]:
    """Split a line for ``read``: the last name takes the rest."""
    blanks = {char for char in separators if char in " \t\n"}
    start, end = 0, len(line)
    while start < end and line[start] in blanks and not safe[start]:
        start += 1
    while end > start and line[end - 1] in blanks and not safe[end - 1]:
        end -= 1
    out: list[str] = []
    while start < end:
        if limit and len(out) == limit - 1:
            out.append(line[start:end])
            return out
        stop = start
        while stop < end and (safe[stop] or line[stop] not in separators):
            stop += 1
        out.append(line[start:stop])
        while stop < end and line[stop] in blanks and not safe[stop]:
            stop += 1
        if stop < end and line[stop] in separators and line[stop] not in blanks and not safe[stop]:
            stop += 1
            while stop < end and line[stop] in blanks and not safe[stop]:
                stop += 1
        start = stop
    return out


@builtin("mapfile", "readarray")
async def mapfile(shell: Shell, words: list[str]) -> int:
    """Read lines into an array."""
    strip = "-t" in words
    names = [word for word in words[1:] if not word.startswith("-")]
    lines: dict[int | str, str] = {}
    while len(lines) < 50_000:
        await shell.kernel.tick(0.2)
        line = await shell.fds[0].read_line()
        if not line:
            break
        text = decode(line)
        lines[len(lines)] = text.removesuffix("\n") if strip else text
    shell.variables.set_array(names[0] if names else "MAPFILE", lines)
    return 0


@builtin("getopts")
async def getopts(shell: Shell, words: list[str]) -> int:
    """Read options from the positional parameters."""
    if len(words) < 3:
        await shell.write(2, "getopts: usage: getopts optstring name [arg ...]\n")
        return 2
    spec, name = words[1], words[2]
    args = words[3:] or shell.positional
    quiet = spec.startswith(":")
    text = shell.variables.text("OPTIND") or "1"
    place = int(text) if text.isdigit() and len(text) < 8 else 1
    offset = shell.open_options if place > 0 else 1
    if place > len(args) or not args[place - 1].startswith("-") or args[place - 1] in ("-", "--"):
        if place <= len(args) and args[place - 1] == "--":
            shell.variables.set("OPTIND", str(place + 1))
        shell.variables.set(name, "?")
        shell.open_options = 1
        return 1
    word = args[place - 1]
    letter = word[offset] if offset < len(word) else "?"
    offset += 1
    shell.variables.unset("OPTARG")
    position = spec.find(letter) if letter != ":" else -1
    result = letter
    if position < 0:
        result = "?"
        if quiet:
            shell.variables.set("OPTARG", letter)
        else:
            await shell.complain(f"illegal option -- {letter}", where=False)
    elif spec[position + 1 : position + 2] == ":":
        if offset < len(word):
            shell.variables.set("OPTARG", word[offset:])
        elif place < len(args):
            place += 1
            shell.variables.set("OPTARG", args[place - 1])
        else:
            result = ":" if quiet else "?"
            if quiet:
                shell.variables.set("OPTARG", letter)
            else:
                await shell.complain(f"option requires an argument -- {letter}", where=False)
        offset = len(word)
    if offset >= len(args[place - 1]) or offset >= len(word):
        place, offset = place + 1, 1
    shell.open_options = offset
    shell.variables.set("OPTIND", str(place))
    shell.variables.set(name, result)
    return 0


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
                if signal in (1, 2, 9, 15):
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


@builtin("alias")
async def alias(shell: Shell, words: list[str]) -> int:
    """Name a command line."""
    status = 0
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if equals:
            shell.aliases[name] = value
        elif name in shell.aliases:
            await shell.write(1, f"alias {name}='{shell.aliases[name]}'\n")
        else:
            await shell.complain(f"alias: {name}: not found")
            status = 1
    if len(words) == 1:
        for name, value in sorted(shell.aliases.items()):
            await shell.write(1, f"alias {name}='{value}'\n")
    return status


@builtin("unalias")
async def unalias(shell: Shell, words: list[str]) -> int:
    """Forget an alias."""
    for word in words[1:]:
        if word == "-a":
            shell.aliases.clear()
        elif shell.aliases.pop(word, None) is None:
            await shell.complain(f"unalias: {word}: not found")
            return 1
    return 0


@builtin("history")
async def history(shell: Shell, words: list[str]) -> int:
    """The lines typed in this shell."""
    for number, line in enumerate(shell.history, 1):
        await shell.write(1, f"{number:5}  {line}\n")
    return 0


@builtin("umask")
async def umask(shell: Shell, words: list[str]) -> int:
    """The mask of new files."""
    if len(words) == 1:
        await shell.write(1, "0022\n")
    return 0


@builtin("ulimit")
async def ulimit(shell: Shell, words: list[str]) -> int:
    """Limits, which the lab sets itself."""
    await shell.write(1, "1048576\n" if "-n" in words else "unlimited\n")
    return 0


@builtin("times")
async def times(shell: Shell, words: list[str]) -> int:
    """Time used."""
    await shell.write(1, "0m0.001s 0m0.000s\n0m0.000s 0m0.000s\n")
    return 0


@builtin("dirs", "pushd", "popd", "enable", "caller")
async def unsupported(shell: Shell, words: list[str]) -> int:
    """Builtins that the lab's shell leaves out, and says so."""
    if words[0] == "dirs":
        await shell.write(1, shell.cwd + "\n")
        return 0
    await shell.complain(f"{words[0]}: the lab's shell leaves this out")
    return 1


@builtin("help")
async def help_command(shell: Shell, words: list[str]) -> int:
    """What there is."""
    await shell.write(
        1,
        "This is the lab's shell: bash's language over a container that is simulated.\n"
        "Builtins: " + " ".join(sorted(BUILTINS)) + "\n"
        "Programs: see `ls /usr/bin`.\n",
    )
    return 0


def is_directory(shell: Shell, path: str) -> bool:
    """Whether a path leads to a directory."""
    fs = shell.system.fs
    return fs.exists(path, shell.cwd) and isinstance(fs.get(path, shell.cwd), Directory)
