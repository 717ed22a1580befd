"""Cron jobs: jobs on a schedule.

Source: k8s.io/kubernetes ``pkg/controller/cronjob``.
"""

from __future__ import annotations

import copy
import datetime
from collections.abc import Callable
from typing import Any

from labkit.embedded.apiserver.registry.registry import Change, Registry, timestamp
from labkit.embedded.apiserver.registry.strategies.workloads.cron_schedules import BadSchedule, Schedule, read_schedule
from labkit.embedded.controllers.controller_ref import controls, object_reference, reference_to
from labkit.embedded.controllers.jobprogress import DONE, FAILED, finished
from labkit.embedded.controllers.jobs import JOBS
from labkit.embedded.controllers.rate_limiter import RateLimiter
from labkit.embedded.controllers.timetable import last_time, next_time
from labkit.embedded.controllers.workload import Create, Messages, WorkloadController
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.pods.state import parse_time
from labkit.embedded.machinery.request import Object

CRON_JOBS = BY_KIND["batch", "CronJob"]
MAX_STARTED = 10
"""The limit of the jobs created in one second."""
TOO_MANY = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
AHEAD_SECONDS = 60.0
"""A cron job whose last time is further in the future got it from a clock that was ahead, and goes on from now.

The real controller lets it wait until that time has come.
"""
STILL_ACTIVE = "Not starting job because prior execution is running and concurrency policy is Forbid"

Record = Callable[[Object, str, str], None]
"""Records an event of (object, reason, message)."""


class CronJobs(WorkloadController):
    """Creates the jobs of cron jobs on schedule, and deletes those beyond the history limits."""

    kind = CRON_JOBS
    component = "cronjob-controller"
    dependents = JOBS
    with_retry_after = ()
    messages = Messages("Created job {name}", "Error creating job: {error}", "Deleted job {name}")

    def __init__(self, registry: Registry, create: Create) -> None:
        super().__init__(registry, create)
        self._limiter = RateLimiter(registry.steady, MAX_STARTED)
        self._not_before: dict[str, tuple[float, float]] = {}
        """A cron job's uid to when its schedule changed, and the time before which it starts nothing."""
        self._skipped: dict[str, tuple[str, float]] = {}
        """A cron job's uid to the last reason for which it skipped a time, and that time."""

    def _owner_changed(self, change: Change) -> None:
        if change.old is not None and change.new is not None and _timing(change.old) != _timing(change.new):
            self._wait(change.new)
            return
        super()._owner_changed(change)
        if change.new is None and change.old is not None:
            self._not_before.pop(change.old["metadata"]["uid"], None)
            self._skipped.pop(change.old["metadata"]["uid"], None)

    def _selects(self, one: Object, job: Object) -> bool:
        """Cron jobs adopt nothing."""
        return False

    def _is_due(self, one: Object) -> bool:
        return self._limiter.allows() and self._due(one)[0] is not None and self._backoff.may_try(one)

    def _wait(self, one: Object) -> None:
        """After a change of the schedule, make up for no time that has passed."""
        now = self._registry.clock()
        schedule = _schedule(one)
        found = next_time(schedule, _zone(one), now) if schedule is not None else None
        self._not_before[one["metadata"]["uid"]] = (now, now if found is None else found)

    def _due(self, one: Object) -> tuple[float | None, bool]:
        """The time for which a job should be created now, and whether too many were missed."""
        now, schedule = self._registry.clock(), _schedule(one)
        if one["spec"].get("suspend") or one["metadata"].get("deletionTimestamp") or schedule is None:
            return None, False
        changed, not_before = self._not_before.get(one["metadata"]["uid"], (0.0, 0.0))
        if changed <= now < not_before:
            return None, False
        last = one["status"].get("lastScheduleTime")
        since = parse_time(one["metadata"]["creationTimestamp"])
        since = max(since, parse_time(last)) if last else since
        if since > now + AHEAD_SECONDS:
            since = now - max(AHEAD_SECONDS, schedule.every_seconds)
        deadline = one["spec"].get("startingDeadlineSeconds")
        if deadline is not None:
            since = max(since, now - deadline)
        found, many = last_time(schedule, _zone(one), since, now)
        return (None, False) if last and found == parse_time(last) else (found, many)

    # One cron job

    def _sync(self, one: Object) -> None:
        status: dict[str, Any] = copy.deepcopy(dict(one["status"]))
        jobs = self._controlled(one)
        active = self._still_active(one, jobs, status)
        self._trim(one, jobs)
        time, many = self._due(one)
        if time is not None and self._limiter.allows() and self._backoff.may_try(one):
            self._start(one, status, active, time, many)
        status["active"] = active
        self._write_status(self.kind, one, {field: value for field, value in status.items() if value})

    def _still_active(self, one: Object, jobs: list[Object], status: dict[str, Any]) -> list[Object]:
        """Record events about jobs that finished, appeared or went missing, and return references to running ones."""
        active: list[Object] = list(status.get("active") or ())
        known = {reference.get("uid") for reference in active}
        for job in jobs:
            uid, end = job["metadata"]["uid"], finished(job)
            if end is None:
                if uid not in known:
                    message = f"Saw a job that the controller did not create or forgot: {job['metadata']['name']}"
                    self._events.warning(one, "UnexpectedJob", message)
                continue
            if uid in known:
                message = f"Saw completed job: {job['metadata']['name']}, status: {end['type']}"
                self._events.normal(one, "SawCompletedJob", message)
            if end["type"] == DONE and job["status"].get("completionTime"):
                times = (status.get("lastSuccessfulTime") or "", job["status"]["completionTime"])
                status["lastSuccessfulTime"] = max(times)
        running = {job["metadata"]["uid"] for job in jobs if finished(job) is None}
        for reference in active:
            if reference.get("uid") not in {job["metadata"]["uid"] for job in jobs}:
                self._events.normal(one, "MissingJob", f"Active job went missing: {reference.get('name', '')}")
        return [reference for reference in active if reference.get("uid") in running]

    def _trim(self, one: Object, jobs: list[Object]) -> None:
        """Delete the oldest finished jobs beyond the history limits."""
        for kind, limit in ((DONE, "successfulJobsHistoryLimit"), (FAILED, "failedJobsHistoryLimit")):
            keep = one["spec"].get(limit)
            ended = sorted((job for job in jobs if (finished(job) or {}).get("type") == kind), key=_age)
            if keep is not None:
                for job in ended[: max(len(ended) - keep, 0)]:
                    self._delete_job(one, job)

    def _start(self, one: Object, status: dict[str, Any], active: list[Object], time: float, many: bool) -> None:
        """Create the job of a time, as the concurrency policy allows."""
        spec, metadata = one["spec"], one["metadata"]
        if many:
            self._record_once(self._events.warning, one, "TooManyMissedTimes", TOO_MANY, time)
        if spec.get("concurrencyPolicy") == "Forbid" and active:
            self._record_once(self._events.normal, one, "JobAlreadyActive", STILL_ACTIVE, time)
            return
        if spec.get("concurrencyPolicy") == "Replace":
            for reference in active:
                job = self._registry.find(JOBS, metadata["namespace"], reference["name"])
                if job is not None and job["metadata"]["uid"] == reference["uid"]:
                    self._delete_job(one, job)
            active.clear()
        made = self._make(one, _job(one, time))
        if made is None or made["metadata"]["uid"] in {reference["uid"] for reference in active}:
            return
        active.append(object_reference(JOBS, made))
        status["lastScheduleTime"] = timestamp(time)

    def _make(self, one: Object, job: Object) -> Object | None:
        """Create a job, or find the one that was created for an earlier time of the same minute."""
        name = (job["metadata"]["namespace"], job["metadata"]["name"])
        found = self._registry.find(JOBS, *name)
        if found is not None and controls(one, found):
            return found
        if self._create_dependent(one, job) is not None:
            return None
        self._limiter.take()
        return self._registry.find(JOBS, *name)

    def _delete_job(self, one: Object, job: Object) -> None:
        if not job["metadata"].get("deletionTimestamp"):
            self._delete(one, job, "Background")

    def _record_once(self, record: Record, one: Object, reason: str, message: str, time: float) -> None:
        """Record why a time has no job, unless an earlier sync did."""
        if self._skipped.get(one["metadata"]["uid"]) != (reason, time):
            self._skipped[one["metadata"]["uid"]] = (reason, time)
            record(one, reason, message)


def _timing(one: Object) -> tuple[Any, Any]:
    return one["spec"].get("schedule"), one["spec"].get("timeZone")


def _schedule(one: Object) -> Schedule | None:
    """The parsed schedule; None for an invalid one that an older server stored."""
    try:
        return read_schedule(one["spec"]["schedule"])
    except BadSchedule:
        return None


def _zone(one: Object) -> datetime.tzinfo:
    name = one["spec"].get("timeZone")
    if not name:
        return datetime.UTC
    # Imported here: it reads files, and few cron jobs have a time zone.
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def _age(job: Object) -> tuple[str, str]:
    return job["status"].get("startTime") or "", job["metadata"]["name"]


def _job(one: Object, time: float) -> Object:
    """The job of a time, which its name contains: there cannot be a second one."""
    template, metadata = one["spec"]["jobTemplate"], one["metadata"]
    own = template.get("metadata") or {}
    scheduled = datetime.datetime.fromtimestamp(time, _zone(one)).isoformat().replace("+00:00", "Z")
    made: dict[str, Any] = {
        "name": f"{metadata['name']}-{int(time) // 60}",
        "namespace": metadata["namespace"],
        "annotations": {**(own.get("annotations") or {}), "batch.kubernetes.io/cronjob-scheduled-timestamp": scheduled},
        "ownerReferences": [reference_to(CRON_JOBS, one)],
    }
    if own.get("labels"):
        made["labels"] = own["labels"]
    return {
        "apiVersion": JOBS.group_version,
        "kind": JOBS.kind,
        "metadata": made,
        "spec": copy.deepcopy(dict(template["spec"])),
    }
