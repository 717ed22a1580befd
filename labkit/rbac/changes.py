"""The smallest change that would allow a refused request, and the other requests that it would allow.

The smallest change is the one that grants least in addition to the request. A role that is not bound yet comes
before a new one, if it otherwise grants only reading the same resource.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from kube_embedded.rbac.attributes import Attributes, qualified
from kube_embedded.rbac.objects import is_default, kind_of, name_of, namespace_of, role_key
from kube_embedded.rbac.rules import Rule, rule_allows
from kube_embedded.rbac.subjects import Subject
from labkit.core.language import text

from .explain import NAMELESS_VERBS
from .policy import Policy

READING = ("get", "list", "watch")
"""The verbs that only read."""

MANY = 10_000
"""The weight of a ``*``: more than that of any list of names."""


@dataclass(frozen=True, slots=True)
class Change:
    """One way to allow a refused request.

    Args:
        title: Its effect, in a sentence.
        commands: The kubectl commands, in order.
        also_allows: The other permissions that the subject would get, a line for each rule.
        weight: The amount of other permissions; 0 if there are none.
        waits: True if it binds a role that was written for this and has no binding yet.
    """

    title: str
    commands: tuple[str, ...]
    also_allows: tuple[str, ...]
    weight: int
    waits: bool = False


def smallest_changes(
    policy: Policy, who: Subject, question: Attributes, most: int = 4
) -> list[Change]:
    """Return ways to allow a request: an unbound role first, then the changes that allow least otherwise.

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
    # A stable sort leaves a new role before an existing one of the same weight, because it expresses the intention.
    found.sort(key=lambda change: (not change.waits, change.weight, len(change.commands)))
    return found[:most]


def _new_role(policy: Policy, who: Subject, question: Attributes) -> Change:
    """Return the change that creates a role with only this permission, and a binding to it."""
    name = _free_name(policy, question)
    space = ""
    if question.is_resource:
        space = question.namespace
        resource = qualified(question.group, question.full_resource)
        flags = f"--verb={question.verb} --resource={resource}"
        # kubectl accepts --resource-name with these verbs, but their requests name no object, so the rule would
        # not match this one.
        if question.name and question.verb not in NAMELESS_VERBS:
            flags += f" --resource-name={question.name}"
        title = text(
            "A new cluster role with this permission and nothing else, bound cluster-wide."
        )
        if space:
            title = text("A new role in {namespace} with this permission and nothing else.", space)
    else:
        flags = f"--verb={question.verb} --non-resource-url={question.path}"
        title = text("Allow the path {path} and nothing else.", question.path)
    kind = "role" if space else "clusterrole"
    where = f" -n {space}" if space else ""
    commands = (
        f"kubectl create {kind} {name} {flags}{where}",
        f"kubectl create {kind}binding {name} --{kind}={name} {who.kubectl_flag}{where}",
    )
    return Change(title, commands, (), 0)


def _bind_existing(policy: Policy, who: Subject, question: Attributes) -> Iterator[Change]:
    """Bindings to existing roles."""
    bound = {
        role_key(binding)
        for binding in policy.bindings
        if namespace_of(binding) in ("", question.namespace)
    }
    for (kind, namespace, name), role in policy.roles.items():
        # Kubernetes reserves the prefix system: for its components; binding their roles is hardly ever meant.
        if name.startswith("system:") or (namespace and namespace != question.namespace):
            continue
        rules = role.get("rules") or []
        if not any(rule_allows(rule, question) for rule in rules):
            continue
        also, weight = _beyond(rules, question)
        space = question.namespace
        binding, where = ("rolebinding", f" -n {space}") if space else ("clusterrolebinding", "")
        command = (
            f"kubectl create {binding} {name} --{kind.lower()}={name} {who.kubectl_flag}{where}"
        )
        title = text("Bind the existing {kind} {name} for the whole cluster.", kind, name)
        title = (
            text("Bind the existing {kind} {name} in {namespace}.", kind, name, space)
            if space
            else title
        )
        waits = (
            (kind, namespace, name) not in bound
            and not is_default(role)
            and _only_reads(rules, question)
        )
        yield Change(title, (command,), also, weight, waits)


def _join_binding(policy: Policy, who: Subject, question: Attributes) -> Iterator[Change]:
    """Additions to bindings that grant it to other subjects."""
    for binding in policy.bindings:
        namespace = namespace_of(binding)
        if name_of(binding).startswith("system:") or (
            namespace and namespace != question.namespace
        ):
            continue
        rules = (policy.role_of(binding) or {}).get("rules") or []
        if not any(rule_allows(rule, question) for rule in rules):
            continue
        also, weight = _beyond(rules, question)
        # A cluster-wide binding grants in every namespace, which outweighs any list of rules.
        if not namespace and question.namespace:
            also = (*also, text("the same in every other namespace"))
            weight += MANY
        where = f" -n {namespace}" if namespace else ""
        # A JSON patch appends to the list of subjects; a merge patch would replace it.
        operation = {"op": "add", "path": "/subjects/-", "value": who.as_binding_subject()}
        patch = json.dumps([operation], separators=(",", ":"))
        command = f"kubectl patch {kind_of(binding).lower()} {name_of(binding)}{where} --type=json -p '{patch}'"
        title = text(
            "Add {who} to the {kind} {binding}.", who.label, kind_of(binding), name_of(binding)
        )
        yield Change(title, (command,), also, weight)


def _only_reads(rules: list[Rule], question: Attributes) -> bool:
    """Return whether rules allow, apart from a request, only reading the same resource."""
    return all(
        rule.get("resources") == [question.full_resource]
        and rule.get("apiGroups") == [question.group]
        and set(rule.get("verbs") or ()) <= {*READING, question.verb}
        for rule in rules
    )


def _beyond(rules: list[Rule], question: Attributes) -> tuple[tuple[str, ...], int]:
    """Return the permissions of rules apart from a request: lines to read, and a weight to sort by."""
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
    base = "-".join(
        part for part in (question.resource or "path", question.subresource, question.verb) if part
    )
    taken = {name for _kind, _namespace, name in policy.roles} | {
        name_of(binding) for binding in policy.bindings
    }
    name = base
    number = 2
    # kubectl create refuses a name that is taken, so the shown commands have to work as they are.
    while name in taken:
        name = f"{base}-{number}"
        number = number + 1
    return name
