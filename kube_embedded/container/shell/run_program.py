"""Programs, found along ``$PATH`` and run by a shell."""

from ..files.inodes import Directory, File, FileError
from ..programs import BUILTIN_PROGRAMS, find_program
from .builtin_table import BUILTINS
from .process import Process
from .shell import Shell
from .streams import StreamError, decode
from .task_loop import BudgetExceeded, Interrupted, Killed


def look_up(shell: Shell, name: str) -> str | None:
    """Return the path of a program, searched along ``$PATH`` unless it has a slash."""
    search = shell.variables.text("PATH")
    if search is None:
        search = shell.system.image.path
    return shell.system.fs.program(name, search, shell.cwd) if name else None


async def run_program(
    shell: Shell,
    words: list[str],
    environment: dict[str, str] | None = None,
    *,
    alone: bool = False,
) -> int:
    """Run a command that is neither a function nor a builtin, and return its exit status.

    That is 127 if the command does not exist, 126 if it cannot be run. The exported variables are its environment by
    default. ``alone`` is True for the only command of a ``bash -c``, which replaces the shell.
    """
    name = words[0]
    path = look_up(shell, name)
    if path is None:
        problem = "command not found" if shell.bash else "not found"
        # With an empty PATH bash looks in the working directory, and so names a missing file.
        if shell.bash and ("/" in name or shell.variables.text("PATH") == ""):
            problem = "No such file or directory"
        return await shell.complain(f"{name}: {problem}", 127)
    node = shell.system.fs.get(path, shell.cwd)
    if not isinstance(node, File) or not node.mode & 0o111:
        directory = shell.bash and isinstance(node, Directory)
        problem = "Is a directory" if directory else "Permission denied"
        return await shell.complain(f"{name}: {problem}", 126)
    if environment is None:
        environment = _inherited(shell, path, alone=alone)
    if not node.program:
        return await _run_file(shell, words, path, node, environment)
    function = find_program(node.program)
    if node.program in BUILTIN_PROGRAMS:
        function = _run_builtin
    if function is None:
        await shell.write(2, f"{name}: not simulated in this lab's pods\n")
        return 127
    process = Process(shell, words, environment)
    shell.task_loop.charge(2)
    if shell.task_loop.depth > shell.task_loop.budget.depth:
        raise BudgetExceeded("the lab's limit of nested commands was reached")
    shell.task_loop.depth += 1
    try:
        return await function(process) & 0xFF
    except FileError as error:
        return await process.fail(error.reason)
    except StreamError as error:
        await shell.write(2, f"{process.name}: write error: {error.reason}\n")
        return 1
    # These end the whole exec; other signals only end the program.
    except (Interrupted, BudgetExceeded):
        raise
    except Killed as end:
        return end.status
    finally:
        shell.task_loop.depth -= 1


async def _run_builtin(process: Process) -> int:
    """Run a builtin that was called as a program, such as ``/bin/echo`` or ``env printf``."""
    shell = process.new_shell(process.env, dialect="bash")
    shell.as_program = True
    return await BUILTINS[process.name](shell, [process.name, *process.args])


def _inherited(shell: Shell, path: str, *, alone: bool) -> dict[str, str]:
    """Return the environment of a program: bash sets ``_`` to its path, and ``SHLVL``."""
    environment = shell.variables.environment()
    if shell.bash and not shell.as_program:
        environment["_"] = path
        level = environment.get("SHLVL", "")
        if alone and level.isdigit():
            environment["SHLVL"] = str(int(level) - 1)
    return environment


async def _run_file(
    shell: Shell, words: list[str], path: str, node: File, environment: dict[str, str]
) -> int:
    """Run a script: by its ``#!`` line, or by the shell itself."""
    text = decode(node.content())
    # The images' entry points have such a line. Learners seldom make one, because `chmod` is left out.
    interpreter = text[2:].split("\n", 1)[0].split(None, 1) if text.startswith("#!") else []
    if interpreter:
        return await run_program(shell, [*interpreter, path, *words[1:]], environment)
    inner = shell.fresh(environment, path)
    inner.positional = words[1:]
    shell.task_loop.depth += 1
    try:
        return await inner.main(text)
    finally:
        shell.task_loop.depth -= 1
