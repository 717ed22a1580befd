from __future__ import annotations

import json
from pathlib import Path

import pytest

from labkit.client import auditlog


def line(audit_id: str, **more: object) -> str:
    return json.dumps({"auditID": audit_id, **more}) + "\n"


def test_an_event_is_found_from_the_end(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(line("a", n=1) + line("b", n=2) + line("a", n=3) + line("c", n=4))
    found = auditlog.AuditFile(log).event("a")
    assert found is not None
    assert found["n"] == 3
    assert auditlog.AuditFile(log).event("nope") is None
    assert auditlog.AuditFile(log).event("") is None
    assert auditlog.AuditFile(tmp_path / "missing").event("a") is None


@pytest.mark.parametrize("block", [1, 7, 40, 10_000])
def test_blocks_of_any_size_give_whole_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(auditlog, "BLOCK_BYTES", block)
    log = tmp_path / "audit.log"
    log.write_text("".join(line(f"id-{n}", text="ä" * n) for n in range(20)))
    lines = list(auditlog.backwards(log))
    assert [json.loads(entry)["auditID"] for entry in lines] == [
        f"id-{n}" for n in reversed(range(20))
    ]


def test_it_does_not_look_back_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditlog, "MAX_BYTES", 200)
    monkeypatch.setattr(auditlog, "BLOCK_BYTES", 50)
    log = tmp_path / "audit.log"
    log.write_text(line("old") + line("x") * 100 + line("new"))
    assert auditlog.AuditFile(log).event("new") is not None
    assert auditlog.AuditFile(log).event("old") is None


def test_half_lines_and_mentions_are_passed_over(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(line("a", n=1) + line("b", note="a") + '{"auditID": "a", "n"')
    found = auditlog.AuditFile(log).event("a")
    assert found == {"auditID": "a", "n": 1}
