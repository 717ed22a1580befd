"""asyncio clients whose connections end with the test that opened them.

A client that was closed has only begun to say goodbye: over TLS that takes some more turns of the
loop, and the garbage collector reports the objects of a closed loop in whichever test is running
by then.
"""

from __future__ import annotations

import asyncio
import gc
import selectors
import time
import warnings
from collections.abc import Coroutine
from typing import Any, TypeVar

GOODBYE_SECONDS = 300.0
"""How long a loaded machine may take until the last connection is closed."""

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T], *, patience_seconds: float = GOODBYE_SECONDS) -> T:
    """Run a coroutine to its end, and wait until its connections are closed.

    Args:
        work: The coroutine; it gets its own event loop.
        patience_seconds: The time limit for closing its connections once it has ended.

    Returns:
        The coroutine's result.

    Raises:
        AssertionError: A connection stays open.
    """
    with warnings.catch_warnings():  # leaks of earlier tests are not this test's
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    selector = selectors.DefaultSelector()
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector)) as runner:
        runner.get_loop()
        own = len(selector.get_map())
        result = runner.run(work)
        runner.run(_hung_up(selector, own, patience_seconds))
    gc.collect()  # report unclosed connections here, not in another test
    return result


async def _hung_up(selector: selectors.BaseSelector, own: int, patience_seconds: float) -> None:
    deadline = time.monotonic() + patience_seconds
    while left := len(selector.get_map()) - own:
        assert time.monotonic() < deadline, f"connections that were not closed: {left}"
        await asyncio.sleep(0.01)
    await asyncio.sleep(0)  # the loop closes them in the next turn
