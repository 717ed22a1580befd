from __future__ import annotations

import pytest

from labkit.client.request_info import Call, read_call


@pytest.mark.parametrize(
    ("method", "path", "verb", "resource", "namespace", "name"),
    [
        ("GET", "/api/v1/namespaces/kikai/services", "list", "services", "kikai", ""),
        ("GET", "/api/v1/namespaces/kikai/services?watch=1", "watch", "services", "kikai", ""),
        ("GET", "/api/v1/namespaces/kikai/services?watch=false", "list", "services", "kikai", ""),
        ("GET", "/api/v1/namespaces/kikai/services/web", "get", "services", "kikai", "web"),
        ("GET", "/api/v1/watch/namespaces/kikai/services", "watch", "services", "kikai", ""),
        ("HEAD", "/api/v1/pods", "list", "pods", "", ""),
        ("GET", "/api/v1/namespaces", "list", "namespaces", "", ""),
        ("GET", "/api/v1/namespaces/kikai", "get", "namespaces", "kikai", "kikai"),
        (
            "PUT",
            "/api/v1/namespaces/kikai/finalize",
            "update",
            "namespaces/finalize",
            "kikai",
            "kikai",
        ),
        (
            "POST",
            "/api/v1/namespaces/d/pods/curl/exec?command=ls",
            "create",
            "pods/exec",
            "d",
            "curl",
        ),
        (
            "DELETE",
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            "deletecollection",
            "clusterroles",
            "",
            "",
        ),
        (
            "PATCH",
            "/apis/apps/v1/namespaces/d/deployments/web/scale",
            "patch",
            "deployments/scale",
            "d",
            "web",
        ),
    ],
)
def test_reads_a_resource_path(
    method: str, path: str, verb: str, resource: str, namespace: str, name: str
) -> None:
    call = read_call(method, path)
    assert (call.verb, call.full_resource, call.namespace, call.name) == (
        verb,
        resource,
        namespace,
        name,
    )
    assert call.is_resource


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/v1", "/apis", "/apis/apps/v1", "/version", "", "/healthz/x"]
)
def test_a_path_without_a_resource_is_read_as_such(path: str) -> None:
    call = read_call("GET", path)
    assert call == Call("get", path or "/")
    assert not call.is_resource


def test_a_query_parameter_makes_a_list_a_watch() -> None:
    assert read_call("GET", "/api/v1/pods?watch=true").verb == "watch"
