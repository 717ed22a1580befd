"""Permissions that an account used, lacked and never used; the least policy allows exactly the used ones."""

from __future__ import annotations

from typing import Any

from kube_embedded.rbac.subjects import subject
from labkit.rbac.testing.policies import policy_of
from labkit.rbac.testing.usage import least_policy, usage_of
from tests.rbac.testing.support import account, bind, role, words

WHO = subject("kikai/operator")


def event(
    verb: str,
    resource: str,
    namespace: str = "kikai",
    *,
    name: str = "",
    group: str = "",
    **more: Any,
) -> Any:
    plural, _, sub = resource.partition("/")
    reference = {
        "resource": plural,
        "subresource": sub,
        "namespace": namespace,
        "name": name,
        "apiGroup": group,
    }
    return {
        "stage": "ResponseComplete",
        "verb": verb,
        "user": {"username": WHO.user},
        "objectRef": reference,
        **more,
    }


OWN = [
    role(
        [
            {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create", "delete"]},
            {
                "apiGroups": [""],
                "resources": ["secrets"],
                "verbs": ["get"],
                "resourceNames": ["key"],
            },
        ],
        "operator",
    ),
    bind(account("kikai", "operator"), name="operator", ref=("Role", "operator")),
]
EVENTS = [
    event("create", "configmaps"),
    event("patch", "configmaps", name="plan"),
    event("patch", "configmaps", name="other"),
    event("get", "secrets", name="key"),
    event("list", "pods", ""),
    event("list", "pods"),
    {
        "stage": "ResponseComplete",
        "verb": "get",
        "user": {"username": WHO.user},
        "requestURI": "/apis?x=1",
    },
    event("create", "configmaps", stage="RequestReceived"),
    {**event("delete", "pods"), "user": {"username": "somebody"}},
    {
        **event("get", "services"),
        "user": {"username": "admin"},
        "impersonatedUser": {"username": WHO.user},
    },
    event("create", "selfsubjectaccessreviews", "", group="authorization.k8s.io"),
    {"user": None, "verb": "get"},
    {"verb": 7},
    [],
]


def test_each_request_is_judged_by_the_policy_and_not_by_what_the_log_says() -> None:
    found = usage_of(WHO, policy_of(OWN), EVENTS, words())
    assert found.requests == 9
    assert sorted(map(str, found.missing)) == [
        "get · services in kikai",
        "list · pods",
        "list · pods in kikai",
        "patch · configmaps in kikai",
    ]
    assert sorted(map(str, found.unused)) == [
        "delete · configmaps in kikai",
        "get · configmaps in kikai",
    ]


def test_the_least_policy_allows_what_was_used_and_nothing_else() -> None:
    used = usage_of(WHO, policy_of(OWN), EVENTS, words())
    least = least_policy(used, "least")
    again = usage_of(WHO, policy_of(least), EVENTS, words())
    assert (again.missing, again.unused) == ([], [])
    assert [(each["kind"], each["metadata"].get("namespace")) for each in least] == [
        ("ClusterRole", None),
        ("ClusterRoleBinding", None),
        ("Role", "kikai"),
        ("RoleBinding", "kikai"),
    ]
    assert "selfsubjectaccessreviews" not in str(least)  # granted to everybody


def test_an_account_that_asked_nothing_used_nothing() -> None:
    found = usage_of(WHO, policy_of(OWN), [], words())
    assert (found.requests, found.missing, least_policy(found, "least")) == (0, [], [])
    assert len(found.unused) == 4
