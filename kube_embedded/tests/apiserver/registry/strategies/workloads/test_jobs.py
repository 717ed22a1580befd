"""What jobs and cron jobs may say, and what of it may change."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kube_embedded.apiserver.registry.strategies.workloads.job_specs import count_indexes
from kube_embedded.tests.support.cluster import ClusterApi, Reply, causes

JOBS = "/apis/batch/v1/namespaces/lab/jobs"
CRON_JOBS = "/apis/batch/v1/namespaces/lab/cronjobs"
TEMPLATE = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x"}]}}
INDEXED = {"completionMode": "Indexed", "completions": 3}
NEEDS_INDEXES = "requires indexed completion mode"


@pytest.fixture(scope="module")
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    return made


def job(api: ClusterApi, **spec: Any) -> Reply:
    return api.admin.post(
        f"{JOBS}?dryRun=All", {"metadata": {"name": "j"}, "spec": {"template": TEMPLATE, **spec}}
    )


def rules(*found: dict[str, Any]) -> dict[str, Any]:
    return {"rules": list(found)}


@pytest.mark.parametrize(
    ("spec", "found"),
    [
        (
            {"maxFailedIndexes": 1},
            [
                ("spec.backoffLimitPerIndex", "Required value: when maxFailedIndexes is specified"),
                ("spec.maxFailedIndexes", f"Invalid value: 1: {NEEDS_INDEXES}"),
            ],
        ),
        (
            {"successPolicy": rules({"succeededCount": 1})},
            [
                (
                    "spec.successPolicy",
                    'Invalid value: {"Rules":[{"SucceededIndexes":null,"SucceededCount":1}]}: '
                    + NEEDS_INDEXES,
                )
            ],
        ),
        (
            {**INDEXED, "successPolicy": rules({"succeededIndexes": "0,x"}, {"succeededCount": 9})},
            [
                (
                    "spec.successPolicy.rules[0].succeededIndexes",
                    'Invalid value: "0,x": error parsing succeededIndexes: '
                    'cannot convert string to integer for index: "x"',
                ),
                (
                    "spec.successPolicy.rules[1].succeededCount",
                    "Invalid value: 9: must be less than or equal to 3 (the number of specified completions)",
                ),
            ],
        ),
        (
            {
                "podFailurePolicy": rules({"action": "FailIndex"}),
                "podReplacementPolicy": "TerminatingOrFailed",
            },
            [
                (
                    "spec.podReplacementPolicy",
                    'Unsupported value: "TerminatingOrFailed": supported values: "Failed"',
                )
            ],
        ),
        (
            {
                "podFailurePolicy": rules(
                    {"action": "Count", "onExitCodes": {"operator": "In", "values": [2, 0, 2]}}
                )
            },
            [
                (
                    "spec.podFailurePolicy.rules[0].onExitCodes.values[1]",
                    "Invalid value: 0: must not be 0 for the In operator",
                ),
                ("spec.podFailurePolicy.rules[0].onExitCodes.values[2]", "Duplicate value: 2"),
                (
                    "spec.podFailurePolicy.rules[0].onExitCodes.values",
                    "Invalid value: [2,0,2]: must be ordered",
                ),
            ],
        ),
        (
            {"managedBy": "me"},
            [
                (
                    "spec.managedBy",
                    'Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")',
                )
            ],
        ),
    ],
)
def test_rules_of_a_job(
    api: ClusterApi, spec: dict[str, Any], found: list[tuple[str, str]]
) -> None:
    assert causes(job(api, **spec)) == found


def test_a_condition_without_a_status_holds(api: ClusterApi) -> None:
    policy = rules({"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]})
    made = api.must(job(api, podFailurePolicy=policy))
    assert made["spec"]["podFailurePolicy"]["rules"][0]["onPodConditions"][0]["status"] == "True"


def test_what_of_a_job_may_change(api: ClusterApi) -> None:
    body = {"metadata": {"name": "w"}, "spec": {"template": TEMPLATE, "suspend": True, **INDEXED}}
    api.must(api.admin.post(JOBS, body))
    path = f"{JOBS}/w?dryRun=All"
    assert api.admin.patch(path, {"spec": {"completions": 4, "parallelism": 4}}).status == 200
    assert causes(api.admin.patch(path, {"spec": {"completions": 4}})) == [
        (
            "spec.completions",
            "Invalid value: 4: can only be modified in tandem with spec.parallelism",
        )
    ]
    image = {"containers": [{"name": "c", "image": "y"}]}
    assert [
        field for field, _ in causes(api.admin.patch(path, {"spec": {"template": {"spec": image}}}))
    ] == ["spec.template"]
    assert causes(
        api.admin.patch(path, {"spec": {"managedBy": "a.b/c", "backoffLimitPerIndex": 1}})
    ) == [
        ("spec.backoffLimitPerIndex", "Invalid value: 1: field is immutable"),
        ("spec.managedBy", 'Invalid value: "a.b/c": field is immutable'),
    ]


def test_counting_indexes() -> None:
    assert (count_indexes("", 5), count_indexes("0,2-4", 5)) == (0, 4)
    for text, why in (
        ("1,1", "non-increasing order, previous: 1, current: 1"),
        ("3-2", "non-increasing order, previous: 3, current: 2"),
        (
            "1-2-3",
            'the fragment "1-2-3" violates the requirement that an index interval can have at most '
            "two parts separated by '-'",
        ),
        ("5", 'too large index: "5"'),
    ):
        with pytest.raises(ValueError, match=re.escape(why) + "$"):
            count_indexes(text, 5)


def test_a_selector_that_was_not_generated_is_shown_in_order(api: ClusterApi) -> None:
    term = {"operator": "In", "values": ["1"], "key": "k"}
    selector = {"matchExpressions": [term], "matchLabels": {"z": "1", "a": "2"}}
    spec = {"selector": selector, "template": TEMPLATE}
    found = causes(api.admin.post(JOBS, {"metadata": {"name": "j"}, "spec": spec}))
    (shown,) = [message for field, message in found if field == "spec.selector"]
    uid = shown.partition('controller-uid":"')[2][:36]
    assert shown == (
        'Invalid value: {"matchLabels":{"a":"2","batch.kubernetes.io/controller-uid":"'
        + uid
        + '","z":"1"},'
        '"matchExpressions":[{"key":"k","operator":"In","values":["1"]}]}: `selector` not auto-generated'
    )
