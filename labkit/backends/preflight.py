"""Check a cluster before anything is written: new objects, the learner's rights, conflicts.

The check does not change the cluster. Rights are tested with SelfSubjectAccessReviews.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.client.client import Client
from labkit.client.discovery import Resources
from labkit.client.manifests import title
from labkit.client.prefix import NAMESPACES, Names
from labkit.client.transport import Credentials
from labkit.core.display import Card, Displayable, Row
from labkit.core.language import text

MANY = 5
"""With more foreign namespaces than this a cluster looks like production."""

# Kubernetes reserves the prefix kube-; the others belong to kind and to distributions.
OF_EVERY_CLUSTER = ("default", "kube-", "local-path-storage", "openshift-", "gke-", "cattle-")
"""Prefixes of a cluster's own namespaces."""

UNPREFIXED = "main"
"""The value of the lab's label for a learner without a prefix."""

RBAC_GROUP = "rbac.authorization.k8s.io"


@dataclass(frozen=True, slots=True)
class Right:
    """A right that the lab needs.

    Args:
        verb: Such as ``create``.
        resource: Such as ``pods/exec``.
        group: The API group, empty for the core group.
        namespace: Empty for a cluster-wide right.
        why: Its purpose.
        allowed: Whether the learner has it.
        essential: Whether the lab needs it in any case.
    """

    verb: str
    resource: str
    group: str
    namespace: str
    why: str
    allowed: bool
    essential: bool

    @property
    def text(self) -> str:
        """The right in words."""
        where = text("in {namespace}", self.namespace) if self.namespace else "cluster-wide"
        return f"{self.verb} {self.resource} {where}"


@dataclass(frozen=True, repr=False)
class Preflight(Displayable):
    """The result of the check.

    Args:
        server: The cluster's address.
        context: The kubeconfig's context.
        user: The user that the server authenticates the learner as.
        makes: The objects that the lab will create.
        rights: The rights that it needs.
        conflicts: Existing objects of those names that are not the lab's.
        foreign: Namespaces that belong to no learner.
        anonymous: Whether the cluster authenticates anonymous requests (403) or not (401).
    """

    server: str
    context: str
    user: str
    makes: tuple[str, ...]
    rights: tuple[Right, ...]
    conflicts: tuple[str, ...]
    foreign: tuple[str, ...]
    anonymous: bool

    @property
    def missing(self) -> list[Right]:
        """The missing rights."""
        return [right for right in self.rights if not right.allowed]

    @property
    def looks_like_production(self) -> bool:
        """Return whether more than ``MANY`` namespaces are foreign."""
        return len(self.foreign) > MANY

    def card(self) -> Card:
        """Return a card with all findings."""
        lacking = [f"{right.text}: {right.why}" for right in self.missing]
        rows = [
            Row("server", self.server, code=True),
            Row("context", self.context),
            Row("you are", self.user),
            Row("will make", ", ".join(self.makes)),
            Row("needs", ", ".join(right.text for right in self.rights if right.allowed)),
            Row("lacks", "\n".join(lacking)),
            Row("in the way", ", ".join(self.conflicts)),
            Row("others here", f"{len(self.foreign)} namespaces" if self.foreign else ""),
        ]
        tone = "bad" if self.conflicts or any(r.essential for r in self.missing) else "good"
        return Card("Nothing was written yet. This is what the lab would do here:", tone, rows)


def look(
    client: Client, context: str, objects: Sequence[dict[str, Any]], names: Names, selector: str
) -> Preflight:
    """Check a cluster for the walkthrough's objects without changing it.

    The selector selects the lab's own objects.

    Raises:
        ApiFailure: When the server refuses an access review.
    """
    namespaces = client.get("/api/v1/namespaces")
    # RBAC grants /api to authenticated users (system:discovery), so anonymous ones get 403; where
    # the server runs with --anonymous-auth=false, the answer is 401.
    anonymous = client.with_credentials(Credentials(), "anonymous").get("/api")
    labs = {names.namespace(name) for name in NAMESPACES} | _learners(namespaces.items, selector)
    foreign = [n for n in namespaces.names if n not in labs and not n.startswith(OF_EVERY_CLUSTER)]
    return Preflight(
        server=client.server,
        context=context,
        user=client.whoami().user,
        makes=tuple(dict.fromkeys(_made(client, objects, names))),
        rights=tuple(_rights(client, names)),
        conflicts=tuple(_conflicts(client, objects, selector)),
        foreign=tuple(foreign),
        anonymous=anonymous.status == 403,
    )


def _learners(namespaces: Iterable[dict[str, Any]], selector: str) -> set[str]:
    """Return the namespaces of all learners on the cluster, so that a class does not look like production.

    These are the namespaces with the lab's label, and others with the same prefix, because
    learners can create some by hand.
    """
    key = selector.partition("=")[0]
    prefixes = {(entry["metadata"].get("labels") or {}).get(key, "") for entry in namespaces} - {
        "",
        UNPREFIXED,
    }
    return {f"{prefix}-{name}" for prefix in prefixes for name in NAMESPACES}


def _made(client: Client, objects: Sequence[dict[str, Any]], names: Names) -> Iterable[str]:
    """Yield the objects that will be created, by their names on the cluster; with a prefix none in ``default``."""
    resources = Resources(client)
    if names.prefix:
        yield f"Namespace {names.namespace('default')}"
    for entry in objects:
        placed = entry
        if names.prefix and resources.collection(entry).startswith("/api/v1/namespaces/default/"):
            placed = {**entry, "metadata": {**entry["metadata"], "namespace": "default"}}
        yield title(names.body(placed))


def _rights(client: Client, names: Names) -> Iterable[Right]:
    kikai = names.namespace("kikai")
    default = names.namespace("default")
    wanted = [
        ("create", "namespaces", "", "", "parts 4 and 5 work in two namespaces of their own", True),
        ("create", "pods", "", default, "the walkthrough's pods", True),
        ("create", "pods/exec", "", default, "commands in pods", True),
        ("create", "serviceaccounts", "", default, "the account kikai", True),
        ("create", "serviceaccounts/token", "", default, "tokens of accounts", True),
        ("create", "secrets", "", default, "the token Secret of W10", False),
        ("create", "roles", RBAC_GROUP, kikai, "part 4", True),
        ("create", "rolebindings", RBAC_GROUP, kikai, "part 4", True),
        ("create", "clusterroles", RBAC_GROUP, "", "part 5", False),
        ("create", "clusterrolebindings", RBAC_GROUP, "", "part 5", False),
        ("list", "persistentvolumes", "", "", "part 5: one can only grant what one holds", False),
        ("create", "subjectaccessreviews", "authorization.k8s.io", "", "the checkpoints", True),
    ]
    for verb, resource, group, namespace, why, essential in wanted:
        # A review, not a dry run: it needs no valid object, and admission has no part in it.
        allowed = client.can(verb, resource, namespace, group=group)
        yield Right(verb, resource, group, namespace, why, allowed, essential)


def _conflicts(client: Client, objects: Sequence[dict[str, Any]], selector: str) -> Iterable[str]:
    resources = Resources(client)
    key, _, value = selector.partition("=")
    for path, entry in {resources.path(entry): entry for entry in objects}.items():
        answer = client.get(path)
        labels = answer.body["metadata"].get("labels") or {} if answer.ok else {}
        # Objects with the lab's own label are from an earlier start of the same learner.
        if answer.ok and labels.get(key) != value:
            yield title(client.names.body(entry))
