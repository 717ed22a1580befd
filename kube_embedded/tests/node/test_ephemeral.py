"""Ephemeral containers, as ``kubectl debug`` adds them."""

from __future__ import annotations

from kube_embedded.tests.node.pods import Lab

PATH = "/api/v1/namespaces/default/pods/p"


def test_an_ephemeral_container_joins_a_pod_that_runs() -> None:
    lab = Lab()
    lab.pod()
    guest = {"name": "debug", "image": "busybox", "command": ["sh", "-c", "echo hi; sleep 6"]}
    answer = lab.admin.patch(
        f"{PATH}/ephemeralcontainers", {"spec": {"ephemeralContainers": [guest]}}
    )
    assert answer.status == 200, answer.body
    status = lab.get()["status"]["ephemeralContainerStatuses"][0]
    assert "running" in status["state"]
    assert (status["ready"], "started" in status) == (False, False)
    assert lab.log(query="container=debug") == "hi\n"
    assert lab.exec("hostname", container="debug").stdout == "p\n"
    items = lab.admin.get("/api/v1/namespaces/default/events").body["items"]
    assert "spec.ephemeralContainers{debug}" in [
        one["involvedObject"].get("fieldPath") for one in items
    ]
    lab.wait(8)
    after = lab.get()["status"]
    assert after["ephemeralContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
    assert after["ephemeralContainerStatuses"][0]["restartCount"] == 0
    assert after["phase"] == "Running"
    assert {one["status"] for one in after["conditions"]} == {"True"}


def test_an_ephemeral_container_does_not_begin_again_with_the_server() -> None:
    lab = Lab()
    pod = lab.pod()
    first = {"name": "first", "image": "busybox", "command": ["true"]}
    lab.admin.patch(f"{PATH}/ephemeralcontainers", {"spec": {"ephemeralContainers": [first]}})
    before = lab.get()["status"]["ephemeralContainerStatuses"]
    node = lab.cluster._node
    assert node is not None
    node._forget(pod["metadata"]["uid"])
    lab.wait(6)
    second = {**first, "name": "second"}
    lab.admin.patch(
        f"{PATH}/ephemeralcontainers", {"spec": {"ephemeralContainers": [first, second]}}
    )
    after = lab.get()["status"]["ephemeralContainerStatuses"]
    assert after[:1] == before
    assert [one["name"] for one in after] == ["first", "second"]
