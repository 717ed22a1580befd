"""The identity in a service-account token."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from kube_embedded.rbac.attributes import User

from ...machinery.request import Object

Lookup = Callable[[str, str, str], Object | None]
"""(plural of a core resource, namespace, name) to the object."""


class TokenIdentity(NamedTuple):
    """The account in a token, without ``system:authenticated``, and the requested audiences that it has."""

    user: User
    audiences: tuple[str, ...]
    annotations: Mapping[str, str] = MappingProxyType({})
    warnings: tuple[str, ...] = ()
