"""A cluster's RBAC objects, read once through the API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from labkit.rbac.attributes import User
from labkit.rbac.bindings import subject_matches

Object = dict[str, Any]

RBAC_PATH = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
ACCOUNT_PREFIX = "system:serviceaccount:"


class Reply(Protocol):
    """What an API answered: as much as is needed here."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def body(self) -> Any:
        """Decoded JSON."""

    @property
    def message(self) -> str:
        """The Status object's message, empty for a success."""


class Reader(Protocol):
    """A caller who may read RBAC objects."""

    def get(self, path: str) -> Reply:
        """Read a path."""


class Poster(Protocol):
    """A caller who may ask for one access review."""

    def post(self, path: str, body: object) -> Reply:
        """Send an object to a path."""


class Api(Reader, Protocol):
    """A caller who may read RBAC objects and ask for many access reviews."""

    def ask_all(self, path: str, bodies: Sequence[object]) -> Sequence[tuple[int, Any]]:
        """Post many reviews; status and body of each answer, in their order."""


class Unreadable(Exception):
    """The caller may not read what the explanation needs.

    Args:
        path: What was asked for.
        message: What the server said.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(
            f"The RBAC objects at {path} could not be read: {message} "
            "Explain with a caller who may list roles and bindings, such as lab.admin."
        )
        self.path = path
        self.message = message


class Unanswered(Unreadable):
    """The caller may not ask the server what somebody may do.

    Args:
        status: The HTTP status of the refusal.
        message: What the server said.
    """

    def __init__(self, status: int, message: str) -> None:
        Exception.__init__(
            self,
            f"The server did not answer an access review ({status}): {message} "
            "Ask with a caller who may create SubjectAccessReviews, such as lab.admin.",
        )
        self.path, self.message = REVIEWS, message


@dataclass(frozen=True, slots=True)
class Subject:
    """Someone whose access is looked at.

    Args:
        user: The user name, as the server takes it.
        groups: The groups, as the server puts them.
    """

    user: str
    groups: tuple[str, ...] = ()

    @property
    def account(self) -> tuple[str, str] | None:
        """(namespace, name) of a service account, None for others."""
        if not self.user.startswith(ACCOUNT_PREFIX):
            return None
        namespace, _, name = self.user.removeprefix(ACCOUNT_PREFIX).partition(":")
        return namespace, name

    @property
    def label(self) -> str:
        """``kikai/default`` for a service account, else the user name."""
        return "/".join(self.account) if self.account else self.user

    def as_user(self) -> User:
        """The same, as an authorizer sees it."""
        return User(self.user, self.groups)

    def as_binding_subject(self) -> Object:
        """An entry for a binding's ``subjects``."""
        if self.account:
            namespace, name = self.account
            return {"kind": "ServiceAccount", "name": name, "namespace": namespace}
        return {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": self.user}

    @property
    def kubectl_flag(self) -> str:
        """How ``kubectl create rolebinding`` names it."""
        if self.account:
            return f"--serviceaccount={':'.join(self.account)}"
        return f"--user={self.user}"


def subject(who: str, groups: tuple[str, ...] | None = None) -> Subject:
    """A subject from a short name.

    Args:
        who: ``kikai/default`` for a service account, else a user name.
        groups: The groups; None for those the server gives such a user.
    """
    account = who.removeprefix(ACCOUNT_PREFIX).partition(":")[::2] if who.startswith(ACCOUNT_PREFIX) else None
    if account is None and "/" in who:
        namespace, _, name = who.partition("/")
        account = (namespace, name)
    if account is not None:
        namespace, name = account
        own = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
        return Subject(f"{ACCOUNT_PREFIX}{namespace}:{name}", own if groups is None else groups)
    default = ("system:unauthenticated",) if who == "system:anonymous" else ("system:authenticated",)
    return Subject(who, default if groups is None else groups)


@dataclass(frozen=True)
class Policy:
    """All roles and bindings of a cluster.

    Args:
        roles: By (kind, namespace, name); cluster roles have an empty namespace.
        bindings: Cluster role bindings first, each as the API has it.
    """

    roles: dict[tuple[str, str, str], Object]
    bindings: tuple[Object, ...]

    def role_of(self, binding: Object) -> Object | None:
        """The role a binding names, None if it does not exist."""
        ref = binding["roleRef"]
        namespace = "" if ref["kind"] == "ClusterRole" else namespace_of(binding)
        return self.roles.get((ref["kind"], namespace, ref["name"]))

    def bindings_of(self, who: Subject) -> Iterator[Object]:
        """The bindings that name a subject, itself or one of its groups."""
        user = who.as_user()
        for binding in self.bindings:
            if any(subject_matches(entry, user, namespace_of(binding)) for entry in binding.get("subjects") or ()):
                yield binding


def namespace_of(obj: Object) -> str:
    """An object's namespace, empty for cluster-scoped ones."""
    return str(obj["metadata"].get("namespace") or "")


def kind_of(binding: Object) -> str:
    """``RoleBinding`` or ``ClusterRoleBinding``."""
    return "RoleBinding" if namespace_of(binding) else "ClusterRoleBinding"


def is_default(obj: Object) -> bool:
    """Whether an object says of itself that every cluster has it."""
    return "kubernetes.io/bootstrapping" in (obj["metadata"].get("labels") or {})


def name_of(obj: Object) -> str:
    """An object's name."""
    return str(obj["metadata"]["name"])


def read_policy(api: Reader, *, defaults: bool = True) -> Policy:
    """Read the roles and bindings of the cluster.

    Args:
        api: A caller who may list them in all namespaces.
        defaults: False leaves out the bindings that every cluster has, and of the roles
            that every cluster has those that nobody else is bound to.

    Raises:
        Unreadable: They may not.
    """
    query = "" if defaults else "?labelSelector=%21kubernetes.io%2Fbootstrapping"
    roles: dict[tuple[str, str, str], Object] = {}
    for plural, kind in (("clusterroles", "ClusterRole"), ("roles", "Role")):
        for role in _list(api, plural, query):
            roles[kind, namespace_of(role), name_of(role)] = role
    bindings = (*_list(api, "clusterrolebindings", query), *_list(api, "rolebindings", query))
    for binding in () if defaults else bindings:
        ref = binding["roleRef"]
        if ref["kind"] == "ClusterRole" and ("ClusterRole", "", ref["name"]) not in roles:
            reply = api.get(f"{RBAC_PATH}/clusterroles/{ref['name']}")
            if reply.status == 200:
                roles["ClusterRole", "", ref["name"]] = reply.body
    return Policy(roles, bindings)


def _list(api: Reader, plural: str, query: str) -> list[Object]:
    path = f"{RBAC_PATH}/{plural}{query}"
    reply = api.get(path)
    if reply.status != 200:
        raise Unreadable(path, reply.message)
    return list(reply.body["items"])
