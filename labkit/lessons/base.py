"""A checkpoint's input and output: ``CheckContext`` and ``Outcome``.

A checkpoint is a plain function ``(CheckContext) -> Outcome``. It reads the cluster through the API, never the
notebook, so the same function works on every cluster.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from kube_embedded.rbac.subjects import Subject, account_user, subject
from labkit.client.client import Client
from labkit.client.exec.completed import CompletedExec
from labkit.client.prefix import Names
from labkit.client.refusals import find_object
from labkit.core.display import Card, Displayable, Row
from labkit.core.errors import ApiFailure
from labkit.core.language import text
from labkit.rbac.needs import Need
from labkit.rbac.policy import Policy
from labkit.rbac.reviews import review

from .evidence import Evidence
from .mistakes import mistakes
from .progress import Progress

State = Literal["passed", "failed", "not attempted"]

WORDS: Mapping[str, str] = {
    "passed": text("passed"),
    "failed": text("not yet"),
    "not attempted": text("not attempted"),
}
"""The word for each state that a learner sees."""

TONES: Mapping[str, str] = {"passed": "good", "failed": "bad", "not attempted": "plain"}
"""The tone (symbol and colour) of each state."""


class Exec(Protocol):
    """Runs a shell command in a pod."""

    def __call__(self, pod: str, command: str, *, container: str | None = None) -> CompletedExec:
        """Run ``command`` in ``pod`` (``namespace/name``) and wait until it ends."""


@dataclass(frozen=True, repr=False)
class Outcome(Displayable):
    """A checkpoint's verdict: the observation, the expectation, one hint.

    Args:
        state: ``passed``, ``failed`` or ``not attempted``.
        seen: The cluster's answer, as a sentence.
        expected: The response that the step requires.
        hint: One way forward, or after a pass a takeaway.
        step: Such as ``W17``; filled in by the registry.
        title: The step's title; filled in by the registry.
        kept: True if the step was passed earlier and the cluster has changed since.
        asked_at: The time of the request that the verdict is based on, in seconds since the epoch; 0 for none.
        kind: The kind of mistake of a failed one, as an id of ``mistakes.yaml``; empty for others.
        predicted: The learner's prediction in words; empty without one. Filled in by the registry.
    """

    state: State
    seen: str
    expected: str = ""
    hint: str = ""
    step: str = ""
    title: str = ""
    kept: bool = False
    asked_at: float = 0.0
    kind: str = ""
    predicted: str = ""

    @property
    def passed(self) -> bool:
        """Return whether the step is passed."""
        return self.state == "passed"

    def __bool__(self) -> bool:
        """True for a pass, so that ``assert check("W17")`` reads well."""
        return self.passed

    def card(self) -> Card:
        """The state as symbol and word, then the observation, the expectation, and one hint."""
        labels = ("seen", "", "next") if self.passed else ("seen", "expected", "hint")
        texts = (self.seen, self.expected, self.hint)
        rows = [Row(label, said) for label, said in zip(labels, texts, strict=True)]
        rows.insert(0, Row("predicted", self.predicted))
        title = text("{step} {state}: {title}", self.step, WORDS[self.state], self.title)
        # The kind is in the headline, because that is what the class's board counts and the learner can look up.
        if self.kind:
            title = text("{title} ({mistake})", title, text(mistakes()[self.kind].name))
        return Card(title, TONES[self.state], rows, passed=self.passed)

    def _repr_html_(self) -> str:
        return f'<div role="status">{self.card().html()}</div>'


def passed(seen: str, takeaway: str = "", asked_at: float = 0.0) -> Outcome:
    """The outcome of a step that is done.

    Args:
        seen: The cluster's answer that proves it.
        takeaway: The lesson learned.
        asked_at: The time of the request that it is based on, in seconds since the epoch; 0 for none.
    """
    return Outcome("passed", text(seen), "", text(takeaway), asked_at=asked_at)


class NotPassed(Exception):
    """Ends a checkpoint at the first thing that is missing or wrong.

    A checkpoint returns an outcome only for a pass. Everything that it requires is a call that raises this,
    so a checkpoint reads as the list of its requirements, in the order in which a learner meets them.

    Args:
        outcome: The verdict.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.seen)
        self.outcome = outcome


def failed(kind: str, seen: str, expected: str, hint: str) -> NotPassed:
    """Return the error for an attempt that does not meet the step's requirements.

    Args:
        kind: The kind of mistake, as an id of ``mistakes.yaml``.
        seen: The cluster's answer.
        expected: The answer that the step asks for.
        hint: One hint that fits the observation.
    """
    return NotPassed(Outcome("failed", text(seen), text(expected), text(hint), kind=kind))


def not_attempted(todo: str) -> NotPassed:
    """Return the error for a step without an attempt.

    Args:
        todo: The first thing to do.
    """
    return NotPassed(Outcome("not attempted", "", "", text(todo)))


Check = Callable[["CheckContext"], Outcome]


@dataclass(frozen=True, slots=True)
class Account:
    """A service account as the authorizer sees it.

    Args:
        namespace: Its namespace, such as ``kikai``.
        name: Such as ``default``.
    """

    namespace: str
    name: str = "default"

    @property
    def user(self) -> str:
        """The server's user name for it."""
        return account_user(self.namespace, self.name)

    @property
    def subject(self) -> Subject:
        """The account with its groups."""
        return subject(f"{self.namespace}/{self.name}")


@dataclass(frozen=True, slots=True)
class CheckContext:
    """The interface that a checkpoint can use.

    Args:
        admin: A caller with all permissions that the lesson needs.
        as_token: Creates a caller from a raw token.
        as_anonymous: Creates a caller without credentials.
        execute: Runs a command in a pod.
        progress: The learner's predictions, observations and passed steps.
        names: Maps the walkthrough's names to those on a shared cluster. The callers map the data that they send; a
            checkpoint maps the data that it reads.
        evidence: Gathers the learner's requests and commands.
        policy_at_reset: Returns the roles and bindings at the cluster's last reset; None if they were not stored.
        served: Returns (API group, name) of the cluster's resources, and whether each is namespaced; none if they
            are unknown.
        patience_seconds: The time that an eventually consistent cluster can need to show a change; 0 if writes take
            effect at once.
        report: Called with each outcome, for a class that the learner has joined.
    """

    admin: Client
    as_token: Callable[[str], Client]
    as_anonymous: Callable[[], Client]
    execute: Exec
    progress: Progress
    names: Names = field(default_factory=Names)
    evidence: Callable[[], Evidence] = Evidence
    policy_at_reset: Callable[[], Policy | None] = lambda: None
    served: Callable[[], Mapping[tuple[str, str], bool]] = dict
    # Writes take effect at once on the embedded cluster. On kind, the authorizer and the service account's token
    # need a moment.
    patience_seconds: float = 0.0
    report: Callable[[Outcome], None] = lambda _outcome: None

    def account(self, namespace: str, name: str = "default") -> Account:
        """The service account of one of the walkthrough's namespaces."""
        return Account(self.names.namespace(namespace), name)

    def find(self, path: str) -> dict[str, Any] | None:
        """Return the object at a path; None only if the server reports that it does not exist.

        Raises:
            ApiFailure: The request failed; ``lessons.check`` shows the error instead of a verdict.
        """
        return find_object(self.admin, path)

    def find_visible(self, path: str) -> dict[str, Any] | None:
        """Return the object at a path; None also if the learner is not allowed to read it.

        On a shared cluster a learner can be confined to their namespaces. Some reads, such as a search for a pod
        that was created in another namespace by mistake, only improve a hint, so a refusal does not matter.
        """
        try:
            return self.find(path)
        except ApiFailure as error:
            if error.status == 403:
                return None
            raise

    def items(self, path: str) -> list[dict[str, Any]]:
        """Return the items of a list; none if the learner is not allowed to read it."""
        return list((self.find_visible(path) or {}).get("items") or [])

    def pod(self, namespace: str, name: str) -> dict[str, Any] | None:
        """Return a pod, or one that a workload of this name made; None if there is neither."""
        path = f"/api/v1/namespaces/{namespace}/pods"
        pod = self.find(f"{path}/{name}")
        if pod is not None:
            return pod
        return next((pod for pod in self.items(path) if _is_made_by(pod, name)), None)

    def exec(self, pod: str, command: str, *, container: str | None = None) -> CompletedExec:
        """Run a command in a pod (``namespace/name``), or in the one that a workload of this name made."""
        namespace, _, name = pod.partition("/")
        found = self.pod(self.names.namespace(namespace), name)
        # Without a pod the exec is tried all the same, because its error explains the problem better than we could.
        actual = found["metadata"]["name"] if found else name
        return self.execute(f"{namespace}/{actual}", command, container=container)

    def can(
        self, account: Account, verb: str, resource: str, namespace: str = "", *, group: str = ""
    ) -> bool:
        """Return the server's decision on whether an account is allowed to make a request.

        Args:
            account: The account.
            verb: Such as ``list``.
            resource: The plural, such as ``services``.
            namespace: The namespace; empty for the whole cluster.
            group: The API group; empty for the core group.
        """
        question = Need(account.subject, verb, resource, namespace, group).question()
        return bool(review(self.admin, question).get("allowed"))


def _is_made_by(pod: Mapping[str, Any], name: str) -> bool:
    """Return whether a Deployment, a StatefulSet or the like of some name made a pod."""
    # A Deployment's pods belong to a ReplicaSet, whose name is the Deployment's with a hash.
    pattern = rf"{re.escape(name)}(-[a-z0-9]+)?"
    owners = pod["metadata"].get("ownerReferences") or ()
    return any(
        owner.get("controller") and re.fullmatch(pattern, str(owner.get("name")))
        for owner in owners
    )


STEADY_SECONDS = 3.0
"""Waiting ends when the outcome has not changed for so long."""


def judge(check: Check, context: CheckContext) -> Outcome:
    """Run a checkpoint once.

    Args:
        check: The checkpoint.
        context: Its input.
    """
    try:
        return check(context)
    except NotPassed as verdict:
        return verdict.outcome


def run_with_retries(
    check: Check,
    context: CheckContext,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """Run a checkpoint, and repeat it while the cluster could still be catching up.

    Args:
        check: The checkpoint.
        context: Its input; ``patience_seconds`` limits the repetition.
        clock: Monotonic seconds.
        sleep: Waits some seconds.
    """
    changed = begun = clock()
    outcome = judge(check, context)
    while outcome.state == "failed":
        if clock() - begun >= context.patience_seconds or clock() - changed >= STEADY_SECONDS:
            break
        # Short compared with STEADY_SECONDS, so that a pass is noticed soon, and rare enough for a shared server.
        sleep(0.3)
        again = judge(check, context)
        if again != outcome:
            outcome = again
            changed = clock()
    return outcome
