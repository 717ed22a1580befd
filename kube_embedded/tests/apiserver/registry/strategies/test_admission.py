"""Webhook configurations, admission policies and their bindings: filled in, checked, warned of, and without effect."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi

GROUP = "/apis/admissionregistration.k8s.io/v1"
HOOKS, CHANGING = (
    f"{GROUP}/validatingwebhookconfigurations",
    f"{GROUP}/mutatingwebhookconfigurations",
)
POLICIES, BINDINGS = (
    f"{GROUP}/validatingadmissionpolicies",
    f"{GROUP}/validatingadmissionpolicybindings",
)
RULE = {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]}
SERVICE = {"service": {"name": "a", "namespace": "b"}}
HOOK = {
    "name": "a.b.c",
    "clientConfig": SERVICE,
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
}
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


@pytest.fixture(scope="module")
def api() -> ClusterApi:
    return ClusterApi()


def policy(**spec: Any) -> dict[str, Any]:
    whole = {
        "matchConstraints": {"resourceRules": [RULE]},
        "validations": [{"expression": "false"}],
        **spec,
    }
    return {"metadata": {"name": "x"}, "spec": whole}


def test_a_webhook_is_filled_in(api: ClusterApi) -> None:
    made = api.admin.post(
        CHANGING, {"metadata": {"name": "x"}, "webhooks": [{**HOOK, "rules": [RULE]}]}
    )
    assert made.warnings == (
        "kube-embedded: stored, without effect: admission webhooks are not called",
    )
    assert made.body["metadata"]["generation"] == 1
    assert made.body["webhooks"] == [
        {
            "name": "a.b.c",
            "clientConfig": {"service": {"namespace": "b", "name": "a", "port": 443}},
            "rules": [{**RULE, "scope": "*"}],
            "failurePolicy": "Fail",
            "matchPolicy": "Equivalent",
            "namespaceSelector": {},
            "objectSelector": {},
            "sideEffects": "None",
            "timeoutSeconds": 10,
            "admissionReviewVersions": ["v1"],
            "reinvocationPolicy": "Never",
        }
    ]
    changed = api.must(api.admin.patch(f"{CHANGING}/x", {"webhooks": []}))
    assert changed["metadata"]["generation"] == 2
    api.must(api.admin.delete(f"{CHANGING}/x"))


def test_a_policy_that_refuses_everything_refuses_nothing(api: ClusterApi) -> None:
    made = api.admin.post(POLICIES, policy(paramKind={"apiVersion": "v1", "kind": "ConfigMap"}))
    warning = ("kube-embedded: stored, without effect: admission policies are not evaluated",)
    assert (made.status, made.warnings) == (201, warning)
    param = {"selector": {"matchLabels": {"a": "b"}}, "parameterNotFoundAction": "Deny"}
    spec = {"policyName": "x", "validationActions": ["Deny"], "paramRef": param}
    assert api.admin.post(BINDINGS, {"metadata": {"name": "x"}, "spec": spec}).warnings == warning
    api.must(
        api.admin.post("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "free"}})
    )
    cells = [
        api.admin.get(path, headers=TABLE).body["rows"][0]["cells"] for path in (POLICIES, BINDINGS)
    ]
    assert cells == [["x", 1, "v1/ConfigMap", "0s"], ["x", "x", "a=b", "0s"]]
    named = api.must(
        api.admin.patch(f"{BINDINGS}/x", {"spec": {"paramRef": {"name": "p", "selector": None}}})
    )
    assert named["spec"]["paramRef"] == {"name": "p", "parameterNotFoundAction": "Deny"}
    assert api.admin.get(BINDINGS, headers=TABLE).body["rows"][0]["cells"][2] == "*/p"
    protobuf = api.admin.get(
        f"{POLICIES}/x", headers={"accept": "application/vnd.kubernetes.protobuf"}
    )
    assert protobuf.status == 200
    for path in (POLICIES, BINDINGS):
        api.must(api.admin.delete(f"{path}/x"))
