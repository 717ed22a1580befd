"""Programs that run others: shells, ``env``, ``xargs``, ``timeout``."""

from __future__ import annotations

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.programs.common import everything, seconds_of
from labkit.embedded.container.programs.options import NOT_SIMULATED, BadOption, read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.interactive import interact, run_lines
from labkit.embedded.container.shell.parameters import FLAGS, LETTERS
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.streams import decode
from labkit.embedded.container.shell.task_loop import Sleep, Task


def make_shell(process: Process, dialect: str) -> Shell:
    """A shell process with another's environment and descriptors."""
    environment = dict(process.env)
    environment.setdefault("PWD", process.cwd)
    environment.setdefault("PATH", process.system.image.path)
    if dialect == "bash":
        level = environment.get("SHLVL", "")
        environment["SHLVL"] = str(int(level) + 1) if level.isdigit() and len(level) < 4 else "1"
        environment.setdefault("_", "/usr/bin/bash")
    shell = process.new_shell(
        dict(process.fds), environment, cwd=process.cwd, name=process.argv[0], dialect=dialect
    )
    if dialect == "bash":
        shell.variables.declare("OLDPWD").exported = True
    return shell


_IGNORED = frozenset({"--login", "--norc", "--noprofile", "--noediting"})
"""Options of bash that have no effect here."""


@program("sh", "bash", "dash", "ash")
async def shell_program(process: Process) -> int:
    """Run a script: ``-c TEXT``, a file, or what stdin gives."""
    dialect = "bash" if process.name == "bash" else "dash"
    shell = make_shell(process, dialect)
    args = list(process.args)
    letters: set[str] = set()
    while args and args[0][:1] in "-+" and len(args[0]) > 1:
        word = args.pop(0)
        if word == "--":
            break
        if word == "--version" and dialect == "bash":
            return await process.out("GNU bash, version 5.2.37(1)-release (x86_64-pc-linux-gnu)\n")
        if word in _IGNORED and dialect == "bash":
            continue
        if wrong := _take_letters(shell, word, args, letters):
            if wrong in LETTERS or wrong == "o":
                return await process.err(f"{process.name}: {word}{NOT_SIMULATED}\n", 127)
            option = word if word.startswith("--") else f"-{wrong}"
            problem = (
                f"{option}: invalid option" if dialect == "bash" else f"0: Illegal option -{wrong}"
            )
            return await process.err(f"{process.argv[0]}: {problem}\n", 2)
    if "c" in letters:
        return await _from_text(process, shell, args)
    if args:
        return await _from_file(process, shell, args)
    if "i" in letters or process.stdin.terminal:
        return await interact(shell)
    # Lines as they come, so that `read` in a script can take the next one.
    return await run_lines(shell)


def _take_letters(shell: Shell, word: str, args: list[str], letters: set[str]) -> str:
    """Apply a word of one-letter options, and return the first unknown one, or nothing."""
    for letter in word[1:]:
        if letter in "cisl":
            letters.add(letter)
        elif letter == "o":
            if args[:1] != ["pipefail"]:
                return letter
            shell.options.add(args.pop(0))
        elif letter in FLAGS:
            (shell.options.add if word[0] == "-" else shell.options.discard)(FLAGS[letter])
        else:
            return letter
    return ""


async def _from_text(process: Process, shell: Shell, args: list[str]) -> int:
    """``-c TEXT NAME ARGUMENT…``."""
    if not args:
        text = (
            "-c: option requires an argument"
            if shell.dialect == "bash"
            else "0: -c requires an argument"
        )
        return await process.err(f"{process.argv[0]}: {text}\n", 2)
    command = args.pop(0)
    if args:
        shell.name = args.pop(0)
    shell.positional = args
    shell.from_command = True
    return await shell.main(command)


async def _from_file(process: Process, shell: Shell, args: list[str]) -> int:
    """``FILE ARGUMENT…``."""
    path = args.pop(0)
    try:
        text = decode(process.fs.read(path, process.cwd))
    except FileError as error:
        if shell.dialect == "bash":
            return await process.err(f"bash: {path}: {error.reason}\n", 127)
        return await process.err(f"{process.name}: 0: cannot open {path}: No such file\n", 2)
    shell.name = path
    shell.positional = args
    return await shell.main(text)


@program("env", misuse=125)
async def env(process: Process) -> int:
    """Print the environment, or run a command in another one."""
    options = read_options(
        process.args, "i,ignore-environment u,unset= C,chdir= 0! v! S! split-string!", stop=True
    )
    environment = {} if options.has("i") else dict(process.env)
    for name, value in options.flags:
        if name == "u":
            environment.pop(value, None)
    args = list(options.args)
    if args and args[0] == "-":
        environment, args = {}, args[1:]
    while args and "=" in args[0]:
        name, _, value = args.pop(0).partition("=")
        environment[name] = value
    if not args:
        for name, value in environment.items():
            await process.out(f"{name}={value}\n")
        return 0
    search = environment.get("PATH", process.env.get("PATH", ""))
    if process.fs.program(args[0], search, process.cwd) is None:
        return await process.fail(f"'{args[0]}': No such file or directory", 127)
    return await process.spawn(
        args, environment, dict(process.fds), options.value("C") or process.cwd
    )


@program("xargs")
async def xargs(process: Process) -> int:
    """Run a command with words from stdin."""
    options = read_options(
        process.args,
        "0! null! r,no-run-if-empty t! verbose! n,max-args= L! I,replace= d! delimiter! P! max-procs! p! x! s! a!",
        stop=True,
    )
    text = decode(await everything(process, process.stdin))
    if set(text) & set("\"'\\"):
        return await process.fail(f"quotes in the input{NOT_SIMULATED}")
    command = options.args or ["echo"]
    limit = options.value("n") or "5000"
    count = max(1, int(limit)) if limit.isdigit() and len(limit) < 6 else 5000
    words = text.split()
    batches = [[*command, *words[start : start + count]] for start in range(0, len(words), count)]
    if mark := options.value("I"):
        lines = filter(None, map(str.strip, text.splitlines()))
        batches = [[word.replace(mark, line) for word in command] for line in lines]
    elif not batches and not options.has("r"):
        batches = [command]
    status = 0
    for batch in batches:
        if process.fs.program(batch[0], process.env.get("PATH", ""), process.cwd) is None:
            return await process.fail(f"{batch[0]}: No such file or directory", 127)
        result = await process.run(batch)
        if result == 255:
            return 124
        status = 123 if result else status
    return status


@program("timeout", misuse=125)
async def timeout(process: Process) -> int:
    """Run a command for a limited time."""
    options = read_options(
        process.args, "k,kill-after= s,signal= foreground preserve-status! v!", stop=True
    )
    if len(options.args) < 2:
        return await process.err("Try 'timeout --help' for more information.\n", 125)
    seconds = seconds_of(options.args[0])
    if seconds is None:
        raise BadOption(f"invalid time interval '{options.args[0]}'")
    words = options.args[1:]
    if process.fs.program(words[0], process.env.get("PATH", ""), process.cwd) is None:
        return await process.fail(
            f"failed to run command '{words[0]}': No such file or directory", 127
        )

    task = process.task_loop.spawn(process.run(words))

    async def alarm() -> int:
        await Sleep(seconds)
        process.task_loop.stop(task)
        return 0

    clock: Task | None = process.task_loop.spawn(alarm()) if seconds else None
    status = await process.task_loop.join(task)
    expired = clock is not None and clock.done
    if clock is not None:
        process.task_loop.stop(clock)
    return 124 if expired and status == 143 else status
