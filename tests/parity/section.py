"""The result of one part of the replay, for the report and the tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.parity.compare import Difference, walk
from tests.parity.suites import Outcome


@dataclass(frozen=True)
class Section:
    """The result of a suite, or of a file of commands.

    Args:
        name: The recording's name, such as ``rbac`` or ``kubectl``.
        doc: Its subject, in a sentence.
        total: How many steps or commands it has.
        differences: Everything that differs.
        agreed: Aspect to the number that agree in it.
        allowed_total: How many recorded answers were allowed; None where it does not apply.
        allowed_agree: How many of those the server allowed too.
        refused_agree: How many of the refused ones the server refused too.
    """

    name: str
    doc: str
    total: int
    differences: tuple[Difference, ...]
    agreed: Mapping[str, int] = field(default_factory=dict)
    allowed_total: int | None = None
    allowed_agree: int = 0
    refused_agree: int = 0

    @property
    def whole(self) -> int:
        """How many steps agree in everything."""
        return self.total - len({item.step for item in self.differences})


def of_outcomes(name: str, doc: str, outcomes: Sequence[Outcome]) -> Section:
    """Sum up an HTTP suite."""
    allowed = [item for item in outcomes if item.expected["status"] not in (401, 403)]
    refused = [item for item in outcomes if item.expected["status"] in (401, 403)]
    return Section(
        name,
        doc,
        len(outcomes),
        tuple(difference for item in outcomes for difference in item.differences),
        {
            aspect: sum(item.agrees_in(aspect) for item in outcomes)
            for aspect in ("status", "headers", "body")
        },
        len(allowed),
        sum(item.decision_agrees for item in allowed),
        sum(item.decision_agrees for item in refused),
    )


def of_commands(
    name: str, doc: str, pairs: Sequence[tuple[str, Mapping[str, Any], Mapping[str, Any]]]
) -> Section:
    """Sum up commands, each with a label, its recorded and its actual aspects.

    Args:
        name: The recording's name.
        doc: Its subject.
        pairs: Label, recorded aspects (such as ``rc``, ``stdout``), got aspects.
    """
    differences: list[Difference] = []
    agreed: dict[str, int] = {}
    for label, expected, got in pairs:
        for aspect in expected:
            found = [
                Difference(label, aspect, *place)
                for place in walk(expected[aspect], got.get(aspect))
            ]
            differences += found
            agreed[aspect] = agreed.get(aspect, 0) + (not found)
    return Section(name, doc, len(pairs), tuple(differences), agreed)
