"""Which nodes suit a pod, and which taints it tolerates."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.machinery.pods.placement import REQUIRED, node_suits, tolerated

NODE = {"metadata": {"name": "a", "labels": {"disk": "ssd", "zone": "1"}}}
SSD = {"key": "disk", "operator": "In", "values": ["ssd"]}
HDD = {"key": "disk", "operator": "In", "values": ["hdd"]}
ZONE = {"key": "zone", "operator": "Exists"}
NAMED_A = {"key": "metadata.name", "operator": "In", "values": ["a"]}
NAMED_B = {"key": "metadata.name", "operator": "In", "values": ["b"]}


@pytest.mark.parametrize(
    ("selector", "suits"),
    [
        (None, True),
        ({}, True),
        ({"disk": "ssd"}, True),
        ({"disk": "ssd", "zone": "1"}, True),
        ({"disk": "hdd"}, False),
        ({"disk": "ssd", "zone": "2"}, False),
        ({"disk": "hdd", "zone": "1"}, False),
        ({"rack": "1"}, False),
    ],
)
def test_a_node_has_all_labels_of_the_selector(
    selector: dict[str, str] | None, suits: bool
) -> None:
    assert node_suits({"nodeSelector": selector}, NODE) is suits


@pytest.mark.parametrize(
    ("terms", "suits"),
    [
        ([{"matchExpressions": [SSD]}], True),
        ([{"matchExpressions": [HDD]}], False),
        ([{"matchExpressions": [SSD, ZONE]}], True),
        ([{"matchExpressions": [SSD, HDD]}], False),
        ([{"matchExpressions": [HDD]}, {"matchExpressions": [SSD]}], True),
        ([{"matchFields": [NAMED_A]}], True),
        ([{"matchFields": [NAMED_B]}], False),
        ([{"matchFields": [NAMED_A, NAMED_B]}], False),
        ([{"matchExpressions": [SSD], "matchFields": [NAMED_A]}], True),
        ([{"matchExpressions": [SSD], "matchFields": [NAMED_B]}], False),
        ([{"matchExpressions": [HDD], "matchFields": [NAMED_A]}], False),
        ([{}], False),
        ([{"matchExpressions": [], "matchFields": []}], False),
        ([{}, {"matchExpressions": [SSD]}], True),
        ([], False),
        (None, False),
    ],
)
def test_a_node_meets_one_term_of_the_affinity(
    terms: list[dict[str, Any]] | None, suits: bool
) -> None:
    affinity = {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": terms}}}
    assert node_suits({"affinity": affinity}, NODE) is suits


@pytest.mark.parametrize("affinity", [None, {}, {"nodeAffinity": None}, {"podAffinity": {}}])
def test_without_an_affinity_only_the_selector_counts(affinity: dict[str, Any] | None) -> None:
    assert node_suits({"affinity": affinity}, NODE)
    assert not node_suits({"affinity": affinity, "nodeSelector": {"disk": "hdd"}}, NODE)


def test_the_selector_and_the_affinity_both_count() -> None:
    affinity = {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [SSD]}]}}}
    assert node_suits({"affinity": affinity, "nodeSelector": {"zone": "1"}}, NODE)
    assert not node_suits({"affinity": affinity, "nodeSelector": {"zone": "2"}}, NODE)


TAINT = {"key": "k", "value": "v", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("toleration", "meets"),
    [
        ({"key": "k", "value": "v"}, True),
        ({"key": "k", "value": "v", "operator": "Equal"}, True),
        ({"key": "k", "value": "v", "effect": "NoSchedule"}, True),
        ({"key": "k", "value": "v", "effect": "NoExecute"}, False),
        ({"key": "k", "value": "w"}, False),
        ({"key": "k"}, False),
        ({"key": "other", "value": "v"}, False),
        ({"key": "k", "operator": "Exists"}, True),
        ({"key": "other", "operator": "Exists"}, False),
        ({"operator": "Exists"}, True),
        ({"operator": "Exists", "effect": "NoSchedule"}, True),
        ({"operator": "Exists", "effect": "NoExecute"}, False),
        ({"operator": "Equal", "value": "v"}, False),
    ],
)
def test_which_toleration_meets_a_taint(toleration: dict[str, str], meets: bool) -> None:
    assert tolerated([toleration], TAINT) is meets
    other = {"key": "x", "value": "v"}
    assert tolerated([other, toleration], TAINT) is meets
    assert tolerated([toleration, other], TAINT) is meets


def test_a_taint_without_a_value() -> None:
    taint = {"key": "k", "effect": "NoSchedule"}
    assert tolerated([{"key": "k"}], taint)
    assert not tolerated([{"key": "k", "value": "v"}], taint)
    assert not tolerated([], taint)
