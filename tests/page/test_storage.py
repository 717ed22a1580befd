"""A page's storage: snapshots, their faults, and exported progress."""

from __future__ import annotations

import asyncio
import base64
import errno
import io
import json
import zipfile
from pathlib import Path

import pytest

import labkit
from kube_embedded.tests.support.slow import slow_but
from labkit.backends.page import Page, snapshot
from labkit.core.errors import UsageError
from labkit.lab.lab import Lab
from labkit.lessons.progress import Progress
from tests.page.conftest import MemoryStorage, audit_events, leave
from tests.support.course import TOTAL

STILL = "Your passes are still there."
KIKAI = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kikai"}}


def quiet(_line: str) -> None:
    """Discard the line."""


def namespaces(lab: Lab) -> set[str]:
    return {each["metadata"]["name"] for each in lab.admin.get("/api/v1/namespaces").items}


def reloaded(kept: MemoryStorage, monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    """Close the page and open it again: memory and files are gone."""
    leave()
    monkeypatch.setenv("LABKIT_HOME", str(folder))
    return Page(kept).enter().restore()


def test_a_reload_loses_nothing(
    kept: MemoryStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Page(kept).enter().restore() == ""
    lab = Lab(say=quiet)
    lab.apply(KIKAI)
    lab.predict("W15", "forbidden")
    token = lab.as_service_account("kikai/default").credentials.token
    lab.reset()
    lab.apply(KIKAI)
    began, events = lab.journal.began, len(audit_events(lab))
    assert reloaded(kept, monkeypatch, tmp_path / "again") == ""
    assert Progress.default().prediction("W15") == "forbidden"  # before there is a lab
    lab = Lab(say=quiet)
    assert "kikai" in namespaces(lab)
    assert lab.journal.began == began
    assert len(audit_events(lab)) >= events
    assert (
        lab.as_token(token).get("/api").status == 401
    )  # its account is another one since the reset
    lab.reset()
    assert "kikai" not in namespaces(lab)


def test_each_change_is_kept_and_a_look_changes_nothing(kept: MemoryStorage) -> None:
    Page(kept).enter()
    lab = Lab(say=quiet)
    before = kept.writes
    lab.admin.without_observers().get("/api/v1/namespaces")
    assert kept.writes == before
    lab.admin.without_observers().post("/api/v1/namespaces", KIKAI)
    assert kept.writes == before + 1
    lab.predict("W15", "forbidden")
    assert kept.writes == before + 2


def test_in_a_loop_a_cell_is_kept_once_when_it_has_ended(kept: MemoryStorage) -> None:
    Page(kept).enter()
    lab = Lab(say=quiet)
    before = kept.writes

    async def cell() -> None:
        for name in ("one", "two", "three"):
            lab.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        assert kept.writes == before
        await asyncio.sleep(0)
        assert kept.writes == before + 1

    asyncio.run(cell())


@pytest.mark.parametrize(
    "damage", slow_but(["cut", "changed", "text", "empty comment"], "cut", "changed")
)
def test_a_damaged_snapshot_is_set_aside(
    kept: MemoryStorage, damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Page(kept).enter()
    Lab(say=quiet).apply(KIKAI)
    Progress.default().mark("W15", "passed")
    whole = kept.names["snapshot"]
    where = whole.index(b"CERTIFICATE")
    kept.names["snapshot"] = bad = {
        "cut": whole[: len(whole) // 2],
        "changed": whole[:where] + b"X" + whole[where + 1 :],
        "text": b"no snapshot",
        "empty comment": _zipped({}, b""),
    }[damage]
    said = reloaded(kept, monkeypatch, tmp_path / "again")
    assert Progress.default().passed("W15")
    assert (
        said
        == f"What this page had kept cannot be used: it is damaged. The cluster begins afresh. {STILL}"
    )
    assert kept.names["set-aside"] == bad
    assert "kikai" not in namespaces(Lab(say=quiet))


@pytest.mark.parametrize("progress", [b"", b"\xff\xfe", b"{", b"7"])
def test_where_the_progress_is_damaged_too_everything_begins_afresh(
    kept: MemoryStorage, progress: bytes
) -> None:
    kept.names |= {"snapshot": b"no snapshot", "progress": progress}
    said = Page(kept).enter().restore()
    assert (
        said == "What this page had kept cannot be used: it is damaged. The cluster begins afresh."
    )
    assert Progress.default().all() == {}


def test_a_newer_labkits_snapshot_is_set_aside(kept: MemoryStorage) -> None:
    kept.names["snapshot"] = _zipped(
        {}, json.dumps({"snapshot": snapshot.VERSION + 1, "labkit": "99.0"}).encode()
    )
    said = Page(kept).enter().restore()
    version = labkit.__version__
    assert said == (
        f"What this page had kept cannot be used: labkit 99.0 made it, and this is labkit {version}. "
        "The cluster begins afresh."
    )


def test_a_snapshot_writes_nothing_outside_the_lab(kept: MemoryStorage, labkit_home: Path) -> None:
    head = json.dumps({"snapshot": snapshot.VERSION, "labkit": "1"}).encode()
    kept.names["snapshot"] = _zipped(
        {"../outside": b"x", "/tmp/labkit-outside": b"x", "inside": b"x"}, head
    )
    assert Page(kept).enter().restore() == ""
    assert (labkit_home / "inside").read_bytes() == b"x"
    assert not (labkit_home.parent / "outside").exists()
    assert not Path("/tmp/labkit-outside").exists()


def test_a_full_storage_is_said_once(
    kept: MemoryStorage, capsys: pytest.CaptureFixture[str]
) -> None:
    Page(kept).enter()
    lab = Lab(say=quiet)
    kept.problem = OSError(errno.ENOSPC, "no room is left")
    lab.apply(KIKAI)
    lab.predict("W15", "forbidden")
    assert capsys.readouterr().out == (
        "This page cannot keep your work: it ends with the page.\n  why: no room is left\n"
        "  try: At home it works: install labkit, and bring your progress along with export_progress().\n"
    )
    assert "kikai" in namespaces(lab)
    kept.problem = None
    lab.predict("W16", "forbidden")
    assert b"W16" in zipfile.ZipFile(io.BytesIO(kept.names["snapshot"])).read("progress.json")


def test_another_pages_work_is_gone_on_from_with_the_same_clients(kept: MemoryStorage) -> None:
    page = Page(kept).enter()
    assert not page.refresh()
    lab = Lab(say=quiet)
    lab.apply(KIKAI)
    lab.predict("W15", "forbidden")
    caller = lab.as_service_account("kikai/default")
    theirs = kept.names["snapshot"]
    lab.reset()
    lab.predict("W15", "allowed")
    assert caller.get("/api").status == 401
    kept.names["snapshot"] = theirs
    assert page.refresh()
    assert "kikai" in namespaces(lab)
    assert caller.get("/api").status == 200
    assert lab.progress.prediction("W15") == "forbidden"


def test_the_end_of_a_long_audit_log_is_kept(kept: MemoryStorage, labkit_home: Path) -> None:
    page = Page(kept).enter()
    Lab(say=quiet)
    line = json.dumps({"auditID": "x" * 100}).encode() + b"\n"
    (labkit_home / "audit.log").write_bytes(line * 10_000)
    log = zipfile.ZipFile(io.BytesIO(page.snapshot())).read("audit.log")
    assert snapshot.MAX_AUDIT_BYTES - len(line) <= len(log) <= snapshot.MAX_AUDIT_BYTES
    assert log.startswith(b'{"auditID"')


def test_progress_goes_home_without_anything_else(kept: MemoryStorage, tmp_path: Path) -> None:
    lab = Lab(say=quiet)
    token = lab.as_service_account("default/default").credentials.token
    progress = lab.progress
    progress.predict("W15", f"forbidden {token}")
    progress.predict("W15", "allowed")
    progress.record("W15", {"who": "me", "path": "/api"})
    progress.mark("W15", "passed", seen="something")
    progress.mark("W16", "failed", seen="something")
    text = labkit.export_progress()
    assert not set(text) & set("\n\"'\\ ")  # it is within quotes of any kind
    inside = base64.b64decode(text.partition(":")[2]).decode()
    document = json.loads(inside)["steps"]
    assert set(document["W15"]) == {"state", "passed_at", "first_guess"}
    assert document["W16"] == {}
    assert token.rpartition(".")[2] not in inside
    assert "PRIVATE KEY" not in inside
    home = Progress(tmp_path / "home" / "progress.json")
    home.predict("W15", "unauthorized")
    home.mark("W17", "passed")
    home.add(text[:70] + "\n  " + text[70:] + "\n")  # as a mail program breaks it
    assert home.passed("W15")
    assert home.passed("W17")
    assert not home.entry("W16")
    assert home.entry("W15")["first_guess"]["value"] == "unauthorized"  # that was the first here
    assert home.prediction("W15") == "unauthorized"


def test_a_pass_is_never_taken_back_by_an_import(labkit_home: Path) -> None:
    mine = Progress.default()
    mine.mark("W15", "passed")
    at = mine.entry("W15")["passed_at"]
    theirs = {
        "W15": {"state": "passed", "passed_at": 1.0},
        "w16": {"state": "failed", "records": [{"who": "x"}]},
    }
    labkit.import_progress(json.dumps({"labkit progress": 1, "steps": theirs}))
    assert mine.entry("W15")["passed_at"] == at
    assert not mine.entry("W16")


def test_an_export_in_a_file_is_imported(labkit_home: Path, tmp_path: Path) -> None:
    file = tmp_path / "progress.json"
    file.write_text(
        json.dumps({"labkit progress": 1, "steps": {"W1": {"state": "passed", "passed_at": 1.0}}})
    )
    assert f"1 of {TOTAL}" in str(labkit.import_progress(str(file)))


@pytest.mark.parametrize(
    "text",
    [
        "labkit-progress:",
        "labkit-progress:W10=",
        "{",
        "{}",
        '{"labkit progress": 1, "steps": []}',
        '{"labkit progress": 1, "steps": {"W1": 3}}',
    ],
)
def test_what_is_no_export_is_refused(labkit_home: Path, text: str) -> None:
    with pytest.raises(UsageError, match="no exported progress"):
        labkit.import_progress(text)
    assert Progress.default().all() == {}


def test_a_newer_export_and_a_missing_file_are_refused(labkit_home: Path) -> None:
    with pytest.raises(UsageError, match="A newer labkit"):
        labkit.import_progress('{"labkit progress": 2, "steps": {}}')
    with pytest.raises(UsageError, match="cannot use"):
        labkit.import_progress("nowhere.json")


def _zipped(files: dict[str, bytes], comment: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.comment = comment
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()
