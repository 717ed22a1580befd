"""Policies from manifests, the questions that a learner recorded, and the requests of an account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import yaml

from kube_embedded.rbac.objects import Object, name_of, namespace_of
from labkit.core.errors import UsageError
from labkit.core.language import Text, text
from labkit.core.yaml_file import LOADER, NOT_YAML
from labkit.rbac.policy import Policy
from labkit.rbac.testing.mutants import FEW, Mutant, mutants, survivors
from labkit.rbac.testing.policies import policy_of
from labkit.rbac.testing.questions import Question, read_questions
from labkit.rbac.testing.verdicts import wrong
from labkit.rbac.testing.vocabulary import Vocabulary, standard

from .base import CheckContext, failed, not_attempted
from .evidence import Evidence
from .mistakes import mistakes

SPACES = frozenset({"kikai", "darbo"})
"""The namespaces that questions may name, beside those of the manifests."""


@dataclass(frozen=True)
class ManifestPolicy:
    """The policy that consists of some manifests.

    Args:
        policy: The policy; if several manifests describe one object, the last one counts.
        vocabulary: The names allowed in questions about it.
    """

    policy: Policy
    vocabulary: Vocabulary

    @classmethod
    def of(cls, objects: Iterable[Object]) -> ManifestPolicy:
        """The policy of some manifests.

        Raises:
            UsageError: A role or binding lacks what decides.
        """
        # Files are applied in order, and the later object replaces the earlier one.
        last = {(obj["kind"], namespace_of(obj), name_of(obj)): obj for obj in objects}
        policy = policy_of(last.values())
        return cls(policy, replace(standard(), namespaces=SPACES).of(policy, last.values()))

    @cached_property
    def wrong_policies(self) -> list[Mutant]:
        """The wrong policies next to it, one of each sort of mistake."""
        return mutants(self.policy, self.vocabulary, added=FEW)

    def questions(self, what: object) -> list[Question]:
        """Return the questions in a YAML text, or in its parsed value.

        Raises:
            UsageError: They are not questions, or contain unknown names.
        """
        try:
            document = yaml.load(what, LOADER) if isinstance(what, str) else what
        except NOT_YAML as error:
            why = " ".join(str(error).split())[:300]
            raise UsageError(
                "The questions are not YAML.", why=why, todo="Look at that line."
            ) from error
        return read_questions(document, self.vocabulary)


def recorded_questions(context: CheckContext, step: str, policy: ManifestPolicy) -> list[Question]:
    """Return the questions that were last recorded for a step, which the policy answers as expected.

    Raises:
        NotPassed: There are none, they cannot be read, or the policy decides differently.
    """
    records = context.progress.records(step)
    if not records:
        raise not_attempted(
            text('Write the questions, and record them: lab.record("{step}", questions).', step)
        )
    try:
        questions = policy.questions(records[-1].get("value", records[-1].get("stdout")))
    except UsageError as error:
        if isinstance(error.__cause__, NOT_YAML):
            seen = text("{what} {why}", error.what, error.why)
            raise failed("not-yaml", seen, "questions as YAML", error.todo) from error
        raise failed(
            "misspelt-question",
            error.what,
            "questions that name what there is",
            error.todo or error.why,
        ) from error
    mismatch = wrong(policy.policy, questions)
    if mismatch is not None:
        answer = "no" if mismatch.may else "yes"
        raise failed(
            "wrong-question",
            text("“{other}”: the right policy says {answer}", mismatch, answer),
            "questions that the right policy answers as you expect",
            text(mistakes()["wrong-question"].says),
        )
    return questions


def require_rejection(policy: ManifestPolicy, questions: list[Question], most: int) -> None:
    """Require that at most so many questions reject every wrong policy."""
    asked = count(len(questions), "question")
    if len(questions) > most:
        raise failed(
            "too-many-questions",
            asked,
            text("at most {most}", most),
            "Leave out those that reject nothing new: ask one question less, and see what passes.",
        )
    wrong_policies = policy.wrong_policies
    left = survivors(wrong_policies, questions)
    if left:
        seen = text(
            "{left} of {every} wrong policies pass {asked}", len(left), len(wrong_policies), asked
        )
        raise failed(
            "wrong-policy-passes",
            text("{seen}; one: {what}", seen, left[0].what),
            "none passes",
            text(mistakes()["wrong-policy-passes"].says),
        )


def count(number: int, what: str) -> Text:
    """A number of things in words: of roles, bindings, permissions, requests or questions."""
    return text(f"{{number}} {what}" if number == 1 else f"{{number}} {what}s", number)


def let_through(evidence: Evidence, user: str, since: float = 0.0) -> Iterator[dict[str, Any]]:
    """Yield the requests of a user that were not refused, as audit events.

    Args:
        evidence: The requests that the cluster saw.
        user: The user.
        since: Earlier ones do not count, in seconds since the epoch.
    """
    for asked in evidence.asked:
        call = asked.call
        # 0 is a request without an answer, such as a connection that broke off.
        if asked.user != user or asked.status in (0, 401, 403) or asked.at < since:
            continue
        event: dict[str, Any] = {
            "verb": call.verb,
            "requestURI": call.path,
            "user": {"username": user},
        }
        if call.is_resource:
            event["objectRef"] = {
                "apiGroup": call.group,
                "resource": call.resource,
                "subresource": call.subresource,
            }
            event["objectRef"] |= {"namespace": call.namespace, "name": call.name}
        yield event
