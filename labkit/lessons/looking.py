"""Judges the steps that only look, by the learner's predictions and the requests that the cluster saw."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from labkit.client.request_info import Call, read_call
from labkit.core.language import listed, text

from .base import Account, CheckContext, NotPassed, Outcome, failed, not_attempted, passed
from .evidence import Asked, Evidence, PodCommand
from .mistakes import of_guess
from .predictions import FORBIDDEN, decision_of, with_status

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
        expected: The decision that the step demonstrates.
        why: An explanation of that decision.
        mend: The remedy when the server decided otherwise; empty for a rewind.
    """

    label: str
    account: Account
    path: str
    expected: str = FORBIDDEN
    why: str = ""
    mend: str = ""


class Miss(NamedTuple):
    """A request that is similar to a question of a step, but not the same.

    Args:
        kind: The kind of mistake, as an id of ``mistakes.yaml``.
        seen: The actual request, as a sentence.
    """

    kind: str
    seen: str


def recorded_fact(context: CheckContext, step: str) -> Any:
    """The last fact the learner recorded for a step, else their prediction, else None.

    A command's output counts as a fact: it was recorded on purpose.
    """
    records = context.progress.records(step)
    values = [
        record["stdout"].strip() if "stdout" in record else record.get("value")
        for record in records
    ]
    # The last one counts: learners correct themselves by recording again.
    facts = [_joined(value) for value in values if value is not None]
    return facts[-1] if facts else context.progress.prediction(step)


def _joined(value: Any) -> Any:
    """Host and port as one text, where a learner recorded them as two."""
    if isinstance(value, Mapping) and value.keys() == {"host", "port"}:
        return f"{value['host']}:{value['port']}"
    return ":".join(map(str, value)) if isinstance(value, list) and len(value) == 2 else value


def curl_status(text: str) -> int | None:
    """Return the HTTP status in the output of a ``curl``; None without a response of an API server."""
    if re.search(r'"kind":\s*"Status"', text):
        code = re.search(r'"code":\s*(\d{3})', text)
        if code:
            return int(code[1])
        # Learners cut output with head or grep, so the code can be missing.
        if "orbidden" in text:
            return 403
        return 401 if "Unauthorized" in text else None
    return 200 if re.search(r'"(kind|paths)":\s*["\[]', text) else None


def in_pod(
    context: CheckContext, evidence: Evidence, namespace: str, name: str = ""
) -> list[PodCommand]:
    """The commands that ran in a pod, or in all pods of one of the walkthrough's namespaces."""
    homes = {namespace, context.names.namespace(namespace)}
    pod = context.pod(context.names.namespace(namespace), name) if name else None
    # A workload's pod has a name of its own, and a command can have run before the learner replaced it.
    names = {name, pod["metadata"]["name"]} if pod else {name}
    commands = []
    for command in evidence.ran:
        home, _, own = command.pod.partition("/")
        if home in homes and (not name or own in names):
            commands.append(command)
    return commands


def asked_for(context: CheckContext, evidence: Evidence, question: Question) -> list[Asked]:
    """The requests that are a question of a step, by the right caller."""
    path = context.names.path(question.path)
    user = question.account.user
    requests = [
        request
        for request in evidence.asked
        if request.user == user and request.path == path and request.call.verb in ("list", "get")
    ]
    if not evidence.logged:
        requests += _printed(context, evidence, question)
    return requests


def _printed(context: CheckContext, evidence: Evidence, question: Question) -> Iterable[Asked]:
    """Yield the output of commands in the caller's pods, for clusters without an audit log."""
    namespace = own_name(context, question.account)
    paths = map(re.escape, (context.names.path(question.path), question.path))
    pattern = re.compile(f"({'|'.join(paths)})(?![\\w/-])")
    for command in in_pod(context, evidence, namespace):
        # Without a log, an answer that curl printed is the only trace of a call from a pod.
        status = curl_status(command.output)
        if status is not None and pattern.search(command.command):
            call = read_call("GET", question.path)
            yield Asked(question.account.user, call, status, command.ended)


def own_name(context: CheckContext, account: Account) -> str:
    """The walkthrough's own name of an account's namespace, which the notebooks use."""
    prefix = context.names.prefix
    return account.namespace.removeprefix(f"{prefix}-") if prefix else account.namespace


def judge_looking(
    context: CheckContext, step: str, questions: Sequence[Question], *, todo: str, ask: str
) -> Outcome:
    """Judge a looking step by the prediction and by the requests that the cluster saw. Their order does not matter.

    Args:
        context: The checkpoint's context.
        step: Such as ``W15``.
        questions: The requests of the step.
        todo: The first thing to do, without a prediction.
        ask: How to make the request.
    """
    evidence = context.evidence()
    prediction = context.progress.prediction(step)
    answers = {question.label: asked_for(context, evidence, question) for question in questions}
    # Only for questions without an answer: somebody who asked rightly can also have asked otherwise.
    misses = (
        _nearest_miss(context, evidence, question)
        for question in questions
        if not answers[question.label]
    )
    near = [miss for miss in misses if miss is not None]
    asked = any(answers.values())
    if prediction is None:
        if near and not asked:
            expected = text("a prediction, and then the call of this step")
            raise failed(near[0].kind, near[0].seen, expected, todo)
        raise without_prediction(asked, todo)
    if not asked and not near:
        now = text("You predicted. Now ask the server: {ask}", ask)
        raise not_asked(evidence, evidence.ran, now)
    guesses = prediction
    if not isinstance(prediction, Mapping):
        guesses = dict.fromkeys(answers, str(prediction))
    times = require_answers(context, step, questions, ask)
    # After all responses have arrived: a wrong guess is reported only to learners who have seen the right answer.
    for question in questions:
        require_guess(step, question.label, guesses, question.expected, question.why)
    said = "; ".join(f"{label}: {with_status(guesses[label])}" for label in answers)
    seen = text("{said}, as you predicted.", said)
    return passed(seen, questions[-1].why, asked_at=min(times))


def created(evidence: Evidence, obj: Mapping[str, Any] | None) -> float:
    """Return when an object was created, in seconds since the epoch; 0 if no request is known.

    The object's own time is rounded down to a second, in which the learner can have asked before.
    """
    meta = obj["metadata"] if obj else {}
    return max(
        (
            request.at
            for request in evidence.asked
            if request.wrote
            and request.call.verb == "create"
            and request.name == meta.get("name")
            and request.call.namespace == meta.get("namespace", "")
        ),
        default=0.0,
    )


def require_answers(
    context: CheckContext, step: str, questions: Sequence[Question], ask: str, since: float = 0.0
) -> list[float]:
    """Require that the learner saw the server's answers, and return their times.

    Args:
        context: The checkpoint's context.
        step: The step to go back to if the server decided otherwise.
        questions: The requests, each with the decision that counts.
        ask: How to make them.
        since: Earlier answers do not count, in seconds since the epoch.
    """
    evidence = context.evidence()
    times: list[float] = []
    for question in questions:
        label = question.label
        every = asked_for(context, evidence, question)
        answers = [answer for answer in every if answer.at >= since]
        if not answers:
            miss = Miss("missing-part", text("you have not asked since then"))
            if not every:
                miss = _nearest_miss(context, evidence, question) or Miss(
                    "missing-part", text("you have not asked yet")
                )
            raise failed(
                miss.kind,
                text("{label}: {seen}", label, miss.seen),
                text("the answer that {user} gets", question.account.user),
                text("The call that is missing: {ask}", ask),
            )
        # Any fitting response counts, not the last one, because a later step can have changed the server's decision.
        fitting = [
            answer.at for answer in answers if decision_of(answer.status) == question.expected
        ]
        if not fitting:
            back = text(
                'The cluster is no longer as this step begins. Go back: lab.rewind("{step}").', step
            )
            raise failed(
                "cluster-moved-on",
                text(
                    "{label}: the server said {answer}",
                    label,
                    with_status(decision_of(answers[-1].status)),
                ),
                text(
                    "{answer}, which it says where this step begins", with_status(question.expected)
                ),
                question.mend or back,
            )
        times += fitting
    return times


def not_asked(evidence: Evidence, commands: Iterable[PodCommand], todo: str) -> NotPassed:
    """The verdict on a step that was predicted and not asked; a shell that hides its calls is named."""
    # Without an audit log, only the command line of an exec is known, not the input of a shell.
    if not evidence.logged and any(command.interactive for command in commands):
        todo = text("You predicted. {why}", IN_A_SHELL)
    return not_attempted(todo)


def without_prediction(asked: bool, todo: str) -> NotPassed:
    """The verdict on a step without a prediction: a learner who asked first can still predict."""
    if not asked:
        return not_attempted(todo)
    return failed(
        "no-prediction",
        "you have asked, and predicted nothing",
        "a prediction; late is better than never",
        todo,
    )


def require_prediction(context: CheckContext, step: str) -> Any:
    """Return the prediction of a step whose work is done, which has to be there by now."""
    prediction = context.progress.prediction(step)
    if prediction is None:
        todo = text(
            'Predict as the text asks: predict("{step}", …). Late is better than never.', step
        )
        raise failed(
            "no-prediction", "all is done, and you predicted nothing", "a prediction as well", todo
        )
    return prediction


def require_guess(step: str, label: str, guesses: Mapping[str, str], truth: str, why: str) -> None:
    """Require that a prediction names the server's decisions."""
    if label not in guesses:
        raise failed(
            "no-prediction",
            text("no prediction for “{label}”", label),
            text("what you expect for “{label}” as well", label),
            text('Predict again and name it: predict("{step}", {"{label}": "…", …}).', step, label),
        )
    if guesses[label] != truth:
        seen = text(
            "{label}: you predicted “{guess}”, the server said {answer}",
            label,
            guesses[label],
            with_status(truth),
        )
        hint = text("{why} Predict again, now that you know why, and check again.", why)
        raise wrong_prediction(step, seen, hint)


def wrong_prediction(step: str, seen: str, hint: str) -> NotPassed:
    """The verdict on a prediction that the server does not agree with."""
    return failed(of_guess(step), seen, "a prediction that agrees with the server", hint)


def _nearest_miss(context: CheckContext, evidence: Evidence, question: Question) -> Miss | None:
    """Find the request that was made instead of a question; None if there is no similar one."""
    path = context.names.path(question.path)
    goal = read_call("GET", path)
    user = question.account.user
    # The right request by another caller is the nearest miss: only the credential is wrong.
    others = [
        request.user or text("somebody with a bad credential")
        for request in evidence.asked
        if request.path == path and request.user != user
    ]
    if others:
        askers = listed(dict.fromkeys(others), ", ")
        return Miss("asked-as-another", text("you asked as {who}, not as {user}", askers, user))
    own = [request for request in evidence.asked if request.user == user]

    # The right namespace comes first, then the newest: learners correct one thing at a time.
    def nearness(request: Asked) -> tuple[bool, float]:
        return request.call.namespace == goal.namespace, request.at

    for request in sorted(own, key=nearness, reverse=True):
        if request.call.resource in QUESTIONS:
            return Miss(
                "asked-about-it",
                text(
                    "you asked whether it may (kubectl auth can-i); that is a question about the call, not the call"
                ),
            )
        difference = _difference(request, goal)
        if difference:
            return Miss("asked-for-something-else", difference)
    if not own:
        return None
    return Miss("asked-for-something-else", text("you asked to {request}", own[-1].text))


def _difference(request: Asked, goal: Call) -> str:
    """Describe the difference between a request and the call of a step; empty if they have nothing in common."""
    call = request.call
    same = call.resource == goal.resource
    if same and call.verb not in ("get", "list"):
        return text("you asked to {request}; the step asks for the list", request.text)
    # kubectl get finds the group by the plural, but a path is written by hand.
    if same and call.group != goal.group:
        return text(
            "you asked the API group {group}; {resource} are in {right}",
            call.group or "core",
            call.resource,
            goal.group or "core",
        )
    if same and call.namespace != goal.namespace:
        where = text("in all namespaces at once")
        if call.namespace:
            where = text("in {namespace}", call.namespace)
        right = goal.namespace or text("the whole cluster")
        return text("you asked {where}, not in {right}", where, right)
    if same and call.name:
        return text("you asked for one object, {name}; the step asks for the list", call.name)
    # 0.7 matches a singular, another case and a typo with the resource, but not services with secrets.
    if SequenceMatcher(None, call.resource.lower(), goal.resource).ratio() > 0.7:
        return text(
            "you asked for `{resource}`; the resource is `{right}`", call.resource, goal.resource
        )
    return ""
