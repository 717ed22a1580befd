"""One request must not cost others their points: not by its size, and not where it escapes every limit."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import yaml

from kube_embedded.apiserver.serving.inprocess import Answer, ask
from kube_embedded.apiserver.storage import Store
from kube_embedded.cluster import Cluster
from labkit.grading.clusters import embedded_cluster, loop_watch
from labkit.grading.clusters.budget import Budget, Quota
from labkit.grading.clusters.embedded_cluster import ClusterTemplate, EmbeddedCluster
from labkit.grading.clusters.inprocess import ADMIN
from labkit.grading.clusters.loop_watch import LoopWatch, Share
from labkit.grading.graders.grader import GRADED_AGAIN, Grader
from labkit.grading.running.workers import ServedCluster
from labkit.grading.tasks import find_exercise
from labkit.grading.walls.isolation import Limits
from tests.grading.support import SETUP, grade, solved_cells, submit

EXERCISE = "ex4-roles"
SPACE = "/api/v1/namespaces/default"
CONFIG_MAPS, PODS = f"{SPACE}/configmaps", f"{SPACE}/pods"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
JSON, YAML = "application/json", "application/yaml"
JSON_PATCH, MERGE, STRATEGIC = (
    f"application/{name}+json" for name in ("json-patch", "merge-patch", "strategic-merge-patch")
)
APPLY = "application/apply-patch+yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"


class Graded:
    """A cluster as a submission has it, with a quota that only single requests can exceed."""

    def __init__(self, template: ClusterTemplate, sent_bytes: int = 32 << 20) -> None:
        self.cluster = Cluster(template.keys, Store(template.base), signer=template.signer)
        self.budget = Budget(
            self.cluster, Quota(seconds=3600.0, sent_bytes=sent_bytes, rbac_bytes=64 << 20)
        )
        self.budget.attach()

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        data = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        sent = [("content-type", content_type), *(headers or {}).items()]
        return ask(self.cluster.handle, method, path, headers=sent, body=data, certificate=ADMIN)


@pytest.fixture(scope="session")
def template() -> ClusterTemplate:
    """What the clusters share."""
    return ClusterTemplate()


@pytest.fixture
def graded(template: ClusterTemplate) -> Graded:
    """A new cluster."""
    return Graded(template)


def named(**rest: Any) -> dict[str, Any]:
    """An object named x."""
    return {"metadata": {"name": "x"}, **rest}


def pod(**container: Any) -> dict[str, Any]:
    """A pod of one container."""
    return named(spec={"containers": [{"name": "c", "image": "nginx", **container}]})


def many(kind: str, count: int) -> dict[str, Any]:
    """A map of many keys."""
    return {f"{kind}{number}": "v" for number in range(count)}


def config_map(graded: Graded, data: Mapping[str, str]) -> None:
    """Create the config map that patches are sent to."""
    assert graded("POST", CONFIG_MAPS, named(data=dict(data))).status == 201


BODIES: dict[str, Callable[[], tuple[str, str, Any, str]]] = {
    "a map of 70,000 keys": lambda: ("POST", CONFIG_MAPS, named(data=many("k", 70_000)), JSON),
    "70,000 labels": lambda: (
        "POST",
        CONFIG_MAPS,
        {"metadata": {"name": "x", "labels": many("k", 70_000)}},
        JSON,
    ),
    "70,000 finalizers": lambda: (
        "POST",
        CONFIG_MAPS,
        {"metadata": {"name": "x", "finalizers": [f"a.b/{number}" for number in range(70_000)]}},
        JSON,
    ),
    "100,000 unknown fields": lambda: ("POST", CONFIG_MAPS, named(**many("u", 100_000)), JSON),
    "managed fields of 80,000 paths": lambda: (
        "POST",
        CONFIG_MAPS,
        {
            "metadata": {
                "name": "x",
                "managedFields": [
                    {
                        "manager": "m",
                        "operation": "Update",
                        "apiVersion": "v1",
                        "fieldsType": "FieldsV1",
                        "fieldsV1": {"f:data": {f"f:{number}": {} for number in range(80_000)}},
                    }
                ],
            }
        },
        JSON,
    ),
    "15,000 managers": lambda: (
        "POST",
        CONFIG_MAPS,
        {
            "metadata": {
                "name": "x",
                "managedFields": [
                    {
                        "manager": f"m{number}",
                        "operation": "Apply",
                        "apiVersion": "v1",
                        "fieldsV1": {"f:data": {}},
                    }
                    for number in range(15_000)
                ],
            }
        },
        JSON,
    ),
    "three megabytes that are no JSON": lambda: (
        "POST",
        CONFIG_MAPS,
        b'{"a":[' + b"1," * 1_400_000 + b"x",
        JSON,
    ),
    "a million empty objects": lambda: (
        "POST",
        CONFIG_MAPS,
        b'{"x":[' + b"{}," * 900_000 + b"{}]}",
        JSON,
    ),
    "a million lists and half a character": lambda: (
        "POST",
        CONFIG_MAPS,
        b'{"x":["\\ud800",' + b"[]," * 400_000 + b"1]}",
        JSON,
    ),
    "three megabytes of YAML text": lambda: ("POST", CONFIG_MAPS, b"x: " + b"a " * 1_400_000, YAML),
    "three megabytes of line ends": lambda: ("POST", CONFIG_MAPS, b"\n" * 3_000_000, YAML),
    "99,000 values of YAML": lambda: ("POST", CONFIG_MAPS, b"x: [" + b"a," * 50_000 + b"]", YAML),
    "a pod of YAML": lambda: (
        "POST",
        PODS,
        yaml.dump(pod(env=[{"name": f"E{number}"} for number in range(5000)])).encode(),
        YAML,
    ),
    "3,400 containers": lambda: (
        "POST",
        PODS,
        named(
            spec={"containers": [{"name": f"c{number}", "image": "b"} for number in range(3400)]}
        ),
        JSON,
    ),
    "200 containers": lambda: (
        "POST",
        PODS,
        named(spec={"containers": [{"name": f"c{number}", "image": "b"} for number in range(200)]}),
        JSON,
    ),
    "a script of 100,000 characters": lambda: (
        "POST",
        PODS,
        pod(command=["sh", "-c", "echo a;" * 15_000]),
        JSON,
    ),
    "3,400 mounts": lambda: (
        "POST",
        PODS,
        pod(volumeMounts=[{"name": "v", "mountPath": f"/{number}"} for number in range(3400)]),
        JSON,
    ),
    "a role that looks at all others 1,000 times": lambda: (
        "POST",
        f"{RBAC}/clusterroles",
        named(
            aggregationRule={
                "clusterRoleSelectors": [{"matchLabels": {"a": "b"}} for _ in range(1000)]
            }
        ),
        JSON,
    ),
}


@pytest.mark.parametrize("case", BODIES)
def test_a_body_that_is_too_much_work_is_refused_as_too_large(case: str, graded: Graded) -> None:
    method, path, body, content_type = BODIES[case]()
    answer = graded(method, path, body, content_type)
    assert answer.status == 413, answer.body[:300]
    assert b"it is more work than the server does for one request" in answer.body
    assert graded("GET", SPACE).status == 200
    assert len(graded.cluster.store.list("configmaps", "default")) == 1  # the cluster's own


def test_protobuf_of_many_parts_is_refused(graded: Graded) -> None:
    from kube_embedded.machinery.schema.protobuf_read import MAGIC, UNKNOWN, message_class

    made = message_class("k8s.io.api.core.v1.ConfigMap")()
    made.metadata.name = "x"
    for _ in range(300_000):
        made.metadata.managedFields.add()
    envelope = message_class(UNKNOWN)()
    envelope.typeMeta.apiVersion, envelope.typeMeta.kind = "v1", "ConfigMap"
    envelope.raw = made.SerializeToString()
    answer = graded("POST", CONFIG_MAPS, MAGIC + envelope.SerializeToString(), PROTOBUF)
    assert answer.status == 413


PATCHES: dict[str, Callable[[], tuple[Any, str]]] = {
    "tests of a large value": lambda: (
        [{"op": "test", "path": "/data", "value": many("k", 8000)}] * 20,
        JSON_PATCH,
    ),
    "copies of a large value": lambda: (
        [{"op": "copy", "from": "/data", "path": f"/x{number}"} for number in range(9999)],
        JSON_PATCH,
    ),
    "a value of 100,000 parts": lambda: (
        [{"op": "add", "path": "/data", "value": many("x", 100_000)}],
        JSON_PATCH,
    ),
    "100,000 nulls": lambda: ({"data": dict.fromkeys(many("x", 100_000))}, MERGE),
    "200,000 objects": lambda: ({"x": [{"a": 1}] * 200_000}, MERGE),
    "100,000 items": lambda: (
        {"metadata": {"finalizers": [f"a.b/{number}" for number in range(100_000)]}},
        STRATEGIC,
    ),
    "an apply of 40,000 fields": lambda: (
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "x"},
            "data": many("x", 40_000),
        },
        APPLY,
    ),
}


@pytest.mark.parametrize("case", PATCHES)
def test_a_patch_that_is_too_much_work_is_refused(case: str, graded: Graded) -> None:
    config_map(graded, many("k", 8000))
    body, content_type = PATCHES[case]()
    answer = graded("PATCH", f"{CONFIG_MAPS}/x?fieldManager=m", body, content_type)
    assert answer.status == 413, answer.body[:300]
    assert graded.cluster.store.list("configmaps", "default")[-1]["data"] == many("k", 8000)


LISTS = {
    "label requirements": "labelSelector=" + ",".join(["a>3"] * 10_000),
    "field terms": "fieldSelector=" + ",".join(["metadata.name!=x"] * 3000),
}


@pytest.mark.parametrize("verb", ["GET", "WATCH", "DELETE"])
@pytest.mark.parametrize("case", LISTS)
def test_many_terms_on_many_objects_are_refused(case: str, verb: str, graded: Graded) -> None:
    for number in range(100):
        graded("POST", CONFIG_MAPS, {"metadata": {"name": f"c{number}", "labels": {"a": "7"}}})
    query = LISTS[case] + "&watch=1" * (verb == "WATCH")
    answer = graded(verb.replace("WATCH", "GET"), f"{CONFIG_MAPS}?{query}")
    assert answer.status == 429, answer.body[:300]
    assert len(graded.cluster.store.list("configmaps", "default")) == 101


def test_a_list_in_yaml_is_charged_and_its_refusal_is_yaml(graded: Graded) -> None:
    for number in range(400):
        graded("POST", CONFIG_MAPS, {"metadata": {"name": f"c{number}"}})
    answer = graded("GET", CONFIG_MAPS, headers={"accept": YAML})
    assert answer.status == 429
    assert (
        yaml.safe_load(answer.body)["message"]
        == "The request is more work than the server does for one."
    )


def test_heads_are_counted_since_the_audit_log_holds_them(template: ClusterTemplate) -> None:
    graded = Graded(template, sent_bytes=64 << 10)
    statuses = [graded("GET", f"/version?{'a' * 20_000}").status for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]


def test_the_servers_time_is_counted_and_what_is_used_up_is_noted(
    template: ClusterTemplate,
) -> None:
    share = Share()
    made = EmbeddedCluster(
        template.keys,
        find_exercise(EXERCISE),
        "ann",
        template=template,
        quota=Quota(seconds=1e-9),
        share=share,
    )
    assert (made.note, share.used_seconds) == ("", 0.0)
    made._budget.attach()
    answers = [ask(made.cluster.handle, "GET", SPACE, certificate=ADMIN) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 429]
    assert share.used_seconds > 0
    why = "it took the server more than 1e-09 s"
    assert made.note == f"It used up what it may ask of its cluster: {why}."
    assert why in json.loads(answers[1].body)["message"]


def test_a_head_that_is_too_long_is_not_read(graded: Graded) -> None:
    assert graded("GET", SPACE, headers={"x-forwarded-for": "1.1.1.1," * 10_000}).status == 431


def test_rights_to_the_fourth_power_are_not_compared(graded: Graded) -> None:
    create = {
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["clusterroles"],
        "verbs": ["create"],
    }
    graded("POST", f"{RBAC}/clusterroles", named(rules=[create]))
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "x"}
    graded(
        "POST",
        f"{RBAC}/clusterrolebindings",
        named(roleRef=ref, subjects=[{"kind": "User", "name": "u"}]),
    )
    names = [f"n{number}" for number in range(60)]
    rule = {"apiGroups": names, "resources": names, "verbs": names, "resourceNames": names}
    body = {"metadata": {"name": "y"}, "rules": [rule]}
    assert (
        graded("POST", f"{RBAC}/clusterroles", body, headers={"impersonate-user": "u"}).status
        == 413
    )


def test_many_bindings_to_many_rules_are_not_all_read(graded: Graded) -> None:
    rules = [{"apiGroups": [""], "resources": ["a"], "verbs": ["get"]} for _ in range(1000)]
    graded("POST", f"{RBAC}/clusterroles", named(rules=rules))
    ref = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "x"}
    for number in range(100):
        body = {
            "metadata": {"name": f"b{number}"},
            "roleRef": ref,
            "subjects": [{"kind": "User", "name": "u"}],
        }
        assert graded("POST", f"{RBAC}/clusterrolebindings", body).status == 201
    assert graded("GET", f"{SPACE}/secrets", headers={"impersonate-user": "u"}).status == 429
    review = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    as_u = {"impersonate-user": "u"}
    assert graded("POST", review, {"spec": {"namespace": "default"}}, headers=as_u).status in (
        413,
        429,
    )


def test_a_set_gets_as_many_pods_as_one_request_may_start(graded: Graded) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod()["spec"]}
    spec = {"replicas": 100, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    assert (
        graded("POST", "/apis/apps/v1/namespaces/default/deployments", named(spec=spec)).status
        == 201
    )
    assert 10 <= len(graded.cluster.store.list("pods", "default")) <= 30


ORDINARY: dict[str, Callable[[Graded], int]] = {
    "a text of 900 KB": lambda graded: (
        graded("POST", CONFIG_MAPS, named(data={"a": "x, {" * 225_000})).status
    ),
    "200 keys": lambda graded: graded("POST", CONFIG_MAPS, named(data=many("k", 200))).status,
    "a role of 1,000 names": lambda graded: (
        graded(
            "POST",
            f"{RBAC}/clusterroles",
            named(
                rules=[
                    {
                        "apiGroups": [""],
                        "resources": ["a"],
                        "verbs": ["get"],
                        "resourceNames": list(many("n", 1000)),
                    }
                ]
            ),
        ).status
    ),
    "20 containers of 20 variables": lambda graded: (
        graded(
            "POST",
            PODS,
            named(
                spec={
                    "containers": [
                        {
                            "name": f"c{number}",
                            "image": "nginx",
                            "env": [{"name": f"E{index}"} for index in range(20)],
                        }
                        for number in range(20)
                    ]
                }
            ),
        ).status
    ),
}


@pytest.mark.parametrize("case", ORDINARY)
def test_what_is_ordinary_is_not_refused(case: str, graded: Graded) -> None:
    assert ORDINARY[case](graded) == 201


def test_outside_of_grading_nothing_is_refused(template: ClusterTemplate) -> None:
    cluster = Cluster(template.keys, Store(template.base), signer=template.signer)
    body = json.dumps(named(data=many("k", 40_000))).encode()
    assert ask(cluster.handle, "POST", CONFIG_MAPS, body=body, certificate=ADMIN).status == 201


HOLD = """
import threading
path = "/apis/rbac.authorization.k8s.io/v1/clusterroles?labelSelector=" + ",".join(["a"] * 14_000)
def hold():
    print("got", [lab.admin.get(path).status for _ in range(3)])
threads = [threading.Thread(target=hold) for _ in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
FIELDS = (
    HOLD.replace("labelSelector", "fieldSelector")
    .replace('"a"', '"metadata.name!=x"')
    .replace("14_000", "2500")
)
LONG = HOLD.replace("14_000", "100_000")


@pytest.mark.parametrize(
    "kernel", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["forked", "kernel"]
)
def test_honest_notebooks_beside_a_hostile_one_have_all_their_points(
    kernel: bool, tmp_path: Path
) -> None:
    honest = [f"ann{number}" for number in range(2 if kernel else 4)]
    for learner in honest:
        submit(tmp_path, learner, EXERCISE, solved_cells(EXERCISE, learner))
    for learner, cell in (("eve1", HOLD), ("eve2", FIELDS), ("eve3", LONG)):
        submit(tmp_path, learner, EXERCISE, [SETUP, cell])
    with Grader(limits=Limits(seconds=60.0, cpu_seconds=30, kernel=kernel)) as grader:
        results = grade(grader, tmp_path)
    for learner in honest:
        assert results[learner].passed, (results[learner].outcome, results[learner].output)
    assert "got [429, 429, 429]" in results["eve1"].output, results["eve1"].output
    assert "got [429, 429, 429]" in results["eve2"].output, results["eve2"].output
    assert "got [431, 431, 431]" in results["eve3"].output, results["eve3"].output


UNLIMITED = Quota(request_work=float("inf"), head_bytes=1 << 21, seconds=60.0)
BLOCKING = """
path = "/api/v1/pods?labelSelector=" + ",".join(["a"] * 500_000)
for _ in range(2):
    lab.admin.get(path)
"""


@pytest.mark.parametrize(
    "kernel",
    [
        pytest.param(False, id="forked", marks=pytest.mark.slow),
        pytest.param(True, id="kernel", marks=pytest.mark.soak),
    ],
)
def test_a_request_that_escapes_every_limit_costs_others_nothing(
    kernel: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was blocked beside it is graded again, alone, and the result says so."""

    def never_starved(*arguments: Any, on_starved: object, **options: Any) -> ServedCluster:
        """Whoever waited for a processor is graded again, too, with the same note."""
        return ServedCluster(*arguments, **options)

    monkeypatch.setattr(embedded_cluster, "ServedCluster", never_starved)
    submit(
        tmp_path, "ann", EXERCISE, ["import time; time.sleep(2)", *solved_cells(EXERCISE, "ann")]
    )
    submit(tmp_path, "eve", EXERCISE, [SETUP, BLOCKING * 2])
    limits = Limits(seconds=60.0, cpu_seconds=30)
    with Grader(slots=2, limits=replace(limits, kernel=kernel), quota=UNLIMITED) as grader:
        results = grade(grader, tmp_path)
    assert results["ann"].passed, (results["ann"].outcome, results["ann"].output)
    assert GRADED_AGAIN in results["ann"].note
    assert GRADED_AGAIN not in results["eve"].note


@pytest.mark.slow
def test_a_learners_time_does_not_run_while_others_hold_the_server(tmp_path: Path) -> None:
    """At most as much is given as a notebook has anyway, whatever the grader says."""
    submit(tmp_path, "ann", EXERCISE, ["import time; time.sleep(9); print('all of it')"])
    submit(tmp_path, "bob", EXERCISE, ["import time; time.sleep(60)"])
    held = patch.object(LoopWatch, "held_seconds", lambda _watch, _share: 1e6)
    with held, Grader(limits=Limits(seconds=7.0, cpu_seconds=30)) as grader:
        results = grade(grader, tmp_path)
    assert results["ann"].complete, (results["ann"].outcome, results["ann"].output)
    assert "all of it" in results["ann"].output
    assert results["bob"].ended == "time limit"


def test_what_ones_own_requests_take_gives_nobody_time() -> None:
    watch, mine, other = LoopWatch(), Share(), Share()
    watch.running |= {mine, other}
    watch._due = time.monotonic() - 5.0
    mine.used_seconds += 5.0
    watch.look()
    assert (mine.blocked, other.blocked) == (False, True)
    assert mine.held_seconds < 0.5 < 4.9 < other.held_seconds
    held = other.held_seconds
    watch.look()
    assert other.held_seconds < held + 0.5


@pytest.mark.parametrize(("late", "blocked"), [(0.0, False), (0.9, False), (1.1, True)])
def test_a_beat_that_comes_late_holds_everybody(
    late: float, blocked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three beats, the second is late, by a clock that only goes on while the watch sleeps."""
    now = 10.0
    delays = [0.0, late, 0.0]

    async def sleep(seconds: float) -> None:
        nonlocal now
        if not delays:
            raise asyncio.CancelledError
        now += seconds + delays.pop(0)

    monkeypatch.setattr(loop_watch, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(loop_watch, "asyncio", SimpleNamespace(sleep=sleep))
    share = Share()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(LoopWatch({share}).run())
    assert share.held_seconds == pytest.approx(late)
    assert share.blocked is blocked
