"""Tables as text: what a widget shows in a terminal."""

from __future__ import annotations

from labkit.ui.base import text_table


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    table = text_table(
        ["cluster", "can run here", "what is missing"],
        [["kind", "no", "Docker"], ["existing", "yes", ""], ["a longer name", "", "kind"]],
    )
    assert table.splitlines() == [
        "cluster        can run here  what is missing",
        "kind           no            Docker",
        "existing       yes",
        "a longer name                kind",
    ]


def test_a_korean_letter_takes_two_columns() -> None:
    assert text_table(
        ["step", "x"], [["역할", "1"], ["역할 둘", "2"], ["ab", "3"]]
    ).splitlines() == ["step     x", "역할     1", "역할 둘  2", "ab       3"]
