"""The access matrix: subjects by permissions, each cell decided by the server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kube_embedded.files import read_json
from kube_embedded.rbac.attributes import Attributes
from kube_embedded.rbac.subjects import Subject
from labkit.core.errors import UsageError
from labkit.core.language import text

from .policy import Api
from .reviews import reviews

CLUSTER_SCOPED = frozenset(
    (group, plural)
    for group, plurals in read_json(__file__, "cluster_scoped.json").items()
    for plural in plurals
)
"""(API group, plural) of Kubernetes' cluster-scoped kinds."""


@dataclass(frozen=True, slots=True)
class Permission:
    """A column: a verb on a resource."""

    verb: str
    resource: str
    group: str = ""
    subresource: str = ""

    @property
    def label(self) -> str:
        """``list pods``, ``create pods/exec``."""
        suffix = f"/{self.subresource}" if self.subresource else ""
        return f"{self.verb} {self.resource}{suffix}"

    @property
    def cluster_wide(self) -> bool:
        """Return whether it is about cluster-scoped objects; a request for them names no namespace."""
        return (self.group, self.resource) in CLUSTER_SCOPED

    @classmethod
    def parse(cls, content: str) -> Permission:
        """Read ``list pods``, ``create pods/exec`` or ``get deployments.apps``.

        Raises:
            UsageError: It has no verb or no resource.
        """
        # The form of kubectl create role --resource: the group follows the plural after a dot, the subresource
        # after a slash.
        verb, _, rest = content.strip().partition(" ")
        thing, _, subresource = rest.strip().partition("/")
        resource, _, group = thing.partition(".")
        if not verb or not resource:
            raise UsageError(
                text("“{text}” is no permission.", content),
                todo="Write a verb and a resource, such as “list pods”.",
            )
        return cls(verb, resource, group, subresource)

    def question(self, who: Subject, namespace: str) -> Attributes:
        """The request of one subject in one namespace (empty: cluster-wide).

        The namespace is dropped for cluster-scoped objects, as in a real request for
        ``persistentvolumes``; otherwise a RoleBinding would give a false yes.
        """
        namespace = "" if self.cluster_wide else namespace
        return Attributes(
            who.as_user(), self.verb, self.group, "", self.resource, self.subresource, namespace
        )


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer, and whether it differs from the matrix before."""

    allowed: bool
    changed: bool
    reason: str


@dataclass(frozen=True)
class Matrix:
    """All decisions: a row for each subject, a column for each permission. No namespace means cluster-wide."""

    namespace: str
    subjects: tuple[Subject, ...]
    permissions: tuple[Permission, ...]
    cells: tuple[tuple[Cell, ...], ...]


def access_matrix(
    api: Api,
    subjects: Iterable[Subject],
    permissions: Sequence[Permission],
    namespace: str = "",
    before: Matrix | None = None,
) -> Matrix:
    """Request the server's decision for every cell; differences from the matrix ``before`` are marked.

    Raises:
        Unanswered: The caller has no permission to create SubjectAccessReviews.
    """
    rows = tuple(subjects)
    old = _answers(before) if before is not None else {}
    asked = list(dict.fromkeys((who, permission) for who in rows for permission in permissions))
    questions = [permission.question(who, namespace) for who, permission in asked]
    answers = dict(zip(asked, reviews(api, questions), strict=True))
    cells = []
    for who in rows:
        row = []
        for permission in permissions:
            status = answers[who, permission]
            allowed = bool(status.get("allowed"))
            earlier = old.get((namespace, who.user, permission), allowed)
            row.append(Cell(allowed, earlier != allowed, str(status.get("reason") or "")))
        cells.append(tuple(row))
    return Matrix(namespace, rows, tuple(permissions), tuple(cells))


def _answers(matrix: Matrix) -> dict[tuple[str, str, Permission], bool]:
    return {
        (matrix.namespace, who.user, permission): cell.allowed
        for who, row in zip(matrix.subjects, matrix.cells, strict=True)
        for permission, cell in zip(matrix.permissions, row, strict=True)
    }
