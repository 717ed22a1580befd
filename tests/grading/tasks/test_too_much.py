"""Answers that must not get full points, each a threat by its name: a solved task, and something done besides."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from kube_embedded.tests.support.some import some
from labkit.grading.tasks.seed import Seed
from labkit.grading.tasks.task import namespace
from tests.grading.desk import ADMIN, ANYTHING, API, Act, Desk, group, paths, rule, sa, user
from tests.grading.solutions import RBAC, binding, role
from tests.grading.tasks.test_right_answers import recreate

DELETE = rule("delete,deletecollection", "*", "*")

TOO_MUCH: Mapping[str, tuple[str, Act, str]] = {
    # The asked account is right, and somebody else may do anything.
    "anonymous may do anything": (
        "4.1",
        lambda d: d.grant(user("system:anonymous"), to=ADMIN),
        "user system:anonymous",
    ),
    "the unauthenticated may delete here": (
        "4.1",
        lambda d: d.grant(group("system:unauthenticated"), DELETE, space=d.space),
        "group system:unauthenticated",
    ),
    "the namespace's default account may do anything here": (
        "4.1",
        lambda d: d.grant(d.me("default"), to=("ClusterRole", "admin"), space=d.space),
        "/default",
    ),
    "the default account may delete secrets everywhere": (
        "4.3",
        lambda d: d.grant(d.me("default"), rule("delete", "secrets")),
        "/default",
    ),
    "a stranger may do anything": ("4.3", lambda d: d.grant(user("alice"), to=ADMIN), "user alice"),
    "a stranger may delete everywhere": (
        "4.2",
        lambda d: d.grant(user("alice"), DELETE),
        "user alice",
    ),
    "a stranger may read secrets in the whole cluster": (
        "5.1",
        lambda d: d.grant(user("alice"), rule("get", "secrets")),
        "user alice",
    ),
    "a stranger may edit here": (
        "4.4",
        lambda d: d.grant(user("alice"), to=("ClusterRole", "edit"), space=d.space),
        "user alice",
    ),
    "an account of kube-system may do anything": (
        "5.1",
        lambda d: d.grant(sa("kube-system", "mallory"), to=ADMIN),
        "kube-system/mallory",
    ),
    "an account of another task's namespace may do anything": (
        "4.1",
        lambda d: d.grant(sa(d.name("away"), "default"), to=ADMIN),
        "/default",
    ),
    "all accounts may list pods everywhere": (
        "5.2",
        lambda d: d.grant(group("system:serviceaccounts"), rule("list", "pods")),
        "group system:serviceaccounts",
    ),
    "another namespace's accounts may look in": (
        "4.1",
        lambda d: d.grant(
            group(f"system:serviceaccounts:{d.name('yard')}"), rule("list", "pods"), space=d.space
        ),
        "group system:serviceaccounts:yard-",
    ),
    "everybody may attach to pods here": (
        "4.4",
        lambda d: d.grant(
            group("system:authenticated"), rule("create", "pods/attach"), space=d.space
        ),
        "group system:authenticated",
    ),
    "a stranger by the account's own name in another namespace": (
        "4.1",
        lambda d: d.grant(sa("default", d.who), rule("list", "pods"), space=d.space),
        "default/",
    ),
    "a misspelt account beside the right one": (
        "4.1",
        lambda d: d.grant(d.me(d.who[:-1]), rule("get,list", "pods"), space=d.space),
        "/reader",
    ),
    # By detours.
    "the default account may impersonate the reader": (
        "4.1",
        lambda d: d.grant(
            d.me("default"), rule("impersonate", "serviceaccounts", "", d.who), space=d.space
        ),
        "impersonate",
    ),
    "a stranger may impersonate the reader by its user name": (
        "4.2",
        lambda d: d.grant(user("bob"), rule("impersonate", "users")),
        "user bob: impersonate",
    ),
    "a stranger may make tokens of the reader": (
        "4.3",
        lambda d: d.grant(user("bob"), rule("create", "serviceaccounts/token"), space=d.space),
        "serviceaccounts/token",
    ),
    "the other namespace may make anybody's tokens": (
        "4.1",
        lambda d: d.grant(
            group(f"system:serviceaccounts:{d.name('yard')}"),
            rule("create", "serviceaccounts/token"),
        ),
        "serviceaccounts/token",
    ),
    "the account may escalate": (
        "4.1",
        lambda d: d.grant(d.me(), rule("escalate,bind", "roles", RBAC), space=d.space),
        "escalate",
    ),
    "the account may write its own bindings": (
        "6.1",
        lambda d: d.grant(d.me(), rule("create", "rolebindings", RBAC), space=d.space),
        "rolebindings",
    ),
    "the default account may approve certificates": (
        "5.1",
        lambda d: d.grant(d.me("default"), rule("approve", "signers", "certificates.k8s.io")),
        "approve",
    ),
    "a pod may be started as the account": (
        "4.3",
        lambda d: d.grant(d.me("default"), rule("create", "pods"), space=d.space),
        "create · pods",
    ),
    "the account may start processes in pods by another way": (
        "4.4",
        lambda d: d.grant(d.me(), rule("update,patch", "pods/ephemeralcontainers"), space=d.space),
        "ephemeralcontainers",
    ),
    "the account may attach": (
        "4.4",
        lambda d: d.grant(d.me(), rule("create", "pods/attach"), space=d.space),
        "pods/attach",
    ),
    "another account may exec": (
        "4.4",
        lambda d: d.grant(d.me("default"), rule("create", "pods/exec"), space=d.space),
        "pods/exec",
    ),
    "nodes by their kubelets": (
        "5.1",
        lambda d: d.grant(d.me(), rule("get", "nodes/proxy")),
        "nodes/proxy",
    ),
    # By patterns and names.
    "every log": ("4.4", lambda d: d.grant(d.me(), rule("get", "*/log"), space=d.space), "*/log"),
    "every subresource of pods": (
        "4.4",
        lambda d: d.grant(d.me(), rule("get", "pods/*"), space=d.space),
        "pods/*",
    ),
    "logs of another group": (
        "6.1",
        lambda d: d.grant(d.me(), rule("get", "*/log", "*"), space=d.space),
        "*/log",
    ),
    "further Secrets by name": (
        "4.3",
        lambda d: d.grant(
            d.me(), rule("get", "secrets", "", d.name("key"), "other"), space=d.space
        ),
        "named",
    ),
    "the Secret in every namespace": (
        "4.3",
        lambda d: d.grant(d.me(), rule("get", "secrets", "", d.name("key"))),
        "in the whole cluster",
    ),
    "the Secret's watch": (
        "4.3",
        lambda d: d.grant(d.me(), rule("watch", "secrets", "", d.name("key")), space=d.space),
        "watch",
    ),
    "its own namespace as well": (
        "4.2",
        lambda d: d.grant(d.me(), rule("watch", "pods"), space=d.home),
        "watch",
    ),
    "a further verb": (
        "4.2",
        lambda d: d.grant(
            d.me(), rule("get", "pods"), space=d.variant.setup[1]["metadata"]["name"]
        ),
        "get",
    ),
    "watch beside get and list": (
        "4.1",
        lambda d: d.grant(d.me(), rule("watch", "pods,services"), space=d.space),
        "watch",
    ),
    "all verbs": ("6.5", lambda d: d.grant(d.me(), rule("*", "pods"), space=d.space), "* · pods"),
    "every path": ("5.4", lambda d: d.grant(d.me(), paths("get", "*")), "get · *"),
    "a path and all below it": (
        "5.4",
        lambda d: d.grant(d.me(), paths("get", "/metrics*", "/logs/*")),
        "/metrics*",
    ),
    "everybody may get the path": (
        "5.4",
        lambda d: d.grant(
            group("system:authenticated"),
            d.admin.get(f"{API}/clusterroles/{d.name('paths')}").body["rules"][0],
        ),
        "group system:authenticated",
    ),
    "deployments are scaled as well": (
        "6.1",
        lambda d: d.grant(d.me(), rule("update", "deployments/scale", "apps"), space=d.space),
        "deployments.apps/scale",
    ),
    "nodes for everybody": (
        "5.1",
        lambda d: d.grant(
            group("system:authenticated"), rule("list", "nodes,namespaces,persistentvolumes")
        ),
        "group system:authenticated",
    ),
    # By roles that every cluster has.
    "view for the whole cluster": (
        "5.2",
        lambda d: d.grant(d.me(), to=("ClusterRole", "view")),
        "in the whole cluster",
    ),
    "view for the default account too": (
        "5.2",
        lambda d: d.grant(d.me("default"), to=("ClusterRole", "view"), space=d.space),
        "/default",
    ),
    "view in the other namespace too": (
        "5.2",
        lambda d: d.grant(d.me(), to=("ClusterRole", "view"), space=d.name("wings")),
        "in wings-",
    ),
    "edit instead of view": (
        "5.2",
        lambda d: d.grant(d.me(), to=("ClusterRole", "edit"), space=d.space),
        "in stage-",
    ),
    "view gives secrets by aggregation": (
        "5.2",
        lambda d: d.aggregate("view", rule("get", "secrets")),
        "secrets",
    ),
    "view gives secrets, and nobody has it yet": (
        "4.1",
        lambda d: d.aggregate("view", rule("get", "secrets")),
        "whoever has ClusterRole/view",
    ),
    "edit gives exec to nodes": (
        "4.1",
        lambda d: d.aggregate("edit", rule("create", "nodes/proxy")),
        "whoever has ClusterRole/edit",
    ),
    "what everybody has is widened": (
        "4.1",
        lambda d: d.widen("system:basic-user", rule("list", "pods")),
        "system:basic-user",
    ),
    "what anonymous has is widened": (
        "5.4",
        lambda d: d.widen("system:public-info-viewer", paths("get", "/configz")),
        "/configz",
    ),
    "more than asked is aggregated": (
        "5.3",
        lambda d: d.aggregate("view", rule("get", "secrets")),
        "secrets",
    ),
    "others than those with view": (
        "5.3",
        lambda d: d.grant(
            group("system:authenticated"), to=("ClusterRole", d.name("view")), space=d.space
        ),
        "group system:authenticated",
    ),
    "an aggregated role picks up more": (
        "4.1",
        lambda d: d.apply(
            [
                {
                    **role("", "bag", []),
                    "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"bag": "1"}}]},
                },
                {
                    **role("", "in-bag", [rule("delete", "pods")]),
                    "metadata": {"name": "in-bag", "labels": {"bag": "1"}},
                },
                binding(d.space, "bag", "ClusterRole", "bag", d.me()),
            ]
        ),
        "delete",
    ),
    "in an empty corner of the cluster": (
        "4.1",
        lambda d: d.grant(d.me(), rule("list", "pods"), space="kube-public"),
        "kube-public",
    ),
    "in a namespace that is not there": (
        "4.1",
        lambda d: d.apply(
            [
                namespace("later"),
                role("later", "r", [ANYTHING]),
                binding("later", "r", "Role", "r", user("eve")),
            ]
        ),
        "user eve",
    ),
    # Where nothing is to be granted.
    "anonymous may delete pods": (
        "1.4",
        lambda d: d.grant(user("system:anonymous"), rule("delete", "pods")),
        "anonymous",
    ),
    "the unauthenticated may read here": (
        "1.4",
        lambda d: d.grant(
            group("system:unauthenticated"), rule("get", "configmaps"), space=d.space
        ),
        "group system:unauthenticated",
    ),
    "the new account may do anything": (
        "2.1",
        lambda d: d.grant(sa(d.space, d.name("bot")), to=ADMIN),
        "/bot-",
    ),
    "the quiet pod's account may do anything": (
        "2.3",
        lambda d: d.grant(d.me("default"), to=ADMIN),
        "/default",
    ),
    "a stranger may do anything in exercise three": (
        "3.1",
        lambda d: d.grant(user("alice"), to=ADMIN),
        "user alice",
    ),
    "the token's account may do anything": ("3.2", lambda d: d.grant(d.me(), to=ADMIN), "brief-"),
    # Holes in what is to be closed or repaired.
    "the hole is closed for one, and open for another": (
        "6.2",
        lambda d: d.grant(d.me("default"), rule("get", "secrets", "", "x"), space=d.space),
        "/default",
    ),
    "the hole is opened again under another name": (
        "6.2",
        lambda d: d.grant(group(f"system:serviceaccounts:{d.space}"), rule("*", "pods", "*")),
        "group system:serviceaccounts:",
    ),
    "the account keeps its pods": (
        "6.2",
        lambda d: d.grant(d.me(), rule("list", "pods"), space=d.space),
        "list · pods",
    ),
    "anonymous is helped": (
        "6.3",
        lambda d: d.grant(user("system:anonymous"), rule("get", "pods"), space=d.space),
        "anonymous",
    ),
    "the wrong account is helped": (
        "6.4",
        lambda d: d.grant(d.me("default"), rule("list", "pods"), space=d.space),
        "/default",
    ),
    "its twin is helped too": (
        "6.6",
        lambda d: d.grant(
            sa(d.name("twin"), d.who), rule("get", "persistentvolumeclaims"), space=d.space
        ),
        "get · persistentvolumeclaims",
    ),
}


@pytest.mark.parametrize("threat", TOO_MUCH)
def test_a_solved_task_with_too_much_beside_it_loses_points_and_says_who_has_what(
    threat: str,
) -> None:
    task, act, named = TOO_MUCH[threat]
    desk = Desk(task)
    desk.solve()
    act(desk)
    found = desk.judge()
    assert not found.full
    assert 0 < found.points < found.most
    wrong = [item for item in found.items if not item.ok]
    assert all(item.seen and item.hint for item in some(wrong))
    assert any(named in line for line in found.excess), found.excess
    assert any("Granted too: " in item.seen for item in wrong)


GONE: Mapping[str, tuple[str, Act, str]] = {
    "the reader's account": (
        "4.1",
        lambda d: d.delete(f"/api/v1/namespaces/{d.home}/serviceaccounts/{d.who}"),
        "any more",
    ),
    "the guest's account": (
        "4.2",
        lambda d: d.delete(f"/api/v1/namespaces/{d.home}/serviceaccounts/{d.who}"),
        "any more",
    ),
    "the scraper's account": (
        "5.4",
        lambda d: d.delete(f"/api/v1/namespaces/{d.home}/serviceaccounts/{d.who}"),
        "any more",
    ),
    "the Secret that is not to be read": (
        "4.3",
        lambda d: d.delete(f"/api/v1/namespaces/{d.home}/secrets/{d.name('jewel')}"),
        "Gone: Secret",
    ),
    "the namespace that is not to be read": (
        "4.1",
        lambda d: d.delete(f"/api/v1/namespaces/{d.name('yard')}"),
        "Gone: Namespace",
    ),
    "one of those who have view": (
        "5.3",
        lambda d: d.delete(f"/api/v1/namespaces/{d.space}/serviceaccounts/{d.name('witness')}"),
        "any more",
    ),
    "the account whose token it was, though made anew": (
        "3.1",
        lambda d: recreate(d, f"/api/v1/namespaces/{d.home}/serviceaccounts/{d.who}"),
        "The server does not accept it",
    ),
}


@pytest.mark.parametrize("what", GONE)
def test_what_the_task_is_about_cannot_be_deleted_to_solve_it(what: str) -> None:
    task, act, said = GONE[what]
    desk = Desk(task)
    desk.solve()
    act(desk)
    found = desk.judge()
    assert not found.full
    assert any(said in item.seen for item in found.items if not item.ok), found.items


def test_rights_like_those_of_view_are_not_view() -> None:
    desk = Desk("5.2")
    desk.grant(
        desk.me(), rule("list", "pods,services"), rule("get", "configmaps"), space=desk.space
    )
    found = desk.judge()
    assert found.points == found.most / 2
    assert [item.seen for item in found.items if not item.ok] == ["No binding gives it."]


def test_the_hole_is_not_closed_while_its_paths_are_open() -> None:
    desk = Desk("6.2")
    desk.solve()
    desk.grant(group(f"system:serviceaccounts:{desk.space}"), paths("*", "*"))
    assert not desk.judge().full


def test_a_misspelt_verb_is_named() -> None:
    desk = Desk("4.2")
    desk.grant(desk.me(), rule("list,WATCH", "pods"), space=desk.name("away"))
    wrong = [item.seen for item in desk.judge().items if not item.ok]
    assert wrong == [
        'The server says forbidden. Verbs are written in small letters: "watch", not "WATCH".'
    ]


def test_a_strangers_rights_in_the_whole_cluster_are_charged_to_every_task_and_others_where_they_hold() -> (
    None
):
    everywhere, here = Desk("4.1"), Desk("4.1")
    everywhere.grant(user("alice"), DELETE)
    here.grant(user("alice"), DELETE, space=here.space)
    charged = [[bool(task.excess) for task in each.cluster.check()] for each in (everywhere, here)]
    assert charged == [[True] * 4, [True, False, False, False]]


def test_a_policy_too_large_to_be_looked_at_is_charged_and_does_not_hide_what_follows() -> None:
    desk = Desk("4.1")
    desk.solve()
    verbs = ",".join(f"verb{number}" for number in range(2_600))
    desk.apply(role("", "big", [rule(verbs, "pods,services")]))
    desk.apply(binding(desk.space, "big", "ClusterRole", "big", user("alice")))
    found = desk.judge()
    assert not found.full
    assert found.excess[-1] == "and more"


def test_a_right_that_comes_past_view_is_not_aggregated() -> None:
    desk = Desk("5.3")
    found = desk.admin.get(f"{API}/namespaces/{desk.space}/rolebindings/reader").body["subjects"]
    thing = Seed(desk.learner).one("thing", ("boats", "kites", "drums"))
    past = rule("get,list", thing, f"{desk.name('crew')}.example.com")
    desk.apply(
        [
            role("", "mine", [past]),
            {**binding(desk.space, "m", "ClusterRole", "mine", found[0]), "subjects": found},
        ]
    )
    result = desk.judge()
    assert result.points == 0
    said = "It is allowed, but ClusterRole/view has no such rule."
    assert [item.seen for item in result.items if item.most] == [said] * 4
    assert len(result.excess) == 4
