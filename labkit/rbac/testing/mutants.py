"""Wrong policies: a policy with one thing changed, as people do by mistake.

Questions that let a wrong policy pass do not say what the policy is for. A change that changes no answer is no
wrong policy: ``mutants`` leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from labkit.core.language import Text, text
from labkit.rbac.objects import (
    GROUP,
    Object,
    binding_title,
    is_default,
    name_of,
    namespace_of,
    role_key,
    title,
)
from labkit.rbac.policy import Policy
from labkit.rbac.rules import Rule
from labkit.rbac.subjects import AUTHENTICATED, UNAUTHENTICATED, subject_namespace, subject_title
from labkit.rbac.testing.changes import same_answers
from labkit.rbac.testing.questions import Question
from labkit.rbac.testing.verdicts import wrong
from labkit.rbac.testing.vocabulary import VERBS, Vocabulary

WIDER_ROLES = ("view", "edit", "admin", "cluster-admin")


class Added(NamedTuple):
    """What rules are widened by: what people add "to be sure".

    Args:
        verbs: Verbs.
        resources: Resources of the core group.
        parts: Whether the subresources of a rule's own resources are added too.
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
        what: What is wrong with it, as a sentence.
        sort: Of which sort it is: ``verbs``, ``resources``, ``groups``, ``names``, ``subjects``, ``places``,
            ``references`` or ``bindings``.
        policy: The policy.
    """

    what: str
    sort: str
    policy: Policy


def mutants(policy: Policy, vocabulary: Vocabulary, *, added: Added = EVERYTHING) -> list[Mutant]:
    """The wrong policies next to one: of its own roles and bindings, not of those that every cluster has.

    Args:
        policy: The right one.
        vocabulary: What requests may name; answers are compared over it, and over one fresh name of each sort.
        added: The verbs and resources that rules are widened by; each adds a policy to each rule.
    """
    found: list[Mutant] = []
    for what, sort, changed in _all(policy, vocabulary, added):
        if not same_answers(policy, changed, vocabulary) and not any(
            same_answers(each.policy, changed, vocabulary) for each in found if each.sort == sort
        ):
            found.append(Mutant(what, sort, changed))
    return found


def survivors(wrong_policies: Iterable[Mutant], questions: Sequence[Question]) -> list[Mutant]:
    """The wrong policies that answer every question as expected."""
    return [each for each in wrong_policies if wrong(each.policy, questions) is None]


def _all(policy: Policy, vocabulary: Vocabulary, added: Added) -> Iterator[tuple[str, str, Policy]]:
    bound = {role_key(binding) for binding in policy.bindings}
    for key, role in policy.roles.items():
        if is_default(role) or key not in bound:
            continue
        for number, rule in enumerate(role.get("rules") or ()):
            for what, sort, changed in _rules(rule, vocabulary, added):
                if len(role["rules"]) > 1:
                    what = text("{what} in its rule about {resources}", what, _about(rule))
                rules = [
                    *role["rules"][:number],
                    *([changed] if changed else []),
                    *role["rules"][number + 1 :],
                ]
                yield (
                    text("{role} {what}", title(*key), what),
                    sort,
                    _with_role(policy, key, {**role, "rules": rules}),
                )
    for number, binding in enumerate(policy.bindings):
        if not is_default(binding):
            for what, sort, changed_policy in _bindings(policy, number, binding, vocabulary, added):
                yield text("{binding} {what}", binding_title(binding), what), sort, changed_policy


def _about(rule: Rule) -> str:
    """What a rule is about, in words."""
    return ", ".join([*(rule.get("resources") or ()), *(rule.get("nonResourceURLs") or ())])


def _rules(
    rule: Rule, vocabulary: Vocabulary, added: Added
) -> Iterator[tuple[str, str, Rule | None]]:
    """The rules next to one, None for none."""
    yield text("lacks a rule"), "verbs", None
    yield from _lists(
        rule,
        "verbs",
        [each for each in added.verbs if each not in rule["verbs"]],
        "verbs",
        text("lets them {value}"),
    )
    if rule.get("nonResourceURLs"):
        yield from _lists(rule, "nonResourceURLs", [], "resources", text("lets them use {value}"))
        return
    groups, resources = rule.get("apiGroups") or (), rule.get("resources") or ()
    parts = [
        name
        for group, name in vocabulary.resources
        if group in groups and name.partition("/")[0] in resources
    ]
    named = [*(parts if added.parts else ()), *(added.resources if "" in groups else ())]
    yield from _lists(
        rule,
        "resources",
        [name for name in named if name not in resources],
        "resources",
        text("also is about {value}"),
    )
    yield from _lists(
        rule,
        "apiGroups",
        [group for group in ("", "apps") if group not in groups],
        "groups",
        text("is about {value}"),
    )
    if "" in groups:
        for group in ("v1", "core"):
            yield (
                text("has the API group “{group}”", group),
                "groups",
                {**rule, "apiGroups": [group]},
            )
    names = rule.get("resourceNames") or []
    if names:
        yield text("is about objects of any name"), "names", {**rule, "resourceNames": []}
        yield (
            text("is about one more object, {name}", added.another),
            "names",
            {**rule, "resourceNames": [*names, added.another]},
        )
    else:
        yield text("is about one object only"), "names", {**rule, "resourceNames": ["one"]}


def _lists(
    rule: Rule, field: str, added: Iterable[str], sort: str, phrase: Text
) -> Iterator[tuple[str, str, Rule]]:
    """The rules with one value less, one more, or all of them."""
    values: list[str] = list(rule.get(field) or ())
    for value in values if len(values) > 1 else ():
        lacks = text("lacks {value}", value or text("the core group"))
        yield lacks, sort, {**rule, field: [each for each in values if each != value]}
    for value in added:
        yield (
            text(phrase.template, value or text("the core group")),
            sort,
            {**rule, field: [*values, value]},
        )
    if "*" not in values:
        yield text("has * among its {field}", field), sort, {**rule, field: ["*"]}


def _bindings(
    policy: Policy, number: int, binding: Object, vocabulary: Vocabulary, added: Added
) -> Iterator[tuple[str, str, Policy]]:
    home, ref = namespace_of(binding), binding["roleRef"]

    def instead(*changed: Object) -> Policy:
        return replace(
            policy, bindings=(*policy.bindings[:number], *changed, *policy.bindings[number + 1 :])
        )

    yield text("is not there"), "bindings", instead()
    for what, subjects in _subjects(list(binding.get("subjects") or ()), home, vocabulary, added):
        yield what, "subjects", instead({**binding, "subjects": subjects})
    if home:
        for other in _others(vocabulary, home):
            there = {**binding, "metadata": {**binding["metadata"], "namespace": other}}
            there["subjects"] = [_explicit(entry, home) for entry in binding.get("subjects") or ()]
            moved = _with_copy(policy, binding, other)
            yield (
                text("is in {namespace} instead", other),
                "places",
                replace(moved, bindings=instead(there).bindings),
            )
            yield (
                text("is in {namespace} as well", other),
                "places",
                replace(moved, bindings=instead(binding, there).bindings),
            )
        wide, everywhere = _cluster_wide(policy, binding)
        yield (
            text("counts everywhere"),
            "places",
            replace(wide, bindings=instead(everywhere).bindings),
        )
    else:
        for other in _others(vocabulary):
            there = {
                **binding,
                "kind": "RoleBinding",
                "metadata": {"name": name_of(binding), "namespace": other},
            }
            yield text("counts in {namespace} only", other), "places", instead(there)
    yield (
        text("refers to a role that does not exist"),
        "references",
        instead({**binding, "roleRef": {**ref, "name": f"{ref['name']}s"}}),
    )
    for name in WIDER_ROLES:
        if ("ClusterRole", "", name) in policy.roles and ref["name"] != name:
            changed = {**binding, "roleRef": {**ref, "kind": "ClusterRole", "name": name}}
            yield text("gives {role}", name), "references", instead(changed)


def _subjects(
    entries: list[Object], home: str, vocabulary: Vocabulary, added: Added
) -> Iterator[tuple[str, list[Object]]]:
    for at, entry in enumerate(entries):
        rest, shown = [*entries[:at], *entries[at + 1 :]], subject_title(entry, home)
        yield text("lacks {value}", shown), rest
        own = subject_namespace(entry, home)
        if not own:
            continue
        others = [(each, entry["name"]) for each in _others(vocabulary, own)]
        others += [(own, name) for name in ("default", added.another) if name != entry["name"]]
        for namespace, name in others:
            other = {"kind": "ServiceAccount", "namespace": namespace, "name": name}
            yield (
                text("gives it to {account} instead of {subject}", f"{namespace}/{name}", shown),
                [*rest, other],
            )
            yield text("also gives it to {account}", f"{namespace}/{name}"), [*entries, other]
        yield (
            text("names a user {user} instead of {subject}", entry["name"], shown),
            [*rest, _named("User", entry["name"])],
        )
        everyone = _named("Group", f"system:serviceaccounts:{own}")
        yield text("also gives it to every account of {namespace}", own), [*entries, everyone]
    for group in ("system:serviceaccounts", AUTHENTICATED, UNAUTHENTICATED):
        yield text("also gives it to the group {group}", group), [*entries, _named("Group", group)]


def _others(vocabulary: Vocabulary, *home: str) -> list[str]:
    """The other namespaces, without those of the cluster itself."""
    return [
        each
        for each in sorted(vocabulary.namespaces.difference(home))
        if not each.startswith("kube-")
    ]


def _named(kind: str, name: str) -> Object:
    return {"kind": kind, "apiGroup": GROUP, "name": name}


def _explicit(entry: Object, home: str) -> Object:
    return (
        {**entry, "namespace": entry.get("namespace") or home}
        if entry.get("kind") == "ServiceAccount"
        else entry
    )


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
    metadata: dict[str, Any] = {"name": name_of(binding)}
    subjects = [_explicit(entry, namespace_of(binding)) for entry in binding.get("subjects") or ()]
    if kind == "Role" and key in policy.roles:
        name = f"{home}:{name}"
        role = {**policy.roles[key], "kind": "ClusterRole", "metadata": {"name": name}}
        policy = _with_role(policy, ("ClusterRole", "", name), role)
    ref = {"apiGroup": GROUP, "kind": "ClusterRole", "name": name}
    return policy, {
        "kind": "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": ref,
        "subjects": subjects,
    }
