"""What deployments, daemon sets, stateful sets and jobs may say of selectors, templates and strategies."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.apiserver.registry.strategies.workloads.statefulsets import StatefulSetStrategy
from kube_embedded.tests.support.cluster import ClusterApi, Reply, causes

APPS = "/apis/apps/v1/namespaces/lab"
JOBS = "/apis/batch/v1/namespaces/lab/jobs"
SELECTOR = {"matchLabels": {"a": "b"}}
TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"a": "b"}},
    "spec": {"containers": [{"name": "c", "image": "x"}]},
}
JOB_TEMPLATE: dict[str, Any] = {
    "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}]}
}
MISMATCH = (
    "spec.template.metadata.labels",
    'Invalid value: {"a":"b"}: `selector` does not match template `labels`',
)
NO_VALUES = (
    "spec.selector.matchExpressions[0].values",
    "Required value: must be specified when `operator` is 'In' or 'NotIn'",
)
BROKEN = {"matchExpressions": [{"key": "a", "operator": "In"}]}
SHOWN = 'Invalid value: {"matchExpressions":[{"key":"a","operator":"In"}]}'


@pytest.fixture(scope="module")
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


def make(api: ClusterApi, plural: str, **spec: Any) -> Reply:
    body = {"selector": SELECTOR, "template": TEMPLATE, **spec}
    sent = {name: value for name, value in body.items() if value is not None}
    return api.admin.post(f"{APPS}/{plural}?dryRun=All", {"metadata": {"name": "w"}, "spec": sent})


def job(api: ClusterApi, **spec: Any) -> Reply:
    return api.admin.post(
        f"{JOBS}?dryRun=All",
        {"metadata": {"name": "j"}, "spec": {"template": JOB_TEMPLATE, **spec}},
    )


@pytest.mark.parametrize(
    ("plural", "found"),
    [
        ("deployments", [("spec.selector", "Required value"), MISMATCH]),
        ("replicasets", [("spec.selector", "Required value"), MISMATCH]),
        ("statefulsets", [("spec.selector", "Required value"), MISMATCH]),
        ("daemonsets", [MISMATCH]),
    ],
)
def test_without_a_selector(api: ClusterApi, plural: str, found: list[tuple[str, str]]) -> None:
    assert causes(make(api, plural, selector=None)) == found


@pytest.mark.parametrize(
    ("plural", "found"),
    [
        ("deployments", [NO_VALUES, ("spec.selector", f"{SHOWN}: invalid label selector")]),
        ("replicasets", [NO_VALUES, ("spec.selector", f"{SHOWN}: invalid label selector")]),
        ("statefulsets", [NO_VALUES, ("spec.selector", SHOWN)]),
        ("daemonsets", [NO_VALUES]),
    ],
)
def test_a_broken_selector(api: ClusterApi, plural: str, found: list[tuple[str, str]]) -> None:
    assert causes(make(api, plural, selector=BROKEN)) == found


def test_an_empty_selector(api: ClusterApi) -> None:
    for plural, word in (
        ("deployments", "deployment"),
        ("daemonsets", "daemonset"),
        ("statefulsets", "statefulset"),
    ):
        assert causes(make(api, plural, selector={})) == [
            ("spec.selector", f"Invalid value: {{}}: empty selector is invalid for {word}")
        ]


@pytest.mark.parametrize(
    ("strategy", "found"),
    [
        ({"type": "Foo"},
         [("spec.strategy", 'Unsupported value: {"Type":"Foo","RollingUpdate":null}: supported values: "Recreate", '
           '"RollingUpdate"')]),
        ({"type": "Recreate", "rollingUpdate": {"maxSurge": 1}},
         [("spec.strategy.rollingUpdate", "Forbidden: may not be specified when strategy `type` is 'Recreate'")]),
        ({"rollingUpdate": {"maxSurge": "0%", "maxUnavailable": 0}},
         [("spec.strategy.rollingUpdate.maxUnavailable", "Invalid value: 0: may not be 0 when `maxSurge` is 0")]),
        ({"rollingUpdate": {"maxSurge": -1, "maxUnavailable": "101%"}},
         [("spec.strategy.rollingUpdate.maxSurge", "Invalid value: -1: must be greater than or equal to 0"),
          ("spec.strategy.rollingUpdate.maxUnavailable", 'Invalid value: "101%": must not be greater than 100%')]),
    ],
)  # fmt: skip
def test_deployments_strategies(
    api: ClusterApi, strategy: Any, found: list[tuple[str, str]]
) -> None:
    assert causes(make(api, "deployments", strategy=strategy)) == found


def test_a_deadline_is_later_than_readiness(api: ClusterApi) -> None:
    late = "must be greater than minReadySeconds"
    assert causes(make(api, "deployments", progressDeadlineSeconds=5, minReadySeconds=5)) == [
        ("spec.progressDeadlineSeconds", f"Invalid value: 5: {late}")
    ]
    assert causes(make(api, "deployments", progressDeadlineSeconds=-1)) == [
        ("spec.progressDeadlineSeconds", "Invalid value: -1: must be greater than or equal to 0"),
        ("spec.progressDeadlineSeconds", f"Invalid value: -1: {late}"),
    ]


def test_a_template_on_the_hosts_network_needs_no_host_port(api: ClusterApi) -> None:
    spec = {
        "hostNetwork": True,
        "containers": [{"name": "c", "image": "x", "ports": [{"containerPort": 80}]}],
    }
    made = api.must(make(api, "deployments", template={**TEMPLATE, "spec": spec}))
    assert made["spec"]["template"]["spec"]["containers"][0]["ports"] == [
        {"containerPort": 80, "protocol": "TCP"}
    ]
    pod = api.must(
        api.admin.post(
            "/api/v1/namespaces/lab/pods?dryRun=All", {"metadata": {"name": "p"}, "spec": spec}
        )
    )
    assert pod["spec"]["containers"][0]["ports"] == [
        {"containerPort": 80, "hostPort": 80, "protocol": "TCP"}
    ]


def test_a_job_selects_by_its_own_uid(api: ClusterApi) -> None:
    made = api.must(job(api))
    uid = made["metadata"]["uid"]
    assert made["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert made["spec"]["template"]["metadata"]["labels"] == {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": "j",
        "controller-uid": uid,
        "job-name": "j",
    }


def test_a_jobs_generated_labels_may_not_be_others(api: ClusterApi) -> None:
    template = {"metadata": {"labels": {"job-name": "other"}}, **JOB_TEMPLATE}
    found = causes(job(api, template=template))
    assert [field for field, _ in found] == ["spec.template.metadata.labels[job-name]"]
    assert found[0][1].endswith(": must be 'j'")
    field, message = causes(job(api, selector=SELECTOR))[-1]
    assert (field, message.endswith("`selector` does not match template `labels`")) == (
        "spec.template.metadata.labels",
        True,
    )


def test_a_manual_selector_of_a_job(api: ClusterApi) -> None:
    assert causes(job(api, manualSelector=True)) == [
        ("spec.selector", "Required value"),
        (
            "spec.template.metadata.labels",
            "Invalid value: null: `selector` does not match template `labels`",
        ),
    ]
    api.must(
        job(
            api,
            manualSelector=True,
            selector=SELECTOR,
            template={"metadata": TEMPLATE["metadata"], **JOB_TEMPLATE},
        )
    )


def test_a_jobs_selector_stays(api: ClusterApi) -> None:
    body = {"metadata": {"name": "stays"}, "spec": {"parallelism": 0, "template": JOB_TEMPLATE}}
    api.must(api.admin.post(JOBS, body))
    found = causes(
        api.admin.patch(f"{JOBS}/stays", {"spec": {"selector": {"matchLabels": {"q": "r"}}}})
    )
    details = [message.rpartition(": ")[2] for _, message in found]
    assert details == [
        "`selector` not auto-generated",
        "`selector` does not match template `labels`",
        "`selector` does not match template `labels`",
        "field is immutable",
    ]


def test_a_daemon_set_counts_its_templates(api: ClusterApi) -> None:
    def templates(reply: Reply) -> str:
        return str(
            api.must(reply)["metadata"]["annotations"]["deprecated.daemonset.template.generation"]
        )

    body: dict[str, Any] = {
        "metadata": {"name": "counted"},
        "spec": {"selector": SELECTOR, "template": TEMPLATE},
    }
    made = api.admin.post(f"{APPS}/daemonsets", body)
    assert templates(made) == "1"
    changed = {**TEMPLATE, "spec": {"containers": [{"name": "c", "image": "y"}]}}
    assert templates(api.admin.put(f"{APPS}/daemonsets/counted", body)) == "1"
    assert (
        templates(
            api.admin.put(
                f"{APPS}/daemonsets/counted",
                {**body, "spec": {**body["spec"], "template": changed}},
            )
        )
        == "2"
    )
    assert templates(api.admin.put(f"{APPS}/daemonsets/counted/status", body)) == "2"


def test_what_a_stateful_set_may_say(api: ClusterApi) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1"}}},
    }
    mounting = {"name": "c", "image": "x", "volumeMounts": [{"name": "data", "mountPath": "/d"}]}
    template = {**TEMPLATE, "spec": {"containers": [mounting]}}
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}
    made = make(
        api,
        "statefulsets",
        template=template,
        volumeClaimTemplates=[claim],
        updateStrategy=rolling,
        serviceName="s",
    )
    assert api.must(made)["spec"]["updateStrategy"]["rollingUpdate"] == {"partition": 0}
    assert causes(make(api, "statefulsets", serviceName="A", ordinals={"start": -1}))[0] == (
        "spec.ordinals.start",
        "Invalid value: -1: must be greater than or equal to 0",
    )
    kept = make(api, "statefulsets", revisionHistoryLimit=-1)
    assert kept.status == 201
    warnings = StatefulSetStrategy().warnings(kept.body, kept.body)
    assert "a negative value retains all historical revisions" in warnings[0]


def test_an_update_is_held_to_the_rules_once(api: ClusterApi) -> None:
    body: dict[str, Any] = {
        "metadata": {"name": "once"},
        "spec": {"selector": SELECTOR, "template": TEMPLATE},
    }
    for plural in ("replicasets", "daemonsets"):
        api.must(api.admin.post(f"{APPS}/{plural}", body))
        wrong = {**body, "spec": {**body["spec"], "minReadySeconds": -1}}
        assert len(causes(api.admin.put(f"{APPS}/{plural}/once", wrong))) == 1


@pytest.mark.parametrize(
    ("data", "why"), [(None, "data is mandatory"), (1, "data must be a valid JSON object")]
)
def test_a_revision_holds_an_object(api: ClusterApi, data: Any, why: str) -> None:
    body = {"metadata": {"name": "r"}, "data": data}
    assert causes(api.admin.post(f"{APPS}/controllerrevisions", body)) == [
        ("data", f"Required value: {why}")
    ]


SPREAD = {"maxSkew": 1, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"}
NO_SELECTOR = "a null labelSelector results in matching no pod"
HOSTS = "this is used in Pod names and hostnames, which can result in surprising behavior"


def warned(reply: Reply) -> list[str]:
    assert reply.status in (200, 201), reply
    return [
        text for text in (HOSTS, NO_SELECTOR) if any(text in warning for warning in reply.warnings)
    ]


@pytest.mark.parametrize(
    ("plural", "hosts", "again"),
    [
        ("deployments", True, True),
        ("replicasets", True, True),
        ("statefulsets", False, True),
        ("daemonsets", False, False),
    ],
)
def test_what_is_hardly_meant(api: ClusterApi, plural: str, hosts: bool, again: bool) -> None:
    template = {**TEMPLATE, "spec": {**TEMPLATE["spec"], "topologySpreadConstraints": [SPREAD]}}
    name = "x.y" if hosts else "xy"
    body: dict[str, Any] = {
        "metadata": {"name": name},
        "spec": {"selector": SELECTOR, "template": template},
    }
    if plural == "statefulsets":
        body["spec"]["serviceName"] = "s"
    assert warned(api.admin.post(f"{APPS}/{plural}", body)) == ([HOSTS] if hosts else []) + [
        NO_SELECTOR
    ]
    item = f"{APPS}/{plural}/{name}"
    assert warned(api.admin.patch(item, {"metadata": {"labels": {"q": "1"}}})) == []
    assert warned(api.admin.patch(item, {"spec": {"minReadySeconds": 1}})) == (
        [NO_SELECTOR] if again else []
    )
    api.must(api.admin.delete(item))


def test_jobs_with_surprising_fields_are_warned_of(api: ClusterApi) -> None:
    template = {"spec": {**JOB_TEMPLATE["spec"], "topologySpreadConstraints": [SPREAD]}}
    body = {"metadata": {"name": "x.y"}, "spec": {"template": template, "suspend": True}}
    assert warned(api.admin.post(JOBS, body)) == [HOSTS, NO_SELECTOR]
    assert warned(api.admin.patch(f"{JOBS}/x.y", {"spec": {"suspend": False}})) == [NO_SELECTOR]
    assert warned(api.admin.patch(f"{JOBS}/x.y", {"metadata": {"labels": {"q": "1"}}})) == []


def test_templates_have_nothing_that_is_off(api: ClusterApi) -> None:
    container = {**TEMPLATE["spec"]["containers"][0], "lifecycle": {"stopSignal": "SIGTERM"}}
    for plural in ("deployments", "replicasets", "statefulsets", "daemonsets"):
        more = {"serviceName": "s"} if plural == "statefulsets" else {}
        made = api.must(
            make(api, plural, template={**TEMPLATE, "spec": {"containers": [container]}}, **more)
        )
        assert "lifecycle" not in made["spec"]["template"]["spec"]["containers"][0]
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    made = api.must(job(api, template=template))
    assert "lifecycle" not in made["spec"]["template"]["spec"]["containers"][0]
