"""Claims that pods use."""

from __future__ import annotations

import pytest

from kube_embedded.tests.support.cluster import ClusterApi

LAB = "/api/v1/namespaces/lab"
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


@pytest.mark.parametrize("node", ["", "n1"])
def test_a_claim_stays_for_a_pod_that_has_a_node_only(node: str) -> None:
    api = ClusterApi()
    api.namespace("lab")
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": "c"}}
    spec = {"containers": [{"name": "c", "image": "x"}], "volumes": [volume], "nodeName": node}
    api.must(
        api.admin.post(f"{LAB}/persistentvolumeclaims", {"metadata": {"name": "c"}, "spec": CLAIM})
    )
    api.must(api.admin.post(f"{LAB}/pods", {"metadata": {"name": "p"}, "spec": spec}))
    api.must(api.admin.delete(f"{LAB}/persistentvolumeclaims/c"))
    assert api.admin.get(f"{LAB}/persistentvolumeclaims/c").status == (200 if node else 404)
