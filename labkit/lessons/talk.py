"""The instructor's script for each step: the demo's questions and notes, and the instructor's notebooks."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from labkit.core.language import said, text
from labkit.core.yaml_file import read_yaml


@dataclass(frozen=True, slots=True)
class Talk:
    """The script of one step; ``talk.yaml`` describes each field."""

    ask: str
    answer: str
    say: tuple[str, ...]
    stuck: tuple[tuple[str, str], ...]
    xray: str = ""
    graph: str = ""

    def notes(self) -> str:
        """Return the instructor's script, with the parts that the class does not see before, in Markdown."""
        # The message that learners see at a mistake is in quotes, as in the check.
        stuck = (
            said("They {did}: “{says}”", said(did), said(text(says))) for did, says in self.stuck
        )
        say, stuck_at = (
            "".join(f"- {cell}\n" for cell in part) for part in (map(said, self.say), stuck)
        )
        ask = f"**{said('Ask:')}** {said(self.ask)}"
        answer = f"**{said('Answer:')}** {said(self.answer)}"
        return f"{ask}\n\n{answer}\n\n{say}\n**{said('Where learners get stuck')}**\n\n{stuck_at}"


@cache
def talks() -> Mapping[str, Talk]:
    """Return the script of every step, by the step's id."""
    return {step: Talk(**said) for step, said in read_yaml(__file__, "talk.yaml").items()}
