"""Cron jobs: a job whenever it is time.

Source: k8s.io/kubernetes ``pkg/controller/cronjob``.
"""

from __future__ import annotations

import copy
import datetime
from typing import Any

from labkit.embedded.apiserver.registry.registry import Change, Registry, timestamp
from labkit.embedded.apiserver.registry.strategies.workloads.schedules import BadSchedule, Schedule, read_schedule
from labkit.embedded.apiserver.registry.strategy import DeleteOptions
from labkit.embedded.controllers.happenings import MANAGER, Happenings
from labkit.embedded.controllers.jobprogress import DONE, FAILED, finished
from labkit.embedded.controllers.jobs import JOBS
from labkit.embedded.controllers.owned import Create, controller_of, controls, only_status, reference_to
from labkit.embedded.controllers.pace import Pace
from labkit.embedded.controllers.refusals import Refusals
from labkit.embedded.controllers.timetable import last_time, next_time
from labkit.embedded.machinery.kinds import BY_KIND
from labkit.embedded.machinery.pods.state import moment
from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.status import ApiError

CRON_JOBS = BY_KIND["batch", "CronJob"]
COMPONENT = "cronjob-controller"
SCHEDULED = "batch.kubernetes.io/cronjob-scheduled-timestamp"
TOO_MANY = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
AHEAD_SECONDS = 60.0
"""A cron job whose last time is further in the future got it from a clock that was ahead, and goes on from now.

The real controller lets it wait until that time has come.
"""
STILL_ACTIVE = "Not starting job because prior execution is running and concurrency policy is Forbid"


class CronJobs:
    """Makes the jobs of cron jobs, and deletes those that ended long ago.

    Args:
        registry: Where objects are.
        create: See ``Create``.
    """

    def __init__(self, registry: Registry, create: Create) -> None:
        self._registry = registry
        self._create = create
        self._pace = Pace(registry.steady)
        self._happenings = Happenings(registry, COMPONENT)
        self._refusals = Refusals(registry.steady)
        self._not_before: dict[str, tuple[float, float]] = {}
        self._noted: dict[str, tuple[str, float]] = {}

    def __call__(self, change: Change) -> None:
        """React to cron jobs, and to jobs of theirs."""
        some = change.new if change.new is not None else change.old
        if some is None:
            return
        if change.kind is CRON_JOBS:
            if change.new is None:
                self._forget(some)
            elif change.old is not None and _timing(change.old) != _timing(change.new):
                self._wait(change.new)
            elif not only_status(change):
                self._sync(some["metadata"]["namespace"], some["metadata"]["name"])
        elif change.kind is JOBS:
            for side in (change.old, change.new):
                owner = controller_of(side)
                if side is not None and owner is not None and owner.get("kind") == CRON_JOBS.kind:
                    self._sync(side["metadata"]["namespace"], owner.get("name", ""))

    def advance(self) -> None:
        """Make the jobs for which it is time."""
        for one in list(self._registry.list(CRON_JOBS)):
            if self._pace.may_begin() and self._due(one)[0] is not None and self._refusals.may_try(one):
                with self._registry.transaction():
                    self._sync(one["metadata"]["namespace"], one["metadata"]["name"])

    def _forget(self, one: Object) -> None:
        self._refusals.forget(one)
        self._not_before.pop(one["metadata"]["uid"], None)
        self._noted.pop(one["metadata"]["uid"], None)

    def _wait(self, one: Object) -> None:
        """After a change of its schedule, what it would have done already is not made up for."""
        now = self._registry.clock()
        schedule = _schedule(one)
        found = next_time(schedule, _zone(one), now) if schedule is not None else None
        self._not_before[one["metadata"]["uid"]] = (now, now if found is None else found)

    def _due(self, one: Object) -> tuple[float | None, bool]:
        """The time for which a job should be made now, and whether very many have passed without one."""
        now, schedule = self._registry.clock(), _schedule(one)
        if one["spec"].get("suspend") or one["metadata"].get("deletionTimestamp") or schedule is None:
            return None, False
        changed, not_before = self._not_before.get(one["metadata"]["uid"], (0.0, 0.0))
        if changed <= now < not_before:
            return None, False
        last = one["status"].get("lastScheduleTime")
        since = moment(one["metadata"]["creationTimestamp"])
        since = max(since, moment(last)) if last else since
        if since > now + AHEAD_SECONDS:
            since = now - max(AHEAD_SECONDS, schedule.every_seconds)
        deadline = one["spec"].get("startingDeadlineSeconds")
        if deadline is not None:
            since = max(since, now - deadline)
        found, many = last_time(schedule, _zone(one), since, now)
        return (None, False) if last and found == moment(last) else (found, many)

    # One cron job

    def _sync(self, namespace: str, name: str) -> None:
        one = self._registry.find(CRON_JOBS, namespace, name)
        if one is None:
            return
        status: dict[str, Any] = copy.deepcopy(dict(one["status"]))
        jobs = [job for job in self._registry.list(JOBS, namespace) if controls(one, job)]
        active = self._still_active(one, jobs, status)
        jobs = self._trim(one, jobs)
        time, many = self._due(one)
        if time is not None and self._pace.may_begin() and self._refusals.may_try(one):
            self._start(one, status, active, time, many)
        status["active"] = active
        status = {field: value for field, value in status.items() if value}
        if one["status"] != status:
            self._registry.edit(CRON_JOBS, one, MANAGER, lambda obj: obj.update(status=status), "status")

    def _still_active(self, one: Object, jobs: list[Object], status: dict[str, Any]) -> list[Object]:
        """Which of the jobs that it knows have not ended; what is new of the others is said."""
        active: list[Object] = list(status.get("active") or ())
        known = {reference.get("uid") for reference in active}
        for job in jobs:
            uid, end = job["metadata"]["uid"], finished(job)
            if end is None:
                if uid not in known:
                    message = f"Saw a job that the controller did not create or forgot: {job['metadata']['name']}"
                    self._say(one, "UnexpectedJob", message, warning=True)
                continue
            if uid in known:
                self._say(
                    one, "SawCompletedJob", f"Saw completed job: {job['metadata']['name']}, status: {end['type']}"
                )
            if end["type"] == DONE and job["status"].get("completionTime"):
                times = (status.get("lastSuccessfulTime") or "", job["status"]["completionTime"])
                status["lastSuccessfulTime"] = max(times)
        running = {job["metadata"]["uid"] for job in jobs if finished(job) is None}
        for reference in active:
            if reference.get("uid") not in {job["metadata"]["uid"] for job in jobs}:
                self._say(one, "MissingJob", f"Active job went missing: {reference.get('name', '')}")
        return [reference for reference in active if reference.get("uid") in running]

    def _trim(self, one: Object, jobs: list[Object]) -> list[Object]:
        """Delete the oldest jobs of those that ended, if there are more than are to be kept."""
        for kind, limit in ((DONE, "successfulJobsHistoryLimit"), (FAILED, "failedJobsHistoryLimit")):
            keep = one["spec"].get(limit)
            ended = sorted((job for job in jobs if (finished(job) or {}).get("type") == kind), key=_age)
            if keep is not None:
                for job in ended[: max(len(ended) - keep, 0)]:
                    self._delete(one, job)
        return jobs

    def _start(self, one: Object, status: dict[str, Any], active: list[Object], time: float, many: bool) -> None:
        """Make the job of a time, unless another one is in the way."""
        spec, metadata = one["spec"], one["metadata"]
        if many:
            self._note_once(one, "TooManyMissedTimes", TOO_MANY, time, warning=True)
        if spec.get("concurrencyPolicy") == "Forbid" and active:
            self._note_once(one, "JobAlreadyActive", STILL_ACTIVE, time)
            return
        if spec.get("concurrencyPolicy") == "Replace":
            for reference in active:
                job = self._registry.find(JOBS, metadata["namespace"], reference["name"])
                if job is not None and job["metadata"]["uid"] == reference["uid"]:
                    self._delete(one, job)
            active.clear()
        made = self._make(one, _job(one, time))
        if made is None or made["metadata"]["uid"] in {reference["uid"] for reference in active}:
            return
        active.append(
            {
                "kind": JOBS.kind,
                "namespace": metadata["namespace"],
                "name": made["metadata"]["name"],
                "uid": made["metadata"]["uid"],
                "apiVersion": JOBS.group_version,
                "resourceVersion": made["metadata"]["resourceVersion"],
            }
        )
        status["lastScheduleTime"] = timestamp(time)

    def _make(self, one: Object, job: Object) -> Object | None:
        """Make a job; times of one minute share the first one's."""
        try:
            made = self._create(COMPONENT, job, JOBS)
        except ApiError as error:
            found = self._registry.find(JOBS, job["metadata"]["namespace"], job["metadata"]["name"])
            if found is not None and controls(one, found):
                return found
            self._refusals.note(one)
            self._say(one, "FailedCreate", f"Error creating job: {error.message}", warning=True)
            return None
        self._refusals.forget(one)
        self._pace.note()
        self._say(one, "SuccessfulCreate", f"Created job {made['metadata']['name']}")
        return made

    def _delete(self, one: Object, job: Object) -> None:
        metadata = job["metadata"]
        if not metadata.get("deletionTimestamp"):
            options = DeleteOptions(propagation="Background")
            self._registry.delete(JOBS, metadata["namespace"], metadata["name"], options)
            self._say(one, "SuccessfulDelete", f"Deleted job {metadata['name']}")

    def _note_once(self, one: Object, reason: str, message: str, time: float, *, warning: bool = False) -> None:
        """Say why there is no job for a time: this is asked again and again."""
        if self._noted.get(one["metadata"]["uid"]) != (reason, time):
            self._noted[one["metadata"]["uid"]] = (reason, time)
            self._say(one, reason, message, warning=warning)

    def _say(self, one: Object, reason: str, message: str, *, warning: bool = False) -> None:
        self._happenings.note(CRON_JOBS, one, reason, message, type_="Warning" if warning else "Normal")


def _timing(one: Object) -> tuple[Any, Any]:
    return one["spec"].get("schedule"), one["spec"].get("timeZone")


def _schedule(one: Object) -> Schedule | None:
    """When it runs; None if an older server let something through that is no schedule."""
    try:
        return read_schedule(one["spec"]["schedule"])
    except BadSchedule:
        return None


def _zone(one: Object) -> datetime.tzinfo:
    name = one["spec"].get("timeZone")
    if not name:
        return datetime.UTC
    # Imported here: it reads files, and hardly any server is asked.
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def _age(job: Object) -> tuple[str, str]:
    return job["status"].get("startTime") or "", job["metadata"]["name"]


def _job(one: Object, time: float) -> Object:
    """The job of a time; its name tells which, so that there is no second one."""
    template, metadata = one["spec"]["jobTemplate"], one["metadata"]
    own = template.get("metadata") or {}
    told = datetime.datetime.fromtimestamp(time, _zone(one)).isoformat().replace("+00:00", "Z")
    made: dict[str, Any] = {
        "name": f"{metadata['name']}-{int(time) // 60}",
        "namespace": metadata["namespace"],
        "annotations": {**(own.get("annotations") or {}), SCHEDULED: told},
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
