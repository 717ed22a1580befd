"""Jobs that end early, or go on in spite of failures, because their policies say so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cluster import ClusterApi

JOBS = "/apis/batch/v1/namespaces/lab/jobs"
PODS = "/api/v1/namespaces/lab/pods"
FAILURES = "batch.kubernetes.io/job-index-failure-count"
IGNORED = "batch.kubernetes.io/job-index-ignored-failure-count"
INDEXED = {"completionMode": "Indexed"}


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi(node=True)
    made.namespace("lab")
    return made


def start(api: ClusterApi, command: str, **spec: Any) -> None:
    container = {"name": "main", "image": "ubuntu", "command": ["sh", "-c", command]}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    api.must(api.admin.post(JOBS, {"metadata": {"name": "j"}, "spec": {"template": template, **spec}}))


def rule(action: str, operator: str, *codes: int, **more: str) -> dict[str, Any]:
    return {"action": action, "onExitCodes": {"operator": operator, "values": list(codes), **more}}


def by_condition(action: str) -> dict[str, Any]:
    return {"action": action, "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


def rules(*some: dict[str, Any]) -> dict[str, Any]:
    return {"rules": list(some)}


def status(api: ClusterApi) -> Any:
    return api.must(api.admin.get(f"{JOBS}/j"))["status"]


def end(api: ClusterApi) -> tuple[str, str, str]:
    condition = status(api)["conditions"][-1]
    return condition["type"], condition["reason"], condition["message"]


def pods(api: ClusterApi) -> list[Any]:
    found: list[Any] = api.must(api.admin.get(PODS))["items"]
    return sorted(found, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))


def pass_time(api: ClusterApi, seconds: float) -> None:
    api.clock.now += seconds
    api.cluster.advance()


def test_an_exit_code_that_ends_the_job(api: ClusterApi) -> None:
    start(api, "exit 42", podFailurePolicy=rules(rule("FailJob", "In", 3, 42, containerName="main")))
    (pod,) = pods(api)
    message = f"Container main for pod lab/{pod['metadata']['name']} failed with exit code 42"
    assert end(api) == ("Failed", "PodFailurePolicy", f"{message} matching FailJob rule at index 0")
    assert status(api)["failed"] == 1


@pytest.mark.parametrize(
    "other", [rule("FailJob", "NotIn", 42), rule("FailJob", "In", 41, 43), by_condition("FailJob")]
)
def test_rules_that_do_not_speak_of_it(api: ClusterApi, other: Any) -> None:
    start(api, "exit 42", podFailurePolicy=rules(other))
    assert (status(api)["failed"], status(api).get("conditions")) == (1, None)


def test_failures_that_do_not_count(api: ClusterApi) -> None:
    start(api, "exit 42", podFailurePolicy=rules(rule("Ignore", "In", 42)), backoffLimit=0)
    for _ in range(3):
        assert ("failed" in status(api), "conditions" in status(api)) == (False, False)
        pass_time(api, 600)
    assert len(pods(api)) == 4


def test_the_first_rule_counts(api: ClusterApi) -> None:
    policy = rules(rule("Count", "In", 42), rule("FailJob", "NotIn", 0))
    start(api, "exit 42", podFailurePolicy=policy, backoffLimit=0)
    assert end(api)[1] == "BackoffLimitExceeded"


def test_a_condition_of_a_pod(api: ClusterApi) -> None:
    start(api, "sleep 99", podFailurePolicy=rules(by_condition("FailJob")))
    (pod,) = pods(api)
    target = {"type": "DisruptionTarget", "status": "True"}
    body = {"status": {"phase": "Failed", "conditions": [target]}}
    api.must(api.admin.patch(f"{PODS}/{pod['metadata']['name']}/status", body))
    message = f"Pod lab/{pod['metadata']['name']} has condition DisruptionTarget matching FailJob rule at index 0"
    assert end(api) == ("Failed", "PodFailurePolicy", message)


def test_some_successes_are_enough(api: ClusterApi) -> None:
    command = "[ $JOB_COMPLETION_INDEX = 2 ] || sleep 99"
    policy = rules({"succeededIndexes": "0"}, {"succeededIndexes": "1-2", "succeededCount": 1})
    start(api, command, completions=4, parallelism=4, successPolicy=policy, **INDEXED)
    assert end(api) == ("Complete", "SuccessPolicy", "Matched rules at index 1")
    told = status(api)
    assert (told["succeeded"], told["completedIndexes"], told.get("failed"), told["terminating"]) == (1, "2", None, 0)
    assert [pod["status"]["phase"] for pod in pods(api)] == ["Succeeded"]


def test_a_number_of_successes_is_enough(api: ClusterApi) -> None:
    policy = rules({"succeededCount": 2})
    start(api, "sleep 5", completions=4, parallelism=1, successPolicy=policy, **INDEXED)
    pass_time(api, 6)
    assert "conditions" not in status(api)
    pass_time(api, 6)
    assert end(api) == ("Complete", "SuccessPolicy", "Matched rules at index 0")
    assert len(pods(api)) == 2
