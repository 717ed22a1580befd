"""kr8s, which speaks asyncio underneath and the v4 protocol in exec."""

from __future__ import annotations

import threading
import urllib.request
from pathlib import Path
from typing import Any

import kr8s
import pytest
from kr8s.objects import ConfigMap, Pod

from kube_embedded.tests.support.until import SECONDS
from tests.clients.conftest import Lab, serve_page

pytestmark = [
    # kr8s warns about versions that are newer than its own release.
    pytest.mark.filterwarnings("ignore:Kubernetes version .* is not supported"),
    # It does not close the files of certificates, which Python 3.14 reports.
    pytest.mark.filterwarnings(
        "ignore:Implicitly cleaning up <_TemporaryFileWrapper:ResourceWarning"
    ),
]


def connect(lab: Lab, kubeconfig: Path) -> Any:
    return kr8s.api(kubeconfig=str(kubeconfig), namespace=lab.namespace)


@pytest.fixture(scope="module")
def api(lab: Lab) -> Any:
    return connect(lab, lab.admin)


def config_map(lab: Lab, api: Any, name: str, **data: str) -> Any:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": lab.namespace},
        "data": data,
    }
    return ConfigMap(body, api=api)


def test_version_whoami_and_discovery(api: Any) -> None:
    assert api.version()["major"] == "1"
    assert api.whoami() == "kubernetes-admin"
    assert "configmaps" in {resource["name"] for resource in api.api_resources()}


def test_create_get_patch_label_delete(lab: Lab, api: Any) -> None:
    made = config_map(lab, api, "one", a="1")
    made.create()
    assert made.exists()
    made.patch({"data": {"a": "2"}})
    made.label(colour="blue")
    (found,) = list(
        api.get("configmaps", namespace=lab.namespace, label_selector={"colour": "blue"})
    )
    assert found.raw["data"] == {"a": "2"}
    made.delete()
    assert not made.exists()


def test_watch_sees_what_happens(lab: Lab, api: Any) -> None:
    made = config_map(lab, api, "watched", a="1")
    made.create()

    def act() -> None:
        other = connect(lab, lab.admin)
        ConfigMap.get("watched", namespace=lab.namespace, api=other).patch({"data": {"a": "2"}})

    actor = threading.Thread(target=act)
    seen = []
    selector = "metadata.name=watched"
    for kind, item in api.watch("configmaps", namespace=lab.namespace, field_selector=selector):
        seen.append((kind, item.raw["data"]["a"]))
        if len(seen) == 2:
            break
        actor.start()
    actor.join()
    assert seen == [("ADDED", "1"), ("MODIFIED", "2")]


def test_exec_output_and_exit_code(lab: Lab, api: Any) -> None:
    pod = Pod.get("shell", namespace=lab.namespace, api=api)
    assert pod.ready()
    assert pod.exec(["bash", "-c", "echo hi"]).stdout == b"hi\n"
    failing = pod.exec(["bash", "-c", "echo oops >&2; exit 3"], check=False)
    assert (failing.returncode, failing.stderr) == (3, b"oops\n")


def test_ports_are_forwarded(lab: Lab, api: Any) -> None:
    pod = Pod.get(serve_page(lab), namespace=lab.namespace, api=api)
    with pod.portforward(remote_port=80, local_port="auto") as port:
        for _ in range(2):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=SECONDS) as answer:
                assert b"Welcome to nginx" in answer.read()


def test_the_reader_is_forbidden_what_is_not_granted(lab: Lab) -> None:
    reader = connect(lab, lab.reader)
    assert any(
        item.name == "kube-root-ca.crt"
        for item in reader.get("configmaps", namespace=lab.namespace)
    )
    with pytest.raises(kr8s.ServerError, match='cannot list resource "secrets"') as refused:
        list(reader.get("secrets", namespace=lab.namespace))
    assert refused.value.response is not None
    assert refused.value.response.status_code == 403
