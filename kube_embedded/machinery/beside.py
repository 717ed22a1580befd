"""Runs a long request in a thread, in turns with the event loop that handles the others.

The loop pauses while the thread works on the cluster. While the request is ``apart``, working only on its own data,
the loop continues.
"""

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from threading import Semaphore

from .request import Response

HOW: ContextVar[Callable[[], AbstractContextManager[None]]] = ContextVar(
    "apart", default=nullcontext
)
"""The implementation of ``apart``: by default, and in reactions to a change, it does nothing."""


def apart() -> AbstractContextManager[None]:
    """Let other requests continue during long work that touches no shared state."""
    return HOW.get()()


async def beside(work: Callable[[], Response]) -> Response:
    """Run a long request in a thread, taking turns with the event loop."""
    loop = asyncio.get_running_loop()
    loop_paused = Semaphore(0)
    resume_loop = Semaphore(0)

    # Runs on the loop's thread, and blocks it, because the work can change the cluster in the meantime.
    def pause_loop() -> None:
        loop_paused.release()
        resume_loop.acquire()

    def enter() -> None:
        loop.call_soon_threadsafe(pause_loop)
        loop_paused.acquire()

    @contextmanager
    def release_loop() -> Iterator[None]:
        resume_loop.release()
        token = HOW.set(nullcontext)
        try:
            yield
        finally:
            HOW.reset(token)
            enter()

    def run_work() -> Response:
        # Context variables are per thread here: ``to_thread`` copies the context.
        HOW.set(release_loop)
        enter()
        try:
            return work()
        finally:
            resume_loop.release()

    # The objects of a long request would cause full collections, during which all requests wait.
    collects = gc.isenabled()
    gc.disable()
    try:
        return await asyncio.to_thread(run_work)
    finally:
        if collects:
            gc.enable()
