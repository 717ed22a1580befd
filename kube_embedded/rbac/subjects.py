"""Subjects: of bindings, and of questions about access."""

from dataclasses import dataclass

from .attributes import User
from .objects import GROUP, Object

ACCOUNT_PREFIX = "system:serviceaccount:"
MASTERS = "system:masters"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
ANONYMOUS = "system:anonymous"
"""The user name of a request without a credential."""


def account_user(namespace: str, name: str) -> str:
    """The user name of a service account."""
    return f"{ACCOUNT_PREFIX}{namespace}:{name}"


def account_groups(namespace: str) -> tuple[str, ...]:
    """The groups of a namespace's service accounts, without ``system:authenticated``."""
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject whose access is examined.

    Args:
        user: The user name, in the server's form.
        groups: The groups, in the server's form.
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
        return {"kind": "User", "apiGroup": GROUP, "name": self.user}

    @property
    def kubectl_flag(self) -> str:
        """How ``kubectl create rolebinding`` names it."""
        if self.account:
            return f"--serviceaccount={':'.join(self.account)}"
        return f"--user={self.user}"


def subject(who: str, groups: tuple[str, ...] | None = None) -> Subject:
    """Return a subject from a short name.

    Args:
        who: ``kikai/default`` for a service account, else a user name.
        groups: The groups; None for the groups that the server adds to such a user.
    """
    # People write an account as kubectl's messages do, with a slash. The flag --serviceaccount has a colon, which
    # user names have as well.
    if not who.startswith(ACCOUNT_PREFIX) and "/" in who:
        who = account_user(*who.split("/", 1))
    # Explicit groups are not completed: a certificate can name any groups, also the ones of service accounts.
    return _with_server_groups(who) if groups is None else Subject(who, groups)


def _with_server_groups(user: str) -> Subject:
    account = Subject(user).account
    if account is not None:
        return Subject(user, (*account_groups(account[0]), AUTHENTICATED))
    return Subject(user, (UNAUTHENTICATED if user == ANONYMOUS else AUTHENTICATED,))


def subject_matches(entry: Object, user: User, namespace: str) -> bool:
    """Return whether a binding's subject is this user.

    Source: k8s.io/kubernetes ``pkg/registry/rbac/validation/rule.go``, ``appliesToUser``.

    Args:
        entry: A User, Group or ServiceAccount subject.
        user: The user who makes the request.
        namespace: The binding's own; a ServiceAccount without a namespace is in it.
    """
    # An account without a namespace is one of the binding's own. A ClusterRoleBinding has none, so such a subject
    # matches no user (appliesToUser).
    kind, name = subject_key(entry, namespace)
    return name in user.groups if kind == "Group" else (kind, name) == ("User", user.name)


def subject_key(entry: Object, namespace: str) -> tuple[str, str]:
    """Return the users that a binding's subject matches: ("User", name), or ("Group", name); ("", "") for none.

    Args:
        entry: A User, Group or ServiceAccount subject.
        namespace: The binding's own; a ServiceAccount without a namespace is in it.
    """
    kind = str(entry.get("kind"))
    name = str(entry.get("name", ""))
    if kind in ("User", "Group"):
        return kind, name
    home = subject_namespace(entry, namespace)
    return ("User", account_user(home, name)) if home else ("", "")


def member(entry: Object, namespace: str) -> Subject:
    """Return the subject of a binding, with the groups that the server adds; for a group, a member without a name.

    Args:
        entry: A subject.
        namespace: The binding's own.
    """
    name = str(entry.get("name"))
    home = subject_namespace(entry, namespace)
    # A member of an account's group also has the groups that the server adds to every account; without them, what
    # it holds through these would look like an excess.
    if entry.get("kind") == "Group":
        home = name.partition("system:serviceaccounts:")[2]
        known = UNAUTHENTICATED if name == UNAUTHENTICATED else AUTHENTICATED
        return Subject("", (name, *(account_groups(home) if home else ()), known))
    return _with_server_groups(account_user(home, name) if home else name)


def subject_namespace(entry: Object, namespace: str) -> str:
    """The namespace of a binding's subject, empty for users and groups.

    Args:
        entry: A subject.
        namespace: The binding's own.
    """
    return (entry.get("namespace") or namespace) if entry.get("kind") == "ServiceAccount" else ""


def short_name(entry: Object, namespace: str) -> str:
    """A binding's subject as ``subject`` reads it: ``kikai/default`` for a service account, else its name.

    Args:
        entry: A subject.
        namespace: The binding's own.
    """
    home = subject_namespace(entry, namespace)
    return f"{home}/{entry.get('name')}" if home else str(entry.get("name"))


def subject_title(entry: Object, namespace: str) -> str:
    """A binding's subject in words: ``ServiceAccount kikai/default``, ``Group dev``.

    Args:
        entry: A subject.
        namespace: The binding's own.
    """
    return f"{entry['kind']} {short_name(entry, namespace)}"
