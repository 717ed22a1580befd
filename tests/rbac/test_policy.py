"""Policies: how they are read and stored, the needs of a subject, and the server's own answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from kube_embedded.rbac.attributes import Attributes, User
from kube_embedded.rbac.subjects import MASTERS, subject
from labkit.grading.tasks.task import binding, role
from labkit.rbac.explain import explain
from labkit.rbac.needs import Need
from labkit.rbac.policy import Policy, PolicyUnreadable, read_policy
from labkit.rbac.reviews import REVIEWS, Unanswered, review, reviews

Object = dict[str, Any]

READER = role("kikai", "reader", ("list", "", "services"))
WIDE = role("", "wide", ("get", "apps", "deployments"))
TEST = binding("kikai", "test", "Role/reader", "kikai/default", "group:dev")
ALL = binding("", "all", "ClusterRole/wide", "darbo/bot")
JANE: Object = {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "jane"}


def default(obj: Object) -> Object:
    """Return the object with the label of default objects, and fields without effect on decisions."""
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    return {
        **obj,
        "metadata": {**obj["metadata"], "labels": labels, "uid": "1", "resourceVersion": "7"},
    }


@dataclass(frozen=True)
class Answer:
    """An answer of the API."""

    status: int
    body: Any

    @property
    def message(self) -> str:
        """The Status' message."""
        return str(self.body.get("message", ""))


@dataclass
class Api:
    """An API with one answer for all reviews, and RBAC objects by their plurals."""

    status: int
    body: Any
    objects: dict[str, list[Object]] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)

    def get(self, path: str) -> Answer:
        """Return a list."""
        plural = path.rpartition("/")[2]
        if plural not in self.objects:
            return Answer(403, {"message": f"{plural} is forbidden."})
        return Answer(200, {"items": self.objects[plural]})

    def post(self, path: str, body: object) -> Answer:
        """Return a review's answer."""
        ((status, answer),) = self.ask_all(path, [body])
        return Answer(status, answer)

    def ask_all(self, path: str, bodies: Sequence[object]) -> list[tuple[int, Any]]:
        """Return the same answer to each review."""
        assert path == REVIEWS
        self.asked += bodies
        return [(self.status, self.body)] * len(bodies)


def test_a_policy_is_kept_with_all_that_decides_and_read_again() -> None:
    policy = Policy.of(
        [default(READER), WIDE, {**role("", "empty"), "rules": None}, ALL, default(TEST)]
    )
    kept = json.loads(json.dumps(list(policy.objects())))
    again = Policy.of(kept)
    assert list(again.objects()) == kept
    assert list(again.roles) == [
        ("Role", "kikai", "reader"),
        ("ClusterRole", "", "wide"),
        ("ClusterRole", "", "empty"),
    ]
    assert kept[0] == {
        "kind": "Role",
        "metadata": {
            "name": "reader",
            "namespace": "kikai",
            "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"},
        },
        "rules": READER["rules"],
    }
    assert kept[2] == {"kind": "ClusterRole", "metadata": {"name": "empty"}, "rules": []}
    assert kept[3] == {
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "all"},
        "roleRef": ALL["roleRef"],
        "subjects": ALL["subjects"],
    }
    assert again.role_of(TEST) == kept[0]
    assert again.role_of(ALL) == kept[1]


def test_a_policy_lists_users_and_accounts_but_no_groups() -> None:
    named = {
        **binding("darbo", "b", "Role/reader"),
        "subjects": [JANE, {"kind": "ServiceAccount", "name": "local"}],
    }
    policy = Policy.of(
        [default(TEST), ALL, named, {**binding("", "nobody", "ClusterRole/wide"), "subjects": None}]
    )
    assert policy.subjects() == {"kikai/default", "darbo/bot", "jane", "darbo/local"}
    assert policy.subjects(defaults=False) == {"darbo/bot", "jane", "darbo/local"}


def test_the_bindings_of_a_user_name_the_user_or_one_of_the_groups() -> None:
    nobody = {**binding("", "nobody", "ClusterRole/wide"), "subjects": None}
    policy = Policy.of([TEST, ALL, nobody])
    assert list(policy.bindings_of(User("jane", ("dev",)))) == [TEST]
    assert list(policy.bindings_of(subject("kikai/default").as_user())) == [TEST]
    assert list(policy.bindings_of(subject("darbo/bot").as_user())) == [ALL]
    assert list(policy.bindings_of(User("jane"))) == []


def test_a_policy_is_read_from_four_lists() -> None:
    lists = {
        "clusterroles": [WIDE],
        "roles": [READER],
        "clusterrolebindings": [ALL],
        "rolebindings": [TEST],
    }
    assert read_policy(Api(200, {}, lists)) == Policy.of([WIDE, READER, ALL, TEST])
    del lists["rolebindings"]
    with pytest.raises(PolicyUnreadable) as refused:
        read_policy(Api(200, {}, lists))
    path = "/apis/rbac.authorization.k8s.io/v1/rolebindings"
    assert (refused.value.path, refused.value.message) == (path, "rolebindings is forbidden.")
    assert str(refused.value) == (
        f"The RBAC objects at {path} could not be read: rolebindings is forbidden. "
        "Explain with a caller who may list roles and bindings, such as lab.admin."
    )


@pytest.mark.parametrize(
    ("need", "text", "rule"),
    [
        (
            Need(subject("red/ann"), "list", "pods", "red"),
            "red/ann: list pods in red",
            {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]},
        ),
        (
            Need(subject("jane"), "update", "deployments/scale", "", "apps", "web"),
            "jane: update deployments.apps/scale web in the whole cluster",
            {
                "verbs": ["update"],
                "apiGroups": ["apps"],
                "resources": ["deployments/scale"],
                "resourceNames": ["web"],
            },
        ),
        (
            Need(subject("red/ann"), "get", path="/metrics"),
            "red/ann: get /metrics",
            {"verbs": ["get"], "nonResourceURLs": ["/metrics"]},
        ),
    ],
)
def test_a_need_is_a_question_a_rule_and_a_text(need: Need, text: str, rule: Object) -> None:
    assert str(need) == text
    assert need.rule() == rule
    policy = Policy.of([{**role("", "r"), "rules": [rule]}])
    grants = {**binding("", "b", "ClusterRole/r"), "subjects": [need.who.as_binding_subject()]}
    given = Policy(policy.roles, (grants,))
    assert (
        explain(Api(201, {"status": {"allowed": True}}), need.question(), given).grants[0].rule
        == rule
    )


@pytest.mark.parametrize(
    ("question", "spec"),
    [
        (
            Attributes(User("jane", ("dev",)), "list", resource="pods", namespace="red"),
            {
                "user": "jane",
                "groups": ["dev"],
                "resourceAttributes": {"namespace": "red", "verb": "list", "resource": "pods"},
            },
        ),
        (
            Attributes(User("jane"), "get", "apps", "v1", "deployments", "scale", "red", "web"),
            {
                "user": "jane",
                "groups": [],
                "resourceAttributes": {
                    "namespace": "red",
                    "verb": "get",
                    "group": "apps",
                    "resource": "deployments",
                    "subresource": "scale",
                    "name": "web",
                },
            },
        ),
        (
            Attributes(User("jane"), "get", path="/metrics"),
            {
                "user": "jane",
                "groups": [],
                "nonResourceAttributes": {"path": "/metrics", "verb": "get"},
            },
        ),
    ],
)
def test_the_server_is_asked_for_just_what_is_known(question: Attributes, spec: Object) -> None:
    api = Api(201, {"status": {"allowed": True}})
    assert review(api, question) == {"allowed": True}
    assert reviews(api, [question]) == [{"allowed": True}]
    sent = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
    assert api.asked == [sent, sent]


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (403, {"message": "No."}, "(403): No. Ask"),
        (500, {}, "(500):  Ask"),
        (502, "bad gateway", "(502): bad gateway Ask"),
        (201, "no review", "(201): no review Ask"),
    ],
)
def test_a_refused_review_says_whom_to_ask(status: int, body: Any, text: str) -> None:
    api = Api(status, body)
    with pytest.raises(Unanswered) as refused:
        reviews(api, [Attributes(User("jane"), "list", resource="pods")])
    assert str(refused.value) == (
        f"The server did not answer an access review {text} with a caller who may create SubjectAccessReviews, "
        "such as lab.admin."
    )
    assert refused.value.path == REVIEWS


def test_an_unanswered_review_is_no_refusal() -> None:
    question = Attributes(User("jane"), "list", resource="pods")
    with pytest.raises(Unanswered, match=r"access review \(403\)"):
        review(Api(403, {"message": "no"}), question)
    assert review(Api(201, {}), question) == {}
    assert reviews(Api(201, {}), [question]) == [{}]


@pytest.mark.parametrize(
    ("allowed", "groups", "said", "reason"),
    [
        (
            True,
            (MASTERS,),
            "",
            "the group system:masters may do everything, before any role is asked",
        ),
        (True, (MASTERS,), "RBAC: allowed", "RBAC: allowed"),
        (True, ("dev",), "", ""),
        (False, (MASTERS,), "", ""),
        (False, ("dev",), "no opinion", "no opinion"),
    ],
)
def test_a_decision_has_the_server_s_reason_or_that_of_masters(
    allowed: bool, groups: tuple[str, ...], said: str, reason: str
) -> None:
    api = Api(201, {"status": {"allowed": allowed, **({"reason": said} if said else {})}})
    question = Attributes(User("jane", groups), "list", resource="services", namespace="kikai")
    explanation = explain(api, question, Policy.of([READER, TEST]))
    assert (explanation.allowed, explanation.reason) == (allowed, reason)
    assert [grant.binding_title for grant in explanation.grants] == ["RoleBinding kikai/test"] * (
        "dev" in groups
    )
    assert bool(explanation.near_misses) == (not allowed and "dev" not in groups)
