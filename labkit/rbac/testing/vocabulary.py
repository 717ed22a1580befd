"""The names allowed in questions: the resources and verbs of a cluster, its namespaces, and its users.

A negative question passes for any misspelling, because ``list podz`` is never allowed. So unknown names are errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import Any

from kube_embedded.files import read_json
from kube_embedded.rbac.attributes import qualified
from kube_embedded.rbac.objects import Object, is_default, name_of, namespace_of
from kube_embedded.rbac.subjects import (
    ANONYMOUS,
    AUTHENTICATED,
    UNAUTHENTICATED,
    short_name,
    subject_namespace,
)
from labkit.core.errors import UsageError, meant, near
from labkit.core.language import text
from labkit.core.yaml_file import read_yaml

from ..policy import Policy

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
"""The verbs of requests for resources."""

OF_COLLECTIONS = ("list", "watch", "create", "deletecollection")
"""Those whose requests name no object; of a ``create`` the authorizer does not know the name yet."""

PATH_VERBS = ("get", "head", "post", "put", "patch", "delete", "options")
"""The verbs of requests for paths: the methods in small letters."""

PATHS = (
    *(".well-known", "api", "apis", "debug", "flagz", "healthz", "livez"),
    *("logs", "metrics", "openapi", "openid", "readyz", "statusz", "version"),
)
"""How the paths that API servers serve begin."""

OF_EVERY_CLUSTER = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})

Resources = Mapping[tuple[str, str], tuple[bool, frozenset[str]]]
"""By API group and resource, such as ``pods/log``: whether it is namespaced, and its verbs."""


@dataclass(frozen=True)
class Vocabulary:
    """The names allowed in questions.

    Args:
        resources: The resources of requests.
        namespaces: The namespaces.
        accounts: Service accounts, as ``namespace/name``.
        users: User names.
        groups: Groups, in addition to those of Kubernetes.
    """

    resources: Resources
    namespaces: frozenset[str] = OF_EVERY_CLUSTER
    accounts: frozenset[str] = frozenset()
    users: frozenset[str] = frozenset({ANONYMOUS})
    groups: frozenset[str] = frozenset(
        {AUTHENTICATED, UNAUTHENTICATED, "system:masters", "system:serviceaccounts"}
    )

    def declaring(
        self,
        *,
        resources: Mapping[tuple[str, str], bool] | None = None,
        namespaces: Iterable[str] = (),
        accounts: Iterable[str] = (),
        users: Iterable[str] = (),
        groups: Iterable[str] = (),
    ) -> Vocabulary:
        """The same and more; custom resources by group and plural, with whether they are namespaced."""
        custom: dict[tuple[str, str], tuple[bool, frozenset[str]]] = {}
        # A definition can serve status and scale; whether it does is not known here, and asking for more does no
        # harm.
        for (group, plural), namespaced in (resources or {}).items():
            custom[group, plural] = (namespaced, frozenset(VERBS))
            for part in ("status", "scale"):
                custom[group, f"{plural}/{part}"] = (
                    namespaced,
                    frozenset({"get", "patch", "update"}),
                )
        accounts = frozenset(accounts)
        return replace(
            self,
            resources={**self.resources, **custom},
            namespaces=self.namespaces.union(
                namespaces, (account.partition("/")[0] for account in accounts)
            ),
            accounts=self.accounts | accounts,
            users=self.users.union(users),
            groups=self.groups.union(groups),
        )

    def with_names_of(self, other: Vocabulary) -> Vocabulary:
        """The same, with the resources, namespaces, accounts, users and groups of another."""
        return replace(self, resources={**other.resources, **self.resources}).declaring(
            namespaces=other.namespaces,
            accounts=other.accounts,
            users=other.users,
            groups=other.groups,
        )

    def of(self, policy: Policy, objects: Iterable[Object] = ()) -> Vocabulary:
        """Return a vocabulary extended by a policy, and by namespaces, accounts and definitions among some objects.

        A rule can name custom resources whose definition is elsewhere. They are assumed to be namespaced.
        """
        objects = list(objects)
        custom: dict[tuple[str, str], bool] = {}
        for role in policy.roles.values():
            if not is_default(role):
                custom |= dict.fromkeys(self._custom(role), True)
        namespaces = {namespace for _, namespace, _ in policy.roles}
        accounts: list[str] = []
        named: dict[object, list[str]] = {"User": [], "Group": [], "ServiceAccount": accounts}
        for binding in policy.bindings:
            home = namespace_of(binding)
            namespaces.add(home)
            for entry in binding.get("subjects") or ():
                if entry.get("kind") != "ServiceAccount" or subject_namespace(entry, home):
                    named.get(entry.get("kind"), []).append(short_name(entry, home))
        for obj in objects:
            if obj.get("kind") == "Namespace":
                namespaces.add(name_of(obj))
            elif obj.get("kind") == "ServiceAccount":
                accounts.append(f"{namespace_of(obj) or 'default'}/{name_of(obj)}")
        return self.declaring(
            resources=custom | dict(_defined(objects)),
            namespaces=namespaces - {""},
            accounts=accounts,
            users=named["User"],
            groups=named["Group"],
        )

    def _custom(self, role: Object) -> Iterator[tuple[str, str]]:
        """Yield the resources of a role's rules that are in no known API group."""
        groups = {group for group, _ in self.resources}
        for rule in role.get("rules") or ():
            for group in rule.get("apiGroups") or ():
                if group not in groups and "." in group and "/" not in group:
                    names = (name.partition("/")[0] for name in rule.get("resources") or ())
                    yield from ((group, name) for name in names if "*" not in name)

    def strangers(self, rule: Mapping[str, Any]) -> Iterator[str]:
        """Yield the parts of a rule that match no request: ``verb lst``, ``resource pod``."""
        groups = rule.get("apiGroups") or ()
        resources = rule.get("resources") or ()
        verbs = {verb for _, known in self.resources.values() for verb in known}.union(
            PATH_VERBS, "*"
        )
        yield from (f"verb {verb}" for verb in rule.get("verbs") or () if verb not in verbs)
        # Without apiGroups a rule matches no resource: the server refuses it, kubectl --dry-run=client does not.
        if resources and not groups:
            yield "resources of a rule without apiGroups"
        for name in resources if "*" not in groups else ():
            if (
                "*" not in name
                and not any((group, name) in self.resources for group in groups)
                and groups
            ):
                yield f"resource {qualified(groups[0], name)}"

    def namespaced(self, group: str, resource: str) -> bool:
        """Return whether a known resource is namespaced."""
        return self.resources[group, resource][0]

    def has(self, verb: str, group: str, resource: str) -> bool:
        """Return whether there are requests with a verb for a resource."""
        known = self.resources.get((group, resource))
        return known is not None and verb in known[1]

    def check_resource(self, verb: str, group: str, resource: str) -> None:
        """Refuse an unknown resource or verb.

        Raises:
            UsageError: It is unknown; the message contains a suggestion.
        """
        shown = qualified(group, resource)
        if (group, resource) not in self.resources:
            known = [qualified(*key) for key in self.resources]
            # The right resource in another API group is a better guess than any similar name.
            groups = [qualified(*key) for key in self.resources if key[1] == resource]
            todo = meant(groups[0], groups) if groups else meant(shown, known)
            raise UsageError(
                text("There is no resource {name}.", shown),
                todo=todo or "Is it a custom resource? Declare it under resources.",
            )
        verbs = self.resources[group, resource][1]
        if verb not in verbs:
            raise UsageError(
                text("No request has the verb {verb} for {resource}.", verb, shown),
                todo=near(verb, sorted(verbs)),
            )

    def check_path(self, path: str) -> None:
        """Refuse a path that no API server serves; ``/`` is one.

        Raises:
            UsageError: It is unknown; the message contains a suggestion.
        """
        begin = path.strip("/").partition("/")[0]
        if begin and begin not in PATHS:
            raise UsageError(text("No API server serves {path}.", path), todo=near(begin, PATHS))

    def check_namespace(self, namespace: str) -> None:
        """Refuse an unknown namespace, with a suggestion."""
        _require("namespace", namespace, self.namespaces)

    def check_account(self, account: str) -> None:
        """Refuse a service account that there is not; each namespace has one named ``default``."""
        self.check_namespace(account.partition("/")[0])
        _require(
            "service account",
            account,
            {*self.accounts, *(f"{namespace}/default" for namespace in self.namespaces)},
        )

    def check_user(self, name: str) -> None:
        """Refuse a user that was not declared."""
        _require("user", name, self.users)

    def check_group(self, name: str) -> None:
        """Refuse a group that was not declared, and that is not one of Kubernetes' own."""
        _require(
            "group",
            name,
            {
                *self.groups,
                *(f"system:serviceaccounts:{namespace}" for namespace in self.namespaces),
            },
        )


def _defined(objects: Iterable[Object]) -> Iterator[tuple[tuple[str, str], bool]]:
    """The custom resources that are defined among some objects, by group and plural: whether they are namespaced."""
    for obj in objects:
        spec = obj.get("spec")
        if obj.get("kind") == "CustomResourceDefinition" and isinstance(spec, dict):
            plural = (spec.get("names") or {}).get("plural")
            yield (str(spec.get("group")), str(plural)), spec.get("scope") != "Cluster"


def _require(what: str, name: str, known: Iterable[str]) -> None:
    """Refuse an unknown name.

    Raises:
        UsageError: It is unknown; the message contains a suggestion.
    """
    names = sorted(known)
    if name not in names:
        declared = f"{what.split()[-1]}s: [{name}]"
        todo = text("If there is one, declare it beside the questions: {line}.", declared)
        if near := meant(name, names):
            todo = text("{near} {declare}", near, todo)
        raise UsageError(text("There is no {what} {name}.", text(what), name), todo=todo)


@lru_cache(maxsize=1)
def standard() -> Vocabulary:
    """Return the vocabulary of every cluster of Kubernetes 1.36: its resources, and RBAC's own verbs."""
    return of_discovery(
        (group, resource, namespaced, verbs)
        for group, resources in read_json(__file__, "served.json").items()
        for resource, (namespaced, verbs) in resources.items()
    )


def of_discovery(rows: Iterable[tuple[str, str, bool, Iterable[str]]]) -> Vocabulary:
    """Return the vocabulary of one cluster, with the additions of ``virtual.yaml``.

    Args:
        rows: API group, resource or subresource, whether it is namespaced, and its verbs, as discovery has them.
    """
    resources: dict[tuple[str, str], tuple[bool, frozenset[str]]] = {}
    # Versions of a group can serve different verbs of a resource, and RBAC ignores versions.
    for group, resource, namespaced, verbs in chain(rows, read_yaml(__file__, "virtual.yaml")):
        served, known = resources.get((group, resource), (namespaced, frozenset()))
        resources[group, resource] = (served, known.union(verbs))
    return Vocabulary(resources)
