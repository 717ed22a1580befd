"""Part 4, roles and role bindings: W14 to W19."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labkit.core.language import listed, text
from labkit.lessons import rules
from labkit.lessons.base import Account, CheckContext, Outcome, failed, first, not_attempted, passed
from labkit.lessons.bindings import (
    VIEW,
    attempted_bindings,
    binding_text,
    cluster_bindings,
    giving,
    names_account,
    role_bindings,
    role_kind,
    role_name,
    role_text,
    too_much,
)
from labkit.lessons.bindings import made_by_lab as bindings_made_by_lab
from labkit.lessons.looking import Question, judge_looking, unpredicted
from labkit.lessons.mistakes import of_guess
from labkit.lessons.pods import (
    answering,
    elsewhere,
    made_by_workload,
    no_proxy,
    not_running,
    own_name,
    runs_as_another,
    without_token,
)
from labkit.lessons.predictions import ALLOWED, FORBIDDEN, decisions, with_status
from labkit.lessons.prepared import made_by_lab
from labkit.lessons.steps import step
from labkit.rbac.policy import RBAC_PATH
from labkit.rbac.rules import misspelt_verb

NAMESPACES = ("kikai", "darbo")


@step()
def w14(context: CheckContext) -> Outcome:
    """Both namespaces hold a pod ``test`` whose proxy answers as the default account."""
    spaces = {name: context.names.namespace(name) for name in NAMESPACES}
    missing = [
        name for name, real in spaces.items() if not context.find(f"/api/v1/namespaces/{real}")
    ]
    pods = {name: context.pod(real, "test") for name, real in spaces.items()}
    if len(missing) == 2:
        strays = elsewhere(context, "test", spaces["kikai"])
        if strays:
            return failed(
                "another-namespace",
                text(
                    "a pod test in {namespaces}, and no namespace kikai or darbo", ", ".join(strays)
                ),
                "the namespaces kikai and darbo, and a pod test in each",
                "Create the namespaces first; a pod without metadata.namespace lands in default.",
            )
        return not_attempted("Create the namespaces kikai and darbo, and a pod test in each.")
    for name in NAMESPACES:
        pod = pods[name]
        if name in missing or pod is None:
            return failed(
                "missing-part",
                text("no namespace {name}", name)
                if name in missing
                else text("no pod test in {name}", name),
                "the namespaces kikai and darbo, and a pod test in each",
                "Everything in this part exists twice, so that you can see where a right ends.",
            )
        if (prepared := made_by_lab(pod, f"{name}/test", "W14")) is not None:
            return prepared
        hint = text(
            "Leave serviceAccountName out: the namespace's default account is the subject here."
        )
        trouble = first(
            made_by_workload(pod, "test"),
            not_running(pod, f"{name}/test"),
            runs_as_another(pod, f"{name}/test", "default", "it runs as default", hint),
            without_token(pod, text("a token for the proxy to send")),
        )
        if trouble is not None:
            return trouble
        if not answering(context, f"{name}/test"):
            hint = text(
                "Use the image luksa/kubectl-proxy: it runs the proxy, and has a shell and curl."
            )
            return no_proxy(f"{name}/test", "kubectl proxy runs in the pod", hint)
    return passed(
        text(
            "{pods} run; localhost:8001 answers in both.",
            listed(own_name(pod) for pod in pods.values() if pod),
        ),
        "Two equal pods in two namespaces: what differs from here on is only what they may do.",
    )


def services(namespace: str) -> str:
    """The path of a namespace's services."""
    return f"/api/v1/namespaces/{namespace}/services"


@step(decisions())
def w15(context: CheckContext) -> Outcome:
    """A list of services without any binding: forbidden, as predicted and as seen."""
    question = Question("services in kikai", context.account("kikai"), services("kikai"))
    return judge_looking(
        context,
        "W15",
        [question],
        todo=text('Predict first: predict("W15", "…"), either "allowed" or "forbidden".'),
        ask=text(
            "ask as the pod kikai/test, for the services of its namespace. W4 shows how such an address is built."
        ),
        why=lambda _label: text(
            "The server knows who asks, and no rule says they may. RBAC starts from nothing."
        ),
    )


@step(decisions())
def w16(context: CheckContext) -> Outcome:
    """``service-reader`` in both namespaces: get and list on services, and nothing else."""
    found = {
        name: context.find(f"{RBAC_PATH}/namespaces/{name}/roles/service-reader")
        for name in NAMESPACES
    }
    if not any(found.values()):
        if context.find(f"{RBAC_PATH}/clusterroles/service-reader"):
            return failed(
                "role-kind",
                "a ClusterRole service-reader",
                "a Role service-reader in kikai, and one in darbo",
                "A cluster role belongs to no namespace; a role lives in one.",
            )
        return not_attempted("Create the role service-reader in kikai, then in darbo.")
    for name, role in found.items():
        if role is None:
            return failed(
                "missing-part",
                text("no role service-reader in {name}", name),
                "one in kikai and one in darbo",
                "A role is worth something in its own namespace only. Apply it again for the other.",
            )
        if (
            given := made_by_lab(role, text("the role service-reader in {name}", name), "W16")
        ) is not None:
            return given
        if (
            wrong := wrong_rules(
                role.get("rules") or [], "services", text("the role in {name}", name)
            )
        ) is not None:
            return wrong
    if (excess := too_much(context)) is not None:
        return excess
    if (missing := unpredicted(context, "W16")) is not None:
        return missing
    prediction = context.progress.prediction("W16")
    if prediction != FORBIDDEN:
        return failed(
            of_guess("W16"),
            text(
                "you predicted “{prediction}”; the pod is known as before, and the roles alone changed nothing",
                prediction,
            ),
            "a prediction that agrees with the server",
            "A role says what. Until a binding says who, nobody has it. Predict again.",
        )
    return passed(
        "service-reader in kikai and darbo grants get and list on services.",
        "A role grants to whoever is bound to it. Roles of one subject add up; none takes anything away.",
    )


def wrong_rules(given: Sequence[dict[str, Any]], resource: str, whose: str) -> Outcome | None:
    """A failed outcome when rules are not get and list on one core resource, else None."""
    verbs = ("get", "list")
    lacking = [verb for verb in verbs if not rules.grants(given, verb, "", resource)]
    if lacking:
        kind, hint = _why_not(given, resource)
        return failed(
            kind,
            text("{whose} does not grant {verbs} on {resource}", whose, listed(lacking), resource),
            text("get and list on {resource}, in the core API group", resource),
            hint,
        )
    if excess := rules.beyond(given, verbs, "", resource):
        return failed(
            "everything"
            if '"*"' in str(excess)
            else "watch-added"
            if excess == ['verb "watch"']
            else "verb-added",
            text("too much: {whose} also grants {excess}", whose, listed(excess, ", ")),
            text("get and list on {resource}, and nothing more", resource),
            'Name each verb and each resource. "*" would also cover all that is added later.',
        )
    return None


def _why_not(given: Sequence[dict[str, Any]], resource: str) -> tuple[str, str]:
    """Why rules do not grant get and list: the kind of mistake, and a hint."""
    groups = {group for rule in given for group in rule.get("apiGroups") or ()}
    resources = {each for rule in given for each in rule.get("resources") or ()}
    if not given:
        return "empty-role", text("The role has no rules yet.")
    if not groups & {"", "*"}:
        return (
            "wrong-group",
            text(
                "{resource} are in the core group. A rule names it, too, although its name has no letters.",
                resource,
            ),
        )
    if not resources & {resource, "*"}:
        return "wrong-resource", text(
            "Resources are written in the plural and in small letters: {resource}.", resource
        )
    if misspelt := misspelt_verb(given):
        return "wrong-verb", misspelt
    if any(rule.get("resourceNames") for rule in given):
        return "names-and-list", text(
            "A rule with resourceNames does not cover a plain list: it names no object."
        )
    return "missing-verb", text(
        'Both verbs are needed: "get" is for one object, "list" for all of them.'
    )


@step(decisions())
def w17(context: CheckContext) -> Outcome:
    """``kikai``'s default account lists ``kikai``'s services, and gained nothing else."""
    kikai, darbo = (context.names.namespace(name) for name in NAMESPACES)
    account = context.account("kikai")
    if not context.can(account, "list", "services", kikai):
        attempts = attempted_bindings(context, (kikai, darbo), account)
        if not attempts:
            return not_attempted(
                "Bind service-reader, in kikai, to the account that the pod kikai/test runs as."
            )
        kind, hint = _binding_mistake(context, attempts[0], account, kikai)
        return failed(
            kind,
            text(
                "{user} still cannot list services in kikai; {binding}",
                account.user,
                binding_text(attempts[0]),
            ),
            "the account of the pod kikai/test can list them",
            hint,
        )
    if not context.can(account, "get", "services", kikai):
        return failed(
            "missing-verb",
            "listing works, reading a single service does not",
            "get and list on services",
            "Reading one object and listing many are two verbs.",
        )
    if (excess := too_much(context)) is not None:
        return excess
    own = [
        each
        for each in giving(context, role_bindings(context, kikai), account, "services")
        if role_text(each) != VIEW
    ]
    if not own:
        return failed(
            "through-another-role",
            "services can be listed through view only",
            "service-reader bound in kikai",
            "A RoleBinding in kikai, whose roleRef is the Role service-reader.",
        )
    if (given := bindings_made_by_lab(own, "W17")) is not None:
        return given
    if (missing := unpredicted(context, "W17")) is not None:
        return missing
    prediction = context.progress.prediction("W17")
    if prediction != FORBIDDEN:
        return failed(
            of_guess("W17"),
            text(
                "you predicted that changing is {prediction}; the server says {answer}",
                prediction,
                with_status("forbidden"),
            ),
            "a prediction that agrees with the server",
            "The role holds get and list. Whatever no rule names stays forbidden. Predict again.",
        )
    return passed(
        text("{user} lists the services of kikai, and can change none.", account.user),
        "The binding joined a WHO to a WHAT. The very next request was judged by it.",
    )


def _binding_mistake(
    context: CheckContext, binding: dict[str, Any], account: Account, namespace: str
) -> tuple[str, str]:
    """Why a binding does not let an account list services: the kind of mistake, and a hint."""
    where = binding["metadata"].get("namespace")
    if where and where != namespace:
        return "binding-elsewhere", text(
            "It lies in {namespace}: a RoleBinding grants in its own namespace only.", where
        )
    if not names_account(binding, account):
        return "wrong-subject", text(
            "Its subject is not the account that is meant. "
            "A subject has a kind, a name, and for a service account the namespace that it lives in."
        )
    kind = (
        "clusterroles" if role_kind(binding) == "ClusterRole" else f"namespaces/{namespace}/roles"
    )
    role = context.find(f"{RBAC_PATH}/{kind}/{role_name(binding)}")
    if role is None:
        missing = text(
            "There is no {kind} {role}: a binding may name one that is not there.",
            role_kind(binding),
            role_name(binding),
        )
        return "missing-role", missing
    return _why_not(role.get("rules") or [], "services")


@step()
def w18(context: CheckContext) -> Outcome:
    """``darbo``'s default account reads ``kikai``'s services too; ``kikai``'s still does."""
    kikai, darbo = (context.names.namespace(name) for name in NAMESPACES)
    first, second = context.account("kikai"), context.account("darbo")
    if not context.can(second, "list", "services", kikai):
        bindings = role_bindings(context, kikai)
        mentions = [each for each in bindings if _mentions(each, "darbo", darbo)]
        strays = [
            each
            for each in attempted_bindings(context, (darbo,), second)
            if names_account(each, second)
        ]
        if strays and not mentions:
            mentions = strays
        if not mentions:
            return not_attempted("Add darbo's default account to the binding in kikai.")
        kind, hint = _binding_mistake(context, mentions[0], second, kikai)
        return failed(
            kind,
            text(
                "{second} cannot list services in kikai; {binding}",
                second.user,
                binding_text(mentions[0]),
            ),
            "both accounts can list services in kikai, by the binding in kikai",
            hint,
        )
    if not context.can(first, "list", "services", kikai):
        return failed(
            "subject-replaced",
            text("{second} may, but {first} no longer may", second.user, first.user),
            "both accounts may list services in kikai",
            "You replaced the first subject. Subjects are a list: keep the old one, add the new.",
        )
    if (excess := too_much(context)) is not None:
        return excess
    reaching = [*role_bindings(context, kikai), *cluster_bindings(context, second)]
    if (
        given := bindings_made_by_lab(giving(context, reaching, second, "services"), "W18")
    ) is not None:
        return given
    return passed(
        text("{first} and {second} list the services of kikai.", first.user, second.user),
        "A subject may live in another namespace; what it gains is where the binding lies.",
    )


def _mentions(binding: dict[str, Any], *words: str) -> bool:
    return any(each in str(binding.get("subjects")) for each in words)


@step(decisions(*NAMESPACES))
def w19(context: CheckContext) -> Outcome:
    """From ``darbo``: ``kikai``'s services are listed, its own are not, as predicted."""
    account = context.account("darbo")
    why = {
        "kikai": text("The binding lies in kikai and names darbo's account: it holds in kikai."),
        "darbo": text(
            "darbo has the role, but no binding: a role without a binding grants nothing."
        ),
    }
    truth = {"kikai": ALLOWED, "darbo": FORBIDDEN}
    return judge_looking(
        context,
        "W19",
        [Question(name, account, services(name), truth[name]) for name in NAMESPACES],
        todo=text('Predict both: predict("W19", {"kikai": "…", "darbo": "…"}).'),
        ask=text("ask as the pod darbo/test, for the services of kikai and for those of darbo."),
        why=lambda label: why[label],
        mend={
            "kikai": text(
                "W18 comes first: add darbo's default account to the binding, then ask again."
            ),
            "darbo": text(
                "Delete the binding in darbo: W18 asks for one in kikai only. Then ask again."
            ),
        },
    )


STEPS = (w14, w15, w16, w17, w18, w19)
