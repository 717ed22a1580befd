"""The offline answers equal the embedded server's, on random policies and questions."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kube_embedded.apiserver.authorization.cached import CachedRBACAuthorizer
from kube_embedded.cluster import Cluster
from kube_embedded.rbac.attributes import Attributes, User
from kube_embedded.rbac.subjects import subject
from kube_embedded.tests.apiserver.authorization.test_random_policies import GROUPS, reading
from kube_embedded.tests.support.cluster import keys
from kube_embedded.tests.support.policies import ASKS, POLICIES, USERS
from kube_embedded.tests.support.properties import examples
from labkit.grading.clusters.inprocess import admin_of
from labkit.grading.tasks.task import namespace
from labkit.rbac.policy import Policy
from labkit.rbac.reviews import reviews
from labkit.rbac.testing.policies import policy_of
from labkit.rbac.testing.verdicts import allows
from labkit.rbac.testing.vocabulary import standard
from tests.rbac.conftest import put
from tests.rbac.testing import support

KINDS = {"clusterroles": "ClusterRole", "roles": "Role"}


@settings(max_examples=examples(600))
@given(POLICIES, st.lists(st.tuples(USERS, GROUPS, ASKS), min_size=1, max_size=20))
def test_offline_and_asked_of_the_server(
    policy: Any, asks: list[tuple[str, list[str], dict[str, str]]]
) -> None:
    server = CachedRBACAuthorizer(*reading(policy))
    roles = [{**role, "kind": kind} for plural, kind in KINDS.items() for role in policy[plural]]
    offline = Policy.of([*roles, *policy["clusterrolebindings"], *policy["rolebindings"]])
    for user, groups, words in asks:
        question = Attributes(User(user, tuple(groups)), **words)  # type: ignore[arg-type] # keywords from a strategy
        assert allows(offline, question) is server(question).allowed


WHO = ("kikai/default", "kikai/bot", "darbo/default", "jane", "system:anonymous")
VERBS = ("get", "list", "watch", "create", "delete", "*")
RESOURCES = (
    "pods",
    "pods/log",
    "services",
    "secrets",
    "deployments",
    "deployments/scale",
    "nodes",
    "*",
    "*/scale",
    "pods/*",
)
PLACES = ("", "kikai", "darbo")


def random_rule(draw: random.Random) -> dict[str, Any]:
    """Return a rule of few words, so that it often matches."""
    if draw.random() < 0.15:
        return {
            "verbs": ["get"],
            "nonResourceURLs": [draw.choice(("/metrics", "/logs/*", "*", "/healthz"))],
        }
    rule = {
        "verbs": draw.sample(VERBS, 2),
        "apiGroups": [draw.choice(("", "apps", "*"))],
        "resources": draw.sample(RESOURCES, 2),
    }
    return {**rule, "resourceNames": ["web"]} if draw.random() < 0.2 else rule


def random_policy(draw: random.Random) -> list[dict[str, Any]]:
    """Return manifests of roles and bindings; some bindings refer to missing roles, or to the server's own."""
    wide, near = [random_rule(draw) for _ in range(2)], [[random_rule(draw)] for _ in range(2)]
    without_paths = [[rule for rule in rules if "resources" in rule] for rules in near]
    objects = [support.role(wide, name="wide", namespace="")]
    objects += [
        support.role(rules, name="near", namespace=space)
        for rules, space in zip(without_paths, PLACES[1:], strict=True)
    ]
    for number in range(5):
        space = draw.choice(PLACES)
        subjects = draw.choice(
            (
                support.account(draw.choice(PLACES[1:]), draw.choice(("default", "bot"))),
                support.group(
                    draw.choice(("team-a", "system:authenticated", "system:serviceaccounts:kikai"))
                ),
                {
                    "kind": "User",
                    "apiGroup": support.RBAC,
                    "name": draw.choice(("jane", "system:anonymous")),
                },
            )
        )
        near_too = [("Role", "near")] if space else []
        ref = draw.choice(
            [("ClusterRole", "wide"), ("ClusterRole", "view"), ("ClusterRole", "ghost"), *near_too]
        )
        objects.append(support.bind(subjects, name=f"b{number}", namespace=space, ref=ref))
    return objects


def random_question(draw: random.Random) -> Attributes:
    """Draw a question about the server's resources, or about a path."""
    who = draw.choice(WHO)
    user = (
        subject(who, ("team-a", "system:authenticated")) if who == "jane" else subject(who)
    ).as_user()
    if draw.random() < 0.1:
        return Attributes(
            user,
            draw.choice(("get", "post")),
            path=draw.choice(("/metrics", "/logs/a", "/healthz")),
        )
    (group, resource), (_, verbs) = draw.choice(SERVED)
    plural, _, part = resource.partition("/")
    name = draw.choice(("", "web", "other"))
    return Attributes(
        user, draw.choice(sorted(verbs)), group, "", plural, part, draw.choice(PLACES), name
    )


SERVED = [
    entry
    for entry in standard().resources.items()
    if entry[0][0] in ("", "apps")
    and entry[0][1].partition("/")[0] in ("pods", "services", "secrets", "deployments", "nodes")
    and (not entry[0][1].startswith("nodes/") or entry[0][1] in ("nodes/proxy", "nodes/status"))
]


@pytest.mark.parametrize(
    ("policies", "asked"),
    [(2, 100), pytest.param(40, 500, marks=pytest.mark.soak)],
    ids=["quick", "20,000"],
)
def test_offline_and_asked_over_the_servers_api(policies: int, asked: int) -> None:
    draw, allowed = random.Random(34), 0
    for _ in range(policies):
        objects = random_policy(draw)
        api = admin_of(Cluster(keys(), node=False))
        put(api, *(namespace(space) for space in PLACES[1:]), *objects)
        offline = policy_of(objects)
        questions = [random_question(draw) for _ in range(asked)]
        for question, status in zip(questions, reviews(api, questions), strict=True):
            assert allows(offline, question) is bool(status["allowed"]), question
            allowed += bool(status["allowed"])
    assert 0.05 < allowed / (policies * asked) < 0.95
