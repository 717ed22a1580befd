import json

import pytest

from kube_embedded.apiserver.filters.request_info import request_info
from kube_embedded.apiserver.handlers.subresources.proxy import proxies
from kube_embedded.apiserver.storage import Key, Store
from kube_embedded.machinery.kinds import BY_KIND
from kube_embedded.machinery.request import PeerCertificate, Request, Response
from kube_embedded.tests.apiserver.handlers.reading import Reading
from kube_embedded.tests.support.cluster import ClusterApi

LAB = "/api/v1/namespaces/lab"


@pytest.fixture
def full(api: Reading) -> Reading:
    api.put("services", "lab/web", spec={"ports": [{"name": "http", "port": 80}]})
    for name in ("alone", "unmanaged", "elsewhere"):
        api.put("services", f"lab/{name}", spec={"ports": [{"port": 80}]})
    api.put(
        "endpoints",
        "lab/elsewhere",
        subsets=[{"addresses": [{"ip": "10.244.0.5"}], "ports": [{"port": 8080}]}],
    )
    of_a_pod = {
        "ip": "10.244.0.5",
        "targetRef": {"kind": "Pod", "namespace": "lab", "name": "running"},
    }
    subset = {
        "addresses": [{"ip": "10.244.0.9"}, of_a_pod],
        "ports": [{"name": "http", "port": 8080}],
    }
    api.put("endpoints", "lab/web", subsets=[subset])
    api.put("endpoints", "lab/alone")
    api.put("pods", "lab/waiting", spec={"containers": [{"name": "c"}]})
    container = {"name": "c", "ports": [{"containerPort": 8080}]}
    api.put(
        "pods",
        "lab/running",
        spec={"containers": [container]},
        status={"podIP": "10.244.0.5", "podIPs": [{"ip": "10.244.0.5"}]},
    )
    api.put("pods", "lab/plain", spec={"containers": [{"name": "c"}]}, status={"podIP": "fd00::5"})
    api.put("nodes", "n1", status={"addresses": [{"type": "InternalIP", "address": "172.18.0.2"}]})
    return api


def refused(address: str) -> tuple[int, str]:
    return 503, f"error trying to reach service: dial tcp {address}: connect: connection refused"


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        (f"{LAB}/services/web:http/proxy/", refused("10.244.0.5:8080")),
        (
            f"{LAB}/services/web:https/proxy/",
            (503, 'no endpoints available for service "web:https"'),
        ),
        (f"{LAB}/services/web/proxy/", (503, 'no endpoints available for service "web"')),
        (f"{LAB}/services/http:web:80/proxy/a/b", refused("10.244.0.5:8080")),
        (f"{LAB}/services/web:81/proxy/", (503, 'no service port 81 found for service "web"')),
        (f"{LAB}/services/alone:80/proxy", (503, 'no endpoints available for service "alone"')),
        (
            f"{LAB}/services/elsewhere:80/proxy",
            (503, 'no endpoints available for service "elsewhere:80"'),
        ),
        (f"{LAB}/services/unmanaged/proxy", (404, 'services "unmanaged" not found')),
        (f"{LAB}/services/nope/proxy", (404, 'services "nope" not found')),
        (f"{LAB}/services/ftp:web:80/proxy", (400, 'invalid service request "ftp:web:80"')),
        (f"{LAB}/services/a:b:c:d/proxy", (400, 'invalid service request "a:b:c:d"')),
        (f"{LAB}/pods/running/proxy/", refused("10.244.0.5:8080")),
        (f"{LAB}/pods/running:81/proxy/x", refused("10.244.0.5:81")),
        (f"{LAB}/pods/https:plain:/proxy/", refused("[fd00::5]:443")),
        (f"{LAB}/pods/waiting/proxy", (400, "address not allowed")),
        (f"{LAB}/pods/nope/proxy", (404, 'pods "nope" not found')),
        ("/api/v1/nodes/n1/proxy/pods", refused("172.18.0.2:10250")),
        ("/api/v1/nodes/nope/proxy/pods", (404, 'nodes "nope" not found')),
    ],
)
def test_nobody_answers(full: Reading, path: str, answer: tuple[int, str]) -> None:
    assert full.failure(path) == answer


@pytest.mark.parametrize("subresource", ["proxy", "exec", "log", "attach", "portforward"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_the_object_itself_is_never_read_or_changed_that_way(
    full: Reading, subresource: str, method: str
) -> None:
    revision = full.store.revision
    for path in (f"{LAB}/pods/running", f"{LAB}/services/web", "/api/v1/nodes/n1"):
        response = full.call(
            method, f"{path}/{subresource}/" if subresource == "proxy" else f"{path}/{subresource}"
        )
        assert json.loads(response.body)["kind"] == "Status"
        assert response.status in (404, 405, 503)
    assert full.store.revision == revision


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_all_that_http_has_is_passed_on(method: str) -> None:
    api = ClusterApi()
    api.namespace("lab")
    answer = api.admin.call(method, f"{LAB}/services/nope/proxy/")
    assert (answer.status, answer.message) == (404, 'services "nope" not found')
    assert api.admin.call("TRACE", f"{LAB}/services/nope/proxy/").status == 405


@pytest.fixture(scope="module")
def served() -> ClusterApi:
    """A cluster whose node runs a web server behind a service, and a pod named ``proxy`` that serves nothing."""
    api = ClusterApi(node=True)
    api.namespace("lab")
    for name, image in (("web", "nginx"), ("proxy", "busybox")):
        container = {
            "name": "c",
            "image": image,
            **({"command": ["sleep", "99"]} if image == "busybox" else {}),
        }
        body = {
            "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"containers": [container]},
        }
        api.must(api.admin.post(f"{LAB}/pods", body))
    spec = {"selector": {"app": "web"}, "ports": [{"port": 8080, "targetPort": 80}]}
    api.must(api.admin.post(f"{LAB}/services", {"metadata": {"name": "web"}, "spec": spec}))
    api.clock.now += 5
    api.cluster.advance()
    return api


@pytest.mark.parametrize(
    "target", ["pods/web", "pods/web:80", "pods/http:web:80", "services/web:8080", "services/web"]
)
def test_what_a_pod_serves(served: ClusterApi, target: str) -> None:
    page = served.admin.get(f"{LAB}/{target}/proxy/")
    assert (page.status, page.headers["server"]) == (200, "nginx/1.29.1")
    assert b"Welcome to nginx!" in page.body
    assert served.admin.get(f"{LAB}/{target}/proxy/no/such").status == 404
    assert b"404 Not Found" in served.admin.get(f"{LAB}/{target}/proxy/no/such").body


def test_where_nothing_listens_on_a_node(served: ClusterApi) -> None:
    assert "connection refused" in served.admin.get(f"{LAB}/pods/web:81/proxy/").message
    assert "connection refused" in served.admin.get(f"{LAB}/pods/web:a/proxy/").message
    assert "connection refused" in served.admin.get(f"{LAB}/pods/proxy/proxy/").message
    assert served.admin.get(f"{LAB}/pods/https:web:80/proxy/").message == (
        "error trying to reach service: tls: first record does not look like a TLS handshake"
    )


@pytest.mark.parametrize("pod", ["web", "proxy"])
def test_a_path_begins_with_a_slash(served: ClusterApi, pod: str) -> None:
    moved = served.admin.get(f"{LAB}/pods/{pod}/proxy?a=b")
    assert (moved.status, moved.headers["Location"]) == (301, f"{LAB}/pods/{pod}/proxy/?a=b")
    assert served.admin.post(f"{LAB}/pods/{pod}/proxy", {}).status != 301


def test_who_may_not_use_the_proxy_does_not(served: ClusterApi) -> None:
    served.role("reader", {"verbs": ["*"], "apiGroups": [""], "resources": ["pods", "services"]})
    served.bind("reader", "ClusterRole/reader", "User/jane")
    reply = served.user("jane").get(f"{LAB}/pods/web/proxy/")
    assert (reply.status, 'cannot get resource "pods/proxy"' in reply.message) == (403, True)


def test_what_is_for_the_api_server_goes_no_further() -> None:
    seen: list[Request] = []

    def listener(request: Request) -> Response:
        seen.append(request)
        return Response(200)

    store = Store()
    store.put(Key("pods", "lab", "p"), {"metadata": {"name": "p"}, "status": {"podIP": "10.0.0.1"}})
    proxy = proxies(store, lambda address, port: listener)["", "pods", "proxy"]
    headers = {
        "authorization": "Bearer x",
        "impersonate-user": "jane",
        "accept": "*/*",
        "host": "here",
    }
    request = Request(
        "GET",
        f"{LAB}/pods/p:8/proxy/a",
        {"q": ["1"]},
        headers,
        certificate=PeerCertificate("jane", (), "ab"),
    )
    request.info = request_info(request)
    proxy(request, BY_KIND["", "Pod"])
    (passed,) = seen
    assert (passed.path, passed.query, passed.certificate) == ("/a", {"q": ["1"]}, None)
    assert passed.headers == {"accept": "*/*", "host": "10.0.0.1:8"}
