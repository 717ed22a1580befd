"""Bindings; roles are printed as any kind without columns of its own."""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.represent.tables.model import AGE, NAME, Cells, Column, Printer, wide
from labkit.embedded.apiserver.handlers.represent.tables.text import age
from labkit.embedded.machinery.request import Object

COLUMNS = (
    NAME,
    Column("Role", "The role whose rules are granted."),
    AGE,
    wide("Users", "Users among the subjects."),
    wide("Groups", "Groups among the subjects."),
    wide("ServiceAccounts", "Service accounts among the subjects."),
)


def binding(obj: Object, now: float) -> Cells:
    """The row of a RoleBinding or ClusterRoleBinding."""
    subjects = obj.get("subjects") or ()
    users = [each.get("name", "") for each in subjects if each.get("kind") == "User"]
    groups = [each.get("name", "") for each in subjects if each.get("kind") == "Group"]
    accounts = [
        f"{each.get('namespace', '')}/{each.get('name', '')}"
        for each in subjects
        if each.get("kind") == "ServiceAccount"
    ]
    role = obj.get("roleRef") or {}
    return [
        obj["metadata"]["name"],
        f"{role.get('kind', '')}/{role.get('name', '')}",
        age(obj, now),
        ", ".join(users),
        ", ".join(groups),
        ", ".join(accounts),
    ]


BINDINGS = Printer(COLUMNS, binding)
