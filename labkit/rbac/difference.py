"""The permissions granted beyond the allowances: compares a policy with its state at the beginning.

Permissions that a subject had at the beginning are never excess, whichever binding grants them now, and neither are
the permissions of all users. Later permissions are split into single ones, and each must be within an allowance.
Labels are not trusted here: a learner can write the label of every cluster's default bindings.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kube_embedded.rbac.attributes import User
from kube_embedded.rbac.objects import GROUP, Object, is_default, kind_of, name_of, namespace_of
from kube_embedded.rbac.parts import Part, covers, parts_of
from kube_embedded.rbac.rules import Rule
from kube_embedded.rbac.subjects import Subject, member, subject_matches
from labkit.core.language import text

from .policy import Policy
from .words import misspelt_verb, part_text, place_text

MAX_EXCESSES = 200
"""Excess permissions that are listed; all further ones are counted as one."""

MAX_PARTS = 5_000
"""Single permissions that are looked at in one comparison."""

COLLECTION_VERBS = ("list", "watch", "deletecollection")
"""Verbs that no subresource has."""

REQUEST_VERBS = frozenset({"get", "create", "update", "patch", "delete", *COLLECTION_VERBS})
"""Verbs of requests. Others, such as ``impersonate`` and ``approve``, are about things that no server serves."""


class Excess(NamedTuple):
    """A permission that a subject got since the beginning, and that no allowance covers.

    Args:
        who: The subject that got it: a user or a service account; for a group, a member without a name; empty if a
            role itself was widened.
        part: The permission.
        namespace: Its namespace; empty for the whole cluster.
        role: The role that grants it, such as ``ClusterRole/view``.
        binding: The binding that grants it, such as ``RoleBinding reader``; empty if a role itself was widened.
    """

    who: Subject
    part: Part
    namespace: str = ""
    role: str = ""
    binding: str = ""

    @property
    def subject(self) -> str:
        """The subject in words: ``red/ann`` for a service account, ``group system:authenticated``."""
        if self.who.user:
            return self.who.label if self.who.account else text("user {name}", self.who.user)
        # Of a group's member the first group is the one that the binding names.
        if self.who.groups:
            return text("group {name}", self.who.groups[0])
        return text("whoever has {role}", self.role)

    @property
    def permission(self) -> str:
        """What, and where: ``get · secrets in red``, ``get · deployments.apps/scale in the whole cluster``."""
        where = text("wherever it is bound")
        if self.binding or self.namespace:
            where = place_text(self.namespace)
        return text("{rule} {where}", part_text(self.part), where)

    def __str__(self) -> str:
        """In words: ``red/ann: get · secrets in red (by RoleBinding reader)``."""
        said = text("{subject}: {permission}", self.subject, self.permission)
        return text("{excess} (by {binding})", said, self.binding) if self.binding else said


@dataclass(frozen=True, slots=True)
class Allowance:
    """Permissions that a subject is allowed to be granted.

    Args:
        who: The subject: by name, not through a group. None for every holder of the role, in any namespace.
        rules: The permissions.
        namespaces: The namespaces; an empty name means the whole cluster. None for everywhere.
        role: The only role that can grant them, such as ``ClusterRole/view``; empty for any.
    """

    who: Subject | None
    rules: Sequence[Rule]
    namespaces: Sequence[str] | None = ("",)
    role: str = ""

    def reaches(self, who: Subject, namespace: str, role: str) -> bool:
        """Return whether it is for what somebody got in a namespace (empty: everywhere) by a role."""
        there = self.namespaces is None or namespace in self.namespaces
        named = self.who is None or (there and who.user == self.who.user)
        return named and self.role in ("", role)


def policy_at_start(now: Policy, setup: Iterable[Object]) -> Policy:
    """Return the policy that a learner began with, if it was not stored: the defaults, and the setup.

    Args:
        now: The policy now. Its labels are trusted, so this is for a learner's own checks only.
        setup: The objects that were created for the learner, of any kind.
    """
    roles = {key: role for key, role in now.roles.items() if is_default(role)}
    return with_objects(Policy(roles, tuple(filter(is_default, now.bindings))), setup)


def with_objects(policy: Policy, setup: Iterable[Object]) -> Policy:
    """Return a policy with the roles and bindings among some objects, which replace others of the same names."""
    # By API group, since a set-up also has pods and namespaces, and a learner's own kind could be called Role.
    created = Policy.of(obj for obj in setup if obj["apiVersion"].startswith(f"{GROUP}/"))
    keys = {_key(binding) for binding in created.bindings}
    kept = (binding for binding in policy.bindings if _key(binding) not in keys)
    return Policy(policy.roles | created.roles, (*kept, *created.bindings))


class PolicyDifference:
    """The permissions granted since a policy's beginning, by bindings that did not grant them then.

    Args:
        now: The policy now.
        before: The policy at the beginning.
        served: (API group, resource) of the cluster's resources and subresources, and whether each is namespaced,
            so that an unusable permission is not counted as excess. None if unknown: then every permission counts.
    """

    def __init__(
        self, now: Policy, before: Policy, served: Mapping[tuple[str, str], bool] | None = None
    ) -> None:
        earlier = {granted.key: granted for granted in _granted(before)}
        later = {granted.key: granted for granted in _granted(now)}
        self._now = now
        self._at_start = before
        self._before = list(earlier.values())
        # A binding whose role was widened counts as new as well: its rules differ, although it was not touched.
        self._since = [granted for key, granted in later.items() if granted != earlier.get(key)]
        self._still = [granted for key, granted in earlier.items() if granted == later.get(key)]
        self._resources = _Resources(served or {})

    def beyond(
        self, allowances: Sequence[Allowance], *, roles: bool = False
    ) -> Iterator[Excess | None]:
        """Yield the permissions that any subject was granted beyond the allowances.

        All subjects of all bindings are checked, groups and unknown users too.

        Args:
            allowances: The permissions that are allowed to be granted.
            roles: If true, permissions added to the default cluster roles count too, bound or not.

        Yields:
            Binding by binding; None is the last one where there are more than can be looked at.
        """
        for looked, excess in enumerate(self._look(allowances, roles)):
            if looked >= MAX_PARTS:
                yield None
                return
            if excess is not None:
                yield excess

    def beyond_allowances(self, allowances: Sequence[Allowance]) -> list[Excess]:
        """The same, each once, and at most ``MAX_EXCESSES``."""
        return list(dict.fromkeys(filter(None, self.beyond(allowances))))[:MAX_EXCESSES]

    def _look(self, allowances: Sequence[Allowance], roles: bool) -> Iterator[Excess | None]:
        """Yield the grants of all subjects, permission by permission; None for one that is not excess."""
        for granted in self._since:
            namespace = granted.namespace
            role = granted.role
            for subject in granted.subjects:
                who = member(subject, namespace)
                named, held = self._had(subject, who.as_user(), namespace)
                free = [*_rules(allowances, who, namespace, role), *held]
                # An empty step for each subject, so that a binding with thousands of subjects and no rules also
                # meets the limit.
                yield None
                for part in parts_of(granted.rules):
                    had = part in named or any(covers(rule, part) for rule in free)
                    idle = had or self._resources.lack(part, namespace)
                    yield None if idle else Excess(who, part, namespace, role, granted.binding)
        for key, obj in self._now.roles.items() if roles else ():
            earlier = self._at_start.roles.get(key)
            if (
                earlier is None
                or not is_default(earlier)
                or obj.get("rules") == earlier.get("rules")
            ):
                continue
            role = f"{key[0]}/{key[2]}"
            rules = [*(earlier.get("rules") or ()), *_rules(allowances, NOBODY, "", role)]
            named = set(parts_of(rules))
            for part in parts_of(obj.get("rules") or ()):
                idle = (
                    part in named
                    or any(covers(rule, part) for rule in rules)
                    or self._resources.lack(part)
                )
                yield None if idle else Excess(NOBODY, part, "", role)

    def _had(self, subject: Object, who: User, namespace: str) -> tuple[set[Part], list[Rule]]:
        """Return a subject's permissions at the beginning in a namespace or (empty) everywhere.

        Returns:
            The permissions granted to it by name, and the rules that apply to it, also through a group, by
        unchanged bindings.
        """
        named = {
            part
            for granted in self._before
            if granted.namespace == namespace and subject in granted.subjects
            for part in parts_of(granted.rules)
        }
        held = [
            rule
            for granted in self._still
            if granted.namespace in ("", namespace)
            and any(subject_matches(entry, who, granted.namespace) for entry in granted.subjects)
            for rule in granted.rules
        ]
        return named, held


NOBODY = Subject("")


def _rules(
    allowances: Sequence[Allowance], who: Subject, namespace: str, role: str
) -> Iterator[Rule]:
    """Yield the permissions that a role is allowed to give a subject in a namespace."""
    for allowance in allowances:
        if allowance.reaches(who, namespace, role):
            yield from allowance.rules


class _Granted(NamedTuple):
    """The permissions, the namespace and the subjects of a binding."""

    key: tuple[str, str, str]
    ref: Object
    subjects: Sequence[Object]
    rules: Sequence[Rule]

    @property
    def namespace(self) -> str:
        """Where; empty for the whole cluster."""
        return self.key[1]

    @property
    def binding(self) -> str:
        """Such as ``RoleBinding reader``."""
        return f"{self.key[0]} {self.key[2]}"

    @property
    def role(self) -> str:
        """Such as ``ClusterRole/view``."""
        return f"{self.ref['kind']}/{self.ref['name']}"


def _granted(policy: Policy) -> Iterator[_Granted]:
    for binding in policy.bindings:
        rules = (policy.role_of(binding) or {}).get("rules") or ()
        yield _Granted(_key(binding), binding["roleRef"], binding.get("subjects") or (), rules)


class _Resources:
    """The resources that a cluster serves."""

    def __init__(self, served: Mapping[tuple[str, str], bool]) -> None:
        self._served = served
        self._groups = {group for group, _ in served}
        self._plurals = {plural for _, plural in served}

    def lack(self, part: Part, namespace: str = "") -> bool:
        """Return whether a permission that is bound in a namespace or (empty) everywhere cannot be used.

        Paths and nodes are not namespaced, subresources cannot be listed, a resource belongs to one group, and
        there are no resource ``pod`` and no verb ``GET``.

        ``kubectl create role --verb=get,list --resource=pods,pods/log`` writes such, and
        ``apiGroups: ["", "apps"]`` before ``resources: ["pods", "deployments"]``. Groups without a dot are
        Kubernetes' own, such as ``extensions``, which has no resources any more.
        """
        # A misspelt verb grants no permission: the step's own check reports it, and it is not counted as excess.
        if misspelt_verb([part.rule()]):
            return True
        if part.path is not None:
            return bool(namespace)
        plural, slash, sub = part.resource.partition("/")
        # No API lists a subresource: there is one for each object.
        if slash and part.verb in COLLECTION_VERBS:
            return True
        if part.group in self._groups and part.verb in REQUEST_VERBS and "*" not in part.resource:
            asked = (
                plural == "nodes" or sub == "finalizers"
            )  # by kubelets and admission, though not served
            namespaced = self._served.get((part.group, plural if asked else part.resource))
            return namespaced is None or bool(
                namespace and not namespaced and plural != "namespaces"
            )
        # A group of someone's own domain can come with a definition later, so its resources could be used one
        # day.
        own = part.group in self._groups or "." not in part.group or "/" in part.group
        return (
            own
            and part.group != "*"
            and plural in self._plurals
            and (part.group, plural) not in self._served
        )


def _key(binding: Object) -> tuple[str, str, str]:
    return kind_of(binding), namespace_of(binding), name_of(binding)
