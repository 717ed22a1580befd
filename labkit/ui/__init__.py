"""The lab's widgets: views of what the API says, in a notebook.

Each widget takes a ``Lab`` (or a caller), works on every backend, and shows the same
as a table or a list where no widget runs. The only place that imports ipywidgets.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from labkit.lab.current import on_use

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

_PLACES = {
    "AccessMatrix": "matrix",
    "Board": "board",
    "PodTerminal": "terminal",
    "RBACGraph": "graph",
    "StartPanel": "start",
    "TokenInspector": "token",
    "XRay": "xray",
}

__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(import_module(f"labkit.ui.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def preload(loop: AbstractEventLoop, after_seconds: float = 0.3) -> None:
    """Import the widgets when a kernel has nothing else to do, so that the first is there at once.

    ipywidgets takes longer to import than a widget to draw. It happens between two cells, a
    module at a time; cells that wait are run in between.

    Args:
        loop: The kernel's event loop.
        after_seconds: When the first import begins.
    """
    names = ["base", *dict.fromkeys(_PLACES.values())]

    def next_one() -> None:
        import_module(f"labkit.ui.{names.pop(0)}")
        if names:
            loop.call_later(after_seconds / 10, next_one)

    loop.call_later(after_seconds, next_one)


def _preload_in_kernel() -> None:
    if "ipykernel" in sys.modules and "labkit.ui.base" not in sys.modules:
        with suppress(RuntimeError):  # no loop runs: this is no cell
            preload(asyncio.get_running_loop())


on_use(_preload_in_kernel)
