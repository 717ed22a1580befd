"""Every step by every capable client: wrong, too much, right; predicted before and after; after a restart.

All clients make the same requests and objects for a step (``clients``), so that a verdict that depends on the
tool is noticed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from labkit import check, lessons, predict
from labkit.lab.lab import Lab
from tests.lessons.clients import ADMIN, AMBASSADOR, ANONYMOUS, BAD_TOKEN, CLIENTS, PROXY, missing
from tests.lessons.test_checkpoints import (
    RBAC,
    READERS,
    THREE_LISTS,
    account,
    binding,
    group,
    pod,
    role,
)

Asked = list[tuple[str, str]]
"""Who asks, and for what."""

Made = list[dict[str, Any]]

SERVICES = "/api/v1/namespaces/{}/services".format
KIKAI, DARBO = account("kikai"), account("darbo")
POD_ACCOUNT = "kikai/default"


class Looking(NamedTuple):
    """A step about a request: the right prediction, the request, and requests that come near to it."""

    predicted: object
    right: Asked
    wrong: Asked
    clients: tuple[str, ...] = tuple(CLIENTS)


class Making(NamedTuple):
    """A step about objects: the right prediction, the objects, too few of them, and too many."""

    right: Made
    wrong: Made
    too_much: Made = []  # noqa: RUF012 - never changed
    predicted: object = None
    asks: tuple[tuple[str, str], ...] = ()
    """The requests of the pod in kikai that follow."""


OUTSIDE = ("lab", "kubectl", "curl", "python")
"""The clients that can be the administrator."""

LOOKING = {
    "W2": Looking(
        {"no token": "forbidden", "bad token": "unauthorized"},
        [(ANONYMOUS, "/api"), (BAD_TOKEN, "/api")],
        [(ANONYMOUS, "/api"), (ANONYMOUS, "/version")],
    ),
    "W3": Looking(
        "allowed", [(PROXY, "/api/v1/namespaces")], [(ANONYMOUS, "/api/v1/namespaces")], OUTSIDE
    ),
    "W4": Looking(
        RBAC,
        [(ADMIN, path) for path in ("/", "/api", "/apis", "/api/v1", f"/apis/{RBAC}/v1")],
        [(ADMIN, path) for path in ("/", "/api", "/apis", "/api/v1", "/version")],
        OUTSIDE,
    ),
    "W8": Looking(
        "system:serviceaccount:default:default",
        [("default/default", "/"), ("default/default", "/api")],
        [("kube-system/default", "/"), ("kube-system/default", "/api")],
    ),
    "W9": Looking(
        "default", [(ADMIN, "/api/v1/serviceaccounts")], [(ADMIN, "/api/v1/namespaces")], OUTSIDE
    ),
    "W13": Looking(
        "system:serviceaccount:default:kikai",
        [(AMBASSADOR, "/"), (AMBASSADOR, "/api")],
        [("default/kikai", "/api")],
        ("lab", "kubectl", "labkit exec"),
    ),
    "W15": Looking(
        "forbidden",
        [(POD_ACCOUNT, SERVICES("kikai"))],
        [(POD_ACCOUNT, "/api/v1/namespaces/kikai/service"), ("darbo/default", SERVICES("kikai"))],
    ),
    "W19": Looking(
        {"kikai": "allowed", "darbo": "forbidden"},
        [("darbo/default", SERVICES("kikai")), ("darbo/default", SERVICES("darbo"))],
        [("darbo/default", SERVICES("kikai")), (POD_ACCOUNT, SERVICES("darbo"))],
    ),
    "W21": Looking(
        "forbidden",
        [(POD_ACCOUNT, "/api/v1/persistentvolumes")],
        [
            (POD_ACCOUNT, "/api/v1/persistentvolumeclaims"),
            ("darbo/default", "/api/v1/persistentvolumes"),
        ],
    ),
}

PROXY_CONTAINER = {"name": "ambassador", "image": "luksa/kubectl-proxy:1.6.2"}


def ambassador_pod(*more: dict[str, Any]) -> dict[str, Any]:
    """W11's pod, with more containers."""
    made = pod("curl-custom-sa", serviceAccountName="kikai")
    made["spec"]["containers"] += more
    return made


def namespace(name: str) -> dict[str, Any]:
    """Return a namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def service_account(space: str) -> dict[str, Any]:
    """Return a service account called kikai."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "kikai", "namespace": space},
    }


def reader_pod(space: str) -> dict[str, Any]:
    """Return one of W14's pods."""
    return pod("test", space, "luksa/kubectl-proxy", command=[])


def cluster_binding(name: str, to: str, *who: dict[str, str]) -> dict[str, Any]:
    """Return a cluster role binding."""
    return binding(name, "", to, *who, kind="ClusterRole")


def view(space: str, *who: dict[str, str]) -> dict[str, Any]:
    """Return a role binding to the cluster role ``view``."""
    return binding("view-test", space, "view", *who, kind="ClusterRole")


PV_TEST = binding("pv-test", "kikai", "pv-reader", KIKAI, kind="ClusterRole")
READER = role("pv-reader", "", resources=["persistentvolumes"])
TEST = binding("test", "kikai", "service-reader", KIKAI)
SECRETS = role("secret-reader", "kikai", resources=["secrets"])

MAKING = {
    "W5": Making([pod("curl")], [pod("curl", "kube-public")]),
    "W10": Making([service_account("default")], [service_account("kube-public")], predicted="no"),
    "W11": Making([ambassador_pod(PROXY_CONTAINER)], [ambassador_pod()]),
    "W14": Making(
        [namespace("kikai"), namespace("darbo"), reader_pod("kikai"), reader_pod("darbo")],
        [namespace("kikai"), namespace("darbo"), reader_pod("kikai")],
    ),
    "W16": Making(
        READERS,
        [READERS[0], role("service-reader", "darbo", verbs=["get"])],
        [READERS[0], role("service-reader", "darbo", verbs=["get", "list", "watch"])],
        "forbidden",
        (("GET", SERVICES("kikai")),),
    ),
    "W17": Making(
        [TEST],
        [binding("test", "darbo", "service-reader", DARBO)],
        [TEST, SECRETS, binding("more", "kikai", "secret-reader", KIKAI)],
        "forbidden",
        (("GET", SERVICES("kikai")), ("DELETE", f"{SERVICES('kikai')}/web")),
    ),
    "W18": Making(
        [binding("test", "kikai", "service-reader", KIKAI, DARBO)],
        [binding("test", "kikai", "service-reader", DARBO)],
        [binding("test", "kikai", "service-reader", KIKAI, DARBO, group("system:authenticated"))],
    ),
    "W20": Making(
        [READER],
        [role("pv-reader", "", resources=["persistentvolumeclaims"])],
        [role("pv-reader", "", verbs=["get", "list", "delete"], resources=["persistentvolumes"])],
    ),
    "W22": Making(
        [view("kikai", KIKAI), PV_TEST],
        [view("kikai", KIKAI)],
        [view("kikai", KIKAI), PV_TEST, view("darbo", KIKAI)],
        {
            "pods in kikai": "allowed",
            "pods in darbo": "forbidden",
            "persistent volumes": "forbidden",
        },
        tuple(("GET", f"/api/v1/{path}") for path in THREE_LISTS),
    ),
    "W23": Making(
        [cluster_binding("pv-test", "pv-reader", KIKAI)],
        [PV_TEST],
        [cluster_binding("pv-test", "pv-reader", KIKAI, DARBO)],
        asks=(("GET", "/api/v1/persistentvolumes"),),
    ),
    "W24": Making(
        [cluster_binding("view-test", "view", KIKAI)],
        [view("kikai", KIKAI)],
        [cluster_binding("view-test", "edit", KIKAI)],
        {"pods before": "forbidden", "secrets after": "forbidden"},
        (("GET", "/api/v1/pods"), ("GET", "/api/v1/secrets")),
    ),
}

LOGS = {"kikai by pods/*": "nothing", "kikai by *": "more", "darbo by pods/log": "the logs"}
LOG_READER = role("log-reader", "kikai", verbs=["get"], resources=["pods/log"])
MAKING["T4"] = Making(
    [LOG_READER, binding("log-reader", "kikai", "log-reader", KIKAI)],
    [LOG_READER, binding("log-reader", "kikai", "log-reader", DARBO)],
    [view("kikai", KIKAI)],
    LOGS,
    (("GET", "/api/v1/namespaces/kikai/pods/test/log"),) * 2,
)

ELSEWHERE = {
    **dict.fromkeys(
        ("T1", "T2", "T3"), "questions are recorded; who asks the cluster: scenarios/part6.py"
    ),
    **dict.fromkeys(
        ("T5", "T6"), "a program runs as its account: scenarios/part6.py, tests/rbac/testing"
    ),
    "W1": "an address is recorded: test_an_address_may_be_written_in_many_ways",
    "W6": "an address is recorded: test_what_kubectl_prints_may_be_recorded",
    "W7": "commands in the pod: test_any_client_counts has all four ways, test_any_way_to_look_… the options",
    "W12": "two tokens are looked at and claims recorded: test_other_ways",
}
"""Where the other steps' clients are tested."""


def test_every_step_is_in_the_matrix() -> None:
    assert sorted([*LOOKING, *MAKING, *ELSEWHERE]) == sorted(lessons.STEPS)


def restarted(lab: Lab) -> None:
    """Begin a new kernel: only the disk is left."""
    Lab(home=lab.home, say=lambda _line: None)


def looks(lab: Lab, step: str, client: str) -> None:
    """Do a step about a request with one client: too little first, then right."""
    row, ask = LOOKING[step], CLIENTS[client].ask
    lab.rewind(step)
    for who, path in row.wrong:
        ask(lab, who, path)
    predict(step, row.predicted)
    outcome = check(step)
    assert not outcome.passed, repr(outcome)
    restarted(lab)
    for who, path in row.right:
        ask(lab, who, path)
    outcome = check(step)
    assert outcome.passed, repr(outcome)
    lab.progress.forget()
    lab.rewind(step)
    for who, path in reversed(row.right):  # asked first, then a new kernel, predicted last
        ask(lab, who, path)
    restarted(lab)
    assert not check(step).passed
    predict(step, row.predicted)
    outcome = check(step)
    assert outcome.passed, repr(outcome)


def makes(lab: Lab, step: str, client: str) -> None:
    """Do a step about objects with one client: too little, too much, then right."""
    row, make = MAKING[step], CLIENTS[client].make
    assert make is not None
    for objects, enough in ((row.wrong, False), (row.too_much, False), (row.right, True)):
        if not objects:
            continue
        lab.rewind(step)
        if row.predicted is not None and enough:
            predict(step, row.predicted)
        for obj in objects:
            make(lab, obj)
        wait_for_pods(lab, objects)
        restarted(lab)
        for method, path in row.asks:
            lab.as_pod("kikai/test").request(method, path)
        if row.predicted is not None and not enough:
            predict(step, row.predicted)
        outcome = check(step)
        assert outcome.passed is enough, repr(outcome)


def wait_for_pods(lab: Lab, objects: Made) -> None:
    """Wait until the pods among some objects run."""
    for obj in objects:
        if obj["kind"] == "Pod":
            lab.wait(f"{obj['metadata']['namespace']}/{obj['metadata']['name']}")


CELLS: list[tuple[Callable[[Lab, str, str], None], str, str]] = [
    *((looks, step, client) for step, row in LOOKING.items() for client in row.clients),
    *((makes, step, client) for step in MAKING for client in OUTSIDE),
]


QUICK = (
    ("W2", "kubectl"),
    ("W2", "python"),
    ("W18", "python"),
    ("W18", "kubectl"),
    ("W18", "curl"),
    ("W18", "labkit exec"),
)

SLOW = {
    (step, client) for _, step, client in CELLS if client != "lab" and (step, client) not in QUICK
}
"""What starts a program for each request; six such pairs are enough for a quick look."""


@pytest.mark.parametrize(
    ("take", "step", "client"),
    [
        pytest.param(
            *cell, id="-".join(cell[1:]), marks=[pytest.mark.slow] if cell[1:] in SLOW else []
        )
        for cell in CELLS
    ],
)
def test_a_verdict_does_not_depend_on_the_client(
    lab: Lab, take: Callable[[Lab, str, str], None], step: str, client: str
) -> None:
    if missing([client]):
        pytest.skip(f"{client} is not installed; the other clients take the same steps")
    take(lab, step, client)
