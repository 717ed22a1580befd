"""The permissions that the rules of a role grant.

A role without a binding changes no decision of the server, so a checkpoint on a role
alone has to read its rules.
"""

from collections.abc import Iterable
from typing import NamedTuple

from kube_embedded.rbac.attributes import Attributes, User
from kube_embedded.rbac.rules import Rule, group_matches, rule_allows
from labkit.core.language import text

MISSPELT = ("service", "persistentvolume", "pv", "svc")
"""Names that no server knows in the core group: kubectl's abbreviations and singulars grant nothing."""


class Surplus(NamedTuple):
    """A value that a rule has and a step does not ask for.

    Args:
        field: The rule's field, such as ``verbs``.
        value: The value.
    """

    field: str
    value: str

    @property
    def text(self) -> str:
        """In words: ``verb "delete"``."""
        if self.field == "verbs":
            return text('verb "{verb}"', self.value)
        if self.field == "nonResourceURLs":
            return text('path "{path}"', self.value)
        if self.field == "apiGroups":
            return text('every API group ("*")')
        if self.value == "*":
            return text('every resource ("*")')
        return text('resource "{resource}"', self.value)


def grants(
    rules: Iterable[Rule], verb: str, group: str, resource: str, subresource: str = ""
) -> bool:
    """Return whether rules, once bound, allow a verb on every object of a resource."""
    question = Attributes(User(""), verb, group, resource=resource, subresource=subresource)
    # The predicates of the authorizer, so that a role is read as the server would read it.
    return any(rule_allows(rule, question) for rule in rules)


def beyond(rules: Iterable[Rule], verbs: Iterable[str], group: str, resource: str) -> list[Surplus]:
    """Return the grants of rules beyond some verbs on one resource, each once, in the rules' order."""
    surplus: dict[Surplus, None] = {}
    for rule in rules:
        harmless = {
            "verbs": set(verbs),
            # A further API group has no effect, since no other group has the resource.
            "apiGroups": set(rule.get("apiGroups") or ()) - {"*"},
            "resources": {resource, *(MISSPELT if group_matches(rule, group) else ())},
            "nonResourceURLs": set(),
        }
        for field, values in harmless.items():
            extra = (value for value in rule.get(field) or () if value not in values)
            surplus |= dict.fromkeys(Surplus(field, value) for value in extra)
    return list(surplus)


def kind_of_surplus(surplus: Surplus) -> str:
    """The kind of mistake that a surplus is, as an id of ``mistakes.yaml``."""
    if surplus.value == "*":
        return "everything"
    if surplus.field == "verbs":
        return "watch-added" if surplus.value == "watch" else "verb-added"
    if surplus.value == "secrets":
        return "secrets-added"
    return (
        "subresource-added"
        if surplus.field == "resources" and "/" in surplus.value
        else "resource-added"
    )
