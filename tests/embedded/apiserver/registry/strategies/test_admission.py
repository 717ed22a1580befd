"""Webhook configurations, admission policies and their bindings: filled in, checked, warned of, and without effect."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cluster import ClusterApi, causes

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
REQUIRED = "Required value"
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
    assert made.warnings == ("webhooks: this server calls no admission webhooks",)
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


def test_what_is_wrong_with_webhooks(api: ClusterApi) -> None:
    rule = {
        "operations": ["GET"],
        "apiGroups": ["*", "a"],
        "apiVersions": [""],
        "resources": [],
        "scope": "all",
    }
    bad = {
        "name": "a",
        "rules": [rule],
        "failurePolicy": "No",
        "matchPolicy": "No",
        "timeoutSeconds": 31,
    }
    conditions = [{"name": "n", "expression": "true"}, {"name": "n", "expression": " "}]
    body = {
        "metadata": {"name": "x"},
        "webhooks": [{**bad, "matchConditions": conditions}, HOOK, HOOK],
    }
    found = [
        (field.removeprefix("webhooks[0]."), message)
        for field, message in causes(api.admin.post(HOOKS, body))
    ]
    assert found == [
        (
            "name",
            'Invalid value: "a": should be a domain with at least three segments separated by dots',
        ),
        (
            "rules[0].operations[0]",
            'Unsupported value: "GET": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"',
        ),
        (
            "rules[0].apiGroups",
            'Invalid value: ["*","a"]: if \'*\' is present, must not specify other API groups',
        ),
        ("rules[0].apiVersions[0]", REQUIRED),
        ("rules[0].resources", REQUIRED),
        (
            "rules[0].scope",
            'Unsupported value: "all": supported values: "*", "Cluster", "Namespaced"',
        ),
        ("failurePolicy", 'Unsupported value: "No": supported values: "Fail", "Ignore"'),
        ("matchPolicy", 'Unsupported value: "No": supported values: "Equivalent", "Exact"'),
        ("sideEffects", f"{REQUIRED}: must specify one of None, NoneOnDryRun"),
        ("timeoutSeconds", "Invalid value: 31: the timeout value must be between 1 and 30 seconds"),
        ("clientConfig", f"{REQUIRED}: exactly one of url or service is required"),
        ("matchConditions[1].expression", REQUIRED),
        ("matchConditions[1].name", 'Duplicate value: "n"'),
        ("admissionReviewVersions", f"{REQUIRED}: must specify one of v1, v1beta1"),
        ("webhooks[2].name", 'Duplicate value: "a.b.c"'),
    ]


def test_what_is_wrong_with_policies(api: ClusterApi) -> None:
    assert causes(api.admin.post(POLICIES, {"metadata": {"name": "x"}, "spec": {}})) == [
        ("spec.matchConstraints", REQUIRED),
        (
            "spec.validations",
            f"{REQUIRED}: validations or auditAnnotations must contain at least one item",
        ),
        (
            "spec.auditAnnotations",
            f"{REQUIRED}: validations or auditAnnotations must contain at least one item",
        ),
    ]
    names = {**RULE, "resourceNames": ["a", "a", "/"]}
    body = policy(
        matchConstraints={"excludeResourceRules": [names]},
        validations=[{"expression": "", "reason": "No"}],
    )
    assert [field for field, _ in causes(api.admin.post(POLICIES, body))] == [
        "spec.matchConstraints.excludeResourceRules[0].resourceNames[1]",
        "spec.matchConstraints.excludeResourceRules[0].resourceNames[2]",
        "spec.matchConstraints.resourceRules",
        "spec.validations[0].expression",
        "spec.validations[0].reason",
    ]
    assert [
        field for field, _ in causes(api.admin.post(f"{GROUP}/mutatingadmissionpolicies", policy()))
    ] == [
        "spec.mutations",
        "spec.reinvocationPolicy",
    ]


def test_what_is_wrong_with_bindings(api: ClusterApi) -> None:
    spec = {
        "paramRef": {"name": "a", "selector": {}},
        "validationActions": ["Deny", "Warn", "Deny", "No"],
    }
    assert causes(api.admin.post(BINDINGS, {"metadata": {"name": "x"}, "spec": spec})) == [
        ("spec.policyName", REQUIRED),
        ("spec.paramRef.name", "Forbidden: name and selector are mutually exclusive"),
        ("spec.paramRef.selector", "Forbidden: name and selector are mutually exclusive"),
        ("spec.paramRef.parameterNotFoundAction", REQUIRED),
        ("spec.validationActions[2]", 'Duplicate value: "Deny"'),
        (
            "spec.validationActions[3]",
            'Unsupported value: "No": supported values: "Audit", "Deny", "Warn"',
        ),
        (
            "spec.validationActions",
            'Invalid value: ["Deny","Warn","Deny","No"]: must not contain both Deny and Warn (repeating the same '
            "validation failure information in the API response and headers serves no purpose)",
        ),
    ]
    bare = {"metadata": {"name": "x"}, "spec": {"policyName": "a", "paramRef": {}}}
    assert causes(api.admin.post(f"{GROUP}/mutatingadmissionpolicybindings", bare)) == [
        ("spec.paramRef", f"{REQUIRED}: one of name or selector must be specified"),
        ("spec.paramRef.parameterNotFoundAction", REQUIRED),
    ]


def test_a_policy_that_refuses_everything_refuses_nothing(api: ClusterApi) -> None:
    made = api.admin.post(POLICIES, policy(paramKind={"apiVersion": "v1", "kind": "ConfigMap"}))
    warning = ("spec: this server evaluates no admission policies",)
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
