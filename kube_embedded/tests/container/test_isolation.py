"""A pod reaches its own files, the API server and its own ports, but not the host."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kube_embedded.container.network.transport import Listener
from kube_embedded.machinery.request import Response
from kube_embedded.tests.container.harness import container, run

HOST_PATHS = [
    "/work",
    "/proc/self/maps",
    "/proc/1/root/etc/passwd",
    "/proc/self/fd/3",
    "/proc/self/mem",
    "/proc/kcore",
    "/sys/kernel",
    "/dev/sda",
    "/var/run/docker.sock",
    "/root/.kube/config",
    "../../../../../../../../proc/self/environ/../../../etc/shadow-",
]


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("of the host")
    return path


@pytest.mark.parametrize("path", HOST_PATHS)
def test_paths_of_the_host_are_not_there(path: str) -> None:
    assert run(f"cat '{path}'").rc == 1


def test_a_file_of_the_host_cannot_be_read_by_any_way(secret: Path) -> None:
    ways = [
        f"cat {secret}",
        f"cat ../../../../../../../../../..{secret}",
        f"cat < {secret}",
        f"curl -s file://{secret}",
        f"curl -s file://localhost{secret}",
        f"curl -sT {secret} http://localhost",
        f"curl -s -d @{secret} http://localhost",
        f"curl -s -K {secret}",
        f"curl -s --cacert {secret} https://kubernetes",
        f"bash {secret}",
        f"tar cf - {secret}",
        f"grep -r host {secret.parent}",
        f"ls -R {secret.parent}",
        f"echo {secret.parent}/*",
        f"grep . {secret}; sed p {secret}; head {secret}; tail {secret}",
        f"mkdir -p {secret.parent}; cp {secret} /tmp/y; cat /tmp/y",
        f"[ -e {secret} ] && echo of the host",
    ]
    for way in ways:
        done = run(way)
        assert "of the host" not in done.stdout + done.stderr, way


def test_writing_stays_inside(tmp_path: Path) -> None:
    run(
        f"mkdir -p {tmp_path}; echo x > {tmp_path}/f; touch {tmp_path}/g; cp /etc/passwd {tmp_path}; "
        f"tar cf {tmp_path}/t /etc"
    )
    assert list(tmp_path.iterdir()) == []


def test_the_environment_is_not_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_ONLY", "leaked")
    done = run("env; cat /proc/1/environ /proc/self/environ; echo $HOST_ONLY")
    assert "leaked" not in done.stdout
    assert (
        os.uname().nodename
        not in run("hostname; uname -a; cat /proc/sys/kernel/hostname").stdout.split()
    )


def test_only_the_pods_own_processes_are_seen() -> None:
    assert run("cat /proc/[0-9]*/comm").stdout == "sleep\n"
    assert run(f"kill -9 {os.getpid()}").rc == 1
    assert run("kill -9 1; kill -9 -1").rc == 1


def hello(request: object) -> Response:
    return Response(200, {"content-type": "text/plain"}, b"hello\n")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:22",
        "http://localhost:10250/pods",
        "http://0.0.0.0:8080",
        "http://[::1]:6443",
        "http://169.254.169.254/latest/meta-data",
        "http://10.244.0.1:80",
        "https://172.18.0.2:2379",
        "http://2130706433:22",
    ],
)
def test_other_ports_refuse(url: str) -> None:
    place = container(listeners={8001: Listener(hello, "proxy")})
    assert run(f"curl -s '{url}'", place).rc in (6, 7)


def test_the_pods_own_port_answers_by_localhost_only_if_it_is_a_proxys() -> None:
    place = container(listeners={8001: Listener(hello, "proxy"), 80: Listener(hello, "web")})
    assert (
        run("curl -s localhost:8001; curl -s 127.0.0.1:80; curl -s 10.244.0.5", place).stdout
        == "hello\n" * 3
    )
    assert run("curl -s 10.244.0.5:8001", place).rc == 7


def test_names_outside_the_cluster_do_not_resolve() -> None:
    for host in (
        "example.com",
        "metadata.google.internal",
        "kubernetes.kikai",
        "localhost.localdomain",
    ):
        assert run(f"curl -s http://{host}").rc == 6
    assert run("exec 3<>/dev/tcp/example.com/80").rc == 1


def test_a_read_only_root_and_an_ordinary_user() -> None:
    assert "Read-only file system" in run("echo x > /tmp/f", container(read_only=True)).stderr
    guest = container(uid=1234)
    assert run("id -u", guest).stdout == "1234\n"
    assert "Permission denied" in run("echo x > /etc/f", guest).stderr
    assert "Permission denied" in run("cat /etc/shadow", guest).stderr
    assert run("echo x > /tmp/f; cat /tmp/f", guest).stdout == "x\n"


def test_containers_do_not_share_the_images_files() -> None:
    first, second = container(), container()
    run("rm /usr/bin/curl; rm /usr/bin/ls; echo changed > /etc/os-release", first)
    assert (
        run(
            "curl --version | head -c 4; ls / > /dev/null && head -c 6 /etc/os-release", second
        ).stdout
        == "curlPRETTY"
    )
