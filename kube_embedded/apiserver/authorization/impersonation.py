"""Impersonation: whether a caller is allowed to act as another user, and as which one.

Since 1.36 there are five modes, tried in order until one allows it: as the node that the
caller's pod runs on, as any node, as a service account, as a plain user (each requires
``impersonate-on:<mode>:<verb>`` on the request itself and then ``impersonate:<mode>`` on
the other user), and last the legacy mode, which requires ``impersonate`` on users, groups,
uids and extra fields one by one. A refused caller reads the refusal of the first mode that
applies.

Source: k8s.io/apiserver ``pkg/endpoints/filters/impersonation``; KEP 5284.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from kube_embedded.rbac.attributes import Attributes, Authorizer, User
from kube_embedded.rbac.subjects import (
    ANONYMOUS,
    AUTHENTICATED,
    MASTERS,
    UNAUTHENTICATED,
    account_groups,
)

from ...machinery.golang.quote import go_quote
from ...machinery.request import Request
from ...machinery.status import ApiError
from .refusal import NO_SNIFF, refusal

AUTHENTICATION = "authentication.k8s.io"
EXTRA_PREFIX = "impersonate-extra-"
MAX_CALLERS = 10_000
"""Callers whose last successful mode is kept."""
MANY = 4
"""From this many groups or extra values on, a permission for all (``*``) is asked for first."""

_DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_PATH = re.compile(r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+")


SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'example.com'"
)


@dataclass(frozen=True, slots=True)
class Impersonation:
    """The user that a request continues as, and the verb that allowed it: empty for the legacy mode."""

    user: User
    constraint: str = ""


def requested_user(request: Request) -> User | None:
    """Return the user that the ``Impersonate-*`` headers name, without derived groups; None without such headers.

    Raises:
        ApiError: 400: a group, uid or extra field without a user name.
    """
    headers = request.headers
    name = headers.get("impersonate-user", "")
    uid = headers.get("impersonate-uid", "")
    groups = _values(request, "impersonate-group")
    extra: dict[str, tuple[str, ...]] = {}
    for header in headers:
        if header.startswith(EXTRA_PREFIX):
            key = unquote(header.removeprefix(EXTRA_PREFIX))
            extra[key] = (*extra.get(key, ()), *_values(request, header))
    requested = User(name, groups, uid, extra)
    if not name and (uid or groups or extra):
        raise ApiError(
            400,
            "BadRequest",
            f"requested {_go_syntax(requested)} without impersonating a user name",
            None,
            NO_SNIFF,
        )
    return requested if name else None


class Impersonator:
    """Decides about impersonation, with an authorizer's decision on each permission that it requires."""

    def __init__(self, authorize: Authorizer) -> None:
        self._authorize = authorize
        self._last_mode: dict[str, int] = {}

    def __call__(self, requested: User, question: Attributes) -> Impersonation:
        """The impersonation, if it is allowed.

        The mode that last succeeded for a caller is tried first. A 403 comes from the first that was tried and applies.
        """
        requestor = question.user
        order = list(range(len(MODES)))
        last = self._last_mode.get(requestor.name)
        # Most callers impersonate in one way only, and each attempt costs several decisions.
        if last is not None:
            order.remove(last)
            order.insert(0, last)
        first: ApiError | None = None
        for position in order:
            mode = MODES[position]
            if not mode.applies(requested, requestor):
                continue
            try:
                impersonation = mode.check(requested, question, self._authorize)
            except ApiError as error:
                first = first or error
                continue
            if len(self._last_mode) >= MAX_CALLERS:
                self._last_mode.clear()
            self._last_mode[requestor.name] = position
            return impersonation
        assert first is not None, "the legacy mode always applies"
        raise first


@dataclass(frozen=True, slots=True)
class _Mode:
    """One of the ways to impersonate, named as in its verbs; ``applies`` is called with (requested user, caller)."""

    name: str
    applies: Callable[[User, User], bool]

    def check(self, requested: User, question: Attributes, authorize: Authorizer) -> Impersonation:
        if not self.name:
            for part in _legacy_questions(requested, question.user):
                _must_be_allowed(part, authorize)
            return Impersonation(_impersonated(requested, constrained=False))
        on_request = question._replace(verb=f"impersonate-on:{self.name}:{question.verb}")
        verb = f"impersonate:{self.name}"
        if self.name == "associated-node":
            requestor = User(question.user.name, question.user.groups, question.user.uid)
            _must_be_allowed(on_request._replace(user=requestor), authorize)
            _must_be_allowed(
                Attributes(requestor, verb, AUTHENTICATION, "v1", "nodes", name="*"), authorize
            )
        else:
            _must_be_allowed(on_request, authorize)
            _check_constrained(requested, question.user, verb, authorize)
        return Impersonation(_impersonated(requested, constrained=True), verb)


def _only_name(requested: User) -> bool:
    return not (requested.uid or requested.groups or requested.extra)


def _associated(requested: User, requestor: User) -> bool:
    node = node_name(requested.name)
    return (
        _only_name(requested)
        and node is not None
        and service_account(requestor.name) is not None
        and requestor.extra.get("authentication.kubernetes.io/node-name") == (node,)
    )


MODES = (
    _Mode("associated-node", _associated),
    _Mode("arbitrary-node", lambda user, _: _only_name(user) and node_name(user.name) is not None),
    _Mode(
        "serviceaccount",
        lambda user, _: _only_name(user) and service_account(user.name) is not None,
    ),
    _Mode(
        "user-info",
        lambda user, _: node_name(user.name) is None and service_account(user.name) is None,
    ),
    _Mode("", lambda _user, _caller: True),
)
"""The modes, in the order in which they are tried."""


def service_account(user: str) -> tuple[str, str] | None:
    """Return namespace and name of the service account with a user name; None for other user names."""
    prefix, _, rest = user.partition("system:serviceaccount:")
    namespace, _, name = rest.partition(":")
    if prefix:
        return None
    if len(namespace) > 63 or not _DNS_LABEL.fullmatch(namespace):
        return None
    if len(name) > 253 or not _DNS_SUBDOMAIN.fullmatch(name):
        return None
    return namespace, name


def node_name(user: str) -> str | None:
    """Return the name of the node with a user name; None for other user names."""
    prefix, _, name = user.partition("system:node:")
    if prefix or len(name) > 253 or not _DNS_SUBDOMAIN.fullmatch(name):
        return None
    return name


def _impersonated(requested: User, *, constrained: bool) -> User:
    groups = requested.groups
    account = service_account(requested.name)
    if constrained and node_name(requested.name) is not None:
        groups = ("system:nodes",)
    elif account is not None and not groups:
        groups = account_groups(account[0])
    if requested.name == ANONYMOUS:
        missing = UNAUTHENTICATED
    elif UNAUTHENTICATED in groups:
        missing = ""
    else:
        missing = AUTHENTICATED
    if missing and missing not in groups:
        groups = (*groups, missing)
    return User(requested.name, groups, requested.uid, requested.extra)


def _legacy_questions(requested: User, requestor: User) -> Iterator[Attributes]:
    account = service_account(requested.name)
    if account is not None:
        namespace, name = account
        yield Attributes(requestor, "impersonate", "", "v1", "serviceaccounts", "", namespace, name)
    else:
        yield Attributes(requestor, "impersonate", "", "v1", "users", name=requested.name)
    if requested.uid:
        yield Attributes(requestor, "impersonate", AUTHENTICATION, "v1", "uids", name=requested.uid)
    for group in requested.groups:
        yield Attributes(requestor, "impersonate", "", "v1", "groups", name=group)
    for key, values in requested.extra.items():
        for value in values:
            yield Attributes(
                requestor, "impersonate", AUTHENTICATION, "v1", "userextras", key, name=value
            )


def _check_constrained(requested: User, requestor: User, verb: str, authorize: Authorizer) -> None:
    def part(
        resource: str, name: str = "", namespace: str = "", subresource: str = ""
    ) -> Attributes:
        return Attributes(
            requestor, verb, AUTHENTICATION, "v1", resource, subresource, namespace, name
        )

    node = node_name(requested.name)
    account = service_account(requested.name)
    if node is not None:
        _must_be_allowed(part("nodes", node), authorize)
    elif account is not None:
        _must_be_allowed(part("serviceaccounts", account[1], account[0]), authorize)
    else:
        _must_be_allowed(part("users", requested.name), authorize)
    if requested.uid:
        _must_be_allowed(part("uids", requested.uid), authorize)
    if "" in requested.groups:
        raise refusal(part("groups"), "impersonating the empty string group is not allowed")
    if MASTERS in requested.groups:
        raise refusal(
            part("groups", MASTERS), "impersonating the system:masters group is not allowed"
        )
    if len(requested.groups) < MANY or not authorize(part("groups", "*")).allowed:
        for group in requested.groups:
            _must_be_allowed(part("groups", group), authorize)
    wrong = _extra_error(requested.extra)
    if wrong:
        raise refusal(part("userextras"), wrong)
    values = [(key, value) for key, held in requested.extra.items() for value in held]
    if len(values) < MANY or not authorize(part("userextras", "*", subresource="*")).allowed:
        for key, value in values:
            _must_be_allowed(part("userextras", value, subresource=key), authorize)


def _extra_error(extra: Mapping[str, tuple[str, ...]]) -> str:
    for key, values in extra.items():
        if not key:
            return "impersonating the empty string key in extra is not allowed"
        wrong = _path_errors(key)
        if wrong:
            text = wrong[0] if len(wrong) == 1 else f"[{', '.join(wrong)}]"
            return f"impersonating an invalid key in extra is not allowed: {text}"
        if key != key.lower():
            return f"impersonating a non-lowercase key in extra is not allowed: {go_quote(key)}"
        if not values:
            return "impersonating empty values in extra is not allowed"
        if "" in values:
            return "impersonating the empty string value in extra is not allowed"
    return ""


def _path_errors(key: str) -> list[str]:
    """The problem of a key that must be a path after a domain."""
    domain, _, path = key.partition("/")
    if not domain or not path:
        return [
            f'extra.key: Invalid value: {go_quote(key)}: must be a domain-prefixed path (such as "acme.io/foo")'
        ]
    wrong = []
    if len(domain) > 253:
        wrong.append((domain, "must be no more than 253 bytes"))
    if not _DNS_SUBDOMAIN.fullmatch(domain):
        wrong.append(
            (domain, f"{SUBDOMAIN_RULE}, regex used for validation is '{_DNS_SUBDOMAIN.pattern}')")
        )
    if not _PATH.fullmatch(path):
        wrong.append((path, f"Invalid path (regex used for validation is '{_PATH.pattern}')"))
    return [f"extra.key: Invalid value: {go_quote(part)}: {why}" for part, why in wrong]


def _must_be_allowed(question: Attributes, authorize: Authorizer) -> None:
    decision = authorize(question)
    if not decision.allowed:
        raise refusal(question, decision.reason)


def _values(request: Request, header: str) -> tuple[str, ...]:
    values = request.header_values.get(header)
    if values is not None:
        return tuple(values)
    value = request.headers.get(header)
    return () if value is None else (value,)


def _go_syntax(user: User) -> str:
    """Return a user as Go prints the struct (``%#v``), for the message of a 400."""
    groups = (
        f"[]string{{{', '.join(map(go_quote, user.groups))}}}" if user.groups else "[]string(nil)"
    )
    extra = "map[string][]string(nil)"
    if user.extra:
        pairs = [
            f"{go_quote(key)}:[]string{{{', '.join(map(go_quote, values))}}}"
            for key, values in sorted(user.extra.items())
        ]
        extra = f"map[string][]string{{{', '.join(pairs)}}}"
    return f"&user.DefaultInfo{{Name:{go_quote(user.name)}, UID:{go_quote(user.uid)}, Groups:{groups}, Extra:{extra}}}"
