"""What an instructor says at each step: the demo's questions and notes, and the instructor's notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml


@dataclass(frozen=True, slots=True)
class Talk:
    """What is said of one step.

    Args:
        ask: The question that the class answers before anything runs.
        answer: What comes out, and why.
        say: What to point at.
        stuck: Where learners get stuck: what they did, and what the check says.
        show: The picture after the step: ``xray``, ``graph`` or nothing.
        graph: Whose rights the graph shows, for which verb and resource, in which namespace; empty for all bindings.
    """

    ask: str
    answer: str
    say: tuple[str, ...]
    stuck: tuple[tuple[str, str], ...]
    show: str = ""
    graph: str = ""


@cache
def talks() -> Mapping[str, Talk]:
    """What is said of every step, by the step's id."""
    text = (resources.files(__package__) / "talk.yaml").read_text(encoding="utf-8")
    found = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return {
        step: Talk(
            said["ask"],
            said["answer"],
            tuple(said["say"]),
            tuple((did, says) for did, says in said["stuck"]),
            said.get("show", ""),
            said.get("graph", ""),
        )
        for step, said in found.items()
    }
