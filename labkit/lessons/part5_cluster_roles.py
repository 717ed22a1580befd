"""Part 5, cluster roles and cluster role bindings: W20 to W24."""

from __future__ import annotations

from labkit.core.language import listed, text
from labkit.lessons.base import Account, CheckContext, Outcome, failed, first, not_attempted, passed
from labkit.lessons.bindings import (
    binding_text,
    cluster_bindings,
    giving,
    kind_of_mistake,
    made_by_lab,
    names_account,
    role_bindings,
    role_kind,
    role_name,
    too_much,
)
from labkit.lessons.looking import Question, asked_for, judge_looking, unpredicted, wrong_guess
from labkit.lessons.mistakes import mistakes
from labkit.lessons.part4_roles import wrong_rules
from labkit.lessons.predictions import ALLOWED, FORBIDDEN, decision_of, decisions, with_status
from labkit.lessons.prepared import is_prepared, prepared
from labkit.lessons.steps import step
from labkit.rbac.policy import RBAC_PATH

VOLUMES = "persistentvolumes"


@step()
def w20(context: CheckContext) -> Outcome:
    """``pv-reader`` is a cluster role with get and list on persistent volumes only."""
    role = context.find(f"{RBAC_PATH}/clusterroles/pv-reader")
    if role is None:
        roles = context.items(f"{RBAC_PATH}/roles")
        strays = [each["metadata"] for each in roles if each["metadata"]["name"] == "pv-reader"]
        if strays:
            return failed(
                "role-kind",
                text("a Role pv-reader in {namespace}", strays[0]["namespace"]),
                "a ClusterRole pv-reader",
                "Persistent volumes belong to no namespace, so no Role can speak of them.",
            )
        return not_attempted("Create the cluster role pv-reader.")
    if is_prepared(role, "W20"):
        return prepared(text("the cluster role pv-reader"), "W20")
    if (
        wrong := wrong_rules(role.get("rules") or [], VOLUMES, text("the cluster role"))
    ) is not None:
        return wrong
    if (excess := too_much(context)) is not None:
        return excess
    return passed(
        "pv-reader grants get and list on persistentvolumes.",
        "A cluster role has no namespace. Where it holds is for the binding to say.",
    )


@step(decisions())
def w21(context: CheckContext) -> Outcome:
    """Persistent volumes are forbidden to ``kikai``'s account, as predicted and seen."""
    path = f"/api/v1/{VOLUMES}"
    return judge_looking(
        context,
        "W21",
        [Question("persistent volumes", context.account("kikai"), path)],
        todo=text('Predict first: predict("W21", "…"), either "allowed" or "forbidden".'),
        ask=text(
            "ask as the pod kikai/test, for the persistent volumes. They are in no namespace."
        ),
        why=lambda _label: text("The cluster role exists, and nobody is bound to it."),
    )


IN_KIKAI, IN_DARBO, PVS = "pods in kikai", "pods in darbo", "persistent volumes"


@step(decisions(IN_KIKAI, IN_DARBO, PVS))
def w22(context: CheckContext) -> Outcome:
    """Both cluster roles are bound by RoleBindings: one works in ``kikai``, one not at all."""
    account = context.account("kikai")
    kikai = account.namespace
    wide = [each for each in cluster_bindings(context, account) if names_account(each, account)]
    local = [each for each in role_bindings(context, kikai) if names_account(each, account)]
    shared = [
        each for each in giving(context, local, account, "pods") if role_kind(each) == "ClusterRole"
    ]
    bound = {role_name(each) for each in local}
    reader = context.names.cluster("pv-reader")
    can_list = context.can(account, "list", "pods", kikai)
    may_list = bool(shared) and can_list
    if wide and not (may_list and reader in bound):
        return failed(
            "binding-kind",
            text("a cluster role binding: {binding}", binding_text(wide[0])),
            "two RoleBindings in kikai, and no ClusterRoleBinding yet",
            text(
                "Delete it: kubectl delete clusterrolebinding {name}.", wide[0]["metadata"]["name"]
            ),
        )
    if not may_list and (excess := too_much(context, reading=True)) is not None:
        return excess
    if not bound & {"view", reader} and not can_list:
        strays = [
            each for each in role_bindings(context, kikai) if role_name(each) in ("view", reader)
        ]
        if strays:
            expected = text("view and pv-reader bound to the account of the pod kikai/test")
            return failed(
                "wrong-subject",
                binding_text(strays[0]),
                expected,
                text(mistakes()["wrong-subject"].says),
            )
        return not_attempted(
            "Bind view and pv-reader to the account of kikai/test, each by a RoleBinding."
        )
    if not may_list:
        return failed(
            "through-another-role" if can_list else "missing-part",
            text(
                "bound in kikai: {roles}; {lacking}",
                ", ".join(sorted(bound)) or text("nothing"),
                text("no ClusterRole lets it list pods there")
                if can_list
                else text("pods in kikai cannot be listed"),
            ),
            "view bound by a RoleBinding in kikai",
            "A binding's roleRef names what it gives, and its own namespace where.",
        )
    if reader not in bound:
        return failed(
            "missing-part",
            "view is bound in kikai; pv-reader is not",
            "pv-reader bound by a RoleBinding as well, to see what that gives",
            "The same kind of binding once more, with another role.",
        )
    given = next(each for each in local if role_name(each) == reader)
    if (
        role_kind(given) != "ClusterRole"
        or context.find(f"{RBAC_PATH}/clusterroles/{reader}") is None
    ):
        return failed(
            "missing-role",
            binding_text(given)
            if role_kind(given) != "ClusterRole"
            else text("{binding}, which does not exist", binding_text(given)),
            "the ClusterRole pv-reader, bound by a RoleBinding",
            "A binding may name a role that is not there. pv-reader is the cluster role of W20.",
        )
    if (excess := too_much(context, reading=True)) is not None:
        return excess
    if (by_lab := made_by_lab(shared, "W22")) is not None:
        return by_lab
    if (missing := unpredicted(context, "W22")) is not None:
        return missing
    prediction = context.progress.prediction("W22")
    truth = {IN_KIKAI: ALLOWED, IN_DARBO: FORBIDDEN, PVS: FORBIDDEN}
    why = text(
        "A RoleBinding grants in its own namespace only, whatever it refers to; a persistent volume is in none."
    )
    for label, real in truth.items():
        if (outcome := wrong_guess("W22", label, prediction, real, why)) is not None:
            return outcome
    return passed(
        text(
            "the two RoleBindings give {kikai}, and neither {darbo} nor {volumes}.",
            IN_KIKAI,
            IN_DARBO,
            PVS,
        ),
        "One cluster role can serve many namespaces, one RoleBinding in each.",
    )


@step()
def w23(context: CheckContext) -> Outcome:
    """``kikai``'s default account lists persistent volumes, and gained nothing else."""
    account = context.account("kikai")
    if not context.can(account, "list", VOLUMES):
        attempts = cluster_bindings(context, account, "pv-reader")
        local = [
            each
            for each in role_bindings(context, account.namespace)
            if role_name(each) == context.names.cluster("pv-reader")
        ]
        if local and not attempts:
            return failed(
                "binding-kind",
                text("a RoleBinding in kikai: {binding}", binding_text(local[0])),
                "a ClusterRoleBinding",
                "Persistent volumes are in no namespace: only a cluster-wide binding reaches them.",
            )
        if not attempts:
            return not_attempted("Bind pv-reader to kikai's default account, cluster-wide.")
        return failed(
            kind_of_mistake(context, attempts[0], account),
            text(
                "{user} cannot list persistent volumes; {binding}",
                account.user,
                binding_text(attempts[0]),
            ),
            "the cluster role pv-reader, given to the account of the pod kikai/test",
            "Check the role's name and the subject: kind ServiceAccount, name default, its namespace.",
        )
    if (excess := too_much(context)) is not None:
        return excess
    if (
        given := made_by_lab(
            giving(context, cluster_bindings(context, account), account, VOLUMES), "W23"
        )
    ) is not None:
        return given
    return passed(
        text("{user} lists persistent volumes.", account.user),
        "The same role, the same subject: only the kind of binding has changed.",
    )


BEFORE, AFTER = "pods before", "secrets after"

_WHY = {
    BEFORE: text("W22's bindings are gone, and W23's speaks of persistent volumes only."),
    AFTER: text(
        "A Secret may hold a credential, and who reads it can act as its owner; view leaves Secrets out."
    ),
}


def _predicted_otherwise(context: CheckContext) -> Outcome | None:
    """A failed outcome when W24's prediction does not agree with the server, else None."""
    prediction = context.progress.prediction("W24")
    for label, why in _WHY.items():
        if (outcome := wrong_guess("W24", label, prediction, FORBIDDEN, why)) is not None:
            return outcome
    return None


def _unasked(context: CheckContext, account: Account) -> Outcome | None:
    """A failed outcome when the account did not ask for all pods and for Secrets, else None."""
    evidence = context.evidence()
    for what, path, expected in (
        ("pods", "/api/v1/pods", ALLOWED),
        ("Secrets", "/api/v1/secrets", FORBIDDEN),
    ):
        answers = asked_for(context, evidence, Question(what, account, path))
        if not any(decision_of(each.status) == expected for each in answers):
            hint = text("Ask as the pod kikai/test, for the {what} of all namespaces.", what)
            return failed(
                "missing-part",
                text("{user} has not asked for all {what} yet", account.user, what),
                with_status(expected),
                hint,
            )
    return None


@step(decisions(BEFORE, AFTER))
def w24(context: CheckContext) -> Outcome:
    """``kikai``'s default account sees the pods of every namespace, and no more than ``view``."""
    account = context.account("kikai")
    places: dict[str, str] = {
        text("in kikai"): account.namespace,
        text("in darbo"): context.account("darbo").namespace,
        text("across all namespaces"): "",
    }
    seen = {label: context.can(account, "list", "pods", space) for label, space in places.items()}
    if not seen["across all namespaces"]:
        attempts = cluster_bindings(context, account)
        attempts = [
            each for each in attempts if role_name(each) != context.names.cluster("pv-reader")
        ]
        if attempts:
            return failed(
                kind_of_mistake(context, attempts[0], account),
                text(
                    "{user} cannot list all pods; {binding}",
                    account.user,
                    binding_text(attempts[0]),
                ),
                "the cluster role view, given to the account of the pod kikai/test",
                "Check the role's name and the subject.",
            )
        if seen["in kikai"] or seen["in darbo"]:
            some = [label for label, allowed in seen.items() if allowed]
            return failed(
                "binding-kind",
                text("pods can be listed {places}, not across all namespaces", listed(some, ", ")),
                "one binding that holds everywhere",
                "RoleBindings hold in their namespaces. Use a ClusterRoleBinding to view.",
            )
        excess = too_much(context, reading=True)
        todo = text("Bind the cluster role view to kikai's default account, cluster-wide.")
        return not_attempted(todo) if excess is None else excess
    if (excess := too_much(context, reading=True)) is not None:
        return excess
    if (
        given := made_by_lab(
            giving(context, cluster_bindings(context, account), account, "pods"), "W24"
        )
    ) is not None:
        return given
    if (missing := unpredicted(context, "W24")) is not None:
        return missing
    if (mistaken := first(_predicted_otherwise(context), _unasked(context, account))) is not None:
        return mistaken
    return passed(
        text(
            "{user} lists pods in kikai, in darbo and everywhere; Secrets stay closed.",
            account.user,
        ),
        "That is the end of the walkthrough: one binding, and an account sees every namespace.",
    )


STEPS = (w20, w21, w22, w23, w24)
