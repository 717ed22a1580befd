"""Exec, attach and logs: what is refused, and in what words the end is told."""

from __future__ import annotations

import asyncio

import pytest

from kube_embedded.machinery.request import Object, Request
from kube_embedded.tests.container.textio import TextIO
from kube_embedded.tests.node.pods import Lab
from kube_embedded.tests.support.cluster import ClusterApi

POD = "/api/v1/namespaces/default/pods/p"


@pytest.fixture
def lab() -> Lab:
    made = Lab()
    made.pod(
        containers=[
            {
                "name": "main",
                "image": "busybox",
                "command": ["sh", "-c", "echo one; echo two; sleep 999"],
            },
            {
                "name": "other",
                "image": "busybox",
                "command": ["sh", "-c", "sleep 5; echo late; sleep 999"],
            },
        ]
    )
    return made


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        (
            "command=ls&stdout=true",
            400,
            "a container name must be specified for pod p, choose one of: [main other]",
        ),
        ("command=ls&stdout=true&container=z", 400, "container z is not valid for pod p"),
        ("command=ls&container=main", 400, "you must specify at least 1 of stdin, stdout, stderr"),
    ],
)
def test_refusals(lab: Lab, query: str, status: int, text: str) -> None:
    answer = lab.ask(f"{POD}/exec?{query}")
    assert answer.status == status
    assert text in answer.body.decode()


@pytest.mark.parametrize(
    "path", ["log", "exec?command=ls&stdout=true", "attach?stdout=true", "portforward"]
)
def test_a_pod_on_a_node_that_is_not_there(path: str) -> None:
    api = ClusterApi()
    api.namespace("lab")
    spec = {"nodeName": "gone", "containers": [{"name": "c", "image": "busybox"}]}
    api.must(
        api.admin.post("/api/v1/namespaces/lab/pods", {"metadata": {"name": "p"}, "spec": spec})
    )
    answer = api.admin.get(f"/api/v1/namespaces/lab/pods/p/{path}")
    assert (answer.status, answer.message) == (404, 'pods "gone" not found')


def result(lab: Lab, words: list[str], protocol: str = "v5.channel.k8s.io") -> Object:
    query = "&".join(f"command={word}" for word in words)
    answer = lab.ask(
        f"{POD}/exec?{query}&container=main&stdout=true", {"sec-websocket-protocol": protocol}
    )
    assert answer.upgrade is not None
    session = answer.upgrade

    async def main() -> Object:
        return await session.run(TextIO())

    return asyncio.run(main())


def test_how_an_exit_code_is_told(lab: Lab) -> None:
    assert result(lab, ["true"]) == {"metadata": {}, "status": "Success"}
    told = result(lab, ["sh", "-c", "exit%203"])
    assert told["reason"] == "NonZeroExitCode"
    assert told["details"]["causes"] == [{"reason": "ExitCode", "message": "3"}]
    assert told["message"].endswith(": command terminated with exit code 3")
    assert result(lab, ["false"], "v4.channel.k8s.io")["message"].endswith(
        "error executing command [false], exit code 1"
    )


def test_what_cannot_be_started(lab: Lab) -> None:
    assert (
        'exec: "nosuch": executable file not found in $PATH: unknown'
        in result(lab, ["nosuch"])["message"]
    )
    assert (
        'exec: "/etc/passwd": permission denied: unknown' in result(lab, ["/etc/passwd"])["message"]
    )
    assert "stat /nope: no such file or directory" in result(lab, ["/nope"])["message"]
    assert "args must not be empty" in result(lab, [])["message"]


def test_files_last_and_variables_do_not(lab: Lab) -> None:
    lab.exec("export X=1; echo 1 > /tmp/f", container="main")
    assert lab.exec("echo [$X]; cat /tmp/f", container="main").stdout == "[]\n1\n"
    assert lab.exec("cat /tmp/f", container="other").rc == 1


def test_get_alone_is_not_enough_to_run_a_command(lab: Lab) -> None:
    from kube_embedded.tests.support.cluster import RBAC

    for name, verbs in (("viewer", ["get"]), ("runner", ["get", "create"])):
        lab.admin.post(
            f"{RBAC}/clusterroles",
            {
                "metadata": {"name": name},
                "rules": [{"apiGroups": [""], "resources": ["pods/exec"], "verbs": verbs}],
            },
        )
        lab.admin.post(
            f"{RBAC}/clusterrolebindings",
            {
                "metadata": {"name": name},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": name,
                },
                "subjects": [
                    {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}
                ],
            },
        )
    path = f"{POD}/exec?command=id&container=z&stdout=true"
    refused = lab.admin.as_user("viewer").get(path)
    assert (refused.status, 'cannot create resource "pods/exec"' in refused.message) == (403, True)
    assert lab.admin.as_user("runner").get(path).status == 400


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("container=main", "one\ntwo\n"),
        ("container=main&tailLines=1", "two\n"),
        ("container=main&tailLines=0", ""),
        ("container=main&limitBytes=5", "one\nt"),
        ("container=main&sinceSeconds=1", "one\ntwo\n"),
        ("container=other", ""),
    ],
)
def test_logs(lab: Lab, query: str, text: str) -> None:
    assert lab.log(query=query) == text


def test_log_refusals(lab: Lab) -> None:
    assert lab.ask(f"{POD}/log").status == 400
    assert lab.ask(f"{POD}/log?container=main&tailLines=-1").status == 422
    assert lab.ask(f"{POD}/log?container=main&sinceSeconds=0").status == 422
    assert lab.ask(f"{POD}/log?container=main&tailLines=x").status == 400
    assert (
        b"previous terminated container" in lab.ask(f"{POD}/log?container=main&previous=true").body
    )
    lab.wait(30)
    assert lab.log(query="container=main&sinceSeconds=10") == ""
    assert lab.log(query="container=other&timestamps=true").endswith("Z late\n")


def test_a_followed_log_wakes_its_reader(lab: Lab) -> None:
    stream = lab.ask(f"{POD}/log?container=other&follow=true").stream
    assert stream is not None
    woken: list[int] = []
    stream.on_ready(lambda: woken.append(1))
    assert stream.read() == []
    lab.wait(6)
    assert woken
    assert stream.read() == [b"late\n"]
    states = [stream.closed]
    lab.admin.delete(POD)
    states.append(stream.closed)
    assert states == [False, True]
    stream.close()


class Typist(TextIO):
    """Types line by line, and stays."""

    def __init__(self, *lines: bytes) -> None:
        super().__init__()
        self.lines = list(lines)

    def stdin_ready(self) -> bool:
        return bool(self.lines)

    async def read_stdin(self) -> bytes:
        return self.lines.pop(0)


def test_attach_types_into_a_containers_own_input() -> None:
    lab = Lab()
    lab.pod(
        restartPolicy="Never",
        containers=[
            {"name": "main", "image": "busybox", "command": ["sh"], "stdin": True, "tty": True}
        ],
    )
    assert lab.get()["status"]["phase"] == "Running"
    session = lab.ask(f"{POD}/attach?stdin=true&stdout=true&tty=true").upgrade
    assert session is not None
    far = Typist(b"echo hi\r", b"exit 3\r")

    async def main() -> Object:
        return await session.run(far)

    assert asyncio.run(main())["status"] == "Success"
    assert bytes(far.out[1]).decode().startswith("echo hi\r\nhi\r\n/ # exit 3\r\n")
    assert lab.get()["status"]["phase"] == "Failed"
    assert lab.state()["state"]["terminated"]["exitCode"] == 3


WEBSOCKET = {
    "upgrade": "websocket",
    "connection": "Upgrade",
    "sec-websocket-protocol": "v4.channel.k8s.io",
}


def test_ports_are_forwarded_to_what_a_pod_serves(lab: Lab) -> None:
    lab.pod("web", containers=[{"image": "nginx"}])
    lab.wait(5)
    answer = lab.ask("/api/v1/namespaces/default/pods/web/portforward?ports=80,81", WEBSOCKET)
    assert (answer.status, answer.upgrade) == (101, None)
    assert answer.forward is not None
    assert answer.forward.ports == [80, 81]
    page = answer.forward.reach(80)
    assert not isinstance(page, str)
    assert b"Welcome to nginx" in page(Request("GET", "/", {}, {})).body
    refused = str(answer.forward.reach(81))
    assert refused.startswith("error forwarding port 81 to pod ")
    assert ": failed to connect to localhost:81 inside namespace " in refused
    assert refused.endswith(
        "IPv4: dial tcp4 127.0.0.1:81: connect: connection refused "
        "IPv6 dial tcp6 [::1]:81: connect: connection refused "
    )
    # In the tunnel each stream names its port.
    tunnel = {**WEBSOCKET, "sec-websocket-protocol": "SPDY/3.1+portforward.k8s.io"}
    answer = lab.ask("/api/v1/namespaces/default/pods/web/portforward", tunnel)
    assert answer.forward is not None
    assert answer.forward.ports == []


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", 'query parameter "port" is required'),
        ("?ports=0", 'port "0" must be > 0'),
        (
            "?ports=80,x",
            'cannot convert to []int32: strconv.ParseUint: parsing \\"x\\": invalid syntax',
        ),
        ("?ports=", 'cannot convert to []int32: strconv.ParseUint: parsing \\"\\": invalid syntax'),
        (
            "?ports=65536",
            'cannot convert to []int32: strconv.ParseUint: parsing \\"65536\\": value out of range',
        ),
    ],
)
def test_ports_that_cannot_be_forwarded(lab: Lab, query: str, text: str) -> None:
    answer = lab.ask(f"{POD}/portforward{query}", WEBSOCKET)
    assert (answer.status, answer.forward) == (400, None)
    assert text in answer.body.decode()


def test_ports_of_a_pod_that_has_ended(lab: Lab) -> None:
    lab.pod("done", containers=[{"image": "busybox", "command": ["true"]}], restartPolicy="Never")
    lab.wait(5)
    answer = lab.ask("/api/v1/namespaces/default/pods/done/portforward?ports=80", WEBSOCKET)
    assert (answer.status, answer.body) == (500, b'pod not found ("done_default")')


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("text/plain, */*", 200),
        ("application/vnd.kubernetes.protobuf", 200),
        # Although it is text that comes.
        ("text/plain", 406),
        ("application/json;as=Foo;g=meta.k8s.io;v=v1", 406),
        ("text/html", 406),
    ],
)
def test_in_what_form_a_log_is_to_be_had(lab: Lab, accept: str, status: int) -> None:
    lab.wait(2)
    answer = lab.ask(f"{POD}/log?container=main", {"accept": accept})
    assert answer.status == status
    if status == 406:
        text = (
            b"406: Not Acceptable\\n\\nAvailable representations: text/plain, application/json"
            if accept == "text/html"
            else b"only the following media types are accepted: application/json, application/yaml"
        )
        assert text in answer.body


def test_metadata_alone_is_to_be_had_in_protobuf(lab: Lab) -> None:
    accept = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    answer = lab.ask(POD, {"accept": accept})
    assert (answer.status, answer.headers["Content-Type"]) == (
        200,
        "application/vnd.kubernetes.protobuf",
    )
    assert answer.body.startswith(b"k8s\0")
