"""kind's backend, with stand-ins for docker and kind; its cluster is an embedded server.

The contract suite runs it on a real cluster if LABKIT_KIND_IMAGE names a node image.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from kube_embedded.tests.support.until import SECONDS, until
from labkit.backends import engine, podimage, sweep
from labkit.backends.base import Options
from labkit.backends.kind import auditlog, needs
from labkit.backends.kind.backend import KindBackend
from labkit.client import manifests
from labkit.client.client import Client
from labkit.client.discovery import Resources
from labkit.core import resources
from labkit.core.errors import HomeError, Missing, NotRunning, StartFailed, UsageError
from tests.backends.conftest import quiet
from tests.backends.programs import Programs, only

ROOT = Path(__file__).parents[3]


def test_a_home_that_is_not_labkits_is_refused_before_a_cluster_is_made(
    tmp_path: Path, programs: Programs
) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    (tmp_path / "home" / "file").touch()
    with pytest.raises(HomeError, match="others may enter it"):
        KindBackend(tmp_path / "home", Options()).start(quiet)
    assert not programs.calls("kind create")


def test_the_whole_life_of_a_cluster(
    backend: KindBackend, usable: Client, programs: Programs
) -> None:
    said: list[str] = []
    backend.start(said.append)
    assert backend.status().running
    assert "is ready" in said[-1]
    create = programs.calls("kind create")[0]
    assert f"--kubeconfig {backend.directory}/kubeconfig" in create
    assert stat.S_IMODE(backend.kubeconfig().stat().st_mode) == 0o600
    assert usable.get("/api/v1/namespaces/default/pods/labkit-ready").status == 404

    backend.start(said.append)
    assert len(programs.calls("kind create")) == 1
    with pytest.raises(UsageError, match="already runs"):
        KindBackend(backend.home, Options(image="other:1")).start(quiet)

    backend.stop(said.append)
    assert programs.calls("kind delete")
    assert not backend.status().running
    with pytest.raises(NotRunning):
        backend.kubeconfig()
    backend.stop(said.append)
    assert said[-1] == "There is no kind cluster of this lab."


MADE = """
kind: Namespace
apiVersion: v1
metadata: {name: mine}
---
kind: Deployment
apiVersion: apps/v1
metadata: {name: curl, namespace: default}
spec: &set
  selector: {matchLabels: {app: curl}}
  template: {metadata: {labels: {app: curl}}, spec: {containers: [{name: main, image: ubuntu, command: [sleep, "99"]}]}}
---
kind: DaemonSet
apiVersion: apps/v1
metadata: {name: each, namespace: mine}
spec:
  selector: {matchLabels: {app: each}}
  template: {metadata: {labels: {app: each}}, spec: {containers: [{name: main, image: ubuntu, command: [sleep, "99"]}]}}
---
kind: CronJob
apiVersion: batch/v1
metadata: {name: nightly, namespace: kube-system}
spec:
  schedule: "0 3 * * *"
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: ubuntu}]}}}}
---
kind: ResourceQuota
apiVersion: v1
metadata: {name: few, namespace: default}
spec: {hard: {pods: "9"}}
---
kind: NetworkPolicy
apiVersion: networking.k8s.io/v1
metadata: {name: closed, namespace: default}
spec: {podSelector: {}}
---
kind: PodDisruptionBudget
apiVersion: policy/v1
metadata: {name: one, namespace: default}
spec: {minAvailable: 1}
---
kind: ClusterRole
apiVersion: rbac.authorization.k8s.io/v1
metadata: {name: swollen, labels: {rbac.authorization.k8s.io/aggregate-to-view: "true"}}
rules: [{apiGroups: [""], resources: [secrets], verbs: [get]}]
---
kind: CustomResourceDefinition
apiVersion: apiextensions.k8s.io/v1
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Cluster
  names: {plural: things, kind: Thing}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
"""


def test_the_next_cluster_gets_a_client_of_its_own(
    backend: KindBackend, usable: Client, programs: Programs
) -> None:
    backend.start(quiet)
    assert "client" in vars(backend._cluster)
    backend.stop(quiet)
    assert "client" not in vars(backend._cluster), "the next cluster has another address"


def test_a_reset_takes_away_whatever_the_learner_made(backend: KindBackend, usable: Client) -> None:
    backend.start(quiet)
    before = sweep.inventory(usable)
    uid = usable.get("/api/v1/namespaces/kube-system/pods/coredns").body["metadata"]["uid"]
    objects = manifests.parse(MADE)
    manifests.apply(usable, Resources(usable), objects, lambda entry: entry)
    paths = [Resources(usable).path(entry) for entry in objects]
    until(lambda: len(usable.get("/api/v1/namespaces/default/pods").items) == 1)
    thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "one"}}
    assert usable.post("/apis/example.com/v1/things", thing).status == 201
    backend.reset(quiet)
    assert [path for path in paths if usable.get(path).status != 404] == []
    assert usable.get("/api/v1/namespaces/default/pods").items == []
    assert "swollen" not in str(
        usable.get("/apis/rbac.authorization.k8s.io/v1/clusterroles/view").body
    )
    assert usable.get("/api/v1/namespaces/kube-system/pods/coredns").body["metadata"]["uid"] == uid
    assert sweep.inventory(usable) == before


def test_what_controllers_of_the_cluster_made_anew_stays(
    backend: KindBackend, usable: Client
) -> None:
    """After a restart of the node, for example, the pods of CoreDNS have other names than in the new cluster."""
    deployment = manifests.parse(MADE)[1]
    deployment["metadata"]["namespace"] = "kube-system"
    manifests.apply(usable, Resources(usable), [deployment], lambda entry: entry)
    pods = "/api/v1/namespaces/kube-system/pods"
    until(lambda: len(usable.get(pods).items) == 2)
    backend.start(quiet)
    try:
        old = next(name for name in usable.get(pods).names if name.startswith("curl-"))
        assert usable.delete(f"{pods}/{old}", query={"gracePeriodSeconds": "0"}).ok
        until(
            lambda: any(name.startswith("curl-") and name != old for name in usable.get(pods).names)
        )
        names = sorted(usable.get(pods).names)
        backend.reset(quiet)
        assert sorted(usable.get(pods).names) == names
    finally:
        sweep.remove(usable, ["/apis/apps/v1/namespaces/kube-system/deployments/curl"])


def test_a_running_cluster_is_found_without_asking_the_machine_again(
    backend: KindBackend, usable: Client, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.docker(info={"CgroupVersion": "1"})
    said: list[str] = []
    backend.start(said.append)
    assert any("cgroup version" in line for line in said)
    monkeypatch.setattr(needs, "DISK_BYTES", 10**18)
    said.clear()
    KindBackend(backend.home, Options()).start(said.append)
    assert said == []


def test_a_node_with_a_newer_containerd_than_kind_knows_gets_the_image_all_the_same(
    tmp_path: Path, programs: Programs
) -> None:
    """kind 0.27 and containerd 2.3."""
    programs.kind(
        load="echo 'ERROR: unknown containerd config version: 4 (supported versions: 2 and 3)' >&2; exit 1"
    )
    podimage.load(engine.find(), "lab", tmp_path)
    node, file = "lab-control-plane", "/labkit-pod.tar"
    copied, imported, removed = programs.calls("docker")[-3:]
    assert copied.startswith("docker cp ")
    assert copied.endswith(f"/pod.tar {node}:{file}")
    assert imported == f"docker exec {node} ctr --namespace k8s.io images import {file}"
    assert removed == f"docker exec {node} rm -f {file}"


def test_an_image_that_cannot_be_loaded_is_said(tmp_path: Path, programs: Programs) -> None:
    programs.kind(load="echo 'ERROR: no space left on device' >&2; exit 1")
    with pytest.raises(Missing, match="could not be loaded") as caught:
        podimage.load(engine.find(), "lab", tmp_path)
    assert "no space left" in caught.value.why
    assert not programs.calls("docker cp")


def test_a_cluster_that_is_not_ours_any_more_is_left_alone(
    backend: KindBackend, usable: Client, programs: Programs
) -> None:
    backend.start(quiet)
    (programs.directory / "node").write_text("another-id\n")
    said: list[str] = []
    backend.stop(said.append)
    assert not programs.calls("kind delete")
    assert "left alone" in said[0]


def test_a_name_that_is_taken_is_said_and_nothing_is_touched(
    backend: KindBackend, programs: Programs
) -> None:
    programs.kind(clusters="other labkit")
    with pytest.raises(UsageError, match='named "labkit" exists') as caught:
        backend.start(quiet)
    assert "LABKIT_KIND_CLUSTER" in caught.value.todo
    assert not programs.calls("kind create")
    assert not programs.calls("kind delete")


def test_another_name_can_be_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, programs: Programs
) -> None:
    monkeypatch.setenv("LABKIT_KIND_CLUSTER", "mine")
    programs.kind(create="exit 1", clusters="labkit")
    with pytest.raises(StartFailed):
        KindBackend(tmp_path / "home", Options()).start(quiet)
    assert "--name mine" in programs.calls("kind create")[0]


def test_a_failed_creation_leaves_nothing_and_says_why(
    backend: KindBackend, programs: Programs
) -> None:
    programs.kind(
        create="echo ' * Ensuring node image'; echo 'ERROR: failed to create: boom' >&2; exit 1"
    )
    said: list[str] = []
    with pytest.raises(StartFailed) as caught:
        backend.start(said.append)
    assert caught.value.why == "failed to create: boom"
    assert any("Ensuring node image" in line for line in said)
    assert programs.calls("kind delete")
    assert not (backend.directory / "cluster.json").exists()


KUBEADM_FAILED = """\
 • Starting control-plane 🕹️  ...
 ✗ Starting control-plane 🕹️
Deleted nodes: ["labkit-control-plane"]
ERROR: failed to create cluster: failed to init node with kubeadm: command "docker exec" failed: exit status 1

Command Output: I1124 23:35:31.457043     165 initconfiguration.go:262] loading configuration from "/kind/kubeadm.conf"
[init] Using Kubernetes version: v1.36.2
I1124 23:35:32.403484     165 round_trippers.go:632] "Response" verb="POST" status="" milliseconds=0
error: error execution phase wait-control-plane: cannot obtain client: context deadline exceeded
k8s.io/kubernetes/cmd/kubeadm/app/cmd/phases/workflow.(*Runner).Run.func1
        cmd/kubeadm/app/cmd/phases/workflow/runner.go:262
"""
"""How kind 0.27 ends where kubeadm 1.36 fails, shortened."""


def test_where_kubeadm_fails_its_own_reason_is_said_and_its_output_kept(
    backend: KindBackend, programs: Programs
) -> None:
    (programs.directory / "output").write_text(KUBEADM_FAILED, encoding="utf-8")
    programs.kind(create=f"cat {programs.directory}/output >&2; exit 1")
    said: list[str] = []
    with pytest.raises(StartFailed) as caught:
        backend.start(said.append)
    reason = (
        "error execution phase wait-control-plane: cannot obtain client: context deadline exceeded"
    )
    assert caught.value.why == reason
    assert len(programs.calls("kind create")) == 2
    log = backend.directory / "creation.log"
    assert str(log) in caught.value.todo
    assert "round_trippers.go" in log.read_text(encoding="utf-8")
    assert any("failed to init node" in line for line in said)
    assert not any("round_trippers.go" in line for line in said)
    slow = "The machine was too slow for it"
    assert [line for line in said if reason in line] == [
        f"{slow} ({reason}). Once more, from the beginning …"
    ]


def test_a_creation_that_was_too_slow_is_tried_once_more(
    backend: KindBackend, usable: Client, programs: Programs, foreign_cluster: Path
) -> None:
    (programs.directory / "output").write_text(KUBEADM_FAILED, encoding="utf-8")
    first = programs.directory / "first"
    fails = f"touch {first}; cat {programs.directory}/output >&2; exit 1"
    record = backend.directory / "cluster.json"
    seen = programs.directory / "record"
    programs.kind(
        create=f"test -e {first} || {{ {fails}; }}; cp {record} {seen}; cp {foreign_cluster} $8"
    )
    said: list[str] = []
    backend.start(said.append)
    assert json.loads(seen.read_text())["state"] == "creating", "a killed second try is cleaned up"
    assert backend.status().running
    assert [call.split()[1] for call in programs.calls("kind") if "cluster --name" in call] == [
        "create",
        "delete",
        "create",
    ]
    assert any(line.startswith("The machine was too slow for it") for line in said)


def test_where_another_command_fails_its_output_is_the_reason(
    backend: KindBackend, programs: Programs
) -> None:
    programs.kind(
        create="echo 'ERROR: no node'; echo; echo 'Command Output: docker: no such network'; exit 1"
    )
    with pytest.raises(StartFailed) as caught:
        backend.start(quiet)
    assert caught.value.why == "docker: no such network"


def test_an_image_that_is_no_nodes_is_suspected(tmp_path: Path, programs: Programs) -> None:
    words = 'could not find a log line that matches "Reached target .*Multi-User System.*|detected cgroup v1"'
    programs.kind(create=f"echo 'ERROR: failed to create cluster: {words}'; exit 1")
    with pytest.raises(StartFailed) as caught:
        KindBackend(tmp_path / "home", Options(image="debian:13")).start(quiet)
    assert caught.value.todo.startswith("debian:13 does not start as a node.")


def test_a_default_image_that_cannot_be_pulled_names_the_ways_out(
    backend: KindBackend, programs: Programs
) -> None:
    programs.kind(
        create='echo "ERROR: failed to create cluster: failed to pull image kindest/node"; exit 1'
    )
    with pytest.raises(StartFailed) as caught:
        backend.start(quiet)
    assert "LABKIT_KIND_IMAGE" in caught.value.todo


def test_a_chosen_image_that_cannot_be_pulled_is_said_before_anything_is_made(
    tmp_path: Path, programs: Programs
) -> None:
    programs.docker(images="labkit*", rest='echo "manifest unknown" >&2; exit 1')
    with pytest.raises(Missing, match="me/node:v1 is not here and cannot be pulled") as caught:
        KindBackend(tmp_path / "home", Options(image="me/node:v1")).start(quiet)
    assert "docker load -i FILE" in caught.value.todo
    assert not programs.calls("kind create")


def test_logs_are_exported_before_a_failed_cluster_is_deleted(
    backend: KindBackend, programs: Programs
) -> None:
    programs.kind(create="exit 1")
    with pytest.raises(StartFailed):
        backend.start(quiet)
    verbs = [call.split()[1] for call in programs.calls("kind")]
    assert verbs.index("export") < verbs.index("delete")
    (export,) = programs.calls("kind export")
    assert export.endswith(str(backend.directory / "logs"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_cleans_up(
    tmp_path: Path, programs: Programs, number: signal.Signals
) -> None:
    programs.kind(create=f"touch {programs.directory}/creating; sleep 120")
    environment = {**only(programs), "LABKIT_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "labkit", "up", "--backend", "kind"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + SECONDS
    while not (programs.directory / "creating").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert "Cleaning up" in err
    assert programs.calls("kind delete")
    assert not (programs.directory / "node").exists()
    assert not (tmp_path / "home" / "kind" / "cluster.json").exists()


def test_a_container_that_is_just_being_made_is_waited_for_and_removed(
    tmp_path: Path, programs: Programs
) -> None:
    """``docker run`` goes on when kind is ended, and its container would outlive the clean-up."""
    place = programs.directory
    (place / "ps").symlink_to(shutil.which("ps", path="/usr/bin:/bin") or "ps")
    programs.docker(rest=f"touch {place}/creating; sleep 1; echo late > {place}/node")
    programs.kind(
        create=f"rm -f {place}/node; docker run --detach --name labkit-control-plane node:v1"
    )
    environment = {
        **only(programs),
        "LABKIT_HOME": str(tmp_path / "home"),
        "LABKIT_KIND_IMAGE": "node:v1",
    }
    command = [sys.executable, "-m", "labkit", "up", "--backend", "kind"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + SECONDS
        while not (place / "creating").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    time.sleep(1.2)
    assert not (place / "node").exists()


def test_what_a_killed_start_left_is_removed_by_the_next(
    backend: KindBackend, usable: Client, programs: Programs
) -> None:
    backend.home.mkdir(mode=0o700)
    backend.directory.mkdir(mode=0o700)
    (backend.directory / "cluster.json").write_text(
        json.dumps({"state": "creating", "cluster": "labkit"})
    )
    said: list[str] = []
    backend.start(said.append)
    assert "An earlier start was interrupted" in said[0]
    assert programs.calls()[-1]
    assert programs.log.read_text().index("kind delete") < programs.log.read_text().index(
        "kind create"
    )
    backend.stop(quiet)


def test_stopping_while_docker_does_not_run_forgets_nothing(
    backend: KindBackend, usable: Client, programs: Programs
) -> None:
    backend.start(quiet)
    programs.write("docker", 'echo "Cannot connect to the Docker daemon" >&2; exit 1')
    with pytest.raises(Missing, match="does not run"):
        KindBackend(backend.home, Options()).stop(quiet)
    assert (backend.directory / "cluster.json").exists()


@pytest.mark.parametrize(
    ("script", "what", "todo"),
    [
        (
            'echo "permission denied while trying to connect" >&2; exit 1',
            "you may not use it",
            "usermod",
        ),
        (
            'echo "Cannot connect to the Docker daemon at unix" >&2; exit 1',
            "does not run",
            "systemctl",
        ),
        ('echo \'{"ServerErrors":["permission denied"]}\'', "you may not use it", "usermod"),
        ("exit 3", "does not answer", "docker info"),
        ("echo nonsense", "does not answer", "docker info"),
    ],
)
def test_a_docker_that_cannot_be_used(
    backend: KindBackend, programs: Programs, script: str, what: str, todo: str
) -> None:
    programs.write("docker", script)
    with pytest.raises(Missing, match=what) as caught:
        backend.start(quiet)
    assert todo in caught.value.todo
    assert not needs.find_needs(backend.image)[0].met


def test_podman_serves_where_there_is_no_docker(backend: KindBackend, programs: Programs) -> None:
    (programs.directory / "docker").unlink()
    info = {"host": {"memTotal": 8 * 1024**3, "cgroupVersion": "v2"}, "version": {"Version": "5.0"}}
    programs.write("podman", f"case $1 in info) echo '{json.dumps(info)}';; esac")
    assert [need.met for need in needs.find_needs(backend.image)] == [True, True, True, True]
    assert needs.find_needs(backend.image)[0].state == "podman 5.0"
    assert backend._cluster.environment == {"KIND_EXPERIMENTAL_PROVIDER": "podman"}


def test_no_kind_no_memory_no_disk(
    backend: KindBackend, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.docker(info={"MemTotal": 512 * 1024**2})
    with pytest.raises(Missing, match=r"memory: 0\.5 GiB"):
        backend.start(quiet)
    programs.docker()
    monkeypatch.setattr(needs, "DISK_BYTES", 10**18)
    with pytest.raises(Missing, match="disk"):
        backend.start(quiet)
    (programs.directory / "kind").unlink()
    with pytest.raises(Missing, match="kind is not installed") as caught:
        backend.start(quiet)
    assert "conda-forge" in caught.value.todo


@pytest.mark.parametrize(
    ("chosen", "image"),
    [
        ("", ""),
        ("v1.34.0", "kindest/node:v1.34.0"),
        ("1.34.0", "kindest/node:v1.34.0"),
        ("me/node:x", "me/node:x"),
    ],
)
def test_the_node_image_can_be_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str, image: str
) -> None:
    monkeypatch.delenv("LABKIT_KIND_IMAGE", raising=False)
    assert KindBackend(tmp_path, Options(image=chosen or None)).image == image
    monkeypatch.setenv("LABKIT_KIND_IMAGE", chosen)
    assert KindBackend(tmp_path, Options()).image == image


def patches(text: str) -> dict[str, Any]:
    document = yaml.safe_load(text)
    found = [yaml.safe_load(patch) for patch in document["kubeadmConfigPatches"]]
    return {f"{entry.get('apiVersion', '')} {entry['kind']}": entry for entry in found}


def test_the_audit_log_is_bounded_in_every_shape_of_kubeadms_configuration() -> None:
    by_version = patches((resources.clusters() / "kind" / "lab.yaml").read_text())
    wanted = {
        "audit-policy-file": "/etc/kubernetes/policies/audit-policy.yaml",
        "audit-log-path": f"{auditlog.LOGS}/kube-apiserver-audit.log",
        "audit-log-maxsize": "20",
        "audit-log-maxbackup": "2",
    }
    servers = [
        by_version[f"kubeadm.k8s.io/v1beta{n} ClusterConfiguration"]["apiServer"] for n in (2, 3, 4)
    ]
    volumes = [server["extraVolumes"] for server in servers]
    assert volumes[0] == volumes[1] == volumes[2]
    arguments = [server["extraArgs"] for server in servers]
    assert arguments[0] == arguments[1] == wanted
    assert {entry["name"]: entry["value"] for entry in arguments[2]} == wanted


def test_kubeadm_waits_for_a_busy_machine_in_every_shape_of_its_configuration() -> None:
    by_version = patches((resources.clusters() / "kind" / "lab.yaml").read_text())
    for version in (2, 3):
        server = by_version[f"kubeadm.k8s.io/v1beta{version} ClusterConfiguration"]["apiServer"]
        assert server["timeoutForControlPlane"] == "10m0s"
    timeouts = by_version["kubeadm.k8s.io/v1beta4 InitConfiguration"]["timeouts"]
    waits = {"controlPlaneComponentHealthCheck": "10m0s", "kubeletHealthCheck": "10m0s"}
    assert timeouts == {**waits, "kubernetesAPICall": "3m0s"}


def test_the_configuration_lies_beside_its_policy(backend: KindBackend, programs: Programs) -> None:
    programs.docker(info={"CgroupVersion": "1"})
    programs.kind(create="exit 1")
    with pytest.raises(StartFailed):
        backend.start(quiet)
    written = (backend.directory / "lab.yaml").read_text()
    assert (
        patches(written)["kubelet.config.k8s.io/v1beta1 KubeletConfiguration"]["failCgroupV1"]
        is False
    )
    mount = yaml.safe_load(written)["nodes"][0]["extraMounts"][0]
    assert (backend.directory / mount["hostPath"]).exists()
    assert "--config lab.yaml" in programs.calls("kind create")[0]


def test_the_audit_policy_keeps_learners_and_drops_the_machinery() -> None:
    policy = yaml.safe_load((resources.clusters() / "kind" / "audit-policy.yaml").read_text())
    assert policy["rules"][-1] == {"level": "Metadata"}
    dropped = policy["rules"][:-1]
    assert {rule["level"] for rule in dropped} == {"None"}
    assert not [rule for rule in dropped if not (rule.get("users") or rule.get("userGroups"))]


def test_an_audit_event_is_searched_in_the_node(backend: KindBackend, programs: Programs) -> None:
    event = json.dumps({"auditID": "id-7", "verb": "list"})
    programs.docker(rest=f"echo '{event}'")
    assert backend.audit_log is not None
    assert backend.audit_log.event("id-7") == {"auditID": "id-7", "verb": "list"}
    assert "grep -hF id-7 /var/log/kubernetes/*.log" in programs.calls("docker exec")[0]
    assert backend.audit_log.event("x; rm -rf /") is None
    assert backend.audit_log.event("") is None


@pytest.mark.parametrize(
    ("image", "played"),
    [
        ("ubuntu", True),
        ("ubuntu:24.04", True),
        ("docker.io/library/ubuntu", True),
        ("luksa/kubectl-proxy:1.6.2", True),
        ("nginx", False),
        ("me/ubuntu", False),
    ],
)
def test_only_image_and_pull_policy_are_overridden(image: str, played: bool) -> None:
    pod = {
        "kind": "Pod",
        "spec": {"containers": [{"name": "main", "image": image, "command": ["x"]}]},
    }
    adapted = podimage.adapt(pod)
    container = {
        "name": "main",
        "image": podimage.IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["x"],
    }
    unchanged = pod["spec"]["containers"][0]  # type: ignore[index]
    assert adapted["spec"]["containers"][0] == (container if played else unchanged)
    assert podimage.adapt({"kind": "Role"}) == {"kind": "Role"}


@pytest.mark.parametrize("kind", [kind for kind in podimage.TEMPLATES if kind != "Pod"])
def test_the_pods_that_a_controller_makes_get_the_image_too(kind: str) -> None:
    """Their sidecars and their first containers as well: no node can run the walkthrough's proxy any more."""
    proxy = {"name": "proxy", "image": "luksa/kubectl-proxy:1.6.2", "restartPolicy": "Always"}
    spec: Any = {"initContainers": [proxy], "containers": [{"name": "main", "image": "nginx"}]}
    manifest = spec
    for key in reversed(podimage.TEMPLATES[kind]):
        manifest = {key: manifest}
    adapted: Any = podimage.adapt({"kind": kind, **manifest})
    for key in podimage.TEMPLATES[kind]:
        adapted = adapted[key]
    assert adapted["initContainers"] == [
        {**proxy, "image": podimage.IMAGE, "imagePullPolicy": "IfNotPresent"}
    ]
    assert adapted["containers"] == spec["containers"]
    assert podimage.adapt({"kind": kind}) == {"kind": kind}


def test_the_pod_image_is_built_on_what_can_be_had(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from labkit.backends.engine import find

    fails = 'case "$*" in *BASE=node*) exit 0;; *) echo "no network" >&2; exit 1;; esac'
    programs.docker(images="none", rest=fails)
    podimage.ensure(find(), "node:v1", quiet)
    assert ["BASE=node:v1" in line for line in programs.calls("docker build")] == [False, True]
    with pytest.raises(Missing, match="could not be built") as caught:
        podimage.ensure(find(), "", quiet)
    assert caught.value.why == "no network"
    monkeypatch.setenv("LABKIT_POD_TARBALL", str(tmp_path / "nope.tar"))
    with pytest.raises(Missing, match="does not give the image"):
        podimage.ensure(find(), "", quiet)


def test_programs_that_hang_or_may_not_run_are_no_traceback(programs: Programs) -> None:
    from labkit.backends.engine import call

    programs.write("slow", "sleep 5")
    assert call(["slow"], timeout_seconds=0.1).returncode == 124
    programs.write("shut", "exit 0")
    os.chmod(programs.directory / "shut", 0)
    assert call(["nowhere"]).returncode == 127
    assert call([str(programs.directory)]).returncode == 126
