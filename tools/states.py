"""Write what a page keeps now as a test's data: ``python -m tools.states``.

Whoever used a page has bytes of an older labkit in the browser. ``tests/page/test_states.py`` restores those of each
format there was, and fails when labkit's format is no longer that of the newest file. Then this module writes the next
file into ``tests/page/data/states``, numbered and named after the commit; the older files stay as they are.

A file has what the page keeps by name, and the files of its snapshot. Of keys and certificates it has the names alone,
and so of the audit log. ``renewed`` puts those of a present labkit in their place.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import sqlite3
import subprocess
import zipfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

from labkit.backends.page import Page
from labkit.core import page
from labkit.lab.lab import Lab
from labkit.practice import keeping

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "tests" / "page" / "data" / "states"

DATABASE, SNAPSHOT = "state.db", "snapshot"
EMPTIED = ("admin.conf", "audit.log", "pki/")
"""Prefixes of the names of files of which a data file has the name alone."""
RESERVE = "reserve"
"""The disk space that is set aside, which no page has."""

CLUSTER = re.compile(rb'("cluster": ")[0-9a-f]{16}')

RBAC = "rbac.authorization.k8s.io"
PLACE = {"namespace": "kikai"}
MADE: list[dict[str, Any]] = [
    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kikai"}},
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "test", **PLACE}},
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "notes", **PLACE},
        "data": {"text": "mine"},
    },
    {
        "apiVersion": f"{RBAC}/v1",
        "kind": "Role",
        "metadata": {"name": "reader", **PLACE},
        "rules": [{"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}],
    },
    {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "reader", **PLACE},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "test", **PLACE}],
    },
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "test", **PLACE},
        "spec": {
            "serviceAccountName": "test",
            "containers": [{"name": "main", "image": "ubuntu", "command": ["sleep", "9999999"]}],
        },
    },
]


class Memory:
    """The storage of a page, in a dictionary."""

    def __init__(self, names: Mapping[str, bytes]) -> None:
        self.names = dict(names)

    def read(self, name: str) -> bytes | None:
        """The bytes of that name."""
        return self.names.get(name)

    def write(self, name: str, data: bytes) -> None:
        """Replace the bytes of that name."""
        self.names[name] = bytes(data)


def work(lab: Lab) -> None:
    """Do what leaves something in each file: objects, requests, a command in a pod, guesses, a pass, the drill."""
    lab.reset()
    lab.apply(MADE)
    lab.predict("W15", "forbidden")
    lab.predict("W15", "allowed")
    caller = lab.as_service_account("kikai/test")
    caller.get("/api/v1/namespaces/kikai/services")
    lab.exec("kikai/test", "id")
    progress = lab.progress
    progress.record("W15", {"who": "test", "path": "/api"})
    progress.mark("W15", "passed", seen="something")
    progress.note("W16", hints=2)
    if hasattr(progress, "join_drill"):  # an older labkit has none
        progress.join_drill(
            {**keeping.new(), "asked": {"question": 1.0}, "off": {"value": True, "at": 1.0}}
        )


def kept() -> dict[str, bytes]:
    """What a page keeps after some work, by name."""
    memory = Memory({})
    in_page = mock.patch.object(page, "IN_PAGE", True)
    with (
        TemporaryDirectory() as home,
        in_page,
        mock.patch.dict(os.environ, LABKIT_HOME=home),
        Page(memory),
    ):
        work(Lab(say=lambda _line: None))
    return memory.names


def files(snapshot: bytes) -> dict[str, bytes]:
    """The files of a snapshot."""
    with zipfile.ZipFile(io.BytesIO(snapshot)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(names: Mapping[str, bytes]) -> bytes:
    """The data file of what a page keeps, without what is a secret or large."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_LZMA) as archive:
        with zipfile.ZipFile(io.BytesIO(names[SNAPSHOT])) as snapshot:
            archive.comment = snapshot.comment
        for name, content in files(names[SNAPSHOT]).items():
            if name != RESERVE:
                archive.writestr(f"{SNAPSHOT}/{name}", b"" if name.startswith(EMPTIED) else content)
        for name in sorted({*names} - {SNAPSHOT}):
            archive.writestr(name, names[name])
    return data.getvalue()


def renewed(data: bytes, present: Mapping[str, bytes]) -> dict[str, bytes]:
    """What a page kept, by name, from a data file.

    Args:
        data: The data file.
        present: The files of a present snapshot, for those that are empty in the data file.
    """
    cluster = hashlib.sha256(present["pki/ca.crt"]).hexdigest()[:16]
    snapshot, names = io.BytesIO(), {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(snapshot, "w") as made:
        made.comment = archive.comment
        for name in archive.namelist():
            folder, _, inside = name.partition("/")
            if folder != SNAPSHOT:
                names[name] = archive.read(name)
            elif inside.startswith(EMPTIED):
                made.writestr(inside, present[inside])
            else:  # a journal names the cluster by its certificate
                content = archive.read(name)
                renew = inside.startswith("journal-")
                made.writestr(
                    inside, CLUSTER.sub(rb"\g<1>" + cluster.encode(), content) if renew else content
                )
    return {**names, SNAPSHOT: snapshot.getvalue()}


def shape(data: bytes) -> dict[str, object]:
    """What a labkit that restores a data file depends on: the names, the tables, and the keys of JSON."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        comment = json.loads(archive.comment)
        found: dict[str, object] = {
            "names": sorted(archive.namelist()),
            "snapshot": (comment["snapshot"], sorted(comment)),
        }
        for name in archive.namelist():
            if name.endswith(".json"):
                found[name] = sorted(_keys(json.loads(archive.read(name)), 4))
            elif name.endswith(".jsonl"):
                lines = [json.loads(line) for line in archive.read(name).splitlines()]
                found[name] = {line["kind"]: sorted(line) for line in lines}
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(without_log(archive.read(f"{SNAPSHOT}/{DATABASE}")))
            found["tables"] = database.execute(
                "SELECT name, sql FROM sqlite_master ORDER BY name"
            ).fetchall()
            found["states"] = database.execute("SELECT name FROM snapshots").fetchall()
            for pragma in ("application_id", "user_version", "page_size"):
                found[pragma] = database.execute(f"PRAGMA {pragma}").fetchone()
    return found


def without_log(database: bytes) -> bytes:
    """A database that SQLite opens in memory, where it has no write-ahead log."""
    return database[:18] + b"\x01\x01" + database[20:]


def data_files() -> list[Path]:
    """The data files, the oldest first."""
    return sorted(DATA.glob("*.zip"))


def _keys(value: object, depth: int, at: str = "") -> set[str]:
    """The paths of the keys in a value of JSON, as deep as progress goes; what is in an object of a cluster is not."""
    if isinstance(value, list) and not at.endswith("objects."):
        return {key for each in value for key in _keys(each, depth, at)}
    if not isinstance(value, dict) or not depth:
        return set()
    return {
        key
        for name, each in value.items()
        for key in {f"{at}{name}", *_keys(each, depth - 1, f"{at}{name}.")}
    }


def main() -> None:
    """Write the data file of this labkit."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    path = DATA / f"{len(data_files()) + 1:02}-{commit[:8]}.zip"
    path.write_bytes(packed(kept()))
    print(f"written: {path.relative_to(ROOT)} ({path.stat().st_size} bytes)")


if __name__ == "__main__":
    main()
