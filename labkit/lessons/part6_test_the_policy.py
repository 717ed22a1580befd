"""Part 6, test the policy: T1 to T6."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from itertools import chain, product
from typing import NamedTuple

from kube_embedded.rbac.objects import Object, name_of, role_title
from labkit.client.prefix import Names
from labkit.core.language import listed, text
from labkit.rbac.policy import RBAC_PATH, PolicyUnreadable, read_policy
from labkit.rbac.reviews import review
from labkit.rbac.testing.mutants import survivors
from labkit.rbac.testing.questions import Question
from labkit.rbac.testing.usage import Usage, usage_of
from labkit.rbac.testing.vocabulary import standard

from .base import CheckContext, Outcome, failed, not_attempted, passed
from .bindings import names_account, require_nothing_more, role_bindings, rules_of
from .evidence import Evidence
from .library import library, objects_in
from .looking import QUESTIONS, created, require_prediction, without_prediction
from .mistakes import mistakes, of_guess
from .part4_roles import require_reading
from .policies import ManifestPolicy, count, let_through, recorded_questions, require_rejection
from .predictions import ALLOWED, FORBIDDEN, Prediction, decisions
from .prepared import is_prepared, prepared
from .rules import beyond, grants
from .steps import step

MOST_OF_SERVICES = 12
MOST_OF_TALLY = 20
"""How many questions may be needed to reject every wrong policy."""


class Answer(NamedTuple):
    """The right answer for a label of a prediction.

    Args:
        word: The right word.
        why: Why it is so.
    """

    word: str
    why: str


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


def _require_truth(context: CheckContext, step: str, truth: Mapping[str, Answer]) -> None:
    """Require that everything was predicted as it is.

    Args:
        context: The checkpoint's context.
        step: Such as ``T1``.
        truth: The answer to each label.
    """
    guesses = require_prediction(context, step)
    if not isinstance(guesses, Mapping):
        guesses = dict.fromkeys(truth, guesses)
    for label, (real, why) in truth.items():
        guess = guesses.get(label)
        if guess == real:
            continue
        seen = text("{label}: you predicted nothing; it is “{real}”", label, real)
        if guess:
            seen = text("{label}: you predicted “{guess}”; it is “{real}”", label, guess, real)
        hint = text("{why} Predict again, now that you know why, and check again.", why)
        raise failed(of_guess(step), seen, "a prediction of what happens", hint)


# -- T1 ---------------------------------------------------------------------------------------

FILES = "by the files"
CLUSTER = "by the cluster"
DRIFT = text("Part 5 bound view in the whole cluster, and the files of part 4 know nothing of it.")

STORY = [
    (f"{account}/default", space == "kikai", space)
    for account, space in product(("kikai", "darbo"), repeat=2)
]
"""Who may read services in which namespace, and who may not: W17, W18 and W19."""


@step(decisions(FILES, CLUSTER))
def t1(context: CheckContext) -> Outcome:
    """The questions have the same answers according to the files of part 4 and to the cluster."""
    questions = recorded_questions(context, "T1", services_policy())
    readings = [_reading(question) for question in questions]
    for account, may, space in STORY:
        if (account, may, space) not in readings:
            lacking = text(
                "no question says that {who} may not get or list services in {where}",
                account,
                space,
            )
            if may:
                lacking = text(
                    "no question says that {who} may get or list services in {where}",
                    account,
                    space,
                )
            hint = text("Each of the two accounts, once for each of the two namespaces.")
            raise failed("missing-part", lacking, "what W17, W18 and W19 said, as questions", hint)
    # A client can ask by an access review, or as the account itself: both are an answer of the cluster.
    askers = {context.names.user(question.who.user) for question in questions}
    requests = context.evidence().asked
    asked = sum(
        request.call.resource in QUESTIONS or request.user in askers for request in requests
    )
    different = len({(question.who.user, question.attributes[1:]) for question in questions})
    if asked < different:
        raise failed(
            "missing-part",
            text("{count} questions, and the cluster was asked {asked} times", different, asked),
            "the cluster's answer to each",
            "policy.ask(questions) asks them all.",
        )
    for question in questions:
        status = review(context.admin, question.attributes)
        if bool(status.get("allowed")) is not question.may:
            seen = text("“{question}”: the cluster says otherwise.", question)
            if reason := status.get("reason"):
                seen = text("{seen} {reason}", seen, reason)
            raise failed(
                "files-taken-for-cluster",
                seen,
                "the same answer by the files and by the cluster",
                "Part 5 bound more than the files of part 4 say. Take that binding away, and ask again.",
            )
    truth = {FILES: Answer(FORBIDDEN, DRIFT), CLUSTER: Answer(ALLOWED, DRIFT)}
    _require_truth(context, "T1", truth)
    return passed(
        text(
            "{count} questions, and the same answers by the files and by the cluster.",
            len(questions),
        ),
        "Asked offline, questions say whether the files are right; asked of the cluster, whether it is as they say.",
    )


def _reading(question: Question) -> tuple[str, bool, str] | None:
    """Return the account that may or may not read services, and the namespace; None for other questions."""
    asked = question.attributes
    if asked.resource != "services" or asked.verb not in ("get", "list"):
        return None
    if asked.subresource or asked.name:
        return None
    return question.who.label, question.may, asked.namespace


# -- T2 and T3 --------------------------------------------------------------------------------


@step(words("none", "a few", "more than half"))
def t2(context: CheckContext) -> Outcome:
    """Two positive questions let more than half of the wrong policies pass."""
    questions = recorded_questions(context, "T2", services_policy())
    negative = sum(not question.may for question in questions)
    asked = {(question.who.user, question.attributes[1:]) for question in questions}
    if len(questions) != 2 or len(asked) != 2 or negative:
        hint = text("Ask two, and not the same one twice.")
        if negative:
            hint = text("The negative ones come in T3.")
        different = count(len(asked), "question")
        raise failed(
            "missing-part",
            text("{different}, {negative} of them negative", different, negative),
            "two different questions, both under may",
            hint,
        )
    # The policy comes from the files, not from the learner, so that each learner faces the same wrong policies.
    every = services_policy().wrong_policies
    left = len(survivors(every, questions))
    if left == len(every):
        raise failed(
            "missing-part",
            "all wrong policies pass",
            "questions about what this policy is for",
            "Ask whether the accounts may do what they are to do in kikai.",
        )
    why = text(mistakes()["positive-questions-suffice"].says)
    _require_truth(context, "T2", {"how many pass": Answer("more than half", why)})
    return passed(
        text("{left} of {every} wrong policies pass two positive questions.", left, len(every)), why
    )


@step()
def t3(context: CheckContext) -> Outcome:
    """At most twelve questions reject every wrong policy."""
    policy = services_policy()
    questions = recorded_questions(context, "T3", policy)
    require_rejection(policy, questions, MOST_OF_SERVICES)
    every = len(policy.wrong_policies)
    return passed(
        text("{count} questions reject all {every} wrong policies.", len(questions), every),
        "Most of what a test of a policy has to ask is negative, and each question stands for a mistake.",
    )


# -- T4 ---------------------------------------------------------------------------------------

NOTHING = "nothing"
THE_LOGS = "the logs"
MORE = "more"
GAINS = {
    "kikai by pods/*": Answer(
        NOTHING, text("No request matches pods/*: a * stands alone, or before a slash.")
    ),
    "kikai by *": Answer(
        MORE, text("A * alone is every resource of the group: Secrets too, and every subresource.")
    ),
    "darbo by pods/log": Answer(
        THE_LOGS, text("Both accounts are bound to service-reader, so both gain what it gains.")
    ),
}


@step(words(NOTHING, THE_LOGS, MORE, labels=tuple(GAINS)))
def t4(context: CheckContext) -> Outcome:
    """``kikai``'s account reads logs in ``kikai`` by a role of its own, and no subject gained more."""
    account = context.account("kikai")
    other = context.account("darbo")
    bindings = [
        (binding, rules_of(context, binding))
        for binding in role_bindings(context, account.namespace)
    ]
    giving = [entry for entry in bindings if grants(entry[1], "get", "", "pods", "log")]
    # Before the excess: that darbo reads logs too is the mistake this step is about, and it has its own hint.
    for binding, _ in giving:
        if names_account(binding, other):
            seen = text(
                "{user} may read logs in kikai too, by {name}", other.user, name_of(binding)
            )
            hint = text(
                "service-reader is bound to both. Write a role of its own, and bind kikai's account to it."
            )
            raise failed("another-account", seen, "the logs for kikai's account alone", hint)
    require_nothing_more(context)
    giving = [entry for entry in giving if names_account(entry[0], account)]
    if not giving:
        _require_no_log_role(context)
        raise not_attempted(
            "Look at the three changes, then let kikai's account read the logs, and nobody else."
        )
    if all(is_prepared(binding, "T4") for binding, _ in giving):
        raise prepared(text("the binding log-reader"), "T4")
    for binding, rules in giving:
        if surplus := beyond(rules, ("get", "list"), "", "pods/log"):
            raise failed(
                "larger-role",
                text("{role} gives more: {more}", role_title(binding), surplus[0].text),
                "get on pods/log",
                "Write a role of its own, with this one rule.",
            )
    _require_both_asked(context, created(context.evidence(), giving[0][0]))
    _require_truth(context, "T4", GAINS)
    return passed(
        text(
            "{user} reads the logs of pods in kikai, and nobody else gained anything.", account.user
        ),
        "Review what a change does, not how it looks: who gains what, and who else is bound to the role.",
    )


def _require_no_log_role(context: CheckContext) -> None:
    """Require that no role is about logs, since none is bound as it should be."""
    for role in context.items(f"{RBAC_PATH}/roles"):
        if "/log" in str(role.get("rules")):
            require_reading(role, "pods/log", text("the role {name}", name_of(role)), ["get"])
            raise failed(
                "not-granted",
                text("nobody is bound to the role {name} in kikai", name_of(role)),
                "a RoleBinding in kikai, from kikai's account to this role",
                text(mistakes()["not-granted"].says),
            )


def _require_both_asked(context: CheckContext, since: float) -> None:
    """Require that the cluster was asked about the logs after some time, for each of the two accounts."""
    # A review names its subject in its body, which no log has: so the requests are counted.
    asked = sum(
        request.at >= since
        and (request.call.resource in QUESTIONS or request.call.subresource == "log")
        for request in context.evidence().asked
    )
    if asked < 2:
        raise failed(
            "missing-part",
            text("questions to the cluster since the binding: {count}", asked),
            "one about the logs for kikai's account, and one for darbo's",
            "policy.ask(questions) asks them.",
        )


# -- T5 and T6 --------------------------------------------------------------------------------

USED = "used"
MISSING = "missing"
UNUSED = "unused"
NEEDS = {
    "list pods": Answer(USED, text("The program lists pods, and its role lets it.")),
    "create configmaps": Answer(
        MISSING, text("It notes its count in a config map, and its role says nothing of these.")
    ),
    "patch configmaps": Answer(
        MISSING,
        text("Run it twice: the second time the config map is there, and has to be changed."),
    ),
    "list secrets": Answer(UNUSED, text("The role gives it, and the program never asked.")),
}
WHOLE_RUN = [key.replace(" ", " · ") for key, need in NEEDS.items() if need.word != UNUSED]
"""What a whole run needs, in the words of a use, without the namespace."""


@step(words(USED, MISSING, UNUSED, labels=tuple(NEEDS)))
def t5(context: CheckContext) -> Outcome:
    """The program ran with all rights, so that all its needs were seen."""
    account = context.account("kikai", "tally")
    policy = tally_policy("T5", context.names)
    usage = usage_of(
        account.subject,
        policy.policy,
        let_through(context.evidence(), account.user),
        policy.vocabulary,
    )
    if not usage.requests:
        raise not_attempted("Let the program run as kikai/tally with all rights, twice.")
    # The run shows the answer, so the prediction has to be there before the run is judged.
    if context.progress.prediction("T5") is None:
        raise without_prediction(True, text('Predict as the text asks: predict("T5", …).'))
    _require_whole_run(usage, account.namespace)
    _require_truth(context, "T5", NEEDS)
    lacked = listed(map(str, usage.missing), ", ")
    unused = listed(map(str, usage.unused), ", ")
    return passed(
        text("It lacked {lacked}; it never used {unused}.", lacked, unused),
        "What holds for a run holds for what was tried in it. A path that was not taken may need more.",
    )


def _require_whole_run(usage: Usage, namespace: str) -> None:
    """Require that a run of the program was recorded as a whole."""
    needs = set(map(str, usage.used))
    for rule in WHOLE_RUN:
        need = text("{rule} in {namespace}", rule, namespace)
        if need not in needs:
            raise failed(
                "missing-part",
                text("no request that was let through needed {need}", need),
                "a whole run",
                "Is anything refused? A refusal ends the program. Then run it twice.",
            )


@step()
def t6(context: CheckContext) -> Outcome:
    """The account has exactly the permissions that the program needs, and questions test for it."""
    account = context.account("kikai", "tally")
    try:
        policy = read_policy(context.admin)
    except PolicyUnreadable as error:
        raise not_attempted(str(error)) from error
    own = [binding for binding in policy.bindings if names_account(binding, account)]
    roles = [role for role in map(policy.role_of, own) if role is not None]
    if roles and all(is_prepared(role, "T6") for role in roles):
        raise prepared(text("the role tally"), "T6")
    # A run before the last change is not evidence of the permissions that the account has now.
    changed = _last_change(context.evidence(), [*own, *roles])
    events = let_through(context.evidence(), account.user, changed)
    usage = usage_of(account.subject, policy, events, standard())
    if not usage.requests:
        if context.progress.passed("T6"):
            require_nothing_more(context)
        raise not_attempted(
            "Cut the role down, take all rights away, and then run the program twice as kikai/tally."
        )
    for rule in chain.from_iterable(role.get("rules") or () for role in roles):
        for name in standard().strangers(rule):
            seen = text("the role names {resource}, which there is not", name)
            says = text(mistakes()["wrong-resource"].says)
            raise failed("wrong-resource", seen, "what the program asks for", says)
    _require_whole_run(usage, account.namespace)
    if usage.unused:
        right = str(usage.unused[0])
        raise failed(
            "unused-right",
            text("the account has {need}, too", right),
            "what the program asks for, and nothing more",
            text(mistakes()["unused-right"].says, what=right),
        )
    require_nothing_more(context)
    tested = tally_policy("T6")
    questions = recorded_questions(context, "T6", tested)
    require_rejection(tested, questions, MOST_OF_TALLY)
    return passed(
        text(
            "The program runs with {rights} rights, and {count} questions keep it so.",
            len(WHOLE_RUN),
            len(questions),
        ),
        "The role says what it may. The questions say what it is for, and notice when somebody changes it.",
    )


def _last_change(evidence: Evidence, objects: Iterable[Object]) -> float:
    """When some roles and bindings were changed last, or any binding was deleted, in seconds since the epoch."""
    objects = list(objects)
    fields = chain.from_iterable(obj["metadata"].get("managedFields") or () for obj in objects)
    times = [
        datetime.fromisoformat(entry["time"]).timestamp() for entry in fields if "time" in entry
    ]
    names = set(map(name_of, objects))
    # A deleted binding is not there any more, and the object's own times are rounded down to a second.
    times += [
        request.at
        for request in evidence.asked
        if request.wrote
        and request.path.startswith(RBAC_PATH)
        and (request.call.verb == "delete" or request.name in names)
    ]
    return max(times, default=0.0)


STEPS = (t1, t2, t3, t4, t5, t6)
