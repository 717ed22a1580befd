"""Rules taken apart into single permissions, and which of them a rule covers.

Escalation checks and comparisons of policies look at rules one permission at a time.

Source: k8s.io/component-helpers ``auth/rbac/validation/policy_comparator.go``.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .attributes import Attributes, User
from .rules import Rule, group_matches, path_matches, resource_matches, verb_matches


class Part(NamedTuple):
    """One permission of a rule: a verb on a resource, or a verb on a path.

    Args:
        verb: A verb, or ``*``.
        group: An API group, or ``*``.
        resource: A resource as rules write it, such as ``pods/log`` or ``*``; empty for a path.
        names: The only objects it is about; empty for all.
        path: A URL path, a prefix that ends in ``*``, or ``*``; None for a resource.
    """

    verb: str
    group: str = ""
    resource: str = ""
    names: tuple[str, ...] = ()
    path: str | None = None

    def rule(self) -> Rule:
        """The same as a rule."""
        if self.path is not None:
            return {"verbs": [self.verb], "nonResourceURLs": [self.path]}
        rule: Rule = {"verbs": [self.verb], "apiGroups": [self.group], "resources": [self.resource]}
        return {**rule, "resourceNames": list(self.names)} if self.names else rule

    def question(self, user: User, namespace: str = "", name: str = "") -> Attributes:
        """The request of a user that needs it."""
        if self.path is not None:
            return Attributes(user, self.verb, path=self.path)
        plural, _, sub = self.resource.partition("/")
        return Attributes(user, self.verb, self.group, "", plural, sub, namespace, name)


def parts_of(rules: Iterable[Rule]) -> Iterator[Part]:
    """Each verb of each rule on each path and each resource; object names stay together."""
    for rule in rules:
        names = tuple(rule.get("resourceNames") or ())
        for verb in rule.get("verbs") or ():
            for path in rule.get("nonResourceURLs") or ():
                yield Part(verb, path=path)
            for resource in rule.get("resources") or ():
                for group in rule.get("apiGroups") or ():
                    yield Part(verb, group, resource, names)


def breakdown(rule: Rule) -> Iterator[Part]:
    """The parts of one rule, each with at most one object name, in the order of Kubernetes."""
    verbs = rule.get("verbs") or ()
    names: list[tuple[str, ...]] = [(name,) for name in rule.get("resourceNames") or ()]
    # The order of BreakdownRule in k8s.io/component-helpers, auth/rbac/validation.
    for group in rule.get("apiGroups") or ():
        for resource in rule.get("resources") or ():
            for verb in verbs:
                yield from (Part(verb, group, resource, name) for name in names or [()])
    for path in rule.get("nonResourceURLs") or ():
        yield from (Part(verb, path=path) for verb in verbs)


def covers(rule: Rule, part: Part) -> bool:
    """Return whether a rule includes a part of a rule, patterns and all."""
    if not verb_matches(rule, part.verb):
        return False
    if part.path is not None:
        return path_matches(rule, part.path)
    names = rule.get("resourceNames") or ()
    return (
        group_matches(rule, part.group)
        and resource_matches(rule, *part.resource.partition("/")[::2])
        # A part without names is about every object, which a rule for some names does not cover.
        and (not names or (bool(part.names) and set(part.names) <= set(names)))
    )


def uncovered(held: Iterable[Rule], wanted: Iterable[Rule]) -> list[Part]:
    """The parts of the wanted rules that none of the held rules covers."""
    held = list(held)
    return [
        part
        for rule in wanted
        for part in breakdown(rule)
        if not any(covers(rule, part) for rule in held)
    ]


def compact(parts: Iterable[Part]) -> list[Rule]:
    """Parts as rules: those about the same resource and names become one, with all their verbs.

    Source: k8s.io/component-helpers ``auth/rbac/validation``, ``CompactRules``.
    """
    rules: dict[object, Rule] = {}
    for number, part in enumerate(parts):
        # CompactRules leaves non-resource rules as they are, each with its one path.
        key = number if part.path is not None else (part.group, part.resource, part.names)
        if key in rules:
            rules[key]["verbs"].append(part.verb)
        else:
            rules[key] = part.rule()
    return list(rules.values())
