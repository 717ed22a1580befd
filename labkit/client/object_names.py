"""Names of pods and service accounts as learners write them, and accounts that do not exist."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from labkit.core.arguments import describe
from labkit.core.errors import UsageError, near
from labkit.core.language import text

if TYPE_CHECKING:
    from .client import Client

# ServiceAccountUsernamePrefix in k8s.io/apiserver/pkg/authentication/serviceaccount/util.go.
ACCOUNT_PREFIX = "system:serviceaccount:"
"""The beginning of a service account's user name."""

NAMES = text(
    "names are small letters, digits, dashes and dots, and a slash stands between namespace and name"
)
"""The rules for names, for errors."""

NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
"""A name of an object.

Source: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
"""

KINDS = frozenset({"pod", "pods", "po", "sa", "serviceaccount", "serviceaccounts"})
"""The kinds that kubectl accepts before a slash, and labkit does not."""


def pod_name(name: str) -> str:
    """Return a pod's or account's full name.

    Args:
        name: ``namespace/name``, or the name alone in the namespace ``default``.

    Returns:
        ``namespace/name``.

    Raises:
        UsageError: When it is neither.
    """
    namespace, _, rest = name.strip().rpartition("/")
    # A name with an empty namespace, such as /curl, is refused below rather than put into default.
    namespace = "default" if name.strip() == rest else namespace
    if NAME.fullmatch(namespace) and NAME.fullmatch(rest):
        return f"{namespace}/{rest}"
    todo = text("Write namespace/name, such as `kikai/test`.")
    if meant := _meant(name):
        todo = text("Write {name}.", meant)
    raise UsageError(text("{value} is no name.", describe(name)), why=NAMES, todo=todo)


def pod_path(pod: str) -> str:
    """Return the path of a pod, by its name as in ``pod_name``."""
    namespace, _, name = pod_name(pod).partition("/")
    return f"/api/v1/namespaces/{namespace}/pods/{name}"


def _meant(name: str) -> str:
    """Return the name meant by ``-n kikai test``, ``kikai test`` or ``kikai:default``; empty for other texts."""
    text = name.strip().removeprefix(ACCOUNT_PREFIX)
    option = re.search(r"(?:^|\s)(?:-n[=\s]*|--namespace[=\s]\s*)(\S+)", text)
    rest = text.replace(option[0], " ") if option else text
    words = [*([option[1]] if option else []), *re.split(r"[\s:/]+", rest.strip())]
    words = [word for word in words if word not in KINDS]
    full = len(words) == 2 and all(NAME.fullmatch(word) for word in words)
    return f'"{words[0]}/{words[1]}"' if full else ""


def habit(name: str) -> str:
    """Return a hint if kubectl's kind is before the slash, as in ``pod/curl``; empty for other names."""
    kind, _, rest = name.partition("/")
    return (
        text('If you mean kubectl\'s "{name}", write "default/{rest}".', name, rest)
        if kind in KINDS
        else ""
    )


def missing_account(client: Client, namespace: str, name: str) -> str:
    """Report a service account that does not exist, and suggest a similar one.

    Args:
        client: A caller with the right to list service accounts.
        namespace: The account's namespace.
        name: Its name.

    Returns:
        Two sentences; empty if the account exists, or accounts cannot be listed.
    """
    # RBAC accepts subjects that do not exist, so a mistyped account is first noticed by its 403.
    namespace = client.names.namespace(namespace)
    answer = client.get("/api/v1/serviceaccounts")
    known = [f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in answer.items]
    # An empty list is also the answer of a server that refuses to list accounts.
    if not known or f"{namespace}/{name}" in known:
        return ""
    homes = sorted({name.partition("/")[0] for name in known})
    if namespace not in homes:
        return text("There is no namespace {namespace}. {hint}", namespace, near(namespace, homes))
    own = [name for name in known if name.startswith(f"{namespace}/")]
    elsewhere = [each for each in known if each.endswith(f"/{name}")]
    is_typo = get_close_matches(name, [name.partition("/")[2] for name in own])
    hint = (
        text('Did you mean "{name}"?', elsewhere[0])
        if elsewhere and not is_typo
        else near(f"{namespace}/{name}", own)
    )
    return text("There is no service account {account}. {hint}", f"{namespace}/{name}", hint)


def missing_user(client: Client, user: str) -> str:
    """Do the same as ``missing_account`` for a user name; empty for users that are not service accounts."""
    namespace, colon, name = user.removeprefix(ACCOUNT_PREFIX).partition(":")
    is_account = colon and user.startswith(ACCOUNT_PREFIX)
    return missing_account(client.without_observers(), namespace, name) if is_account else ""
