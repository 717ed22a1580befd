"""The groups that everyone is in: those who showed who they are, and those who did not.

Source: k8s.io/apiserver ``pkg/authentication/group``, ``pkg/authentication/request/anonymous``.
"""

from __future__ import annotations

from labkit.rbac.attributes import User

AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
ANONYMOUS = User("system:anonymous", (UNAUTHENTICATED,))
"""Who shows no credential."""


def authenticated(user: User) -> User:
    """The user as a member of ``system:authenticated``."""
    if AUTHENTICATED in user.groups:
        return user
    return User(user.name, (*user.groups, AUTHENTICATED), user.uid, user.extra)
