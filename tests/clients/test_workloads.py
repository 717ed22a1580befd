"""kubectl with workloads: wait for pods, read their logs, delete them."""

from __future__ import annotations

import shutil

import pytest

from kube_embedded.tests.support.slow import slow_but
from tests.clients.conftest import Lab
from tests.clients.test_kubectl import Kubectl

pytestmark = pytest.mark.skipif(
    shutil.which("kubectl") is None,
    reason="kubectl is not installed (Debian: apt-get install kubernetes-client)",
)


DAEMON_SET = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: main, image: nginx}]}
"""

STATEFUL_SET = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: nginx}]}
"""


@pytest.fixture(scope="module")
def kubectl(lab: Lab) -> Kubectl:
    return Kubectl(lab, lab.admin)


def test_a_job_from_its_creation_to_its_end(kubectl: Kubectl) -> None:
    kubectl("create", "job", "pi", "--image=ubuntu", "--", "sh", "-c", "sleep 1; echo 3.14159")
    assert (
        kubectl("wait", "--for=condition=complete", "job/pi", "--timeout=300s")
        == "job.batch/pi condition met\n"
    )
    assert kubectl("logs", "job/pi") == "3.14159\n"
    assert kubectl("get", "job", "pi").splitlines()[1].split()[:3] == ["pi", "Complete", "1/1"]
    described = kubectl("describe", "job", "pi")
    assert "Pods Statuses:    0 Active (0 Ready) / 1 Succeeded / 0 Failed\n" in described
    assert "job-controller  Job completed\n" in described
    kubectl("delete", "job", "pi")
    assert kubectl("get", "pods", "-l", "job-name=pi", "-o", "name") == ""


@pytest.mark.parametrize(
    ("cascade", "left"),
    slow_but([("background", 0), ("foreground", 0), ("orphan", 1)], ("foreground", 0)),
)
def test_deleting_a_job_at_work(kubectl: Kubectl, cascade: str, left: int) -> None:
    kubectl("create", "job", cascade, "--image=ubuntu", "--", "sleep", "99")
    kubectl("delete", "job", cascade, f"--cascade={cascade}")
    assert len(kubectl("get", "pods", "-l", f"job-name={cascade}", "-o", "name").split()) == left
    kubectl("delete", "pods", "-l", f"job-name={cascade}")


@pytest.mark.slow
def test_a_daemon_set_and_its_rollouts(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=DAEMON_SET)
    assert 'daemon set "agent" successfully rolled out' in kubectl(
        "rollout", "status", "ds/agent", "--timeout=300s"
    )
    assert kubectl("get", "ds", "agent").splitlines()[1].split()[:6] == [
        "agent",
        "1",
        "1",
        "1",
        "1",
        "1",
    ]
    kubectl("set", "image", "ds/agent", "main=nginx:1.28")
    assert 'daemon set "agent" successfully rolled out' in kubectl(
        "rollout", "status", "ds/agent", "--timeout=300s"
    )
    image = (
        "get",
        "pods",
        "-l",
        "app=agent",
        "-o",
        "jsonpath={.items[*].spec.containers[0].image}",
    )
    assert kubectl(*image) == "nginx:1.28"
    history = kubectl("rollout", "history", "ds/agent").splitlines()
    assert [line.split()[0] for line in history if line[:1].isdigit()] == ["1", "2"]
    kubectl("rollout", "undo", "ds/agent")
    kubectl("rollout", "status", "ds/agent", "--timeout=300s")
    assert kubectl(*image) == "nginx"
    kubectl("delete", "ds", "agent")
    assert kubectl("get", "pods,controllerrevisions", "-l", "app=agent", "-o", "name") == ""


@pytest.mark.slow
def test_a_stateful_set_and_its_rollouts(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=STATEFUL_SET)
    done = kubectl("rollout", "status", "sts/web", "--timeout=300s")
    assert done.splitlines()[-1].startswith(
        "partitioned roll out complete: 3 new pods have been updated..."
    )
    pods = ("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.name}")
    assert kubectl(*pods) == "web-0 web-1 web-2"
    kubectl("set", "image", "sts/web", "main=nginx:1.28")
    kubectl("rollout", "status", "sts/web", "--timeout=300s")
    images = ("get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].spec.containers[0].image}")
    assert kubectl(*images) == "nginx:1.28 nginx:1.28 nginx:1.28"
    kubectl("rollout", "undo", "sts/web")
    kubectl("rollout", "status", "sts/web", "--timeout=300s")
    assert kubectl(*images) == "nginx nginx nginx"
    kubectl("scale", "sts/web", "--replicas=1")
    kubectl("wait", "--for=delete", "pod/web-1", "--timeout=300s")
    assert kubectl("get", "sts", "web").splitlines()[1].split()[:2] == ["web", "1/1"]
    kubectl("delete", "sts", "web")
    assert kubectl("get", "pods,controllerrevisions", "-l", "app=web", "-o", "name") == ""
