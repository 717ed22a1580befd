"""Part 6, test the policy: T1 to T6."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache

from labkit.client.prefix import Names
from labkit.core.language import listed, text
from labkit.lessons.base import CheckContext, Outcome, failed, not_attempted, passed
from labkit.lessons.bindings import names_account, role_bindings, rules_of, too_much
from labkit.lessons.library import library, objects_in
from labkit.lessons.looking import QUESTIONS, unpredicted, without_prediction
from labkit.lessons.mistakes import mistakes, of_guess
from labkit.lessons.policies import (
    ManifestPolicy,
    count,
    let_through,
    not_rejected,
    recorded_questions,
)
from labkit.lessons.predictions import ALLOWED, FORBIDDEN, Prediction, decisions
from labkit.lessons.prepared import is_prepared, prepared
from labkit.lessons.rules import beyond, grants
from labkit.lessons.steps import step
from labkit.rbac.objects import Object, name_of, role_title
from labkit.rbac.policy import PolicyUnreadable, read_policy
from labkit.rbac.reviews import review
from labkit.rbac.testing.mutants import survivors
from labkit.rbac.testing.questions import Question
from labkit.rbac.testing.usage import usage_of
from labkit.rbac.testing.vocabulary import standard

MOST_OF_SERVICES, MOST_OF_TALLY = 12, 20
"""How many questions may be needed to reject every wrong policy."""


def words(*answers: str, labels: tuple[str, ...] = ()) -> Prediction:
    """A prediction that is one of some answers, or one for each label."""
    return Prediction({answer: frozenset({answer}) for answer in answers}, labels)


@cache
def services_policy() -> ManifestPolicy:
    """The policy of W14 to W19, as its files have it."""
    return ManifestPolicy.of(objects_in(library().files("04-roles")))


@cache
def tally_policy(step: str, names: Names = Names()) -> ManifestPolicy:  # noqa: B008 - it never changes
    """The policy of the program tally, as a step's file has it, with the names on a cluster."""
    files = (file for file in library().of_step(step) if file.parent.name != "tryout")
    return ManifestPolicy.of(map(names.body, objects_in(files)))


def _as_predicted(
    context: CheckContext, step: str, truth: Mapping[str, tuple[str, str]]
) -> Outcome | None:
    """A failed outcome when something was not predicted, or other than it is, else None.

    ``truth`` has what each label's answer is, and why.
    """
    if (missing := unpredicted(context, step)) is not None:
        return missing
    guesses = context.progress.prediction(step)
    guesses = guesses if isinstance(guesses, Mapping) else dict.fromkeys(truth, guesses)
    for label, (real, why) in truth.items():
        if (guess := guesses.get(label)) != real:
            seen = text("{label}: you predicted “{guess}”; it is “{real}”", label, guess, real)
            if not guess:
                seen = text("{label}: you predicted nothing; it is “{real}”", label, real)
            hint = text("{why} Predict again, now that you know why, and check again.", why)
            return failed(of_guess(step), seen, "a prediction of what happens", hint)
    return None


# -- T1 ---------------------------------------------------------------------------------------

FILES, CLUSTER = "by the files", "by the cluster"
_DRIFT = text("Part 5 bound view in the whole cluster, and the files of part 4 know nothing of it.")
STORY = [
    (f"{account}/default", space == "kikai", space)
    for account in ("kikai", "darbo")
    for space in ("kikai", "darbo")
]
"""Who may read services in which namespace, and who may not: W17, W18 and W19."""


@step(decisions(FILES, CLUSTER))
def t1(context: CheckContext) -> Outcome:
    """The questions have the same answers by the files of part 4 and by the cluster."""
    questions = recorded_questions(context, "T1", services_policy())
    if isinstance(questions, Outcome):
        return questions
    for row in STORY:
        if not any(row == _read(each) for each in questions):
            lacking = text(
                "no question says that {who} may get or list services in {where}", row[0], row[2]
            )
            if not row[1]:
                lacking = text(
                    "no question says that {who} may not get or list services in {where}",
                    row[0],
                    row[2],
                )
            hint = text("Each of the two accounts, once for each of the two namespaces.")
            return failed("missing-part", lacking, "what W17, W18 and W19 said, as questions", hint)
    evidence, askers = context.evidence(), {context.names.user(each.who.user) for each in questions}
    asked = [
        each for each in evidence.asked if each.call.resource in QUESTIONS or each.user in askers
    ]
    if len(asked) < len(questions):
        seen = text(
            "{count} questions, and the cluster was asked {asked} times", len(questions), len(asked)
        )
        return failed(
            "missing-part",
            seen,
            "the cluster's answer to each",
            "policy.ask(questions) asks them all.",
        )
    for question in questions:
        status = review(context.admin, question.attributes)
        if bool(status.get("allowed")) is not question.may:
            seen = text("“{question}”: the cluster says otherwise.", question)
            if reason := status.get("reason"):
                seen = text("{seen} {reason}", seen, reason)
            hint = text(
                "Part 5 bound more than the files of part 4 say. Take that binding away, and ask again."
            )
            return failed(
                "files-taken-for-cluster",
                seen,
                "the same answer by the files and by the cluster",
                hint,
            )
    truth = {FILES: (FORBIDDEN, _DRIFT), CLUSTER: (ALLOWED, _DRIFT)}
    if (mistaken := _as_predicted(context, "T1", truth)) is not None:
        return mistaken
    return passed(
        text(
            "{count} questions, and the same answers by the files and by the cluster.",
            len(questions),
        ),
        "Asked offline, questions say whether the files are right; asked of the cluster, whether it is as they say.",
    )


def _read(question: Question) -> tuple[str, bool, str] | None:
    """Who may or may not read services, and where; None for a question about something else."""
    asked = question.attributes
    reads = (
        asked.resource == "services"
        and not asked.subresource
        and not asked.name
        and asked.verb in ("get", "list")
    )
    return (question.who.label, question.may, asked.namespace) if reads else None


# -- T2 and T3 --------------------------------------------------------------------------------


@step(words("none", "a few", "more than half"))
def t2(context: CheckContext) -> Outcome:
    """Two positive questions let more than half of the wrong policies pass."""
    questions = recorded_questions(context, "T2", services_policy())
    if isinstance(questions, Outcome):
        return questions
    if len(questions) != 2 or not all(each.may for each in questions):
        negative = sum(not each.may for each in questions)
        seen = text(
            "{questions}, {negative} of them negative", count(len(questions), "question"), negative
        )
        return failed(
            "missing-part", seen, "two questions, both under may", "The negative ones come in T3."
        )
    every = services_policy().wrong_policies
    left = len(survivors(every, questions))
    if left == len(every):
        hint = text("Ask whether the accounts may do what they are to do in kikai.")
        return failed(
            "missing-part",
            "all wrong policies pass",
            "questions about what this policy is for",
            hint,
        )
    why = text(mistakes()["positive-questions-suffice"].says)
    if (
        mistaken := _as_predicted(context, "T2", {"how many pass": ("more than half", why)})
    ) is not None:
        return mistaken
    return passed(
        text("{left} of {every} wrong policies pass two positive questions.", left, len(every)), why
    )


@step()
def t3(context: CheckContext) -> Outcome:
    """At most twelve questions reject every wrong policy."""
    questions = recorded_questions(context, "T3", services_policy())
    if isinstance(questions, Outcome):
        return questions
    if (left := not_rejected(services_policy(), questions, MOST_OF_SERVICES)) is not None:
        return left
    every = len(services_policy().wrong_policies)
    return passed(
        text("{count} questions reject all {every} wrong policies.", len(questions), every),
        "Most of what a test of a policy has to ask is negative, and each question stands for a mistake.",
    )


# -- T4 ---------------------------------------------------------------------------------------

NOTHING, THE_LOGS, MORE = "nothing", "the logs", "more"
_GAINS = {
    "kikai by pods/*": (
        NOTHING,
        text("No request matches pods/*: a * stands alone, or before a slash."),
    ),
    "kikai by *": (
        MORE,
        text("A * alone is every resource of the group: Secrets too, and every subresource."),
    ),
    "darbo by pods/log": (
        THE_LOGS,
        text("Both accounts are bound to service-reader, so both gain what it gains."),
    ),
}


@step(words(NOTHING, THE_LOGS, MORE, labels=tuple(_GAINS)))
def t4(context: CheckContext) -> Outcome:
    """``kikai``'s account reads logs in ``kikai`` by a role of its own, and nobody gained more."""
    account, other = context.account("kikai"), context.account("darbo")
    local = [(each, rules_of(context, each)) for each in role_bindings(context, account.namespace)]
    giving = [(each, rules) for each, rules in local if grants(rules, "get", "", "pods", "log")]
    for binding, _ in giving:
        if names_account(binding, other):
            seen = text(
                "{user} may read logs in kikai too, by {name}", other.user, name_of(binding)
            )
            hint = text(
                "service-reader is bound to both. Write a role of its own, and bind kikai's account to it."
            )
            return failed("another-account", seen, "the logs for kikai's account alone", hint)
    if (excess := too_much(context)) is not None:
        return excess
    giving = [each for each in giving if names_account(each[0], account)]
    if not giving:
        return not_attempted(
            "Look at the three changes, then let kikai's account read the logs, and nobody else."
        )
    if all(is_prepared(binding, "T4") for binding, _ in giving):
        return prepared(text("the binding log-reader"), "T4")
    for binding, rules in giving:
        if more := beyond(rules, ("get", "list"), "", "pods/log"):
            seen = text("{role} gives more: {more}", role_title(binding), more[0])
            return failed(
                "larger-role",
                seen,
                "get on pods/log",
                "Write a role of its own, with this one rule.",
            )
    if (mistaken := _as_predicted(context, "T4", _GAINS)) is not None:
        return mistaken
    return passed(
        text(
            "{user} reads the logs of pods in kikai, and nobody else gained anything.", account.user
        ),
        "Review what a change does, not how it looks: who gains what, and who else is bound to the role.",
    )


# -- T5 and T6 --------------------------------------------------------------------------------

USED, MISSING, UNUSED = "used", "missing", "unused"
_NEEDS = {
    "list pods": (USED, text("The program lists pods, and its role lets it.")),
    "create configmaps": (
        MISSING,
        text("It notes its count in a config map, and its role says nothing of these."),
    ),
    "patch configmaps": (
        MISSING,
        text("Run it twice: the second time the config map is there, and has to be changed."),
    ),
    "list secrets": (UNUSED, text("The role gives it, and the program never asked.")),
}
_PLACES = [key.replace(" ", " · ") for key, (state, _) in _NEEDS.items() if state != UNUSED]
"""What a run needs, in the words of a use, without the namespace."""


@step(words(USED, MISSING, UNUSED, labels=tuple(_NEEDS)))
def t5(context: CheckContext) -> Outcome:
    """The program ran with all rights, so that all its needs were seen."""
    account, policy = context.account("kikai", "tally"), tally_policy("T5", context.names)
    found = usage_of(
        account.subject,
        policy.policy,
        let_through(context.evidence(), account.user),
        policy.vocabulary,
    )
    if not found.requests:
        return not_attempted("Let the program run with all rights, twice.")
    if context.progress.prediction("T5") is None:
        return without_prediction(True, text('Predict as the text asks: predict("T5", …).'))
    if (lacking := _lacking(found.used, account.namespace)) is not None:
        return lacking
    if (mistaken := _as_predicted(context, "T5", _NEEDS)) is not None:
        return mistaken
    lacked, unused = (listed(map(str, uses), ", ") for uses in (found.missing, found.unused))
    return passed(
        text("It lacked {lacked}; it never used {unused}.", lacked, unused),
        "What holds for a run holds for what was tried in it. A path that was not taken may need more.",
    )


def _lacking(used: Iterable[object], namespace: str) -> Outcome | None:
    """A failed outcome when a run was not seen as a whole, else None."""
    seen = set(map(str, used))
    needs = [text("{rule} in {namespace}", rule, namespace) for rule in _PLACES]
    lacking = [need for need in needs if need not in seen]
    if not lacking:
        return None
    hint = text("Is anything refused? A refusal ends the program. Then run it twice.")
    return failed(
        "missing-part",
        text("no request that was let through needed {need}", lacking[0]),
        "a whole run",
        hint,
    )


@step()
def t6(context: CheckContext) -> Outcome:
    """The account has what the program needs and nothing more, and questions keep it so."""
    account = context.account("kikai", "tally")
    try:
        policy = read_policy(context.admin)
    except PolicyUnreadable as error:
        return not_attempted(str(error))
    own = [each for each in policy.bindings if names_account(each, account)]
    roles = [role for each in own if (role := policy.role_of(each)) is not None]
    if roles and all(is_prepared(role, "T6") for role in roles):
        return prepared(text("the role tally"), "T6")
    events = let_through(context.evidence(), account.user, _last_change([*own, *roles]))
    found = usage_of(account.subject, policy, events, standard())
    if not found.requests:
        return not_attempted(
            "Cut the role down, take all rights away, and then run the program twice."
        )
    if (lacking := _lacking(found.used, account.namespace)) is not None:
        return lacking
    if found.unused:
        hint = text(mistakes()["unused-right"].says, what=str(found.unused[0]))
        seen = text("the account has {need}, too", str(found.unused[0]))
        return failed("unused-right", seen, "what the program asks for, and nothing more", hint)
    if (excess := too_much(context)) is not None:
        return excess
    questions = recorded_questions(context, "T6", tally_policy("T6"))
    if isinstance(questions, Outcome):
        return questions
    if (left := not_rejected(tally_policy("T6"), questions, MOST_OF_TALLY)) is not None:
        return left
    return passed(
        text(
            "The program runs with {rights} rights, and {count} questions keep it so.",
            len(_PLACES),
            len(questions),
        ),
        "The role says what it may. The questions say what it is for, and notice when somebody changes it.",
    )


def _last_change(objects: Iterable[Object]) -> float:
    """When some objects were changed last, in seconds since the epoch; 0 where nobody noted it."""
    entries = [entry for each in objects for entry in each["metadata"].get("managedFields") or ()]
    return max(
        (datetime.fromisoformat(entry["time"]).timestamp() for entry in entries if "time" in entry),
        default=0.0,
    )


STEPS = (t1, t2, t3, t4, t5, t6)
