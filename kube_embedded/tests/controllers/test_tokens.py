"""Token Secrets and service accounts stay in step."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

import pytest

from kube_embedded.tests.apiserver.authentication.forge import claims_of
from kube_embedded.tests.support.cluster import ClusterApi, keys

SECRETS = "/api/v1/namespaces/lab/secrets"
ACCOUNTS = "/api/v1/namespaces/lab/serviceaccounts"
TYPE = "kubernetes.io/service-account-token"
NAME = "kubernetes.io/service-account.name"
UID = "kubernetes.io/service-account.uid"


def cluster(era: str = "now") -> ClusterApi:
    api = ClusterApi(era)
    api.namespace("lab")
    return api


@pytest.fixture
def api() -> ClusterApi:
    return cluster()


def account(api: ClusterApi, name: str = "bot") -> Any:
    return api.must(api.admin.post(ACCOUNTS, {"metadata": {"name": name}}))


def secret(api: ClusterApi, name: str = "t", **annotations: str) -> Any:
    body = {"metadata": {"name": name, "annotations": annotations}, "type": TYPE}
    return api.must(api.admin.post(SECRETS, body))


def names(api: ClusterApi, path: str = SECRETS) -> set[str]:
    return {item["metadata"]["name"] for item in api.must(api.admin.get(path))["items"]}


def test_filled_in(api: ClusterApi) -> None:
    owner = account(api)
    assert "data" not in secret(api, **{NAME: "bot"})
    stored = api.admin.get(f"{SECRETS}/t").body
    assert stored["metadata"]["annotations"] == {NAME: "bot", UID: owner["metadata"]["uid"]}
    data = {key: b64decode(value) for key, value in stored["data"].items()}
    assert data["namespace"] == b"lab"
    assert data["ca.crt"] == keys().ca_certificate
    assert claims_of(data["token"].decode()) == {
        "iss": "kubernetes/serviceaccount",
        "kubernetes.io/serviceaccount/namespace": "lab",
        "kubernetes.io/serviceaccount/secret.name": "t",
        "kubernetes.io/serviceaccount/service-account.name": "bot",
        "kubernetes.io/serviceaccount/service-account.uid": owner["metadata"]["uid"],
        "sub": "system:serviceaccount:lab:bot",
    }
    managers = [entry["manager"] for entry in stored["metadata"]["managedFields"]]
    assert managers == ["kube-controller-manager", "unknown"]
    assert "secrets" not in api.admin.get(f"{ACCOUNTS}/bot").body


def test_lost_parts_are_put_back(api: ClusterApi) -> None:
    account(api)
    secret(api, **{NAME: "bot"})
    data = api.admin.get(f"{SECRETS}/t").body["data"]
    api.must(
        api.admin.patch(f"{SECRETS}/t", {"data": {"ca.crt": "eA==", "token": None, "mine": "eA=="}})
    )
    assert api.admin.get(f"{SECRETS}/t").body["data"] == {**data, "mine": "eA=="}


def test_gone_without_its_account(api: ClusterApi) -> None:
    secret(api, **{NAME: "ghost"})
    assert "t" not in names(api)
    owner = account(api)
    secret(api, "wrong", **{NAME: "bot", UID: "another"})
    assert "wrong" not in names(api)
    secret(api, "right", **{NAME: "bot", UID: owner["metadata"]["uid"]})
    account(api, "other")
    secret(api, "others", **{NAME: "other"})
    api.must(api.admin.delete(f"{ACCOUNTS}/bot"))
    assert names(api) == {"others"}


def test_other_secrets_are_left_alone(api: ClusterApi) -> None:
    account(api)
    body = {"metadata": {"name": "plain", "annotations": {NAME: "bot"}}}
    api.must(api.admin.post(SECRETS, body))
    assert "data" not in api.admin.get(f"{SECRETS}/plain").body
    api.must(api.admin.delete(f"{ACCOUNTS}/bot"))
    assert "plain" in names(api)


def test_no_secret_by_itself_today(api: ClusterApi) -> None:
    account(api)
    assert names(api) == set()


def test_a_secret_by_itself_in_the_old_era() -> None:
    api = cluster("1.20")
    assert "secrets" not in account(api)
    stored = api.admin.get(f"{ACCOUNTS}/bot").body
    [reference] = stored["secrets"]
    assert reference["name"].startswith("bot-token-")
    token = b64decode(
        api.admin.get(f"{SECRETS}/{reference['name']}").body["data"]["token"]
    ).decode()
    assert api.bearer(token).who()["username"] == "system:serviceaccount:lab:bot"


def test_the_old_era_replaces_a_deleted_secret() -> None:
    api = cluster("1.20")
    account(api)
    [old] = api.admin.get(f"{ACCOUNTS}/bot").body["secrets"]
    token = b64decode(api.admin.get(f"{SECRETS}/{old['name']}").body["data"]["token"]).decode()
    api.must(api.admin.delete(f"{SECRETS}/{old['name']}"))
    [new] = api.admin.get(f"{ACCOUNTS}/bot").body["secrets"]
    assert new != old
    assert new["name"] in names(api)
    assert api.bearer(token).get("/api").status == 401
    api.must(api.admin.delete(f"{ACCOUNTS}/bot"))
    assert not any(name.startswith("bot-token-") for name in names(api))
