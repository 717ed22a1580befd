from urllib.parse import parse_qs

import pytest

from kube_embedded.apiserver.filters.request_info import InvalidPath, request_info
from kube_embedded.machinery.request import Request


def info(method: str, target: str) -> tuple[object, ...]:
    path, _, query = target.partition("?")
    found = request_info(Request(method, path, parse_qs(query, keep_blank_values=True)))
    if not found.is_resource:
        return (found.verb, found.path)
    return (
        found.verb, found.group, found.version, found.namespace, found.resource, found.subresource, found.name
    )  # fmt: skip


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("GET", "/", ("get", "/")),
        ("POST", "/version", ("post", "/version")),
        ("GET", "/api/v1", ("get", "/api/v1")),
        ("GET", "/apis/apps/v1", ("get", "/apis/apps/v1")),
        ("GET", "/apis/apps/v1/", ("get", "/apis/apps/v1/")),
        ("GET", "/healthz/ping/x/y", ("get", "/healthz/ping/x/y")),
        ("GET", "/api/v1/pods", ("list", "", "v1", "", "pods", "", "")),
        ("HEAD", "/api/v1/pods", ("list", "", "v1", "", "pods", "", "")),
        ("GET", "/api/v1/namespaces", ("list", "", "v1", "", "namespaces", "", "")),
        ("GET", "/api/v1/namespaces/lab", ("get", "", "v1", "lab", "namespaces", "", "lab")),
        (
            "PUT",
            "/api/v1/namespaces/lab/finalize",
            ("update", "", "v1", "lab", "namespaces", "finalize", "lab"),
        ),
        (
            "GET",
            "/api/v1/namespaces/lab/status",
            ("get", "", "v1", "lab", "namespaces", "status", "lab"),
        ),
        ("POST", "/api/v1/namespaces/lab/pods", ("create", "", "v1", "lab", "pods", "", "")),
        (
            "DELETE",
            "/api/v1/namespaces/lab/pods",
            ("deletecollection", "", "v1", "lab", "pods", "", ""),
        ),
        ("DELETE", "/api/v1/namespaces/lab/pods/x", ("delete", "", "v1", "lab", "pods", "", "x")),
        (
            "POST",
            "/api/v1/namespaces/lab/pods/x/exec?command=id",
            ("create", "", "v1", "lab", "pods", "exec", "x"),
        ),
        (
            "PATCH",
            "/apis/apps/v1/namespaces/lab/deployments/x",
            ("patch", "apps", "v1", "lab", "deployments", "", "x"),
        ),
        ("GET", "/apis/apps/v1/deployments", ("list", "apps", "v1", "", "deployments", "", "")),
        ("GET", "/api/v1/nodes/n/proxy/pods", ("get", "", "v1", "", "nodes", "proxy", "n")),
        ("GET", "/api/v1/pods?watch=1", ("watch", "", "v1", "", "pods", "", "")),
        ("GET", "/api/v1/pods?watch=", ("watch", "", "v1", "", "pods", "", "")),
        ("GET", "/api/v1/pods?watch=yes", ("watch", "", "v1", "", "pods", "", "")),
        ("GET", "/api/v1/pods?watch=false", ("list", "", "v1", "", "pods", "", "")),
        ("GET", "/api/v1/pods?watch=0", ("list", "", "v1", "", "pods", "", "")),
        ("GET", "/api/v1/namespaces/lab/pods/x?watch=1", ("get", "", "v1", "lab", "pods", "", "x")),
        ("GET", "/api/v1/watch/pods", ("watch", "", "v1", "", "pods", "", "")),
        ("GET", "/api/v1/watch/namespaces/lab/pods/x", ("watch", "", "v1", "lab", "pods", "", "x")),
        (
            "GET",
            "/api/v1/watch/pods?fieldSelector=metadata.name%3Dx",
            ("watch", "", "v1", "", "pods", "", ""),
        ),
        (
            "GET",
            "/api/v1/pods?fieldSelector=metadata.name%3Dx",
            ("list", "", "v1", "", "pods", "", "x"),
        ),
        (
            "GET",
            "/api/v1/pods?watch=1&fieldSelector=metadata.name%3Dx",
            ("watch", "", "v1", "", "pods", "", "x"),
        ),
        (
            "DELETE",
            "/api/v1/namespaces/lab/pods?fieldSelector=metadata.name%3Dx",
            ("deletecollection", "", "v1", "lab", "pods", "", ""),
        ),
        (
            "GET",
            "/api/v1/pods?fieldSelector=metadata.name%21%3Dx",
            ("list", "", "v1", "", "pods", "", ""),
        ),
        (
            "GET",
            "/api/v1/pods?fieldSelector=metadata.name%3Da/b",
            ("list", "", "v1", "", "pods", "", ""),
        ),
        (
            "GET",
            "/api/v1/pods?limit=x&fieldSelector=metadata.name%3Dx",
            ("list", "", "v1", "", "pods", "", ""),
        ),
        ("GET", "/api/v1/pods?fieldSelector=nonsense", ("list", "", "v1", "", "pods", "", "")),
        (
            "GET",
            "/api/v1/proxy/namespaces/lab/pods/x/y/z",
            ("proxy", "", "v1", "lab", "pods", "", "x"),
        ),
        (
            "GET",
            "/api/v1/namespaces/lab/pods/x/log/y",
            ("get", "", "v1", "lab", "pods", "log", "x"),
        ),
        (
            "GET",
            "/apis/apps/v1/namespaces/lab",
            ("get", "apps", "v1", "lab", "namespaces", "", "lab"),
        ),
        (
            "GET",
            "/api/v1/pods?fieldSelector=metadata.name%3D..",
            ("list", "", "v1", "", "pods", "", ""),
        ),
        (
            "GET",
            "/api/v1/pods?fieldSelector=metadata.name%3Da%2525",
            ("list", "", "v1", "", "pods", "", ""),
        ),
        ("OPTIONS", "/api/v1/pods", ("", "", "v1", "", "pods", "", "")),
    ],
)
def test_what_is_asked(method: str, target: str, expected: tuple[object, ...]) -> None:
    assert info(method, target) == expected


@pytest.mark.parametrize("path", ["/api/v1/watch", "/api/v1/proxy/", "/apis/apps/v1/watch"])
def test_what_cannot_be_told(path: str) -> None:
    with pytest.raises(
        InvalidPath, match=f"unable to determine kind and namespace from url, {path}$"
    ):
        info("GET", path)


@pytest.mark.parametrize(
    ("method", "query", "verb"),
    [("GET", "?", "list"), ("GET", "?watch=1&", "watch"), ("DELETE", "?", "deletecollection")],
)
def test_the_fields_that_are_asked_for(method: str, query: str, verb: str) -> None:
    """A node may list its own pods by them."""
    selector = "fieldSelector=spec.nodeName%3Dn1"
    for path, asked in (("/api/v1/pods", verb), ("/api/v1/pods/x", None)):
        query_of = parse_qs(query[1:] + selector, keep_blank_values=True)
        found = request_info(Request(method, path, query_of))
        assert found.fields == ((("spec.nodeName", "n1"),) if asked else ())
        assert asked in (None, found.verb)
    assert request_info(Request(method, "/api/v1/pods", parse_qs("limit=1"))).fields == ()
