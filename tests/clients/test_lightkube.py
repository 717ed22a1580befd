"""lightkube, with its typed models generated from Kubernetes 1.37's."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from httpx_ws import HTTPXWSException
from lightkube import ApiError, Client, KubeConfig
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import ConfigMap, Pod, Secret
from lightkube.resources.rbac_authorization_v1 import Role
from lightkube.types import PatchType

from tests.clients.conftest import Lab


def connect(lab: Lab, kubeconfig: Path) -> Any:
    return Client(
        KubeConfig.from_file(str(kubeconfig)).get(), namespace=lab.namespace, field_manager="suite"
    )


@pytest.fixture(scope="module")
def client(lab: Lab) -> Iterator[Any]:
    made = connect(lab, lab.admin)
    yield made
    made.close()


def config_map(name: str, **data: str) -> Any:
    return ConfigMap(metadata=ObjectMeta(name=name), data=data)


def test_create_get_replace_patch_delete(client: Any) -> None:
    made = client.create(config_map("one", a="1"))
    made.data["b"] = "2"
    assert client.replace(made).data == {"a": "1", "b": "2"}
    patched = client.patch(ConfigMap, "one", {"data": {"a": None}}, patch_type=PatchType.MERGE)
    assert patched.data == {"b": "2"}
    strategic = client.patch(ConfigMap, "one", {"metadata": {"labels": {"x": "y"}}})
    assert strategic.metadata.labels == {"x": "y"}
    assert [item.metadata.name for item in client.list(ConfigMap, labels={"x": "y"})] == ["one"]
    client.delete(ConfigMap, "one")
    with pytest.raises(ApiError, match='configmaps "one" not found') as gone:
        client.get(ConfigMap, "one")
    assert gone.value.status.code == 404


def test_server_side_apply_and_its_conflict(client: Any) -> None:
    body = ConfigMap(
        metadata=ObjectMeta(name="applied"), data={"a": "1"}, apiVersion="v1", kind="ConfigMap"
    )
    assert client.apply(body).metadata.managedFields[0].manager == "suite"
    body.data = {"a": "2"}
    with pytest.raises(
        ApiError, match='Apply failed with 1 conflict: conflict with "suite"'
    ) as conflict:
        client.apply(body, field_manager="other")
    assert conflict.value.status.code == 409
    assert client.apply(body, field_manager="other", force=True).data == {"a": "2"}


def test_watch_sees_what_happens(lab: Lab, client: Any) -> None:
    client.create(config_map("watched", a="1"))

    def act() -> None:
        other = connect(lab, lab.admin)
        other.patch(ConfigMap, "watched", {"data": {"a": "2"}}, patch_type=PatchType.MERGE)
        other.close()

    actor = threading.Thread(target=act)
    seen = []
    for kind, item in client.watch(ConfigMap, fields={"metadata.name": "watched"}):
        seen.append((kind, item.data["a"]))
        if len(seen) == 2:
            break
        actor.start()
    actor.join()
    assert seen == [("ADDED", "1"), ("MODIFIED", "2")]


def test_wait_for_a_condition(client: Any) -> None:
    assert client.wait(Pod, "shell", for_conditions=["Ready"]).metadata.name == "shell"


def run(client: Any, *command: str, **streams: Any) -> Any:
    """Exec. lightkube reads in one thread and writes in another, and CPython before 3.13.4 does not
    lock a TLS connection (gh-134698): there it breaks now and then, at the client, and is tried again.
    """
    for _ in range(0 if sys.version_info >= (3, 13, 4) else 2):
        with contextlib.suppress(HTTPXWSException, httpx2.TransportError, OSError):
            return client.exec("shell", command=list(command), stdout=True, **streams)
    return client.exec("shell", command=list(command), stdout=True, **streams)


def test_exec_output_exit_code_and_stdin(client: Any) -> None:
    done = run(client, "bash", "-c", "echo hi; echo oops >&2; exit 3", stderr=True)
    assert (done.stdout, done.stderr, done.exit_code) == ("hi\n", "oops\n", 3)
    # It reads to the end: if a command ends earlier, lightkube's last write can fail.
    assert run(client, "cat", stdin="one\ntwo\n").stdout == "one\ntwo\n"


def test_the_reader_is_forbidden_what_is_not_granted(lab: Lab, client: Any) -> None:
    assert client.get(Role, "reader").rules[0].resources == ["configmaps"]
    reader = connect(lab, lab.reader)
    assert any(item.metadata.name == "kube-root-ca.crt" for item in reader.list(ConfigMap))
    with pytest.raises(ApiError, match='cannot list resource "secrets"') as refused:
        list(reader.list(Secret))
    assert refused.value.status.reason == "Forbidden"
    reader.close()
