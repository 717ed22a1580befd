"""A server with a node, a namespace with a running pod, and an account that can only read."""

from __future__ import annotations

import copy
import gc
import json
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from kube_embedded.tests.support.server import Server, running_server
from kube_embedded.tests.support.until import SECONDS

NAMESPACE = "clients"
RBAC = "rbac.authorization.k8s.io"


@dataclass(frozen=True)
class Lab:
    """The environment of the client suites.

    Args:
        server: The running server.
        admin: The administrator's kubeconfig.
        reader: The kubeconfig of an account that can only read config maps in ``namespace``.
        namespace: The namespace of the suites; the pod ``shell`` runs in it.
    """

    server: Server
    admin: Path
    reader: Path
    namespace: str = NAMESPACE


@pytest.fixture(autouse=True)
def what_clients_leave_open() -> Iterator[None]:
    """Collect it with each test, in silence: kr8s closes no connection, which would fail a later, innocent test."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def create(server: Server, path: str, kind: str, name: str, **fields: object) -> None:
    """Create one object as the administrator."""
    group = path.split("/")[2] + "/" if path.startswith("/apis/") else ""
    body = {"apiVersion": f"{group}v1", "kind": kind, "metadata": {"name": name}, **fields}
    reply = server.call("POST", path, body)
    assert reply.status == 201, reply.body


def serve_page(lab: Lab) -> str:
    """The name of a pod that serves a page at port 80, once it does."""
    path = f"/api/v1/namespaces/{lab.namespace}/pods"
    if lab.server.call("GET", f"{path}/web").status == 404:
        create(
            lab.server,
            path,
            "Pod",
            "web",
            spec={"containers": [{"name": "main", "image": "nginx"}]},
        )
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        statuses = lab.server.call("GET", f"{path}/web").json()["status"].get(
            "containerStatuses"
        ) or [{}]
        if statuses[0].get("ready"):
            return "web"
        time.sleep(0.1)
    raise AssertionError("the pod does not become ready")


def as_token(admin: Path, target: Path, token: str) -> Path:
    """A kubeconfig like the administrator's, for the bearer of a token."""
    config = copy.deepcopy(yaml.safe_load(admin.read_text()))
    config["users"][0]["user"] = {"token": token}
    config["contexts"][0]["context"]["namespace"] = NAMESPACE
    target.write_text(yaml.safe_dump(config))
    return target


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A fresh cluster for each client."""
    folder = tmp_path_factory.mktemp("clients")
    with running_server(folder / "home") as server:
        create(server, "/api/v1/namespaces", "Namespace", NAMESPACE)
        base = f"/api/v1/namespaces/{NAMESPACE}"
        create(server, f"{base}/serviceaccounts", "ServiceAccount", "reader")
        rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}
        create(
            server, f"/apis/{RBAC}/v1/namespaces/{NAMESPACE}/roles", "Role", "reader", rules=[rule]
        )
        create(
            server,
            f"/apis/{RBAC}/v1/namespaces/{NAMESPACE}/rolebindings",
            "RoleBinding",
            "reader",
            subjects=[{"kind": "ServiceAccount", "name": "reader", "namespace": NAMESPACE}],
            roleRef={"kind": "Role", "name": "reader", "apiGroup": RBAC},
        )
        container = {"name": "main", "image": "ubuntu", "command": ["sleep", "9999999"]}
        create(server, f"{base}/pods", "Pod", "shell", spec={"containers": [container]})
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        reply = server.call("POST", f"{base}/serviceaccounts/reader/token", request)
        token = json.loads(reply.body)["status"]["token"]
        yield Lab(
            server, server.kubeconfig, as_token(server.kubeconfig, folder / "reader.conf", token)
        )
