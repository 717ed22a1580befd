"""What a mistyped name is answered with."""

from __future__ import annotations

import pytest

from labkit.core.errors import meant, near


@pytest.mark.parametrize(
    ("name", "choices", "said"),
    [
        ("kikia", ["kikai", "default"], 'Did you mean "kikai"?'),
        ("zzz", ["kikai", "default"], "Known are: kikai, default."),
        ("zzz", ["kikai"], "Known are: kikai."),
        ("zzz", [], ""),
    ],
)
def test_a_mistyped_name_is_answered_with_the_nearest_or_with_all(
    name: str, choices: list[str], said: str
) -> None:
    assert near(name, choices) == said
    assert near(name, iter(choices)) == said
    assert meant(name, choices) == (said if said.startswith("Did") else "")
