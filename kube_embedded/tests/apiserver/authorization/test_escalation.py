"""Nobody gives away what they do not have."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from kube_embedded.apiserver.authorization.escalation import EscalationGuard, go_rule
from kube_embedded.apiserver.registry.registry import Change
from kube_embedded.machinery.kinds import BY_RESOURCE
from kube_embedded.machinery.request import RequestInfo
from kube_embedded.machinery.status import ApiError
from kube_embedded.machinery.work import WorkBudget, limited
from kube_embedded.rbac.attributes import NO_OPINION, Attributes, Decision, User
from kube_embedded.rbac.bindings import Grant
from kube_embedded.rbac.parts import breakdown, compact, uncovered
from kube_embedded.tests.support.cluster import RBAC, Caller, ClusterApi, Reply, binding, rule

ALL = rule("*", "*", "*")
GET_PODS = rule("get list", "pods")


@pytest.mark.parametrize(
    ("held", "wanted", "missing"),
    [
        ([GET_PODS], [rule("get", "pods")], []),
        (
            [GET_PODS],
            [rule("get delete", "pods")],
            ['{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}'],
        ),
        (
            [GET_PODS],
            [rule("get", "pods/log")],
            ['{APIGroups:[""], Resources:["pods/log"], Verbs:["get"]}'],
        ),
        ([rule("get", "*/log")], [rule("get", "pods/log services/log")], []),
        (
            [rule("get", "*/log")],
            [rule("get", "pods")],
            ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}'],
        ),
        ([rule("get", "*")], [rule("get", "*/log pods/exec")], []),
        ([rule("get", "*")], [rule("*", "*")], ['{APIGroups:[""], Resources:["*"], Verbs:["*"]}']),
        ([ALL], [rule("*", "pods", "x", "n")], []),
        ([ALL], [rule("get", urls="/x")], ['{NonResourceURLs:["/x"], Verbs:["get"]}']),
        ([rule("get", urls="/x/*")], [rule("get", urls="/x/y /x/*")], []),
        (
            [rule("get", urls="/x")],
            [rule("get", urls="/x/y")],
            ['{NonResourceURLs:["/x/y"], Verbs:["get"]}'],
        ),
        (
            [rule("get", urls="/x/*")],
            [rule("get", urls="/*")],
            ['{NonResourceURLs:["/*"], Verbs:["get"]}'],
        ),
        (
            [rule("get", "pods", names="a")],
            [rule("get", "pods")],
            ['{APIGroups:[""], Resources:["pods"], Verbs:["get"]}'],
        ),
        (
            [rule("get", "pods", names="a")],
            [rule("get list", "pods", names="a b")],
            [
                '{APIGroups:[""], Resources:["pods"], ResourceNames:["a"], Verbs:["list"]}',
                '{APIGroups:[""], Resources:["pods"], ResourceNames:["b"], Verbs:["get" "list"]}',
            ],
        ),
        (
            [],
            [rule("get", "b a", "y,x"), rule("list get", "a", "x")],
            [
                '{APIGroups:["x"], Resources:["a"], Verbs:["get" "list" "get"]}',
                '{APIGroups:["x"], Resources:["b"], Verbs:["get"]}',
                '{APIGroups:["y"], Resources:["a"], Verbs:["get"]}',
                '{APIGroups:["y"], Resources:["b"], Verbs:["get"]}',
            ],
        ),
    ],
)
def test_what_is_missing(held: list[Any], wanted: list[Any], missing: list[str]) -> None:
    assert sorted({go_rule(rule) for rule in compact(uncovered(held, wanted))}) == missing


ROLES = f"{RBAC}/namespaces/lab/roles"
BINDINGS = f"{RBAC}/namespaces/lab/rolebindings"
CLUSTER_ROLES = f"{RBAC}/clusterroles"


@pytest.fixture
def api() -> ClusterApi:
    """Mallory may write RBAC objects in ``lab`` and cluster roles, and may read pods."""
    api = ClusterApi()
    api.namespace("lab")
    group = "rbac.authorization.k8s.io"
    some = "get list create update patch delete"
    api.role(
        "writer", rule(some, "roles rolebindings clusterroles clusterrolebindings", group), GET_PODS
    )
    api.bind("writer", "ClusterRole/writer", "User/mallory")
    return api


@pytest.fixture
def mallory(api: ClusterApi) -> Caller:
    return api.user("mallory", "dev")


def refused(reply: Reply, kind: str, name: str, *missing: str) -> None:
    assert reply.status == 403
    assert reply.message == (
        f'{kind}.rbac.authorization.k8s.io "{name}" is forbidden: user "mallory" (groups=["dev" '
        '"system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n'
        + "\n".join(missing)
    )


def role(name: str, *rules: Any, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "rules": list(rules), **more}


DELETE_PODS = '{APIGroups:[""], Resources:["pods"], Verbs:["delete"]}'


def test_roles(api: ClusterApi, mallory: Caller) -> None:
    api.must(mallory.post(ROLES, role("ok", GET_PODS)))
    more = rule("get delete", "pods")
    refused(mallory.post(ROLES, role("big", more)), "roles", "big", DELETE_PODS)
    refused(mallory.patch(f"{ROLES}/ok", {"rules": [more]}), "roles", "ok", DELETE_PODS)
    stored = mallory.get(f"{ROLES}/ok").body
    refused(mallory.put(f"{ROLES}/ok", {**stored, "rules": [more]}), "roles", "ok", DELETE_PODS)
    refused(mallory.post(CLUSTER_ROLES, role("big", more)), "clusterroles", "big", DELETE_PODS)
    assert api.admin.get(f"{ROLES}/big").status == 404


def test_a_role_stronger_than_oneself_may_be_labelled_only_with_its_rights(
    api: ClusterApi, mallory: Caller
) -> None:
    api.must(api.admin.post(ROLES, role("strong", rule("delete", "pods"))))
    refused(
        mallory.patch(f"{ROLES}/strong", {"metadata": {"labels": {"a": "b"}}}),
        "roles",
        "strong",
        DELETE_PODS,
    )
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "y"}
    api.must(mallory.patch(f"{ROLES}/strong", {"metadata": {"ownerReferences": [owner]}}))


def test_escalate(api: ClusterApi, mallory: Caller) -> None:
    api.role("escalate", rule("escalate", "roles", "rbac.authorization.k8s.io"), namespace="lab")
    api.bind("escalate", "Role/escalate", "User/mallory", namespace="lab")
    api.must(mallory.post(ROLES, role("all", ALL)))
    assert mallory.post(CLUSTER_ROLES, role("all", ALL)).status == 403


def test_escalate_of_one_role(api: ClusterApi, mallory: Caller) -> None:
    group = "rbac.authorization.k8s.io"
    api.role("escalate", rule("escalate", "roles", group, names="mine"), namespace="lab")
    api.bind("escalate", "Role/escalate", "User/mallory", namespace="lab")
    api.must(mallory.post(ROLES, role("mine", GET_PODS)))
    api.must(mallory.patch(f"{ROLES}/mine", {"rules": [ALL]}))
    assert mallory.post(ROLES, role("other", ALL)).status == 403


def test_bindings(api: ClusterApi, mallory: Caller) -> None:
    everything = (
        '{APIGroups:["*"], Resources:["*"], Verbs:["*"]}',
        '{NonResourceURLs:["*"], Verbs:["*"]}',
    )
    body = binding("b", "ClusterRole/cluster-admin", "User/mallory")
    refused(mallory.post(BINDINGS, body), "rolebindings", "b", *everything)
    refused(
        mallory.post(f"{RBAC}/clusterrolebindings", body), "clusterrolebindings", "b", *everything
    )
    api.role("weak", rule("get", "pods"), namespace="lab")
    api.must(mallory.post(BINDINGS, binding("weak", "Role/weak", "User/kim")))


def test_a_binding_stronger_than_oneself_gets_no_new_subject(
    api: ClusterApi, mallory: Caller
) -> None:
    api.bind("admins", "ClusterRole/cluster-admin", "User/boss", namespace="lab")
    subjects = [{"kind": "User", "name": "mallory", "apiGroup": "rbac.authorization.k8s.io"}]
    assert mallory.patch(f"{BINDINGS}/admins", {"subjects": subjects}).status == 403


def test_a_missing_role_cannot_be_bound(api: ClusterApi, mallory: Caller) -> None:
    reply = mallory.post(BINDINGS, binding("b", "Role/ghost", "User/x"))
    assert (reply.status, reply.message) == (
        404,
        'rolebindings.rbac.authorization.k8s.io "ghost" not found',
    )
    assert reply.body["details"] == {
        "name": "ghost",
        "group": "rbac.authorization.k8s.io",
        "kind": "rolebindings",
    }


def test_an_unknown_kind_of_role_is_met_before_validation(api: ClusterApi, mallory: Caller) -> None:
    body = binding("b", "Foo/x", "User/x")
    reply = mallory.post(BINDINGS, body)
    assert (reply.status, reply.message) == (500, 'unsupported role reference kind: "Foo"')
    assert reply.body.keys() == {"kind", "apiVersion", "metadata", "status", "message", "code"}
    assert api.admin.post(BINDINGS, body).status == 422


def test_the_whole_clusters_binding_cannot_name_a_namespaces_role(
    api: ClusterApi, mallory: Caller
) -> None:
    reply = mallory.post(f"{RBAC}/clusterrolebindings", binding("b", "Role/ghost", "User/x"))
    assert (reply.status, reply.message) == (400, "Namespace parameter required.")


def test_bind(api: ClusterApi, mallory: Caller) -> None:
    group = "rbac.authorization.k8s.io"
    api.role("bind", rule("bind", "clusterroles", group, names="view"), namespace="lab")
    api.bind("bind", "Role/bind", "User/mallory", namespace="lab")
    api.must(mallory.post(BINDINGS, binding("view", "ClusterRole/view", "User/x")))
    assert mallory.post(BINDINGS, binding("edit", "ClusterRole/edit", "User/x")).status == 403
    assert (
        mallory.post(
            f"{RBAC}/clusterrolebindings", binding("v", "ClusterRole/view", "User/x")
        ).status
        == 403
    )


def test_aggregation_is_for_administrators(api: ClusterApi, mallory: Caller) -> None:
    rule_of = {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"x": "y"}}]}}
    reply = mallory.post(CLUSTER_ROLES, role("agg", GET_PODS, **rule_of))
    assert reply.status == 403
    assert reply.message.endswith("must have cluster-admin privileges to use the aggregationRule")
    api.must(mallory.post(CLUSTER_ROLES, role("plain", GET_PODS)))
    assert mallory.patch(f"{CLUSTER_ROLES}/plain", rule_of).status == 403
    api.must(api.admin.post(CLUSTER_ROLES, {"metadata": {"name": "agg"}, **rule_of}))
    assert mallory.patch(f"{CLUSTER_ROLES}/agg", {"aggregationRule": None}).status == 403


def guard_of(held: list[Any]) -> EscalationGuard:
    """A guard whose callers hold these rules; ``escalate`` and ``bind`` are allowed to nobody."""
    return EscalationGuard(
        lambda *_: [Grant(each, {}, {}, {}) for each in held], lambda *_: None, lambda _: NO_OPINION
    )


def creating(resource: str, namespace: str = "") -> RequestInfo:
    return RequestInfo(
        True, "/", "create", "apis", "rbac.authorization.k8s.io", "v1", namespace, resource
    )


@pytest.mark.parametrize("held", [[ALL], [rule("*", urls="*")], [ALL, rule("*", urls="*")]])
def test_aggregation_takes_all_resources_and_all_paths(held: list[Any]) -> None:
    """A caller who may do all of one kind could be lent the rest."""
    new = {
        "metadata": {"name": "agg"},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"x": "y"}}]},
    }
    raises = pytest.raises(
        ApiError, match="must have cluster-admin privileges to use the aggregationRule"
    )
    with raises if len(held) == 1 else contextlib.nullcontext():
        guard_of(held)(User("kim"), creating("clusterroles"), new)


@pytest.mark.parametrize("field", ["ownerReferences", "finalizers"])
def test_what_the_garbage_collector_reads_may_change_on_a_role_stronger_than_oneself(
    api: ClusterApi, mallory: Caller, field: str
) -> None:
    api.must(api.admin.post(ROLES, role("strong", rule("delete", "pods"))))
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "y"}
    value: list[Any] = [owner] if field == "ownerReferences" else ["lab.example/hold"]
    changed = api.must(mallory.patch(f"{ROLES}/strong", {"metadata": {field: value}}))
    assert changed["metadata"][field] == value


def test_a_binding_without_an_api_group_asks_for_the_right_to_bind_that_of_rbac(
    api: ClusterApi, mallory: Caller
) -> None:
    api.role(
        "bind",
        rule("bind", "clusterroles", "rbac.authorization.k8s.io", names="view"),
        namespace="lab",
    )
    api.bind("bind", "Role/bind", "User/mallory", namespace="lab")
    body = binding("view", "ClusterRole/view", "User/x")
    del body["roleRef"]["apiGroup"]
    made = api.must(mallory.post(BINDINGS, body))
    assert made["roleRef"]["apiGroup"] == "rbac.authorization.k8s.io"


@pytest.mark.parametrize(
    ("ref", "asked"),
    [
        ({}, ("rbac.authorization.k8s.io", "clusterroles", "view")),
        (
            {"apiGroup": "rbac.authorization.k8s.io"},
            ("rbac.authorization.k8s.io", "clusterroles", "view"),
        ),
        ({"apiGroup": "x.example"}, ("x.example", "clusterroles", "view")),
        ({"kind": "Role"}, ("rbac.authorization.k8s.io", "roles", "view")),
    ],
)
def test_the_right_to_bind_is_asked_for_as_the_binding_names_the_role(
    ref: dict[str, str], asked: tuple[str, ...]
) -> None:
    questions: list[Attributes] = []

    def authorize(question: Attributes) -> Decision:
        questions.append(question)
        return Decision(True)

    guard = EscalationGuard(lambda *_: [], lambda *_: None, authorize)
    new = {"metadata": {"name": "b"}, "roleRef": {"kind": "ClusterRole", "name": "view", **ref}}
    guard(User("kim"), creating("rolebindings", "lab"), new)
    assert [(each.verb, each.group, each.resource, each.name) for each in questions] == [
        ("bind", *asked)
    ]
    assert questions[0].namespace == "lab"


PARTS: tuple[Any, ...] = (
    {},
    rule("get", "pods"),
    rule("get list watch", "pods services", "apps batch"),
    rule("get list", "pods", names="a"),
    rule("get list", "pods services", names="a b c"),
    rule("get list", urls="/a /b /c"),
    {
        "verbs": ["get", "list"],
        "apiGroups": [""],
        "resources": ["pods"],
        "nonResourceURLs": ["/a", "/b", "/c"],
    },
    {
        "verbs": ["get"],
        "apiGroups": None,
        "resources": None,
        "resourceNames": None,
        "nonResourceURLs": None,
    },
)


@pytest.mark.parametrize("wanted", PARTS)
def test_a_check_costs_what_it_looks_at(wanted: Any) -> None:
    """Each part of the new rules is compared with each rule that the writer holds."""

    def cost(held: int, times: int) -> float:
        budget, new = WorkBudget(1_000_000), {"metadata": {"name": "r"}, "rules": [wanted] * times}
        with limited(budget), contextlib.suppress(ApiError):
            guard_of([{"verbs": ["*"]}] * held)(User("kim"), creating("roles", "lab"), new)
        return budget.units - budget.left

    parts = len(list(breakdown(wanted)))
    assert cost(5, 1) - cost(3, 1) == 2 * parts
    assert cost(3, 4) == 4 * cost(3, 1)
    assert cost(0, 1) >= parts


def test_a_generated_name_is_not_told(api: ClusterApi, mallory: Caller) -> None:
    body = {"metadata": {"generateName": "big-"}, "rules": [ALL]}
    reply = mallory.post(ROLES, body)
    assert reply.message.startswith("roles.rbac.authorization.k8s.io is forbidden: user")
    assert "name" not in reply.body["details"]


def test_errors_met_on_the_way_are_told(api: ClusterApi, mallory: Caller) -> None:
    api.bind("dangling", "ClusterRole/ghost", "User/mallory", namespace="lab")
    reply = mallory.post(ROLES, role("big", rule("delete", "pods")))
    assert reply.message.endswith(
        DELETE_PODS + '; resolution errors: [roles.rbac.authorization.k8s.io "ghost" not found]'
    )
    reply = mallory.post(BINDINGS, binding("b", "ClusterRole/edit", "User/x"))
    assert reply.message.endswith(
        '; resolution errors: [rolebindings.rbac.authorization.k8s.io "ghost" not found]'
    )


def test_what_a_controller_writes_during_a_callers_request_is_not_held_to_the_callers_rights() -> (
    None
):
    api = ClusterApi()
    api.role("maker", rule("create", "clusterroles", "rbac.authorization.k8s.io"))
    api.bind("maker", "ClusterRole/maker", "User/jane")
    registry = api.cluster.registry
    kind = BY_RESOURCE["rbac.authorization.k8s.io", "v1", "clusterroles"]

    def react(change: Change) -> None:
        if change.new is not None and change.new["metadata"]["name"] == "few":
            registry.create(
                kind, {"metadata": {"name": "all"}, "rules": [ALL]}, manager="controller"
            )

    registry.controllers.append(react)
    few = {
        "metadata": {"name": "few"},
        "rules": [rule("create", "clusterroles", "rbac.authorization.k8s.io")],
    }
    jane = api.user("jane")
    assert jane.post(f"{RBAC}/clusterroles", few).status == 201
    assert api.admin.get(f"{RBAC}/clusterroles/all").status == 200
    assert (
        jane.post(f"{RBAC}/clusterroles", {"metadata": {"name": "more"}, "rules": [ALL]}).status
        == 403
    )
