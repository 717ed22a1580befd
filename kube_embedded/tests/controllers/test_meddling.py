"""Controllers go on whatever somebody has written into the objects that they keep."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi

APPS, BATCH = "/apis/apps/v1/namespaces/lab", "/apis/batch/v1/namespaces/lab"
REVISIONS = f"{APPS}/controllerrevisions"
POD: Any = {
    "metadata": {"labels": {"app": "x"}},
    "spec": {"containers": [{"name": "c", "image": "nginx"}]},
}
JOB = {
    "spec": {
        "restartPolicy": "Never",
        "containers": [{"name": "c", "image": "ubuntu", "command": ["true"]}],
    }
}
SET = {"selector": {"matchLabels": {"app": "x"}}, "template": POD}


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi(node=True)
    made.namespace("lab")
    return made


def make(api: ClusterApi, path: str, **spec: Any) -> Any:
    return api.must(api.admin.post(path, {"metadata": {"name": "x"}, "spec": spec}))


def write(api: ClusterApi, path: str, **status: Any) -> None:
    api.must(api.admin.patch(f"{path}/x/status", {"status": status}))


def pass_time(api: ClusterApi, seconds: float) -> None:
    api.clock.now += seconds
    api.cluster.advance()


def test_a_job_s_status(api: ClusterApi) -> None:
    path = f"{BATCH}/jobs"
    make(api, path, template=JOB, completions=2_000_000_000, suspend=True)
    write(api, path, startTime="0001-01-01T00:00:00Z")
    api.must(api.admin.patch(f"{path}/x", {"spec": {"suspend": False}}))
    pass_time(api, 1)
    make_finished = [{"type": "Complete", "status": "True"}]
    write(api, path, conditions=make_finished)
    api.must(api.admin.patch(f"{path}/x", {"spec": {"ttlSecondsAfterFinished": 0}}))
    assert api.admin.get(f"{path}/x").status == 200, "nobody knows when it ended"


@pytest.mark.parametrize("kind", ["daemonsets", "statefulsets"])
def test_a_revision(api: ClusterApi, kind: str) -> None:
    path = f"{APPS}/{kind}"
    made = make(api, path, **SET)
    (revision,) = api.must(api.admin.get(REVISIONS))["items"]
    labels = {name: None for name in revision["metadata"]["labels"] if name != "app"}
    api.must(
        api.admin.patch(
            f"{REVISIONS}/{revision['metadata']['name']}", {"metadata": {"labels": labels}}
        )
    )
    owner = {
        "apiVersion": "apps/v1",
        "kind": made["kind"],
        "name": "x",
        "uid": made["metadata"]["uid"],
    }
    metadata = {
        "name": "odd",
        "labels": {"app": "x"},
        "ownerReferences": [{**owner, "controller": True}],
    }
    api.must(api.admin.post(REVISIONS, {"metadata": metadata, "data": {"spec": 1}, "revision": 0}))
    if kind == "statefulsets":
        write(api, path, currentRevision="odd")
    api.must(
        api.admin.patch(f"{path}/x", {"spec": {"template": {"metadata": {"labels": {"v": "2"}}}}})
    )
    (pod,) = api.must(api.admin.get("/api/v1/namespaces/lab/pods"))["items"]
    assert pod["metadata"]["labels"]["v"] == "2"


def test_pods_without_a_phase(api: ClusterApi) -> None:
    for kind in ("daemonsets", "statefulsets"):
        make(api, f"{APPS}/{kind}", **{**SET, "selector": {"matchLabels": {"app": "x"}}})
    for pod in api.must(api.admin.get("/api/v1/namespaces/lab/pods"))["items"]:
        name = pod["metadata"]["name"]
        api.must(api.admin.patch(f"/api/v1/namespaces/lab/pods/{name}/status", {"status": None}))
    pass_time(api, 60)
    assert len(api.must(api.admin.get("/api/v1/namespaces/lab/pods"))["items"]) == 2


@pytest.mark.parametrize(
    ("kind", "spec"),
    [
        ("jobs", {"parallelism": 9, "completions": 9}),
        (
            "statefulsets",
            {"replicas": 9, "selector": SET["selector"], "podManagementPolicy": "Parallel"},
        ),
        ("daemonsets", {"selector": SET["selector"]}),
    ],
)
def test_large_templates_make_few_pods(kind: str, spec: dict[str, Any]) -> None:
    """A write must not take long because it is large and many times repeated."""
    api = ClusterApi()
    api.namespace("lab")
    for number in range(5):
        api.must(api.admin.post("/api/v1/nodes", {"metadata": {"name": f"n{number}"}}))
        api.must(api.admin.patch(f"/api/v1/nodes/n{number}", {"spec": {"taints": None}}))
    metadata = {"labels": {"app": "x"}, "annotations": {"large": "x" * 100_000}}
    pod = {**POD["spec"], **({"restartPolicy": "Never"} if kind == "jobs" else {})}
    make(
        api,
        f"{BATCH if kind == 'jobs' else APPS}/{kind}",
        **spec,
        template={"metadata": metadata, "spec": pod},
    )
    assert len(api.must(api.admin.get("/api/v1/namespaces/lab/pods"))["items"]) == 3
