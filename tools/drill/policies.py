"""Random small policies, and a request for each that nearly fits."""

from __future__ import annotations

from random import Random
from typing import Any, NamedTuple

from kube_embedded.rbac.attributes import Attributes, User
from kube_embedded.rbac.objects import GROUP, Object
from kube_embedded.rbac.subjects import subject
from labkit.rbac.policy import Policy

NAMESPACES = ("kikai", "darbo", "shop", "books", "harbor", "garden")
ACCOUNTS = ("build", "report", "mailer", "crawler", "nightly")
ROLES = ("blue", "green", "amber", "coral", "slate", "olive")
"""Colours: a role's name must not say what it grants."""
OBJECTS = ("web", "db", "cart", "mail")
CLUSTER_SCOPED = ("nodes", "persistentvolumes")
"""The resources of the questions that lie in no namespace."""
DISKS = ("north", "south")
"""Names of nodes and volumes."""
RESOURCES = (
    ("pods", "", ""),
    ("services", "", ""),
    ("secrets", "", ""),
    ("configmaps", "", ""),
    ("deployments", "apps", ""),
    ("cronjobs", "batch", ""),
    ("pods", "", "log"),
    ("deployments", "apps", "scale"),
)
"""Plural, API group and subresource."""


class Draft(NamedTuple):
    """A policy and a request, before anybody has answered it."""

    objects: tuple[Object, ...]
    question: Attributes

    @property
    def policy(self) -> Policy:
        """The objects as a policy, cluster-wide bindings first, as a cluster has them."""
        return Policy.of(
            sorted(self.objects, key=lambda each: each["metadata"].get("namespace") is not None)
        )


def draft(r: Random) -> Draft:
    """A policy of one to three roles, and a request of one account.

    Most roles are near misses: one thing about each is wrong, so that somebody with a wrong idea takes it for a grant.
    """
    scene = Scene(r)
    granted = r.random() < 0.42
    pairs = [scene.granting(0)] if granted else []
    rare = scene.question.verb == "escalate" or scene.question.subresource
    crowd = (1, 2, 2) if granted else (3, 4, 4) if rare else (2, 3, 3, 3, 4)
    for number in range(1, r.choice(crowd)):
        pairs.append(
            scene.beside(number) if granted and r.random() < 0.25 else scene.near_miss(number)
        )
    r.shuffle(pairs)
    return Draft(tuple(each for pair in pairs for each in pair), scene.question)


class Scene:
    """Who asks for what, and the words for one policy.

    Args:
        r: Draws all of it.
    """

    def __init__(self, r: Random) -> None:
        self.r = r
        self.home, self.away, self.third = r.sample(NAMESPACES, 3)
        self.account, self.other = r.sample(ACCOUNTS, 2)
        self.roles = r.sample(ROLES, 4)
        self.question = self._question()

    def granting(self, number: int) -> list[Object]:
        """A role and a binding that allow the request, often in a way that is easily overlooked."""
        r, q = self.r, self.question
        rules = [self._good_rule()]
        if r.random() < 0.2:
            rules.insert(r.randrange(2), self._other_rule())
        kind = "ClusterRole" if not q.namespace else r.choice(("Role", "ClusterRole"))
        everywhere = not q.namespace or (kind == "ClusterRole" and r.random() < 0.5)
        entries = (
            [self._me()] if r.random() < 0.65 else [_group(f"system:serviceaccounts:{self.home}")]
        )
        if r.random() < 0.2:
            entries.insert(r.randrange(2), _entry(self.home, self.other))
        return self._pair(number, kind, rules, "" if everywhere else q.namespace, entries)

    def beside(self, number: int) -> list[Object]:
        """A role and a binding that give the account something else in the same place."""
        place = self.question.namespace or self.home
        kind = self.r.choice(("Role", "ClusterRole"))
        return self._pair(number, kind, [self._other_rule()], place, [self._me()])

    def _other_rule(self) -> Object:
        resource, group, subresource = self.r.choice(
            [each for each in RESOURCES if each[0] != self.question.resource]
        )
        full = f"{resource}/{subresource}" if subresource else resource
        return {
            "apiGroups": [group],
            "resources": [full],
            "verbs": [self.r.choice(("get", "list", "delete"))],
        }

    def near_miss(self, number: int) -> list[Object]:
        """A role, and mostly a binding, with one thing wrong."""
        r, q = self.r, self.question
        ways = [
            self._wrong_rule,
            self._wrong_rule,
            self._wrong_subject,
            self._wrong_place,
            self._wrong_place,
        ]
        return r.choice([*ways, self._unbound, *([self._missing_role] if q.namespace else [])])(
            number
        )

    def _wrong_rule(self, number: int) -> list[Object]:
        r, q = self.r, self.question
        good = self._good_rule() | {"resourceNames": []}
        wanted = good["resources"][0]
        wrong: list[Object] = []
        if q.verb == "escalate":
            wrong.append(
                good
                | {
                    "verbs": r.choice(
                        (["create"], ["create", "update"], ["update"], ["get", "create"])
                    )
                }
            )
        elif q.verb == "list":
            wrong.append(good | {"verbs": ["get"]})
            if not q.name:
                wrong.append(good | {"resourceNames": [self._some_name()]})
        elif q.verb == "watch" and not q.name:
            wrong.append(good | {"resourceNames": [self._some_name()]})
        if q.subresource:
            wrong.append(good | {"resources": [q.resource]})
        elif q.verb != "escalate" and q.resource not in CLUSTER_SCOPED:
            wrong.append(good | {"apiGroups": ["apps" if q.group != "apps" else ""]})
        if not wrong or r.random() < 0.12:
            verbs = [
                verb for verb in ("get", "list", "watch", "delete", "create") if verb != q.verb
            ]
            wrong = [good | {"verbs": [r.choice(verbs)]}]
            if r.random() < 0.3:
                wrong = [
                    good
                    | {"resources": [r.choice(("events", "endpoints", wanted))], "verbs": ["patch"]}
                ]
        r.shuffle(wrong)
        kind = "ClusterRole" if not q.namespace else r.choice(("Role", "Role", "ClusterRole"))
        everywhere = not q.namespace or (kind == "ClusterRole" and r.random() < 0.3)
        rules = [_without_empty(rule) for rule in wrong[: r.choice((1, 2))]]
        return self._pair(number, kind, rules, "" if everywhere else q.namespace, [self._me()])

    def _wrong_subject(self, number: int) -> list[Object]:
        r, q = self.r, self.question
        entries = [_entry(self.away, self.account), _entry(self.home, self.other)]
        if r.random() < 0.2:
            entries.append(_group(f"system:serviceaccounts:{self.away}"))
        r.shuffle(entries)
        kind = "ClusterRole" if not q.namespace else r.choice(("Role", "ClusterRole"))
        everywhere = not q.namespace or (kind == "ClusterRole" and r.random() < 0.3)
        place = "" if everywhere else q.namespace
        return self._pair(number, kind, [self._good_rule()], place, entries[: r.choice((1, 2))])

    def _wrong_place(self, number: int) -> list[Object]:
        r, q = self.r, self.question
        kind = (
            "ClusterRole" if not q.namespace else r.choice(("Role", "ClusterRole", "ClusterRole"))
        )
        places = [name for name in (self.home, self.away, self.third) if name != q.namespace]
        return self._pair(number, kind, [self._good_rule()], r.choice(places), [self._me()])

    def _unbound(self, number: int) -> list[Object]:
        q = self.question
        kind = "ClusterRole" if not q.namespace else self.r.choice(("Role", "ClusterRole"))
        return self._pair(number, kind, [self._good_rule()], q.namespace, [])

    def _missing_role(self, number: int) -> list[Object]:
        q = self.question
        elsewhere = next(name for name in (self.home, self.away) if name != q.namespace)
        pair = self._pair(number, "Role", [self._good_rule()], q.namespace, [self._me()])
        pair[0]["metadata"]["namespace"] = elsewhere
        return pair

    def _pair(
        self, number: int, kind: str, rules: list[Object], place: str, entries: list[Object]
    ) -> list[Object]:
        """A role, and in a place a binding to it; without subjects, no binding."""
        name = self.roles[number]
        role = _object(kind, name, place if kind == "Role" else "", rules=rules)
        if not entries:
            return [role]
        ref = {"apiGroup": GROUP, "kind": kind, "name": name}
        bound = "RoleBinding" if place else "ClusterRoleBinding"
        return [role, _object(bound, f"{name}-b", place, roleRef=ref, subjects=entries)]

    def _some_name(self) -> str:
        return self.r.choice(DISKS if self.question.resource in CLUSTER_SCOPED else OBJECTS)

    def _me(self) -> Object:
        return _entry(self.home, self.account)

    def _good_rule(self) -> Object:
        r, q = self.r, self.question
        wanted = q.resource + (f"/{q.subresource}" if q.subresource else "")
        verbs = [q.verb]
        if q.verb != "escalate" and not q.subresource and r.random() < 0.4:
            more = [verb for verb in ("get", "list", "watch", "delete") if verb != q.verb]
            verbs = [*verbs, r.choice(more)]
        rule: Object = {"apiGroups": [q.group], "resources": [wanted], "verbs": verbs}
        if q.name and not q.subresource and (q.verb in ("list", "watch") or r.random() < 0.2):
            rule["resourceNames"] = [q.name]
        return rule

    def _question(self) -> Attributes:
        r = self.r
        who = subject(f"{self.home}/{self.account}")
        user = User(who.user, who.groups, uid="new" if r.random() < 0.2 else "")
        where = r.choice((self.home, self.away))
        roll = r.random()
        if roll < 0.1:
            verb = r.choice(("list", "get"))
            name = "" if verb == "list" else r.choice(DISKS)
            return Attributes(user, verb, resource=r.choice(CLUSTER_SCOPED), name=name)
        if roll < 0.25:
            return Attributes(user, "escalate", GROUP, resource="roles", namespace=where)
        resource, group, subresource = r.choice(RESOURCES if r.random() < 0.85 else RESOURCES[-2:])
        if subresource:
            verb = "get" if subresource == "log" else r.choice(("get", "update"))
            return Attributes(
                user, verb, group, "", resource, subresource, where, r.choice(OBJECTS)
            )
        verb = r.choice(("get", "list", "list", "list", "list", "watch", "delete"))
        name = "" if verb in ("list", "watch") and r.random() < 0.7 else r.choice(OBJECTS)
        if verb == "list" and not name and r.random() < 0.15:
            where = ""
        return Attributes(user, verb, group, "", resource, "", where, name)


def _object(kind: str, name: str, namespace: str, **fields: Any) -> Object:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"kind": kind, "metadata": metadata, **fields}


def _entry(namespace: str, name: str) -> Object:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def _group(name: str) -> Object:
    return {"kind": "Group", "apiGroup": GROUP, "name": name}


def _without_empty(rule: Object) -> Object:
    return {key: value for key, value in rule.items() if value}
