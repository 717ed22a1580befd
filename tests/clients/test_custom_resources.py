"""A custom resource by the dynamic clients of three libraries, by kubectl, and by an operator of kopf."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kr8s
import pytest
import yaml
from kr8s.objects import new_class
from kubernetes import config, dynamic
from kubernetes.dynamic.exceptions import ConflictError, UnprocessibleEntityError
from lightkube import ApiError, Client, KubeConfig
from lightkube.generic_resource import create_namespaced_resource, load_in_cluster_generic_resources
from lightkube.types import PatchType

from kube_embedded.tests.support.custom import (
    DEFINITIONS,
    GROUP,
    PLURAL,
    VERSION,
    crontab,
    definition,
)
from kube_embedded.tests.support.until import SECONDS
from tests.clients.conftest import Lab

OPERATOR = Path(__file__).with_name("operator.py")


@pytest.fixture(scope="module", autouse=True)
def declared(lab: Lab) -> None:
    assert lab.server.call("POST", DEFINITIONS, definition()).status == 201


@pytest.fixture(scope="module")
def crontabs(lab: Lab) -> Any:
    with config.new_client_from_config(str(lab.admin)) as api:
        yield dynamic.DynamicClient(api).resources.get(
            api_version=f"{GROUP}/{VERSION}", kind="CronTab"
        )


def test_kubernetes_creates_patches_applies_and_deletes(lab: Lab, crontabs: Any) -> None:
    made = crontabs.create(body=crontab("one"), namespace=lab.namespace)
    assert made.spec.image == "busybox"
    merged = crontabs.patch(
        name="one",
        namespace=lab.namespace,
        body={"spec": {"replicas": 2}},
        content_type="application/merge-patch+json",
    )
    assert (merged.spec.replicas, merged.metadata.generation) == (2, 2)
    with pytest.raises(UnprocessibleEntityError) as refused:
        crontabs.create(body=crontab("bad", replicas=11), namespace=lab.namespace)
    assert "spec.replicas in body should be less than or equal to 10" in refused.value.summary()
    applied = crontabs.server_side_apply(
        body=crontab("two", replicas=1), name="two", namespace=lab.namespace, field_manager="a"
    )
    assert applied.metadata.managedFields[0].operation == "Apply"
    with pytest.raises(ConflictError):
        crontabs.server_side_apply(
            body=crontab("two", replicas=3), name="two", namespace=lab.namespace, field_manager="b"
        )
    assert [item.metadata.name for item in crontabs.get(namespace=lab.namespace).items] == [
        "one",
        "two",
    ]
    status = crontabs.status.patch(
        name="one",
        namespace=lab.namespace,
        body={"status": {"replicas": 1}},
        content_type="application/merge-patch+json",
    )
    assert (status.status.replicas, status.metadata.generation) == (1, 2)
    for name in ("one", "two"):
        crontabs.delete(name=name, namespace=lab.namespace)
    assert not crontabs.get(namespace=lab.namespace).items


def test_kubernetes_watches(lab: Lab, crontabs: Any) -> None:
    before = crontabs.get(namespace=lab.namespace).metadata.resourceVersion
    crontabs.create(body=crontab("seen"), namespace=lab.namespace)
    crontabs.delete(name="seen", namespace=lab.namespace)
    events = crontabs.watch(namespace=lab.namespace, resource_version=before, timeout=2)
    assert [(event["type"], event["object"].metadata.name) for event in events] == [
        ("ADDED", "seen"),
        ("DELETED", "seen"),
    ]


def test_lightkube(lab: Lab) -> None:
    tab: Any = create_namespaced_resource(GROUP, VERSION, "CronTab", PLURAL)
    client: Any = Client(
        KubeConfig.from_file(str(lab.admin)).get(), namespace=lab.namespace, field_manager="suite"
    )
    try:
        load_in_cluster_generic_resources(client)
        made = client.create(tab(crontab("light", replicas=1)))
        assert made.spec["image"] == "busybox"
        patched = client.patch(tab, "light", {"spec": {"replicas": 2}}, patch_type=PatchType.MERGE)
        assert patched.spec["replicas"] == 2
        scale = client.get(tab.Scale, "light")
        assert scale.spec.replicas == 2
        scale.spec.replicas = 3
        assert client.replace(scale, "light").spec.replicas == 3
        with pytest.raises(ApiError) as refused:
            client.patch(tab, "light", {"spec": {"replicas": 2}})  # strategic, by default
        assert refused.value.status.code == 415
        assert [item.metadata.name for item in client.list(tab)] == ["light"]
        client.delete(tab, "light")
    finally:
        client.close()


@pytest.mark.filterwarnings("ignore:Kubernetes version .* is not supported")
def test_kr8s(lab: Lab) -> None:
    api: Any = kr8s.api(kubeconfig=str(lab.admin), namespace=lab.namespace)
    tab: Any = new_class(
        "CronTab", f"{GROUP}/{VERSION}", asyncio=False, scalable=True, plural=PLURAL
    )
    made = tab(
        {**crontab("kr8s", replicas=1), "metadata": {"name": "kr8s", "namespace": lab.namespace}},
        api=api,
    )
    made.create()
    assert made.spec.image == "busybox"
    made.patch({"spec": {"cronSpec": "0 * * * *"}})
    assert [each.name for each in api.get(f"{PLURAL}.{GROUP}", namespace=lab.namespace)] == ["kr8s"]
    made.delete()
    assert not made.exists()


@pytest.fixture
def kubectl(lab: Lab) -> Callable[..., str]:
    if shutil.which("kubectl") is None:
        pytest.skip(
            "kubectl is not installed (Debian: apt-get install kubernetes-client); the tests above need none"
        )
    environment = {
        **os.environ,
        "KUBECACHEDIR": str(lab.server.home / "kube-cache"),
        "KUBE_EDITOR": "true",
    }

    def run(*words: str, stdin: str | None = None, fails: bool = False) -> str:
        done = subprocess.run(
            ["kubectl", "--kubeconfig", str(lab.admin), "-n", lab.namespace, *words],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            env=environment,
        )
        assert bool(done.returncode) == fails, done.stderr
        return done.stderr if fails else done.stdout

    return run


def test_kubectl_applies_gets_patches_and_deletes(kubectl: Callable[..., str]) -> None:
    text = yaml.safe_dump(crontab("typed", replicas=1))
    assert kubectl("apply", "-f", "-", stdin=text) == "crontab.stable.example.com/typed created\n"
    assert kubectl("apply", "-f", "-", stdin=text) == "crontab.stable.example.com/typed unchanged\n"
    changed = yaml.safe_dump(crontab("typed", replicas=2))
    assert (
        kubectl("apply", "-f", "-", stdin=changed)
        == "crontab.stable.example.com/typed configured\n"
    )
    header, row = kubectl("get", "ct").splitlines()
    assert header.split() == ["NAME", "SPEC", "REPLICAS", "AGE"]
    assert row.split()[:7] == ["typed", "*/5", "*", "*", "*", "*", "2"]
    assert "crontab.stable.example.com/typed" in kubectl("get", "all")
    assert (
        kubectl("scale", "ct/typed", "--replicas=3") == "crontab.stable.example.com/typed scaled\n"
    )
    patch = '{"spec":{"image":"nginx"}}'
    assert kubectl("patch", "ct", "typed", "--type=merge", "-p", patch) == (
        "crontab.stable.example.com/typed patched\n"
    )
    assert json.loads(kubectl("get", "ct", "typed", "-o", "json"))["spec"]["image"] == "nginx"
    refused = kubectl("patch", "ct", "typed", "-p", patch, fails=True)
    assert (
        "application/strategic-merge-patch+json is not supported by stable.example.com/v1, Kind=CronTab"
        in refused
    )
    assert kubectl("delete", "ct", "typed") == 'crontab.stable.example.com "typed" deleted\n'


def test_kubectl_refuses_what_the_schema_does(kubectl: Callable[..., str]) -> None:
    wrong = yaml.safe_dump(crontab("wrong", replicas=0))
    refused = kubectl("apply", "-f", "-", stdin=wrong, fails=True)
    assert refused.startswith('The CronTab "wrong" is invalid: spec.replicas: Invalid value: 0: ')
    unknown = kubectl(
        "create", "-f", "-", stdin=yaml.safe_dump(crontab("unknown", colour="red")), fails=True
    )
    assert 'strict decoding error: unknown field "spec.colour"' in unknown


def test_kubectl_explains(kubectl: Callable[..., str]) -> None:
    said = kubectl("explain", "crontab.spec")
    assert "GROUP:      stable.example.com" in said
    assert "What is wanted." in said
    assert "cronSpec\t<string> -required-" in said
    assert "<integer>" in kubectl("explain", "ct.spec.replicas")


@pytest.fixture
def operator(lab: Lab, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "KUBECONFIG": str(lab.admin), "HOME": str(tmp_path)}
    command = [
        sys.executable,
        "-m",
        "kopf",
        "run",
        "--standalone",
        "-n",
        lab.namespace,
        str(OPERATOR),
    ]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    yield process
    process.send_signal(signal.SIGINT)
    process.wait(SECONDS)


@pytest.mark.slow
def test_an_operator_looks_after_objects(
    lab: Lab, crontabs: Any, operator: Any, tmp_path: Path
) -> None:
    core = f"/api/v1/namespaces/{lab.namespace}/configmaps"
    crontabs.create(body=crontab("run", replicas=2), namespace=lab.namespace)

    def settled(check: Callable[[], bool]) -> None:
        end = time.monotonic() + SECONDS
        while not check():
            assert time.monotonic() < end, (tmp_path / "log").read_text()
            assert operator.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.2)

    settled(lambda: lab.server.call("GET", f"{core}/run-plan").status == 200)
    made = lab.server.call("GET", f"{core}/run-plan").json()
    assert made["data"] == {"schedule": "*/5 * * * *"}
    assert made["metadata"]["ownerReferences"][0]["kind"] == "CronTab"
    settled(
        lambda: (
            crontabs.get(name="run", namespace=lab.namespace).to_dict().get("status")
            == {"plan": "run-plan"}
        )
    )
    crontabs.patch(
        name="run",
        namespace=lab.namespace,
        body={"spec": {"cronSpec": "0 0 * * *"}},
        content_type="application/merge-patch+json",
    )
    settled(
        lambda: lab.server.call("GET", f"{core}/run-plan").json()["data"]["schedule"] == "0 0 * * *"
    )
    assert (
        "kopf.zalando.org/KopfFinalizerMarker"
        in crontabs.get(name="run", namespace=lab.namespace).metadata.finalizers
    )
    crontabs.delete(name="run", namespace=lab.namespace)
    settled(lambda: not crontabs.get(namespace=lab.namespace).items)
    settled(lambda: lab.server.call("GET", f"{core}/run-plan").status == 404)
