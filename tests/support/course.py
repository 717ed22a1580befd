"""Counts and names of the lessons' steps, so that no test has to change when a step is added."""

from __future__ import annotations

from labkit.lessons import LESSONS, STEPS
from labkit.lessons.asides import ASIDES

TOTAL = len(STEPS)
PARTS = len(LESSONS)
ASIDES_TOTAL = len(ASIDES)
ALL_PASSED = f"{TOTAL} of {TOTAL} checkpoints passed"

IDS = list(STEPS)
SERIES = [
    [step for step in IDS if step[0] == letter] for letter in dict.fromkeys(i[0] for i in IDS)
]
"""The ids of each letter, in order."""

LAST = SERIES[0][-1]
"""The walkthrough's last step."""

MISSING = f"{SERIES[0][0][0]}{len(SERIES[0]) + 1}"
"""The first step that does not exist, such as ``W25`` if there are 24."""

RANGES = " and ".join(f"{ids[0]} to {ids[-1]}" for ids in SERIES)
STEPS_ARE = f"Steps are {RANGES}."
NO_STEP = f'There is no step "{MISSING}". {STEPS_ARE}'


def place(step: str) -> str:
    """Where a step is among all, as the demo writes it: ``(17 of 30)``."""
    return f"({IDS.index(step) + 1} of {TOTAL})"
