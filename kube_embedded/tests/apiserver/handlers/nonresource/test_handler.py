import json
from collections.abc import Mapping

import pytest

from kube_embedded.apiserver.handlers.nonresource.handler import NonResourceHandler
from kube_embedded.apiserver.handlers.nonresource.openapi import OpenApiHandler
from kube_embedded.apiserver.handlers.nonresource.snapshots import SnapshotHandler
from kube_embedded.apiserver.handlers.represent.responses import error_response
from kube_embedded.apiserver.openapi.discovery import AGGREGATED, Discovery
from kube_embedded.apiserver.storage import Key, Store
from kube_embedded.machinery.kinds import KINDS
from kube_embedded.machinery.releases import Release
from kube_embedded.machinery.request import Request, Response
from kube_embedded.machinery.schema.protobuf_read import META, UNKNOWN, message_class
from kube_embedded.machinery.status import ApiError
from kube_embedded.tests.support.some import some

BOTH = {"accept": f"{AGGREGATED},application/json"}


class Site:
    def __init__(self) -> None:
        self.store = Store()
        self.restored = 0
        snapshots = SnapshotHandler(self.store, self._restored)
        self.handler = NonResourceHandler(
            lambda: Discovery(KINDS),
            lambda request: "127.0.0.1:6443",
            lambda: self.store.revision,
            Release(),
            (OpenApiHandler(), snapshots),
            ("/extra",),
        )

    def _restored(self) -> None:
        self.restored += 1

    def call(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, **query: str
    ) -> Response:
        request = Request(
            method, path, {name: [value] for name, value in query.items()}, dict(headers or {})
        )
        try:
            return self.handler(request)
        except ApiError as error:
            return error_response(request, error)


@pytest.fixture
def site() -> Site:
    return Site()


def test_the_roots(site: Site) -> None:
    assert json.loads(site.call("GET", "/api").body) == {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [
            {"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1:6443"}
        ],
    }
    assert json.loads(site.call("GET", "/apis/").body)["kind"] == "APIGroupList"
    group = json.loads(site.call("GET", "/apis/apps").body)
    assert (group["kind"], group["apiVersion"], group["name"]) == ("APIGroup", "v1", "apps")
    paths = json.loads(site.call("GET", "/").body)["paths"]
    assert paths == sorted(paths)
    assert {
        "/api",
        "/api/v1",
        "/apis",
        "/apis/apps",
        "/apis/apps/v1",
        "/extra",
        "/healthz",
        "/version",
    } <= set(paths)


def test_every_path_of_the_root_exists(site: Site) -> None:
    for path in some(json.loads(site.call("GET", "/").body)["paths"]):
        if path != "/extra":
            assert site.call("GET", path).status == 200, path


def test_aggregated_discovery(site: Site) -> None:
    response = site.call("GET", "/apis", BOTH)
    assert response.headers["Content-Type"] == AGGREGATED
    assert (response.headers["Cache-Control"], response.headers["Vary"]) == ("public", "Accept")
    assert json.loads(response.body)["kind"] == "APIGroupDiscoveryList"
    known = site.call("GET", "/apis", {**BOTH, "if-none-match": response.headers["Etag"]})
    assert (known.status, known.body) == (304, b"")
    assert json.loads(site.call("GET", "/api", BOTH).body)["items"][0]["metadata"] == {}


@pytest.mark.parametrize("accept", [f"application/json,{AGGREGATED}", f"{AGGREGATED};q=0.1,*/*"])
def test_all_discovery_for_who_takes_it_at_all(site: Site, accept: str) -> None:
    assert (
        json.loads(site.call("GET", "/apis", {"accept": accept}).body)["kind"]
        == "APIGroupDiscoveryList"
    )


def test_a_route_looks_at_media_types_alone(site: Site) -> None:
    accept = {"accept": AGGREGATED.replace("json", "*", 1)}
    assert site.call("GET", "/apis", accept).headers["Content-Type"] == AGGREGATED
    assert site.call("GET", "/api", accept).status == 406
    assert (
        site.call("GET", "/api", {"accept": f"{accept['accept']},*/*"}).headers["Content-Type"]
        == AGGREGATED
    )


def test_all_discovery_as_yaml(site: Site) -> None:
    accept = AGGREGATED.replace("json", "yaml", 1)
    response = site.call("GET", "/apis", {"accept": accept})
    assert response.headers["Content-Type"] == accept
    assert response.body.startswith(b"apiVersion: apidiscovery.k8s.io/v2\nitems:\n")


@pytest.mark.parametrize(
    "accept",
    [
        "application/json",
        "application/json;g=apidiscovery.k8s.io;v=v9;as=APIGroupDiscoveryList,application/json",
        "*/*",
    ],
)
def test_plain_discovery_for_who_prefers_it(site: Site, accept: str) -> None:
    assert json.loads(site.call("GET", "/apis", {"accept": accept}).body)["kind"] == "APIGroupList"


@pytest.mark.parametrize(
    "path",
    [
        "/nope", "/apis/nope.io", "/apis/nope.io/v1", "/healthz/nope", "/openapi", "//api", "//apis", "//healthz",
        "/healthz/", "/healthz/ping/",
    ],
)  # fmt: skip
def test_pages_that_do_not_exist(site: Site, path: str) -> None:
    response = site.call("GET", path)
    assert (response.status, response.body) == (404, b"404 page not found\n")


def test_a_document_that_does_not_exist(site: Site) -> None:
    response = site.call("GET", "/openapi/v3/nope")
    assert (response.status, response.body, response.headers) == (404, b"", {})


def test_the_index_by_its_other_name(site: Site) -> None:
    assert site.call("GET", "/index.html").body == site.call("GET", "/").body


@pytest.mark.parametrize("path", ["/api/v2", "/apis/apps/v2"])
def test_versions_that_do_not_exist(site: Site, path: str) -> None:
    status = json.loads(site.call("GET", path).body)
    assert (status["code"], status["message"]) == (
        404,
        "the server could not find the requested resource",
    )


@pytest.mark.parametrize("path", ["/version", "/api", "/apis/apps/v1", "/api/v1"])
def test_they_can_only_be_read(site: Site, path: str) -> None:
    assert json.loads(site.call("POST", path).body)["code"] == 405


@pytest.mark.parametrize("path", ["/apis", "/apis/apps"])
def test_what_is_said_of_groups_is_said_whatever_the_method(site: Site, path: str) -> None:
    assert site.call("POST", path).body == site.call("GET", path).body


def test_a_reset_of_the_metrics(site: Site) -> None:
    response = site.call("DELETE", "/metrics")
    assert (response.status, response.body) == (200, b"metrics reset\n")
    assert response.headers == {"Content-Type": "text/plain; charset=utf-8"}
    assert site.call("POST", "/metrics").body.startswith(b"# HELP ")


def test_version_is_indented_for_everyone(site: Site) -> None:
    body = site.call("GET", "/version").body
    assert body.startswith(b'{\n  "major": "1",\n  "minor": "36",\n')
    assert json.loads(body)["gitVersion"] == "v1.36.2"


def test_health(site: Site) -> None:
    for endpoint in ("/healthz", "/livez", "/readyz"):
        response = site.call("GET", endpoint)
        assert (response.status, response.body) == (200, b"ok")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "X-Content-Type-Options" not in site.call("GET", "/healthz/ping").headers
    verbose = site.call("GET", "/readyz", verbose="", exclude="log").body.decode()
    assert verbose.splitlines() == [
        "[+]ping ok", "[+]log excluded: ok", "[+]informer-sync ok", "[+]shutdown ok", "readyz check passed",
    ]  # fmt: skip
    assert (
        'no matches for "nope"'
        in site.call("GET", "/livez", verbose="1", exclude="nope").body.decode()
    )


def test_discovery_in_other_forms(site: Site) -> None:
    yaml = site.call("GET", "/apis/apps", {"accept": "application/yaml"})
    assert yaml.body.startswith(b"apiVersion: v1\nkind: APIGroup\n")
    assert site.call("GET", "/apis", {"user-agent": "curl/8"}).body.startswith(
        b'{\n  "kind": "APIGroupList",'
    )
    assert site.call("GET", "/apis", {"accept": "text/html"}).status == 406


def put(site: Site, name: str) -> None:
    site.store.put(Key("configmaps", "lab", name), {"metadata": {"name": name, "namespace": "lab"}})


def test_a_snapshot_is_restored(site: Site) -> None:
    put(site, "a")
    site.store.save_snapshot("W1")
    put(site, "b")
    restored = json.loads(site.call("POST", "/kube-embedded/snapshots/W1/restore").body)
    assert restored == {"name": "W1", "resourceVersion": "3"}
    assert [obj["metadata"]["name"] for obj in site.store.list("configmaps")] == ["a"]
    assert site.restored == 1
    missing = json.loads(site.call("POST", "/kube-embedded/snapshots/W2/restore").body)
    assert (missing["code"], missing["message"]) == (404, 'snapshots.kube-embedded "W2" not found')
    assert site.restored == 1


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/kube-embedded/snapshots", 404),
        ("PUT", "/kube-embedded/snapshots/W1", 404),
        ("GET", "/kube-embedded/snapshots/W1/restore", 405),
        ("POST", "/kube-embedded/snapshots/W1/nope", 404),
    ],
)
def test_snapshot_refusals(site: Site, method: str, path: str, code: int) -> None:
    assert site.call(method, path).status == code


@pytest.mark.parametrize(
    ("path", "kind", "field"),
    [
        ("/api", "APIVersions", "versions"),
        ("/apis", "APIGroupList", "groups"),
        ("/apis/apps", "APIGroup", "versions"),
        ("/api/v1", "APIResourceList", "resources"),
    ],
)
def test_discovery_in_protobuf(path: str, kind: str, field: str) -> None:
    site, protobuf = Site(), "application/vnd.kubernetes.protobuf"
    answer = site.call("GET", path, {"accept": protobuf})
    assert answer.headers["Content-Type"] == protobuf
    envelope = message_class(UNKNOWN)()
    envelope.ParseFromString(answer.body[4:])
    made = message_class(META + kind)()
    made.ParseFromString(envelope.raw)
    document = json.loads(site.call("GET", path).body)
    assert (envelope.typeMeta.kind, envelope.typeMeta.apiVersion) == (
        kind,
        document.get("apiVersion", ""),
    )
    assert len(getattr(made, field)) == len(document[field])
    if kind == "APIResourceList":
        resource, known = made.resources[0], document["resources"][0]
        assert (resource.name, list(resource.verbs.items)) == (known["name"], known["verbs"])


def test_the_list_of_groups_is_no_route() -> None:
    assert Site().call("GET", "/apis", {"accept": "application/*"}).status == 200
    refused = Site().call("GET", "/apis", {"accept": "text/html"})
    assert json.loads(refused.body)["message"].startswith(
        "only the following media types are accepted: "
    )
    refused = Site().call("GET", "/apis/apps", {"accept": "text/html"})
    assert json.loads(refused.body)["message"].startswith("406: Not Acceptable")
