"""The matching of RBAC rules: five small predicates.

The server's authorizer decides with them, explanations show which of them fails, and
checkpoints read roles with them. Splitting, repeating or reordering rules does not change their meaning.

Source: k8s.io/kubernetes ``pkg/apis/rbac/v1/evaluation_helpers.go``;
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#role-and-clusterrole.
"""

from collections.abc import Sequence
from typing import Any

from .attributes import Attributes

Rule = dict[str, Any]
"""A rule of a Role or ClusterRole, as decoded JSON."""


def verb_matches(rule: Rule, verb: str) -> bool:
    """The rule names the verb, or all of them."""
    verbs: Sequence[str] = rule.get("verbs") or ()
    return "*" in verbs or verb in verbs


def group_matches(rule: Rule, group: str) -> bool:
    """The rule names the API group, or all of them."""
    groups: Sequence[str] = rule.get("apiGroups") or ()
    return "*" in groups or group in groups


def resource_matches(rule: Rule, resource: str, subresource: str = "") -> bool:
    """The rule names the resource (with its subresource), that subresource of any, or all."""
    resources: Sequence[str] = rule.get("resources") or ()
    wanted = f"{resource}/{subresource}" if subresource else resource
    # "*" alone covers subresources too, but "pods" does not cover "pods/log".
    if "*" in resources or wanted in resources:
        return True
    # The only other pattern is "*/scale". There is no "pods/*": ResourceMatches compares it letter by letter.
    return bool(subresource) and f"*/{subresource}" in resources


def name_matches(rule: Rule, name: str) -> bool:
    """The rule is for all objects, or names this one."""
    names: Sequence[str] = rule.get("resourceNames") or ()
    # A list, a watch or a create usually has no name, and a rule with resourceNames does not cover the empty one.
    return not names or name in names


def path_matches(rule: Rule, path: str) -> bool:
    """The rule names the path, a prefix of it that ends in ``*``, or all."""
    for pattern in rule.get("nonResourceURLs") or ():
        if pattern in ("*", path):
            return True
        # NonResourceURLMatches strips every * at the end, so "/healthz**" is the prefix "/healthz" as well.
        if pattern.endswith("*") and path.startswith(pattern.rstrip("*")):
            return True
    return False


def rule_allows(rule: Rule, question: Attributes) -> bool:
    """Return whether this rule alone allows the request.

    Source: k8s.io/kubernetes ``plugin/pkg/auth/authorizer/rbac/rbac.go``, ``RuleAllows``.
    """
    if not verb_matches(rule, question.verb):
        return False
    if not question.is_resource:
        return path_matches(rule, question.path)
    return (
        group_matches(rule, question.group)
        and resource_matches(rule, question.resource, question.subresource)
        and name_matches(rule, question.name)
    )
