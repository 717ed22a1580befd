"""The default roles and bindings of a cluster.

They are the real server's, all of them: also those for controllers and API groups that
are not served here, since ``kubectl get clusterroles`` lists them and the aggregated
roles are made of them. ``kube_embedded.rbac.defaults`` has them.

Source: k8s.io/kubernetes ``plugin/pkg/auth/authorizer/rbac/bootstrappolicy``,
``k8s.io/component-helpers/auth/rbac/reconciliation``;
https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
"""

from collections.abc import Iterator

from kube_embedded.rbac.defaults import default_object, default_table
from kube_embedded.rbac.parts import compact, uncovered

from ..machinery.request import Object
from .services import managed_entry

GROUP = "rbac.authorization.k8s.io"
VERSION = f"{GROUP}/v1"
AUTO_UPDATE = "rbac.authorization.kubernetes.io/autoupdate"
ANNOTATIONS = {AUTO_UPDATE: "true"}


def bootstrap_policy(now: str) -> Iterator[tuple[str, Object]]:
    """The default objects with their plurals, but without uids; the rules are shared and must not be changed."""
    for plural, rows in default_table().items():
        for row in rows:
            yield plural, _object(plural, row, now)


def reconciled(stored: Object, default: Object) -> Object | None:
    """Return the fields of a default object to restore when a server starts; None if it is complete.

    Missing rules, subjects, labels and annotations are added; additions stay. The annotation
    ``autoupdate: "false"`` on the object prevents it.
    """
    metadata = stored["metadata"]
    # An administrator's way to preserve a change of a default role over restarts.
    if (metadata.get("annotations") or {}).get(AUTO_UPDATE) == "false":
        return None
    changed: Object = {}
    restored: Object = {}
    for field in ("labels", "annotations"):
        whole = {**default["metadata"][field], **(metadata.get(field) or {})}
        if whole != metadata.get(field):
            restored[field] = whole
    if restored:
        changed["metadata"] = {**metadata, **restored}
    if "roleRef" in default:
        subjects = stored.get("subjects") or []
        missing = [subject for subject in default.get("subjects", []) if subject not in subjects]
        if missing:
            changed["subjects"] = [*subjects, *missing]
    # The rules of an aggregated role belong to its controller.
    elif "aggregationRule" not in default:
        rules = stored.get("rules") or []
        lost = [] if rules == default["rules"] else compact(uncovered(rules, default["rules"]))
        if lost:
            changed["rules"] = [*rules, *lost]
    elif not stored.get("aggregationRule"):
        changed["aggregationRule"] = default["aggregationRule"]
    return changed or None


def _object(plural: str, row: Object, now: str) -> Object:
    obj = default_object(plural, row)
    metadata = obj["metadata"]
    metadata["annotations"] = ANNOTATIONS
    metadata["managedFields"] = _managed_fields(metadata["labels"], row, now)
    return obj


def _managed_fields(labels: Object, row: Object, now: str) -> list[Object]:
    owned: Object = {
        "f:metadata": {
            "f:annotations": {".": {}, **{f"f:{key}": {} for key in ANNOTATIONS}},
            "f:labels": {".": {}, **{f"f:{key}": {} for key in sorted(labels)}},
        }
    }
    entries = []
    if "role" in row:
        owned |= {"f:roleRef": {}, **({"f:subjects": {}} if row["subjects"] else {})}
    elif "aggregationRule" in row:
        owned = {"f:aggregationRule": {".": {}, "f:clusterRoleSelectors": {}}, **owned}
        entries.append(
            managed_entry(
                VERSION, "clusterrole-aggregation-controller", "Apply", {"f:rules": {}}, now
            )
        )
    else:
        owned["f:rules"] = {}
    entries.append(managed_entry(VERSION, "kube-apiserver", "Update", owned, now))
    return entries
