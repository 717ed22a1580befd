"""How much there is to read in each part, and how many words are new in it."""

from __future__ import annotations

import pytest

from tools import minutes, words

READABLE = ("01-api-server", "02-inside-a-pod", "04-roles", "06-test-the-policy")
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
