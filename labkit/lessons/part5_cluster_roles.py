"""Part 5, cluster roles and cluster role bindings: W20 to W24."""

from kube_embedded.rbac.objects import Object, name_of, namespace_of
from labkit.core.language import listed, text
from labkit.rbac.policy import RBAC_PATH

from .base import Account, CheckContext, Outcome, failed, not_attempted, passed
from .bindings import (
    binding_text,
    cluster_bindings,
    giving,
    kind_of_mistake,
    names_account,
    require_nothing_more,
    require_own_binding,
    role_bindings,
    role_kind,
    role_name,
    role_path,
    rules_of,
)
from .looking import (
    Question,
    created,
    judge_looking,
    require_answers,
    require_guess,
    require_prediction,
)
from .mistakes import mistakes
from .part4_roles import require_reading
from .predictions import ALLOWED, FORBIDDEN, decisions
from .prepared import require_own
from .steps import step

VOLUMES = "persistentvolumes"


@step()
def w20(context: CheckContext) -> Outcome:
    """``pv-reader`` is a cluster role with get and list on persistent volumes only."""
    role = context.find(f"{RBAC_PATH}/clusterroles/pv-reader")
    if role is None:
        # A Role of that name is the usual mistake, and the server accepts it without a warning.
        roles = context.items(f"{RBAC_PATH}/roles")
        strays = [stray for stray in roles if name_of(stray) == "pv-reader"]
        if strays:
            raise failed(
                "role-kind",
                text("a Role pv-reader in {namespace}", namespace_of(strays[0])),
                "a ClusterRole pv-reader",
                "Persistent volumes belong to no namespace, so a Role gives nothing on them.",
            )
        raise not_attempted("Create the cluster role pv-reader.")
    require_own(role, text("the cluster role pv-reader"), "W20")
    require_reading(role, VOLUMES, text("the cluster role"))
    require_nothing_more(context)
    return passed(
        "pv-reader grants get and list on persistentvolumes.",
        "A cluster role has no namespace. Where it holds is for the binding to say.",
    )


ASK = text("ask as the pod kikai/test, for the persistent volumes. They are in no namespace.")


@step(decisions())
def w21(context: CheckContext) -> Outcome:
    """Persistent volumes are forbidden to ``kikai``'s account, as predicted and seen."""
    why = text("The cluster role exists, and nobody is bound to it.")
    account = context.account("kikai")
    question = Question("persistent volumes", account, f"/api/v1/{VOLUMES}", FORBIDDEN, why)
    return judge_looking(
        context,
        "W21",
        [question],
        todo=text('Predict first: predict("W21", "…"), either "allowed" or "forbidden".'),
        ask=ASK,
    )


IN_KIKAI = "pods in kikai"
IN_DARBO = "pods in darbo"
PVS = "persistent volumes"


@step(decisions(IN_KIKAI, IN_DARBO, PVS))
def w22(context: CheckContext) -> Outcome:
    """Both cluster roles are bound by RoleBindings: one works in ``kikai``, one not at all."""
    account = context.account("kikai")
    all_local = role_bindings(context, account.namespace)
    local = [binding for binding in all_local if names_account(binding, account)]
    bound = {role_name(binding) for binding in local}
    reader = context.names.cluster("pv-reader")
    can_list = context.can(account, "list", "pods", account.namespace)
    shared = [
        binding
        for binding in giving(context, local, account, "pods")
        if role_kind(binding) == "ClusterRole"
    ]
    lists_by_cluster_role = bool(shared) and can_list
    _require_no_wide_binding(context, account, done=lists_by_cluster_role and reader in bound)
    # An excess explains best why the wanted way is not there. Once it is, the bindings are looked at first.
    if not lists_by_cluster_role:
        require_nothing_more(context, reading=True)
    if not bound & {"view", reader} and not can_list:
        strays = [binding for binding in all_local if role_name(binding) in ("view", reader)]
        if strays:
            raise failed(
                "wrong-subject",
                binding_text(strays[0]),
                text("view and pv-reader bound to the account of the pod kikai/test"),
                text(mistakes()["wrong-subject"].says),
            )
        raise not_attempted(
            "Bind view and pv-reader to the account of kikai/test, each by a RoleBinding."
        )
    if not lists_by_cluster_role:
        kind = "missing-part"
        lacking = text("pods in kikai cannot be listed")
        if can_list:
            kind = "through-another-role"
            lacking = text("no ClusterRole lets it list pods there")
        for binding in local:
            if not rules_of(context, binding):
                raise failed(
                    "missing-role",
                    binding_text(binding),
                    "the ClusterRole view, bound by a RoleBinding in kikai",
                    text(mistakes()["missing-role"].says),
                )
        roles = ", ".join(sorted(bound)) or text("nothing")
        raise failed(
            kind,
            text("bound in kikai: {roles}; {lacking}", roles, lacking),
            "view bound by a RoleBinding in kikai",
            "A binding's roleRef names what it gives, and its own namespace where.",
        )
    _require_reader(context, [binding for binding in local if role_name(binding) == reader])
    require_nothing_more(context, reading=True)
    require_own_binding(shared, "W22")
    readers = [binding for binding in local if role_name(binding) == reader]
    since = max(created(context.evidence(), binding) for binding in (shared[0], readers[0]))
    require_answers(
        context,
        "W22",
        [
            Question(IN_KIKAI, account, "/api/v1/namespaces/kikai/pods", ALLOWED),
            Question(IN_DARBO, account, "/api/v1/namespaces/darbo/pods"),
            Question(PVS, account, f"/api/v1/{VOLUMES}"),
        ],
        text("ask as the pod kikai/test, for the three lists that you predicted."),
        since,
    )
    prediction = require_prediction(context, "W22")
    why = text(
        "A RoleBinding grants in its own namespace only, whatever it refers to; a persistent volume is in none."
    )
    for label, truth in {IN_KIKAI: ALLOWED, IN_DARBO: FORBIDDEN, PVS: FORBIDDEN}.items():
        require_guess("W22", label, prediction, truth, why)
    return passed(
        text(
            "the two RoleBindings give {kikai}, and neither {darbo} nor {volumes}.",
            IN_KIKAI,
            IN_DARBO,
            PVS,
        ),
        "One cluster role can serve many namespaces, one RoleBinding in each.",
    )


def _require_no_wide_binding(context: CheckContext, account: Account, *, done: bool) -> None:
    """Require that an account is not bound cluster-wide before both RoleBindings are there.

    Afterwards it can be: W23 and W24 ask for that, and W22 can be checked again.
    """
    bindings = cluster_bindings(context, account)
    wide = [binding for binding in bindings if names_account(binding, account)]
    if wide and not done:
        raise failed(
            "binding-kind",
            text("a cluster role binding: {binding}", binding_text(wide[0])),
            "two RoleBindings in kikai, and no ClusterRoleBinding yet",
            text("Delete it: kubectl delete clusterrolebinding {name}.", name_of(wide[0])),
        )


def _require_reader(context: CheckContext, bindings: list[Object]) -> None:
    """Require a binding to the cluster role of W20, out of those to a role of its name."""
    if not bindings:
        raise failed(
            "missing-part",
            "view is bound in kikai; pv-reader is not",
            "pv-reader bound by a RoleBinding as well, to see what that gives",
            "The same kind of binding once more, with another role.",
        )
    seen = binding_text(bindings[0])
    if role_kind(bindings[0]) == "ClusterRole":
        if context.find(role_path(bindings[0])) is not None:
            return
        seen = text("{binding}, which does not exist", seen)
    raise failed(
        "missing-role",
        seen,
        "the ClusterRole pv-reader, bound by a RoleBinding",
        "A binding may name a role that is not there. pv-reader is the cluster role of W20.",
    )


@step()
def w23(context: CheckContext) -> Outcome:
    """``kikai``'s default account lists persistent volumes, and gained no other permission."""
    account = context.account("kikai")
    if not context.can(account, "list", VOLUMES):
        attempts = cluster_bindings(context, account, "pv-reader")
        local = [
            binding
            for binding in role_bindings(context, account.namespace)
            if role_name(binding) == context.names.cluster("pv-reader")
        ]
        if local and not attempts:
            raise failed(
                "binding-kind",
                text("a RoleBinding in kikai: {binding}", binding_text(local[0])),
                "a ClusterRoleBinding",
                "Persistent volumes are in no namespace: only a cluster-wide binding reaches them.",
            )
        if not attempts:
            raise not_attempted("Bind pv-reader to kikai's default account, cluster-wide.")
        raise failed(
            kind_of_mistake(context, attempts[0], account),
            text(
                "{user} cannot list persistent volumes; {binding}",
                account.user,
                binding_text(attempts[0]),
            ),
            "the cluster role pv-reader, given to the account of the pod kikai/test",
            "Check the role's name and the subject: kind ServiceAccount, name default, its namespace.",
        )
    require_nothing_more(context)
    since = _require_own_wide_binding(context, account, VOLUMES, "W23")
    question = Question(PVS, account, f"/api/v1/{VOLUMES}", ALLOWED)
    require_answers(context, "W23", [question], ASK, since)
    return passed(
        text("{user} lists persistent volumes.", account.user),
        "The same role, the same subject: only the kind of binding has changed.",
    )


def _require_own_wide_binding(
    context: CheckContext, account: Account, resource: str, step: str
) -> float:
    """Require a binding by the learner that gives a resource everywhere, and return when it was created."""
    bindings = giving(context, cluster_bindings(context, account), account, resource)
    require_own_binding(bindings, step)
    return created(context.evidence(), bindings[0] if bindings else None)


BEFORE = "pods before"
AFTER = "secrets after"

WHY = {
    BEFORE: text("W22's bindings are gone, and W23's speaks of persistent volumes only."),
    AFTER: text(
        "A Secret may hold a credential, and who reads it can act as its owner; view leaves Secrets out."
    ),
}
"""The labels of W24's prediction, each with why that is forbidden."""


@step(decisions(BEFORE, AFTER))
def w24(context: CheckContext) -> Outcome:
    """``kikai``'s default account sees the pods of every namespace, and no more than ``view``."""
    account = context.account("kikai")
    if not context.can(account, "list", "pods"):
        _require_wide_attempt(context, account)
        # A role other than view can be bound cluster-wide by now, and is named before the step counts as
        # untouched.
        require_nothing_more(context, reading=True)
        raise not_attempted("Bind the cluster role view to kikai's default account, cluster-wide.")
    require_nothing_more(context, reading=True)
    since = _require_own_wide_binding(context, account, "pods", "W24")
    prediction = require_prediction(context, "W24")
    for label, why in WHY.items():
        require_guess("W24", label, prediction, FORBIDDEN, why)
    require_answers(
        context,
        "W24",
        [
            Question("pods", account, "/api/v1/pods", ALLOWED),
            Question("Secrets", account, "/api/v1/secrets"),
        ],
        text("ask as the pod kikai/test, for the pods and the Secrets of all namespaces."),
        since,
    )
    return passed(
        text(
            "{user} lists pods in kikai, in darbo and everywhere; Secrets stay closed.",
            account.user,
        ),
        "That is the end of the walkthrough: one binding, and an account sees every namespace.",
    )


def _require_wide_attempt(context: CheckContext, account: Account) -> None:
    """Name the mistake in an attempt of W24 that does not let an account list all pods."""
    reader = context.names.cluster("pv-reader")
    bindings = cluster_bindings(context, account)
    attempts = [binding for binding in bindings if role_name(binding) != reader]
    if attempts:
        raise failed(
            kind_of_mistake(context, attempts[0], account),
            text("{user} cannot list all pods; {binding}", account.user, binding_text(attempts[0])),
            "the cluster role view, given to the account of the pod kikai/test",
            "Check the role's name and the subject.",
        )
    homes = {
        text("in kikai"): account.namespace,
        text("in darbo"): context.account("darbo").namespace,
    }
    places = [place for place, home in homes.items() if context.can(account, "list", "pods", home)]
    if places:
        raise failed(
            "binding-kind",
            text("pods can be listed {places}, not across all namespaces", listed(places, ", ")),
            "one binding that holds everywhere",
            "RoleBindings hold in their namespaces. Use a ClusterRoleBinding to view.",
        )


STEPS = (w20, w21, w22, w23, w24)
