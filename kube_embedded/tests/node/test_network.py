"""Which server a program in a pod finds at an address and a port."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.machinery.request import Object
from kube_embedded.node.api import API_PORT, SERVICE_ADDRESS
from kube_embedded.tests.node.pods import Lab

SERVICES = "/api/v1/namespaces/default/services"
NGINX, API, REFUSED = "Welcome to nginx!", '"major": "1"', "Failed to connect"


@pytest.fixture
def lab() -> Lab:
    lab = Lab()
    lab.pod(containers=[{"image": "curlimages/curl", "command": ["sleep", "9999"]}])
    return lab


def web(lab: Lab, name: str = "web", *, spec: Object | None = None, **labels: str) -> str:
    """Run a web server, and return its address."""
    container = {"name": "n", "image": "nginx", "ports": [{"name": "web", "containerPort": 80}]}
    body = {
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [container], **(spec or {})},
    }
    lab.admin.post("/api/v1/namespaces/default/pods", body)
    return str(lab.get(name)["status"]["podIP"])


def service(lab: Lab, name: str, **spec: Any) -> str:
    """Create a Service, and return its address."""
    made = lab.admin.post(SERVICES, {"metadata": {"name": name}, "spec": spec})
    assert made.status == 201, made.body
    return str(made.body["spec"].get("clusterIP", ""))


def curl(lab: Lab, url: str) -> str:
    done = lab.exec(f"curl -sSk {url}")
    return done.stdout + done.stderr


@pytest.mark.parametrize("deleted", [False, True])
def test_the_api_server_is_at_its_service_and_at_its_node(lab: Lab, deleted: bool) -> None:
    if deleted:  # its Service comes back
        assert lab.admin.delete(f"{SERVICES}/kubernetes").status == 200
    for url, answer in (
        (f"https://{SERVICE_ADDRESS}/version", API),
        (f"https://{SERVICE_ADDRESS}:444/version", REFUSED),
        (f"https://172.18.0.2:{API_PORT}/version", API),
        ("https://172.18.0.2/version", REFUSED),
        (f"https://172.18.0.3:{API_PORT}/version", REFUSED),
        ("https://kubernetes.default/version", API),
        ("https://kubernetes.default:444/version", REFUSED),
        (f"http://{SERVICE_ADDRESS}:443/version", "Client sent an HTTP request to an HTTPS server"),
    ):
        assert answer in curl(lab, url), url


def test_a_pods_own_address_has_its_ports(lab: Lab) -> None:
    address = web(lab)
    assert NGINX in curl(lab, f"http://{address}")
    assert REFUSED in curl(lab, f"http://{address}:81")


def test_a_service_sends_its_ports_to_those_of_its_pods(lab: Lab) -> None:
    web(lab, app="web")
    two = [
        {"name": "no", "port": 1, "targetPort": 81},
        {"name": "yes", "port": 2, "targetPort": 80},
    ]
    cases: list[tuple[list[dict[str, Any]], int, str]] = [
        ([{"port": 80}], 80, NGINX),
        ([{"port": 8080, "targetPort": 80}], 8080, NGINX),
        ([{"port": 8080, "targetPort": 80}], 80, REFUSED),
        ([{"port": 8080, "targetPort": "web"}], 8080, NGINX),
        ([{"port": 80, "targetPort": 81}], 80, REFUSED),
        ([{"port": 80, "targetPort": "none"}], 80, REFUSED),
        (two, 1, REFUSED),
        (two, 2, NGINX),
    ]
    for number, (ports, port, answer) in enumerate(cases):
        address = service(lab, f"front{number}", selector={"app": "web"}, ports=ports)
        assert answer in curl(lab, f"http://{address}:{port}"), (ports, port)


def test_a_service_selects_its_pods_by_all_its_labels(lab: Lab) -> None:
    web(lab, app="web")
    cases: list[tuple[dict[str, str], str]] = [
        ({"app": "web"}, NGINX),
        ({"app": "other"}, REFUSED),
        ({"app": "web", "tier": "1"}, REFUSED),
        ({}, REFUSED),
    ]
    for number, (selector, answer) in enumerate(cases):
        address = service(lab, f"front{number}", selector=selector, ports=[{"port": 80}])
        assert answer in curl(lab, f"http://{address}"), selector


def test_a_service_goes_on_to_a_pod_that_serves(lab: Lab) -> None:
    lab.admin.post(
        "/api/v1/namespaces/default/pods",
        {
            "metadata": {"name": "idle", "labels": {"app": "web"}},
            "spec": {"containers": [{"name": "n", "image": "busybox", "command": ["sleep", "9"]}]},
        },
    )
    address = service(lab, "front", selector={"app": "web"}, ports=[{"port": 80}])
    assert REFUSED in curl(lab, f"http://{address}")
    web(lab, app="web")
    assert NGINX in curl(lab, f"http://{address}")


def test_a_headless_service_leads_to_its_pod(lab: Lab) -> None:
    spec = {"selector": {"app": "web"}, "clusterIP": "None", "ports": [{"port": 80}]}
    service(lab, "front", **spec)
    assert NGINX not in curl(lab, "http://front")
    web(lab, app="web")
    assert NGINX in curl(lab, "http://front")


def test_a_pod_that_is_not_ready_serves_only_who_asks_for_it(lab: Lab) -> None:
    gate = {"readinessGates": [{"conditionType": "example.com/ready"}]}
    web(lab, spec=gate, app="web")
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80}]}
    assert REFUSED in curl(lab, f"http://{service(lab, 'front', **spec)}")
    early = service(lab, "early", publishNotReadyAddresses=True, **spec)
    assert NGINX in curl(lab, f"http://{early}")


def test_names_that_lead_nowhere(lab: Lab) -> None:
    service(lab, "else", type="ExternalName", externalName="example.com")
    service(lab, "front", ports=[{"port": 80}])
    for name in ("nothing", "else", "front.other"):
        assert f"Could not resolve host: {name}" in curl(lab, f"http://{name}")
