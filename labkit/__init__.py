"""labkit: learn in Jupyter how Kubernetes decides who may do what.

The few names that notebooks use. They are loaded when first touched, so that
``import labkit`` brings in no client, no widget and no server.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.exercises import exercise as exercise
    from labkit.expect import expect_forbidden as expect_forbidden
    from labkit.lab import Lab as Lab
    from labkit.session import board as board
    from labkit.session import check as check
    from labkit.session import hint as hint
    from labkit.session import predict as predict
    from labkit.session import solution as solution

__version__ = "0.1.0"

_HOMES = {
    "Lab": "labkit.lab",
    "board": "labkit.session",
    "check": "labkit.session",
    "exercise": "labkit.exercises",
    "expect_forbidden": "labkit.expect",
    "hint": "labkit.session",
    "predict": "labkit.session",
    "solution": "labkit.session",
}

__all__ = ["Lab", "board", "check", "exercise", "expect_forbidden", "hint", "predict", "solution"]


def __getattr__(name: str) -> Any:
    """Load a name from its module at first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'labkit' has no attribute '{name}'")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The names notebooks use."""
    return sorted([*__all__, "__version__"])
