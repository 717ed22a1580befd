"""Data stored by pages of older versions is read: ``data/states`` has the bytes of each format."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from kube_embedded.tests.support.some import some
from labkit.backends.page import Page
from labkit.core.redact import redact
from labkit.lab.lab import Lab
from labkit.lessons.progress import Progress
from tests.page.conftest import MemoryStorage
from tools import states

MAX_BYTES = 300_000
CHANGED = """The format of what a page keeps is no longer that of {name}, the newest in tests/page/data/states.
If labkit still restores the older files (the other tests here), run `python -m tools.states`, and commit the file that
it writes. Otherwise restore them first: somebody's browser has such bytes."""


@pytest.fixture(scope="module")
def present() -> dict[str, bytes]:
    """The stored data of a page of this version."""
    return states.kept()


def uids(path: Path) -> dict[tuple[str, str], str]:
    """The uid of each object in a data file, by its kind and name, of the namespace that the learner made."""
    with zipfile.ZipFile(path) as archive, closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(states.without_log(archive.read(f"snapshot/{states.DATABASE}")))
        objects = [json.loads(value) for (value,) in database.execute("SELECT value FROM objects")]
    own = [
        each
        for each in objects
        if "kikai" in (each["metadata"].get("namespace"), each["metadata"]["name"])
    ]
    return {(each["kind"], each["metadata"]["name"]): each["metadata"]["uid"] for each in own}


@pytest.mark.parametrize("path", states.data_files(), ids=lambda path: path.stem)
def test_what_a_page_has_kept_is_gone_on_from(
    kept: MemoryStorage, present: dict[str, bytes], path: Path
) -> None:
    kept.names |= states.renewed(path.read_bytes(), states.files(present["snapshot"]))
    there = json.loads(states.files(kept.names["snapshot"])["progress.json"])
    assert Page(kept).enter().restore() == ""
    assert "set-aside" not in kept.names
    progress = Progress.default()
    assert progress.passed("W15")
    assert progress.prediction("W15") == "allowed"
    assert progress.entry("W15")["first_guess"] == there["steps"]["W15"]["first_guess"]
    assert progress.entry("W15")["first_guess"]["value"] == "forbidden"
    assert [record["path"] for record in progress.records("W15")] == ["/api"]
    assert progress.entry("W16") == {"hints": 2}
    assert progress.drill() == there.get("drill")
    lab = Lab(say=lambda _line: None)
    found = uids(path)
    for each in some(states.MADE):
        here = lab.admin.get(lab.resources.path(each)).body["metadata"]["uid"]
        assert here == found[each["kind"], each["metadata"]["name"]]
    assert [entry["command"] for entry in lab.journal.entries()] == ["id"]
    assert (
        lab.as_service_account("kikai/test").get("/api/v1/namespaces/kikai/services").status == 200
    )
    assert lab.exec("kikai/test", "id").returncode == 0
    progress.mark("W17", "passed")
    assert json.loads(kept.names["progress"])["steps"].keys() == {"W15", "W16", "W17"}
    lab.rewind("W17")
    assert lab.admin.get("/api/v1/namespaces/kikai/configmaps/notes").status == 404
    lab.reset()
    assert lab.admin.get("/api/v1/namespaces/kikai").status == 404
    assert progress.passed("W15")


def test_the_newest_data_have_the_format_of_today(present: dict[str, bytes]) -> None:
    newest = states.data_files()[-1]
    now = states.shape(states.packed(present))
    assert now == states.shape(newest.read_bytes()), CHANGED.format(name=newest.name)


def test_the_data_have_no_key_and_no_token_and_are_small() -> None:
    assert sum(path.stat().st_size for path in states.data_files()) < MAX_BYTES
    for path in some(states.data_files()):
        with zipfile.ZipFile(path) as archive:
            for name in some(archive.namelist()):
                content = archive.read(name).decode("latin-1")
                assert "PRIVATE KEY" not in content
                assert redact(content) == content, name
                assert not (content and name.removeprefix("snapshot/").startswith(states.EMPTIED))
