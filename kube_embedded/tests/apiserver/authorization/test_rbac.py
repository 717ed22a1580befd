"""Who is bound to what: order, reasons, missing roles, and how fast a change counts."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from kube_embedded.apiserver.authorization.authorizers import restrict_proxies
from kube_embedded.apiserver.authorization.cached import CachedRBACAuthorizer, decide
from kube_embedded.apiserver.authorization.index import GrantIndex
from kube_embedded.machinery.work import WorkBudget, limited
from kube_embedded.rbac.attributes import NO_OPINION, Attributes, Decision, User
from kube_embedded.rbac.bindings import Grant
from kube_embedded.tests.support.cluster import RBAC, ClusterApi, rule

SA = "system:serviceaccount:lab:bot"


@pytest.fixture
def api() -> ClusterApi:
    api = ClusterApi()
    api.namespace("lab")
    return api


def reason(api: ClusterApi, user: str, **asked: str) -> str:
    return api.cluster.authorize(Attributes(User(user), **asked)).reason  # type: ignore[arg-type] # keywords


def test_reasons(api: ClusterApi) -> None:
    api.role("reader", rule("get", "services"), namespace="lab")
    api.bind("by-name", "Role/reader", "User/jane", "ServiceAccount/lab/bot", namespace="lab")
    asked = {"verb": "get", "resource": "services", "namespace": "lab"}
    start = 'RBAC: allowed by RoleBinding "by-name/lab" of Role "reader" to '
    assert reason(api, "jane", **asked) == f'{start}User "jane"'
    assert reason(api, SA, **asked) == f'{start}ServiceAccount "bot/lab"'
    assert reason(api, "kim", **asked) == ""


def test_cluster_bindings_come_first(api: ClusterApi) -> None:
    api.bind("a-local", "ClusterRole/view", "User/jane", namespace="lab")
    api.bind("z-everywhere", "ClusterRole/view", "User/jane")
    found = reason(api, "jane", verb="get", resource="pods", namespace="lab")
    assert (
        found
        == 'RBAC: allowed by ClusterRoleBinding "z-everywhere" of ClusterRole "view" to User "jane"'
    )


def test_missing_roles_are_told_and_do_not_stop_the_search(api: ClusterApi) -> None:
    tom = api.user("tom")
    api.bind("b1", "Role/missing", "User/tom", namespace="lab")
    api.bind("b2", "ClusterRole/gone", "User/tom", namespace="lab")
    reply = tom.get("/api/v1/namespaces/lab/pods")
    assert reply.message == (
        'pods is forbidden: User "tom" cannot list resource "pods" in API group "" in the namespace "lab": RBAC: '
        '[role.rbac.authorization.k8s.io "missing" not found, clusterrole.rbac.authorization.k8s.io "gone" not found]'
    )
    api.bind("b3", "ClusterRole/view", "User/tom", namespace="lab")
    assert tom.get("/api/v1/namespaces/lab/pods").status == 200


def test_a_change_counts_at_the_next_request(api: ClusterApi) -> None:
    jane = api.user("jane")
    pods = "/api/v1/namespaces/lab/pods"
    assert jane.get(pods).status == 403
    api.bind("b", "Role/reader", "User/jane", namespace="lab")
    assert "not found" in jane.get(pods).message
    api.role("reader", rule("list", "pods"), namespace="lab")
    assert jane.get(pods).status == 200
    api.must(
        api.admin.patch(f"{RBAC}/namespaces/lab/roles/reader", {"rules": [rule("get", "pods")]})
    )
    assert jane.get(pods).status == 403
    api.must(
        api.admin.patch(f"{RBAC}/namespaces/lab/roles/reader", {"rules": [rule("list", "pods")]})
    )
    assert jane.get(pods).status == 200
    api.must(api.admin.delete(f"{RBAC}/namespaces/lab/rolebindings/b"))
    assert jane.get(pods).status == 403


def test_a_change_counts_amid_a_write_and_not_after_it_was_taken_back(api: ClusterApi) -> None:
    jane = api.user("jane")
    pods = "/api/v1/namespaces/lab/pods"
    assert jane.get(pods).status == 403
    with contextlib.suppress(ZeroDivisionError), api.cluster.registry.transaction():
        # So a pod asks: its program begins inside the write that makes it.
        api.bind("b", "ClusterRole/view", "User/jane", namespace="lab")
        assert jane.get(pods).status == 200
        raise ZeroDivisionError
    assert jane.get(pods).status == 403


def test_restoring_a_snapshot_counts_at_the_next_request(api: ClusterApi) -> None:
    jane = api.user("jane")
    before = api.cluster.store.snapshot()
    api.bind("b", "ClusterRole/view", "User/jane")
    assert jane.get("/api/v1/pods").status == 200
    api.cluster.store.restore(before)
    assert jane.get("/api/v1/pods").status == 403


def test_masters_need_no_rule_and_get_no_reason(api: ClusterApi) -> None:
    api.must(api.admin.delete(f"{RBAC}/clusterrolebindings/cluster-admin"))
    decision = api.cluster.authorize(
        Attributes(User("x", ("system:masters",)), "get", resource="pods")
    )
    assert decision == (True, "")


def test_a_user_who_is_called_like_the_masters_is_none_of_them(api: ClusterApi) -> None:
    assert not api.cluster.authorize(
        Attributes(User("system:masters"), "get", resource="pods")
    ).allowed


def test_an_answer_about_a_path_is_none_about_a_resource(api: ClusterApi) -> None:
    api.role("paths", rule("get", urls="*"))
    api.bind("paths", "ClusterRole/paths", "User/jane")
    jane = User("jane")
    assert api.cluster.authorize(Attributes(jane, "get", non_resource=True)).allowed
    assert not api.cluster.authorize(Attributes(jane, "get")).allowed


def test_what_is_remembered_has_an_end(api: ClusterApi, monkeypatch: pytest.MonkeyPatch) -> None:
    rbac = api.cluster.rbac
    monkeypatch.setattr("kube_embedded.apiserver.authorization.cached.MAX_CACHED", 8)
    for number in range(30):
        user, space = User(f"u{number}"), f"nowhere{number}"
        assert not rbac(Attributes(user, "get", resource="pods", namespace=space)).allowed
    assert max(len(rbac._decisions), len(rbac._grants)) <= 8
    assert not [space for space in rbac._bindings if space.startswith("nowhere")]
    long = "x" * 300
    rbac(Attributes(User("jane"), "get", resource="pods", namespace=long))
    rbac(Attributes(User("jane"), "get", path=f"/{long}"))
    assert not [key for key in [*rbac._decisions, *rbac._grants] if long in str(key)]


def test_proxies_are_unsafe_for_who_is_not_logged_in(api: ClusterApi) -> None:
    api.role("proxy", rule("get", "pods/proxy"))
    api.bind(
        "proxy", "ClusterRole/proxy", "Group/system:unauthenticated", "Group/system:authenticated"
    )
    path = "/api/v1/namespaces/lab/pods/web/proxy/"
    reply = api.anonymous.get(path)
    assert reply.status == 403
    assert reply.message.endswith(
        'in the namespace "lab": proxy subresource changed to unsafeproxy'
    )
    assert api.user("jane").get(path).status != 403


def test_no_path_is_a_proxy() -> None:
    asked: list[Attributes] = []

    def authorize(question: Attributes) -> Decision:
        asked.append(question)
        return NO_OPINION

    question = Attributes(User("x"), "proxy", path="/x")
    assert restrict_proxies(authorize)(question) == NO_OPINION
    assert asked == [question]


def test_a_policy_is_read_once_until_it_changes() -> None:
    reads: list[tuple[str, ...]] = []
    bound = {
        "metadata": {"name": "b"},
        "roleRef": {"kind": "ClusterRole", "name": "r"},
        "subjects": [{"kind": "User", "name": "jane"}],
    }

    def bindings(plural: str, namespace: str) -> list[Any]:
        reads.append((plural, namespace))
        return [] if namespace else [bound]

    def get_role(plural: str, namespace: str, name: str) -> Any:
        reads.append((plural, namespace, name))
        return {"metadata": {"name": "r"}, "rules": [rule("get", "pods")]}

    rbac, jane = CachedRBACAuthorizer(bindings, get_role), User("jane")
    read = [("clusterrolebindings", ""), ("clusterroles", "", "r")]
    for name in ("a", "b", "a"):
        assert rbac(Attributes(jane, "get", resource="pods", name=name)).allowed
    assert reads == read
    rbac.forget()
    assert rbac(Attributes(jane, "get", resource="pods", name="a")).allowed
    assert reads == read * 2


def test_a_decision_costs_what_it_looks_at() -> None:
    """The rules that are filed, and those that may allow the request."""

    def cost(rules: int) -> float:
        grants = [Grant(rule("get", "services"), {}, {}, {})] * rules
        budget = WorkBudget(1_000_000)
        with limited(budget):
            index = GrantIndex(grants)
            filed = budget.left
            assert not decide(
                Attributes(User("jane"), "list", resource="services"), grants, []
            ).allowed
        assert len(index._by_resource) == 1
        return min(budget.units - filed, filed - budget.left)

    assert cost(20) == 2 * cost(10) > 0


def test_many_bindings_cost_no_more_rules(api: ClusterApi) -> None:
    """The authorizer asks only rules that may match, however many others there are."""
    for number in range(200):
        api.role(f"r{number}", rule("get", f"things{number}"))
        api.bind(f"b{number}", f"ClusterRole/r{number}", "User/jane", f"User/u{number}")
    api.cluster.authorize(Attributes(User("jane"), "get", resource="things199"))
    index, _errors = api.cluster.rbac._grants_in(User("jane"), "")
    assert len(list(index.candidates(Attributes(User("jane"), "get", resource="things7")))) == 1
