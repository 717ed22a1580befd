"""Indexes of the bindings that name a user and of the rules that could allow a request.

A binding is filed under each subject, a rule under each API group and resource (or path)
that it names; a request needs to look at only the few entries that can contain a matching rule.
"""

from collections.abc import Iterable
from typing import TypeVar

from kube_embedded.rbac.attributes import Attributes, User
from kube_embedded.rbac.bindings import Grant
from kube_embedded.rbac.subjects import account_user

from ...machinery.request import Object
from ...machinery.work import charge

Item = TypeVar("Item")

MAX_PLACES = 256
"""A rule that names more pairs of group and resource is not filed: every request looks at it."""


class GrantIndex:
    """A user's rules, in the order in which they are tried, indexed by API group and resource or path."""

    def __init__(self, grants: Iterable[Grant]) -> None:
        self._by_resource: dict[tuple[str, str], dict[int, Grant]] = {}
        self._with_paths: dict[int, Grant] = {}
        self._large: dict[int, Grant] = {}
        for position, grant in enumerate(grants):
            charge(5)
            groups = grant.rule.get("apiGroups") or ()
            resources = grant.rule.get("resources") or ()
            # A rule with 100 groups and 100 resources would need 10,000 entries: users decide how large rules are.
            if len(groups) * len(resources) > MAX_PLACES:
                self._large[position] = grant
            else:
                for group in groups:
                    for resource in resources:
                        self._by_resource.setdefault((group, resource), {})[position] = grant
            if grant.rule.get("nonResourceURLs"):
                self._with_paths[position] = grant

    def candidates(self, question: Attributes) -> Iterable[Grant]:
        """Return the rules that could allow a request, in the order in which they are tried."""
        places = self._places(question)
        return places[0].values() if len(places) == 1 else _in_order(places)

    def _places(self, question: Attributes) -> list[dict[int, Grant]]:
        """Return the index entries that can contain a matching rule: positions to rules, each in order."""
        if not question.is_resource:
            return [self._with_paths]
        resources = ["*", question.resource]
        if question.subresource:
            resources = [
                "*",
                f"{question.resource}/{question.subresource}",
                f"*/{question.subresource}",
            ]
        places = [self._large] if self._large else []
        for group in ("*", question.group):
            for resource in resources:
                if filed := self._by_resource.get((group, resource)):
                    places.append(filed)
        return places


class BindingIndex:
    """The bindings of one namespace (empty for the cluster's), in order, found by whom they name."""

    def __init__(self, bindings: Iterable[Object], namespace: str) -> None:
        self._by_subject: dict[tuple[str, str], dict[int, Object]] = {}
        for position, binding in enumerate(bindings):
            for subject in binding.get("subjects") or ():
                kind = subject.get("kind", "")
                name = subject.get("name", "")
                if kind == "ServiceAccount":
                    kind = "User"
                    name = account_user(subject.get("namespace") or namespace, name)
                self._by_subject.setdefault((kind, name), {})[position] = binding

    def naming(self, user: User) -> Iterable[Object]:
        """Bindings that name the user or one of the user's groups, in their order."""
        keys = [("User", user.name), *(("Group", group) for group in user.groups)]
        return _in_order(filed for key in keys if (filed := self._by_subject.get(key)))


def _in_order(places: Iterable[dict[int, Item]]) -> list[Item]:
    """All that is filed in some places, each once, by position."""
    found: dict[int, Item] = {}
    for filed in places:
        found.update(filed)
    return [found[position] for position in sorted(found)]
