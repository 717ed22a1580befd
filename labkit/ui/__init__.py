"""The lab's widgets: views of the API's answers, in a notebook.

Each widget takes a ``Lab`` (or a caller), works on every backend, and shows the same
as a table or a list if no widget runs. No other package imports ipywidgets.
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

_MODULES = {
    "AccessMatrix": "matrix",
    "Board": "board",
    "Drill": "drill",
    "MutantWall": "wall",
    "PodTerminal": "terminal",
    "RBACGraph": "graph",
    "Review": "review",
    "StartPanel": "start",
    "Taps": "taps",
    "TokenInspector": "token",
    "XRay": "xray",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    # Imported at first use (PEP 562): a command or a script that imports labkit needs no
    # ipywidgets.
    if name in _MODULES:
        return getattr(import_module(f"labkit.ui.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def preload(loop: AbstractEventLoop, after_seconds: float = 0.3) -> None:
    """Import the widgets while a kernel is idle, so that the first one appears without delay.

    Importing ipywidgets takes longer than drawing a widget. The modules are imported between cells,
    one at a time, so that a cell in the queue waits for one module at most.
    """
    names = ["base", *dict.fromkeys(_MODULES.values())]

    def import_next() -> None:
        import_module(f"labkit.ui.{names.pop(0)}")
        if names:
            loop.call_later(after_seconds / 10, import_next)

    loop.call_later(after_seconds, import_next)


def _prepare_kernel() -> None:
    # Only a kernel displays widgets; importing IPython elsewhere would slow down each command.
    if "ipykernel" not in sys.modules:
        return
    from IPython import get_ipython

    if (shell := get_ipython()) is not None:
        # A cell that makes four calls shows four answers; by default IPython shows the last only.
        shell.ast_node_interactivity = "all"
    if "labkit.ui.base" not in sys.modules:
        # RuntimeError: no loop runs, so this is not a cell.
        with suppress(RuntimeError):
            preload(asyncio.get_running_loop())


on_use(_prepare_kernel)
