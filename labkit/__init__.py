"""labkit: learn in Jupyter how Kubernetes decides who may do what.

The few names that notebooks use. They are loaded when first used, so that ``import labkit``
imports no client, no widget and no server. Where to look for what, from the top down:

- ``cli``       the command ``labkit``
- ``presenter`` the walkthrough shown by itself, and to a class
- ``ui``        the widgets
- ``grading``   exercises that grade themselves, and what teachers do with them
- ``lab``       what a learner holds: the cluster and its callers, check, hint, predict, exercises
- ``classroom`` a class from one laptop: questions to the room, and the board
- ``lessons``   the walkthrough: its steps and their checkpoints
- ``backends``  which cluster: embedded, kind or existing
- ``practice``  the drill: wrong ideas about RBAC, and the questions that find them
- ``client``    one API call and what it takes
- ``rbac``      why a request was allowed or refused, and what a policy grants
- ``core``      what every part uses: errors, texts, the home directory

The embedded cluster is a package of its own, ``kube_embedded``.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from labkit.core.version import __version__ as __version__

if TYPE_CHECKING:
    from labkit.lab.answers import answers as answers
    from labkit.lab.exercises import exercise as exercise
    from labkit.lab.expect import expect_forbidden as expect_forbidden
    from labkit.lab.lab import Lab as Lab
    from labkit.lab.words import board as board
    from labkit.lab.words import check as check
    from labkit.lab.words import export_progress as export_progress
    from labkit.lab.words import hint as hint
    from labkit.lab.words import import_progress as import_progress
    from labkit.lab.words import solution as solution
    from labkit.ui.drill import drill as drill
    from labkit.ui.taps import predict as predict


_HOMES = {
    "Lab": "labkit.lab.lab",
    "answers": "labkit.lab.answers",
    "board": "labkit.lab.words",
    "check": "labkit.lab.words",
    "drill": "labkit.ui.drill",
    "exercise": "labkit.lab.exercises",
    "expect_forbidden": "labkit.lab.expect",
    "export_progress": "labkit.lab.words",
    "hint": "labkit.lab.words",
    "import_progress": "labkit.lab.words",
    "predict": "labkit.ui.taps",
    "solution": "labkit.lab.words",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Load a name from its module at first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'labkit' has no attribute '{name}'")
    if "ipykernel" in sys.modules:
        importlib.import_module("labkit.ui")  # so that widgets are loaded while the kernel is idle
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The names notebooks use."""
    return sorted([*__all__, "__version__"])
