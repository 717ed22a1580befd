"""Odd answers that are right, and must get full points.

What needs pods, kubectl or the audit log is in ``test_other_clients.py``.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from labkit.grading.tasks.seed import Seed
from labkit.grading.tasks.task import account, namespace, pod
from tests.grading.desk import ADMIN, ANYTHING, API, Act, Desk, paths, rule, sa, user
from tests.grading.solutions import RBAC, binding, role


def recreate(desk: Desk, path: str) -> None:
    """Delete an object and create it again."""
    old = desk.admin.get(path).body
    desk.delete(path)
    desk.admin.post(path.rpartition("/")[0], {**old, "metadata": {"name": old["metadata"]["name"]}})


def in_binary(desk: Desk) -> None:
    """Keep the answer as binaryData."""
    desk.solve()
    found = desk.answers()
    binary = {
        key: base64.b64encode(value.encode()).decode() for key, value in found["data"].items()
    }
    space, name = found["metadata"]["namespace"], found["metadata"]["name"]
    desk.delete(f"/api/v1/namespaces/{space}/configmaps/{name}")
    body = {"metadata": {"name": name}, "binaryData": binary}
    assert desk.admin.post(f"/api/v1/namespaces/{space}/configmaps", body).status == 201


def with_newline(desk: Desk) -> None:
    """Keep the token as ``echo`` writes it."""
    desk.solve()
    kept = {"3.1": "kept", "3.2": "slip"}[desk.task]
    path = f"/api/v1/namespaces/{desk.space}/secrets/{desk.name(kept)}"
    token = base64.b64decode(desk.admin.get(path).body["data"]["token"]).decode()
    assert desk.admin.patch(path, {"stringData": {"token": f"{token}\n"}}).status == 200


def and_then(act: Act) -> Act:
    """Solve the task, and do something that is no harm."""

    def both(desk: Desk) -> None:
        desk.solve()
        act(desk)

    return both


def aggregated(desk: Desk) -> None:
    """By a cluster role of several."""
    want = {"4.1": "get,list", "4.2": "list,watch"}[desk.task]
    read = Seed(desk.learner).one(
        "resource", ("services", "configmaps", "replicationcontrollers", "persistentvolumeclaims")
    )
    space, what = (desk.space, read) if desk.task == "4.1" else (desk.name("away"), "pods")
    parts = [role("", f"part-{verb}", [rule(verb, what)]) for verb in want.split(",")]
    for part in parts:
        part["metadata"]["labels"] = {"part": "of-mine"}
    whole: Any = role("", "whole", [])
    whole["aggregationRule"] = {"clusterRoleSelectors": [{"matchLabels": {"part": "of-mine"}}]}
    desk.apply([whole, *parts, binding(space, "whole", "ClusterRole", "whole", desk.me())])


def narrowed(verbs: str, kind: str = "Role") -> Act:
    """6.2: remove the binding, and grant to the account alone."""

    def act(desk: Desk) -> None:
        desk.delete(f"{API}/clusterrolebindings/{desk.name('convenience')}")
        made = role(desk.space if kind == "Role" else "", "l", [rule(verbs, "configmaps")])
        desk.apply([made, binding(desk.space, "l", kind, "l", desk.me())])

    return act


def joined(desk: Desk) -> None:
    """6.6: add the account to the binding that is there."""
    path = f"{API}/namespaces/{desk.space}/rolebindings/reader"
    obj = desk.admin.get(path).body
    obj["subjects"].append(sa(desk.space, desk.who))
    assert desk.admin.put(path, obj).status == 200


def corrected(desk: Desk) -> None:
    """6.6: put the account into the binding in place of its twin."""
    path = f"{API}/namespaces/{desk.space}/rolebindings/reader"
    obj = desk.admin.get(path).body
    obj["subjects"] = [sa(desk.space, desk.who)]
    assert desk.admin.put(path, obj).status == 200


def patched(desk: Desk) -> None:
    """6.5: add the verb to the role that is there."""
    path = f"{API}/namespaces/{desk.space}/roles/reader"
    obj = desk.admin.get(path).body
    obj["rules"][0]["verbs"].append("list")
    assert desk.admin.put(path, obj).status == 200


def a_second_role(desk: Desk) -> None:
    """6.5: a role of its own for the missing verb."""
    desk.grant(desk.me(), rule("list", "pods"), space=desk.space)


def mended(act: Act) -> Act:
    """Do something wrong, notice it, and take it back."""

    def both(desk: Desk) -> None:
        act(desk)
        desk.delete(f"{API}/clusterrolebindings/besides")
        desk.solve()

    return both


def two_parts_of_view(desk: Desk) -> None:
    """5.3: a role for each verb."""
    group_name = f"{desk.name('crew')}.example.com"
    thing = Seed(desk.learner).one("thing", ("boats", "kites", "drums"))
    for verb in ("get", "list", "watch"):
        made = role("", f"{desk.name('view')}-{verb}", [rule(verb, thing, group_name)])
        made["metadata"]["labels"] = {f"{RBAC}/aggregate-to-view": "true"}
        desk.apply(made)


def as_user(desk: Desk) -> None:
    """5.2: the account by its user name."""
    name = f"system:serviceaccount:{desk.home}:{desk.who}"
    desk.apply(binding(desk.space, "critic", "ClusterRole", "view", user(name)))


def default_bound_anew(desk: Desk) -> None:
    """A default binding, deleted and made again as it was."""
    desk.solve()
    obj = desk.admin.get(f"{API}/clusterrolebindings/system:basic-user").body
    desk.delete(f"{API}/clusterrolebindings/system:basic-user")
    obj["metadata"] = {"name": obj["metadata"]["name"]}
    assert desk.admin.post(f"{API}/clusterrolebindings", obj).status == 201


BASIC = rule("create", "selfsubjectaccessreviews,selfsubjectrulesreviews", "authorization.k8s.io")
RIGHT: Mapping[str, tuple[str, Act]] = {
    "healthz beside the asked path": (
        "5.4",
        and_then(lambda d: d.grant(d.me(), paths("get", "/healthz", "/version", "/livez"))),
    ),
    "discovery beside the asked path": (
        "5.4",
        and_then(lambda d: d.grant(d.me(), paths("get", "/api", "/apis/*", "/openapi/*"))),
    ),
    "healthz by its user name": (
        "5.4",
        and_then(
            lambda d: d.grant(
                user(f"system:serviceaccount:{d.home}:{d.who}"), paths("get", "/healthz")
            )
        ),
    ),
    "what every authenticated user has": ("4.1", and_then(lambda d: d.grant(d.me(), BASIC))),
    "what everybody has, for a stranger": (
        "4.1",
        and_then(lambda d: d.grant(user("alice"), BASIC, paths("get", "/readyz"))),
    ),
    "a path in a namespace, where it grants nothing": (
        "4.1",
        and_then(
            lambda d: d.apply(
                [
                    role("", "p", [paths("get", "/metrics")]),
                    binding(d.space, "p", "ClusterRole", "p", d.me()),
                ]
            )
        ),
    ),
    "the version as binary data": ("1.2", in_binary),
    "the count as binary data": ("1.3", in_binary),
    "the user as binary data": ("1.4", in_binary),
    "a token for an audience with a newline": ("3.1", with_newline),
    "a short token with a newline": ("3.2", with_newline),
    "aggregated cluster roles": ("4.1", aggregated),
    "aggregated cluster roles across namespaces": ("4.2", aggregated),
    "get, list and watch of what must be listed": ("6.2", narrowed("get,list,watch")),
    "get and list of what must be listed": ("6.2", narrowed("get,list")),
    "a cluster role bound in the namespace": ("6.2", narrowed("list", "ClusterRole")),
    "the account added to the binding": ("6.6", joined),
    "the binding corrected": ("6.6", corrected),
    "the role patched": ("6.5", patched),
    "a role beside the old one": ("6.5", a_second_role),
    "three roles in view, with watch": ("5.3", two_parts_of_view),
    "view by the account's user name": ("5.2", as_user),
    "a default binding made anew": ("4.1", default_bound_anew),
    "a role binding that was tried first, and reaches no node": (
        "5.1",
        and_then(
            lambda d: d.apply(binding(d.space, "first", "ClusterRole", d.name("survey"), d.me()))
        ),
    ),
    "a wrong binding that was taken back": (
        "4.1",
        mended(lambda d: d.grant(user("alice"), to=ADMIN)),
    ),
    "a role that is bound to nobody": (
        "4.1",
        and_then(lambda d: d.apply(role(d.space, "unused", [ANYTHING]))),
    ),
    "a binding of nobody": ("4.1", and_then(lambda d: d.apply(binding("", "nobody", *ADMIN)))),
    "a binding to a role that is not there": (
        "4.2",
        and_then(lambda d: d.apply(binding(d.space, "dangling", "Role", "missing", d.me()))),
    ),
    "a role without rules": (
        "4.3",
        and_then(
            lambda d: d.apply([role(d.space, "e", []), binding(d.space, "e", "Role", "e", d.me())])
        ),
    ),
    "the same binding twice": (
        "5.2",
        and_then(lambda d: d.apply(binding(d.space, "again", "ClusterRole", "view", d.me()))),
    ),
    "the same subject twice": (
        "5.2",
        and_then(
            lambda d: d.apply(binding(d.space, "again", "ClusterRole", "view", d.me(), d.me()))
        ),
    ),
    "a namespace of one's own": (
        "4.1",
        and_then(
            lambda d: d.apply([namespace("mine"), account("mine", "toy"), pod("mine", "toy")])
        ),
    ),
    "a label on the namespace": (
        "4.1",
        and_then(lambda d: d.apply(namespace(d.space, team="red"))),
    ),
    "the Secret's data changed": (
        "4.3",
        and_then(
            lambda d: d.apply(
                {
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "metadata": {"name": d.name("key"), "namespace": d.space},
                    "stringData": {"a": "c"},
                }
            )
        ),
    ),
    "a token Secret for the account": (
        "4.1",
        and_then(
            lambda d: d.apply(
                {
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "type": "kubernetes.io/service-account-token",
                    "metadata": {
                        "name": "t",
                        "namespace": d.space,
                        "annotations": {"kubernetes.io/service-account.name": d.who},
                    },
                }
            )
        ),
    ),
    "the account deleted and made again": (
        "4.1",
        and_then(lambda d: recreate(d, f"/api/v1/namespaces/{d.home}/serviceaccounts/{d.who}")),
    ),
    "one Secret by two rules": (
        "4.3",
        and_then(
            lambda d: d.grant(d.me(), rule("get", "secrets", "", d.name("key")), space=d.space)
        ),
    ),
    "list of logs, which nobody can": (
        "4.4",
        and_then(lambda d: d.grant(d.me(), rule("get,list", "pods,pods/log"), space=d.space)),
    ),
    "words that are misspelt, and grant nothing": (
        "4.4",
        and_then(
            lambda d: d.grant(
                d.me(),
                rule("GET,List", "pods"),
                rule("get", "pod,Pods,pods/logs,nodes"),
                rule("get", "roles", f"{RBAC}/v1"),
                space=d.space,
            )
        ),
    ),
    "a group that serves no such thing": (
        "6.1",
        and_then(
            lambda d: d.grant(d.me(), rule("get,list", "deployments", "extensions"), space=d.space)
        ),
    ),
    "pods in the old group": (
        "4.2",
        and_then(lambda d: d.grant(d.me(), rule("list", "pods", "apps"), space=d.name("away"))),
    ),
    "a quiet pod by its account": (
        "2.3",
        lambda d: d.apply(
            [
                {**account(d.space, "still"), "automountServiceAccountToken": False},
                pod(d.space, d.name("mute"), serviceAccountName="still"),
            ]
        ),
    ),
    "further labels": (
        "1.1",
        lambda d: d.apply(
            namespace(
                d.name("space"),
                team=Seed(d.learner).one("team", ("red", "green", "blue", "amber")),
                of="mine",
            )
        ),
    ),
}


@pytest.mark.parametrize("answer", RIGHT)
def test_an_odd_answer_that_is_right_gets_full_points(answer: str) -> None:
    task, act = RIGHT[answer]
    desk = Desk(task)
    act(desk)
    found = desk.judge()
    assert found.full, [item for item in found.items if not item.ok]
    assert found.least_privilege in (None, 1.0)
