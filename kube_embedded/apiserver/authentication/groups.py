"""The groups of all authenticated and of all anonymous callers.

Source: k8s.io/apiserver ``pkg/authentication/group``, ``pkg/authentication/request/anonymous``.
"""

from kube_embedded.rbac.attributes import User
from kube_embedded.rbac.subjects import AUTHENTICATED, subject

ANONYMOUS = subject("system:anonymous").as_user()
"""The user of a request without a credential."""


def authenticated(user: User) -> User:
    """The user as a member of ``system:authenticated``."""
    if AUTHENTICATED in user.groups:
        return user
    return User(user.name, (*user.groups, AUTHENTICATED), user.uid, user.extra)
