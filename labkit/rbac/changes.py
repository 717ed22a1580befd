"""The smallest change that would allow a refused request, and what else it would allow.

The smallest change is the one that grants least besides what was asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from labkit.rbac.attributes import Attributes
from labkit.rbac.objects import Object, kind_of, name_of, namespace_of
from labkit.rbac.policy import Policy
from labkit.rbac.rules import Rule, rule_allows
from labkit.rbac.subjects import Subject

MANY = 10_000
"""The weight of a ``*``: more than that of any list of names."""


@dataclass(frozen=True, slots=True)
class Change:
    """One way to allow a refused request.

    Args:
        title: What it does, in a sentence.
        commands: The kubectl commands, in order.
        also_allows: What else the subject could do then, a line for each rule.
        weight: How much it allows besides; 0 is nothing.
    """

    title: str
    commands: tuple[str, ...]
    also_allows: tuple[str, ...]
    weight: int


def smallest_changes(policy: Policy, who: Subject, question: Attributes, most: int = 4) -> list[Change]:
    """Ways to allow a request, the one that allows least besides first.

    Args:
        policy: The cluster's RBAC objects.
        who: The subject to allow it to.
        question: The request.
        most: The maximal number of changes.
    """
    found = [
        _new_role(policy, who, question),
        *_bind_existing(policy, who, question),
        *_join_binding(policy, who, question),
    ]
    found.sort(key=lambda change: (change.weight, len(change.commands)))
    return found[:most]


def _new_role(policy: Policy, who: Subject, question: Attributes) -> Change:
    """A role with this permission and nothing else, and a binding to it."""
    name = _free_name(policy, question)
    if not question.is_resource:
        role = f"kubectl create clusterrole {name} --verb={question.verb} --non-resource-url={question.path}"
        bind = f"kubectl create clusterrolebinding {name} --clusterrole={name} {who.kubectl_flag}"
        return Change(f"Allow the path {question.path} and nothing else.", (role, bind), (), 0)
    resource = question.resource + (f".{question.group}" if question.group else "")
    if question.subresource:
        resource += f"/{question.subresource}"
    flags = f"--verb={question.verb} --resource={resource}"
    if question.name and question.verb not in ("list", "watch", "create", "deletecollection"):
        flags += f" --resource-name={question.name}"
    if question.namespace:
        where = f"-n {question.namespace}"
        commands = (
            f"kubectl create role {name} {flags} {where}",
            f"kubectl create rolebinding {name} --role={name} {who.kubectl_flag} {where}",
        )
        title = f"A new role in {question.namespace} with this permission and nothing else."
    else:
        commands = (
            f"kubectl create clusterrole {name} {flags}",
            f"kubectl create clusterrolebinding {name} --clusterrole={name} {who.kubectl_flag}",
        )
        title = "A new cluster role with this permission and nothing else, bound cluster-wide."
    return Change(title, commands, (), 0)


def _bind_existing(policy: Policy, who: Subject, question: Attributes) -> Iterator[Change]:
    """Bindings to existing roles."""
    for (kind, namespace, name), role in policy.roles.items():
        if name.startswith("system:") or (namespace and namespace != question.namespace):
            continue
        rules = role.get("rules") or []
        if not any(rule_allows(rule, question) for rule in rules):
            continue
        also, weight = _beyond(rules, question)
        role_flag = f"--{kind.lower()}={name}"
        if question.namespace:
            command = f"kubectl create rolebinding {name} {role_flag} {who.kubectl_flag} -n {question.namespace}"
            title = f"Bind the existing {kind} {name} in {question.namespace}."
        else:
            command = f"kubectl create clusterrolebinding {name} {role_flag} {who.kubectl_flag}"
            title = f"Bind the existing {kind} {name} for the whole cluster."
        yield Change(title, (command,), also, weight)


def _join_binding(policy: Policy, who: Subject, question: Attributes) -> Iterator[Change]:
    """Additions to bindings that grant it to other subjects."""
    for binding in policy.bindings:
        namespace = namespace_of(binding)
        if name_of(binding).startswith("system:") or (namespace and namespace != question.namespace):
            continue
        rules = (policy.role_of(binding) or {}).get("rules") or []
        if not any(rule_allows(rule, question) for rule in rules):
            continue
        also, weight = _beyond(rules, question)
        if not namespace and question.namespace:
            also = (*also, "the same in every other namespace")
            weight += MANY
        where = f" -n {namespace}" if namespace else ""
        patch = _json([{"op": "add", "path": "/subjects/-", "value": who.as_binding_subject()}])
        command = f"kubectl patch {kind_of(binding).lower()} {name_of(binding)}{where} --type=json -p '{patch}'"
        yield Change(f"Add {who.label} to the {kind_of(binding)} {name_of(binding)}.", (command,), also, weight)


def _beyond(rules: list[Rule], question: Attributes) -> tuple[tuple[str, ...], int]:
    """What rules allow besides a request: lines to read, and a weight to sort by."""
    lines: list[str] = []
    weight = 0
    for rule in rules:
        verbs = list(rule.get("verbs") or ())
        things = list(rule.get("resources") or ()) + list(rule.get("nonResourceURLs") or ())
        size = _size(verbs) * _size(things) * _size(rule.get("apiGroups") or [""])
        if rule_allows(rule, question):
            size -= 1
        if size:
            weight += size
            lines.append(f"{', '.join(verbs)}: {', '.join(things)}")
    return tuple(lines), weight


def _size(values: list[str]) -> int:
    return MANY if "*" in values else len(values)


def _free_name(policy: Policy, question: Attributes) -> str:
    base = "-".join(part for part in (question.resource or "path", question.subresource, question.verb) if part)
    taken = {name for _kind, _namespace, name in policy.roles} | {name_of(binding) for binding in policy.bindings}
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return name


def _json(value: list[Object]) -> str:
    return json.dumps(value, separators=(",", ":"))
