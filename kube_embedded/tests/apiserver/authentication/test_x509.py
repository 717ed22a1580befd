"""Whom a client certificate makes of its owner, and what becomes of a bad one beside a token.

As kube-apiserver v1.36.2 was seen to answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from kube_embedded.machinery.request import PeerCertificate, ShownCertificate
from kube_embedded.tests.support.certificates import SERVER, Identity, authority_of, root, subject
from kube_embedded.tests.support.cluster import Caller, ClusterApi, Reply, keys

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
OURS = authority_of(keys())
DAY = 86400

NOBODY: dict[str, Callable[[], Identity]] = {
    "foreign": root().issue,
    "expired": lambda: OURS.issue(days=(-2, -1)),
    "early": lambda: OURS.issue(days=(1, 2)),
    "for servers": lambda: OURS.issue(usages=SERVER),
    "without a name": lambda: OURS.issue("", ("system:masters",)),
}


@pytest.fixture
def api() -> ClusterApi:
    """A cluster whose clock is right."""
    api = ClusterApi()
    api.clock.now = time.time()
    return api


def showing(api: ClusterApi, identity: Identity, token: str | None = None) -> Caller:
    """Someone who shows a certificate, perhaps beside a token."""
    return Caller(api.cluster, ShownCertificate(identity.chain), token)


def ask(caller: Caller) -> Reply:
    """Ask who one is."""
    return caller.post(WHO, {})


def test_a_good_one_names_user_and_groups(api: ClusterApi) -> None:
    user = showing(api, OURS.issue("jane", ("dev", "ops"))).who()
    assert user.pop("extra").keys() == {"authentication.kubernetes.io/credential-id"}
    assert user == {"username": "jane", "groups": ["dev", "ops", "system:authenticated"]}


def test_a_uid_is_told(api: ClusterApi) -> None:
    assert showing(api, OURS.issue(subject("jane", uids=("a-uid",)))).who()["uid"] == "a-uid"


@pytest.mark.parametrize("kind", NOBODY)
def test_a_bad_one_is_refused_even_where_anybody_may_ask(api: ClusterApi, kind: str) -> None:
    caller = showing(api, NOBODY[kind]())
    for path in ("/version", "/healthz", "/livez", "/api/v1/namespaces", "/nonsense"):
        reply = caller.get(path)
        assert (reply.status, reply.body) == (
            401,
            {
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Failure",
                "message": "Unauthorized",
                "reason": "Unauthorized",
                "code": 401,
            },
        )


@pytest.mark.parametrize("kind", NOBODY)
def test_a_good_token_counts_beside_a_bad_one(api: ClusterApi, kind: str) -> None:
    identity = NOBODY[kind]()
    token = api.token("default", "default")
    assert (
        showing(api, identity, token).who()["username"] == "system:serviceaccount:default:default"
    )
    assert ask(showing(api, identity, "nonsense")).status == 401


def test_a_good_one_counts_beside_any_token(api: ClusterApi) -> None:
    for token in ("nonsense", api.token("default", "default")):
        assert showing(api, OURS.issue(), token).who()["username"] == "jane"


def test_a_bad_one_leaves_an_event(api: ClusterApi) -> None:
    ask(showing(api, root().issue()))
    event = list(api.events)[-1]
    assert event["user"] == {}
    assert (event["responseStatus"]["code"], event["responseStatus"]["message"]) == (
        401,
        "Unauthorized",
    )
    assert "annotations" not in event


def test_it_is_asked_again_with_each_request_whether_its_time_is_over(api: ClusterApi) -> None:
    early, late = showing(api, OURS.issue(days=(1, 3))), showing(api, OURS.issue(days=(-1, 2)))
    statuses = []
    for _ in range(4):
        statuses.append((ask(early).status, ask(late).status))
        api.clock.now += DAY + 1
    assert statuses == [(401, 201), (201, 201), (201, 401), (401, 401)]


def test_many_may_come(api: ClusterApi) -> None:
    """More than are remembered."""
    identity = OURS.issue("jane")
    for number in range(300):
        assert (
            ask(Caller(api.cluster, ShownCertificate((*identity.chain, b"%d" % number)))).status
            == 401
        )
    assert ask(showing(api, identity)).status == 201


def test_a_caller_of_the_same_process_is_believed(api: ClusterApi) -> None:
    assert Caller(api.cluster, PeerCertificate("jane", (), "ab")).who()["username"] == "jane"
    assert ask(Caller(api.cluster, PeerCertificate("", ("system:masters",), "ab"))).status == 401
