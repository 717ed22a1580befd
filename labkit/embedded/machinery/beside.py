"""Does a long request in a thread, beside the event loop that answers the others.

The thread has the cluster to itself, as the loop has it otherwise: the loop stands still meanwhile. Where the request
is ``apart`` and works on nothing that others change, the loop goes on.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from threading import Semaphore

from labkit.embedded.machinery.request import Response

HOW: ContextVar[Callable[[], AbstractContextManager[None]]] = ContextVar(
    "apart", default=nullcontext
)
"""What ``apart`` does: by default, and in what reacts to a change, nothing."""


def apart() -> AbstractContextManager[None]:
    """Let others go on during what takes long and touches nothing that they change."""
    return HOW.get()()


async def beside(work: Callable[[], Response]) -> Response:
    """Do the work of a long request."""
    loop = asyncio.get_running_loop()
    stands = Semaphore(0)
    goes_on = Semaphore(0)

    # Runs on the loop's thread, and blocks it: the work may change the cluster meanwhile.
    def stand_still() -> None:
        stands.release()
        goes_on.acquire()

    def enter() -> None:
        loop.call_soon_threadsafe(stand_still)
        stands.acquire()

    @contextmanager
    def leaving() -> Iterator[None]:
        goes_on.release()
        token = HOW.set(nullcontext)
        try:
            yield
        finally:
            HOW.reset(token)
            enter()

    def alone() -> Response:
        # Context variables are per thread here: ``to_thread`` copies the context.
        HOW.set(leaving)
        enter()
        try:
            return work()
        finally:
            goes_on.release()

    # What it holds for a while would bring on full collections, during which all wait.
    collects = gc.isenabled()
    gc.disable()
    try:
        return await asyncio.to_thread(alone)
    finally:
        if collects:
            gc.enable()
