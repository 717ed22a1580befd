"""Shared by checkpoints on bindings: detects attempts, and excess permissions."""

from collections.abc import Sequence
from itertools import chain

from kube_embedded.rbac.attributes import User
from kube_embedded.rbac.objects import (
    Object,
    binding_title,
    is_default,
    kind_of,
    name_of,
    namespace_of,
)
from kube_embedded.rbac.parts import covers
from kube_embedded.rbac.subjects import subject_matches
from labkit.core.language import listed, text
from labkit.rbac.difference import Allowance, Excess, PolicyDifference, policy_at_start
from labkit.rbac.policy import RBAC_PATH, Policy, PolicyUnreadable, read_policy

from .base import Account, CheckContext, failed
from .mistakes import excess_text, of_excess
from .prepared import is_prepared, prepared
from .rules import grants


def role_bindings(context: CheckContext, namespace: str) -> list[Object]:
    """The role bindings of a namespace."""
    return context.items(f"{RBAC_PATH}/namespaces/{namespace}/rolebindings")


def cluster_bindings(context: CheckContext, account: Account, role: str = "") -> list[Object]:
    """The cluster role bindings that name an account, or a role of the lesson."""
    role = context.names.cluster(role) if role else ""
    return [
        binding
        for binding in context.items(f"{RBAC_PATH}/clusterrolebindings")
        if names_account(binding, account)
        # A binding to the lesson's role is an attempt even if it names no subject, or another one.
        or (role and role_name(binding) == role and not is_default(binding))
    ]


def role_name(binding: Object) -> str:
    """The name of the role a binding refers to."""
    return str((binding.get("roleRef") or {}).get("name"))


def role_kind(binding: Object) -> str:
    """Return the kind that a binding refers to: ``Role`` or ``ClusterRole``."""
    return str((binding.get("roleRef") or {}).get("kind"))


def role_text(binding: Object) -> str:
    """Return the role that a binding refers to, such as ``ClusterRole/view``."""
    return f"{role_kind(binding)}/{role_name(binding)}"


def role_path(binding: Object) -> str:
    """The path of the role a binding refers to, whether it exists or not."""
    # A binding names a Role of its own namespace; it cannot name one of another.
    kind = f"namespaces/{namespace_of(binding)}/roles"
    if role_kind(binding) == "ClusterRole":
        kind = "clusterroles"
    return f"{RBAC_PATH}/{kind}/{role_name(binding)}"


def rules_of(context: CheckContext, binding: Object) -> list[Object]:
    """Return the rules that a binding grants; none if its role does not exist."""
    # A learner who is confined to namespaces can bind a cluster role without being allowed to read it.
    return list((context.find_visible(role_path(binding)) or {}).get("rules") or ())


def names_account(binding: Object, account: Account) -> bool:
    """Return whether a binding names an account itself, not through a group."""
    user = User(account.user)
    namespace = namespace_of(binding)
    return any(subject_matches(entry, user, namespace) for entry in binding.get("subjects") or ())


def subjects(binding: Object) -> str:
    """The subjects of a binding in words: ``ServiceAccount kikai:default, Group dev``."""
    names = []
    for subject in binding.get("subjects") or ():
        home = f"{subject['namespace']}:" if subject.get("namespace") else ""
        names.append(f"{subject.get('kind')} {home}{subject.get('name')}")
    return ", ".join(names) or text("nobody")


def binding_text(binding: Object) -> str:
    """Return a binding in words: its name, its role, its subjects."""
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
    """All bindings that can be an attempt: those in some namespaces, and those that name the account."""
    local = (role_bindings(context, namespace) for namespace in namespaces)
    return [*chain.from_iterable(local), *cluster_bindings(context, account)]


SCENES = ("museum", "garden", "shop", "annex")
"""The namespaces of the first notebook and of the faults, about which no step of the walkthrough is."""


def require_nothing_more(
    context: CheckContext, *, reading: bool = False, scene: Allowance | None = None
) -> None:
    """Require that no subject was granted permissions that no step of the walkthrough grants.

    It compares the whole policy with the one at the cluster's last reset, for every subject. Grants of later steps
    do not count against an earlier one.

    Args:
        context: The checkpoint's context.
        reading: If true, the step grants the permissions of ``view``, by any role.
        scene: What a fault allows in its scene, outside the walkthrough; None for a step of the walkthrough.
    """
    try:
        now = read_policy(context.admin)
    except PolicyUnreadable:  # on a shared cluster, a learner may lack the permission
        return
    before = context.policy_at_reset() or policy_at_start(now, ())
    allowances = walkthrough_allowances(context, before, "" if reading else VIEW)
    if scene is not None:
        allowances.append(scene)
    found = PolicyDifference(now, before, context.served()).beyond_allowances(allowances)
    excesses = [each for each in found if _is_in_scene(context, each) is (scene is not None)]
    if not excesses:
        return
    # Three are enough to see the mistake; a * can produce two hundred.
    sentences = list(dict.fromkeys(map(str, excesses)))
    listing = listed([*sentences[:3], *(["…"] if len(sentences) > 3 else [])], "; ")
    worst = _worst(context, excesses, now, before)
    kind = of_excess(worst, allowances)
    raise failed(
        kind,
        text("too much: {excess}", listing),
        "what the step asks for, and nothing more",
        excess_text(worst, kind),
    )


def _is_in_scene(context: CheckContext, excess: Excess) -> bool:
    """Return whether an excess belongs to a scene: by its namespace, or in the whole cluster by its subject's."""
    scenes = {context.names.namespace(name) for name in SCENES}
    if excess.namespace:
        return excess.namespace in scenes
    return excess.who.account is not None and excess.who.account[0] in scenes


def _worst(
    context: CheckContext, excesses: Sequence[Excess], now: Policy, before: Policy
) -> Excess:
    """The excess that a hint is about: a role that was widened, then strangers, then the walkthrough's accounts."""
    accounts = {context.account(name).subject.label for name in ("kikai", "darbo")}
    for excess in excesses:
        # Its binding is not the learner's, so the hint names the role.
        if _is_as_it_was(excess.binding, now, before) or _has_grown(excess, before):
            return excess._replace(binding="")
    strangers = (excess for excess in excesses if excess.subject not in accounts)
    return next(strangers, excesses[0])


def _is_as_it_was(name: str, now: Policy, before: Policy) -> bool:
    """Return whether a binding, such as ``RoleBinding reader``, has the grants and subjects of the reset."""

    def content(binding: Object) -> tuple[str, str, str]:
        return binding_title(binding), role_text(binding), subjects(binding)

    earlier = {content(binding) for binding in before.bindings}
    same = [binding for binding in now.bindings if f"{kind_of(binding)} {name_of(binding)}" == name]
    return bool(same) and all(content(binding) in earlier for binding in same)


def _has_grown(excess: Excess, before: Policy) -> bool:
    """Return whether a cluster role that was there at the reset did not give it then."""
    role = before.roles.get(("ClusterRole", "", excess.role.removeprefix("ClusterRole/")))
    return role is not None and not any(
        covers(rule, excess.part) for rule in role.get("rules") or ()
    )


VIEW = "ClusterRole/view"


def walkthrough_allowances(
    context: CheckContext, before: Policy, reader: str = ""
) -> list[Allowance]:
    """Return the walkthrough's grants in all steps; those of ``view`` only by the reader's role."""
    kikai = context.account("kikai").subject
    darbo = context.account("darbo").subject
    tally = context.account("kikai", "tally").subject
    space = context.names.namespace("kikai")
    services = [_core_rule("services", "get", "list")]
    counted = [
        _core_rule("pods", "list", "watch"),
        _core_rule("secrets", "list"),
        _core_rule("configmaps", "create", "patch"),
    ]
    # As it was at the reset: a learner can add to view by aggregation, and that is an excess.
    view = before.roles.get(("ClusterRole", "", "view"), {}).get("rules") or []
    return [
        Allowance(kikai, services, (space,)),
        Allowance(darbo, services, (space,)),
        Allowance(kikai, [_core_rule("persistentvolumes", "get", "list")], ("", space)),
        Allowance(kikai, view, ("", space), role=reader),
        # T4's solution holds get alone. list is harmless, as no API lists logs, and many write it out of habit.
        Allowance(kikai, [_core_rule("pods/log", "get", "list")], (space,)),
        Allowance(tally, counted, (space,)),
    ]


def _core_rule(resource: str, *verbs: str) -> Object:
    return {"apiGroups": [""], "resources": [resource], "verbs": list(verbs)}


def giving(
    context: CheckContext, bindings: Sequence[Object], account: Account, resource: str
) -> list[Object]:
    """The bindings, out of some, that name an account and let it list a resource."""
    return [
        binding
        for binding in bindings
        if names_account(binding, account)
        and grants(rules_of(context, binding), "list", "", resource)
    ]


def kind_of_mistake(context: CheckContext, binding: Object, account: Account) -> str:
    """Return the kind of mistake by which a binding does not serve its purpose for an account."""
    if not names_account(binding, account):
        return "wrong-subject"
    return "wrong-verb" if rules_of(context, binding) else "missing-role"


def require_own_binding(bindings: Sequence[Object], step: str) -> None:
    """Require that the lab itself did not make all bindings that a step is about."""
    if bindings and all(is_prepared(binding, step) for binding in bindings):
        raise prepared(text("the binding {name}", name_of(bindings[0])), step)
