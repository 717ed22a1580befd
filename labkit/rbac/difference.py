"""What was granted beyond the need: a policy, compared with the one it began as.

What a subject had at the beginning counts as nobody's excess, whichever binding gives it now. What
came since is taken apart into single permissions, and each must serve a need. Labels are not
trusted here: a learner can write the one that the default bindings of every cluster carry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from labkit.rbac.needs import Need
from labkit.rbac.objects import GROUP, Object, is_default, kind_of, name_of, namespace_of
from labkit.rbac.parts import Part, covers, parts_of
from labkit.rbac.policy import Policy
from labkit.rbac.rules import Rule, misspelt_verb, rule_allows, rule_text
from labkit.rbac.subjects import Subject, short_name, subject_matches

MAX_EXCESSES = 200
"""Excess permissions that are listed; all further ones are counted as one."""

MAX_PARTS = 2_000
"""Single permissions that are looked at for one list."""

COLLECTION_VERBS = ("list", "watch", "deletecollection")
"""Verbs that no subresource has."""


class Excess(NamedTuple):
    """A permission that was granted and not needed.

    Args:
        subject: Who got it: ``red/ann`` for a service account, ``group system:authenticated``.
        permission: What, and where: ``get · secrets in red``.
        binding: By which binding, such as ``RoleBinding reader``; empty where that is not told.
    """

    subject: str
    permission: str
    binding: str = ""

    def __str__(self) -> str:
        """In words: ``red/ann: get · secrets in red``."""
        by = f" (by {self.binding})" if self.binding else ""
        return f"{self.subject}: {self.permission}{by}" if self.subject else self.permission


@dataclass(frozen=True, slots=True)
class Allowance:
    """What somebody may be granted.

    Args:
        who: Who: by name, not through a group.
        rules: What.
        namespaces: In which namespaces; an empty one stands for the whole cluster.
        role: By which role alone, such as ``ClusterRole/view``; empty for any.
    """

    who: Subject
    rules: Sequence[Rule]
    namespaces: Sequence[str] = ("",)
    role: str = ""

    def gives(self, part: Part, subject: Object, namespace: str, role: str) -> bool:
        """Whether a role's permission, bound to a subject in a namespace (empty: everywhere), is within it."""
        return (
            namespace in self.namespaces
            and self.role in ("", role)
            and subject.get("kind") != "Group"
            and subject_matches(subject, self.who.as_user(), namespace)
            and any(covers(rule, part) for rule in self.rules)
        )


MORE = Excess("", "and more")
"""Stands last in a list that was cut off."""


def policy_at_start(now: Policy, setup: Iterable[Object]) -> Policy:
    """The policy a learner began with, where it was not kept: the defaults, and what was set up.

    Args:
        now: The policy now. Its labels are trusted, so this is for a learner's own checks only.
        setup: The objects that were created for the learner, of any kind.
    """
    created = [obj for obj in setup if obj["apiVersion"].startswith(f"{GROUP}/")]
    roles = {key: role for key, role in now.roles.items() if is_default(role)}
    roles |= {(obj["kind"], namespace_of(obj), name_of(obj)): obj for obj in created if "rules" in obj}
    bindings = [binding for binding in now.bindings if is_default(binding)]
    return Policy(roles, (*bindings, *(obj for obj in created if "roleRef" in obj)))


def with_objects(policy: Policy, setup: Iterable[Object]) -> Policy:
    """A policy and the roles and bindings among some objects, which replace those of their names."""
    created = [obj for obj in setup if obj["apiVersion"].startswith(f"{GROUP}/")]
    keys = {_key(obj) for obj in created}
    return Policy.of([*(obj for obj in policy.objects() if _key(obj) not in keys), *created])


class PolicyDifference:
    """What was granted since a policy's beginning: bindings that give what they did not give then.

    Args:
        now: The policy now.
        before: The policy at the beginning.
        served: (API group, plural) of the cluster's resources, so that a permission which nobody can
            use is no excess. Empty if unknown: then every permission counts.
    """

    def __init__(self, now: Policy, before: Policy, served: Iterable[tuple[str, str]] = ()) -> None:
        earlier = {_key(binding): _Granted.by(binding, before) for binding in before.bindings}
        later = [(_key(binding), _Granted.by(binding, now)) for binding in now.bindings]
        self._before = list(earlier.values())
        self._since = [granted for key, granted in later if granted != earlier.get(key)]
        self._resources = _Resources(served)

    def beyond(self, needs: Sequence[Need], others: Sequence[Need] = (), given: Sequence[str] = ()) -> list[Excess]:
        """The permissions that were granted, and that no need asks for.

        Args:
            needs: What a task asks for. Without needs nothing is excess.
            others: What other tasks on the same cluster ask for: who grants that to a group granted
                too much there, and not here as well.
            given: Roles that the task's text hands out, such as ``ClusterRole/view``: the needs'
                subjects may have all of them in the needs' namespaces.

        Returns:
            Permissions of the needs' subjects that serve no need, and needed permissions that
            somebody else got as well, each once; ``MORE`` is the last one of too many.
        """
        found: dict[Excess, None] = {}
        for looked, excess in enumerate(self._look(needs, others, given), 1):
            if len(found) >= MAX_EXCESSES or looked > MAX_PARTS:
                return [*found, MORE]
            if excess:
                found[excess] = None
        return list(found)

    def beyond_allowances(self, allowances: Sequence[Allowance]) -> list[Excess]:
        """The permissions that anybody was granted, and that no allowance gives them.

        Unlike ``beyond`` it looks at every subject of every binding, groups and strangers too.

        Returns:
            Each once, subject by subject; ``MORE`` is the last one of too many.
        """
        found: dict[Excess, None] = {}
        looked = 0
        for granted in self._since:
            for subject in granted.subjects:
                had = self._had(subject, granted.namespace)
                for part in parts_of(granted.rules):
                    looked += 1
                    if len(found) >= MAX_EXCESSES or looked > MAX_PARTS:
                        return [*found, MORE]
                    if part in had or self._resources.lack(part):
                        continue
                    if not any(each.gives(part, subject, granted.namespace, granted.role) for each in allowances):
                        text = _permission(part, granted.namespace)
                        found[Excess(_label(subject, granted.namespace), text, granted.binding)] = None
        return list(found)

    def _look(self, needs: Sequence[Need], others: Sequence[Need], given: Sequence[str]) -> Iterator[Excess | None]:
        """The excess at each thing that is looked at, None where there is none."""
        for granted in self._since if needs else ():
            handed_out = granted.role in given and granted.namespace in {need.namespace for need in needs}
            for subject in granted.subjects:
                had = self._had(subject, granted.namespace)
                yield None
                for part in parts_of(granted.rules):
                    if part in had or self._resources.lack(part):
                        yield None
                    else:
                        yield from _excess(part, subject, granted.namespace, needs, others, handed_out)

    def _had(self, subject: Object, namespace: str) -> set[Part]:
        """What a subject had at the beginning, in a namespace or (empty) everywhere."""
        return {
            part
            for granted in self._before
            if granted.namespace == namespace and subject in granted.subjects
            for part in parts_of(granted.rules)
        }


class _Granted(NamedTuple):
    """What a binding gives, where, and to whom."""

    namespace: str
    ref: Object
    subjects: Sequence[Object]
    rules: Sequence[Rule]
    binding: str

    @classmethod
    def by(cls, binding: Object, policy: Policy) -> _Granted:
        role = policy.role_of(binding) or {}
        return cls(
            namespace_of(binding),
            binding["roleRef"],
            binding.get("subjects") or (),
            role.get("rules") or (),
            _title(binding),
        )

    @property
    def role(self) -> str:
        """Such as ``ClusterRole/view``."""
        return f"{self.ref['kind']}/{self.ref['name']}"


class _Resources:
    """The resources that a cluster serves."""

    def __init__(self, served: Iterable[tuple[str, str]]) -> None:
        self._served = frozenset(served)
        self._groups = {group for group, _ in self._served}
        self._plurals = {plural for _, plural in self._served}

    def lack(self, part: Part) -> bool:
        """Whether nobody can use a permission: no subresource is listed, and no resource is in another's group.

        ``kubectl create role --verb=get,list --resource=pods,pods/log`` writes the one, and
        ``apiGroups: ["", "apps"]`` before ``resources: ["pods", "deployments"]`` the other. Groups
        without a dot are Kubernetes' own, such as ``extensions``, which serves nothing any more.
        """
        plural, slash, _ = part.resource.partition("/")
        if slash and part.verb in COLLECTION_VERBS:
            return True
        own = part.group in self._groups or "." not in part.group
        return own and part.group != "*" and plural in self._plurals and (part.group, plural) not in self._served


def _excess(
    part: Part, subject: Object, namespace: str, needs: Sequence[Need], others: Sequence[Need], handed_out: bool
) -> Iterator[Excess | None]:
    """The excess in one permission of one subject, for each whom it reaches."""
    text = _permission(part, namespace)
    is_group = subject.get("kind") == "Group"
    excused = handed_out or (is_group and any(_serves(part, namespace, need) for need in others))
    reached = [
        who for who in dict.fromkeys(need.who for need in needs) if subject_matches(subject, who.as_user(), namespace)
    ]
    for who in reached:
        serves = excused or any(_serves(part, namespace, need) for need in needs if need.who == who)
        yield None if serves else Excess(who.label, text)
    if is_group or not reached:
        needed = any(_allows(part, namespace, need) for need in needs)
        yield Excess(_label(subject, namespace), text) if needed else None


def _permission(part: Part, namespace: str) -> str:
    """A permission in words: what, where, and whether its verb is written so that it grants nothing."""
    where = f"in {namespace}" if namespace else "in the whole cluster"
    note = misspelt_verb([part.rule()]).rstrip(".")
    return f"{rule_text(part.rule())} {where}" + (f" (grants nothing: {note})" if note else "")


def _allows(part: Part, namespace: str, need: Need) -> bool:
    """Whether a permission lets somebody do what is needed, bound in a namespace or (empty) everywhere."""
    return namespace in ("", need.namespace) and rule_allows(part.rule(), need.question())


def _serves(part: Part, namespace: str, need: Need) -> bool:
    """Whether a permission is what is needed, and no wider."""
    return not part.is_wide and namespace == need.namespace and _allows(part, namespace, need)


def _title(binding: Object) -> str:
    return f"{kind_of(binding)} {name_of(binding)}"


def _key(binding: Object) -> tuple[str, str, str]:
    return kind_of(binding), namespace_of(binding), name_of(binding)


def _label(subject: Object, namespace: str) -> str:
    name, kind = short_name(subject, namespace), str(subject.get("kind"))
    return name if kind == "ServiceAccount" else f"{kind.lower()} {name}"
