"""A proxy of the environment, as schools have one, never hears of a cluster on this machine."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from kube_embedded.tests.support.some import some
from kube_embedded.tests.support.until import SECONDS
from labkit.cli import run
from labkit.core.proxies import NO_PROXY, bypass_loopback
from labkit.lab import workbook
from labkit.lab.lab import Lab
from tests.support.course import ALL_PASSED

ROOT = Path(__file__).parents[2]
VARIABLES = ("http_proxy", "https_proxy", "all_proxy")


class RecordingProxy:
    """A proxy that refuses all requests, and records them."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection, suppress(OSError):
                data = connection.recv(65536)
                if data == b"end":
                    return
                self.heard.append(data)
                connection.sendall(
                    b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )

    def close(self) -> None:
        with socket.create_connection(self._listener.getsockname()) as connection:
            connection.sendall(b"end")
        self._thread.join()
        self._listener.close()


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[RecordingProxy]:
    """Provide a proxy that all variables name; NO_PROXY has another host only."""
    recording = RecordingProxy()
    for name in VARIABLES:
        monkeypatch.setenv(name, recording.url)
        monkeypatch.setenv(name.upper(), recording.url)
    monkeypatch.setenv("no_proxy", "school.example")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setattr(
        "urllib.request._opener", None
    )  # it would remember the proxy of another test
    yield recording
    recording.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Provide the state directory of a cluster that runs for the whole module, with a pod."""
    lab = Lab("embedded", home=tmp_path_factory.mktemp("proxies") / "home", say=lambda _line: None)
    lab.prepare("02-inside-a-pod")
    yield lab.home
    lab.stop()


@pytest.fixture
def lab(proxy: RecordingProxy, home: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setenv("LABKIT_HOME", str(home))
    return Lab("embedded", say=lambda _line: None)


def urlopen(lab: Lab) -> None:
    context = ssl.create_default_context(cafile=lab.admin.endpoint.ca_file)
    headers = {"Authorization": f"Bearer {lab.read_pod_token('curl')}"}
    request = urllib.request.Request(f"{lab.admin.server}/api", headers=headers)
    with urllib.request.urlopen(request, context=context) as response:
        assert response.status == 200
    with lab.proxy() as local, urllib.request.urlopen(f"{local.url}/api") as response:
        assert response.status == 200


def official_client(lab: Lab) -> None:
    from kubernetes import client, config
    from kubernetes.stream import stream

    with config.new_client_from_config(str(lab.kubeconfig)) as api:
        core = client.CoreV1Api(api)
        assert core.list_namespaced_pod("default").items
        running = stream(
            core.connect_get_namespaced_pod_exec,
            "curl",
            "default",
            command=["id"],
            stdout=True,
            _preload_content=False,
        )
        running.run_forever(SECONDS)
        assert "uid=0" in running.read_stdout()
        running.close()
        running.sock.sock.close()  # the server has hung up first: the client leaves it open


def own_client(lab: Lab) -> None:
    assert lab.admin.get("/api").ok
    assert lab.as_service_account("default/default").get("/api").ok


def exec_in_pod(lab: Lab) -> None:
    assert lab.exec("curl", "id").ok
    assert lab.exec("curl", "cat", stdin="typed").stdout == "typed"


def kubectl(lab: Lab) -> None:
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed")
    assert lab.kubectl("get pods").returncode == 0
    assert lab.kubectl("exec curl -- id").returncode == 0


def curl_in_a_terminal(lab: Lab) -> None:
    """Run curl in a terminal of the lab's JupyterLab."""
    if not (curl := shutil.which("curl")):
        pytest.skip("curl is not installed")
    command = [
        curl,
        "--silent",
        "--cacert",
        lab.admin.endpoint.ca_file,
        f"{lab.admin.server}/version",
    ]
    done = subprocess.run(
        command, env=workbook.environment(), capture_output=True, text=True, check=True
    )
    assert "gitVersion" in done.stdout


def commands(lab: Lab) -> None:
    assert run(["status"]) == 0
    assert run(["up"]) == 0
    assert run(["check", "W1"]) == 1
    command = [sys.executable, "-m", "labkit", "exec", "curl", "--", "id"]
    assert (
        subprocess.run(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=SECONDS, check=False
        ).returncode
        == 0
    )


@pytest.mark.parametrize(
    "client",
    [own_client, urlopen, official_client, exec_in_pod, kubectl, curl_in_a_terminal, commands],
)
def test_no_client_asks_the_proxy_for_a_cluster_on_this_machine(
    client: Callable[[Lab], None], lab: Lab, proxy: RecordingProxy
) -> None:
    client(lab)
    assert proxy.heard == []


def test_exec_asks_no_proxy_for_a_cluster_elsewhere(
    lab: Lab, proxy: RecordingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in NO_PROXY:
        monkeypatch.setenv(name, "school.example")  # to which the cluster does not belong
    assert lab.exec("curl", "id").ok
    assert proxy.heard == []


def test_the_proxy_hears_of_everything_else(proxy: RecordingProxy, lab: Lab) -> None:
    """The learner's requests to other machines use the proxy as before; also shows that the tests above can fail."""
    for address in ("http://elsewhere.example/", "https://elsewhere.example/"):
        with pytest.raises(OSError, match="403"):
            urllib.request.urlopen(address)
    assert [heard.split()[0] for heard in some(proxy.heard)] == [b"GET", b"CONNECT"]


@pytest.mark.slow
def test_the_demo_asks_no_proxy(proxy: RecordingProxy) -> None:
    command = [sys.executable, "-m", "labkit", "demo"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert ALL_PASSED in done.stdout, done.stdout + done.stderr
    assert proxy.heard == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        ({"no_proxy": "a"}, {}),
        ({"https_proxy": ""}, {}),
        ({"https_proxy": "p"}, "localhost,127.0.0.1,::1"),
        ({"HTTP_PROXY": "p", "no_proxy": "a, b"}, "a,b,localhost,127.0.0.1,::1"),
        ({"ALL_PROXY": "p", "no_proxy": "a", "NO_PROXY": "b,a"}, "a,b,localhost,127.0.0.1,::1"),
        ({"all_proxy": "p", "NO_PROXY": "127.0.0.1"}, "127.0.0.1,localhost,::1"),
        ({"http_proxy": "p", "NO_PROXY": "*"}, "*"),
    ],
)
def test_this_machine_is_added_to_what_is_there(
    before: dict[str, str], after: str | dict[str, str]
) -> None:
    wanted = after if isinstance(after, dict) else dict.fromkeys(NO_PROXY, after)
    assert bypass_loopback(before) == wanted


def test_the_doctor_names_the_variables(
    proxy: RecordingProxy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (line,) = (line for line in lines if line.startswith("A proxy is named by "))
    assert {*VARIABLES, *map(str.upper, VARIABLES)} <= set(
        line.replace(",", "").replace(".", "").split()
    )
    value = "school.example,localhost,127.0.0.1,::1"
    assert f"    try, for your own programs: export no_proxy={value} NO_PROXY={value}" in lines
    monkeypatch.setenv("no_proxy", value)
    assert run(["doctor"]) == 0
    assert "your own programs" not in capsys.readouterr().out
