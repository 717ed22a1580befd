"""Whether a pod runs, and whose tokens its containers can read."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.grading.tasks.pods import mounted_tokens, not_running
from labkit.grading.tasks.task import Object
from tests.grading.desk import Desk
from tests.grading.fixed_cluster import context_of

RUNNING: Object = {"name": "a", "state": {"running": {}}}
WAITING = {"name": "b", "state": {"waiting": {"reason": "ImagePullBackOff"}}}


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ({"phase": "Running"}, ""),
        ({"phase": "Running", "containerStatuses": None}, ""),
        ({"phase": "Running", "containerStatuses": [RUNNING, RUNNING]}, ""),
        (
            {"phase": "Running", "containerStatuses": [RUNNING, WAITING]},
            "Its container b does not run: ImagePullBackOff.",
        ),
        (
            {"phase": "Running", "containerStatuses": [{"name": "c", "state": {}}]},
            "Its container c does not run: .",
        ),
        (
            {"phase": "Running", "containerStatuses": [{"name": "c"}]},
            "Its container c does not run: .",
        ),
        ({"phase": "Pending", "containerStatuses": [WAITING]}, "Its phase is Pending."),
        ({"phase": "Succeeded"}, "Its phase is Succeeded."),
        ({}, "Its phase is None."),
        (None, "Its phase is None."),
    ],
)
def test_a_pod_runs_when_its_phase_and_its_containers_say_so(
    status: Object | None, why: str
) -> None:
    assert not_running({"status": status} if status is not None else {}) == why


def token(**more: Any) -> Object:
    return {"serviceAccountToken": {"path": "token", **more}}


def projected(*sources: Object) -> Object:
    return {"projected": {"sources": list(sources)}}


def secret(name: str) -> Object:
    return {"secret": {"secretName": name}}


OLD = "kubernetes.io/service-account-token"
SECRETS: dict[str, Object] = {
    "/api/v1/namespaces/s/secrets/old": {
        "type": OLD,
        "metadata": {"annotations": {"kubernetes.io/service-account.name": "elder"}},
    },
    "/api/v1/namespaces/s/secrets/plain": {
        "type": "Opaque",
        "metadata": {"annotations": {"kubernetes.io/service-account.name": "elder"}},
    },
}


def pod_with(volume: Object, *, mounts: str = "containers", account: str | None = "bot") -> Object:
    mounted = {"name": "c", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    spec: Object = {
        "containers": [{"name": "main"}],
        "volumes": [{"name": "v", **volume}, {"name": "w", **projected(token())}],
    }
    if account is not None:
        spec["serviceAccountName"] = account
    if mounts:
        spec[mounts] = [*spec.get(mounts, ()), mounted]
    return {"metadata": {"name": "p", "namespace": "s"}, "spec": spec}


@pytest.mark.parametrize(
    ("volume", "for_anybody", "for_server"),
    [
        (projected(token()), ["bot"], ["bot"]),
        (
            projected(token(audience="https://kubernetes.default.svc.cluster.local")),
            ["bot"],
            ["bot"],
        ),
        (projected(token(audience="vault")), ["bot"], []),
        (projected(token(audience="vault.https://kubernetes.default.svc")), ["bot"], []),
        (projected(token(audience="vault"), token()), ["bot", "bot"], ["bot"]),
        (projected({"configMap": {"name": "m"}}, token()), ["bot"], ["bot"]),
        (projected({"secret": {"name": "old"}}), ["elder"], ["elder"]),
        (projected({"secret": {"name": "plain"}}), [], []),
        ({"projected": {"sources": None}}, [], []),
        ({"projected": None, "secret": None}, [], []),
        ({"emptyDir": {}}, [], []),
        (secret("old"), ["elder"], ["elder"]),
        (secret("plain"), [], []),
        (secret("ghost"), [], []),
    ],
)
def test_the_tokens_of_a_mounted_volume(
    volume: Object, for_anybody: list[str], for_server: list[str]
) -> None:
    context = context_of(SECRETS)
    assert mounted_tokens(pod_with(volume), context) == for_anybody
    assert mounted_tokens(pod_with(volume), context, for_server=True) == for_server


@pytest.mark.parametrize("mounts", ["containers", "initContainers", "ephemeralContainers"])
def test_any_container_may_mount_it(mounts: str) -> None:
    assert mounted_tokens(pod_with(projected(token()), mounts=mounts), context_of()) == ["bot"]


def test_what_no_container_mounts_counts_for_nothing() -> None:
    made = pod_with(projected(token()), mounts="")
    assert mounted_tokens(made, context_of()) == []
    made["spec"] |= {"initContainers": None, "ephemeralContainers": None, "volumes": None}
    made["spec"]["containers"][0]["volumeMounts"] = None
    assert mounted_tokens(made, context_of()) == []


@pytest.mark.parametrize("account", [None, ""])
def test_a_pod_that_names_no_account_has_the_default_one(account: str | None) -> None:
    assert mounted_tokens(pod_with(projected(token()), account=account), context_of()) == [
        "default"
    ]


AS_TOLD: Object = {
    "phase": "Running",
    "containerStatuses": [
        {
            "name": "main",
            "ready": True,
            "restartCount": 0,
            "image": "i",
            "imageID": "i",
            "state": {"running": {}},
        }
    ],
}


@pytest.mark.parametrize(
    "status", [AS_TOLD, {"phase": "Running"}, {"phase": "Running", "containerStatuses": []}]
)
def test_a_pod_that_never_ran_is_not_running_because_a_learner_says_so(status: Object) -> None:
    desk = Desk("2.1")
    path = f"/api/v1/namespaces/{desk.space}"
    spec = {
        "serviceAccountName": desk.name("bot"),
        "containers": [{"name": "main", "image": "no/such/image:9", "command": ["false"]}],
    }
    desk.admin.post(f"{path}/serviceaccounts", {"metadata": {"name": desk.name("bot")}})
    made = desk.admin.post(f"{path}/pods", {"metadata": {"name": desk.name("pod")}, "spec": spec})
    assert made.status == 201
    assert desk.admin.patch(f"{path}/pods/{desk.name('pod')}/status", {"status": status}).ok
    assert [item.ok for item in desk.judge().items if item.most] == [True, True, False]
