"""A server of another version is asked anew: recordings, differences, and nothing left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from kube_embedded.tests.support.server import running_server
from tests.parity import anew, record, servers
from tests.parity.__main__ import main


def test_a_server_in_another_process_is_recorded_and_left_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_server(node=False) as server:
        with servers.existing(server.kubeconfig, server.home / "pki") as transport:
            before = anew.objects(transport)
        options = ["--kubeconfig", str(server.kubeconfig), "--pki", str(server.home / "pki")]
        assert main(["anew", *options, "--suite", "rbac", "--out", str(tmp_path)]) == 0
        with servers.existing(server.kubeconfig, None) as transport:
            assert anew.objects(transport) == before
    assert (tmp_path / "v1.36.2" / "rbac.json").exists()
    assert capsys.readouterr().out == "rbac: 0 differences from our answers\n"


def test_what_a_version_answers_differently_is_printed(tmp_path: Path) -> None:
    with servers.in_process("1.38") as transport:
        theirs = record.suite("discovery", transport, server="kube-apiserver v1.36.2")
    assert anew.compare(theirs) != []
    assert anew.compare({**theirs, "server": "kube-apiserver v1.38.0"}) == []


def test_without_the_authority_a_suite_with_users_is_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--kubeconfig", "nowhere", "--suite", "rbac", "--out", str(tmp_path)]
    assert anew.needs_authority("rbac")
    assert main(["anew", *options]) == 0
    assert "skipped" in capsys.readouterr().out
