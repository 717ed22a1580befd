"""The checks' readings of a cluster in the same process are those that requests would give."""

from __future__ import annotations

from kube_embedded import Cluster
from kube_embedded.tests.support.cluster import keys
from labkit.grading.clusters.inprocess import admin_of, policy_of
from labkit.rbac.policy import read_policy


def test_a_policy_is_the_same_as_one_that_was_requested() -> None:
    cluster = Cluster(keys())
    read, requested = policy_of(cluster), read_policy(admin_of(cluster))
    assert {kind for kind, _, _ in read.roles} == {"Role", "ClusterRole"}
    assert read.roles.keys() == requested.roles.keys()
    assert len(read.bindings) == len(requested.bindings) > 20
