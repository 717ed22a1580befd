"""The lab's widgets: views of what the API says, in a notebook.

Each widget takes a ``Lab`` (or a caller), works on every backend, and shows the same
as a table or a list where no widget runs. The only place that imports ipywidgets.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

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
