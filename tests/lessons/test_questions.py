"""The questions at the beginning of each part: the notebooks and the replies belong together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from labkit import recall
from labkit.core.errors import UsageError
from labkit.lessons import questions

ROOT = Path(__file__).parents[2]
TEXT = "\n".join(path.read_text() for path in sorted((ROOT / "notebooks/source").glob("0*.py")))
REPLIES = yaml.safe_load((ROOT / "labkit/lessons/questions.yaml").read_text())


def test_every_question_stands_in_a_notebook_with_its_options() -> None:
    asked = re.findall(r"# \*\*(\d\.\d)\*\* [^*]+((?:# \* [a-z]: .*\n)+)", TEXT)
    assert {number: re.findall(r"\* ([a-z]):", options) for number, options in asked} == {
        number: [letter for letter in replies if letter != "right"]
        for number, replies in REPLIES.items()
    }
    assert re.findall(r'recall\("(\d\.\d)", ""\)', TEXT) == list(REPLIES)


def test_every_part_has_three() -> None:
    assert [number.split(".")[0] for number in REPLIES] == [
        str(part) for part in range(1, 7) for _ in range(3)
    ]


@pytest.mark.parametrize("number", REPLIES)
def test_one_option_is_right_and_each_is_answered(number: str) -> None:
    replies = dict(REPLIES[number])
    right = replies.pop("right")
    judged = {letter: questions.judge(number, letter) for letter in replies}
    assert [letter for letter, reply in judged.items() if reply.right] == [right]
    assert len({reply.text for reply in judged.values()}) == len(replies)


@pytest.mark.parametrize("written", ["b", " B ", "(b)", "b)", "b."])
def test_a_letter_may_be_written_in_any_way(written: str) -> None:
    assert questions.judge("3.1", written).right is True


def test_nothing_chosen_is_no_mistake() -> None:
    reply = recall("3.1")
    assert reply.right is None
    assert "a, b or c" in reply.card().text()


@pytest.mark.parametrize(
    ("number", "choice"), [("9.9", "a"), ("3.1", "d"), ("3.1", "right"), ("3.1", "token")]
)
def test_what_is_no_question_or_no_option_is_named(number: str, choice: str) -> None:
    with pytest.raises(UsageError, match=re.escape(choice if number == "3.1" else number)):
        recall(number, choice)
