"""Comparing what a learner predicted and saw with what the server answers.

A looking step changes nothing in the cluster. Three things have to agree: the learner's
prediction, the answer that was recorded when they asked, and the answer that the
checkpoint gets now.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.client.tokens import request_token
from labkit.lessons.base import Account, Context, Outcome, failed, not_attempted, passed
from labkit.rbac.subjects import ACCOUNT_PREFIX

Record = Mapping[str, Any]

_SAME = {
    "allowed": {"allowed", "allow", "yes", "ok", "200", "201", "true", "can", "works", "permitted"},
    "forbidden": {"forbidden", "forbid", "denied", "deny", "no", "403", "false", "refused", "cannot"},
    "unauthorized": {"unauthorized", "unauthorised", "unauthenticated", "401"},
}


def as_decision(prediction: object) -> str:
    """``allowed``, ``forbidden`` or ``unauthorized`` for any way to write it, else the text in small letters."""
    text = str(prediction).strip().lower()
    return next((name for name, same in _SAME.items() if text in same), text)


def predicts_user(context: Context, prediction: object, user: str) -> bool:
    """Whether a prediction names a service account's user, with or without the prefix."""
    said = str(prediction).strip().removeprefix(ACCOUNT_PREFIX).replace("/", ":")
    return context.names.user(f"{ACCOUNT_PREFIX}{said}") == user


def decision_of(status: int) -> str:
    """What an HTTP status says about permission, as ``as_decision`` spells it.

    A 404 or a 409 counts as allowed: the server answers so only after authorization.
    """
    return {401: "unauthorized", 403: "forbidden"}.get(status, "allowed")


def with_status(decision: str) -> str:
    """A decision with its HTTP status: ``403 forbidden``."""
    status = {"unauthorized": "401", "forbidden": "403"}.get(decision, "")
    return f"{status} {decision}".strip()


def answers(context: Context, step: str) -> list[Record]:
    """The API answers recorded for a step, oldest first."""
    return [each for each in context.progress.records(step) if each.get("kind") == "answer"]


def commands(context: Context, step: str) -> list[Record]:
    """The commands in pods recorded for a step, oldest first."""
    return [each for each in context.progress.records(step) if each.get("kind") == "exec"]


def output(record: Record) -> str:
    """What a recorded command printed."""
    return f"{record.get('stdout', '')}\n{record.get('stderr', '')}"


def recorded_fact(context: Context, step: str) -> Any:
    """The last fact the learner recorded for a step, else their prediction, else None.

    A command's output counts as a fact where nothing was predicted: then it was recorded on purpose.
    """
    prediction = context.progress.prediction(step)
    records = context.progress.records(step)
    if prediction is None:
        records = [{"value": each["stdout"].strip(), **each} if "stdout" in each else each for each in records]
    values = [each["value"] for each in records if "value" in each]
    return values[-1] if values else prediction


def curl_status(record: Record) -> int | None:
    """The HTTP status of a recorded ``curl``, read from its output; None without an answer."""
    text = output(record)
    if '"kind": "Status"' in text or '"kind":"Status"' in text:
        code = re.search(r'"code":\s*(\d{3})', text)
        if code:
            return int(code[1])
        return 403 if "orbidden" in text else 401 if "Unauthorized" in text else None
    return 200 if re.search(r'"kind":\s*"\w+"', text) else None


@dataclass(frozen=True, slots=True)
class Question:
    """One request of a looking step; the label is its name in a prediction, such as ``services in kikai``."""

    label: str
    account: Account
    path: str


def recorded_status(context: Context, step: str, question: Question) -> int | None:
    """The status of the last recorded answer to a question, from Python or from a pod."""
    found: int | None = None
    here = context.names.path(question.path)
    asked_for = f"({re.escape(here)}|{re.escape(question.path)})(?![\\w/-])"
    for each in context.progress.records(step):
        if each.get("kind") == "exec":
            at_path = re.search(asked_for, str(each.get("command")))
            homes = (f"{question.account.namespace}/", f"{_own(context, question.account)}/")
            from_pod = str(each.get("who", "")).startswith(homes)
            if at_path and from_pod and (status := curl_status(each)) is not None:
                found = status
        elif each.get("kind") == "answer":
            path = str(each.get("path", "")).partition("?")[0].rstrip("/")
            asked = each.get("method") == "GET" and path == here
            if asked and each.get("as_user") == question.account.user:
                found = int(each["status"])
    return found


def _own(context: Context, account: Account) -> str:
    """The walkthrough's own name of an account's namespace, which the notebooks use for pods."""
    prefix = context.names.prefix
    return account.namespace.removeprefix(f"{prefix}-") if prefix else account.namespace


def others_asked(context: Context, step: str, question: Question) -> list[str]:
    """The users of the recorded requests for a question's path."""
    here = context.names.path(question.path)
    return list(
        dict.fromkeys(
            str(each.get("as_user") or "nobody")
            for each in answers(context, step)
            if str(each.get("path", "")).partition("?")[0].rstrip("/") == here
        )
    )


def status_now(context: Context, question: Question) -> int:
    """The HTTP status that a question gets now, with a token of the account.

    Where tokens may not be requested, the authorizer is asked instead.
    """
    account = question.account
    answer = request_token(context.admin, account.namespace, account.name)
    if answer.status == 201:
        token = str(answer.body["status"]["token"])
        return context.as_token(token).get(question.path).status
    parts = question.path.strip("/").split("/")
    namespace = parts[parts.index("namespaces") + 1] if "namespaces" in parts else ""
    return 200 if context.can(account, "list", parts[-1], namespace) else 403


def predicted_decisions(prediction: object, labels: Sequence[str]) -> dict[str, str]:
    """A prediction for each label; one word alone stands for all of them."""
    if isinstance(prediction, Mapping):
        given = {str(key).strip().lower(): as_decision(value) for key, value in prediction.items()}
        return {label: given[label] for label in labels if label in given}
    return {label: as_decision(prediction) for label in labels}


def judge_looking(
    context: Context,
    step: str,
    questions: Sequence[Question],
    *,
    todo: str,
    ask: str,
    why: Callable[[str], str],
) -> Outcome:
    """Judge a looking step by prediction, recorded answer, and the server's answer now.

    Args:
        context: The checkpoint's context.
        step: Such as ``W15``.
        questions: The requests the step is about.
        todo: The first thing to do, when nothing was predicted.
        ask: How to ask, when nothing was recorded.
        why: A question's label to an explanation of the answer.
    """
    prediction = context.progress.prediction(step)
    if prediction is None:
        return not_attempted(todo)
    if not context.progress.records(step):
        return not_attempted(f"You predicted. Now ask the server: {ask}")
    labels = [question.label for question in questions]
    words = predicted_decisions(prediction, labels)
    for question in questions:
        outcome = _failure(context, step, question, words.get(question.label), ask, why)
        if outcome is not None:
            return outcome
    said = "; ".join(f"{label}: {with_status(words[label])}" for label in labels)
    return passed(f"{said}, as you predicted.", why(labels[-1]))


def _failure(
    context: Context,
    step: str,
    question: Question,
    predicted: str | None,
    ask: str,
    why: Callable[[str], str],
) -> Outcome | None:
    label, user = question.label, question.account.user
    if predicted is None:
        return failed(
            f"no prediction for “{label}”",
            f'"allowed" or "forbidden" for “{label}”',
            f'Predict again and name it: predict("{step}", {{"{label}": "…", …}}).',
        )
    recorded = recorded_status(context, step, question)
    if recorded is None:
        others = others_asked(context, step, question)
        seen = f"asked by {', '.join(others)} only" if others else "no recorded answer to it"
        return failed(f"{label}: {seen}", f"the answer that {user} gets", f"Ask as that account: {ask}")
    now = status_now(context, question)
    if decision_of(now) != decision_of(recorded):
        return failed(
            f"{label}: you saw {recorded}, and the server answers {now} now",
            "both the same",
            f'The cluster has changed since you asked. Ask again, or go back: lab.rewind("{step}").',
        )
    if predicted != decision_of(now):
        return failed(
            f"{label}: you predicted “{predicted}”, the server said {with_status(decision_of(now))}",
            "a prediction that agrees with the server",
            f"{why(label)} Predict again, now that you know why, and check again.",
        )
    return None
