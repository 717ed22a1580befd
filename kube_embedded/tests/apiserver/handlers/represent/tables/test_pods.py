from typing import Any

import pytest

from kube_embedded.apiserver.handlers.represent.tables.pods import conditions, pods
from kube_embedded.machinery.request import Object

NOW = 1_000_000.0
CREATED = "1970-01-12T13:45:40Z"  # a minute before


def pod(
    status: Object, *, containers: int = 1, metadata: Object | None = None, **spec: Any
) -> Object:
    names = [{"name": f"c{number}"} for number in range(containers)]
    return {
        "metadata": {"name": "p", "creationTimestamp": CREATED, **(metadata or {})},
        "spec": {"containers": names, **spec},
        "status": status,
    }


def running(ready: bool = True, **more: Any) -> Object:
    return {"name": "c0", "ready": ready, "restartCount": 0, "state": {"running": {}}, **more}


def ended(code: int = 0, **more: Any) -> Object:
    return {"name": "c0", "restartCount": 0, "state": {"terminated": {"exitCode": code, **more}}}


READY = [{"type": "Ready", "status": "True"}]


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        (pod({"phase": "Pending"}), ("0/1", "Pending", "0")),
        (pod({"phase": "Running", "containerStatuses": [running()]}), ("1/1", "Running", "0")),
        (pod({"phase": "Running", "containerStatuses": [running(False)]}), ("0/1", "Running", "0")),
        (
            pod(
                {
                    "phase": "Pending",
                    "containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}],
                }
            ),
            ("0/1", "ImagePullBackOff", "0"),
        ),
        (
            pod({"phase": "Succeeded", "containerStatuses": [ended(reason="Completed")]}),
            ("0/1", "Completed", "0"),
        ),
        (pod({"phase": "Failed", "containerStatuses": [ended(2)]}), ("0/1", "ExitCode:2", "0")),
        (
            pod({"phase": "Failed", "containerStatuses": [ended(137, signal=9)]}),
            ("0/1", "Signal:9", "0"),
        ),
        (pod({"phase": "Failed", "reason": "Evicted"}), ("0/1", "Evicted", "0")),
        (
            pod(
                {
                    "phase": "Running",
                    "conditions": READY,
                    "containerStatuses": [ended(reason="Completed"), running()],
                },
                containers=2,
            ),
            ("1/2", "Running", "0"),
        ),
        (
            pod(
                {"phase": "Running", "containerStatuses": [ended(reason="Completed"), running()]},
                containers=2,
            ),
            ("1/2", "NotReady", "0"),
        ),
        (
            pod(
                {"phase": "Running", "containerStatuses": [running()]},
                metadata={"deletionTimestamp": CREATED},
            ),
            ("1/1", "Terminating", "0"),
        ),
        (
            pod({"phase": "Succeeded"}, metadata={"deletionTimestamp": CREATED}),
            ("0/1", "Succeeded", "0"),
        ),
        (
            pod(
                {"phase": "Running", "reason": "NodeLost"}, metadata={"deletionTimestamp": CREATED}
            ),
            ("0/1", "Unknown", "0"),
        ),
        (
            pod(
                {
                    "phase": "Pending",
                    "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}],
                }
            ),
            ("0/1", "SchedulingGated", "0"),
        ),
    ],
)
def test_the_status_sums_up_the_containers(subject: Object, shown: tuple[str, ...]) -> None:
    assert tuple(pods.cells(subject, NOW)[1:4]) == shown


@pytest.mark.parametrize(
    ("statuses", "reason"),
    [
        ([{"name": "i0", "state": {"running": {}}}], "Init:0/2"),
        (
            [ended(), {"name": "i1", "state": {"waiting": {"reason": "PodInitializing"}}}],
            "Init:1/2",
        ),
        (
            [{"name": "i0", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
            "Init:CrashLoopBackOff",
        ),
        ([ended(1, reason="Error")], "Init:Error"),
        ([ended(3)], "Init:ExitCode:3"),
    ],
)
def test_init_containers(statuses: list[Object], reason: str) -> None:
    inits = [{"name": "i0"}, {"name": "i1"}]
    subject = pod({"phase": "Pending", "initContainerStatuses": statuses}, initContainers=inits)
    assert pods.cells(subject, NOW)[2] == reason


def restarted(name: str, count: int, **state: Any) -> Object:
    return {"name": name, "started": True, "ready": True, "restartCount": count, "state": state}


@pytest.mark.parametrize(
    ("initialized", "restarts"),
    [
        # Restarts of a sidecar stay, those of a container that has to end do not; and none of what comes after the
        # first container that still runs.
        ("True", "2"),
        ("False", "6"),
    ],
)
def test_restarts_of_init_containers(initialized: str, restarts: str) -> None:
    failed = {"terminated": {"exitCode": 1}}
    statuses = [
        restarted("proxy", 2, running={}),
        restarted("setup", 4, **failed),
        restarted("late", 8, running={}),
    ]
    always = {"restartPolicy": "Always"}
    subject = pod(
        {
            "phase": "Pending",
            "conditions": [{"type": "Initialized", "status": initialized}],
            "initContainerStatuses": statuses,
        },
        initContainers=[{"name": "proxy", **always}, {"name": "setup"}, {"name": "late", **always}],
    )
    assert pods.cells(subject, NOW)[3] == restarts


def test_sidecars_count_as_containers() -> None:
    status = {
        "phase": "Running",
        "conditions": [{"type": "Initialized", "status": "True"}],
        "initContainerStatuses": [
            {"name": "proxy", "started": True, "ready": True, "restartCount": 2}
        ],
        "containerStatuses": [running()],
    }
    subject = pod(status, initContainers=[{"name": "proxy", "restartPolicy": "Always"}])
    assert pods.cells(subject, NOW)[1:4] == ["2/2", "Running", "2"]


def test_restarts_tell_when_the_last_one_was() -> None:
    last = {"terminated": {"exitCode": 1, "finishedAt": "1970-01-12T13:46:10Z"}}
    subject = pod(
        {"phase": "Running", "containerStatuses": [running(restartCount=3, lastState=last)]}
    )
    assert pods.cells(subject, NOW)[3] == "3 (30s ago)"


def test_the_wide_columns() -> None:
    status = {
        "phase": "Running",
        "podIPs": [{"ip": "10.1.0.5"}],
        "nominatedNodeName": "n2",
        "conditions": [{"type": "x", "status": "True"}],
    }
    subject = pod(
        status, nodeName="n1", readinessGates=[{"conditionType": "x"}, {"conditionType": "y"}]
    )
    assert pods.cells(subject, NOW)[4:] == ["60s", "10.1.0.5", "n1", "n2", "1/2"]
    assert pods.cells(pod({}), NOW)[5:] == ["<none>"] * 4


def test_finished_pods_say_so() -> None:
    assert conditions(pod({"phase": "Running"})) == []
    (done,) = conditions(pod({"phase": "Succeeded"}))
    assert (done["type"], done["status"], done["reason"]) == ("Completed", "True", "Succeeded")
