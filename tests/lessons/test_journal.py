"""The journal outlives kernels, forgets at a reset, and survives damage."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labkit.core.errors import HomeError
from labkit.lessons import journal
from labkit.lessons.evidence import gather
from labkit.lessons.journal import Journal


def made(tmp_path: Path, cluster: str = "one") -> Journal:
    tmp_path.chmod(0o700)
    return Journal(tmp_path / "journal.jsonl", cluster, clock=lambda: 1000.0)


def test_entries_are_kept_until_the_next_reset(tmp_path: Path) -> None:
    made(tmp_path).add({"kind": "token", "subject": "x"})
    again = made(tmp_path)
    assert [each["subject"] for each in again.entries()] == ["x"]
    assert again.began == 0
    again.begin()
    assert again.entries() == []
    assert again.began == 1000.0


def test_another_cluster_has_another_journal(tmp_path: Path) -> None:
    made(tmp_path).begin()
    made(tmp_path).add({"kind": "token"})
    other = made(tmp_path, "two")
    assert (other.entries(), other.began) == ([], 0)
    other.add({"kind": "exec"})
    assert [each["kind"] for each in other.entries()] == ["exec"]
    assert made(tmp_path).entries() == []


def test_damaged_lines_are_skipped(tmp_path: Path) -> None:
    found = made(tmp_path)
    found.add({"kind": "a"})
    with found.path.open("a") as file:
        file.write("{half\n[]\n")
    found.add({"kind": "b"})
    assert [each["kind"] for each in found.entries()] == ["a", "b"]
    found.path.write_bytes(b"\xff\xfe\x00")
    assert found.entries() == []


def test_a_line_that_finds_no_room_is_not_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = made(tmp_path)
    lines.add({"path": "/first"})
    write = os.write
    monkeypatch.setattr(
        "labkit.lessons.journal.os.write", lambda descriptor, line: write(descriptor, line[:9])
    )
    with pytest.raises(HomeError, match="No space left on device"):
        lines.add({"path": "/full"})
    monkeypatch.undo()
    lines.add({"path": "/after"})
    assert [entry["path"] for entry in lines.entries()] == ["/first", "/after"]


def test_a_long_journal_loses_its_older_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MAX_BYTES", 2000)
    found = made(tmp_path)
    for number in range(100):
        found.add({"kind": "token", "number": number})
    numbers = [each["number"] for each in found.entries()]
    assert numbers[-1] == 99
    assert found.path.stat().st_size < 4000


def event(
    audit: str, agent: str, user: str = "ann", stage: str = "ResponseComplete", **more: object
) -> dict[str, object]:
    return {
        "auditID": audit, "stage": stage, "userAgent": agent, "user": {"username": user}, "verb": "list",
        "requestURI": "/api/v1/pods", "responseStatus": {"code": 200},
        "requestReceivedTimestamp": "2027-01-15T08:00:00Z", "stageTimestamp": "2027-01-15T08:00:01Z", **more,
    }  # fmt: skip


@pytest.mark.parametrize("agent", ["labkit/0.1.0 (lab)", "labkit-check"])
def test_the_labs_own_requests_are_left_out(agent: str) -> None:
    assert gather([event("1", agent)], [], 0).asked == []
    assert gather([event("1", "curl/8")], [], 0).asked


def test_machinery_and_what_was_before_the_reset_are_left_out() -> None:
    assert gather([event("1", "kube", "system:kube-scheduler")], [], 0).asked == []
    assert gather([event("1", "curl/8")], [], 2_000_000_000).asked == []


def test_a_request_that_both_saw_counts_once_and_the_impersonated_user_asks() -> None:
    answer = {
        "kind": "answer",
        "audit_id": "1",
        "server": "http://127.0.0.1:1",
        "as_user": "ann",
        "at": 1,
    }
    found = gather([event("1", "curl/8", impersonatedUser={"username": "bob"})], [answer], 0)
    assert [(each.user, each.proxied) for each in found.asked] == [("bob", True)]
    assert found.logged
    alone = gather(None, [{**answer, "method": "GET", "path": "/api", "status": 200}], 0)
    assert [(each.user, each.text) for each in alone.asked] == [("ann", "get /api")]
    assert not alone.logged


def test_an_entry_has_its_time_and_may_hold_anything(tmp_path: Path) -> None:
    found = made(tmp_path)
    found.add({"kind": "fact", "value": "é", "path": Path("a/b")})
    found.add({"kind": "exec", "at": 7})
    assert found.entries() == [
        {"at": 1000.0, "kind": "fact", "value": "é", "path": "a/b"},
        {"at": 7, "kind": "exec"},
    ]
    assert found.path.read_text(encoding="utf-8") == (
        '{"kind": "begin", "at": 0, "cluster": "one"}\n'
        '{"at": 1000.0, "kind": "fact", "value": "é", "path": "a/b"}\n'
        '{"at": 7, "kind": "exec"}\n'
    )


def test_of_a_long_journal_the_beginning_and_the_newer_half_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = made(tmp_path)
    found.begin()
    for number in range(4):
        found.add({"number": number})
    size = found.path.stat().st_size
    monkeypatch.setattr(journal, "MAX_BYTES", size + len('{"at": 1000.0, "number": 4}\n'))
    found.add({"number": 4})
    assert [each["number"] for each in found.entries()] == [0, 1, 2, 3, 4], (
        "it is not larger than it may be"
    )
    found.add({"number": 5})
    assert [each["number"] for each in found.entries()] == [3, 4, 5]
    assert found.began == 1000.0


def test_an_entry_leaves_no_file_open_and_the_page_hears_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Path] = []
    monkeypatch.setattr(journal, "changed", heard.append)
    found = made(tmp_path)
    found.add({"kind": "a"})
    spare = os.dup(0)
    os.close(spare)
    found.add({"kind": "b"})
    again = os.dup(0)
    os.close(again)
    assert again == spare
    assert heard == [found.path, found.path]
