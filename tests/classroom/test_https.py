"""A class over https, with a certificate of one's own, from end to end: labs, answers and the board."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509

from kube_embedded.machinery.pki.certificates import issue, new_authority
from kube_embedded.tests.support.certificates import SERVER, root
from kube_embedded.tests.support.until import until
from labkit.classroom import joining, serving
from labkit.classroom.joining import join, leave, report
from labkit.core.errors import Unreachable
from labkit.core.home import JOINED, read_json
from labkit.core.sharing import ROOM, read_shared
from labkit.lessons.base import Outcome
from labkit.lessons.progress import Progress
from tests.classroom.test_command import Started, started


@dataclass(frozen=True)
class Files:
    authority: Path
    certificate: Path
    key: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """An authority made here, and a certificate by it for this machine."""
    folder = tmp_path_factory.mktemp("certificates")
    made = Files(folder / "ca.pem", folder / "class.pem", folder / "class.key")
    authority, authority_key = new_authority()
    certificate, key = issue(authority, authority_key, "class", server=True)
    for file, text in (
        (made.authority, authority),
        (made.certificate, certificate),
        (made.key, key),
    ):
        file.write_bytes(text)
    return made


@pytest.fixture
def running(labkit_home: Path, files: Files) -> Iterator[Started]:
    pem = ["--certificate", str(files.certificate), "--key", str(files.key)]
    with started("--port", "0", *pem, trust=files.authority) as started_class:
        yield started_class
        until(lambda: not joining._sending)


def test_labs_answers_and_the_board_work_over_https(
    running: Started, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = f"https://127.0.0.1:{running.port}"
    assert running.value("Answers") == f"{link}/vote#{running.value('Join code')}"
    assert running.value("Board").startswith(f"{link}/board#")
    monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))
    home, progress = tmp_path / "learner", Progress(tmp_path / "learner" / "progress.json")
    assert "In the class as Ada" in repr(
        join(home, link, running.value("Join code"), "Ada", progress, print)
    )
    report(home, Outcome("failed", "", "", "", "W17", kind="verb-added"), {})
    until(lambda: not read_json(home / JOINED)["waiting"])
    assert [(row["name"], row["step"]) for row in running.everything()][:1] == [("Ada", "W17")]
    assert "all that this lab had sent" in repr(leave(home))
    assert running.everything() == []
    running.ask("W17")
    until(lambda: (read_shared(ROOM) or {}).get("source") == "W17")
    assert running.vote((read_shared(ROOM) or {})["id"], 1) == 200
    until(lambda: (read_shared(ROOM) or {}).get("answers") == [1, 0])
    assert running.end()[0] == 0


def test_a_lab_that_does_not_trust_it_sends_nothing_and_says_what_to_do(
    running: Started, tmp_path: Path
) -> None:
    link, home = f"https://127.0.0.1:{running.port}", tmp_path / "learner"
    with pytest.raises(Unreachable) as refused:
        join(home, link, running.value("Join code"), "Ada", Progress(home / "progress.json"), print)
    assert "certificate verify failed" in refused.value.why
    assert refused.value.todo == joining.UNTRUSTED
    with pytest.raises(Unreachable) as refused:  # without https
        join(home, f"127.0.0.1:{running.port}", "CODE", "", Progress(home / "progress.json"), print)
    assert refused.value.todo == joining.UNREACHED
    assert not (home / JOINED).exists()


@pytest.mark.parametrize(
    ("names", "host"),
    [
        ([x509.IPAddress(ipaddress.ip_address("192.168.1.7"))], "192.168.1.7"),
        (
            [
                x509.DNSName("class.example.org"),
                x509.IPAddress(ipaddress.ip_address("192.168.1.7")),
            ],
            "192.168.1.7",
        ),
        ([x509.DNSName("*.example.org"), x509.DNSName("class.example.org")], "class.example.org"),
        ([x509.DNSName("*.example.org")], "192.168.1.7"),
        ([], "192.168.1.7"),
    ],
)
def test_the_address_is_one_that_the_certificate_has(
    names: list[x509.GeneralName], host: str, tmp_path: Path
) -> None:
    more = [(x509.SubjectAlternativeName(names), False)] if names else []
    file = root().issue("class", usages=SERVER, more=more).written(tmp_path / "class.pem")
    assert serving.address("192.168.1.7", 8440, file) == f"https://{host}:8440"
