"""RBAC once more, straight from its documentation, slow and plain: what the tests compare with.

https://kubernetes.io/docs/reference/access-authn-authz/rbac/

Nothing of ``kube_embedded.apiserver.authorization`` is used here. Where the documentation says
"a RoleBinding grants permissions within a specific namespace whereas a
ClusterRoleBinding grants that access cluster-wide", so does this.
"""

from __future__ import annotations

from typing import Any

Policy = dict[str, list[dict[str, Any]]]


def allowed(policy: Policy, user: str, groups: set[str], ask: dict[str, str]) -> bool:
    """Whether the policy lets someone do it.

    Args:
        policy: ``roles``, ``clusterroles``, ``rolebindings``, ``clusterrolebindings``.
        user: The user name.
        groups: The user's groups.
        ask: ``verb`` and either ``path``, or ``group``, ``resource``, ``subresource``,
            ``namespace`` and ``name``.
    """
    granted = []
    for bound in policy["clusterrolebindings"]:
        if names(bound, "", user, groups):
            granted += [
                rule
                for role in policy["clusterroles"]
                if bound["roleRef"]["kind"] == "ClusterRole"
                and role["metadata"]["name"] == bound["roleRef"]["name"]
                for rule in role["rules"]
            ]
    namespace = ask.get("namespace", "")
    for bound in policy["rolebindings"]:
        home = bound["metadata"]["namespace"]
        if namespace and home == namespace and names(bound, home, user, groups):
            ref = bound["roleRef"]
            for role in policy["clusterroles"] if ref["kind"] == "ClusterRole" else policy["roles"]:
                same_place = ref["kind"] == "ClusterRole" or role["metadata"]["namespace"] == home
                if same_place and role["metadata"]["name"] == ref["name"]:
                    granted += role["rules"]
    return any(permits(rule, ask) for rule in granted)


def names(bound: dict[str, Any], home: str, user: str, groups: set[str]) -> bool:
    """Whether a binding is about the user."""
    for subject in bound["subjects"]:
        match subject["kind"]:
            case "User":
                hit = subject["name"] == user
            case "Group":
                hit = subject["name"] in groups
            case "ServiceAccount":
                namespace = subject.get("namespace", home)
                hit = namespace != "" and user == ":".join(
                    ("system", "serviceaccount", namespace, subject["name"])
                )
            case _:
                hit = False
        if hit:
            return True
    return False


def permits(rule: dict[str, Any], ask: dict[str, str]) -> bool:
    """Whether one rule lets it happen."""
    if not {"*", ask["verb"]} & set(rule["verbs"]):
        return False
    if "path" in ask:
        for url in rule.get("nonResourceURLs", []):
            if url == ask["path"] or (url[-1:] == "*" and ask["path"].startswith(url[:-1])):
                return True
        return False
    if not {"*", ask["group"]} & set(rule.get("apiGroups", [])):
        return False
    if ask["subresource"]:
        wanted = {"*", ask["resource"] + "/" + ask["subresource"], "*/" + ask["subresource"]}
    else:
        wanted = {"*", ask["resource"]}
    if not wanted & set(rule.get("resources", [])):
        return False
    return not rule.get("resourceNames") or ask["name"] in rule["resourceNames"]
