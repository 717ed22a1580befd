"""Jobs and their pods: how many there are, when another one comes, and what a job says in the end."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi

JOBS = "/apis/batch/v1/namespaces/lab/jobs"
PODS = "/api/v1/namespaces/lab/pods"
EVENTS = "/api/v1/namespaces/lab/events"
TRACKING = "batch.kubernetes.io/job-tracking"
REACHED = ("CompletionsReached", "Reached expected number of succeeded pods")
TOO_OFTEN = ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
TOO_LONG = ("DeadlineExceeded", "Job was active longer than specified deadline")


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi(node=True)
    made.namespace("lab")
    return made


@pytest.fixture
def bare() -> ClusterApi:
    """Without a node: pods stay pending."""
    made = ClusterApi()
    made.namespace("lab")
    return made


def start(
    api: ClusterApi, command: str, *, name: str = "j", policy: str = "Never", **spec: Any
) -> Any:
    container = {"name": "c", "image": "ubuntu", "command": ["sh", "-c", command]}
    template = {"spec": {"restartPolicy": policy, "containers": [container]}}
    return api.must(
        api.admin.post(JOBS, {"metadata": {"name": name}, "spec": {"template": template, **spec}})
    )


def status(api: ClusterApi) -> Any:
    return api.must(api.admin.get(f"{JOBS}/j"))["status"]


def counts(api: ClusterApi) -> tuple[int, int, int, int]:
    told = status(api)
    return told.get("active", 0), told["ready"], told.get("succeeded", 0), told.get("failed", 0)


def conditions(api: ClusterApi) -> list[tuple[str, str, str, str]]:
    found = status(api).get("conditions", [])
    return [(one["type"], one["status"], one["reason"], one["message"]) for one in found]


def pods(api: ClusterApi) -> list[Any]:
    found: list[Any] = api.must(api.admin.get(PODS))["items"]
    return found


def events(api: ClusterApi, reason: str) -> list[tuple[str, str]]:
    return [(one["type"], one["message"]) for one in api.must(api.admin.get(EVENTS))["items"]
            if one["reason"] == reason and one["involvedObject"]["kind"] == "Job"]  # fmt: skip


def pass_time(api: ClusterApi, seconds: float) -> None:
    api.clock.now += seconds
    api.cluster.advance()


def change(api: ClusterApi, **spec: Any) -> None:
    api.must(api.admin.patch(f"{JOBS}/j", {"spec": spec}))


def remove(api: ClusterApi, propagation: str) -> None:
    api.must(api.admin.call("DELETE", f"{JOBS}/j", {"propagationPolicy": propagation}))


def test_a_pod_that_succeeds_completes_its_job(api: ClusterApi) -> None:
    start(api, "echo 3.14")
    (pod,) = pods(api)
    assert conditions(api) == [
        ("SuccessCriteriaMet", "True", *REACHED),
        ("Complete", "True", *REACHED),
    ]
    told = status(api)
    assert {name: value for name, value in told.items() if name != "conditions"} == {
        "startTime": "2027-01-15T08:00:00Z",
        "completionTime": "2027-01-15T08:00:00Z",
        "succeeded": 1,
        "terminating": 0,
        "ready": 0,
        "uncountedTerminatedPods": {},
    }
    assert TRACKING not in pod["metadata"].get("finalizers", [])
    assert events(api, "SuccessfulCreate") == [
        ("Normal", f"Created pod: {pod['metadata']['name']}")
    ]
    assert events(api, "Completed") == [("Normal", "Job completed")]


def test_a_pod_at_work_belongs_to_its_job(bare: ClusterApi) -> None:
    made = start(bare, "true")
    (pod,) = pods(bare)
    uid = made["metadata"]["uid"]
    assert pod["metadata"]["generateName"] == "j-"
    assert pod["metadata"]["labels"] == {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": "j",
        "controller-uid": uid,
        "job-name": "j",
    }
    assert pod["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": "j",
            "uid": uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
    assert pod["metadata"]["finalizers"] == [TRACKING]
    assert counts(bare) == (1, 0, 0, 0)


def test_so_many_completions_so_many_at_a_time(api: ClusterApi) -> None:
    start(api, "sleep 10", completions=5, parallelism=2)
    assert counts(api) == (2, 2, 0, 0)
    pass_time(api, 11)
    assert counts(api) == (2, 2, 2, 0)
    pass_time(api, 11)
    assert counts(api) == (1, 1, 4, 0)
    pass_time(api, 11)
    assert counts(api) == (0, 0, 5, 0)
    assert conditions(api)[-1][:2] == ("Complete", "True")


def test_of_a_queue_s_workers_the_first_success_ends_it(api: ClusterApi) -> None:
    start(api, "sleep 10", parallelism=3)
    assert "completions" not in api.must(api.admin.get(f"{JOBS}/j"))["spec"]
    pod = pods(api)[0]
    api.must(api.admin.delete(f"{PODS}/{pod['metadata']['name']}"))
    pass_time(api, 0)
    assert counts(api) == (3, 3, 0, 1)
    pass_time(api, 11)
    assert counts(api) == (0, 0, 3, 1)
    assert conditions(api)[-1][:2] == ("Complete", "True")


def test_after_each_failure_the_next_pod_comes_later(api: ClusterApi) -> None:
    start(api, "exit 3", backoffLimit=2)
    assert (len(pods(api)), counts(api)) == (1, (0, 0, 0, 1))
    pass_time(api, 9)
    assert len(pods(api)) == 1
    pass_time(api, 1)
    assert (len(pods(api)), conditions(api)) == (2, [])
    pass_time(api, 19)
    assert len(pods(api)) == 2
    pass_time(api, 1)
    assert counts(api) == (0, 0, 0, 3)
    assert conditions(api) == [
        ("FailureTarget", "True", *TOO_OFTEN),
        ("Failed", "True", *TOO_OFTEN),
    ]
    assert events(api, "BackoffLimitExceeded") == [("Warning", TOO_OFTEN[1])]
    assert "completionTime" not in status(api)
    pass_time(api, 1000)
    assert len(pods(api)) == 3


def test_a_success_forgives_earlier_failures(api: ClusterApi) -> None:
    start(
        api, "[ $(( $(date +%s) % 100 )) -ge 10 ]", completions=2
    )  # the clock begins at 1,800,000,000
    assert counts(api) == (0, 0, 0, 1)
    pass_time(api, 10)
    assert counts(api) == (0, 0, 2, 1)


def test_containers_that_restart_count_as_well(api: ClusterApi) -> None:
    start(api, "exit 3", policy="OnFailure", backoffLimit=2)
    (pod,) = pods(api)
    for _ in range(20):
        assert pods(api)[0]["metadata"]["name"] == pod["metadata"]["name"]
        pass_time(api, 5)
        if conditions(api):
            break
    assert conditions(api) == [
        ("FailureTarget", "True", *TOO_OFTEN),
        ("Failed", "True", *TOO_OFTEN),
    ]
    assert (counts(api), pods(api)) == ((0, 0, 0, 1), []), "the pod that restarted is deleted"


def test_a_job_may_be_active_only_so_long(api: ClusterApi) -> None:
    start(api, "sleep 99", activeDeadlineSeconds=5)
    pass_time(api, 4)
    assert conditions(api) == []
    pass_time(api, 1)
    assert conditions(api) == [("FailureTarget", "True", *TOO_LONG), ("Failed", "True", *TOO_LONG)]
    assert (counts(api), pods(api)) == ((0, 0, 0, 1), [])
    assert events(api, "DeadlineExceeded") == [("Warning", TOO_LONG[1])]


@pytest.mark.parametrize("command", ["true", "false"])
def test_an_ended_job_is_kept_so_long(api: ClusterApi, command: str) -> None:
    start(api, command, ttlSecondsAfterFinished=10, backoffLimit=0)
    pass_time(api, 9)
    assert (api.admin.get(f"{JOBS}/j").status, len(pods(api))) == (200, 1)
    pass_time(api, 1)
    assert (api.admin.get(f"{JOBS}/j").status, pods(api)) == (404, [])


def test_a_job_that_is_not_kept_at_all(api: ClusterApi) -> None:
    start(api, "true", ttlSecondsAfterFinished=0)
    assert (api.admin.get(f"{JOBS}/j").status, pods(api)) == (404, [])


def test_suspending_and_resuming(api: ClusterApi) -> None:
    start(api, "sleep 99", suspend=True, activeDeadlineSeconds=50)
    assert (pods(api), counts(api)) == ([], (0, 0, 0, 0))
    assert conditions(api) == [("Suspended", "True", "JobSuspended", "Job suspended")]
    assert "startTime" not in status(api)
    pass_time(api, 60)
    change(api, suspend=False)
    assert conditions(api) == [("Suspended", "False", "JobResumed", "Job resumed")]
    assert (counts(api), status(api)["startTime"]) == ((1, 1, 0, 0), "2027-01-15T08:01:00Z")
    change(api, suspend=True)
    assert (pods(api), counts(api)) == ([], (0, 0, 0, 0)), (
        "pods that are taken away have not failed"
    )
    assert "startTime" not in status(api)
    assert events(api, "Suspended") == [("Normal", "Job suspended")]
    assert events(api, "Resumed") == [("Normal", "Job resumed")]
    assert len(events(api, "SuccessfulDelete")) == 1


def test_parallelism_may_change(api: ClusterApi) -> None:
    start(api, "sleep 99", parallelism=1, completions=9)
    change(api, parallelism=4)
    assert counts(api) == (4, 4, 0, 0)
    change(api, parallelism=2)
    assert (counts(api), len(pods(api))) == ((2, 2, 0, 0), 2)


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_pods_go_with_their_job(api: ClusterApi, propagation: str) -> None:
    start(api, "sleep 99", parallelism=2, completions=2)
    remove(api, propagation)
    assert (api.admin.get(f"{JOBS}/j").status, pods(api)) == (404, [])


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_pods_go_with_their_job_without_a_node(bare: ClusterApi, propagation: str) -> None:
    start(bare, "sleep 99", parallelism=2, completions=2)
    remove(bare, propagation)
    assert (bare.admin.get(f"{JOBS}/j").status, pods(bare)) == (404, [])


def test_pods_that_are_left_behind_are_free_to_go(api: ClusterApi) -> None:
    start(api, "sleep 99")
    remove(api, "Orphan")
    (pod,) = pods(api)
    assert not {"ownerReferences", "finalizers"} & set(pod["metadata"])
    api.must(api.admin.delete(f"{PODS}/{pod['metadata']['name']}"))
    assert pods(api) == []


@pytest.mark.parametrize("node", [True, False])
def test_a_namespace_takes_jobs_and_their_pods_along(node: bool) -> None:
    api = ClusterApi(node=node)
    api.namespace("lab")
    start(api, "sleep 99", parallelism=2, completions=4)
    api.must(api.admin.delete("/api/v1/namespaces/lab"))
    assert api.admin.get("/api/v1/namespaces/lab").status == 404


def test_what_a_quota_forbids_comes_when_it_is_raised(api: ClusterApi) -> None:
    quotas = "/api/v1/namespaces/lab/resourcequotas"
    api.must(api.admin.post(quotas, {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}}))
    start(api, "sleep 99", parallelism=2, completions=2)
    assert (len(pods(api)), counts(api)) == (1, (1, 1, 0, 0))
    kind, message = events(api, "FailedCreate")[0]
    assert kind == "Warning"
    assert message.startswith('Error creating: pods "j-')
    assert message.endswith(
        "is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"
    )
    api.must(api.admin.patch(f"{quotas}/q", {"spec": {"hard": {"pods": "2"}}}))
    assert counts(api) == (2, 2, 0, 0)


def test_a_job_of_another_controller_is_left_alone(api: ClusterApi) -> None:
    start(api, "true", managedBy="example.com/mine")
    pass_time(api, 60)
    assert (pods(api), status(api)) == ([], {})


def test_no_write_waits_for_more_pods_than_this(bare: ClusterApi) -> None:
    start(bare, "true", parallelism=500, completions=500)
    assert counts(bare) == (10, 0, 0, 0)
    for _ in range(12):
        pass_time(bare, 1)
    assert counts(bare) == (100, 0, 0, 0)


def test_pods_that_end_at_once_do_not_hold_up_the_server(api: ClusterApi) -> None:
    start(api, "true", completions=120, parallelism=50)
    assert counts(api) == (0, 0, 10, 0)
    pass_time(api, 1)
    assert counts(api) == (0, 0, 20, 0)


def test_a_job_without_end_does_not_keep_others_from_beginning(api: ClusterApi) -> None:
    start(api, "true", completions=9_999, parallelism=50)
    for number in range(3):
        start(api, "true", name=f"k{number}")
    for _ in range(4):
        pass_time(api, 1)
    ended = [
        job for job in api.must(api.admin.get(JOBS))["items"] if job["status"].get("completionTime")
    ]
    assert [job["metadata"]["name"] for job in ended] == ["k0", "k1", "k2"]


def test_jobs_go_on_after_a_restart(api: ClusterApi) -> None:
    start(api, "exit 3", backoffLimit=1)
    again = type(api.cluster)(api.cluster.keys, api.cluster.store, clock=api.clock)
    api.clock.now += 10
    again.advance()
    assert counts(api) == (0, 0, 0, 2)
    assert conditions(api)[-1][:2] == ("Failed", "True")


def test_a_job_that_selects_by_itself_takes_in_what_it_finds(api: ClusterApi) -> None:
    start(api, "sleep 99")
    remove(api, "Orphan")
    (pod,) = pods(api)
    name = pod["metadata"]["name"]
    labels = {"labels": {"job-name": "j"}}
    container = {"name": "c", "image": "ubuntu", "command": ["sleep", "99"]}
    template = {"metadata": labels, "spec": {"restartPolicy": "Never", "containers": [container]}}
    spec = {
        "manualSelector": True,
        "selector": {"matchLabels": labels["labels"]},
        "template": template,
    }
    api.must(api.admin.post(JOBS, {"metadata": {"name": "j"}, "spec": spec}))
    assert [one["metadata"]["name"] for one in pods(api)] == [name]
    assert counts(api) == (1, 1, 0, 0)
    api.must(api.admin.patch(f"{PODS}/{name}", {"metadata": {"ownerReferences": None}}))
    assert pods(api)[0]["metadata"]["ownerReferences"][0]["name"] == "j", "and takes it in again"
