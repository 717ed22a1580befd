"""The question an authorizer answers, and its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class User:
    """Who the server took the caller for.

    Args:
        name: The user name, such as ``system:serviceaccount:kikai:default``.
        groups: Group names, in the order the authenticator gave them.
        uid: Unique id of the account, empty for most certificates.
        extra: Further facts, such as the credential's id.
    """

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Attributes(NamedTuple):
    """Who wants to do what to what.

    Args:
        user: Who asks.
        verb: ``get``, ``list``, …; for paths the HTTP method in lower case.
        group: API group of the resource.
        version: API version; no rule looks at it.
        resource: Plural of the resource, empty for a path.
        subresource: Such as ``exec``.
        namespace: Empty for cluster-scoped questions.
        name: The object's name, empty for all.
        path: The URL path, for non-resource questions.
        non_resource: A path is asked for, even if it is empty.
        fields: Fields of which a selector wants exactly one value; no rule looks at them.
    """

    user: User
    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""
    non_resource: bool = False
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def is_resource(self) -> bool:
        """Whether a resource is asked for, and not a path."""
        return not (self.path or self.non_resource)


class Decision(NamedTuple):
    """An authorizer's answer. Nothing denies: what no rule allows is not allowed.

    Args:
        allowed: Whether a rule allowed it.
        reason: Which rule did, as the audit event tells it; or what went wrong on the way, such
            as a binding to a missing role.
    """

    allowed: bool
    reason: str = ""


ALLOWED = Decision(True)


NO_OPINION = Decision(False)


Authorizer = Callable[[Attributes], Decision]
