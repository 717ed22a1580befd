"""Prepared faults: something is refused, and the learner finds out why and mends it.

An aside has several faults (``faults.yaml``), of which one is drawn for each learner. It is mended when the server
allows what it shall allow, and nothing more.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kube_embedded.rbac.attributes import Attributes
from kube_embedded.rbac.rules import Rule
from labkit.client.answer import Answer
from labkit.client.manifests import Manifest
from labkit.core.display import Card, Displayable, Row
from labkit.core.errors import UsageError
from labkit.core.language import listed, text
from labkit.core.yaml_file import read_yaml
from labkit.rbac.difference import Allowance
from labkit.rbac.policy import RBAC_PATH
from labkit.rbac.reviews import review

from .base import Account, Check, CheckContext, Outcome, failed, not_attempted, passed
from .bindings import require_nothing_more
from .progress import Progress
from .steps import Step

SPACE = "shop"
CLERK = "clerk"
PATH = f"/api/v1/namespaces/{SPACE}/configmaps"
"""What is asked for: the list of config maps."""

ENTRIES: Mapping[str, Mapping[str, Any]] = read_yaml(__file__, "faults.yaml")


@dataclass(frozen=True, repr=False)
class Fault(Displayable):
    """A fault as the learner meets it: what shall be allowed, and the refusal.

    Args:
        step: The aside, such as ``A11``.
        task: What shall be allowed.
        answer: The server's answer.
    """

    step: str
    task: str
    answer: Answer

    def card(self) -> Card:
        """The task and the refusal."""
        title = text("{step}: {answer}", self.step, self.answer.title)
        then = text('Find out why, and mend it. Then check("{step}").', self.step)
        rows = [Row("task", self.task), Row("message", self.answer.message), Row("then", then)]
        return Card(title, "good" if self.answer.ok else "bad", rows)


def entry(step: str) -> Mapping[str, Any]:
    """Return an aside with faults, by its id.

    Raises:
        UsageError: It has none.
    """
    name = str(step).strip().upper()
    if name not in ENTRIES:
        raise UsageError(
            text("{step} has no prepared fault.", step),
            todo=text("Use one of {steps}.", listed(ENTRIES, ", ")),
        )
    return ENTRIES[name]


def drawn(step: str, progress: Progress, *, fresh: bool = False) -> str:
    """Return the name of the learner's fault; draw one at first, and another one if it shall be fresh."""
    kind = progress.entry(step).get("drawn")
    faults = entry(step)["faults"]
    if kind not in faults or fresh:
        kind = random.choice([name for name in faults if name != kind])
        progress.note(step, drawn=kind)
    return str(kind)


def objects(step: str, kind: str) -> list[Manifest]:
    """Return the objects of a fault, in the order in which they are created."""
    return [*entry(step)["common"], *entry(step)["faults"][kind]["objects"]]


def _allowance(context: CheckContext, account: Account, allow: Rule | str) -> Allowance:
    """Return what the account may get: a rule, or the rules of a cluster role."""
    if not isinstance(allow, str):
        return Allowance(account.subject, [allow], (account.namespace,))
    role = context.find(f"{RBAC_PATH}/clusterroles/{allow}") or {}
    return Allowance(account.subject, role.get("rules") or [], (account.namespace,))


def _require_pod(context: CheckContext, account: Account, name: str) -> None:
    """Require that a pod runs as the account, and has its token."""
    pod = context.pod(account.namespace, name)
    if pod is None:
        raise failed(
            "missing-part",
            text("no pod {name} in {namespace}", name, account.namespace),
            text("a pod {name} that runs as {account}", name, account.subject.label),
            text("Create it again."),
        )
    spec = pod["spec"]
    if spec.get("serviceAccountName") != account.name:
        raise failed(
            "pod-as-another",
            text("the pod {name} runs as {account}", name, spec.get("serviceAccountName")),
            text("a pod {name} that runs as {account}", name, account.subject.label),
            text("A pod's account cannot be changed. Delete the pod, and create it again."),
        )
    sources = [
        source
        for volume in spec.get("volumes") or ()
        for source in (volume.get("projected") or {}).get("sources") or ()
    ]
    if not any("serviceAccountToken" in source for source in sources):
        raise failed(
            "no-token",
            text("the pod {name} has no token mounted", name),
            text("a pod {name} with the token of {account}", name, account.subject.label),
            text("Who says that there is none: the pod, or its account?"),
        )


def _check(name: str, about: Mapping[str, Any]) -> Check:
    def check(context: CheckContext) -> Outcome:
        account = context.account(SPACE, CLERK)
        kind = context.progress.entry(name).get("drawn")
        if kind is None or context.find(f"/api/v1/namespaces/{account.namespace}") is None:
            raise not_attempted(text('Begin with lab.fault("{step}").', name))
        question = Attributes(
            account.subject.as_user(), "list", resource="configmaps", namespace=account.namespace
        )
        if not review(context.admin, question).get("allowed"):
            raise failed(
                "not-granted",
                text("{account} may not list config maps there", account.subject.label),
                text(about["task"]),
                text("Compare the refusal with the role and the binding, part by part."),
            )
        if "pod" in about:
            _require_pod(context, account, about["pod"])
        require_nothing_more(context, scene=_allowance(context, account, about["allow"]))
        seen = text("{account} may list config maps there", account.subject.label)
        return passed(seen, text(about["faults"][kind]["why"]))

    return check


def _step(name: str, about: Mapping[str, Any]) -> Step:
    look, write, almost = map(text, about["hints"])
    check = _check(name, about)
    return Step(name, text(about["title"]), about["minutes"], check, (look, write, almost))


def of_lesson(lesson: str) -> Iterable[str]:
    """Yield the ids of a lesson's asides with faults."""
    return (name for name, about in ENTRIES.items() if about["part"] == lesson)


FAULTS: Mapping[str, Step] = {name: _step(name, about) for name, about in ENTRIES.items()}
"""Each aside with faults, as a step."""
