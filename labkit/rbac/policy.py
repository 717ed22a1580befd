"""A cluster's RBAC objects, read once through the API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Protocol

from kube_embedded.rbac.attributes import User
from kube_embedded.rbac.bindings import Grant, rules_for
from kube_embedded.rbac.objects import (
    GROUP,
    Object,
    is_default,
    kind_of,
    name_of,
    namespace_of,
    role_key,
)
from kube_embedded.rbac.subjects import short_name, subject_key, subject_matches

RBAC_PATH = f"/apis/{GROUP}/v1"


class Reply(Protocol):
    """The part of an API's response that is needed here."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def body(self) -> Any:
        """Decoded JSON."""

    @property
    def message(self) -> str:
        """The Status object's message, empty for a success."""


class Api(Protocol):
    """A caller with permission to read RBAC objects and to create access reviews."""

    def get(self, path: str) -> Reply:
        """Read a path."""

    def post(self, path: str, body: object) -> Reply:
        """Send an object to a path."""

    def ask_all(self, path: str, bodies: Sequence[object]) -> Sequence[tuple[int, Any]]:
        """Post many reviews; status and body of each answer, in their order."""


class PolicyUnreadable(Exception):
    """The caller has no permission to read the objects that the explanation needs."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(
            f"The RBAC objects at {path} could not be read: {message} "
            "Explain with a caller who may list roles and bindings, such as lab.admin."
        )
        self.path = path
        self.message = message


@dataclass(frozen=True)
class Policy:
    """All roles and bindings of a cluster.

    Args:
        roles: By (kind, namespace, name); cluster roles have an empty namespace.
        bindings: Cluster role bindings first, each as the API has it.
    """

    roles: dict[tuple[str, str, str], Object]
    bindings: tuple[Object, ...]

    @classmethod
    def of(cls, objects: Iterable[Object]) -> Policy:
        """The policy that some roles and bindings are; they have a ``kind``, as ``objects`` has them."""
        given = list(objects)
        # A role and a binding can have the same name; only bindings have a roleRef.
        roles = {
            (obj["kind"], namespace_of(obj), name_of(obj)): obj
            for obj in given
            if "roleRef" not in obj
        }
        return cls(roles, tuple(obj for obj in given if "roleRef" in obj))

    def objects(self) -> Iterator[Object]:
        """Yield the fields of roles and bindings that affect decisions, to be stored as JSON."""
        for (kind, _namespace, _name), role in self.roles.items():
            yield {"kind": kind, "metadata": _identity(role), "rules": role.get("rules") or []}
        for binding in self.bindings:
            kept = {key: binding.get(key) for key in ("roleRef", "subjects")}
            yield {"kind": kind_of(binding), "metadata": _identity(binding), **kept}

    def role_of(self, binding: Object) -> Object | None:
        """The role a binding refers to, None if it does not exist."""
        return self.roles.get(role_key(binding))

    def bindings_of(self, user: User) -> Iterator[Object]:
        """The bindings that name a user, or one of the user's groups."""
        for binding in self.bindings:
            if any(
                subject_matches(entry, user, namespace_of(binding))
                for entry in binding.get("subjects") or ()
            ):
                yield binding

    def subjects(self, *, defaults: bool = True) -> set[str]:
        """The short names of the users and service accounts that bindings name, such as ``kikai/default``.

        With ``defaults``, the bindings that every cluster has count too.
        """
        return {
            short_name(entry, namespace_of(binding))
            for binding in self.bindings
            if defaults or not is_default(binding)
            for entry in binding.get("subjects") or ()
            if entry["kind"] != "Group"
        }

    def rules_for(self, user: User, namespace: str) -> Iterator[Grant]:
        """Every rule that reaches a user; see ``bindings.rules_for``."""
        return rules_for(user, namespace, partial(self._list_bindings, user), self._get_role)

    @cached_property
    def _by_subject(self) -> dict[tuple[str, str, str], list[int]]:
        """The positions of the bindings by their namespace, and by the kind and name of each subject."""
        positions: dict[tuple[str, str, str], list[int]] = {}
        # A walk over all bindings for each question is too slow for wrong policies, which are asked thousands of
        # questions, so bindings are indexed by subject.
        for position, binding in enumerate(self.bindings):
            namespace = namespace_of(binding)
            for kind, name in dict.fromkeys(
                subject_key(subject, namespace) for subject in binding.get("subjects") or ()
            ):
                positions.setdefault((namespace, kind, name), []).append(position)
        return positions

    def _list_bindings(self, user: User, _plural: str, namespace: str) -> list[Object]:
        keys = [("User", user.name), *(("Group", group) for group in user.groups)]
        found = {
            position for key in keys for position in self._by_subject.get((namespace, *key), ())
        }
        # Sorted, because the order of bindings decides which of several grants is named.
        return [self.bindings[position] for position in sorted(found)]

    def _get_role(self, plural: str, namespace: str, name: str) -> Object | None:
        return self.roles.get(("Role" if plural == "roles" else "ClusterRole", namespace, name))


def _identity(obj: Object) -> Object:
    return {
        key: value
        for key, value in obj["metadata"].items()
        if key in ("name", "namespace", "labels")
    }


def read_policy(api: Api, namespace: str = "") -> Policy:
    """Read the roles and bindings of the cluster.

    Args:
        api: A caller with permission to list them.
        namespace: For a caller without permission to list the whole cluster's, read only this namespace's.

    Raises:
        PolicyUnreadable: The caller has permission for neither.
    """
    # On a shared cluster a learner can read only the policy of their own namespaces. A partial explanation is
    # better than none.
    try:
        return _read_all(api)
    except PolicyUnreadable:
        if not namespace:
            raise
    inside = f"namespaces/{namespace}"
    roles = {
        ("Role", namespace_of(role), name_of(role)): role for role in _list(api, f"{inside}/roles")
    }
    return Policy(roles, tuple(_list(api, f"{inside}/rolebindings")))


def _read_all(api: Api) -> Policy:
    kinds = (("clusterroles", "ClusterRole"), ("roles", "Role"))
    roles = {
        (kind, namespace_of(role), name_of(role)): role
        for plural, kind in kinds
        for role in _list(api, plural)
    }
    return Policy(roles, (*_list(api, "clusterrolebindings"), *_list(api, "rolebindings")))


def _list(api: Api, plural: str) -> list[Object]:
    path = f"{RBAC_PATH}/{plural}"
    reply = api.get(path)
    if reply.status != 200:
        raise PolicyUnreadable(path, reply.message)
    # The items of a list carry no kind, so readers take it from the plural that they asked for.
    return list(reply.body["items"])
