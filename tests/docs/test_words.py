"""How much there is to read in each part, and how many words are new in it."""

from __future__ import annotations

import pytest

from tools import minutes, words

READABLE = tuple(part for part in words.PARTS if part != "00-start")
"""The parts that keep the limits of ``tools/words.py``."""


def test_the_table_is_up_to_date() -> None:
    page = words.PAGE.read_text(encoding="utf-8")
    written = page.split(words.BEGIN)[1].split(words.END)[0].strip()
    assert written == words.table(), "run `python -m tools.words`"


@pytest.mark.parametrize("part", READABLE)
def test_no_cell_is_long_and_few_words_are_new(part: str) -> None:
    assert list(words.long_cells(part)) == []
    assert len(words.new_words()[part]) <= words.MOST_NEW * words.part_minutes(part)


def test_a_word_is_new_once() -> None:
    new = [word for found in words.new_words().values() for word in found]
    assert len(new) == len(set(new)) > 90


def test_folded_words_are_counted_apart() -> None:
    text = "Two words.\n<details>\n<summary>More</summary>\n\nfolded\n\n</details>"
    assert minutes.words(text) == 2
    assert words.words(text) == 6


def test_the_first_notebook_has_fifteen_new_words_and_a_role_within_fifteen_minutes() -> None:
    assert list(words.long_cells("00-start")) == []
    assert len(words.new_words()["00-start"]) <= 15
    assert words.part_minutes("00-start") <= 15


def test_there_is_less_to_read_than_before() -> None:
    """At most 85 % of the words without what is folded, and 95 % with it."""
    now = [words.counted(part) for part in words.PARTS]
    for column, most in ((0, 0.85), (1, 0.95)):
        before = sum(words.BEFORE[part][column] for part in words.PARTS)
        assert sum(count[column] for count in now) <= most * before
