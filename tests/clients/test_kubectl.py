"""Any version of kubectl: the first commands of a learner with a terminal."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from kube_embedded.apiserver.serving.pki import load_keys
from kube_embedded.tests.support.certificates import Identity, authority_of, root
from kube_embedded.tests.support.slow import slow_but
from kube_embedded.tests.support.until import SECONDS
from tests.clients.conftest import Lab, serve_page

pytestmark = pytest.mark.skipif(
    shutil.which("kubectl") is None,
    reason="kubectl is not installed (Debian: apt-get install kubernetes-client)",
)


class Kubectl:
    """Runs kubectl with one kubeconfig in the suite's namespace."""

    def __init__(self, lab: Lab, kubeconfig: Path) -> None:
        self._base = ["kubectl", "--kubeconfig", str(kubeconfig), "-n", lab.namespace]
        self._environment = {**os.environ, "KUBECACHEDIR": str(lab.server.home / "kube-cache")}

    def run(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._base, *words],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
            env=self._environment,
        )

    @contextlib.contextmanager
    def start(self, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
        """Run it in the background."""
        with subprocess.Popen(
            [*self._base, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**self._environment, **environment},
        ) as running:
            try:
                yield running
            finally:
                running.kill()

    def __call__(self, *words: str, stdin: str | None = None) -> str:
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def kubectl(lab: Lab) -> Kubectl:
    return Kubectl(lab, lab.admin)


def test_create_get_label_patch_delete(kubectl: Kubectl) -> None:
    assert kubectl("create", "configmap", "one", "--from-literal=a=1") == "configmap/one created\n"
    assert kubectl("get", "configmap", "one", "-o", "jsonpath={.data.a}") == "1"
    assert kubectl("label", "configmap", "one", "x=y") == "configmap/one labeled\n"
    assert (
        kubectl("patch", "configmap", "one", "-p", '{"data":{"a":"2"}}')
        == "configmap/one patched\n"
    )
    assert json.loads(kubectl("get", "configmaps", "-l", "x=y", "-o", "json"))["items"][0][
        "data"
    ] == {"a": "2"}
    assert "deleted" in kubectl("delete", "configmap", "one")


def test_apply_diff_and_apply_again(kubectl: Kubectl) -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: applied\ndata:\n  a: '1'\n"
    assert kubectl("apply", "-f", "-", stdin=text) == "configmap/applied created\n"
    assert kubectl("apply", "-f", "-", stdin=text) == "configmap/applied unchanged\n"
    changed = text.replace("'1'", "'2'")
    difference = kubectl.run("diff", "-f", "-", stdin=changed)
    assert difference.returncode == 1
    assert '+  a: "2"' in difference.stdout
    assert kubectl("apply", "-f", "-", stdin=changed) == "configmap/applied configured\n"
    assert kubectl(
        "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=changed
    ).endswith("serverside-applied\n")


def test_tables_and_descriptions(kubectl: Kubectl) -> None:
    header, row = kubectl("get", "pods").splitlines()
    assert header.split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert row.split()[:3] == ["shell", "1/1", "Running"]
    assert "reader" in kubectl("describe", "rolebinding", "reader")


def test_watch_prints_changes(lab: Lab, kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "watched", "--from-literal=a=1")
    command = [
        *kubectl._base,
        "get",
        "configmap",
        "watched",
        "-w",
        "-o",
        "jsonpath={.data.a}{'\\n'}",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=kubectl._environment
    ) as watching:
        try:
            assert watching.stdout is not None
            assert watching.stdout.readline() == "1\n"
            kubectl("patch", "configmap", "watched", "-p", '{"data":{"a":"2"}}')
            assert watching.stdout.readline() == "2\n"
        finally:
            watching.terminate()


def test_exec_output_exit_code_and_stdin(kubectl: Kubectl) -> None:
    assert kubectl("exec", "shell", "--", "bash", "-c", "echo $((40+2))") == "42\n"
    failing = kubectl.run("exec", "shell", "--", "bash", "-c", "echo oops >&2; exit 4")
    assert failing.returncode == 4
    assert failing.stderr.startswith("oops\n")
    assert kubectl("exec", "-i", "shell", "--", "cat", stdin="through\n") == "through\n"


@pytest.mark.parametrize("websocket", ["true", "false"])
def test_ports_are_forwarded_over_websocket(lab: Lab, kubectl: Kubectl, websocket: str) -> None:
    words = ["port-forward", f"pod/{serve_page(lab)}", ":80", ":81"]
    with kubectl.start(*words, KUBECTL_PORT_FORWARD_WEBSOCKETS=websocket) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        if websocket == "false":
            # SPDY without a WebSocket, as before 1.31.
            assert "over WebSocket only" in running.stderr.read()
            return
        lines = [running.stdout.readline() for _ in range(4)]
        ports = [int(line.rpartition(" -> ")[0].rpartition(":")[2]) for line in lines]
        assert [line.rpartition(" -> ")[2].strip() for line in lines] == ["80", "80", "81", "81"]
        for path, status in (("/", 200), ("/none", 404)):
            connection = http.client.HTTPConnection("127.0.0.1", ports[0], timeout=SECONDS)
            connection.request("GET", path)
            answer = connection.getresponse()
            assert (answer.status, answer.headers["server"]) == (status, "nginx/1.29.1")
            connection.close()
        with socket.create_connection(("127.0.0.1", ports[2]), timeout=SECONDS) as refused:
            refused.sendall(b"x")
            with contextlib.suppress(ConnectionError):
                assert refused.recv(1) == b""
        # kubectl gives up after an error of one connection.
        assert re.search(
            r"error forwarding port 81 to pod [0-9a-f]{64}, uid : .*127.0.0.1:81: connect: connection refused",
            running.stderr.read(),
        )


def test_the_reader_may_forward_no_ports(lab: Lab) -> None:
    done = Kubectl(lab, lab.reader).run("port-forward", "pod/shell", ":80")
    assert done.returncode == 1
    # Forwarding resolves the pod first.
    assert 'cannot get resource "pods"' in done.stderr


def test_cp_brings_files_in_and_out(kubectl: Kubectl, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("hello\n")
    kubectl("cp", str(tmp_path / "in.txt"), "shell:/tmp/in.txt")
    assert kubectl("exec", "shell", "--", "cat", "/tmp/in.txt") == "hello\n"
    kubectl("cp", "shell:/tmp/in.txt", str(tmp_path / "out.txt"))
    assert (tmp_path / "out.txt").read_text() == "hello\n"


def test_the_reader_is_forbidden_and_can_ask_why_not(lab: Lab) -> None:
    reader = Kubectl(lab, lab.reader)
    assert "kube-root-ca.crt" in reader("get", "configmaps")
    refused = reader.run("get", "secrets")
    assert refused.returncode == 1
    assert refused.stderr == (
        "Error from server (Forbidden): secrets is forbidden: "
        f'User "system:serviceaccount:{lab.namespace}:reader" cannot list resource "secrets" '
        f'in API group "" in the namespace "{lab.namespace}"\n'
    )
    assert reader("auth", "can-i", "list", "configmaps") == "yes\n"
    denied = reader.run("auth", "can-i", "delete", "configmaps")
    assert (denied.returncode, denied.stdout) == (1, "no\n")
    assert f"system:serviceaccount:{lab.namespace}:reader" in reader("auth", "whoami")


def test_a_review_is_created_like_any_object(kubectl: Kubectl) -> None:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": "jane", "resourceAttributes": {"verb": "get", "resource": "pods"}},
    }
    assert (
        kubectl("create", "-f", "-", "-o", "jsonpath={.status}", stdin=json.dumps(review))
        == '{"allowed":false}'
    )
    refused = kubectl.run(
        "create", "-f", "-", stdin=json.dumps({**review, "spec": {"use": "jane"}})
    )
    assert (
        'unknown field "use" in io.k8s.api.authorization.v1.SubjectAccessReviewSpec'
        in refused.stderr
    )


def test_wait_and_explain(kubectl: Kubectl) -> None:
    assert (
        kubectl("wait", "--for=condition=Ready", "pod/shell", "--timeout=300s")
        == "pod/shell condition met\n"
    )
    assert "FIELD: subjects" in kubectl("explain", "rolebinding.subjects")


def test_quotas_and_limits(kubectl: Kubectl) -> None:
    kubectl("create", "namespace", "bounded")
    inside = ("-n", "bounded")
    kubectl(*inside, "create", "quota", "q", "--hard=configmaps=2,pods=1,limits.cpu=1")
    assert "configmaps: 1/2, pods: 0/1" in kubectl(*inside, "get", "quota", "q")
    kubectl(*inside, "create", "configmap", "one")
    refused = kubectl.run(*inside, "create", "configmap", "two")
    assert refused.returncode == 1
    assert refused.stderr == (
        'error: failed to create configmap: configmaps "two" is forbidden: exceeded quota: q, requested: configmaps=1, '
        "used: configmaps=2, limited: configmaps=2\n"
    )
    described = kubectl(*inside, "describe", "quota", "q").splitlines()
    assert [line.split() for line in described[4:]] == [
        ["configmaps", "2", "2"],
        ["limits.cpu", "0", "1"],
        ["pods", "0", "1"],
    ]
    limits = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "l"}}
    bounds = [{"type": "Container", "max": {"cpu": "500m"}}, {"type": "Container"}]
    twice = kubectl.run(
        *inside, "apply", "-f", "-", stdin=json.dumps({**limits, "spec": {"limits": bounds}})
    )
    assert 'spec.limits[1].type: Duplicate value: "Container"' in twice.stderr
    kubectl(
        *inside, "apply", "-f", "-", stdin=json.dumps({**limits, "spec": {"limits": bounds[:1]}})
    )
    shown = kubectl(*inside, "describe", "limits", "l").splitlines()
    assert shown[-1].split() == ["Container", "cpu", "-", "500m", "500m", "500m", "-"]
    kubectl("delete", "namespace", "bounded")


def test_a_node_has_a_lease(kubectl: Kubectl) -> None:
    described = kubectl("describe", "node")
    assert "HolderIdentity:  kube-embedded" in described
    assert "RenewTime:       <unset>" not in described


@pytest.mark.slow
def test_explain_by_the_older_documents(kubectl: Kubectl) -> None:
    explained = kubectl("explain", "resourcequota.spec.hard", "--output=plaintext-openapiv2")
    assert explained.startswith(
        "KIND:     ResourceQuota\nVERSION:  v1\n\nFIELD:    hard <map[string]string>\n"
    )


CERTIFICATES: dict[str, Callable[[Identity], Identity]] = {
    "foreign": lambda ours: root().issue("kubernetes-admin", ("system:masters",)),
    "foreign, of a like-named authority": lambda ours: root("kubernetes").issue(
        "kubernetes-admin", ("system:masters",)
    ),
    "expired": lambda ours: ours.issue("kubernetes-admin", ("system:masters",), days=(-2, -1)),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", slow_but(CERTIFICATES, "foreign, of a like-named authority"))
def test_a_certificate_that_counts_for_nobody(lab: Lab, tmp_path: Path, kind: str) -> None:
    """Answer as v1.36.2 does to kubectl, which presents its certificate to every server that requests one."""
    identity = CERTIFICATES[kind](authority_of(load_keys(lab.server.home)))
    config = yaml.safe_load(lab.admin.read_text())
    pem = base64.b64encode(identity.pem).decode()
    user = {"client-certificate-data": pem, "client-key-data": pem}
    alone, beside = tmp_path / "alone.conf", tmp_path / "beside.conf"
    config["users"][0]["user"] = user
    alone.write_text(yaml.safe_dump(config))
    config["users"][0]["user"] = user | {
        "token": yaml.safe_load(lab.reader.read_text())["users"][0]["user"]["token"]
    }
    beside.write_text(yaml.safe_dump(config))
    for words in (("get", "configmaps"), ("get", "--raw", "/version"), ("auth", "whoami")):
        done = Kubectl(lab, alone).run(*words)
        assert done.returncode == 1
        assert (
            done.stderr.splitlines()[-1]
            == "error: You must be logged in to the server (Unauthorized)"
        )
    assert f"system:serviceaccount:{lab.namespace}:reader" in Kubectl(lab, beside)("auth", "whoami")
