"""The minutes of each part, by reading and doing."""

from __future__ import annotations

import re
from collections import Counter

from kube_embedded.tests.support.some import some
from labkit.lessons import LESSONS
from tools import minutes, notebooks


def test_the_table_is_up_to_date() -> None:
    page = minutes.PAGE.read_text(encoding="utf-8")
    assert page.split(minutes.BEGIN)[1].split(minutes.END)[0].strip() == minutes.table()


def test_no_part_takes_longer_than_it_says_and_no_asides_more_than_eight_minutes() -> None:
    for lesson in some(LESSONS):
        sections = minutes.counts(notebooks.SOURCES / f"{lesson.id}.py")
        whole = sum(map(minutes.minutes, sections.values()))
        # Questions about other parts are extra: a class is asked them together, or not at all.
        asked = minutes.minutes(
            Counter(question=sum(count["question"] for count in sections.values()))
        )
        assert 0.8 * lesson.minutes < whole
        assert whole - asked <= lesson.minutes <= 35
        assert whole <= 35
        assert set(sections) == {"", *(aside.id for aside in lesson.asides)}
        assert sum(minutes.minutes(count) for name, count in sections.items() if name) <= 8


def test_the_first_notebook_names_its_minutes() -> None:
    source = notebooks.SOURCES / "00-start.py"
    taken = sum(map(minutes.minutes, minutes.counts(source).values()))
    assert f"about {round(taken)} minutes" in re.sub(
        r"\n# ", " ", source.read_text(encoding="utf-8")
    )


def test_what_is_counted() -> None:
    text = "# A head\n\nTwo words, *three*.\n![not this](a.svg) [a link](b.md) <https://c.d>\n<details>no</details>"
    assert minutes.words(text) == 7
    assert minutes.minutes(Counter(words=360, own=2, given=6)) == 5
