"""What checkpoints on bindings share: whether one was tried, and whether it gives too much."""

from __future__ import annotations

from collections.abc import Sequence

from labkit.core.language import listed, text
from labkit.lessons.base import Account, CheckContext, Outcome, failed
from labkit.lessons.mistakes import excess_text, of_excess
from labkit.lessons.prepared import is_prepared, prepared
from labkit.lessons.rules import grants
from labkit.rbac.attributes import User
from labkit.rbac.difference import Allowance, Excess, PolicyDifference, policy_at_start
from labkit.rbac.objects import Object, binding_title, is_default, kind_of, name_of, namespace_of
from labkit.rbac.parts import covers
from labkit.rbac.policy import RBAC_PATH, Policy, PolicyUnreadable, read_policy
from labkit.rbac.subjects import subject_matches


def role_bindings(context: CheckContext, namespace: str) -> list[Object]:
    """The role bindings of a namespace."""
    return context.items(f"{RBAC_PATH}/namespaces/{namespace}/rolebindings")


def cluster_bindings(context: CheckContext, account: Account, role: str = "") -> list[Object]:
    """The cluster role bindings that name an account, or a role of the lesson."""
    role = context.names.cluster(role) if role else ""
    return [
        each
        for each in context.items(f"{RBAC_PATH}/clusterrolebindings")
        if names_account(each, account)
        or (role and role_name(each) == role and not is_default(each))
    ]


def role_name(binding: Object) -> str:
    """The name of the role a binding refers to."""
    return str((binding.get("roleRef") or {}).get("name"))


def role_kind(binding: Object) -> str:
    """``Role`` or ``ClusterRole``: what a binding refers to."""
    return str((binding.get("roleRef") or {}).get("kind"))


def names_account(binding: Object, account: Account) -> bool:
    """Whether a binding names an account itself, not through a group."""
    user, namespace = User(account.user), namespace_of(binding)
    return any(subject_matches(entry, user, namespace) for entry in binding.get("subjects") or ())


def subjects(binding: Object) -> str:
    """The subjects of a binding in words: ``ServiceAccount kikai:default, Group dev``."""
    words = [
        f"{subject.get('kind')} "
        + (f"{subject['namespace']}:" if subject.get("namespace") else "")
        + str(subject.get("name"))
        for subject in binding.get("subjects") or ()
    ]
    return ", ".join(words) or text("nobody")


def binding_text(binding: Object) -> str:
    """A binding in words: its name, what it binds, to whom."""
    return text(
        "{name} gives {kind} {role} to {subjects}",
        name_of(binding),
        role_kind(binding),
        role_name(binding),
        subjects(binding),
    )


def attempted_bindings(
    context: CheckContext, namespaces: Sequence[str], account: Account
) -> list[Object]:
    """All bindings that may be an attempt: those in some namespaces, and those that name the account."""
    found = [each for name in namespaces for each in role_bindings(context, name)]
    return found + cluster_bindings(context, account)


def too_much(context: CheckContext, *, reading: bool = False) -> Outcome | None:
    """A failed outcome when anybody was granted what no step of the walkthrough grants, else None.

    It compares the whole policy with the one at the cluster's last reset, for every subject. What later
    steps grant does not count against an earlier one.

    Args:
        context: The checkpoint's context.
        reading: Whether the step grants what ``view`` grants, by whichever role.
    """
    try:
        now = read_policy(context.admin)
    except PolicyUnreadable:  # on a shared cluster, a learner may not be allowed to
        return None
    before = context.policy_at_reset() or policy_at_start(now, ())
    allowances = walkthrough_allowances(context, before, "" if reading else VIEW)
    found = PolicyDifference(now, before, context.served()).beyond_allowances(allowances)
    if not found:
        return None
    words = list(dict.fromkeys(map(str, found)))
    excess = listed([*words[:3], *(["…"] if len(words) > 3 else [])], "; ")
    kikai, darbo = (context.account(name).subject.label for name in ("kikai", "darbo"))
    grown = [
        each._replace(binding="")
        for each in found
        if _is_as_it_was(each.binding, now, before) or _has_grown(each, before)
    ]
    strangers = [each for each in found if each.subject not in (kikai, darbo)]
    first = [*grown, *strangers, *found][0]
    kind = of_excess(first, allowances)
    return failed(
        kind,
        text("too much: {excess}", excess),
        "what the step asks for, and nothing more",
        excess_text(first, kind),
    )


def _is_as_it_was(name: str, now: Policy, before: Policy) -> bool:
    """Whether a binding, such as ``RoleBinding reader``, gives the same role to the same subjects as at the reset."""
    kept = {(binding_title(each), role_text(each), subjects(each)) for each in before.bindings}
    same = [each for each in now.bindings if f"{kind_of(each)} {name_of(each)}" == name]
    return bool(same) and all(
        (binding_title(each), role_text(each), subjects(each)) in kept for each in same
    )


def _has_grown(excess: Excess, before: Policy) -> bool:
    """Whether a cluster role that was there at the reset did not give it then."""
    role = before.roles.get(("ClusterRole", "", excess.role.removeprefix("ClusterRole/")))
    return role is not None and not any(
        covers(rule, excess.part) for rule in role.get("rules") or ()
    )


VIEW = "ClusterRole/view"


def walkthrough_allowances(
    context: CheckContext, before: Policy, reader: str = ""
) -> list[Allowance]:
    """What the walkthrough grants, from its first step to its last; what ``view`` grants only by the reader's role."""
    kikai, darbo = (context.account(name).subject for name in ("kikai", "darbo"))
    space, tally = context.names.namespace("kikai"), context.account("kikai", "tally").subject
    services, volumes, logs = (
        [{"apiGroups": [""], "resources": [resource], "verbs": ["get", "list"]}]
        for resource in ("services", "persistentvolumes", "pods/log")
    )
    guessed = {"pods": ["list", "watch"], "secrets": ["list"], "configmaps": ["create", "patch"]}
    counted = [
        {"apiGroups": [""], "resources": [each], "verbs": verbs} for each, verbs in guessed.items()
    ]
    view = before.roles.get(("ClusterRole", "", "view"), {}).get("rules") or []
    return [
        Allowance(kikai, services, (space,)),
        Allowance(darbo, services, (space,)),
        Allowance(kikai, volumes, ("", space)),
        Allowance(kikai, view, ("", space), role=reader),
        Allowance(kikai, logs, (space,)),
        Allowance(tally, counted, (space,)),
    ]


def giving(
    context: CheckContext, bindings: Sequence[Object], account: Account, resource: str
) -> list[Object]:
    """The bindings, out of some, that name an account and let it list a resource."""
    return [
        each
        for each in bindings
        if names_account(each, account) and grants(rules_of(context, each), "list", "", resource)
    ]


def kind_of_mistake(context: CheckContext, binding: Object, account: Account) -> str:
    """Why a binding does not give an account what it is for, as a kind of mistake."""
    if not names_account(binding, account):
        return "wrong-subject"
    return "wrong-verb" if rules_of(context, binding) else "missing-role"


def made_by_lab(bindings: Sequence[Object], step: str) -> Outcome | None:
    """The outcome “not attempted” when the lab itself made all bindings that a step is about, else None."""
    if not bindings or not all(is_prepared(each, step) for each in bindings):
        return None
    return prepared(text("the binding {name}", name_of(bindings[0])), step)


def role_text(binding: Object) -> str:
    """What a binding refers to, such as ``ClusterRole/view``."""
    return f"{role_kind(binding)}/{role_name(binding)}"


def rules_of(context: CheckContext, binding: Object) -> list[Object]:
    """The rules that a binding gives, none where its role does not exist."""
    kind = (
        "clusterroles"
        if role_kind(binding) == "ClusterRole"
        else f"namespaces/{namespace_of(binding)}/roles"
    )
    return list((context.find(f"{RBAC_PATH}/{kind}/{role_name(binding)}") or {}).get("rules") or ())
