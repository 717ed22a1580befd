"""Test a policy in a notebook: offline, in the cluster, by wrong policies, by a change, by a program's use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import yaml

from kube_embedded.rbac.objects import is_default
from kube_embedded.rbac.subjects import subject
from labkit.core.arguments import LINE, MANIFESTS, STORABLE, takes
from labkit.core.display import Card, Displayable, Row
from labkit.core.language import listed, text
from labkit.lessons.policies import ManifestPolicy, count, let_through
from labkit.rbac.reviews import review
from labkit.rbac.testing.changes import changes
from labkit.rbac.testing.mutants import survivors
from labkit.rbac.testing.policies import remarks
from labkit.rbac.testing.questions import Question
from labkit.rbac.testing.usage import least_policy, usage_of
from labkit.rbac.testing.verdicts import answers

from .sources import objects_of

if TYPE_CHECKING:
    from .lab import Lab


class PolicyTests(Displayable):
    """A policy of some manifests, and its tests; ``Lab.policy`` creates it.

    Args:
        lab: The lab whose cluster is asked.
        objects: The manifests.
    """

    def __init__(self, lab: Lab, objects: Iterable[dict[str, Any]]) -> None:
        self._lab = lab
        self._objects = list(objects)
        self.manifests = ManifestPolicy.of(self._objects)

    def card(self) -> Card:
        """Return a card with the number of the policy's own roles and bindings."""
        policy = self.manifests.policy
        roles = sum(not is_default(role) for role in policy.roles.values())
        bindings = sum(not is_default(binding) for binding in policy.bindings)
        own = listed([count(roles, "role"), count(bindings, "binding")])
        return Card(text("A policy of {parts}, from manifests", own))

    @takes("policy.test(questions)", questions=STORABLE)
    def test(self, questions: object) -> Card:
        """Answer the questions from the manifests, without a request to a cluster.

        Args:
            questions: As YAML; see ``docs/testing-a-policy.md``.

        Raises:
            UsageError: The questions cannot be read, or name unknown things.
        """
        self._lab.note_questions()
        verdicts = answers(self.manifests.policy, self.manifests.questions(questions))
        return _answers_card(
            text("the manifests"),
            [(verdict.question, verdict.allowed, verdict.reasons[:1]) for verdict in verdicts],
        )

    @takes("policy.ask(questions)", questions=STORABLE)
    def ask(self, questions: object) -> Card:
        """Answer the questions by the cluster, with an access review for each."""
        given = []
        for question in self.manifests.questions(questions):
            status = review(self._lab.admin, question.attributes)
            given.append((question, bool(status.get("allowed")), [str(status.get("reason") or "")]))
        return _answers_card(text("the cluster"), given)

    @takes("policy.wrong(questions)", questions=STORABLE)
    def wrong(self, questions: object) -> Card:
        """List the wrong policies that pass the questions."""
        self._lab.note_questions()
        asked = self.manifests.questions(questions)
        every = self.manifests.wrong_policies
        left = survivors(every, asked)
        rows = [Row("passes", mutant.what) for mutant in left]
        pass_all = "{left} of {every} wrong policies pass {asked}"
        title = text(pass_all, len(left), len(every), count(len(asked), "question"))
        return Card(title, "warn" if left else "good", rows)

    @takes('policy.change("change.yaml")', what=MANIFESTS)
    def change(self, what: Any) -> Card:
        """List the permissions that subjects gain and lose if some manifests are applied on top.

        Raises:
            UsageError: The file does not exist, or a role or binding lacks a field that matters for decisions.
        """
        after = ManifestPolicy.of([*self._objects, *objects_of(what, self._lab.library)])
        found = changes(self.manifests.policy, after.policy, after.vocabulary)
        rows = [
            Row(
                "+" if finding.gained else "-",
                text("{who}: {permission}", finding.who, finding.permission),
            )
            for finding in found
        ]
        # Remarks on the policy itself were shown before: only those that the change adds are
        # new.
        known = remarks(self.manifests.policy, self.manifests.vocabulary)
        rows += [
            Row("note", remark)
            for remark in remarks(after.policy, after.vocabulary)
            if remark not in known
        ]
        title = text("{permissions} changed", count(len(found), "permission"))
        title = title if found else text("Nobody gains or loses anything")
        return Card(title, "warn" if found else "plain", rows)

    @takes('policy.used_by("kikai/default")', account=LINE)
    def used_by(self, account: str, *, least: bool = False) -> Card:
        """Show the permissions that an account used and lacked since the last reset.

        Requests that were refused do not count: let the program run with all rights first.

        Args:
            account: As ``namespace/name``.
            least: Show the least role for it as well.
        """
        names = self._lab.names
        who = subject(names.user(subject(account).user))
        here = ManifestPolicy.of(map(names.body, self._objects))
        found = usage_of(
            who, here.policy, let_through(self._lab.evidence(), who.user), here.vocabulary
        )
        rows = [Row("used", str(use)) for use in found.used if use not in found.missing]
        rows += [Row("missing", str(use)) for use in found.missing] + [
            Row("unused", str(use)) for use in found.unused
        ]
        body = ""
        if least:
            # Unsorted, so that apiVersion, kind and metadata come first, as people write manifests.
            role = least_policy(found, account.partition("/")[2])
            body = text("The least policy:\n\n{policy}", yaml.safe_dump_all(role, sort_keys=False))
        title = text(
            "{account}: {requests} that were let through", account, count(found.requests, "request")
        )
        return Card(title, "warn" if found.missing else "plain", rows, body)


def _answers_card(who: str, given: list[tuple[Question, bool, Any]]) -> Card:
    """Return a card with the answers, and the reasons of those that are not as expected."""
    right = sum(allowed is question.may for question, allowed, _ in given)
    rows = []
    for question, allowed, reasons in given:
        said = str(question)
        if allowed is not question.may:
            answer = text("It is allowed.") if allowed else text("It is refused.")
            said = listed([said, listed([answer, *filter(None, reasons)], " ")], "\n")
        rows.append(Row("✔" if allowed is question.may else "✘", said))
    title = text("{right} of {count} answers of {who} are as expected", right, len(given), who)
    return Card(title, "good" if right == len(given) else "bad", rows)
