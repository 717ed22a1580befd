"""The permissions that an account used and lacked, from an audit log.

A refusal hides the needs behind it: a program that cannot read a list never requests its items. So let it run with
all permissions, such as bound to ``cluster-admin``, and judge each of its requests by the intended policy.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kube_embedded.rbac.defaults import default_objects
from kube_embedded.rbac.objects import GROUP, Object, is_default, namespace_of
from kube_embedded.rbac.parts import Part, breakdown, compact, covers
from kube_embedded.rbac.rules import Rule
from kube_embedded.rbac.subjects import Subject
from labkit.core.language import text

from ..policy import Policy
from ..words import part_text
from .changes import usable
from .verdicts import allows
from .vocabulary import Vocabulary

MAX_USES = 20_000
"""Different permissions of one account that are kept."""


class Use(NamedTuple):
    """A permission that a request needs: a part of a rule, and where."""

    part: Part
    namespace: str

    def __str__(self) -> str:
        """In words: ``list · pods in kikai``."""
        rule = part_text(self.part)
        return text("{rule} in {namespace}", rule, self.namespace) if self.namespace else rule


@dataclass
class Usage:
    """An account's permissions and their use.

    Args:
        who: The account.
        requests: The number of its requests.
        used: The needed permissions, with the number of requests for each.
        missing: The permissions in ``used`` that the policy does not grant.
        unused: Permissions of the account, apart from those of all users, that no request needed; with their
            namespaces.
        dropped: Requests that are not counted in ``used``, to limit memory.
    """

    who: Subject
    requests: int = 0
    used: dict[Use, int] = field(default_factory=dict)
    missing: list[Use] = field(default_factory=list)
    unused: list[Use] = field(default_factory=list)
    dropped: int = 0


def usage_of(who: Subject, policy: Policy, events: Iterable[Any], vocabulary: Vocabulary) -> Usage:
    """Judge an account's requests by a policy.

    Args:
        who: The account.
        policy: The intended policy, not the one that it ran with.
        events: Audit events of any level but None.
        vocabulary: The resources that exist.
    """
    found = Usage(who)
    missing: dict[Use, None] = {}
    anyhow: set[Use] = set()  # allowed for objects of any name
    user = who.as_user()
    for event in events:
        if (read := _use(event, who.user)) is None:
            continue
        use, name = read
        found.requests += 1
        if use not in found.used:
            # A program that requests random paths must not fill the memory of a grader.
            if len(found.used) >= MAX_USES:
                found.dropped += 1
                continue
            if allows(policy, use.part.question(user, use.namespace)):
                anyhow.add(use)
        found.used[use] = found.used.get(use, 0) + 1
        if use not in anyhow and not allows(policy, use.part.question(user, use.namespace, name)):
            missing[use] = None
    found.missing = list(missing)
    granted = dict.fromkeys(_own_grants(policy, who))
    idle = (use for use in granted if usable(*use, vocabulary) and not _needed(use, found.used))
    found.unused = sorted(idle, key=lambda use: use.namespace)
    return found


def least_policy(found: Usage, name: str) -> list[Object]:
    """Return the roles and bindings that grant exactly the used permissions, apart from those of all users.

    Requests in one namespace get a Role in it; requests for paths, cluster-scoped objects or all namespaces a
    ClusterRole.
    """
    everybody = [
        grant.rule for grant in Policy.of(default_objects()).rules_for(found.who.as_user(), "")
    ]
    places: dict[str, list[Part]] = {}
    for use in found.used:
        # What system:authenticated has, such as discovery, needs no role of the account's own.
        if not any(covers(rule, use.part) for rule in everybody):
            places.setdefault(use.namespace, []).append(use.part)
    wide = set(places.get("", ()))
    made: list[Object] = []
    for place, parts in sorted(places.items()):
        # A right in the whole cluster holds in each namespace, so it is not repeated there.
        here = sorted(set(parts) - (wide if place else set()), key=str)
        if here:
            made += _role(name, place, compact(here), found.who)
    return made


def _role(name: str, namespace: str, rules: list[Rule], who: Subject) -> list[Object]:
    kind = "Role" if namespace else "ClusterRole"
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    role: Object = {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, "rules": rules}
    ref = {"apiGroup": GROUP, "kind": kind, "name": name}
    binding = {
        "apiVersion": f"{GROUP}/v1",
        "kind": f"{kind}Binding",
        "metadata": dict(metadata),
        "roleRef": ref,
    }
    return [role, {**binding, "subjects": [who.as_binding_subject()]}]


def _use(event: Any, user: str) -> tuple[Use, str] | None:
    """Return the permission that a request of a user needed, and the object's name; None for other events."""
    # Each request has an event for each stage; only the last one, ResponseComplete or Panic, is counted.
    if not isinstance(event, dict) or event.get("stage") in ("RequestReceived", "ResponseStarted"):
        return None
    # With impersonation, RBAC judges the impersonated user. The permission to impersonate is authorized
    # separately.
    asked = event.get("impersonatedUser") or event.get("user") or {}
    verb = event.get("verb")
    reference = event.get("objectRef")
    if not isinstance(asked, dict) or asked.get("username") != user or not isinstance(verb, str):
        return None
    if not isinstance(reference, dict):
        return Use(Part(verb, path=str(event.get("requestURI", "")).partition("?")[0]), ""), ""
    texts = {
        key: str(reference.get(key) or "")
        for key in ("apiGroup", "resource", "subresource", "namespace")
    }
    resource = texts["resource"] + (f"/{texts['subresource']}" if texts["subresource"] else "")
    return Use(Part(verb, texts["apiGroup"], resource), texts["namespace"]), str(
        reference.get("name") or ""
    )


def _own_grants(policy: Policy, who: Subject) -> Iterator[Use]:
    """The permissions that bindings give an account, without the bindings that every cluster has."""
    for binding in policy.bindings_of(who.as_user()):
        role = None if is_default(binding) else policy.role_of(binding)
        for rule in (role or {}).get("rules") or ():
            yield from (Use(part, namespace_of(binding)) for part in breakdown(rule))


def _needed(granted: Use, used: Iterable[Use]) -> bool:
    """Return whether some request needed a granted permission; one for an object of any name counts for each name."""
    # Uses are counted without the objects' names, so names cannot be compared here.
    rule = granted.part._replace(names=()).rule()
    return any(granted.namespace in ("", use.namespace) and covers(rule, use.part) for use in used)
