"""The roles and bindings that every cluster has, as Kubernetes 1.36 creates them.

``default_policy.json`` is generated (``python -m tools.generate_bootstrap_policy``).

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from kube_embedded.files import read_json

from .objects import GROUP, Object

LABELS = {"kubernetes.io/bootstrapping": "rbac-defaults"}
KINDS = {
    "clusterroles": "ClusterRole",
    "clusterrolebindings": "ClusterRoleBinding",
    "roles": "Role",
    "rolebindings": "RoleBinding",
}


@lru_cache(maxsize=1)
def default_table() -> dict[str, list[dict[str, Any]]]:
    """The default objects as rows, by plural; they are shared and must not be changed."""
    table: dict[str, list[dict[str, Any]]] = read_json(__file__, "default_policy.json")
    return table


def default_objects() -> Iterator[Object]:
    """The default objects with what decides; their rules are shared and must not be changed."""
    for plural, rows in default_table().items():
        for row in rows:
            yield default_object(plural, row)


def default_object(plural: str, row: dict[str, Any]) -> Object:
    """One row as an object."""
    metadata: Object = {"name": row["name"]}
    if "namespace" in row:
        metadata["namespace"] = row["namespace"]
    # Labels matter: aggregation selects by them, and is_default recognises an object by its bootstrapping label.
    metadata["labels"] = {**LABELS, **row.get("labels", {})}
    obj: Object = {"kind": KINDS[plural], "apiVersion": f"{GROUP}/v1", "metadata": metadata}
    # Some default bindings have no subjects, such as the one of system:node; the server then omits the field.
    if "role" in row:
        if row["subjects"]:
            obj["subjects"] = [_subject(text) for text in row["subjects"]]
        kind, _, name = row["role"].partition("/")
        return {**obj, "roleRef": {"apiGroup": GROUP, "kind": kind, "name": name}}
    return obj | {key: row[key] for key in ("rules", "aggregationRule") if key in row}


def _subject(text: str) -> Object:
    kind, _, name = text.partition("/")
    if kind == "ServiceAccount":
        namespace, _, name = name.partition("/")
        return {"kind": kind, "name": name, "namespace": namespace}
    return {"kind": kind, "apiGroup": GROUP, "name": name}
