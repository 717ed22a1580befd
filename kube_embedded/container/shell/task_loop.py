"""The processes of one exec: coroutines, taken in turn, paid for from a budget.

A command awaits only *system calls* (:class:`SystemCall`), never the server's event loop: the task loop
alone awaits the far end (:class:`~kube_embedded.machinery.request.ExecIO`). So pipelines run
side by side, a test drives them without an event loop, and Ctrl-C reaches a command
that sleeps.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Coroutine, Generator
from dataclasses import dataclass, field
from typing import Any

from ...machinery.request import ExecIO

STDIN_POLL_SECONDS = 0.05
"""The interval in which a terminal is checked for Ctrl-C while a command sleeps."""


class Killed(Exception):
    """A process was ended by a signal, SIGKILL by default; the reason, if any, is printed."""

    signal = 9

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def status(self) -> int:
        """The exit status a shell would report."""
        return 128 + self.signal


class BudgetExceeded(Killed):
    """The session used up its budget; it ends as if killed (137)."""


class MemoryExceeded(BudgetExceeded):
    """A command would exceed its memory limit."""

    def __init__(self) -> None:
        super().__init__("the lab's limit of memory for one command was reached")


class BrokenPipe(Killed):
    """The pipe has no reader any more (SIGPIPE)."""

    signal = 13


class Interrupted(Killed):
    """Ctrl-C (SIGINT)."""

    signal = 2


@dataclass(slots=True)
class Budget:
    """The limits of one exec.

    Args:
        steps: Commands, loop rounds and chunks of work at once.
        steps_per_second: How much of that comes back for each second slept, so that a
            ``while true; do curl …; sleep 1; done`` can go on for hours.
        output_bytes: Bytes written to stdout and stderr.
        memory_bytes: The memory of one command (``$(…)``, ``sort``).
        depth: Nested subshells, substitutions and programs.
        tasks: Processes alive at once.
        seconds: Time after which the session ends.
        throttle: Whether one that has no steps left waits for more instead of being killed.
    """

    steps: float = 300_000
    steps_per_second: float = 20_000
    output_bytes: int = 32 << 20
    memory_bytes: int = 4 << 20
    depth: int = 60
    tasks: int = 64
    seconds: float = 4 * 3600
    throttle: bool = False


class SystemCall:
    """A request of a process to the task loop; ``await`` returns the answer."""

    __slots__ = ()

    def __await__(self) -> Generator[SystemCall, Any, Any]:
        return (yield self)


@dataclass(slots=True, frozen=True)
class Sleep(SystemCall):
    """Go on after so many seconds; 0 lets the others run first."""

    seconds: float = 0


class Block(SystemCall):
    """Go on when :meth:`TaskLoop.wake` is called for this process."""


class ReadInput(SystemCall):
    """Return the next bytes of the exec's stdin, ``b""`` at its end."""


@dataclass(slots=True, frozen=True)
class WriteOutput(SystemCall):
    """Send bytes to channel 1 (stdout) or 2 (stderr)."""

    channel: int
    data: bytes


@dataclass(slots=True, eq=False)
class Task:
    """A process: a coroutine on its way to an exit status.

    Args:
        pid: Its number.
        coro: The coroutine.
        status: The exit status, None while it runs.
        error: The signal that ended it.
        answer: The answer to its last system call.
        joiners: The processes that wait for its end.
    """

    pid: int
    coro: Coroutine[SystemCall, Any, int]
    status: int | None = None
    error: BaseException | None = None
    answer: Any = None
    joiners: list[Task] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """True once it has ended."""
        return self.status is not None


class TaskLoop:
    """Runs the processes of one exec until the first one ends; at a terminal it looks for Ctrl-C."""

    def __init__(self, io: ExecIO, budget: Budget | None = None, *, terminal: bool = False) -> None:
        self.io = io
        self.budget = budget or Budget()
        self.terminal = terminal
        self.elapsed_seconds = 0.0
        self.depth = 0
        self._steps = self.budget.steps
        self._output_left = self.budget.output_bytes
        self._ready: deque[Task] = deque()
        self._timers: list[tuple[float, int, Task]] = []
        self._readers: deque[Task] = deque()
        self._typed: deque[bytes] = deque()
        self._tasks: list[Task] = []
        self._next_pid = 7
        self._order = 0
        self._turns = 0.0
        self._main: Task | None = None
        self._end_of_input = False
        self.current: Task | None = None

    # Called by processes

    def spawn(self, coro: Coroutine[SystemCall, Any, int]) -> Task:
        """Schedule a process, whose coroutine returns its exit status; ``Killed`` if there are too many."""
        if len(self._tasks) >= self.budget.tasks:
            coro.close()
            raise Killed("fork: retry: Resource temporarily unavailable")
        # A process costs more than a command: a coroutine, and copies of variables and descriptors.
        self._steps -= 4
        task = Task(self._next_pid, coro)
        self._next_pid += 1
        self._tasks.append(task)
        self._ready.append(task)
        return task

    async def join(self, task: Task) -> int:
        """Wait for a process, and return its exit status.

        Raises:
            BudgetExceeded: The process used up the budget of all.
        """
        while task.status is None:
            if self.current is not None:
                task.joiners.append(self.current)
            await Block()
        # All processes share the budget: once one has used it up, the others end as well.
        if isinstance(task.error, BudgetExceeded):
            raise task.error
        return task.status

    def wake(self, task: Task | None) -> None:
        """Resume a blocked process."""
        if task is not None and not task.done and task not in self._ready:
            self._ready.append(task)

    def charge(self, steps: float = 1) -> None:
        """Deduct work from the budget; ``BudgetExceeded`` if it is used up."""
        self._steps -= steps
        # A process that works much at once lets others run sooner.
        self._turns += max(1, steps)
        if self._steps < (-self.budget.steps if self.budget.throttle else 0):
            raise BudgetExceeded("the lab's limit of work for one command was reached")

    async def tick(self, steps: float = 1) -> None:
        """Deduct work from the budget and, now and then, let other processes run."""
        self.charge(steps)
        if self._steps < 0:
            await Sleep(1)
        elif self._turns >= 100:
            self._turns = 0.0
            await Sleep()

    def stop(self, task: Task, signal: int = 15) -> None:
        """End a process from outside."""
        if task.done or task is self.current:
            return
        # Closing runs its `finally` blocks, so pipes are closed and servers leave their ports.
        task.coro.close()
        self._finish(task, 128 + signal)

    # The loop

    async def run(self, coro: Coroutine[SystemCall, Any, int]) -> int:
        """Run a process and all it starts, until it ends, and return its exit status.

        Raises:
            BudgetExceeded: The session used up its budget.
        """
        main = self._main = self.spawn(coro)
        try:
            while not main.done:
                if self._ready:
                    await self._turn(self._ready.popleft())
                else:
                    await self._idle()
        finally:
            # Processes in the background end with the exec. A coroutine that is only dropped would warn.
            for task in list(self._tasks):
                task.coro.close()
        if main.error is not None:
            raise main.error
        return main.status or 0

    async def _turn(self, task: Task, error: BaseException | None = None) -> None:
        """Let a process run until its next system call, and begin that."""
        if task.done:
            return
        answer = task.answer
        task.answer = None
        self.current = task
        try:
            call = task.coro.throw(error) if error is not None else task.coro.send(answer)
        except StopIteration as end:
            self._finish(task, int(end.value or 0))
            return
        except Killed as end:
            self._finish(task, end.status, end)
            return
        finally:
            self.current = None
        match call:
            case Sleep(0):
                self._ready.append(task)
                await self._pass(0)
            case Sleep(seconds):
                # The order distinguishes timers of the same time, because tasks cannot be compared.
                self._order += 1
                heapq.heappush(self._timers, (self.elapsed_seconds + seconds, self._order, task))
            case WriteOutput(channel, data):
                await self._write(channel, data)
                self._ready.appendleft(task)
            case ReadInput() if self._typed or self._end_of_input:
                task.answer = self._typed.popleft() if self._typed else b""
                self._ready.append(task)
            case ReadInput():
                self._readers.append(task)

    async def _write(self, channel: int, data: bytes) -> None:
        self._output_left -= len(data)
        self._steps -= 1
        if self._output_left < 0:
            raise BudgetExceeded("the lab's limit of output for one command was reached")
        await self.io.write(channel, data)

    async def _pass(self, seconds: float) -> None:
        await self.io.sleep(seconds)
        self.elapsed_seconds += seconds
        # Sleeping earns steps back: a loop with a `sleep` goes on for hours, a busy one is killed.
        self._steps += seconds * self.budget.steps_per_second
        self._steps = min(self._steps, self.budget.steps)
        if self.elapsed_seconds > self.budget.seconds:
            raise BudgetExceeded("the lab's limit of time for one command was reached")

    async def _idle(self) -> None:
        """Wait for the next timer or for input, as no process can run."""
        self._readers = deque(task for task in self._readers if not task.done)
        if self._readers and (not self._timers or self.io.stdin_ready()):
            await self._take_input()
        elif self._timers:
            if self.terminal and not self._end_of_input and self.io.stdin_ready():
                await self._take_input()
                return
            wait = max(0.0, self._timers[0][0] - self.elapsed_seconds)
            # A sleep is cut into short ones, because Ctrl-C can come at any time.
            if self.terminal or self._readers:
                wait = min(wait, STDIN_POLL_SECONDS)
            await self._pass(wait)
            while self._timers and self._timers[0][0] <= self.elapsed_seconds + 1e-9:
                self.wake(heapq.heappop(self._timers)[2])
        # No process can run, and none will be woken: they wait for each other. A real shell would
        # hang for ever.
        elif self._main is not None:
            await self._turn(self._main, Killed("deadlock"))

    async def _take_input(self) -> None:
        data = await self.io.read_stdin()
        if not data and (not self.terminal or getattr(self.io, "closed", False)):
            self._end_of_input = True
        # Whatever was typed before Ctrl-C is dropped, as a terminal does without NOFLSH.
        if self.terminal and b"\x03" in data:
            await self.interrupt()
            data = data.rpartition(b"\x03")[2]
            if not data:
                return
        if self._readers:
            reader = self._readers.popleft()
            reader.answer = data
            self._ready.append(reader)
        elif data or self.terminal:
            self._typed.append(data)

    async def interrupt(self) -> None:
        """Handle Ctrl-C: every process but the first ends, and the first gets ``Interrupted``."""
        await self.io.write(1, b"^C")
        for task in list(self._tasks):
            if task is not self._main:
                self.stop(task, 2)
        if self._main is not None and not self._main.done:
            # Only the first process is left, and no call of it is under way any more.
            self._timers.clear()
            self._readers.clear()
            self._ready.clear()
            await self._turn(self._main, Interrupted())

    def _finish(self, task: Task, status: int, error: BaseException | None = None) -> None:
        task.status = status & 0xFF
        task.error = error
        if task in self._tasks:
            self._tasks.remove(task)
        for joiner in task.joiners:
            self.wake(joiner)
