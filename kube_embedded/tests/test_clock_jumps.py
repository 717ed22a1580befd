"""The machine's clock is wrong, and then right again, while a cluster runs."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificate

from kube_embedded.apiserver.authentication.chains import identify
from kube_embedded.apiserver.handlers.verbs.watch import BOOKMARK_SECONDS
from kube_embedded.apiserver.storage import Store
from kube_embedded.cluster import Cluster
from kube_embedded.machinery.request import Request
from kube_embedded.machinery.steady_clock import SteadyClock
from kube_embedded.tests.node.pods import ADMIN, Lab
from kube_embedded.tests.support.cluster import Caller, Clock, ClusterApi, keys

HOUR, DAY, YEAR = 3600, 86_400, 365 * 86_400
BATCH = "/apis/batch/v1/namespaces/lab"
EVENTS = "/api/v1/namespaces/lab/events"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/lab/leases"
MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
BACK_AND_AHEAD = pytest.mark.parametrize("jump", [-YEAR, -DAY, -1, DAY, YEAR])


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi(node=True)
    made.namespace("lab")
    return made


def pass_time(api: ClusterApi, seconds: float, steps: int = 1) -> None:
    for _ in range(steps):
        api.clock.now += seconds
        api.cluster.advance()


def test_a_steady_clock_goes_on_from_where_it_was() -> None:
    clock = Clock(1000)
    steady = SteadyClock(clock)
    seen = []
    for now in (1000, 1005, 5, 6, 2000, 0):
        clock.now = now
        seen.append(steady())
    assert seen == [1000, 1005, 1005, 1006, 3000, 3000]


@BACK_AND_AHEAD
def test_tokens_are_judged_by_the_time_it_is(api: ClusterApi, jump: float) -> None:
    """As by the real server: what was issued in the future counts when that has come."""
    bot = api.account("lab", "bot")
    assert bot.get("/api/v1").status == 200
    api.clock.now += jump
    api.cluster.advance()
    early, late = jump < -10, jump > HOUR
    assert bot.get("/api/v1").status == (401 if early or late else 200)
    assert api.account("lab", "bot").get("/api/v1").status == 200
    api.clock.now -= jump
    assert bot.get("/api/v1").status == 200


@pytest.mark.parametrize("jump", [-YEAR, -DAY, -1, DAY, 99 * DAY])
def test_a_pod_has_a_token_that_is_good_now(jump: float) -> None:
    lab = Lab()
    lab.pod()
    lab.exec(f"cat {MOUNT}/token")
    lab.clock.now += jump
    token = lab.exec(f"cat {MOUNT}/token").stdout
    assert Caller(lab.cluster, token=token).get("/api/v1").status == 200


@BACK_AND_AHEAD
def test_leases_are_kept_as_they_are_and_the_node_stays_ready(api: ClusterApi, jump: float) -> None:
    """Who holds a lease and since when is for its clients to judge, each by its own clock."""
    spec = {
        "holderIdentity": "me",
        "leaseDurationSeconds": 15,
        "renewTime": "2027-01-15T08:00:00.000000Z",
    }
    made = api.must(api.admin.post(LEASES, {"metadata": {"name": "l"}, "spec": spec}))
    pass_time(api, jump)
    pass_time(api, 1, 60)
    assert api.must(api.admin.get(f"{LEASES}/l")) == made
    renewed = api.must(
        api.admin.patch(f"{LEASES}/l", {"spec": {"renewTime": "2028-01-15T08:00:00.000000Z"}})
    )
    assert renewed["spec"]["renewTime"] == "2028-01-15T08:00:00.000000Z"
    node = api.must(api.admin.get("/api/v1/nodes/kube-embedded"))
    (ready,) = [one["status"] for one in node["status"]["conditions"] if one["type"] == "Ready"]
    assert ready == "True"


@BACK_AND_AHEAD
def test_watches_go_on_and_bookmarks_come_within_a_minute(api: ClusterApi, jump: float) -> None:
    path = "/api/v1/namespaces/lab/configmaps?watch=1&resourceVersion=0&allowWatchBookmarks=true&timeoutSeconds=600"
    stream = watch(api, path)
    stream.read()
    api.clock.now += jump
    stream.read()
    api.must(api.admin.post("/api/v1/namespaces/lab/configmaps", {"metadata": {"name": "c"}}))
    assert "ADDED" in types(stream.read())
    api.clock.now += BOOKMARK_SECONDS
    assert "BOOKMARK" in types(stream.read())
    assert not stream.closed


def watch(api: ClusterApi, path: str) -> Any:
    path, _, query = path.partition("?")
    request = Request(
        "GET", path, parse_qs(query), {"accept": "application/json"}, b"", api.admin.certificate
    )
    return api.cluster.handle(request).stream


def types(pieces: list[bytes]) -> list[str]:
    return [json.loads(piece)["type"] for piece in pieces]


def event(api: ClusterApi, name: str) -> None:
    about = {"kind": "Pod", "namespace": "lab", "name": "p"}
    api.must(
        api.admin.post(EVENTS, {"metadata": {"name": name}, "involvedObject": about, "reason": "X"})
    )


def names(api: ClusterApi, path: str) -> list[str]:
    return [item["metadata"]["name"] for item in api.must(api.admin.get(path))["items"]]


@pytest.mark.parametrize("jump", [-YEAR, -DAY])
def test_events_end_an_hour_after_the_clock_was_set_back(api: ClusterApi, jump: float) -> None:
    event(api, "ahead")
    pass_time(api, jump)
    event(api, "now")
    pass_time(api, 61, 57)
    assert names(api, EVENTS) == ["ahead", "now"]
    pass_time(api, 61, 4)
    assert names(api, EVENTS) == []


def test_events_of_the_past_end_when_the_clock_is_set_ahead(api: ClusterApi) -> None:
    event(api, "past")
    pass_time(api, DAY)
    assert names(api, EVENTS) == []
    event(api, "now")
    pass_time(api, 60, 50)
    assert names(api, EVENTS) == ["now"]


@pytest.mark.parametrize("jump", [-YEAR, -DAY, DAY])
def test_what_sleeps_in_a_pod_wakes_in_its_time(jump: float) -> None:
    lab = Lab()
    lab.pod(containers=[{"command": ["sh", "-c", "sleep 30; echo up; sleep 9999999"]}])
    lab.clock.now += 10
    lab.cluster.advance()
    lab.clock.now += jump
    lab.cluster.advance()
    lab.clock.now += 21
    lab.cluster.advance()
    assert lab.log() == "up\n"


def test_a_pod_that_crashed_is_started_again_in_its_time() -> None:
    lab = Lab()
    lab.pod(containers=[{"command": ["sh", "-c", "exit 1"]}])
    for _ in range(3):
        lab.clock.now += 15
        lab.cluster.advance()
    lab.clock.now -= DAY
    lab.cluster.advance()
    before = lab.get()["status"]["containerStatuses"][0]["restartCount"]
    for _ in range(20):
        lab.clock.now += 15
        lab.cluster.advance()
    assert lab.get()["status"]["containerStatuses"][0]["restartCount"] > before


def test_a_renewed_authority_is_published_everywhere_and_again_after_a_reset() -> None:
    """What pods, other servers and token Secrets trust is the new certificate; keys and tokens stay."""
    store, old = Store(), keys()
    new = old.with_new_authority()
    assert new.ca_certificate != old.ca_certificate
    assert new.ca_key == old.ca_key
    before = Caller(Cluster(old, store), ADMIN)
    account = {"kubernetes.io/service-account.name": "default"}
    secret = {
        "metadata": {"name": "s", "annotations": account},
        "type": "kubernetes.io/service-account-token",
    }
    assert before.post("/api/v1/namespaces/default/secrets", secret).status == 201
    store.save_snapshot("pristine")
    token = before.get("/api/v1/namespaces/default/secrets/s").body["data"]["token"]
    admin = Caller(Cluster(new, store), ADMIN)
    for _ in ("started", "reset"):
        maps = {
            "/api/v1/namespaces/default/configmaps/kube-root-ca.crt": "ca.crt",
            "/api/v1/namespaces/kube-system/configmaps/kube-root-ca.crt": "ca.crt",
            "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication": "client-ca-file",
        }
        for path, key in maps.items():
            assert admin.get(path).body["data"][key] == new.ca_certificate.decode(), path
        data = admin.get("/api/v1/namespaces/default/secrets/s").body["data"]
        assert (base64.b64decode(data["ca.crt"]), data["token"]) == (new.ca_certificate, token)
        assert admin.post("/kube-embedded/snapshots/pristine/restore", None).status == 200


def test_what_the_old_authority_signed_is_good_under_the_new_one() -> None:
    old = keys()
    signed = load_pem_x509_certificate(old.client_certificate("jane", ("dev",))[0])
    chain = (signed.public_bytes(Encoding.DER),)
    assert identify(chain, old.with_new_authority().ca_certificate).common_name == "jane"
