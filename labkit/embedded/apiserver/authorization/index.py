"""Finding the bindings that name a user and the rule that allows a request, among many.

A binding is filed under each subject, a rule under each API group and resource (or path)
that it names; a question looks at the few places where a rule that allows it can be, and
asks only those rules.
``rules.rule_allows`` stays the judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from labkit.embedded.machinery.request import Object
from labkit.rbac.attributes import Attributes, User
from labkit.rbac.rules import Rule, rule_allows

Owner = TypeVar("Owner")

MAX_PLACES = 256
"""A rule that names more pairs of group and resource is not filed: every question looks at it."""


class RuleIndex(Generic[Owner]):
    """Rules in the order in which they are tried, each with what it belongs to.

    Args:
        rules: Pairs of a rule and its owner.
    """

    def __init__(self, rules: Iterable[tuple[Rule, Owner]]) -> None:
        self._rules: list[tuple[Rule, Owner]] = []
        self._by_resource: dict[tuple[str, str], list[int]] = {}
        self._with_paths: list[int] = []
        self._large: list[int] = []
        for position, (rule, owner) in enumerate(rules):
            self._rules.append((rule, owner))
            groups, resources = rule.get("apiGroups") or (), rule.get("resources") or ()
            if len(groups) * len(resources) > MAX_PLACES:
                self._large.append(position)
            else:
                for group in groups:
                    for resource in resources:
                        self._by_resource.setdefault((group, resource), []).append(position)
            if rule.get("nonResourceURLs"):
                self._with_paths.append(position)

    def first(self, question: Attributes) -> Owner | None:
        """The owner of the first rule that allows it, None if none does."""
        best: int | None = None
        for positions in self._places(question):
            for position in positions:
                if best is not None and position >= best:
                    break
                if rule_allows(self._rules[position][0], question):
                    best = position
                    break
        return None if best is None else self._rules[best][1]

    def _places(self, question: Attributes) -> Iterator[list[int]]:
        if not question.is_resource:
            yield self._with_paths
            return
        yield self._large
        resources = ["*", question.resource]
        if question.subresource:
            resources = ["*", f"{question.resource}/{question.subresource}", f"*/{question.subresource}"]
        for group in dict.fromkeys(("*", question.group)):
            for resource in dict.fromkeys(resources):
                yield self._by_resource.get((group, resource), [])


class BindingIndex:
    """The bindings of one place, found by whom they name.

    Args:
        bindings: In the order in which they are tried.
        namespace: Where they are, empty for the cluster's.
    """

    def __init__(self, bindings: Iterable[Object], namespace: str) -> None:
        self._by_subject: dict[tuple[str, str], dict[int, Object]] = {}
        for position, binding in enumerate(bindings):
            for subject in binding.get("subjects") or ():
                kind, name = subject.get("kind", ""), subject.get("name", "")
                if kind == "ServiceAccount":
                    kind, name = "User", f"system:serviceaccount:{subject.get('namespace') or namespace}:{name}"
                self._by_subject.setdefault((kind, name), {})[position] = binding

    def naming(self, user: User) -> Iterable[Object]:
        """Bindings that name the user or one of the user's groups, in their order."""
        found = dict(self._by_subject.get(("User", user.name), {}))
        for group in user.groups:
            found.update(self._by_subject.get(("Group", group), {}))
        return [found[position] for position in sorted(found)]
