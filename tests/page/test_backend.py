"""The embedded cluster in a page, without Pyodide: this process plays the page."""

from __future__ import annotations

import ssl
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import kubernetes
import pytest

from labkit.client.exec.connection import open_exec
from labkit.core.errors import ExecFailed, UsageError
from labkit.lab.lab import Lab
from labkit.ui import StartPanel
from tests.page.conftest import audit_events

POD = """
apiVersion: v1
kind: Pod
metadata: {name: brief, namespace: default}
spec:
  restartPolicy: Never
  containers:
  - {name: main, image: busybox, command: [sh, -c, "echo begun; sleep 1; echo done"]}
"""


def quiet(_line: str) -> None:
    """Discard the line."""


def test_the_cluster_runs_in_this_process_and_answers_each_kind_of_caller(lab: Lab) -> None:
    assert lab.status().running
    assert lab.backend.name == "embedded"
    assert lab.admin.whoami().user == "kubernetes-admin"
    assert lab.admin.credentials.kind == "certificate"
    assert lab.as_anonymous().get("/api").status == 403
    assert lab.as_token("aaa.bbb.ccc").get("/api").status == 401
    assert (
        lab.as_service_account("default/default").whoami().user
        == "system:serviceaccount:default:default"
    )
    assert lab.patience_seconds == 0


def test_lines_of_progress_say_where_it_runs(in_page: None, labkit_home: Path) -> None:
    said: list[str] = []
    Lab(say=said.append)
    Lab(say=said.append)  # finds it
    assert said[0] == "Starting the embedded cluster …"
    assert said[1].startswith("The embedded cluster runs in this page (ready in ")
    assert len(said) == 2


def test_nothing_large_is_loaded_before_it_is_used(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom labkit.core import page\npage.IN_PAGE = True\nfrom labkit import Lab\n"
        "Lab(say=lambda line: None).admin.get('/api')\n"
        "print(sorted({'kubernetes', 'pydantic', 'ipywidgets', 'aiohttp', 'OpenSSL', 'websocket', 'google.protobuf'}"
        " & set(sys.modules)))"
    )
    environment = {"LABKIT_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout == "[]\n"


def test_a_command_runs_in_a_pod(lab: Lab) -> None:
    lab.rewind("W8")
    done = lab.exec("default/curl", "echo out; echo err >&2; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")
    assert lab.exec("default/curl", "cat", stdin="typed").stdout == "typed"
    cut = lab.exec("default/curl", "echo begun; sleep 60", timeout_seconds=0.2)
    assert (cut.returncode, cut.stdout, cut.stderr) == (124, "begun\n", "cut off after 0.2 s\n")


def test_a_command_that_is_refused_says_why(lab: Lab) -> None:
    lab.rewind("W8")
    with pytest.raises(ExecFailed) as missing:
        lab.exec("default/nobody", "true")
    assert missing.value.status == 404
    with pytest.raises(ExecFailed) as unknown:
        lab.exec("default/curl", ["no-such-program"])
    assert "no-such-program" in unknown.value.why


def test_what_a_pod_asks_is_in_the_audit_log_at_once(lab: Lab) -> None:
    lab.rewind("W8")
    lab.exec(
        "default/curl",
        "apt-get update -q && apt-get install -yq curl && curl -sk https://kubernetes.default/api",
    )
    assert any(event["requestURI"] == "/api" for event in audit_events(lab))


def test_the_clock_moves_with_each_request(lab: Lab) -> None:
    lab.apply(POD)
    time.sleep(1.1)
    assert (
        lab.admin.get("/api/v1/namespaces/default/pods/brief").body["status"]["phase"]
        == "Succeeded"
    )
    assert lab.logs("default/brief") == "begun\ndone\n"


def test_warnings_and_watches_come_as_over_a_connection(lab: Lab) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "odd"}, "surplus": 1}
    answer = lab.admin.post("/api/v1/namespaces", body, query={"fieldValidation": "Warn"})
    assert answer.headers["warning"] == '299 - "unknown field \\"surplus\\""'
    names = [event["object"]["metadata"]["name"] for event in lab.admin.watch("/api/v1/namespaces")]
    assert {"default", "odd"} <= set(names)


def status(asked: str | Request, context: ssl.SSLContext | None = None) -> int:
    """The status that urlopen reports."""
    try:
        with urlopen(asked, context=context) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


def test_urlopen_trusts_the_server_with_its_ca_alone(lab: Lab) -> None:
    server, ca_file = lab.admin.endpoint.server, lab.admin.endpoint.ca_file
    with pytest.raises(URLError, match="unable to get local issuer certificate"):
        urlopen(f"{server}/version")
    trusting = ssl.create_default_context(cafile=ca_file)
    with urlopen(f"{server}/version", context=trusting) as answer:
        assert b'"minor"' in answer.read()
    assert status(f"{server}/version", ssl._create_unverified_context()) == 200
    assert status(f"{server}/api", trusting) == 403
    token = lab.as_service_account("default/default").credentials.token
    asked = Request(f"{server}/api", headers={"Authorization": f"Bearer {token}"})
    assert status(asked, trusting) == 200


def test_the_official_client_reaches_the_cluster(lab: Lab) -> None:
    core: Any = kubernetes.client.CoreV1Api(
        kubernetes.config.new_client_from_config(str(lab.kubeconfig))
    )
    made = core.create_namespace({"metadata": {"name": "theirs"}})
    assert made.metadata.uid
    assert "theirs" in {each.metadata.name for each in core.list_namespace().items}
    with pytest.raises(kubernetes.client.ApiException) as missing:
        core.read_namespace("nowhere")
    assert missing.value.status == 404


def test_the_official_client_without_the_ca_gets_no_answer(lab: Lab) -> None:
    settings = kubernetes.client.Configuration(host=lab.admin.endpoint.server)
    settings.retries = False
    with pytest.raises(Exception, match="unable to get local issuer certificate"):
        kubernetes.client.VersionApi(kubernetes.client.ApiClient(settings)).get_code()


def test_another_users_certificate_is_verified(lab: Lab, tmp_path: Path) -> None:
    from kube_embedded.apiserver.serving.pki import load_keys
    from kube_embedded.machinery.pki.keys import Keys

    lab.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kikai"}})
    for keys, expected in ((load_keys(lab.home), 403), (Keys.generate(), 401)):
        shown = tmp_path / "shown.pem"
        shown.write_bytes(b"".join(keys.client_certificate("ann", ("dev",))))
        trusting = ssl.create_default_context(cafile=lab.admin.endpoint.ca_file)
        trusting.load_cert_chain(shown)
        assert status(f"{lab.admin.endpoint.server}/api/v1/namespaces", trusting) == expected


def test_the_proxy_is_an_address_in_this_process(lab: Lab) -> None:
    with lab.proxy() as proxy:
        assert proxy.url == "http://127.0.0.1:8001"
        assert proxy.get("/api/v1/namespaces").status == 200
        assert status(f"{proxy.url}/version") == 200
        connection = HTTPConnection("127.0.0.1", proxy.port)
        connection.request("GET", "/version", headers={"Host": "evil.example"})
        assert connection.getresponse().status == 403
        connection.close()
        assert lab.proxy().port == 8002
    with pytest.raises(URLError, match="refused"):
        urlopen(f"{proxy.url}/version")


def test_reset_restores_the_beginning_and_keeps_the_callers(lab: Lab) -> None:
    lab.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kikai"}})
    lab.reset()
    assert lab.admin.get("/api/v1/namespaces/kikai").status == 404
    assert lab.journal.began > 0


def test_a_stopped_cluster_keeps_its_objects(lab: Lab) -> None:
    lab.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kikai"}})
    lab.stop()
    assert not lab.status().running
    assert Lab(say=quiet).admin.get("/api/v1/namespaces/kikai").status == 200


def test_another_era_than_the_running_one_is_refused(lab: Lab) -> None:
    with pytest.raises(UsageError, match="already runs, with era now"):
        Lab(era="1.20", say=quiet)


@pytest.mark.parametrize("name", ["kind", "existing"])
def test_other_clusters_cannot_work_here(in_page: None, name: str) -> None:
    with pytest.raises(UsageError) as refused:
        Lab(name, kubeconfig="config" if name == "existing" else None)
    assert str(refused.value) == (
        f"The cluster {name} cannot work in a page of a browser.\n"
        "  why: a page starts no programs and opens no connections\n"
        "  try: At home it works: install labkit, and bring your progress along with export_progress()."
    )


def test_kubectl_and_terminals_say_that_they_cannot_work_here(lab: Lab) -> None:
    assert "A page of a browser cannot run kubectl. Nothing is lost" in str(lab.kubectl("get pods"))
    with pytest.raises(UsageError, match="A terminal cannot work in a page of a browser"):
        open_exec(lab.admin, "default/curl", ["sh"], tty=True)


def test_the_start_panel_offers_the_embedded_cluster_alone(
    in_page: None, labkit_home: Path
) -> None:
    panel = StartPanel()
    assert [each["name"] for each in panel.data["backends"]] == ["embedded"]
    panel.on_start("embedded")
    assert panel.data["running"]
    assert panel.data["terminal"] == ""
    assert panel.as_text() == "The embedded cluster runs at https://127.0.0.1:6443."
    panel.on_rewind("W17")
    assert panel.lab is not None
    assert panel.lab.admin.get("/api/v1/namespaces/kikai").status == 200
    panel.on_stop()
    assert not panel.data["running"]


@pytest.mark.parametrize("name", ["cryptography", "orjson", "regex"])
def test_a_stand_in_refuses_to_be_used_elsewhere(name: str) -> None:
    stand_ins = Path(__file__).resolve().parents[2] / "page" / "standins"
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {str(stand_ins)!r}); import {name}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"ImportError: this {name} is for a page of a browser alone" in done.stderr


def test_outside_a_page_the_cluster_is_a_process(labkit_home: Path) -> None:
    from labkit.backends.choice import make, offered
    from labkit.backends.embedded import Embedded

    assert type(make("embedded", labkit_home, _options(), list)) is Embedded
    assert offered() == ("embedded", "kind", "existing")


def _options() -> Any:
    from labkit.backends.base import Options

    return Options()
