"""Objects that the lab itself created, for a later part or by a rewind: not the learner's own work."""

from collections.abc import Mapping
from typing import Any

from labkit.core.language import text

from .base import NotPassed, not_attempted
from .library import PREPARED
from .steps import position, step_ids


def is_prepared(obj: Mapping[str, Any], step: str) -> bool:
    """Return whether the lab made an object for a step or for a later one."""
    made_for = (obj.get("metadata", {}).get("annotations") or {}).get(PREPARED)
    if made_for is None:
        return False
    # What the lab made for an earlier step is the learner's to change in this one.
    return made_for not in step_ids() or position(made_for) >= position(step)


def require_own(obj: Mapping[str, Any], name: str, step: str) -> None:
    """Require that an object was not created by the lab itself.

    Args:
        obj: The object.
        name: How to call it.
        step: The step in which the learner creates it.
    """
    if is_prepared(obj, step):
        raise prepared(name, step)


def prepared(name: str, step: str) -> NotPassed:
    """The verdict on a step whose object the lab made."""
    return not_attempted(
        text(
            'The lab made {name} for a later part. To do it yourself: lab.rewind("{step}").',
            name,
            step,
        )
    )
