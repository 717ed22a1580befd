"""Wrong policies: each is wrong, and good questions reject them all."""

from __future__ import annotations

import time

import pytest

from kube_embedded.rbac.attributes import Attributes
from kube_embedded.rbac.subjects import subject
from kube_embedded.tests.support.some import some
from labkit.rbac.policy import Policy
from labkit.rbac.testing.changes import changes, same_answers
from labkit.rbac.testing.mutants import Mutant, mutants, survivors
from labkit.rbac.testing.policies import policy_of
from labkit.rbac.testing.questions import ask
from labkit.rbac.testing.verdicts import allows, wrong
from tests.rbac.testing.support import (
    OBJECTS,
    READ,
    account,
    bind,
    group,
    policy,
    questions,
    role,
    words,
)

POSITIVE = (
    "kikai/default may: list services in kikai",
    "kikai/default may: get services web in kikai",
)
VERBS = ("watch", "create", "update", "patch", "delete", "deletecollection")
NEGATIVE = (
    *(f"kikai/default may not: {verb} services in kikai" for verb in VERBS),
    *(
        f"kikai/default may not: {line} in kikai"
        for line in ("list pods", "get secrets", "list configmaps")
    ),
    "kikai/default may not: get services/proxy in kikai",
    "kikai/default may not: get services/status in kikai",
    "kikai/default may not: list deployments.apps in kikai",
    "kikai/default may not: get ingresses.networking.k8s.io in kikai",
    *(f"kikai/default may not: list services in {place}" for place in ("darbo", "default")),
    *(
        f"{who} may not: list services in kikai"
        for who in ("darbo/default", "default/default", "kikai/another")
    ),
    "system:anonymous may not: list services in kikai",
)


@pytest.fixture(scope="module")
def every() -> list[Mutant]:
    return mutants(policy(), words())


def test_each_answers_something_otherwise_and_says_what(every: list[Mutant]) -> None:
    assert len(every) >= 35
    assert {each.sort for each in every} == {
        *("verbs", "resources", "groups", "names"),
        *("subjects", "places", "references", "bindings"),
    }
    for mutant in some(every):
        assert not same_answers(policy(), mutant.policy, words()), mutant.what
    assert len({mutant.what for mutant in every}) == len(every)


def test_positive_questions_alone_let_most_wrong_policies_pass(every: list[Mutant]) -> None:
    assert len(survivors(every, questions(*POSITIVE))) > len(every) / 2


def test_questions_that_say_what_is_forbidden_let_none_pass(every: list[Mutant]) -> None:
    extra = words().declaring(accounts=["kikai/another"])
    asked = []
    for line in (*POSITIVE, *NEGATIVE):
        who, _, text = line.partition(": ")
        name, _, rest = who.partition(" may")
        asked.append(ask(name, text, extra, may=not rest))
    assert wrong(policy(), asked) is None
    assert [each.what for each in survivors(every, asked)] == []


@pytest.mark.parametrize(
    "objects",
    [
        [role([{**READ[0], "verbs": ["list", "get", "list"]}]), bind(account("kikai"))],
        [
            role([{**READ[0], "verbs": ["get"]}, {**READ[0], "verbs": ["list"]}]),
            bind(account("kikai")),
        ],
        [role(READ), bind(account("kikai")), bind(account("kikai"), name="again")],
        [
            role([{**READ[0], "resources": ["services", "nodes"]}]),
            bind(account("kikai")),
        ],  # nodes have no namespace
        [
            role([*READ, {**READ[0], "resources": ["services/*"]}]),
            bind(account("kikai")),
        ],  # no such pattern
        [role([*READ, {**READ[0], "apiGroups": ["v1"]}]), bind(account("kikai"))],
        [role(READ, namespace=""), bind(account("kikai"), ref=("ClusterRole", "service-reader"))],
        [*OBJECTS, role(READ, name="unbound", namespace="")],
    ],
)
def test_the_same_policy_written_otherwise_is_the_same(objects: list[dict[str, object]]) -> None:
    assert same_answers(policy(), policy_of(objects), words())
    assert changes(policy(), policy_of(objects), words()) == []


def test_a_change_is_named_with_who_and_where() -> None:
    wider = policy_of(
        [role([{**READ[0], "verbs": ["get", "watch"]}]), bind(account("kikai"), group("team-a"))]
    )
    assert list(map(str, changes(policy(), wider, words()))) == [
        "Group team-a gained get · services in kikai",
        "Group team-a gained watch · services in kikai",
        "ServiceAccount kikai/default gained watch · services in kikai",
        "ServiceAccount kikai/default lost list · services in kikai",
    ]
    everywhere = policy_of(
        [bind(account("kikai"), namespace="", ref=("ClusterRole", "cluster-admin"))]
    )
    assert (
        list(map(str, changes(policy(), everywhere, words())))
        == [
            "ServiceAccount kikai/default gained * · * in the whole cluster",
            "ServiceAccount kikai/default gained * · * in the whole cluster",  # of resources, and of paths
        ]
    )


def test_aggregation_is_done_in_circles_too() -> None:
    label = "rbac.authorization.k8s.io/aggregate-to-view"
    extra = role(
        [{"apiGroups": ["example.com"], "resources": ["widgets"], "verbs": ["get"]}], "extra", ""
    )
    extra["metadata"]["labels"] = {label: "true", "a": "b"}
    circle = role([], "circle", "")
    circle["metadata"]["labels"] = {"a": "b"}
    circle["aggregationRule"] = {
        "clusterRoleSelectors": [
            {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}
        ]
    }
    found = policy_of([extra, circle, bind(account("kikai"), ref=("ClusterRole", "view"))])
    kikai = subject("kikai/default").as_user()
    assert allows(found, Attributes(kikai, "get", "example.com", "", "widgets", "", "kikai"))
    assert allows(found, Attributes(kikai, "list", "", "", "pods", "", "kikai"))
    assert found.roles["ClusterRole", "", "circle"]["rules"] == extra["rules"]


def test_many_bindings_are_indexed() -> None:
    """The cost of a question depends on the subject's own bindings only. A ratio, because machines differ."""
    many = [
        bind(account(f"n{number}"), name=f"b{number}", namespace=f"n{number}")
        for number in range(10_000)
    ]
    roles = [role(READ, namespace=f"n{number}") for number in range(10_000)]
    large = Policy.of([*roles, *many])
    asked = [
        Attributes(
            subject(f"n{number}/default").as_user(), "list", "", "", "services", "", f"n{number}"
        )
        for number in range(1000)
    ]
    begun = time.process_time()
    assert allows(large, asked[0])  # the index is made
    indexing = time.process_time() - begun
    begun = time.process_time()
    assert all(allows(large, question) for question in asked)
    assert time.process_time() - begun < 20 * indexing
