"""The decisions of a policy, with their reasons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kube_embedded.rbac.attributes import Attributes
from kube_embedded.rbac.subjects import MASTERS

from ..explain import BEFORE_RBAC, grants, near_misses
from ..policy import Policy
from .questions import Question

MAX_REASONS = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """A policy's answer to a question.

    Args:
        question: The question.
        allowed: The answer.
        reasons: The binding that grants it; or what nearly does, closest first.
    """

    question: Question
    allowed: bool
    reasons: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Return whether it is the expected answer."""
        return self.allowed is self.question.may


def allows(policy: Policy, question: Attributes) -> bool:
    """Return whether a policy allows a request."""
    # The authorizer of system:masters comes before RBAC and does not consult the policy.
    return MASTERS in question.user.groups or next(grants(policy, question), None) is not None


def answer(policy: Policy, question: Question) -> Verdict:
    """A policy's answer with its reasons."""
    if MASTERS in question.attributes.user.groups:
        return Verdict(question, True, (BEFORE_RBAC,))
    grant = next(grants(policy, question.attributes), None)
    if grant is not None:
        return Verdict(question, True, (grant.why,))
    # Two rules can miss for the same reason; it is told once.
    misses = dict.fromkeys(miss.why for miss in near_misses(policy, question.attributes))
    return Verdict(question, False, tuple(misses)[:MAX_REASONS])


def answers(policy: Policy, questions: Iterable[Question]) -> list[Verdict]:
    """The decisions of a policy."""
    return [answer(policy, question) for question in questions]


def wrong(policy: Policy, questions: Sequence[Question]) -> Question | None:
    """Return the first question that a policy does not decide as expected."""
    return next(
        (
            question
            for question in questions
            if allows(policy, question.attributes) is not question.may
        ),
        None,
    )
