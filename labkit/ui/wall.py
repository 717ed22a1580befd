"""A wall of cards: wrong policies, of which those that pass the questions stay lit."""

from itertools import groupby

from labkit.core.errors import UsageError
from labkit.core.language import text
from labkit.lab.policy import PolicyTests
from labkit.lessons.policies import count
from labkit.rbac.testing.verdicts import wrong

from .base import LabWidget, html_table, text_table

PASSES = text("● passes")
REJECTED = text("○ rejected")
SORTS = ("verbs", "resources", "groups", "names", "subjects", "places", "references", "bindings")


class MutantWall(LabWidget):
    """Policies with one mistake each; a card stays lit while its policy passes all questions.

    Args:
        policy: The policy and its tests: ``lab.policy("04-roles")``.
        questions: As YAML; none when left out.

    Raises:
        UsageError: The questions cannot be read, or the policy itself answers one otherwise.
    """

    def __init__(self, policy: PolicyTests, questions: object = None) -> None:
        super().__init__()
        asked = policy.manifests.questions(questions) if questions else []
        if (failing := wrong(policy.manifests.policy, asked)) is not None:
            raise UsageError(
                text("The right policy answers otherwise: {failing}.", failing),
                todo="See policy.test(questions).",
            )
        # groupby below makes a group of each run of cards, so equal sorts have to be together.
        every = sorted(policy.manifests.wrong_policies, key=lambda mutant: SORTS.index(mutant.sort))
        cards = [
            {
                "what": mutant.what,
                "sort": mutant.sort,
                "by": "" if (by := wrong(mutant.policy, asked)) is None else str(by),
            }
            for mutant in every
        ]
        left = sum(not card["by"] for card in cards)
        summary = text(
            "{left} of {every} wrong policies pass {asked}",
            left,
            len(cards),
            count(len(asked), "question"),
        )
        self.data = {
            "questions": len(asked),
            "summary": summary,
            "left": left,
            "groups": [
                {"title": text(sort.capitalize()), "cards": list(group)}
                for sort, group in groupby(cards, lambda card: card["sort"])
            ],
        }

    def as_text(self) -> str:
        """Return a table of the wrong policies."""
        return f"{self.data['summary']}\n\n{text_table(*self._plain())}"

    def as_html(self) -> str:
        """Return the same as an HTML table."""
        return html_table(*self._plain(), caption=self.data["summary"])

    def _plain(self) -> tuple[list[str], list[list[str]]]:
        rows: list[list[str]] = []
        for group in self.data["groups"]:
            rows += [
                [card["what"], REJECTED if card["by"] else PASSES, card["by"]]
                for card in group["cards"]
            ]
        return ["wrong policy", "", "rejected by"], rows
