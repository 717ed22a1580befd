"""Compound commands: pipelines, lists, ``if``, loops."""

from collections.abc import Awaitable

from . import syntax
from .expand import expand_fields
from .parser import NAME
from .shell import ExitShell, LoopControl, Shell
from .streams import NullStream, Pipe, Stream
from .task_loop import Killed

MAX_FUNCTIONS = 1000
MAX_JOBS = 100


async def run_compound(shell: Shell, command: syntax.Command) -> int:
    """Run a command that is not a simple one, with its redirections in force, and return its status."""
    match command:
        case syntax.Pipeline(commands=commands):
            return await _pipeline(shell, commands)
        case syntax.AndOr():
            return await _and_or(shell, command)
        case syntax.Not(command=inner):
            shell.status = int(await _tested(shell, (inner,)))
        case syntax.Background(command=inner):
            await _background(shell, inner)
        case syntax.Group(body=body):
            return await shell.run(body)
        case syntax.Subshell(body=body):
            part = shell.subshell()
            part.loops = 0
            shell.task_loop.depth += 1
            try:
                shell.status = await _part(part, body)
            finally:
                shell.task_loop.depth -= 1
            return await shell.check_exit()
        case syntax.Function(name=name, body=inner):
            # Each subshell copies the table.
            if len(shell.functions) > MAX_FUNCTIONS:
                raise Killed("too many functions")
            shell.functions[name] = inner
            shell.status = 0
        case syntax.If():
            for condition, body in command.branches:
                if await _tested(shell, condition):
                    return await shell.run(body)
            shell.status = 0
            return await shell.run(command.else_body)
        case syntax.While():
            return await _loop(shell, command)
        case syntax.For():
            return await _for_loop(shell, command)
    return shell.status


async def _tested(shell: Shell, commands: syntax.Commands) -> bool:
    """Run a condition, whose failure does not end the shell (``set -e``)."""
    shell.tested += 1
    try:
        return await shell.run(commands) == 0
    finally:
        shell.tested -= 1


async def _and_or(shell: Shell, command: syntax.AndOr) -> int:
    """``&&`` and ``||``: only the failure of the last command can end the shell."""
    first, *others, last = command.commands
    good = await _tested(shell, (first,))
    for operator, other in zip(command.operators, others, strict=False):
        if good == (operator == "&&"):
            good = await _tested(shell, (other,))
    if good == (command.operators[-1] == "&&"):
        await shell.run((last,))
    return shell.status


async def _pipeline(shell: Shell, commands: syntax.Commands) -> int:
    """Run commands side by side, each reading the output of the one before it."""
    tasks = []
    source = shell.fds[0]
    # Each part is a process, also the last one: `echo x | cd /` changes no directory. Only
    # bash's option `lastpipe` differs, which is off by default.
    for index, command in enumerate(commands):
        part = shell.subshell()
        part.fds[0] = source
        ends: list[Stream] = [source] if index else []
        if index < len(commands) - 1:
            pipe = Pipe(shell.task_loop)
            part.fds[1] = pipe.writer
            ends.append(pipe.writer)
            source = pipe.reader
        tasks.append(shell.task_loop.spawn(_part(part, (command,), *ends)))
    statuses = [await shell.task_loop.join(task) for task in tasks]
    shell.status = statuses[-1]
    if "pipefail" in shell.options:
        shell.status = next(filter(None, reversed(statuses)), 0)
    return await shell.check_exit()


async def _part(shell: Shell, commands: syntax.Commands, *ends: Stream) -> int:
    """Run commands in a shell of their own, and close the ends of pipes that it had."""
    try:
        await shell.run(commands)
    except ExitShell as end:
        shell.status = end.status
    except LoopControl:
        pass
    finally:
        for stream in ends:
            stream.close()
    return shell.status


async def _background(shell: Shell, command: syntax.Command) -> None:
    """``command &``."""
    part = shell.subshell()
    # Otherwise it would compete with the shell for its input.
    part.fds[0] = NullStream()
    task = shell.last_background = shell.task_loop.spawn(_part(part, (command,)))
    shell.jobs.append(task)
    # A loop of `true &` must not hold on to every process that it ever started.
    del shell.jobs[:-MAX_JOBS]
    if shell.interactive:
        await shell.write(2, f"[{len(shell.jobs)}] {task.pid}\n")
    shell.status = 0


async def _goes_on(shell: Shell, part: Awaitable[bool]) -> bool:
    """Run a part of a loop that ``break`` and ``continue`` mean, and return whether the loop goes on."""
    try:
        return await part
    except LoopControl as control:
        # `break 5` within two loops leaves both, without an error.
        if control.levels > 1 and shell.loops > 1:
            raise LoopControl(control.levels - 1, again=control.again) from None
        return control.again


async def _loop(shell: Shell, command: syntax.While) -> int:
    """``while`` and ``until``: the last body has the status, not the condition."""
    status = 0

    async def once() -> bool:
        nonlocal status
        await shell.task_loop.tick()
        if await _tested(shell, command.condition) == command.until:
            return False
        try:
            await shell.run(command.body)
        finally:
            status = shell.status
        return True

    shell.loops += 1
    try:
        while await _goes_on(shell, once()):
            pass
    finally:
        shell.loops -= 1
    shell.status = status
    return status


async def _for_loop(shell: Shell, command: syntax.For) -> int:
    """``for name in words``."""
    if not NAME.fullmatch(command.name):
        raise ExitShell(await shell.complain(f"`{command.name}': not a valid identifier"))
    # Without `in`, a loop is over the positional parameters.
    items = list(shell.positional)
    if command.words is not None:
        items = await expand_fields(shell, command.words)

    async def once(item: str) -> bool:
        await shell.task_loop.tick()
        shell.assign(command.name, item)
        await shell.run(command.body)
        return True

    shell.status = 0
    shell.loops += 1
    try:
        for item in items:
            if not await _goes_on(shell, once(item)):
                break
    finally:
        shell.loops -= 1
    return shell.status
