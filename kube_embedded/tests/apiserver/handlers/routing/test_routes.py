import json

import pytest

from kube_embedded.tests.apiserver.handlers.reading import Reading

PAGE, RESOURCE = b"404 page not found\n", "the server could not find the requested resource"
METHOD = "the server does not allow this method on the requested resource"


@pytest.mark.parametrize(
    "path", ["/apis/nope.io/v1/things", "/apis/nope.io/v1/namespaces/a/things/x"]
)
def test_an_unknown_group_is_no_page(api: Reading, path: str) -> None:
    response = api.call("GET", path)
    assert (response.status, response.body) == (404, PAGE)
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/things"),
        ("GET", "/api/v2/pods"),
        ("GET", "/apis/apps/v2/deployments"),
        ("GET", "/api/v1/namespaces/lab/things"),
        ("GET", "/api/v1/namespaces/lab/nodes"),
        ("GET", "/api/v1/namespaces/lab/namespaces"),
        ("GET", "/api/v1/pods/x"),
        ("GET", "/api/v1/pods/x/log"),
        ("GET", "/api/v1/namespaces/lab/pods/x/nope"),
        ("GET", "/api/v1/namespaces/lab/pods/x/status/more"),
        ("GET", "/api/v1/namespaces/lab/configmaps/x/status"),
        ("GET", "/api/v1/proxy/namespaces/lab/pods/x"),
        ("GET", "/api/v1/watch/componentstatuses"),
        ("GET", "/apis/authentication.k8s.io/v1/tokenreviews/x"),
        ("POST", "/apis/authorization.k8s.io/v1/localsubjectaccessreviews"),
    ],
)
def test_what_does_not_exist(api: Reading, method: str, path: str) -> None:
    status = json.loads(api.call(method, path).body)
    assert (status["code"], status["reason"], status["message"], status["details"]) == (
        404,
        "NotFound",
        RESOURCE,
        {},
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/v1/pods"),
        ("POST", "/api/v1/pods"),
        ("DELETE", "/api/v1/pods"),
        ("PATCH", "/api/v1/namespaces"),
        ("DELETE", "/api/v1/namespaces"),
        ("PUT", "/api/v1/namespaces/lab/pods"),
        ("POST", "/api/v1/namespaces/lab/pods/x"),
        ("POST", "/api/v1/namespaces/lab/pods/x/status"),
        ("DELETE", "/api/v1/namespaces/lab/pods/x/log"),
        ("GET", "/apis/authentication.k8s.io/v1/tokenreviews"),
        ("POST", "/api/v1/watch/pods"),
        ("HEAD", "/api/v1/pods"),
        ("OPTIONS", "/api/v1/pods"),
        ("GET", "/api/v1/namespaces/lab/bindings"),
    ],
)
def test_what_cannot_be_done(api: Reading, method: str, path: str) -> None:
    status = json.loads(api.call(method, path).body)
    assert (status["code"], status["reason"], status["message"]) == (
        405,
        "MethodNotAllowed",
        METHOD,
    )


def test_a_named_object(api: Reading) -> None:
    api.put("namespaces", "lab")
    api.put("pods", "lab/x")
    assert api.get("/api/v1/namespaces/lab")["kind"] == "Namespace"
    assert api.get("/api/v1/namespaces/lab/status")["kind"] == "Namespace"
    assert api.get("/api/v1/namespaces/lab/pods/x")["kind"] == "Pod"
    assert api.get("/api/v1/namespaces/lab/pods/x/status")["kind"] == "Pod"
    assert api.get("/api/v1/namespaces/lab/pods/x?watch=1")["kind"] == "Pod"
    assert api.failure("/api/v1/namespaces/lab/pods/y") == (404, 'pods "y" not found')
    assert api.failure("/apis/apps/v1/namespaces/lab/deployments/y") == (
        404,
        'deployments.apps "y" not found',
    )
