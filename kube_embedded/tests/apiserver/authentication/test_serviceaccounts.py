"""Whose token is it, and does it still count."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import pytest

from kube_embedded.apiserver.authentication.claims import ISSUER
from kube_embedded.tests.apiserver.authentication import forge
from kube_embedded.tests.support.cluster import IDENTITIES, ClusterApi

LAB = "/api/v1/namespaces/lab"
LEGACY = {"kubernetes.io/service-account.name": "bot"}


@pytest.fixture
def api() -> ClusterApi:
    api = ClusterApi()
    api.namespace("lab")
    api.account("lab", "bot")
    return api


def review(api: ClusterApi, token: str, *audiences: str) -> Any:
    spec: dict[str, Any] = {"token": token}
    if audiences:
        spec["audiences"] = list(audiences)
    return api.must(api.admin.post(f"{IDENTITIES}/tokenreviews", {"spec": spec}))["status"]


def refused(api: ClusterApi, token: str, why: str) -> None:
    assert api.bearer(token).get("/version").status == 401
    expected = f"[invalid bearer token, {why}]" if why else "invalid bearer token"
    assert review(api, token) == {"user": {}, "error": expected}


def uid(api: ClusterApi, path: str) -> str:
    found: str = api.must(api.admin.get(path))["metadata"]["uid"]
    return found


def test_plain(api: ClusterApi) -> None:
    token = api.token("lab", "bot")
    user = api.bearer(token).who()
    assert user == {
        "username": "system:serviceaccount:lab:bot",
        "uid": uid(api, f"{LAB}/serviceaccounts/bot"),
        "groups": ["system:serviceaccounts", "system:serviceaccounts:lab", "system:authenticated"],
        "extra": {
            "authentication.kubernetes.io/credential-id": [f"JTI={forge.claims_of(token)['jti']}"]
        },
    }
    assert review(api, token) == {"authenticated": True, "user": user, "audiences": [ISSUER]}


def test_bound_to_a_pod(api: ClusterApi) -> None:
    pod = api.pod("lab", "p", "bot")
    token = api.token("lab", "bot", boundObjectRef={"kind": "Pod", "apiVersion": "v1", "name": "p"})
    extra = api.bearer(token).who()["extra"]
    assert extra["authentication.kubernetes.io/pod-name"] == ["p"]
    assert extra["authentication.kubernetes.io/pod-uid"] == [pod["metadata"]["uid"]]
    api.must(api.admin.delete(f"{LAB}/pods/p?gracePeriodSeconds=0"))
    refused(api, token, "service account token has been invalidated")
    again = api.pod("lab", "p", "bot")["metadata"]["uid"]
    refused(
        api,
        token,
        f"pod UID ({again}) does not match service account pod ref claim ({pod['metadata']['uid']})",
    )


def test_bound_to_a_secret(api: ClusterApi) -> None:
    api.must(api.admin.post(f"{LAB}/secrets", {"metadata": {"name": "s"}}))
    old = uid(api, f"{LAB}/secrets/s")
    token = api.token(
        "lab", "bot", boundObjectRef={"kind": "Secret", "apiVersion": "v1", "name": "s"}
    )
    assert api.bearer(token).get("/api").status == 200
    assert forge.claims_of(token)["kubernetes.io"]["secret"] == {"name": "s", "uid": old}
    api.must(api.admin.delete(f"{LAB}/secrets/s"))
    refused(api, token, "service account token has been invalidated")
    api.must(api.admin.post(f"{LAB}/secrets", {"metadata": {"name": "s"}}))
    new = uid(api, f"{LAB}/secrets/s")
    refused(
        api, token, f"secret UID ({new}) does not match service account secret ref claim ({old})"
    )


def test_bound_to_a_node(api: ClusterApi) -> None:
    api.must(api.admin.post("/api/v1/nodes", {"metadata": {"name": "n1"}}))
    token = api.token(
        "lab", "bot", boundObjectRef={"kind": "Node", "apiVersion": "v1", "name": "n1"}
    )
    extra = api.bearer(token).who()["extra"]
    assert extra["authentication.kubernetes.io/node-name"] == ["n1"]
    assert extra["authentication.kubernetes.io/node-uid"] == [uid(api, "/api/v1/nodes/n1")]
    api.must(api.admin.delete("/api/v1/nodes/n1"))
    refused(api, token, "service account token has been invalidated")


def test_a_deleted_account_counts_at_once(api: ClusterApi) -> None:
    token = api.token("lab", "bot")
    old = uid(api, f"{LAB}/serviceaccounts/bot")
    assert api.bearer(token).get("/api").status == 200
    api.must(api.admin.delete(f"{LAB}/serviceaccounts/bot"))
    refused(api, token, 'serviceaccounts "bot" not found')
    api.account("lab", "bot")
    new = uid(api, f"{LAB}/serviceaccounts/bot")
    refused(api, token, f"service account UID ({new}) does not match claim ({old})")


def hold_and_delete(api: ClusterApi, path: str) -> None:
    """An object that is being deleted, and stays: a finalizer holds it."""
    api.must(api.admin.patch(path, {"metadata": {"finalizers": ["lab.example/hold"]}}))
    api.must(api.admin.delete(f"{path}?gracePeriodSeconds=0"))
    assert api.must(api.admin.get(path))["metadata"]["deletionTimestamp"]


def test_an_account_that_is_held_counts_for_a_minute_more(api: ClusterApi) -> None:
    token = api.token("lab", "bot")
    hold_and_delete(api, f"{LAB}/serviceaccounts/bot")
    api.clock.now += 60
    assert api.bearer(token).get("/api").status == 200
    api.clock.now += 1
    refused(api, token, "service account lab/bot has been deleted")


def test_a_pod_that_is_held_counts_for_a_minute_more(api: ClusterApi) -> None:
    api.pod("lab", "p", "bot")
    token = api.token("lab", "bot", boundObjectRef={"kind": "Pod", "apiVersion": "v1", "name": "p"})
    hold_and_delete(api, f"{LAB}/pods/p")
    api.clock.now += 60
    assert api.bearer(token).get("/api").status == 200
    api.clock.now += 1
    refused(api, token, "service account token has been invalidated")


def test_so_many_signatures_are_remembered(
    api: ClusterApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kube_embedded.apiserver.authentication.serviceaccounts.MAX_VERIFIED", 3)
    tokens = [api.token("lab", "bot") for _ in range(8)]
    assert len(set(tokens)) == 8
    assert [api.bearer(token).get("/api").status for token in tokens] == [200] * 8
    assert len(api.cluster.tokens._verified) <= 3


def test_times(api: ClusterApi) -> None:
    token = api.token("lab", "bot", expirationSeconds=600)
    start = api.clock.now
    for seconds, why in (
        (-61, "service account token is not valid yet"),
        (-60, None),
        (660, None),
        (661, "service account token has expired"),
    ):
        api.clock.now = start + seconds
        if why is None:
            assert api.bearer(token).get("/api").status == 200
        else:
            refused(api, token, why)


@pytest.mark.parametrize("seconds", [3600, 30])
def test_issued_in_the_future(api: ClusterApi, seconds: int) -> None:
    """That is what is wrong with it, however soon it expires."""
    claims = forge.claims_of(api.token("lab", "bot"))
    times = {"iat": claims["iat"] + 61, "exp": claims["iat"] + seconds}
    refused(
        api,
        api.cluster.signer.sign({**claims, **times}),
        "service account token is issued in the future",
    )


def test_a_token_for_nobody_in_particular_is_for_the_server(api: ClusterApi) -> None:
    account = api.must(api.admin.get(f"{LAB}/serviceaccounts/bot"))
    token = api.cluster.issuer.issue(account, (), 600)
    assert forge.claims_of(token.token)["aud"] == [ISSUER]
    assert api.bearer(token.token).get("/api").status == 200
    assert token.expires == api.clock.now + 600


def test_audiences(api: ClusterApi) -> None:
    token = api.token("lab", "bot", audiences=["vault", "x"])
    refused(
        api,
        token,
        f'token audiences ["vault" "x"] is invalid for the target audiences ["{ISSUER}"]',
    )
    assert review(api, token, "x", "y")["audiences"] == ["x"]
    assert review(api, token, "y")["error"] == (
        '[invalid bearer token, token audiences ["vault" "x"] is invalid for the target audiences ["y"]]'
    )
    assert review(api, api.token("lab", "bot"), "vault")["user"] == {}


def test_nonsense(api: ClusterApi) -> None:
    for token in ("nonsense", "a.b.c", forge.unsigned(api.token("lab", "bot"))):
        refused(api, token, "")


def test_a_stale_token_is_noted(api: ClusterApi) -> None:
    api.pod("lab", "p", "bot")
    ref = {"kind": "Pod", "apiVersion": "v1", "name": "p"}
    token = api.token("lab", "bot", boundObjectRef=ref, expirationSeconds=3607)
    api.clock.now += 3607 + 100
    assert api.bearer(token).get("/api").status == 200
    event = list(api.events)[-1]
    assert event["annotations"]["authentication.k8s.io/stale-token"] == (
        "subject: system:serviceaccount:lab:bot, seconds after warning threshold: 100"
    )


@pytest.fixture
def legacy(api: ClusterApi) -> str:
    body = {
        "metadata": {"name": "t", "annotations": LEGACY},
        "type": "kubernetes.io/service-account-token",
    }
    api.must(api.admin.post(f"{LAB}/secrets", body))
    secret = api.must(api.admin.get(f"{LAB}/secrets/t"))
    return b64decode(secret["data"]["token"]).decode()


def labels(api: ClusterApi) -> Any:
    return api.must(api.admin.get(f"{LAB}/secrets/t"))["metadata"].get("labels")


def test_legacy(api: ClusterApi, legacy: str) -> None:
    assert labels(api) is None
    assert api.bearer(legacy).who() == {
        "username": "system:serviceaccount:lab:bot",
        "uid": uid(api, f"{LAB}/serviceaccounts/bot"),
        "groups": ["system:serviceaccounts", "system:serviceaccounts:lab", "system:authenticated"],
    }
    assert labels(api) == {"kubernetes.io/legacy-token-last-used": "2027-01-15"}
    used = (
        event
        for event in api.events
        if event["user"]["username"] == "system:serviceaccount:lab:bot"
    )
    annotations = next(used)["annotations"]
    assert annotations["authentication.k8s.io/legacy-token-manual-secret"] == "t"
    assert annotations["authentication.k8s.io/legacy-token"] == "system:serviceaccount:lab:bot"


@pytest.mark.parametrize(
    ("listed", "form"),
    [(("t",), "autogenerated"), (("other", "t"), "autogenerated"), (("other",), "manual")],
)
def test_a_legacy_token_that_its_account_lists_was_made_for_it(
    api: ClusterApi, legacy: str, listed: tuple[str, ...], form: str
) -> None:
    secrets = [{"name": name} for name in listed]
    api.must(api.admin.patch(f"{LAB}/serviceaccounts/bot", {"secrets": secrets}))
    reply = api.bearer(legacy).get("/api")
    assert reply.status == 200
    annotations = list(api.events)[-1]["annotations"]
    assert annotations[f"authentication.k8s.io/legacy-token-{form}-secret"] == "t"
    warning = (
        "Use tokens from the TokenRequest API or manually created secret-based tokens instead of auto-generated "
        "secret-based tokens."
    )
    assert reply.warnings == ((warning,) if form == "autogenerated" else ())


def test_the_last_use_is_written_once_a_day(api: ClusterApi, legacy: str) -> None:
    api.bearer(legacy).get("/api")
    before = api.cluster.store.revision
    api.bearer(legacy).get("/api")
    assert api.cluster.store.revision == before
    api.clock.now += 86_400
    api.bearer(legacy).get("/api")
    assert labels(api) == {"kubernetes.io/legacy-token-last-used": "2027-01-16"}


def test_a_use_that_another_server_dates_tomorrow_is_left(api: ClusterApi, legacy: str) -> None:
    tomorrow = {"kubernetes.io/legacy-token-last-used": "2027-01-16"}
    api.must(api.admin.patch(f"{LAB}/secrets/t", {"metadata": {"labels": tomorrow}}))
    assert api.bearer(legacy).get("/api").status == 200
    assert labels(api) == tomorrow


def test_legacy_ends_with_its_secret(api: ClusterApi, legacy: str) -> None:
    api.must(api.admin.delete(f"{LAB}/secrets/t"))
    refused(api, legacy, "Token has been invalidated")


def test_legacy_ends_with_its_account(api: ClusterApi, legacy: str) -> None:
    api.must(api.admin.delete(f"{LAB}/serviceaccounts/bot"))
    refused(api, legacy, "Token has been invalidated")


def test_legacy_ends_when_its_secret_begins_to_end(api: ClusterApi, legacy: str) -> None:
    hold_and_delete(api, f"{LAB}/secrets/t")
    refused(api, legacy, "Token has been invalidated")


def test_legacy_ends_when_its_account_begins_to_end(api: ClusterApi, legacy: str) -> None:
    hold_and_delete(api, f"{LAB}/serviceaccounts/bot")
    refused(api, legacy, "ServiceAccount lab/bot has been deleted")


def test_legacy_of_another_account_of_that_name(api: ClusterApi, legacy: str) -> None:
    claims = {**forge.claims_of(legacy), f"{PREFIX}service-account.uid": "another"}
    token = api.cluster.signer.sign(claims)
    api.must(
        api.admin.patch(f"{LAB}/secrets/t", {"data": {"token": b64encode(token.encode()).decode()}})
    )
    now = uid(api, f"{LAB}/serviceaccounts/bot")
    refused(api, token, f"ServiceAccount UID ({now}) does not match claim (another)")


def test_legacy_must_be_the_stored_one(api: ClusterApi, legacy: str) -> None:
    other = api.cluster.issuer.issue_legacy(api.admin.get(f"{LAB}/serviceaccounts/bot").body, "t")
    assert other == legacy
    api.must(api.admin.patch(f"{LAB}/secrets/t", {"data": {"token": "eA=="}}))
    refused(api, legacy, "Token does not match server's copy")


def test_legacy_that_was_marked_invalid(api: ClusterApi, legacy: str) -> None:
    mark = {"metadata": {"labels": {"kubernetes.io/legacy-token-invalid-since": "2027-01-01"}}}
    api.must(api.admin.patch(f"{LAB}/secrets/t", mark))
    refused(
        api,
        legacy,
        "the token in secret lab/t for service account lab/bot has been marked invalid. Use tokens from the "
        "TokenRequest API or manually created secret-based tokens, or remove the "
        "'kubernetes.io/legacy-token-invalid-since' label from the secret to temporarily allow use of this token",
    )


PREFIX = "kubernetes.io/serviceaccount/"


@pytest.mark.parametrize(
    ("claim", "value", "why"),
    [
        (f"{PREFIX}namespace", "", "namespace claim is missing"),
        (f"{PREFIX}secret.name", None, "secretName claim is missing"),
        (f"{PREFIX}service-account.name", "", "serviceAccountName claim is missing"),
        (f"{PREFIX}service-account.uid", 7, "serviceAccountUID claim is missing"),
        ("sub", "system:serviceaccount:kube-system:admin", "sub claim is invalid"),
        (f"{PREFIX}secret.name", "other", "Token has been invalidated"),
    ],
)
def test_legacy_claims(api: ClusterApi, legacy: str, claim: str, value: Any, why: str) -> None:
    refused(api, api.cluster.signer.sign({**forge.claims_of(legacy), claim: value}), why)


def test_claims_of_odd_types_are_refused(api: ClusterApi) -> None:
    claims = forge.claims_of(api.token("lab", "bot"))
    changes: list[dict[str, Any]] = [
        {"exp": "never"},
        {"exp": None},
        {"kubernetes.io": []},
        {"kubernetes.io": {"namespace": {}, "serviceaccount": "bot"}},
        {"kubernetes.io": {**claims["kubernetes.io"], "pod": "p"}},
        {"aud": 7},
        {"aud": [{}]},
    ]
    for change in changes:
        token = api.cluster.signer.sign({**claims, **change})
        assert api.bearer(token).get("/api").status == 401, change
