"""An authorizer's question and answer.

Source: k8s.io/apiserver ``pkg/authorization/authorizer``, ``pkg/authentication/user``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class User:
    """The identity of a caller, as authentication found it.

    Args:
        name: The user name, such as ``system:serviceaccount:kikai:default``.
        groups: Group names, in the authenticator's order.
        uid: Unique id of the account, empty for most certificates.
        extra: Further facts, such as the credential's id.
    """

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Attributes(NamedTuple):
    """A request, as an authorizer sees it: who wants to do what to what.

    Args:
        user: The caller.
        verb: ``get``, ``list``, …; for paths the HTTP method in lower case.
        group: API group of the resource.
        version: API version; no rule depends on it.
        resource: Plural of the resource, empty for a path.
        subresource: Such as ``exec``.
        namespace: Empty for cluster-scoped questions.
        name: The object's name, empty for all.
        path: The URL path, for non-resource questions.
        non_resource: Whether the request is for a path even if ``path`` is empty.
        fields: Fields for which a selector requires exactly one value; no rule depends on them.
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
        """Return whether the request is for a resource, not a path."""
        return not (self.path or self.non_resource)

    @property
    def full_resource(self) -> str:
        """The resource with its subresource: ``pods/exec``."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


def qualified(group: str, resource: str) -> str:
    """A resource with its group: ``deployments.apps/scale``."""
    plural, slash, part = resource.partition("/")
    return f"{plural}{'.' if group else ''}{group}{slash}{part}"


class Decision(NamedTuple):
    """An authorizer's answer: allowed, or no opinion. No authorizer denies.

    Args:
        allowed: True if a rule allows it.
        reason: The rule, as in the audit event; or a problem of the policy, such as a binding to a missing role.
    """

    allowed: bool
    reason: str = ""


ALLOWED = Decision(True)
NO_OPINION = Decision(False)

Authorizer = Callable[[Attributes], Decision]
