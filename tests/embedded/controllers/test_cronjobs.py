"""Cron jobs: when they make a job, when they do not, and which jobs they keep. The clock begins at 08:00."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.cluster import ClusterApi

BATCH = "/apis/batch/v1/namespaces/lab"
CRON_JOBS, JOBS = f"{BATCH}/cronjobs", f"{BATCH}/jobs"
EVENTS = "/api/v1/namespaces/lab/events"
MINUTE = 1_800_000_000 // 60


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi(node=True)
    made.namespace("lab")
    return made


def make(api: ClusterApi, schedule: str = "* * * * *", command: str = "true", **spec: Any) -> Any:
    container = {"name": "c", "image": "ubuntu", "command": ["sh", "-c", command]}
    pod = {"restartPolicy": "Never", "containers": [container]}
    template = {"metadata": {"labels": {"app": "c"}}, "spec": {"template": {"spec": pod}, "backoffLimit": 0}}
    body = {"schedule": schedule, "jobTemplate": template, **spec}
    return api.must(api.admin.post(CRON_JOBS, {"metadata": {"name": "c"}, "spec": body}))


def change(api: ClusterApi, **spec: Any) -> None:
    api.must(api.admin.patch(f"{CRON_JOBS}/c", {"spec": spec}))


def pass_time(api: ClusterApi, seconds: float) -> None:
    api.clock.now += seconds
    api.cluster.advance()


def items(api: ClusterApi, path: str) -> list[Any]:
    found: list[Any] = api.must(api.admin.get(path))["items"]
    return found


def minutes(api: ClusterApi) -> list[int]:
    """For which minutes after eight there is a job."""
    return [int(job["metadata"]["name"].removeprefix("c-")) - MINUTE for job in items(api, JOBS)]


def status(api: ClusterApi) -> Any:
    return api.must(api.admin.get(f"{CRON_JOBS}/c"))["status"]


def events(api: ClusterApi, reason: str) -> list[tuple[str, int]]:
    return [(one["message"], one["count"]) for one in items(api, EVENTS)
            if one["reason"] == reason and one["involvedObject"]["kind"] == "CronJob"]  # fmt: skip


def test_a_job_at_its_time(api: ClusterApi) -> None:
    made = make(api, "*/5 * * * *", "sleep 60")
    pass_time(api, 299)
    assert (minutes(api), status(api)) == ([], {})
    pass_time(api, 1)
    (job,) = items(api, JOBS)
    name = f"c-{MINUTE + 5}"
    assert job["metadata"]["name"] == name
    assert job["metadata"]["labels"]["app"] == "c"
    assert job["metadata"]["annotations"] == {"batch.kubernetes.io/cronjob-scheduled-timestamp": "2027-01-15T08:05:00Z"}
    assert job["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "name": "c",
            "uid": made["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
    told = status(api)
    (active,) = told["active"]
    assert (active["kind"], active["name"], active["uid"]) == ("Job", name, job["metadata"]["uid"])
    assert told["lastScheduleTime"] == "2027-01-15T08:05:00Z"
    assert events(api, "SuccessfulCreate") == [(f"Created job {name}", 1)]
    pass_time(api, 61)
    assert status(api) == {
        "lastScheduleTime": "2027-01-15T08:05:00Z",
        "lastSuccessfulTime": "2027-01-15T08:06:01Z",
    }
    assert events(api, "SawCompletedJob") == [(f"Saw completed job: {name}, status: Complete", 1)]


def test_only_some_of_those_that_ended_are_kept(api: ClusterApi) -> None:
    make(api, successfulJobsHistoryLimit=2)
    for _ in range(5):
        pass_time(api, 60)
    assert minutes(api) == [4, 5]
    assert (f"Deleted job c-{MINUTE + 3}", 1) in events(api, "SuccessfulDelete")
    assert len(items(api, "/api/v1/namespaces/lab/pods")) == 2
    change(api, successfulJobsHistoryLimit=0)
    assert minutes(api) == []


def test_failures_are_kept_apart(api: ClusterApi) -> None:
    make(api, command="[ $(( $(date +%s) / 60 % 2 )) = 0 ]", successfulJobsHistoryLimit=2, failedJobsHistoryLimit=1)
    for _ in range(6):
        pass_time(api, 60)
    assert minutes(api) == [4, 5, 6]
    assert (f"Saw completed job: c-{MINUTE + 5}, status: Failed", 1) in events(api, "SawCompletedJob")


def test_jobs_may_run_side_by_side(api: ClusterApi) -> None:
    make(api, command="sleep 100")
    pass_time(api, 60)
    pass_time(api, 60)
    assert [one["name"] for one in status(api)["active"]] == [f"c-{MINUTE + 1}", f"c-{MINUTE + 2}"]


def test_or_not_as_long_as_another_one_runs(api: ClusterApi) -> None:
    make(api, command="sleep 100", concurrencyPolicy="Forbid")
    for _ in range(5):
        pass_time(api, 30)
    assert minutes(api) == [1]
    message = "Not starting job because prior execution is running and concurrency policy is Forbid"
    assert events(api, "JobAlreadyActive") == [(message, 1)]
    pass_time(api, 15)
    assert minutes(api) == [1, 2], "what was held up is made up for"


def test_or_the_new_one_takes_the_place_of_the_old_one(api: ClusterApi) -> None:
    make(api, command="sleep 100", concurrencyPolicy="Replace")
    pass_time(api, 60)
    pass_time(api, 60)
    assert minutes(api) == [2]
    assert (events(api, "SuccessfulDelete"), events(api, "MissingJob")) == ([(f"Deleted job c-{MINUTE + 1}", 1)], [])
    assert [one["name"] for one in status(api)["active"]] == [f"c-{MINUTE + 2}"]
    assert len(items(api, "/api/v1/namespaces/lab/pods")) == 1


def test_suspended(api: ClusterApi) -> None:
    make(api, suspend=True)
    pass_time(api, 600)
    assert minutes(api) == []
    change(api, suspend=False)
    assert minutes(api) == [10], "the last time is made up for, and no other"


def test_too_late(api: ClusterApi) -> None:
    make(api, "0 * * * *", suspend=True, startingDeadlineSeconds=100)
    pass_time(api, 3800)
    change(api, suspend=False)
    assert minutes(api) == []
    pass_time(api, 3400)
    assert minutes(api) == [120]


def test_times_of_one_minute_share_a_job(api: ClusterApi) -> None:
    make(api, "@every 20s")
    for _ in range(6):
        pass_time(api, 10)
    assert minutes(api) == [0, 1]
    assert status(api)["lastScheduleTime"] == "2027-01-15T08:01:00Z"
    assert (events(api, "FailedCreate"), len(events(api, "SuccessfulCreate"))) == ([], 2)


def test_too_many_missed(api: ClusterApi) -> None:
    make(api, suspend=True)
    pass_time(api, 102 * 60)
    change(api, suspend=False)
    assert minutes(api) == [102]
    assert events(api, "TooManyMissedTimes")[0][0].startswith("too many missed start times. Set or decrease ")


def test_another_schedule_begins_from_now(api: ClusterApi) -> None:
    make(api, "0 0 1 1 *")
    pass_time(api, 90)
    change(api, schedule="* * * * *")
    pass_time(api, 15)
    assert minutes(api) == []
    pass_time(api, 15)
    assert minutes(api) == [2]


def test_in_another_time_zone(api: ClusterApi) -> None:
    make(api, "1 17 * * *", timeZone="Asia/Seoul")
    pass_time(api, 60)
    (job,) = items(api, JOBS)
    assert job["metadata"]["annotations"] == {
        "batch.kubernetes.io/cronjob-scheduled-timestamp": "2027-01-15T17:01:00+09:00"
    }


def test_a_job_that_somebody_deletes(api: ClusterApi) -> None:
    make(api, command="sleep 100")
    pass_time(api, 60)
    api.must(api.admin.delete(f"{JOBS}/c-{MINUTE + 1}"))
    assert "active" not in status(api)
    assert events(api, "MissingJob") == [(f"Active job went missing: c-{MINUTE + 1}", 1)]
    pass_time(api, 30)
    assert minutes(api) == [], "its time is over"


def test_what_a_quota_forbids_is_tried_again(api: ClusterApi) -> None:
    quotas = "/api/v1/namespaces/lab/resourcequotas"
    hard = {"count/jobs.batch": "0"}
    api.must(api.admin.post(quotas, {"metadata": {"name": "q"}, "spec": {"hard": hard}}))
    make(api, "1 * * * *")
    pass_time(api, 60)
    ((message, _),) = events(api, "FailedCreate")
    assert message.startswith(f'Error creating job: jobs.batch "c-{MINUTE + 1}" is forbidden: exceeded quota: q')
    api.must(api.admin.delete(f"{quotas}/q"))
    pass_time(api, 30)
    assert minutes(api) == [1]


def test_jobs_go_with_their_cron_job(api: ClusterApi) -> None:
    make(api, command="sleep 100")
    pass_time(api, 60)
    api.must(api.admin.delete(f"{CRON_JOBS}/c"))
    assert (items(api, JOBS), items(api, "/api/v1/namespaces/lab/pods")) == ([], [])


def test_cron_jobs_go_on_after_a_restart(api: ClusterApi) -> None:
    make(api)
    pass_time(api, 60)
    again = type(api.cluster)(api.cluster.keys, api.cluster.store, clock=api.clock)
    again.advance()
    assert minutes(api) == [1]
    api.clock.now += 60
    again.advance()
    assert minutes(api) == [1, 2]
