"""What a new cluster keeps in ``kube-system``."""

from __future__ import annotations

from kube_embedded.tests.support.cluster import ClusterApi, keys

MAPS = "/api/v1/namespaces/kube-system/configmaps"
ACCOUNTS = "/api/v1/namespaces/kube-system/serviceaccounts"
TRUST, TRACKING = (
    "extension-apiserver-authentication",
    "kube-apiserver-legacy-service-account-token-tracking",
)


def names(api: ClusterApi, path: str) -> list[str]:
    return [item["metadata"]["name"] for item in api.must(api.admin.get(path))["items"]]


def test_two_config_maps_beside_the_certificate() -> None:
    api = ClusterApi()
    assert names(api, MAPS) == [TRUST, TRACKING, "kube-root-ca.crt"]
    trust = api.must(api.admin.get(f"{MAPS}/{TRUST}"))
    assert trust["data"] == {"client-ca-file": keys().ca_certificate.decode()}
    assert [entry["manager"] for entry in trust["metadata"]["managedFields"]] == ["kube-apiserver"]
    assert api.must(api.admin.get(f"{MAPS}/{TRACKING}"))["data"] == {"since": "2027-01-15"}


def test_what_others_trust_by_comes_back() -> None:
    api = ClusterApi()
    uid = api.must(api.admin.get(f"{MAPS}/{TRUST}"))["metadata"]["uid"]
    api.must(api.admin.delete(f"{MAPS}/{TRUST}"))
    api.must(api.admin.delete(f"{MAPS}/{TRACKING}"))
    assert names(api, MAPS) == [TRUST, "kube-root-ca.crt"]
    assert api.must(api.admin.get(f"{MAPS}/{TRUST}"))["metadata"]["uid"] != uid


def test_every_controller_has_its_account() -> None:
    """As one that is created over HTTP; and each that a binding names is there, but for parts that do not run."""
    api = ClusterApi()
    accounts = names(api, ACCOUNTS)
    assert len(accounts) == 38
    made = api.must(api.admin.post(ACCOUNTS, {"metadata": {"name": "mine"}}))
    account = api.must(api.admin.get(f"{ACCOUNTS}/job-controller"))
    assert list(account) == list(made)
    assert list(account["metadata"]) == list(made["metadata"])
    bindings = api.must(api.admin.get("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"))[
        "items"
    ]
    bound = {
        subject["name"]
        for binding in bindings
        for subject in binding.get("subjects", ())
        if binding["metadata"]["name"].startswith("system:controller:")
        and subject["kind"] == "ServiceAccount"
    }
    assert bound - set(accounts) == {
        "route-controller",
        "selinux-warning-controller",
        "service-controller",
    }


def test_accounts_that_would_each_get_a_secret_are_left_out() -> None:
    api = ClusterApi(era="1.20")
    assert names(api, ACCOUNTS) == ["default"]
    assert names(api, MAPS) == [TRUST, "kube-root-ca.crt"]
