"""The lab's widgets: views of the API's answers, in a notebook.

Each widget takes a ``Lab`` (or a caller), works on every backend, and shows the same
as a table or a list where no widget runs. No other package imports ipywidgets.
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
    "StartPanel": "start",
    "TokenInspector": "token",
    "XRay": "xray",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"labkit.ui.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def preload(loop: AbstractEventLoop, after_seconds: float = 0.3) -> None:
    """Import the widgets while a kernel is idle, so that the first one appears without delay.

    Importing ipywidgets takes longer than drawing a widget. It is done between cells, a module
    at a time; cells that wait are run in between.
    """
    names = ["base", *dict.fromkeys(_MODULES.values())]

    def import_next() -> None:
        import_module(f"labkit.ui.{names.pop(0)}")
        if names:
            loop.call_later(after_seconds / 10, import_next)

    loop.call_later(after_seconds, import_next)


def _prepare_kernel() -> None:
    if "ipykernel" not in sys.modules:
        return
    from IPython import get_ipython

    if (shell := get_ipython()) is not None:
        shell.ast_node_interactivity = (
            "all"  # a cell that makes four calls shows four answers, not the last
        )
    if "labkit.ui.base" not in sys.modules:
        with suppress(RuntimeError):  # no loop runs: this is not a cell
            preload(asyncio.get_running_loop())


on_use(_prepare_kernel)
