"""labkit: learn in Jupyter how Kubernetes decides who may do what.

The few names that notebooks use. They are loaded when first touched, so that
``import labkit`` brings in no client, no widget and no server. Where to look for what:

- what a learner types:       ``lab`` (the cluster and its callers), ``session`` (check, hint, predict),
  ``expect``, ``exercises``, ``cli``, ``demo``
- one API call:               ``client``, on ``transport``, ``batch`` and ``bodies``; ``answers`` shows it;
  ``calls`` and ``commands`` say what it means; ``caller`` is what others need of it
- which cluster:              ``backends`` (embedded, kind, existing), ``chosen``, ``choice``, ``kubeconfig``
- the embedded cluster:       ``apiserver``
- pods:                       ``pods``, ``podexec``, ``execframes``, ``terminal``; ``proxy``, ``kubectl``
- objects:                    ``manifests``, ``kinds``, ``names`` (shared clusters), ``rbac`` (what a rule speaks of)
- the walkthrough:            ``lessons`` (its checkpoints), ``progress``
- why it was decided so:      ``access``, ``tokens``, ``auditlog``
- what is seen:               ``display`` (cards), ``ui`` (widgets), ``redact`` (no token is shown)
- teaching:                   ``grading``, ``course`` (nbgrader)
- files:                      ``home`` (LABKIT_HOME), ``ownership`` (who else could change them), ``resources`` (what
  is shipped), ``workbook`` (the learner's copies), ``bundle`` (for machines without network)
- what may go wrong:          ``errors``, ``interrupts``
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
