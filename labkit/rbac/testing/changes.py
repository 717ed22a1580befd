"""Compares two policies by the permissions of their subjects, not by how they are written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kube_embedded.rbac.attributes import User
from kube_embedded.rbac.objects import is_default, namespace_of
from kube_embedded.rbac.parts import Part, breakdown, covers
from kube_embedded.rbac.rules import Rule
from kube_embedded.rbac.subjects import (
    ANONYMOUS,
    AUTHENTICATED,
    UNAUTHENTICATED,
    Subject,
    account_groups,
    account_user,
    member,
    subject_title,
)
from labkit.core.language import text

from ..policy import Policy
from ..words import part_text, place_text
from .vocabulary import OF_COLLECTIONS, Vocabulary

FRESH = "a-fresh-name"
"""A namespace, an account and a user that no policy names."""


@dataclass(frozen=True, slots=True)
class Change:
    """A permission that somebody gained or lost.

    Args:
        who: As a binding names them: ``ServiceAccount kikai/default``, ``Group dev``.
        part: The permission.
        namespace: Where; empty for the whole cluster.
        gained: False if it was lost.
    """

    who: str
    part: Part
    namespace: str
    gained: bool

    @property
    def permission(self) -> str:
        """What, and where: ``get · pods/exec in kikai``."""
        part = self.part
        # Elsewhere the rule stands beside it. Here a * alone would read as everything there is.
        if (part.group, part.resource) == ("", "*"):
            part = part._replace(resource=text("* (core group)"))
        return text("{rule} {where}", part_text(part), place_text(self.namespace))

    def __str__(self) -> str:
        """In words: ``ServiceAccount kikai/default gained get · pods/exec in kikai``."""
        return f"{self.who} {'gained' if self.gained else 'lost'} {self.permission}"


def changes(before: Policy, after: Policy, vocabulary: Vocabulary) -> list[Change]:
    """Return the permissions that each subject of either policy gained and lost.

    A permission that counts everywhere is listed once, and not for each namespace.
    """
    entries = dict(_entries(before)) | dict(_entries(after))
    found: list[Change] = []
    for who, asking in sorted(entries.items()):
        user = asking.as_user()
        for gained, old, new in ((True, before, after), (False, after, before)):
            wide = _lost(new, old, user, "", vocabulary)
            found += [Change(who, part, "", gained) for part in wide]
            for place in sorted(_places(before, after)):
                here = [
                    part for part in _lost(new, old, user, place, vocabulary) if part not in wide
                ]
                found += [Change(who, part, place, gained) for part in here]
    return found


def same_answers(one: Policy, other: Policy, vocabulary: Vocabulary) -> bool:
    """Return whether two policies make the same decisions.

    The compared subjects are all that bindings name, a fresh user, a fresh account in each namespace, and an
    unknown user; in each namespace, a fresh one, and the whole cluster. Permissions that no request can use do not
    count.
    """
    # A change can write what exists already; noticing that is much cheaper than comparing all decisions.
    if one.roles is other.roles and one.bindings == other.bindings:
        return True
    askers = {asker for policy in (one, other) for _, asker in _entries(policy)}
    # What is granted to a group also reaches people whom no policy names, so two of them are asked.
    askers |= {Subject(FRESH, (AUTHENTICATED,)), Subject(ANONYMOUS, (UNAUTHENTICATED,))}
    for home in (*vocabulary.namespaces, FRESH):
        askers.add(Subject(account_user(home, FRESH), (*account_groups(home), AUTHENTICATED)))
    places = ("", FRESH, *(_places(one, other) | vocabulary.namespaces))
    return not any(
        _lost(first, second, asker.as_user(), place, vocabulary)
        for asker in askers
        for place in places
        for first, second in ((one, other), (other, one))
    )


def _entries(policy: Policy) -> Iterator[tuple[str, Subject]]:
    """Yield the subjects that a policy's own bindings name, with the groups that the server adds to them."""
    for binding in policy.bindings:
        if not is_default(binding):
            home = namespace_of(binding)
            for entry in binding.get("subjects") or ():
                yield subject_title(entry, home), member(entry, home)


def _places(*policies: Policy) -> set[str]:
    return {
        namespace_of(binding)
        for policy in policies
        for binding in policy.bindings
        if not is_default(binding)
    } - {""}


def _lost(
    first: Policy, second: Policy, user: User, namespace: str, vocabulary: Vocabulary
) -> list[Part]:
    """Return the parts that one policy grants a user in a namespace, and the other does not."""
    held = [grant.rule for grant in second.rules_for(user, namespace)]
    found: dict[Part, None] = {}
    for grant in first.rules_for(user, namespace):
        # Most rules are in both policies; taking them apart is the expensive step.
        if any(grant.rule is rule or grant.rule == rule for rule in held):
            continue
        for part in _in_groups(breakdown(grant.rule), vocabulary):
            if usable(part, namespace, vocabulary) and not all(
                _covered(verb, held) for verb in _verbs(part, vocabulary)
            ):
                found[part] = None
    return list(found)


def _in_groups(parts: Iterable[Part], vocabulary: Vocabulary) -> Iterator[Part]:
    """The parts, where one is about a resource of any group: once for each group that has it."""
    for part in parts:
        if part.path is None and part.group == "*" and "*" not in part.resource:
            yield from (
                part._replace(group=group)
                for group, name in vocabulary.resources
                if name == part.resource
            )
        else:
            yield part


def _verbs(part: Part, vocabulary: Vocabulary) -> Iterator[Part]:
    """Yield the part; if it covers every verb of one resource, once for each verb that the resource has."""
    known = vocabulary.resources.get((part.group, part.resource))
    if part.verb == "*" and known is not None:
        yield from (part._replace(verb=verb) for verb in known[1])
    else:
        yield part


def _covered(part: Part, held: Iterable[Rule]) -> bool:
    return any(covers(rule, part) for rule in held)


def usable(part: Part, namespace: str, vocabulary: Vocabulary) -> bool:
    """Return whether a request can use a permission: some part of a pattern, or a verb that its resource has.

    Args:
        part: The permission.
        namespace: The namespace in which it counts; cluster-scoped objects and paths have none.
        vocabulary: The verbs and resources that exist.
    """
    if part.path is not None:
        return not namespace
    if "*" in (part.group, part.resource) or part.resource.startswith("*/"):
        return True
    known = vocabulary.resources.get((part.group, part.resource))
    if known is None:
        return False
    namespaced, verbs = known
    # Requests for one Namespace are authorized inside it (the RequestInfo has it as the namespace), so a
    # RoleBinding can allow them.
    one_namespace = (part.group, part.resource) == (
        "",
        "namespaces",
    ) and part.verb not in OF_COLLECTIONS
    if namespace and not namespaced and not one_namespace:
        return False
    # The authorizer does not know the name of an object that is created. A subresource, such as pods/eviction, is
    # created on an object that has a name.
    if part.names and part.verb in ("create", "deletecollection") and "/" not in part.resource:
        return part.verb != "create"
    return part.verb == "*" or part.verb in verbs
