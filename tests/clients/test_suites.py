"""The tool that runs clients' own suites: a suite of one test, of this project's making."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import client_suite

TEST = """
import os, ssl, urllib.request
import yaml

def test_an_administrator_is_known():
    import base64, tempfile
    config = yaml.safe_load(open(os.environ["KUBECONFIG"]))
    user = config["users"][0]["user"]
    context = ssl._create_unverified_context()
    with tempfile.NamedTemporaryFile() as pem:
        for part in ("client-certificate-data", "client-key-data"):
            pem.write(base64.b64decode(user[part]))
        pem.flush()
        context.load_cert_chain(pem.name)
    url = config["clusters"][0]["cluster"]["server"] + "/api/v1/namespaces/kube-system/pods"
    with urllib.request.urlopen(url, context=context) as answer:
        assert b"metrics-server" in answer.read()

def test_that_fails():
    assert "here" == "there"
"""


def test_results_are_printed_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "test_it.py").write_text(TEST, encoding="utf-8")
    monkeypatch.setattr(client_suite, "FILE_BYTES", 16 << 20)
    words = ["lightkube", str(tmp_path), "--python", sys.executable]
    assert client_suite.main([*words, "--", "test_it.py", "-p", "no:schemathesis"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3] == "test_it::test_an_administrator_is_known  passed"
    assert lines[-2].startswith("test_it::test_that_fails  failure: AssertionError: ")
    assert lines[-1] == "1 failure, 1 passed"
