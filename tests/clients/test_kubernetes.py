"""The official Python client: sync calls, watch, exec streams, the dynamic client."""

from __future__ import annotations

import contextlib
import gc
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import websocket
from kubernetes import client, config, dynamic, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import portforward, stream

from kube_embedded.tests.support.until import SECONDS
from tests.clients.conftest import Lab, create, serve_page


def connect(kubeconfig: Path) -> Any:
    return config.new_client_from_config(str(kubeconfig))


@pytest.fixture(scope="module")
def admin(lab: Lab) -> Iterator[Any]:
    with connect(lab.admin) as api:
        yield api


@pytest.fixture(scope="module")
def core(admin: Any) -> Any:
    return client.CoreV1Api(admin)


def config_map(name: str, **data: str) -> Any:
    return client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name), data=data or None)


def test_create_read_replace_patch_delete(lab: Lab, core: Any) -> None:
    made = core.create_namespaced_config_map(lab.namespace, config_map("one", a="1"))
    assert made.metadata.uid
    assert made.metadata.creation_timestamp.tzinfo is not None
    made.data["b"] = "2"
    replaced = core.replace_namespaced_config_map("one", lab.namespace, made)
    assert replaced.data == {"a": "1", "b": "2"}
    assert replaced.metadata.resource_version != made.metadata.resource_version
    patched = core.patch_namespaced_config_map(
        "one", lab.namespace, {"data": {"a": None, "c": "3"}}
    )
    assert patched.data == {"b": "2", "c": "3"}
    with pytest.raises(ApiException, match="the object has been modified") as conflict:
        core.replace_namespaced_config_map("one", lab.namespace, made)
    assert conflict.value.status == 409
    assert core.delete_namespaced_config_map("one", lab.namespace)["status"] == "Success"
    with pytest.raises(ApiException) as gone:
        core.read_namespaced_config_map("one", lab.namespace)
    assert (gone.value.status, gone.value.reason) == (404, "Not Found")


def test_json_patch_is_recognised_by_its_list(lab: Lab, core: Any) -> None:
    core.create_namespaced_config_map(lab.namespace, config_map("json-patch", a="1"))
    patch = [{"op": "replace", "path": "/data/a", "value": "2"}]
    assert core.patch_namespaced_config_map("json-patch", lab.namespace, patch).data == {"a": "2"}


def test_list_selects_and_pages(lab: Lab, core: Any) -> None:
    for number in range(5):
        labels = {"suite": "list", "odd": str(number % 2)}
        body = client.V1ConfigMap(
            metadata=client.V1ObjectMeta(name=f"list-{number}", labels=labels)
        )
        core.create_namespaced_config_map(lab.namespace, body)
    odd = core.list_namespaced_config_map(lab.namespace, label_selector="suite=list,odd=1")
    assert [item.metadata.name for item in odd.items] == ["list-1", "list-3"]
    first = core.list_namespaced_config_map(lab.namespace, label_selector="suite=list", limit=2)
    token = first.metadata._continue
    rest = core.list_namespaced_config_map(
        lab.namespace, label_selector="suite=list", _continue=token
    )
    names = [item.metadata.name for item in (*first.items, *rest.items)]
    assert names == [f"list-{number}" for number in range(5)]


def test_watch_sees_what_happens(lab: Lab, core: Any) -> None:
    start = core.list_namespaced_config_map(lab.namespace).metadata.resource_version

    def act() -> None:
        with connect(lab.admin) as api:
            other = client.CoreV1Api(api)
            other.create_namespaced_config_map(lab.namespace, config_map("watched", a="1"))
            other.patch_namespaced_config_map("watched", lab.namespace, {"data": {"a": "2"}})
            other.delete_namespaced_config_map("watched", lab.namespace)

    actor = threading.Thread(target=act)
    actor.start()
    seen = []
    watcher = watch.Watch()
    for event in watcher.stream(
        core.list_namespaced_config_map, lab.namespace, resource_version=start, timeout_seconds=60
    ):
        if event["object"].metadata.name != "watched":
            continue
        seen.append((event["type"], event["object"].data))
        if event["type"] == "DELETED":
            watcher.stop()
    actor.join()
    assert seen == [("ADDED", {"a": "1"}), ("MODIFIED", {"a": "2"}), ("DELETED", {"a": "2"})]


def test_a_watch_over_websocket(lab: Lab) -> None:
    context = lab.server.tls(lab.server.admin_identity())
    url = f"wss{lab.server.url.removeprefix('https')}/api/v1/namespaces/{lab.namespace}/configmaps?watch=1"
    opened = websocket.create_connection(url, sslopt={"context": context}, timeout=SECONDS)
    with contextlib.closing(opened):
        path = f"/api/v1/namespaces/{lab.namespace}/configmaps"
        create(lab.server, path, "ConfigMap", "over-websocket")
        seen = set()
        while ("ADDED", "over-websocket") not in seen:
            event = json.loads(opened.recv())
            seen.add((event["type"], event["object"]["metadata"]["name"]))
        lab.server.call("DELETE", f"{path}/over-websocket")
        event = json.loads(opened.recv())
        assert (event["type"], event["object"]["metadata"]["name"]) == ("DELETED", "over-websocket")


def test_the_reader_is_forbidden_what_is_not_granted(lab: Lab) -> None:
    with connect(lab.reader) as api:
        core = client.CoreV1Api(api)
        assert core.list_namespaced_config_map(lab.namespace).kind == "ConfigMapList"
        with pytest.raises(ApiException) as refused:
            core.list_namespaced_secret(lab.namespace)
        assert refused.value.status == 403
        assert 'cannot list resource \\"secrets\\"' in str(refused.value.body)
        with pytest.raises(ApiException) as elsewhere:
            core.list_namespaced_config_map("default")
        assert elsewhere.value.status == 403
        review = client.V1SelfSubjectAccessReview(
            spec=client.V1SelfSubjectAccessReviewSpec(
                resource_attributes=client.V1ResourceAttributes(
                    verb="delete", resource="configmaps", namespace=lab.namespace
                )
            )
        )
        verdict: Any = client.AuthorizationV1Api(api).create_self_subject_access_review(review)
        assert verdict.status.allowed is False


@contextmanager
def execution(lab: Lab, core: Any, *command: str, **streams: bool) -> Iterator[Any]:
    """Run a command in the pod. If the server closes first, the client never closes its socket, so this does."""
    session = stream(
        core.connect_get_namespaced_pod_exec,
        "shell",
        lab.namespace,
        command=list(command),
        stdout=True,
        stderr=True,
        _preload_content=False,
        **streams,
    )
    try:
        yield session
    finally:
        session.close()
        if session.sock.sock is not None:
            session.sock.sock.close()


def test_exec_gives_output_and_exit_code(lab: Lab, core: Any) -> None:
    with execution(lab, core, "bash", "-c", "echo out; echo err >&2; exit 3") as session:
        session.run_forever(timeout=SECONDS)
        assert session.read_stdout() == "out\n"
        assert session.read_stderr() == "err\n"
        assert session.returncode == 3


def test_exec_reads_stdin(lab: Lab, core: Any) -> None:
    with execution(lab, core, "head", "-1", stdin=True) as session:
        session.write_stdin("one\ntwo\n")
        session.run_forever(timeout=SECONDS)
        assert session.read_stdout() == "one\n"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_exec_is_forbidden_to_the_reader(lab: Lab) -> None:
    with connect(lab.reader) as api:
        core = client.CoreV1Api(api)
        with pytest.raises(ApiException) as refused:
            stream(
                core.connect_get_namespaced_pod_exec,
                "shell",
                lab.namespace,
                command=["id"],
                stdout=True,
                stderr=True,
            )
    assert "403 Forbidden" in str(refused.value)
    # The client leaves the socket of a refused exec to the garbage collector, which warns.
    del refused
    gc.collect()


def test_ports_are_forwarded(lab: Lab, core: Any) -> None:
    forwarded = portforward(
        core.connect_get_namespaced_pod_portforward, serve_page(lab), lab.namespace, ports="80,81"
    )
    with contextlib.closing(forwarded.socket(80)) as connection:
        connection.settimeout(30)
        connection.sendall(b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Welcome to nginx" in answer
    assert forwarded.error(80) is None
    assert "dial tcp4 127.0.0.1:81: connect: connection refused" in forwarded.error(81)
    forwarded.close()
    # The client leaves the socket of a WebSocket that the server ended to the garbage collector.
    if forwarded.websocket.sock is not None:
        forwarded.websocket.sock.close()


def test_the_dynamic_client_discovers_and_applies(lab: Lab, admin: Any) -> None:
    found = dynamic.DynamicClient(admin)
    maps = found.resources.get(api_version="v1", kind="ConfigMap")
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "dynamic"},
        "data": {"a": "1"},
    }
    applied = maps.server_side_apply(body, namespace=lab.namespace, field_manager="suite")
    assert applied.data.a == "1"
    assert (
        maps.get(name="dynamic", namespace=lab.namespace).metadata.managedFields[0].manager
        == "suite"
    )
    roles = found.resources.get(api_version="rbac.authorization.k8s.io/v1", kind="Role")
    assert [role.metadata.name for role in roles.get(namespace=lab.namespace).items] == ["reader"]
    names = [
        event["object"].metadata.name for event in maps.watch(namespace=lab.namespace, timeout=1)
    ]
    assert "dynamic" in names
    maps.delete(name="dynamic", namespace=lab.namespace)


def test_logs_and_token_requests(lab: Lab, core: Any) -> None:
    assert core.read_namespaced_pod_log("shell", lab.namespace) in ("", None)
    request = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[]))
    token = core.create_namespaced_service_account_token(
        "reader", lab.namespace, request
    ).status.token
    assert token.count(".") == 2
