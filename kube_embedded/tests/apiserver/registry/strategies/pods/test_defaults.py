"""A template shows fewer defaults than a pod does."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi

SPEC: dict[str, Any] = {
    "hostNetwork": True,
    "containers": [
        {
            "name": "main",
            "image": "nginx",
            "ports": [{"containerPort": 80}],
            "resources": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1"}},
        }
    ],
}
LABELS = {"app": "web"}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": SPEC}


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi()
    made.must(made.admin.post("/api/v1/namespaces", {"metadata": {"name": "lab"}}))
    return made


def test_a_pod_gets_links_requests_and_host_ports(api: ClusterApi) -> None:
    made = api.must(
        api.admin.post("/api/v1/namespaces/lab/pods", {"metadata": {"name": "p"}, "spec": SPEC})
    )["spec"]
    container = made["containers"][0]
    assert made["enableServiceLinks"] is True
    assert container["resources"]["requests"] == {"cpu": "1", "memory": "1Gi"}
    assert container["ports"] == [{"hostPort": 80, "containerPort": 80, "protocol": "TCP"}]


@pytest.mark.parametrize("host_network", [True, False])
def test_a_template_gets_none_of_the_three(api: ClusterApi, host_network: bool) -> None:
    template = {**TEMPLATE, "spec": {**SPEC, "hostNetwork": host_network}}
    if host_network:  # the real server wants the host's port named in a template
        template["spec"]["containers"] = [{**SPEC["containers"][0], "ports": []}]
    body = {
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": LABELS}, "template": template},
    }
    made = api.must(api.admin.post("/apis/apps/v1/namespaces/lab/deployments", body))["spec"][
        "template"
    ]["spec"]
    assert "enableServiceLinks" not in made
    assert made["containers"][0]["resources"]["requests"] == {"cpu": "1"}
    assert made["dnsPolicy"] == "ClusterFirst"
    if not host_network:
        assert made["containers"][0]["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
