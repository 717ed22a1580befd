"""A policy from manifests: with the roles that every cluster has, and with aggregation done."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from itertools import chain
from typing import Any

from kube_embedded.rbac.defaults import default_objects
from kube_embedded.rbac.objects import (
    GROUP,
    Object,
    binding_title,
    is_default,
    name_of,
    namespace_of,
    role_title,
    title,
)
from kube_embedded.rbac.rules import Rule
from kube_embedded.rbac.selectors import selects
from labkit.core.errors import UsageError, near
from labkit.core.language import text

from ..policy import Policy
from .vocabulary import Vocabulary

POLICY_KINDS = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")


def policy_of(objects: Iterable[Object]) -> Policy:
    """The policy of a cluster to which some manifests were applied; objects of other kinds are left out.

    Raises:
        UsageError: A role or a binding lacks what decides, is refused by the server, or is there twice.
    """
    own = [_checked(obj) for obj in objects if _is_policy(obj)]
    keys: set[tuple[str, str, str]] = set()
    for obj in own:
        if (key := _key(obj)) in keys:
            raise UsageError(
                text("{key} is there twice.", title(*key)), todo="Leave one of them out."
            )
        keys.add(key)
    # Manifests can contain a default role, such as an edited view: then theirs counts.
    kept = (obj for obj in default_objects() if _key(obj) not in keys)
    return aggregated(Policy.of([*kept, *own]))


def remarks(policy: Policy, vocabulary: Vocabulary) -> list[str]:
    """Return oddities of a policy that are not errors: unknown verbs or resources, incomplete bindings."""
    lines: list[str] = []
    for key, role in policy.roles.items():
        lines += _odd_rules(title(*key), role, vocabulary)
    for binding in policy.bindings:
        name = binding_title(binding)
        if policy.role_of(binding) is None:
            missing = role_title(binding)
            lines.append(text("{binding} refers to {role}, which does not exist.", name, missing))
        if not binding.get("subjects") and not is_default(binding):
            lines.append(text("{binding} gives its role to nobody.", name))
    return lines


def _odd_rules(role_name: str, role: Object, vocabulary: Vocabulary) -> Iterator[str]:
    """Yield the parts of a role's rules that match no request, each once."""
    rules: list[Rule] = role.get("rules") or []
    if not is_default(role):
        for name in dict.fromkeys(chain.from_iterable(map(vocabulary.strangers, rules))):
            yield text("{role}: no request has the {name}.", role_name, name)
    for name in _values(rules, "resources"):
        if name.endswith("/*"):
            yield text(
                "{role}: no request matches {name}. A * stands for all resources, or before a slash.",
                role_name,
                name,
            )
    for name in _values(rules, "apiGroups"):
        group, slash, _ = name.partition("/")
        if slash:
            yield text(
                "{role}: no request matches the API group {name}, which has a version. Write {right}.",
                role_name,
                name,
                group,
            )


def _values(rules: Iterable[Rule], field: str) -> list[str]:
    return sorted({value for rule in rules for value in rule.get(field) or ()})


def aggregated(policy: Policy) -> Policy:
    """The policy once the controller has filled in the rules of aggregated cluster roles, in circles too.

    Source: k8s.io/kubernetes ``pkg/controller/clusterroleaggregation``.
    """
    roles = dict(policy.roles)
    collecting = [(key, role) for key, role in roles.items() if role.get("aggregationRule")]
    # Aggregated roles can select each other, in circles too. The controller comes to the same rules write by
    # write; the limit ends the loop whatever the selectors are.
    for _ in range(len(collecting) + 1):
        changed = False
        for key, role in collecting:
            rules: list[Rule] = []
            # Sorted by name, as the controller lists them: the order of rules is part of the result.
            for other_key, other in sorted(roles.items()):
                if (
                    other_key != key
                    and other_key[0] == "ClusterRole"
                    and _selected(role["aggregationRule"], other)
                ):
                    rules += [rule for rule in other.get("rules") or () if rule not in rules]
            if rules != roles[key].get("rules"):
                roles[key] = {**roles[key], "rules": rules}
                changed = True
        if not changed:
            break
    return replace(policy, roles=roles)


def _selected(aggregation: Object, role: Object) -> bool:
    labels: Mapping[str, str] = role["metadata"].get("labels") or {}
    return any(
        selects(selector, labels) for selector in aggregation.get("clusterRoleSelectors") or ()
    )


def _key(obj: Object) -> tuple[str, str, str]:
    return obj["kind"], namespace_of(obj), name_of(obj)


def _is_policy(obj: Object) -> bool:
    """Return whether an object is a role or a binding.

    Raises:
        UsageError: It is meant to be one.
    """
    kind, (group, _, version) = obj.get("kind"), str(obj.get("apiVersion", "")).partition("/")
    if group == GROUP and (kind not in POLICY_KINDS or version != "v1"):
        todo = (
            near(str(kind), POLICY_KINDS)
            if version == "v1"
            else text("Kubernetes serves {group}/v1 only.", GROUP)
        )
        raise UsageError(
            text("There is no kind {kind} in {apiversion}.", kind, obj["apiVersion"]), todo=todo
        )
    # 0.93 catches a slip in a name of 25 letters, and lets other projects' kinds called Role pass.
    if group != GROUP and kind in POLICY_KINDS and get_close_matches(group, [GROUP], cutoff=0.93):
        raise UsageError(
            text("There is no API group {group}.", group),
            todo=text('Did you mean "{group}"?', GROUP),
        )
    return group == GROUP


def _checked(obj: Any) -> Object:
    """A role or binding with what decides.

    Raises:
        UsageError: Something is missing, or of the wrong type.
    """
    kind = obj["kind"]
    metadata = obj.get("metadata") if isinstance(obj.get("metadata"), dict) else {}
    name = metadata.get("name")
    what = f"{kind} {name}"
    if not isinstance(name, str) or not name:
        raise UsageError(
            text("A {kind} has no name.", kind),
            todo="Write metadata.name; a template has to be rendered first.",
        )
    # Helm's braces are valid YAML in quotes, so a template gets this far and would be judged as text.
    if "{{" in f"{name} {metadata.get('namespace')} {obj.get('subjects')} {obj.get('roleRef')}":
        raise UsageError(
            text("{what} is a template.", what), todo="Render it first, such as with helm template."
        )
    # kubectl apply puts it into the context's namespace, which is default unless somebody changed it.
    if kind in ("Role", "RoleBinding") and not metadata.get("namespace"):
        metadata = {**metadata, "namespace": "default"}
    if kind.endswith("Binding"):
        _check_binding(what, obj)
    elif not _is_list_of(obj.get("rules"), _is_rule):
        raise UsageError(
            text("{what} has rules that are none.", what),
            todo="verbs, apiGroups and resources are lists of texts.",
        )
    return {**obj, "metadata": metadata}


def _check_binding(what: str, binding: Any) -> None:
    ref = binding.get("roleRef")
    if (
        not isinstance(ref, dict)
        or not isinstance(ref.get("name"), str)
        or ref.get("kind") not in POLICY_KINDS[:2]
    ):
        raise UsageError(
            text("{what} has no roleRef with kind and name.", what),
            todo="Name a Role or a ClusterRole.",
        )
    entries = binding.get("subjects") or []
    if not _is_list_of(entries, lambda entry: isinstance(entry, dict) and bool(entry.get("name"))):
        raise UsageError(
            text("{what} has subjects that are none.", what), todo="Each has a kind and a name."
        )
    if ref.get("apiGroup", GROUP) != GROUP:
        raise UsageError(
            text("{what} has a roleRef of the API group {apigroup}.", what, ref["apiGroup"]),
            todo=text("Write {group}.", GROUP),
        )
    for entry in entries if binding["kind"] == "ClusterRoleBinding" else ():
        if entry.get("kind") == "ServiceAccount" and not entry.get("namespace"):
            raise UsageError(
                text("{what} names the account {who} without a namespace.", what, entry["name"]),
                todo="Write its namespace.",
            )


def _is_list_of(value: Any, fits: Callable[[Any], bool]) -> bool:
    """Return whether a value is None or a list whose entries all fit."""
    return isinstance(value or [], list) and all(map(fits, value or []))


def _is_rule(rule: Any) -> bool:
    fields = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
    if not isinstance(rule, dict):
        return False
    unknown = sorted(map(str, set(rule) - set(fields)))
    if unknown:
        raise UsageError(
            text("A rule has the field {name}.", unknown[0]), todo=near(unknown[0], fields)
        )
    return all(
        _is_list_of(rule.get(field), lambda value: isinstance(value, str)) for field in fields
    )
