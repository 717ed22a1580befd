"""The access matrix: subjects by permissions; the server decides each cell."""

from collections.abc import Sequence
from typing import Any

from kube_embedded.rbac.subjects import Subject, subject
from labkit.core.html import render
from labkit.core.language import text
from labkit.rbac.explain import explain
from labkit.rbac.explaining import explanation_data, explanation_text
from labkit.rbac.matrix import Matrix, Permission, access_matrix
from labkit.rbac.policy import Api, read_policy

from .base import LabWidget, api_of, html_table, text_table
from .share import Shareable

DEFAULT_PERMISSIONS = (
    "list services",
    "create services",
    "list pods",
    "create pods/exec",
    "list secrets",
    "list persistentvolumes",
    "create rolebindings.rbac.authorization.k8s.io",
)

WORDS = {True: text("✓ yes"), False: text("✕ no")}
CHANGED = {allowed: text("{answer} (changed)", word) for allowed, word in WORDS.items()}


class AccessMatrix(Shareable, LabWidget):
    """A table of subjects and permissions, with the server's decision in each cell.

    Args:
        lab: The lab, or a caller who can create SubjectAccessReviews.
        subjects: Rows: ``kikai/default`` for an account, a name for a user; one or several.
        permissions: Columns, such as ``list pods`` or ``create pods/exec``; one or several.
        namespace: The namespace of the requests; empty for the whole cluster.
    """

    def __init__(
        self,
        lab: Any,
        subjects: str | Sequence[str | Subject],
        permissions: str | Sequence[str | Permission] = DEFAULT_PERMISSIONS,
        namespace: str = "",
    ) -> None:
        super().__init__()
        self._api: Api = api_of(lab)
        rows = [subjects] if isinstance(subjects, str) else subjects
        columns = [permissions] if isinstance(permissions, str) else permissions
        self._subjects = [subject(who) if isinstance(who, str) else who for who in rows]
        self._permissions = [
            Permission.parse(what) if isinstance(what, str) else what for what in columns
        ]
        self._namespace = namespace
        self.matrix: Matrix = access_matrix(self._api, self._subjects, self._permissions, namespace)
        self._show()

    def on_refresh(self) -> None:
        """Review every cell again, and mark those that changed."""
        self.matrix = access_matrix(
            self._api, self._subjects, self._permissions, self._namespace, self.matrix
        )
        self._show()

    refresh = on_refresh

    def on_explain(self, row: int, column: int) -> None:
        """Explain one cell, by the indexes of its subject and its permission."""
        who = self._subjects[row]
        permission = self._permissions[column]
        # Read again for each explanation: the policy is what a learner changes between two
        # clicks.
        policy = read_policy(self._api)
        found = explain(self._api, permission.question(who, self._namespace), policy)
        self._show(explanation_data(found, policy))

    def as_text(self) -> str:
        """Return a table of yes and no."""
        table = text_table(*self._plain())
        explanation = self.data.get("explanation")
        return f"{table}\n\n{explanation_text(explanation)}" if explanation else table

    def as_html(self) -> str:
        """Return the same as an HTML table."""
        where = self._namespace or text("the whole cluster")
        page = html_table(*self._plain(), caption=text("Who may do what in {where}", where))
        explanation = self.data.get("explanation")
        return page + (
            render("text.html", text=explanation_text(explanation)) if explanation else ""
        )

    def _plain(self) -> tuple[list[str], list[list[str]]]:
        head = ["subject", *(self._column(permission) for permission in self._permissions)]
        rows = [
            [who.label, *((CHANGED if cell.changed else WORDS)[cell.allowed] for cell in cells)]
            for who, cells in zip(self.matrix.subjects, self.matrix.cells, strict=True)
        ]
        return head, rows

    def _column(self, permission: Permission) -> str:
        # A resource without a namespace is reviewed without one: a RoleBinding never grants it.
        wide = self._namespace and permission.cluster_wide
        return text("{permission} (cluster-wide)", permission.label) if wide else permission.label

    def _show(self, explanation: dict[str, Any] | None = None) -> None:
        self.data = {
            "namespace": self._namespace,
            "columns": [self._column(permission) for permission in self._permissions],
            "rows": [
                {
                    "index": index,
                    "label": who.label,
                    "cells": [{"allowed": cell.allowed, "changed": cell.changed} for cell in cells],
                }
                for index, (who, cells) in enumerate(
                    zip(self.matrix.subjects, self.matrix.cells, strict=True)
                )
            ],
            "explanation": explanation,
        }
