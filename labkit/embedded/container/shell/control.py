"""Compound commands: pipelines, lists, ``if``, loops."""

from __future__ import annotations

from collections.abc import Awaitable

from labkit.embedded.container.shell import syntax
from labkit.embedded.container.shell.errors import ExitShell, LoopControl
from labkit.embedded.container.shell.parser import NAME
from labkit.embedded.container.shell.protocol import Shell
from labkit.embedded.container.shell.streams import NullStream, Pipe, Stream
from labkit.embedded.container.shell.task_loop import Killed

MAX_FUNCTIONS = 1000
MAX_JOBS = 100


async def run_compound(shell: Shell, command: syntax.Command) -> int:
    """Run a command that is not a simple one, with its redirections in force, and return its status."""
    match command:
        case syntax.Pipeline():
            return await pipeline(shell, command)
        case syntax.AndOr():
            return await and_or(shell, command)
        case syntax.Not():
            shell.status = int(await tested(shell, (command.command,)))
        case syntax.Background():
            return await background(shell, command)
        case syntax.Group():
            return await shell.run(command.body)
        case syntax.Subshell():
            return await subshell(shell, command)
        case syntax.Function():
            if len(shell.functions) > MAX_FUNCTIONS:
                raise Killed(9, "too many functions")
            shell.functions[command.name] = command.body
            shell.status = 0
        case syntax.If():
            return await if_command(shell, command)
        case syntax.While():
            return await loop(shell, command)
        case syntax.For():
            return await for_loop(shell, command)
    return shell.status


async def tested(shell: Shell, commands: tuple[syntax.Command, ...]) -> bool:
    """Run a condition, whose failure ends nothing."""
    shell.tested += 1
    try:
        return await shell.run(commands) == 0
    finally:
        shell.tested -= 1


async def and_or(shell: Shell, command: syntax.AndOr) -> int:
    """``&&`` and ``||``: only the failure of the last command may end the shell."""
    first, *others, last = command.commands
    good = await tested(shell, (first,))
    for operator, other in zip(command.operators, others, strict=False):
        if good == (operator == "&&"):
            good = await tested(shell, (other,))
    if good == (command.operators[-1] == "&&"):
        await shell.execute(last)
    return shell.status


async def pipeline(shell: Shell, command: syntax.Pipeline) -> int:
    """Run commands side by side, each reading what the one before it writes."""
    task_loop = shell.task_loop
    count = len(command.commands)
    tasks = []
    source = shell.fds[0]
    for index, one in enumerate(command.commands):
        part = shell.subshell()
        part.interactive = shell.interactive
        part.fds[0] = source
        ends: list[Stream] = []
        if index:
            ends.append(source)
        if index < count - 1:
            pipe = Pipe(task_loop)
            part.fds[1] = pipe.writer
            ends.append(pipe.writer)
            source = pipe.reader
        tasks.append(task_loop.spawn(_part(part, (one,), ends)))
    statuses = [await task_loop.join(task) for task in tasks]
    shell.status = statuses[-1]
    if "pipefail" in shell.options:
        shell.status = next((one for one in reversed(statuses) if one), 0)
    return await shell.check_exit()


async def _part(shell: Shell, commands: syntax.Commands, ends: list[Stream]) -> int:
    """Run commands in a shell of their own, and close the ends of pipes that it had."""
    try:
        await shell.run(commands)
    except ExitShell as end:
        shell.status = end.status
    except LoopControl:
        pass
    finally:
        for end_stream in ends:
            end_stream.close()
    return shell.status


async def background(shell: Shell, command: syntax.Background) -> int:
    """``command &``."""
    part = shell.subshell()
    if not shell.interactive:
        part.fds[0] = NullStream()
    task = shell.task_loop.spawn(_part(part, (command.command,), []))
    shell.last_background = task
    if len(shell.jobs) > MAX_JOBS:
        shell.jobs = [job for job in shell.jobs if not job.done][-MAX_JOBS:]
    shell.jobs.append(task)
    if shell.interactive:
        await shell.write(2, f"[{len(shell.jobs)}] {task.pid}\n")
    shell.status = 0
    return 0


async def subshell(shell: Shell, command: syntax.Subshell) -> int:
    """``( … )``."""
    part = shell.subshell()
    part.loops = 0
    shell.task_loop.depth += 1
    try:
        shell.status = await _part(part, command.body, [])
    finally:
        shell.task_loop.depth -= 1
    return await shell.check_exit()


async def if_command(shell: Shell, command: syntax.If) -> int:
    """``if``."""
    for condition, body in command.branches:
        if await tested(shell, condition):
            return await shell.run(body)
    shell.status = 0
    return await shell.run(command.else_body)


async def _goes_on(shell: Shell, part: Awaitable[bool]) -> bool:
    """Run a part of a loop that ``break`` and ``continue`` mean, and return whether the loop goes on."""
    try:
        return await part
    except LoopControl as control:
        if control.levels > 1 and shell.loops > 1:
            raise LoopControl(control.levels - 1, again=control.again) from None
        return control.again


async def loop(shell: Shell, command: syntax.While) -> int:
    """``while`` and ``until``."""
    status = 0

    async def once() -> bool:
        nonlocal status
        await shell.task_loop.tick()
        if await tested(shell, command.condition) == command.until:
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


async def for_loop(shell: Shell, command: syntax.For) -> int:
    """``for name in words``."""
    if not NAME.fullmatch(command.name):
        raise ExitShell(await shell.complain(f"`{command.name}': not a valid identifier"))
    items = list(shell.positional) if command.words is None else await shell.fields(command.words)

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
