"""The server's process loads what it answers with; more when it is asked for."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from kube_embedded.apiserver.serving.pki import load_keys
from kube_embedded.process import DEFERRED

ROOT = Path(__file__).parents[4]


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_clients_may_connect_before_what_answers_is_loaded() -> None:
    code = "import sys, kube_embedded.process; print({'httptools', 'OpenSSL'} & {*sys.modules})"
    assert run(code) == "set()"


def test_what_only_some_need_is_not_loaded_with_the_server() -> None:
    code = "import sys, kube_embedded.apiserver.serving.server; print({'aiohttp', 'wsproto'} & {*sys.modules})"
    assert run(code) == "set()"


def test_a_server_answers_before_it_loads_what_only_some_requests_need(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from kube_embedded import process\n"
        "from kube_embedded.machinery.request import PeerCertificate\n"
        "from kube_embedded.apiserver.serving.inprocess import ask\n"
        "admin = PeerCertificate('kubernetes-admin', ('system:masters',), '')\n"
        f"cluster = process.open_cluster(Path({str(tmp_path)!r}), True, 'now', lambda event: None)\n"
        "assert ask(cluster.handle, 'GET', '/api/v1/namespaces/default', certificate=admin).status == 200\n"
        # Not google alone: a namespace without code, in which Python looks for protobuf.
        "print(*(name for name in sys.modules if name in process.DEFERRED or "
        "name.startswith(('cryptography', 'google.', 'yaml'))))"
    )
    load_keys(tmp_path)
    assert run(code) == ""


@pytest.mark.parametrize("name", DEFERRED)
def test_what_is_deferred_exists(name: str) -> None:
    assert import_module(name).__name__ == name
