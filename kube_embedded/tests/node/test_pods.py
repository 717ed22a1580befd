"""Pods' lives: they run, end, crash, wait for images, and go."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kube_embedded.cluster import Cluster
from kube_embedded.machinery.request import Object
from kube_embedded.tests.node.pods import ADMIN, Lab
from kube_embedded.tests.support.cluster import Caller, keys


@pytest.fixture
def lab() -> Lab:
    return Lab()


def sh(script: str, **more: Any) -> dict[str, Any]:
    return {"name": "main", "image": "busybox", "command": ["sh", "-c", script], **more}


def conditions(pod: dict[str, Any]) -> dict[str, str]:
    return {one["type"]: one["status"] for one in pod["status"]["conditions"]}


def test_a_pod_runs_as_soon_as_it_is_created(lab: Lab) -> None:
    pod = lab.pod()
    assert pod["status"]["phase"] == "Running"
    assert pod["spec"]["nodeName"] == "kube-embedded"
    assert set(conditions(pod).values()) == {"True"}
    assert [reason for reason, _ in lab.events()] == [
        "Scheduled",
        "Pulling",
        "Pulled",
        "Created",
        "Started",
    ]


def test_without_a_node_pods_stay_pending() -> None:
    lab = Lab(node=False)
    pod = lab.pod()
    assert pod["status"]["phase"] == "Pending"
    assert "nodeName" not in pod["spec"]
    assert lab.ask("/api/v1/namespaces/default/pods/p/log").status == 204
    assert lab.ask("/api/v1/namespaces/default/pods/p/exec?command=ls&stdout=true").status == 400


@pytest.mark.parametrize(
    ("policy", "code", "phase"),
    [("Never", 0, "Succeeded"), ("Never", 3, "Failed"), ("OnFailure", 0, "Succeeded"), ("OnFailure", 3, "Running"),
     ("Always", 0, "Running")],
)  # fmt: skip
def test_the_phase_follows_exit_code_and_restart_policy(
    lab: Lab, policy: str, code: int, phase: str
) -> None:
    pod = lab.pod(restartPolicy=policy, containers=[sh(f"echo bye; exit {code}")])
    assert pod["status"]["phase"] == phase
    ended = lab.state()["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (code, "Error" if code else "Completed")
    assert lab.log() == "bye\n"


def test_a_crash_loop_backs_off_and_forgets_its_files(lab: Lab) -> None:
    lab.pod(containers=[sh("cat /tmp/f; echo $RANDOM > /tmp/f; exit 1")])
    assert lab.state()["restartCount"] == 0
    lab.wait(1)
    assert lab.state()["restartCount"] == 1
    lab.wait(6)
    assert lab.state()["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert lab.state()["lastState"]["terminated"]["exitCode"] == 1
    lab.wait(6)
    assert lab.state()["restartCount"] == 2
    lab.wait(17)
    assert lab.state()["restartCount"] == 2
    lab.wait(2)
    assert lab.state()["restartCount"] == 3
    assert "cat: /tmp/f: No such file or directory" in lab.log()
    assert "No such file" in lab.log(query="previous=true")
    counts = dict(lab.events())
    assert counts["Started"] == 4
    assert counts["BackOff"] >= 3


def test_a_command_takes_its_time_by_the_clusters_clock(lab: Lab) -> None:
    lab.pod(restartPolicy="Never", containers=[sh("for i in 1 2 3; do echo $i; sleep 10; done")])
    assert lab.log() == "1\n"
    lab.wait(10)
    assert lab.log() == "1\n2\n"
    lab.wait(25)
    assert lab.log() == "1\n2\n3\n"
    assert lab.get()["status"]["phase"] == "Succeeded"


def test_a_busy_container_is_slowed_not_served_first(lab: Lab) -> None:
    pod = lab.pod(containers=[sh("while :; do :; done")])
    assert pod["status"]["phase"] == "Running"
    lab.wait(5)
    assert lab.get()["status"]["phase"] == "Running"


def test_an_unknown_image_is_pulled_again_and_again(lab: Lab) -> None:
    pod = lab.pod(containers=[{"image": "nosuch.example/x:1"}])
    assert pod["status"]["phase"] == "Pending"
    assert lab.state()["state"]["waiting"]["reason"] == "ImagePullBackOff"
    lab.wait(11)
    assert dict(lab.events())["Pulling"] == 2
    lab.wait(600, step=5)
    assert 4 < dict(lab.events())["Pulling"] < 12
    assert lab.ask("/api/v1/namespaces/default/pods/p/log").status == 400


def test_a_pull_that_fails_again_is_shown_as_a_back_off_five_seconds_later(lab: Lab) -> None:
    def back_offs() -> int:
        return dict(lab.events()).get("BackOff", 0)

    lab.pod(containers=[{"image": "nosuch.example/x:1"}])
    assert back_offs() == 1
    lab.wait(11)
    assert dict(lab.events())["Pulling"] == 2
    assert back_offs() == 1
    lab.wait(3)
    assert back_offs() == 1
    lab.wait(3)
    assert back_offs() == 2


def test_events_are_named_by_their_time(lab: Lab) -> None:
    def names() -> list[int]:
        events = lab.admin.get("/api/v1/namespaces/default/events").body["items"]
        names = [one["metadata"]["name"].rpartition(".") for one in events]
        assert {pod for pod, _, _ in names} == {"p"}
        return sorted(int(time, 16) for _, _, time in names)

    lab.pod()
    first = int(lab.clock.now * 1e9)
    # Those of one moment have one nanosecond each.
    before = names()
    assert before == list(range(first, first + len(before)))
    lab.wait(5)
    lab.admin.delete("/api/v1/namespaces/default/pods/p")
    assert [name for name in names() if name not in before] == [first + 5 * 10**9]
    lab.clock.now -= 3600
    lab.pod()
    assert min(set(names()) - set(before)) == first + 5 * 10**9
    assert len(names()) > 2 * len(before), "no name is taken twice"


def test_images_on_the_node_and_images_pulled(lab: Lab) -> None:
    lab.pod("pulled")
    lab.pod(
        "loaded",
        containers=[
            {"image": "ubuntu:latest", "imagePullPolicy": "IfNotPresent", "command": ["sleep", "9"]}
        ],
    )
    assert (
        lab.exec("curl", "pulled", shell="bash").stderr == "bash: line 1: curl: command not found\n"
    )
    assert lab.exec("curl", "loaded").rc == 2


def test_curl_appears_when_it_is_installed(lab: Lab) -> None:
    lab.pod()
    assert lab.exec("apt-get install -y curl").stderr == "E: Unable to locate package curl\n"
    assert lab.exec("apt-get update && apt-get install -y curl").rc == 0
    assert lab.exec("which curl").stdout == "/usr/bin/curl\n"
    assert lab.exec("apt-get install -y nosuch").rc == 100
    again = lab.exec("apt-get install -y curl").stdout
    assert (
        "curl is already the newest version (8.5.0-2ubuntu10.6).\n0 upgraded, 0 newly installed"
        in again
    )


@pytest.mark.parametrize("kind", ["secretKeyRef", "configMapKeyRef"])
def test_a_missing_reference_is_a_config_error_until_it_is_there(lab: Lab, kind: str) -> None:
    lab.pod(
        containers=[
            sh(
                "echo $A; sleep 999",
                env=[{"name": "A", "valueFrom": {kind: {"name": "x", "key": "k"}}}],
            )
        ]
    )
    assert lab.state()["state"]["waiting"]["reason"] == "CreateContainerConfigError"
    plural = "secrets" if kind.startswith("secret") else "configmaps"
    lab.admin.post(
        f"/api/v1/namespaces/default/{plural}",
        {"metadata": {"name": "x"}, "stringData" if plural == "secrets" else "data": {"k": "v"}},
    )
    lab.wait(15)
    assert lab.log() == "v\n"


def test_a_missing_volume_holds_the_pod_back(lab: Lab) -> None:
    volume = {"name": "v", "configMap": {"name": "x"}}
    mount = {"name": "v", "mountPath": "/v"}
    pod = lab.pod(volumes=[volume], containers=[sh("cat /v/k; sleep 999", volumeMounts=[mount])])
    assert pod["status"]["phase"] == "Pending"
    assert "podIP" not in pod["status"]
    assert conditions(pod)["PodReadyToStartContainers"] == "False"
    assert ("FailedMount", 1) in lab.events()
    lab.admin.post(
        "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "x"}, "data": {"k": "v"}}
    )
    lab.wait(12)
    assert lab.log() == "v"[:0] or lab.exec("cat /v/k").stdout == "v"
    assert lab.get()["status"]["podIP"].startswith("10.244.")
    assert conditions(lab.get())["PodReadyToStartContainers"] == "True"
    lab.admin.patch("/api/v1/namespaces/default/configmaps/x", {"data": {"k": "new"}})
    assert lab.exec("cat /v/k").stdout == "new"
    assert lab.exec("echo x > /v/k").rc != 0


def test_init_containers_go_first(lab: Lab) -> None:
    volume = {"name": "v", "emptyDir": {}}
    mount = [{"name": "v", "mountPath": "/v"}]
    init = [
        {
            "name": "i",
            "image": "busybox",
            "command": ["sh", "-c", "sleep 5; echo made > /v/f"],
            "volumeMounts": mount,
        }
    ]
    pod = lab.pod(
        initContainers=init,
        volumes=[volume],
        containers=[sh("cat /v/f; sleep 999", volumeMounts=mount)],
    )
    assert pod["status"]["phase"] == "Pending"
    assert conditions(pod)["Initialized"] == "False"
    lab.wait(7)
    assert lab.get()["status"]["phase"] == "Running"
    assert lab.log() == "made\n" or lab.exec("cat /v/f").stdout == "made\n"


def test_a_command_that_is_not_there(lab: Lab) -> None:
    lab.pod(restartPolicy="Never", containers=[{"image": "busybox", "command": ["nosuch"]}])
    ended = lab.state()["state"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("StartError", 128)
    assert 'exec: "nosuch": executable file not found in $PATH' in ended["message"]


def test_a_deleted_pod_ends_and_its_address_is_free_again(lab: Lab) -> None:
    address = lab.pod()["status"]["podIP"]
    lab.admin.delete("/api/v1/namespaces/default/pods/p")
    assert lab.admin.get("/api/v1/namespaces/default/pods/p").status == 404
    assert lab.pod("q")["status"]["podIP"] == address


def ends(lab: Lab) -> list[tuple[str, str, str, list[Object]]]:
    """What a watch tells of the pod's end: type, phase, the reason it is not ready, the containers' states."""
    version = lab.get()["metadata"]["resourceVersion"]
    lab.admin.delete("/api/v1/namespaces/default/pods/p")
    query = f"watch=true&resourceVersion={version}&timeoutSeconds=1"
    stream = lab.ask(f"/api/v1/namespaces/default/pods?{query}").stream
    assert stream is not None
    told = []
    for line in b"".join(stream.read()).splitlines():
        event = json.loads(line)
        status = event["object"]["status"]
        ready = next(item for item in status["conditions"] if item["type"] == "Ready")
        containers = [*(status.get("initContainerStatuses") or ()), *status["containerStatuses"]]
        told.append(
            (
                event["type"],
                status["phase"],
                ready.get("reason", ""),
                [one["state"] for one in containers],
            )
        )
    stream.close()
    return told


def test_a_watch_sees_a_deleted_pod_end_before_it_is_gone(lab: Lab) -> None:
    """As a kubelet of 1.36 does it, recorded from a kind cluster."""
    lab.pod()
    told = ends(lab)
    assert [(kind, phase, reason) for kind, phase, reason, _ in told] == [
        ("MODIFIED", "Running", ""),
        ("MODIFIED", "Failed", "PodFailed"),
        ("MODIFIED", "Failed", "PodFailed"),
        ("DELETED", "Failed", "PodFailed"),
    ]
    ended = told[-1][3][0]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (137, "Error")


def test_a_container_that_never_ran_is_unknown_when_its_pod_ends(lab: Lab) -> None:
    lab.pod(containers=[{"image": "nosuch:1", "command": ["sleep", "9"]}])
    kind, phase, reason, states = ends(lab)[-1]
    assert (kind, phase, reason) == ("DELETED", "Failed", "ContainersNotReady")
    assert states[0]["terminated"]["reason"] == "ContainerStatusUnknown"
    assert states[0]["terminated"]["startedAt"] is None


def test_a_pod_that_was_initializing_ends_with_its_first_container(lab: Lab) -> None:
    containers = [{"image": "busybox", "command": ["sleep", "99"]}]
    lab.pod(initContainers=[{"name": "i", **containers[0]}], containers=containers)
    kind, phase, _, states = ends(lab)[-1]
    assert (kind, phase) == ("DELETED", "Failed")
    assert states[0]["terminated"]["exitCode"] == 137
    assert states[1] == {"waiting": {"reason": "PodInitializing"}}


def test_a_finished_pod_is_gone_as_it_was(lab: Lab) -> None:
    lab.pod(restartPolicy="Never", containers=[{"image": "busybox", "command": ["true"]}])
    lab.wait(2)
    assert {phase for _, phase, _, _ in ends(lab)} == {"Succeeded"}


def test_a_pod_with_a_finalizer_ends_and_stays(lab: Lab) -> None:
    lab.pod()
    path = "/api/v1/namespaces/default/pods/p"
    lab.admin.patch(path, {"metadata": {"finalizers": ["example.com/keep"]}})
    lab.admin.delete(path)
    assert lab.get()["status"]["phase"] == "Failed"
    lab.admin.patch(path, {"metadata": {"finalizers": None}})
    assert lab.admin.get(path).status == 404


def test_services_lead_to_pods(lab: Lab) -> None:
    lab.admin.post(
        "/api/v1/namespaces/default/pods",
        {
            "metadata": {"name": "web", "labels": {"app": "web"}},
            "spec": {"containers": [{"name": "n", "image": "nginx"}]},
        },
    )
    lab.admin.post(
        "/api/v1/namespaces/default/services",
        {
            "metadata": {"name": "front"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 8080, "targetPort": 80}]},
        },
    )
    lab.pod(containers=[{"image": "curlimages/curl", "command": ["sleep", "999"]}])
    for url in ("front:8080", "front.default:8080", "front.default.svc.cluster.local:8080"):
        assert "Welcome to nginx!" in lab.exec(f"curl -s {url}").stdout
    assert lab.exec("curl -s front:80").rc == 7
    assert lab.exec("echo $FRONT_SERVICE_PORT").stdout == "8080\n"
    lab.wait(2)
    assert '"GET / HTTP/1.1" 200' in lab.log("web")


def test_containers_begin_again_after_the_server_forgot_them(lab: Lab) -> None:
    before = lab.pod()
    lab.exec("echo kept > /tmp/f")
    node = lab.cluster._node
    assert node is not None
    node._forget(before["metadata"]["uid"])
    assert lab.exec("cat /tmp/f").rc == 1
    assert lab.get() == before, "nothing is said about it"
    assert lab.exec("hostname -i").stdout == before["status"]["podIP"] + "\n"


def test_pods_keep_their_addresses_when_the_server_starts_again(lab: Lab) -> None:
    for name in ("first", "second", "third"):
        lab.pod(name)
    kept = {name: lab.get(name)["status"]["podIP"] for name in ("second", "third")}
    lab.admin.delete("/api/v1/namespaces/default/pods/first")
    lab.cluster = Cluster(keys(), lab.cluster.store, clock=lab.clock)
    lab.admin = Caller(lab.cluster, ADMIN)
    lab.wait(6)
    for name, address in kept.items():
        assert lab.exec("hostname -i", name).stdout == f"{address}\n"
        assert lab.get(name)["status"]["podIP"] == address
    assert lab.pod("fourth")["status"]["podIP"] not in kept.values()


def test_a_pod_whose_address_another_one_has_gets_a_new_one(lab: Lab) -> None:
    lab.pod("early")
    snapshot = lab.cluster.store.snapshot()
    address = lab.get("early")["status"]["podIP"]
    lab.admin.delete("/api/v1/namespaces/default/pods/early")
    assert lab.pod("late")["status"]["podIP"] == address
    lab.cluster.store.restore(snapshot)
    assert lab.exec("hostname -i", "early").stdout != f"{address}\n"


def test_a_rewound_cluster_runs_the_pods_of_then(lab: Lab) -> None:
    lab.pod("early")
    snapshot = lab.cluster.store.snapshot()
    lab.admin.delete("/api/v1/namespaces/default/pods/early")
    lab.pod("late")
    lab.cluster.store.restore(snapshot)
    assert lab.exec("hostname", "early").stdout == "early\n"
    lab.wait(6)
    assert lab.ask("/api/v1/namespaces/default/pods/late/exec?command=ls&stdout=true").status == 404


def test_kubectl_in_a_pod_has_little_more_than_the_proxy(lab: Lab) -> None:
    lab.pod(
        containers=[
            {
                "image": "labkit/pod:0.1.0",
                "imagePullPolicy": "IfNotPresent",
                "command": ["sleep", "9999"],
            }
        ]
    )
    assert "knows: proxy, version" in lab.exec("kubectl").stdout
    refused = lab.exec("kubectl get pods")
    assert (refused.rc, refused.stdout) == (1, "")
    assert refused.stderr == (
        "kubectl get: not simulated in this lab's pods: use curl here, or kubectl outside the pod\n"
    )


def test_the_labs_image_runs_what_it_is_told(lab: Lab) -> None:
    lab.pod("told", containers=[{"image": "labkit/pod:0.1.0", "args": ["echo", "hi"]}])
    lab.pod("bare", containers=[{"image": "labkit/pod:0.1.0"}])
    assert lab.log("told") == "hi\n"
    assert lab.log("bare") == "Starting to serve on 127.0.0.1:8001\n"


def test_a_pod_on_a_node_that_is_not_there_goes_at_once_or_after_a_while(lab: Lab) -> None:
    for name in ("gone", "left"):
        lab.pod(name, nodeName="elsewhere")
    lab.admin.delete("/api/v1/namespaces/default/pods/gone")
    assert lab.admin.get("/api/v1/namespaces/default/pods/gone").status == 404
    lab.wait(30)
    assert lab.get("left")["status"]["phase"] == "Pending"
    lab.wait(20)
    assert lab.admin.get("/api/v1/namespaces/default/pods/left").status == 404


@pytest.mark.parametrize(
    "told",
    [
        {"podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]},
        {"phase": "Succeeded"},
        {"containerStatuses": []},
    ],
)
def test_what_a_client_writes_into_the_status_is_written_over(
    lab: Lab, told: dict[str, Any]
) -> None:
    before = lab.pod()["status"]
    answer = lab.admin.patch("/api/v1/namespaces/default/pods/p/status", {"status": told})
    assert answer.status == 200
    assert lab.get()["status"] == before
    lab.wait(60)
    assert lab.get()["status"]["podIP"] == before["podIP"]


def test_a_pod_that_does_not_run_cannot_be_called_running(lab: Lab) -> None:
    lab.pod(containers=[{"name": "main", "image": "no/such/image:9", "command": ["false"]}])
    running = {
        "phase": "Running",
        "containerStatuses": [{"name": "main", "state": {"running": {}}}],
    }
    lab.admin.patch("/api/v1/namespaces/default/pods/p/status", {"status": running})
    lab.wait(60)
    assert lab.get()["status"]["phase"] == "Pending"
    assert "waiting" in lab.state()["state"]


def test_a_pod_is_ready_when_the_conditions_of_its_gates_are_true(lab: Lab) -> None:
    gate = "example.com/ready"

    def ready() -> tuple[str, str]:
        [found] = [each for each in lab.get()["status"]["conditions"] if each["type"] == "Ready"]
        return found["status"], found.get("message", "")

    lab.pod(readinessGates=[{"conditionType": gate}])
    closed = f'corresponding condition of pod readiness gate "{gate}" does not exist.'
    assert ready() == ("False", closed)
    path = "/api/v1/namespaces/default/pods/p/status"
    for status, message in (
        ("False", f'the status of pod readiness gate "{gate}" is not "True", but False'),
        ("True", ""),
    ):
        others = [each for each in lab.get()["status"]["conditions"] if each["type"] != gate]
        told = [*others, {"type": gate, "status": status}]
        lab.admin.patch(path, {"status": {"conditions": told}})
        assert ready() == (status, message)
        assert conditions(lab.get())[gate] == status
