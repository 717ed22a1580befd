"""Judging the steps that look: what the learner predicted, and what the cluster saw them ask."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from labkit.client.request_info import read_call
from labkit.core.language import listed, text
from labkit.lessons.base import Account, CheckContext, Outcome, failed, not_attempted, passed
from labkit.lessons.evidence import Asked, Evidence, PodCommand
from labkit.lessons.mistakes import of_guess
from labkit.lessons.predictions import FORBIDDEN, decision_of, with_status

QUESTIONS = (
    "selfsubjectaccessreviews",
    "subjectaccessreviews",
    "localsubjectaccessreviews",
    "selfsubjectrulesreviews",
)
"""The resources behind ``kubectl auth can-i``."""

IN_A_SHELL = text(
    "What is typed into a shell of a pod leaves no trace on this cluster. "
    "Run the call as one command: lab.exec, or kubectl exec … -- curl …"
)


@dataclass(frozen=True, slots=True)
class Question:
    """One request of a looking step.

    Args:
        label: Its name in a prediction, such as ``services in kikai``.
        account: The caller.
        path: The path of the GET request, as the walkthrough has it.
        expected: The decision that the step is about.
    """

    label: str
    account: Account
    path: str
    expected: str = FORBIDDEN


def recorded_fact(context: CheckContext, step: str) -> Any:
    """The last fact the learner recorded for a step, else their prediction, else None.

    A command's output counts as a fact: it was recorded on purpose.
    """
    records = context.progress.records(step)
    values = [each["stdout"].strip() if "stdout" in each else each.get("value") for each in records]
    found = [_joined(each) for each in values if each is not None]
    return found[-1] if found else context.progress.prediction(step)


def _joined(value: Any) -> Any:
    """Host and port as one text, where a learner recorded them as two."""
    if isinstance(value, Mapping) and value.keys() == {"host", "port"}:
        return f"{value['host']}:{value['port']}"
    return ":".join(map(str, value)) if isinstance(value, list) and len(value) == 2 else value


def curl_status(text: str) -> int | None:
    """The HTTP status of what a ``curl`` printed; None without an answer of an API server."""
    if re.search(r'"kind":\s*"Status"', text):
        code = re.search(r'"code":\s*(\d{3})', text)
        if code:
            return int(code[1])
        return 403 if "orbidden" in text else 401 if "Unauthorized" in text else None
    return 200 if re.search(r'"(kind|paths)":\s*["\[]', text) else None


def in_pod(
    context: CheckContext, evidence: Evidence, namespace: str, name: str = ""
) -> list[PodCommand]:
    """The commands that ran in a pod, or in all pods of one of the walkthrough's namespaces."""
    homes = {namespace, context.names.namespace(namespace)}
    found = context.pod(context.names.namespace(namespace), name) if name else None
    names = {name, found["metadata"]["name"]} if found else {name}
    return [
        each
        for each in evidence.ran
        if each.pod.partition("/")[0] in homes and (not name or each.pod.partition("/")[2] in names)
    ]


def asked_for(context: CheckContext, evidence: Evidence, question: Question) -> list[Asked]:
    """The requests that are a question of a step, by the right caller."""
    here = context.names.path(question.path)
    found = [
        each
        for each in evidence.asked
        if each.user == question.account.user
        and each.path == here
        and each.call.verb in ("list", "get")
    ]
    return found if evidence.logged else [*found, *_printed(context, evidence, question)]


def _printed(context: CheckContext, evidence: Evidence, question: Question) -> Iterable[Asked]:
    """What commands in the caller's pods printed, where no audit log knows better."""
    namespace = own_name(context, question.account)
    for each in in_pod(context, evidence, namespace):
        paths = "|".join(
            re.escape(path) for path in (context.names.path(question.path), question.path)
        )
        status = curl_status(each.output)
        if status is not None and re.search(f"({paths})(?![\\w/-])", each.command):
            yield Asked(question.account.user, read_call("GET", question.path), status, each.ended)


def own_name(context: CheckContext, account: Account) -> str:
    """The walkthrough's own name of an account's namespace, which the notebooks use."""
    prefix = context.names.prefix
    return account.namespace.removeprefix(f"{prefix}-") if prefix else account.namespace


def judge_looking(
    context: CheckContext,
    step: str,
    questions: Sequence[Question],
    *,
    todo: str,
    ask: str,
    why: Callable[[str], str],
    mend: Mapping[str, str] | None = None,
) -> Outcome:
    """Judge a looking step by the prediction and by what the cluster saw. Their order does not matter.

    Args:
        context: The checkpoint's context.
        step: Such as ``W15``.
        questions: The requests the step is about.
        todo: The first thing to do, when nothing was predicted.
        ask: How to ask.
        why: A question's label to an explanation of the answer.
        mend: A question's label to what to do when the server decided otherwise.
    """
    evidence = context.evidence()
    prediction = context.progress.prediction(step)
    found = {question.label: asked_for(context, evidence, question) for question in questions}
    misses = [
        miss
        for question in questions
        if not found[question.label] and (miss := _miss(context, evidence, question))
    ]
    if prediction is None and misses and not any(found.values()):
        return failed(
            _kind(misses[0]), misses[0], "a prediction, and then the call of this step", todo
        )
    if prediction is None:
        return without_prediction(any(found.values()), todo)
    if not any(found.values()) and not misses:
        unseen = any(each.interactive for each in evidence.ran) and not evidence.logged
        return not_attempted(
            text("You predicted. {why}", IN_A_SHELL)
            if unseen
            else text("You predicted. Now ask the server: {ask}", ask)
        )
    words = prediction if isinstance(prediction, Mapping) else dict.fromkeys(found, str(prediction))
    right: list[float] = []
    for question in questions:
        answers = found[question.label]
        if not answers:
            miss = _miss(context, evidence, question)
            return failed(
                _kind(miss),
                text("{label}: {seen}", question.label, miss or text("you have not asked yet")),
                text("the answer that {user} gets", question.account.user),
                text("The call that is missing: {ask}", ask),
            )
        if all(decision_of(each.status) != question.expected for each in answers):
            return failed(
                "cluster-moved-on",
                text(
                    "{label}: the server said {answer}",
                    question.label,
                    with_status(decision_of(answers[-1].status)),
                ),
                text(
                    "{answer}, which it says where this step begins", with_status(question.expected)
                ),
                (mend or {}).get(question.label)
                or text(
                    'The cluster is no longer as this step begins. Go back: lab.rewind("{step}").',
                    step,
                ),
            )
        right += [
            each.at
            for each in found[question.label]
            if decision_of(each.status) == question.expected
        ]
    for question in questions:
        if (
            outcome := wrong_guess(
                step, question.label, words, question.expected, why(question.label)
            )
        ) is not None:
            return outcome
    said = "; ".join(f"{label}: {with_status(words[label])}" for label in found)
    return passed(
        text("{said}, as you predicted.", said), why(questions[-1].label), asked_at=min(right)
    )


def without_prediction(asked: bool, todo: str) -> Outcome:
    """The outcome of a step without a prediction: whoever asked first may still predict."""
    if not asked:
        return not_attempted(todo)
    return failed(
        "no-prediction",
        "you have asked, and predicted nothing",
        "a prediction; late is better than never",
        todo,
    )


def unpredicted(context: CheckContext, step: str) -> Outcome | None:
    """A failed outcome when a step is done and nothing was predicted, else None."""
    if context.progress.prediction(step) is not None:
        return None
    todo = text('Predict as the text asks: predict("{step}", …). Late is better than never.', step)
    return failed(
        "no-prediction", "all is done, and you predicted nothing", "a prediction as well", todo
    )


def wrong_guess(
    step: str, label: str, words: Mapping[str, str], truth: str, why: str
) -> Outcome | None:
    """A failed outcome when a prediction is missing or not what the server said, else None."""
    if label not in words:
        return failed(
            "no-prediction",
            text("no prediction for “{label}”", label),
            text("what you expect for “{label}” as well", label),
            text('Predict again and name it: predict("{step}", {"{label}": "…", …}).', step, label),
        )
    if words[label] != truth:
        return failed(
            of_guess(step),
            text(
                "{label}: you predicted “{guess}”, the server said {answer}",
                label,
                words[label],
                with_status(truth),
            ),
            "a prediction that agrees with the server",
            text("{why} Predict again, now that you know why, and check again.", why),
        )
    return None


def _kind(miss: str | None) -> str:
    """The kind of mistake that a call beside the point is."""
    if miss is None:
        return "missing-part"
    if miss.startswith("you asked as "):
        return "asked-as-another"
    return "asked-about-it" if "can-i" in miss else "asked-for-something-else"


def _miss(context: CheckContext, evidence: Evidence, question: Question) -> str | None:
    """What was asked instead of a question, and what it lacks; None when nothing came near it."""
    here = context.names.path(question.path)
    wanted = read_call("GET", here)
    user = question.account.user
    others = [each for each in evidence.asked if each.path == here and each.user != user]
    if others:
        who = listed(
            dict.fromkeys(each.user or text("somebody with a bad credential") for each in others),
            ", ",
        )
        return text("you asked as {who}, not as {user}", who, user)
    own = [each for each in evidence.asked if each.user == user]
    for each in sorted(
        own, key=lambda each: (each.call.namespace == wanted.namespace, each.at), reverse=True
    ):
        call = each.call
        if call.resource in QUESTIONS:
            return text(
                "you asked whether it may (kubectl auth can-i); that is a question about the call, not the call"
            )
        if call.resource == wanted.resource and call.verb not in ("get", "list"):
            return text("you asked to {request}; the step asks for the list", each.text)
        if call.resource == wanted.resource and call.group != wanted.group:
            return text(
                "you asked the API group {group}; {resource} are in {right}",
                call.group or "core",
                call.resource,
                wanted.group or "core",
            )
        if call.resource == wanted.resource and call.namespace == wanted.namespace and call.name:
            return text("you asked for one object, {name}; the step asks for the list", call.name)
        if call.resource == wanted.resource and call.namespace != wanted.namespace:
            where = (
                text("in {namespace}", call.namespace)
                if call.namespace
                else text("in all namespaces at once")
            )
            return text(
                "you asked {where}, not in {right}",
                where,
                wanted.namespace or text("the whole cluster"),
            )
        likeness = (
            SequenceMatcher(None, call.resource.lower(), wanted.resource).ratio()
            if call.resource
            else 0.0
        )
        if likeness > 0.7:
            return text(
                "you asked for `{resource}`; the resource is `{right}`",
                call.resource,
                wanted.resource,
            )
    return text("you asked to {request}", own[-1].text) if own else None
