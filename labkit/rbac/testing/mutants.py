"""Wrong policies: a policy with one thing changed, as people do by mistake.

Questions that let a wrong policy pass do not describe the purpose of the policy. A change without an effect on
decisions is not a wrong policy: ``mutants`` leaves it out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from kube_embedded.rbac.objects import (
    GROUP,
    Object,
    binding_title,
    is_default,
    name_of,
    namespace_of,
    role_key,
    title,
)
from kube_embedded.rbac.rules import Rule
from kube_embedded.rbac.subjects import (
    AUTHENTICATED,
    UNAUTHENTICATED,
    subject_namespace,
    subject_title,
)
from labkit.core.language import Text, text

from ..policy import Policy
from .changes import same_answers
from .questions import Question
from .verdicts import wrong
from .vocabulary import VERBS, Vocabulary

WIDER_ROLES = ("view", "edit", "admin", "cluster-admin")


class Added(NamedTuple):
    """The additions that widen rules: those that people make "to be sure".

    Args:
        verbs: Verbs.
        resources: Resources of the core group.
        parts: If true, the subresources of a rule's own resources are added too.
        another: The name of another account, and of another object.
    """

    verbs: Sequence[str]
    resources: Sequence[str]
    parts: bool
    another: str = "another"


EVERYTHING = Added(VERBS, ("secrets", "pods", "configmaps"), True)
FEW = Added(("watch", "delete"), ("secrets",), False)
"""One mistake of each sort, where somebody writes the questions by hand."""

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Mutant:
    """A wrong policy.

    Args:
        what: Its mistake, as a sentence.
        sort: The sort of the mistake: ``verbs``, ``resources``, ``groups``, ``names``, ``subjects``, ``places``,
            ``references`` or ``bindings``.
        policy: The policy.
    """

    what: str
    sort: str
    policy: Policy


def mutants(policy: Policy, vocabulary: Vocabulary, *, added: Added = EVERYTHING) -> list[Mutant]:
    """Return the variants of a policy with one mistake in its own roles and bindings, not in default ones.

    Args:
        policy: The right one.
        vocabulary: The names in requests; decisions are compared over it, and over one fresh name of each sort.
        added: The verbs and resources that rules are widened by; each adds a policy to each rule.
    """
    different: list[Mutant] = []
    for what, sort, changed in _all(policy, vocabulary, added):
        # Two mistakes of one sort with the same decisions count as one for the questions that have to reject it.
        alike = [policy, *(mutant.policy for mutant in different if mutant.sort == sort)]
        if not any(same_answers(other, changed, vocabulary) for other in alike):
            different.append(Mutant(what, sort, changed))
    return different


def survivors(wrong_policies: Iterable[Mutant], questions: Sequence[Question]) -> list[Mutant]:
    """The wrong policies that answer every question as expected."""
    return [mutant for mutant in wrong_policies if wrong(mutant.policy, questions) is None]


def _all(policy: Policy, vocabulary: Vocabulary, added: Added) -> Iterator[tuple[str, str, Policy]]:
    bound = {role_key(binding) for binding in policy.bindings}
    for key, role in policy.roles.items():
        if is_default(role) or key not in bound:
            continue
        rules = role.get("rules") or []
        for number, rule in enumerate(rules):
            for what, sort, changed in _rules(rule, vocabulary, added):
                if len(rules) > 1:
                    what = text("{what} in its rule about {resources}", what, _about(rule))
                here = [changed] if changed else []
                mutant = {**role, "rules": [*rules[:number], *here, *rules[number + 1 :]]}
                what = text("{role} {what}", title(*key), what)
                yield what, sort, _with_role(policy, key, mutant)
    for number, binding in enumerate(policy.bindings):
        if not is_default(binding):
            for what, sort, changed_policy in _bindings(policy, number, binding, vocabulary, added):
                yield text("{binding} {what}", binding_title(binding), what), sort, changed_policy


def _about(rule: Rule) -> str:
    """Return the resources or paths of a rule, in words."""
    return ", ".join([*(rule.get("resources") or ()), *(rule.get("nonResourceURLs") or ())])


def _rules(
    rule: Rule, vocabulary: Vocabulary, added: Added
) -> Iterator[tuple[str, str, Rule | None]]:
    """The rules next to one, None for none."""
    yield text("lacks a rule"), "verbs", None
    yield from _lists(rule, "verbs", "verbs", text("lets them {value}"), added.verbs)
    if rule.get("nonResourceURLs"):
        yield from _lists(rule, "nonResourceURLs", "resources", text("lets them use {value}"))
        return
    groups = rule.get("apiGroups") or ()
    resources = rule.get("resources") or ()
    extra = [
        name
        for group, name in vocabulary.resources
        if added.parts and group in groups and name.partition("/")[0] in resources
    ]
    if "" in groups:
        extra += added.resources
    yield from _lists(rule, "resources", "resources", text("also is about {value}"), extra)
    yield from _lists(rule, "apiGroups", "groups", text("is about {value}"), ("", "apps"))
    if "" in groups:
        # The core group has no name, so people write its version, or an informal name.
        for group in ("v1", "core"):
            changed = {**rule, "apiGroups": [group]}
            yield text("has the API group “{group}”", group), "groups", changed
    names = rule.get("resourceNames") or []
    if not names:
        yield text("is about one object only"), "names", {**rule, "resourceNames": ["one"]}
        return
    yield text("is about objects of any name"), "names", {**rule, "resourceNames": []}
    more = {**rule, "resourceNames": [*names, added.another]}
    yield text("is about one more object, {name}", added.another), "names", more


def _lists(
    rule: Rule, field: str, sort: str, phrase: Text, added: Iterable[str] = ()
) -> Iterator[tuple[str, str, Rule]]:
    """The rules with one value of a field less, one more, or all of them."""
    values: list[str] = list(rule.get(field) or ())
    core = text("the core group")
    # Without its last value a rule would be void, which the variant without the rule covers.
    for value in values if len(values) > 1 else ():
        rest = [other for other in values if other != value]
        yield text("lacks {value}", value or core), sort, {**rule, field: rest}
    for value in added:
        if value not in values:
            more = {**rule, field: [*values, value]}
            yield text(phrase.template, value or core), sort, more
    if "*" not in values:
        yield text("has * among its {field}", field), sort, {**rule, field: ["*"]}


def _bindings(
    policy: Policy, number: int, binding: Object, vocabulary: Vocabulary, added: Added
) -> Iterator[tuple[str, str, Policy]]:
    home = namespace_of(binding)
    ref = binding["roleRef"]

    def instead(*changed: Object, base: Policy = policy) -> Policy:
        bindings = policy.bindings
        return replace(base, bindings=(*bindings[:number], *changed, *bindings[number + 1 :]))

    yield text("is not there"), "bindings", instead()
    for what, subjects in _subjects(list(binding.get("subjects") or ()), home, vocabulary, added):
        yield what, "subjects", instead({**binding, "subjects": subjects})
    for other in _others(vocabulary, home):
        if not home:
            metadata = {"name": name_of(binding), "namespace": other}
            local = {**binding, "kind": "RoleBinding", "metadata": metadata}
            yield text("counts in {namespace} only", other), "places", instead(local)
            continue
        there = {
            **binding,
            "metadata": {**binding["metadata"], "namespace": other},
            "subjects": _explicit(binding),
        }
        # A Role is in one namespace, so it moves with the binding: else the binding would refer to no role.
        base = _with_copy(policy, binding, other)
        yield text("is in {namespace} instead", other), "places", instead(there, base=base)
        yield text("is in {namespace} as well", other), "places", instead(binding, there, base=base)
    if home:
        wide, everywhere = _cluster_wide(policy, binding)
        yield text("counts everywhere"), "places", instead(everywhere, base=wide)
    missing = {**binding, "roleRef": {**ref, "name": f"{ref['name']}s"}}
    yield text("refers to a role that does not exist"), "references", instead(missing)
    for name in WIDER_ROLES:
        if ("ClusterRole", "", name) in policy.roles and ref["name"] != name:
            changed = {**binding, "roleRef": {**ref, "kind": "ClusterRole", "name": name}}
            yield text("gives {role}", name), "references", instead(changed)


def _subjects(
    entries: list[Object], home: str, vocabulary: Vocabulary, added: Added
) -> Iterator[tuple[str, list[Object]]]:
    for at, entry in enumerate(entries):
        rest = [*entries[:at], *entries[at + 1 :]]
        shown = subject_title(entry, home)
        yield text("lacks {value}", shown), rest
        own = subject_namespace(entry, home)
        if not own:
            continue
        others = [(space, entry["name"]) for space in _others(vocabulary, own)]
        others += [(own, name) for name in ("default", added.another) if name != entry["name"]]
        for namespace, name in others:
            account = f"{namespace}/{name}"
            other = {"kind": "ServiceAccount", "namespace": namespace, "name": name}
            instead = text("gives it to {account} instead of {subject}", account, shown)
            yield instead, [*rest, other]
            yield text("also gives it to {account}", account), [*entries, other]
        user = _named("User", entry["name"])
        yield text("names a user {user} instead of {subject}", entry["name"], shown), [*rest, user]
        everyone = _named("Group", f"system:serviceaccounts:{own}")
        yield text("also gives it to every account of {namespace}", own), [*entries, everyone]
    for group in ("system:serviceaccounts", AUTHENTICATED, UNAUTHENTICATED):
        yield text("also gives it to the group {group}", group), [*entries, _named("Group", group)]


def _others(vocabulary: Vocabulary, home: str) -> list[str]:
    """Return the other namespaces, without those of the cluster itself."""
    others = sorted(vocabulary.namespaces - {home})
    return [name for name in others if not name.startswith("kube-")]


def _named(kind: str, name: str) -> Object:
    return {"kind": kind, "apiGroup": GROUP, "name": name}


def _explicit(binding: Object) -> list[Object]:
    """Return a binding's subjects, with the binding's namespace for each account that has none."""
    home = namespace_of(binding)
    return [
        {**entry, "namespace": subject_namespace(entry, home)}
        if entry.get("kind") == "ServiceAccount"
        else entry
        for entry in binding.get("subjects") or ()
    ]


def _with_role(policy: Policy, key: Key, role: Object) -> Policy:
    return replace(policy, roles={**policy.roles, key: role})


def _with_copy(policy: Policy, binding: Object, namespace: str) -> Policy:
    """The policy with the role of a binding in another namespace too, so that the binding has it there."""
    kind, _, name = key = role_key(binding)
    if kind != "Role" or key not in policy.roles:
        return policy
    role = policy.roles[key]
    moved = {**role, "metadata": {**role["metadata"], "namespace": namespace}}
    return _with_role(policy, (kind, namespace, name), moved)


def _cluster_wide(policy: Policy, binding: Object) -> tuple[Policy, Object]:
    """The policy with a cluster role of a binding's role, and the binding as one of the whole cluster."""
    kind, home, name = key = role_key(binding)
    if kind == "Role" and key in policy.roles:
        # The namespace in its name prevents the new role from replacing a cluster role of that name.
        name = f"{home}:{name}"
        role = {**policy.roles[key], "kind": "ClusterRole", "metadata": {"name": name}}
        policy = _with_role(policy, ("ClusterRole", "", name), role)
    return policy, {
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name_of(binding)},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": name},
        "subjects": _explicit(binding),
    }
