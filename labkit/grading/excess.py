"""What was granted beyond the need: to the accounts that a task names, and to anybody else.

What a subject had before the learner began is nobody's mistake, whichever binding gives it
now; the rest is looked at part by part, a verb and a resource each. Labels tell nothing
here: a learner can write the one that every cluster's own bindings carry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from labkit.embedded.bootstrap.policy import GROUP
from labkit.embedded.machinery.kinds import KINDS
from labkit.grading.probes import Need
from labkit.rbac.bindings import subject_matches
from labkit.rbac.graph import rule_text
from labkit.rbac.policy import Object, Policy, Subject, is_default, kind_of, name_of, namespace_of
from labkit.rbac.rules import Rule, rule_allows

MAX_NAMED = 200
"""Superfluous permissions that are named; what comes after them is counted as one."""

MAX_PARTS = 2_000
"""Single permissions that rules are taken apart into."""

OF_COLLECTIONS = ("list", "watch", "deletecollection")
"""No subresource has these verbs."""

SERVED = frozenset((kind.group, kind.plural) for kind in KINDS)
GROUPS, PLURALS = (frozenset(names) for names in zip(*SERVED, strict=True))


class Part(NamedTuple):
    """One permission of a rule: a verb and a resource, or a verb and a path."""

    verb: str
    group: str = ""
    resource: str = ""
    names: tuple[str, ...] = ()
    path: str = ""

    def rule(self) -> Rule:
        """The same as a rule."""
        if self.path:
            return {"verbs": [self.verb], "nonResourceURLs": [self.path]}
        rule: Rule = {"verbs": [self.verb], "apiGroups": [self.group], "resources": [self.resource]}
        return {**rule, "resourceNames": list(self.names)} if self.names else rule

    @property
    def idle(self) -> bool:
        """Whether nobody can do it: no subresource is listed, and no resource is in another's group.

        ``kubectl create role --verb=get,list --resource=pods,pods/log`` writes the one, and
        ``apiGroups: ["", "apps"]`` before ``resources: ["pods", "deployments"]`` the other. Groups
        without a dot are Kubernetes' own, such as ``extensions``, which serves nothing any more.
        """
        plural, slash, _ = self.resource.partition("/")
        if slash and self.verb in OF_COLLECTIONS:
            return True
        own = self.group in GROUPS or "." not in self.group
        return own and self.group != "*" and plural in PLURALS and (self.group, plural) not in SERVED

    def allows(self, place: str, need: Need) -> bool:
        """Whether it lets somebody do what is needed, bound in a namespace or (empty) everywhere."""
        return place in ("", need.namespace) and rule_allows(self.rule(), need.question())

    def serves(self, place: str, need: Need) -> bool:
        """Whether it is what is needed, and no wider."""
        wide = "*" in (self.verb, self.group, self.resource) or self.path.endswith("*")
        return not wide and place == need.namespace and self.allows(place, need)


class _Given(NamedTuple):
    """What a binding gives, and to whom."""

    ref: Object
    subjects: Sequence[Object]
    rules: Sequence[Rule]

    @property
    def role(self) -> str:
        """Such as ``ClusterRole/view``."""
        return f"{self.ref['kind']}/{self.ref['name']}"


def untouched(policy: Policy, setup: Sequence[Object]) -> Policy:
    """What a policy began with, where nobody has kept it: what every cluster has, and what was set up.

    Args:
        policy: The policy now. Its labels are believed, so this is for a learner's own checks.
        setup: The objects that were made for the learner, of any kind.
    """
    made = [obj for obj in setup if obj["apiVersion"].startswith(f"{GROUP}/")]
    roles = {key: role for key, role in policy.roles.items() if is_default(role)}
    roles |= {(obj["kind"], namespace_of(obj), name_of(obj)): obj for obj in made if "rules" in obj}
    bindings = [binding for binding in policy.bindings if is_default(binding)]
    return Policy(roles, (*bindings, *(obj for obj in made if "roleRef" in obj)))


class Since:
    """What was granted since the learner began: bindings that give what they did not give before.

    Args:
        now: The cluster's policy.
        before: The policy before the learner began.
    """

    def __init__(self, now: Policy, before: Policy) -> None:
        self._earlier = {_key(binding): _of(before, binding) for binding in before.bindings}
        looked = ((binding, _of(now, binding)) for binding in now.bindings)
        self._changed = [
            (namespace_of(binding), gives) for binding, gives in looked if gives != self._earlier.get(_key(binding))
        ]

    def beyond(self, needs: Sequence[Need], others: Sequence[Need] = (), given: Sequence[str] = ()) -> list[str]:
        """The permissions that were granted, and that no need asks for, each in words.

        Args:
            needs: What a task asks for.
            others: What the exercise's other tasks ask for: who gives that to a group has
                granted too much there, and not here as well.
            given: Roles that its text hands out, such as ``ClusterRole/view``: the needs'
                subjects may have all of them in the needs' namespaces.

        Returns:
            Permissions of the needs' subjects that serve no need, and needed permissions that
            somebody else got as well.
        """
        found: dict[str, None] = {}
        for looked, line in enumerate(self._lines(needs, others, given), 1):
            if len(found) >= MAX_NAMED or looked > MAX_PARTS:
                return [*found, "and more"]
            if line:
                found[line] = None
        return list(found)

    def _lines(self, needs: Sequence[Need], others: Sequence[Need], given: Sequence[str]) -> Iterator[str]:
        """Each thing that is looked at: in words where it is too much, else empty."""
        for place, gives in self._changed if needs else ():
            handed = gives.role in given and place in {need.namespace for need in needs}
            for subject in gives.subjects:
                had = self._had(subject, place)
                yield ""
                for part in _parts(gives.rules):
                    if part.idle or part in had:
                        yield ""
                    else:
                        yield from _too_much(part, subject, place, needs, others, handed)

    def _had(self, subject: Object, place: str) -> set[Part]:
        """What a subject had before, in a namespace or (empty) everywhere."""
        return {
            part
            for (_, where, _), gave in self._earlier.items()
            if where == place and subject in gave.subjects
            for part in _parts(gave.rules)
        }


def _too_much(
    part: Part, subject: Object, place: str, needs: Sequence[Need], others: Sequence[Need], handed: bool
) -> Iterator[str]:
    where = f"in {place}" if place else "in the whole cluster"
    text = f"{rule_text(part.rule())} {where}"
    group = subject.get("kind") == "Group"
    excused = handed or (group and any(part.serves(place, need) for need in others))
    reached = [who for who in dict.fromkeys(need.who for need in needs) if _reaches(subject, who, place)]
    for who in reached:
        serves = excused or any(part.serves(place, need) for need in needs if need.who == who)
        yield "" if serves else f"{who.label}: {text}"
    if group or not reached:
        yield f"{_label(subject, place)}: {text}" if any(part.allows(place, need) for need in needs) else ""


def _reaches(subject: Object, who: Subject, place: str) -> bool:
    return subject_matches(subject, who.as_user(), place)


def _parts(rules: Iterable[Rule]) -> Iterator[Part]:
    """Rules taken apart."""
    for rule in rules:
        for verb in rule.get("verbs") or ():
            for path in rule.get("nonResourceURLs") or ():
                yield Part(verb, path=path)
            for resource in rule.get("resources") or ():
                for group in rule.get("apiGroups") or ():
                    yield Part(verb, group, resource, tuple(rule.get("resourceNames") or ()))


def _of(policy: Policy, binding: Object) -> _Given:
    role: Mapping[str, Any] = policy.role_of(binding) or {}
    return _Given(binding["roleRef"], binding.get("subjects") or (), role.get("rules") or ())


def _key(binding: Object) -> tuple[str, str, str]:
    return kind_of(binding), namespace_of(binding), name_of(binding)


def _label(subject: Object, place: str) -> str:
    if subject.get("kind") == "ServiceAccount":
        return f"{subject.get('namespace') or place}/{subject.get('name')}"
    return f"{str(subject.get('kind')).lower()} {subject.get('name')}"
