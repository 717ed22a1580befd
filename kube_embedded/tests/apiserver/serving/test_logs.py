"""The server's files of lines: bounded, private, without secrets, and never in the way."""

from __future__ import annotations

import json
import logging
import os
import stat
from pathlib import Path

import pytest

from kube_embedded.apiserver.serving.logs import AuditFile, LineFile, LogHandler, without_secrets

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJsYWIifQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


def test_a_file_at_its_bound_makes_room(tmp_path: Path) -> None:
    file = LineFile(tmp_path / "a.log", 100)
    for number in range(25):
        file.write(b"%09d\n" % number)
    file.close()
    kept = (tmp_path / "a.log.1").read_bytes() + (tmp_path / "a.log").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.log", "a.log.1"]
    assert kept == b"".join(b"%09d\n" % number for number in range(10, 25))
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in tmp_path.iterdir())


def test_the_bound_counts_what_an_earlier_process_wrote(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"x" * 95)
    file = LineFile(tmp_path / "a.log", 100)
    file.write(b"123456789\n")
    file.close()
    assert (tmp_path / "a.log").read_bytes() == b"123456789\n"


def test_a_disk_that_refuses_costs_the_line_and_nothing_else(tmp_path: Path) -> None:
    file = LineFile(tmp_path / "a.log", 100)
    os.close(file._descriptor)
    file.write(b"lost\n")
    file._descriptor = -1


def test_events_are_gathered_until_they_are_needed(tmp_path: Path) -> None:
    audit = AuditFile(tmp_path / "audit.log")
    audit({"auditID": "1"})
    audit({"auditID": "2"})
    assert (tmp_path / "audit.log").read_bytes() == b""
    audit.flush()
    assert [
        json.loads(line)["auditID"] for line in (tmp_path / "audit.log").read_text().splitlines()
    ] == ["1", "2"]
    audit({"auditID": "3"})
    audit.close()
    assert len((tmp_path / "audit.log").read_bytes().splitlines()) == 3


def test_not_too_many_are_gathered(tmp_path: Path) -> None:
    audit = AuditFile(tmp_path / "audit.log")
    for number in range(1000):
        audit({"auditID": str(number)})
    assert len((tmp_path / "audit.log").read_bytes().splitlines()) >= 768
    audit.close()


@pytest.mark.parametrize(
    "text",
    [
        f"GET / with {TOKEN}",
        f"Authorization: Bearer {TOKEN}",
        "authorization: bearer abcdefghijklmnop.qrstu",
        "{'token': 'abcdefghijklmnopqrstuvwxyz'}",
    ],
)
def test_tokens_lose_what_makes_them_worth_something(text: str) -> None:
    shown = without_secrets(text)
    assert "<signature>" in shown
    assert "c2lnbmF0dXJl" not in shown
    assert "ijklmnop" not in shown


def test_log_records_too(tmp_path: Path) -> None:
    file = LineFile(tmp_path / "server.log", 10_000)
    logger = logging.getLogger("kube_embedded.test")
    handler = LogHandler(file)
    logger.addHandler(handler)
    try:
        try:
            raise ValueError(f"cannot read {TOKEN}")
        except ValueError:
            logger.exception("a request with %s failed", TOKEN)
    finally:
        logger.removeHandler(handler)
        file.close()
    text = (tmp_path / "server.log").read_text()
    assert "ValueError: cannot read eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJsYWIifQ.<signature>" in text
    assert "c2lnbmF0dXJl" not in text
