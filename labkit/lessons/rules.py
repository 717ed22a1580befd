"""What the rules of a role grant.

A role without a binding changes no answer of the server, so a checkpoint on a role
alone has to read its rules.
"""

from __future__ import annotations

from collections.abc import Iterable

from labkit.core.language import text
from labkit.rbac.attributes import Attributes, User
from labkit.rbac.rules import Rule, group_matches, rule_allows


def grants(
    rules: Iterable[Rule], verb: str, group: str, resource: str, subresource: str = ""
) -> bool:
    """Whether rules, once bound, allow a verb on every object of a resource."""
    question = Attributes(User(""), verb, group, resource=resource, subresource=subresource)
    return any(rule_allows(rule, question) for rule in rules)


def beyond(rules: Iterable[Rule], verbs: Iterable[str], group: str, resource: str) -> list[str]:
    """What rules grant beyond some verbs on one resource, each in words (``verb "delete"``), in the rules' order."""
    wanted = set(verbs)
    found: list[str] = []
    for rule in rules:
        found += [
            text('verb "{verb}"', verb) for verb in rule.get("verbs") or () if verb not in wanted
        ]
        for each_group in rule.get("apiGroups") or ():
            if each_group == "*":
                found.append(text('every API group ("*")'))
        for each in rule.get("resources") or ():
            if each == "*":
                found.append(text('every resource ("*")'))
            elif each != resource and _exists_in(each, rule, group):
                found.append(text('resource "{resource}"', each))
        found += [text('path "{path}"', url) for url in rule.get("nonResourceURLs") or ()]
    return list(dict.fromkeys(found))


def _exists_in(resource: str, rule: Rule, group: str) -> bool:
    """Whether a resource is not one of the usual misspellings, which grant nothing."""
    return resource not in ("service", "persistentvolume", "pv", "svc") or not group_matches(
        rule, group
    )
