"""Programs that run others: shells, ``env``, ``xargs``, ``timeout``."""

from ..files.inodes import FileError
from ..shell.interactive import interact, run_lines
from ..shell.process import Process
from ..shell.shell import FLAGS, Shell
from ..shell.streams import decode
from ..shell.task_loop import Sleep
from .common import FOREVER, everything, seconds_of
from .registry import NOT_SIMULATED, BadOption, Failure, program
from .system import environment_text


def make_shell(process: Process, dialect: str) -> Shell:
    """Return a shell process with another's environment and descriptors."""
    environment = {"PWD": process.cwd, "PATH": process.system.image.path, **process.env}
    # Only bash counts nested shells.
    if dialect == "bash":
        level = environment.get("SHLVL", "")
        environment["SHLVL"] = str(int(level) + 1) if level.isdigit() and len(level) < 4 else "1"
        environment.setdefault("_", "/usr/bin/bash")
    shell = process.new_shell(environment, dialect=dialect)
    if dialect == "bash":
        # Bash exports it from the start, though it has no value: `export -p` shows `OLDPWD` alone.
        shell.variables.export("OLDPWD")
    return shell


_IGNORED = frozenset({"--login", "--norc", "--noprofile"})
"""Options of bash that have no effect here: the pods' bash reads no start-up files."""


@program("sh", "bash", "dash", "ash")
async def shell_program(process: Process) -> int:
    """Run a script: ``-c TEXT``, a file, or the lines of stdin."""
    bash = process.name == "bash"
    shell = make_shell(process, "bash" if bash else "dash")
    arguments = process.operands
    letters = ""
    while arguments and arguments[0][:1] in "-+" and len(arguments[0]) > 1:
        word = arguments.pop(0)
        if word == "--":
            break
        if bash and word in _IGNORED:
            continue
        for letter in word[1:]:
            if letter in "cisl":
                letters += letter
            elif letter in FLAGS:
                (shell.options.add if word[0] == "-" else shell.options.discard)(FLAGS[letter])
            elif letter == "o" and arguments[:1] == ["pipefail"]:
                shell.options.add(arguments.pop(0))
            else:
                raise Failure(f"{word}{NOT_SIMULATED}", 2)
    if "c" in letters:
        if not arguments:
            problem = "-c: option requires an argument" if bash else "0: -c requires an argument"
            return await process.err(f"{process.argv[0]}: {problem}\n", 2)
        text, *names = arguments
        shell.name = names[0] if names else shell.name
        shell.positional = names[1:]
        shell.from_command = True
        return await shell.main(text)
    if arguments:
        return await _from_file(process, shell, arguments)
    if "i" in letters or process.stdin.terminal:
        return await interact(shell)
    # Lines as they come: a command in the script can take the next one (`cat`, `sh`).
    return await run_lines(shell)


async def _from_file(process: Process, shell: Shell, arguments: list[str]) -> int:
    """``FILE ARGUMENT…``."""
    shell.name, *shell.positional = arguments
    try:
        text = decode(process.fs.read(shell.name, process.cwd))
    except FileError as error:
        if shell.dialect == "bash":
            raise Failure(f"{shell.name}: {error.reason}", 127) from None
        raise Failure(f"0: cannot open {shell.name}: No such file", 2) from None
    return await shell.main(text)


def _check_program(process: Process, name: str, problem: str) -> None:
    """Raise ``Failure`` with a program's own message if the program to run does not exist."""
    if process.fs.program(name, process.env.get("PATH", ""), process.cwd) is None:
        raise Failure(f"{problem}: No such file or directory", 127)


@program(
    "env",
    options="i,ignore-environment u,unset= C! chdir! 0! v! S! split-string!",
    misuse=125,
    stop=True,
)
async def env(process: Process) -> int:
    """Print the environment, or run a command in another one."""
    environment = {} if process.has("i") else dict(process.env)
    for name, value in process.flags:
        if name == "u":
            environment.pop(value, None)
    words = process.operands
    while words and "=" in words[0]:
        name, _, environment[name] = words.pop(0).partition("=")
    if not words:
        return await process.out(environment_text(environment))
    _check_program(process, words[0], f"'{words[0]}'")
    return await process.run(words, environment)


@program(
    "xargs",
    options="0! null! r,no-run-if-empty t! verbose! n! max-args! L! I,replace= d! delimiter! P! max-procs! p! x! s! a!",
    stop=True,
)
async def xargs(process: Process) -> int:
    """Run a command with words from standard input."""
    text = decode(await everything(process, process.stdin))
    if set(text) & set("\"'\\"):
        raise Failure(f"quotes in the input{NOT_SIMULATED}")
    command = process.operands or ["echo"]
    words = text.split()
    replaced = process.value("I")
    if replaced:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        batches = [[word.replace(replaced, line) for word in command] for line in lines]
    else:
        # The system's limit for arguments would decide, which no input here reaches. GNU xargs runs the command once
        # even without input.
        batches = [[*command, *words]] if words or not process.has("r") else []
    status = 0
    for batch in batches:
        _check_program(process, batch[0], batch[0])
        result = await process.run(batch)
        # 255 asks xargs to stop; any other failure is reported as 123 at the end.
        if result == 255:
            return 124
        if result:
            status = 123
    return status


@program(
    "timeout",
    options="k,kill-after= s,signal= foreground preserve-status! v!",
    misuse=125,
    stop=True,
)
async def timeout(process: Process) -> int:
    """Run a command for a limited time."""
    interval, *words = process.operands or [""]
    if not words:
        return await process.err("Try 'timeout --help' for more information.\n", 125)
    seconds = seconds_of(interval)
    if seconds is None:
        raise BadOption(f"invalid time interval '{interval}'")
    _check_program(process, words[0], f"failed to run command '{words[0]}'")
    task_loop = process.task_loop
    task = task_loop.spawn(process.run(words))

    async def alarm() -> int:
        # `timeout 0` has no limit.
        await Sleep(seconds or FOREVER)
        task_loop.stop(task)
        return 0

    clock = task_loop.spawn(alarm())
    status = await task_loop.join(task)
    expired = clock.done
    task_loop.stop(clock)
    return 124 if expired and status == 143 else status
