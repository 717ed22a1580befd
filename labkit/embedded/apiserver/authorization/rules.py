"""Whether one RBAC rule allows what is asked.

Source: k8s.io/kubernetes ``plugin/pkg/auth/authorizer/rbac/rbac.go`` (``RuleAllows``).
"""

from __future__ import annotations

from typing import Any

from labkit.embedded.apiserver.authorization.attributes import Attributes
from labkit.rbac.rules import group_matches, name_matches, path_matches, resource_matches, verb_matches

Rule = dict[str, Any]


def rule_allows(rule: Rule, question: Attributes) -> bool:
    """Whether this rule alone allows it."""
    if not verb_matches(rule, question.verb):
        return False
    if not question.is_resource:
        return path_matches(rule, question.path)
    return (
        group_matches(rule, question.group)
        and resource_matches(rule, question.resource, question.subresource)
        and name_matches(rule, question.name)
    )
