"""What an instructor says at each step: the demo's questions and notes, and the instructor's notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from labkit.core.yaml_file import read_yaml


@dataclass(frozen=True, slots=True)
class Talk:
    """What is said of one step; ``talk.yaml`` says what each field is."""

    ask: str
    answer: str
    say: tuple[str, ...]
    stuck: tuple[tuple[str, str], ...]
    xray: str = ""
    graph: str = ""

    def notes(self) -> str:
        """What the instructor says, and what the class does not see before, in Markdown."""
        said = "".join(f"- {point}\n" for point in self.say)
        stuck = "".join(f"- They {did}: “{says}”\n" for did, says in self.stuck)
        return f"**Ask:** {self.ask}\n\n**Answer:** {self.answer}\n\n{said}\n**Where learners get stuck**\n\n{stuck}"


@cache
def talks() -> Mapping[str, Talk]:
    """What is said of every step, by the step's id."""
    return {step: Talk(**said) for step, said in read_yaml(__file__, "talk.yaml").items()}
