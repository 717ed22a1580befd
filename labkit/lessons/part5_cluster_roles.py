"""Part 5, cluster roles and cluster role bindings: W20 to W24."""

from __future__ import annotations

from labkit.lessons.base import Context, Outcome, failed, not_attempted, passed
from labkit.lessons.bindings import (
    Probe,
    binding_text,
    bystander,
    cluster_bindings,
    names_account,
    role_bindings,
    role_name,
    too_much,
)
from labkit.lessons.looking import Question, judge_looking, wrong_guess
from labkit.lessons.part4_roles import wrong_rules
from labkit.lessons.predictions import ALLOWED, FORBIDDEN, decisions
from labkit.lessons.steps import step
from labkit.rbac.objects import GROUP
from labkit.rbac.policy import RBAC_PATH

VOLUMES = "persistentvolumes"
_ONE_SUBJECT = "Bind one account, not a group of them."


@step(
    "Write a cluster role",
    5,
    "It looks like a role, with kind: ClusterRole and without a namespace.",
    'apiGroups: [""], resources: ["persistentvolumes"], verbs: ["get", "list"].',
)
def w20(context: Context) -> Outcome:
    """``pv-reader`` is a cluster role with get and list on persistent volumes only."""
    role = context.find(f"{RBAC_PATH}/clusterroles/pv-reader")
    if role is None:
        roles = context.items(f"{RBAC_PATH}/roles")
        strays = [each["metadata"] for each in roles if each["metadata"]["name"] == "pv-reader"]
        if strays:
            return failed(
                f"a Role pv-reader in {strays[0]['namespace']}",
                "a ClusterRole pv-reader",
                "Persistent volumes belong to no namespace, so no Role can speak of them.",
            )
        return not_attempted("Create the cluster role pv-reader.")
    if (wrong := wrong_rules(role.get("rules") or [], VOLUMES, "the cluster role")) is not None:
        return wrong
    return passed(
        "pv-reader grants get and list on persistentvolumes.",
        "A cluster role has no namespace. Where it holds is for the binding to say.",
    )


@step(
    "Ask without a binding",
    3,
    "What did a role without a binding change in W16?",
    'predict("W21", "forbidden"), then lab.as_pod("kikai/test").get(…).',
    decisions(),
)
def w21(context: Context) -> Outcome:
    """Persistent volumes are forbidden to ``kikai``'s account, as predicted and seen."""
    path = f"/api/v1/{VOLUMES}"
    return judge_looking(
        context,
        "W21",
        [Question("persistent volumes", context.account("kikai"), path)],
        todo='Predict first: predict("W21", "…"), either "allowed" or "forbidden".',
        ask=f'lab.as_pod("kikai/test").get("{path}").',
        why=lambda _label: "The cluster role exists, and nobody is bound to it.",
    )


IN_KIKAI, IN_DARBO, PVS = "pods in kikai", "pods in darbo", "persistent volumes"


@step(
    "A RoleBinding to a cluster role",
    8,
    "A RoleBinding may refer to a ClusterRole: roleRef.kind says which of the two it is.",
    'lab.apply("05-cluster-roles/tryout/W22-rolebinding-view.yaml"), and W22-rolebinding-pv-test.yaml too.',
    decisions(IN_KIKAI, IN_DARBO, PVS),
)
def w22(context: Context) -> Outcome:
    """Both cluster roles are bound by RoleBindings: one works in ``kikai``, one not at all."""
    kikai, darbo = context.account("kikai").namespace, context.account("darbo").namespace
    account = context.account("kikai")
    wide = [each for each in cluster_bindings(context, account) if names_account(each, account)]
    if wide:
        return failed(
            f"a cluster role binding: {binding_text(wide[0])}",
            "two RoleBindings in kikai, and no ClusterRoleBinding yet",
            f"Delete it: kubectl delete clusterrolebinding {wide[0]['metadata']['name']}.",
        )
    bound = {role_name(each) for each in role_bindings(context, kikai) if names_account(each, account)}
    reader = context.names.cluster("pv-reader")
    if not bound & {"view", reader} and not context.can(account, "list", "pods", kikai):
        return not_attempted("Bind view and pv-reader to kikai's default account, each by a RoleBinding.")
    if not context.can(account, "list", "pods", kikai):
        return failed(
            f"bound in kikai: {', '.join(sorted(bound))}; pods in kikai cannot be listed",
            "view bound by a RoleBinding in kikai",
            "roleRef: kind: ClusterRole, name: view. The binding's namespace is kikai.",
        )
    if reader not in bound:
        return failed(
            "view is bound in kikai; pv-reader is not",
            "pv-reader bound by a RoleBinding as well, to see what that gives",
            "The same binding with roleRef.name: pv-reader.",
        )
    must_not: list[Probe] = [
        ("list", "", "pods", darbo),
        ("list", "", VOLUMES, ""),
        ("list", "", "secrets", kikai),
        ("delete", "", "pods", kikai),
    ]
    if (excess := too_much(context, account, must_not, "Bind view, not edit, admin or cluster-admin.")) is not None:
        return excess
    prediction = context.progress.prediction("W22")
    truth = {IN_KIKAI: ALLOWED, IN_DARBO: FORBIDDEN, PVS: FORBIDDEN}
    why = "A RoleBinding grants in its own namespace only, whatever it refers to; a persistent volume is in none."
    for label, real in truth.items() if prediction is not None else ():
        if (outcome := wrong_guess("W22", label, prediction, real, why)) is not None:
            return outcome
    return passed(
        f"{IN_KIKAI}: allowed; {IN_DARBO} and {PVS}: forbidden.",
        "One cluster role can serve many namespaces, one RoleBinding in each.",
    )


@step(
    "Bind it cluster-wide",
    5,
    "A ClusterRoleBinding has no namespace; its subject still has one.",
    "kubectl create clusterrolebinding pv-test --clusterrole=pv-reader --serviceaccount=kikai:default",
)
def w23(context: Context) -> Outcome:
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
                f"a RoleBinding in kikai: {binding_text(local[0])}",
                "a ClusterRoleBinding",
                "Persistent volumes are in no namespace: only a cluster-wide binding reaches them.",
            )
        if not attempts:
            return not_attempted("Bind pv-reader to kikai's default account, cluster-wide.")
        return failed(
            f"{account.user} cannot list persistent volumes; {binding_text(attempts[0])}",
            f"ClusterRole pv-reader given to ServiceAccount {account.namespace}:default",
            "Check the role's name and the subject: kind ServiceAccount, name default, its namespace.",
        )
    if (excess := too_much(context, account, _not_with_volumes(), "Bind pv-reader, and nothing larger.")) is not None:
        return excess
    other = bystander(account.namespace)
    if (excess := too_much(context, other, [("list", "", VOLUMES, "")], _ONE_SUBJECT)) is not None:
        return excess
    return passed(
        f"{account.user} lists persistent volumes.",
        "The same role, the same subject: only the kind of binding has changed.",
    )


def _not_with_volumes() -> list[Probe]:
    return [
        ("create", "", VOLUMES, ""),
        ("delete", "", VOLUMES, ""),
        ("list", "", "nodes", ""),
        ("list", "", "secrets", ""),
        ("create", GROUP, "clusterrolebindings", ""),
    ]


BEFORE, AFTER = "pods before", "secrets after"

_WHY = {
    BEFORE: "W22's bindings are gone, and W23's speaks of persistent volumes only.",
    AFTER: "Who reads a Secret can become whoever it belongs to; view leaves Secrets out.",
}


def _predicted_otherwise(context: Context) -> Outcome | None:
    """A failed outcome when W24's prediction does not agree with the server, else None."""
    prediction = context.progress.prediction("W24")
    if prediction is None:
        return None
    for label, why in _WHY.items():
        if (outcome := wrong_guess("W24", label, prediction, FORBIDDEN, why)) is not None:
            return outcome
    return None


@step(
    "See every pod",
    9,
    "view is a cluster role that every cluster has: it reads most things.",
    "kubectl create clusterrolebinding view-test --clusterrole=view --serviceaccount=kikai:default",
    decisions(BEFORE, AFTER),
)
def w24(context: Context) -> Outcome:
    """``kikai``'s default account sees the pods of every namespace, and no more than ``view``."""
    account = context.account("kikai")
    places = {
        "in kikai": account.namespace,
        "in darbo": context.account("darbo").namespace,
        "across all namespaces": "",
    }
    seen = {label: context.can(account, "list", "pods", space) for label, space in places.items()}
    if not seen["across all namespaces"]:
        attempts = cluster_bindings(context, account)
        attempts = [each for each in attempts if role_name(each) != context.names.cluster("pv-reader")]
        if attempts:
            return failed(
                f"{account.user} cannot list all pods; {binding_text(attempts[0])}",
                f"ClusterRole view given to ServiceAccount {account.namespace}:default",
                "Check the role's name and the subject.",
            )
        if seen["in kikai"] or seen["in darbo"]:
            some = [label for label, allowed in seen.items() if allowed]
            return failed(
                f"pods can be listed {', '.join(some)}, not across all namespaces",
                "one binding that holds everywhere",
                "RoleBindings hold in their namespaces. Use a ClusterRoleBinding to view.",
            )
        return not_attempted("Bind the cluster role view to kikai's default account, cluster-wide.")
    must_not: list[Probe] = [
        ("list", "", "secrets", ""),
        ("get", "", "secrets", account.namespace),
        ("delete", "", "pods", account.namespace),
        ("create", "", "pods", account.namespace),
        ("list", GROUP, "rolebindings", account.namespace),
        ("list", "", "nodes", ""),
    ]
    if (excess := too_much(context, account, must_not, "Bind view: it reads, and leaves Secrets out.")) is not None:
        return excess
    other = bystander(account.namespace)
    if (excess := too_much(context, other, [("list", "", "pods", "")], _ONE_SUBJECT)) is not None:
        return excess
    if (mistaken := _predicted_otherwise(context)) is not None:
        return mistaken
    return passed(
        f"{account.user} lists pods in kikai, in darbo and everywhere; Secrets stay closed.",
        "That is the end of the walkthrough: one binding, and an account sees every namespace.",
    )


STEPS = (w20, w21, w22, w23, w24)
