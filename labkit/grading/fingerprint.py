"""What a stored result depends on besides the notebook: when it changes, the result is not used again."""

from __future__ import annotations

import hashlib
import inspect
import json
import sys
from functools import cache

from labkit.core.version import __version__
from labkit.grading.result import Result
from labkit.grading.task import texts
from labkit.grading.tasks import find_exercise


@cache
def exercise_fingerprint(name: str) -> str:
    """Hash an exercise's source: the modules of its tasks, and what ``texts.yaml`` says of it and them."""
    exercise = find_exercise(name)
    modules = sorted({task.make.__module__ for task in exercise.tasks})
    said = [texts().get(each) for each in (exercise.id, *(task.id for task in exercise.tasks))]
    source = [inspect.getsource(sys.modules[module]) for module in modules]
    return hashlib.sha256(json.dumps([source, said], default=str).encode()).hexdigest()[:16]


def outdated(result: Result, course: str) -> str:
    """Why a stored result is not used again; empty if it is. ``course`` is today's fingerprint of the secret."""
    if not result.graded_by:
        return "they were stored without what they depend on, by an earlier labkit"
    if result.graded_by != __version__:
        return f"labkit {result.graded_by} graded them, and this is {__version__}"
    if result.exercise_fingerprint != exercise_fingerprint(result.exercise):
        return f"{result.exercise} has changed since"
    return "" if result.course_fingerprint == course else "the course has another secret"
