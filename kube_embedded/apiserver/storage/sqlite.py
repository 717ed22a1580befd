"""A store on disk: reads from dictionaries, writes to SQLite.

Every transaction is in the database before it is acknowledged. The write-ahead log
makes that one append to a file, and a killed process loses nothing that it has
acknowledged. (``synchronous=NORMAL``: a power cut can cost the last writes, never the file's consistency.)
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import orjson

from kube_embedded import files

from .base import Event, Snapshot, StorageFailed
from .memory import HISTORY_BYTES, HISTORY_LENGTH, Store
from .table import Stored, Table

# ``labk`` in ASCII: file(1) and the check in ``_open`` tell our database from others by it.
APPLICATION_ID = 0x6C61626B

SCHEMA_VERSION = 1
"""The version of the schema below. A new version needs a migration in ``_open``."""

# On a full disk even a deletion needs space for the write-ahead log; it gets the space of this file.
RESERVE_BYTES = 2 * 1024 * 1024

# The write-ahead log stays shorter than the reserve, so that its pages fit into the file when that is given up.
LOG_PAGES = 256

SCHEMA = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")


class StateUnusable(Exception):
    """The database cannot be used by this version. The message contains the remedy."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"The cluster's state in {path} cannot be used: {why}. "
            f"To begin with a fresh cluster, move {path.parent} away or delete it; "
            "to keep it, set --home to a new directory."
        )
        self.path = path
        self.why = why


class SQLiteStore(Store):
    """A ``Store`` in a file, which is made, with mode 0600, if it does not exist; see ``Store`` for the history.

    Events do not outlive the process: a watch from before it gets 410 and lists again.

    Raises:
        StateUnusable: The file is in use, of another version, or of another program.
    """

    def __init__(
        self,
        path: Path,
        *,
        history_length: int = HISTORY_LENGTH,
        history_bytes: int = HISTORY_BYTES,
    ) -> None:
        super().__init__(history_length=history_length, history_bytes=history_bytes)
        self._path = path
        self._reserve = path.with_name("reserve")
        os.close(files.open_file(path, os.O_RDWR | os.O_CREAT))
        path.chmod(0o600)
        try:
            self._database = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=0.5
            )
        except sqlite3.OperationalError as error:  # the file exists, so this is a limit of SQLite
            raise StateUnusable(
                path, f"{error}; SQLite takes no path of more than some 500 bytes"
            ) from error
        try:
            self._open()
        except (sqlite3.DatabaseError, StateUnusable) as error:
            self._database.close()
            if isinstance(error, StateUnusable):
                raise
            # The low byte of SQLite's code is the kind of error, the others say more about it.
            busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            raise StateUnusable(path, "another process uses it" if busy else str(error)) from error
        self._keep_reserve()

    def persist(self, events: Sequence[Event]) -> None:
        """Write the changes of a transaction, atomically; on a full disk those that delete something."""
        try:
            self._persist(events)
        except StorageFailed:
            if not any(
                e.type == "DELETED" or e.object["metadata"].get("deletionTimestamp") for e in events
            ):
                raise
            self._reserve.unlink(missing_ok=True)
            self._shorten_log()
            self._persist(events)
            self._shorten_log()
            self._keep_reserve()

    def _persist(self, events: Sequence[Event]) -> None:
        final = {(event.key.resource, event.key.place): event for event in events}
        with self._durably():
            for (resource, place), event in final.items():
                value = orjson.dumps(event.object)
                event.size = len(value)
                if event.type == "DELETED":
                    self._database.execute(
                        "DELETE FROM objects WHERE resource=? AND place=?", (resource, place)
                    )
                else:
                    self._database.execute(
                        "INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", (resource, place, value)
                    )
            self._database.execute("UPDATE counter SET revision=?", (events[-1].revision,))

    def _shorten_log(self) -> None:
        with suppress(sqlite3.OperationalError):
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _keep_reserve(self) -> None:
        """Set disk space aside, but not more than half of what is free; neither macOS nor a page can."""
        with suppress(OSError, AttributeError):
            disk = os.statvfs(self._path.parent)
            size = min(RESERVE_BYTES, disk.f_bavail * disk.f_frsize // 2)
            descriptor = files.open_file(self._reserve, os.O_RDWR | os.O_CREAT)
            try:
                os.fchmod(descriptor, 0o600)
                os.posix_fallocate(descriptor, 0, size)
            finally:
                os.close(descriptor)

    def save_snapshot(self, name: str) -> None:
        """Save the current state under a name."""
        with self._durably():
            self._database.execute("DELETE FROM snapshots WHERE name=?", (name,))
            self._database.execute("INSERT INTO snapshots VALUES (?, ?)", (name, self.revision))
            self._database.execute(
                "INSERT INTO snapshot_objects SELECT ?, resource, place, value FROM objects",
                (name,),
            )
        super().save_snapshot(name)

    def named_snapshot(self, name: str) -> Snapshot | None:
        """The state saved under a name, or None."""
        known = super().named_snapshot(name)
        if known is not None:
            return known
        row = self._database.execute(
            "SELECT revision FROM snapshots WHERE name=?", (name,)
        ).fetchone()
        if row is None:
            return None
        rows = self._database.execute(
            "SELECT resource, place, value FROM snapshot_objects WHERE name=? ORDER BY resource, place",
            (name,),
        )
        tables = _tables(rows)
        for table in tables.values():
            table.frozen = True
        snapshot = self._named[name] = Snapshot(row[0], tables)
        return snapshot

    def snapshot_names(self) -> Sequence[str]:
        """The names of the saved states, sorted."""
        return [
            name for (name,) in self._database.execute("SELECT name FROM snapshots ORDER BY name")
        ]

    def serialized(self) -> bytes:
        """The database's content, as its file would hold it."""
        return self._database.serialize()

    def close(self) -> None:
        """Release everything. A closed store cannot be used."""
        super().close()
        self._database.close()

    def _open(self) -> None:
        database = self._database
        database.execute("PRAGMA locking_mode=EXCLUSIVE")
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        database.execute("PRAGMA foreign_keys=ON")
        database.execute("BEGIN IMMEDIATE")
        (application,) = database.execute("PRAGMA application_id").fetchone()
        (version,) = database.execute("PRAGMA user_version").fetchone()
        (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables == 0:
            for statement in SCHEMA.split(";"):
                database.execute(statement)
            database.execute(f"PRAGMA application_id={APPLICATION_ID}")
            database.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        elif application != APPLICATION_ID:
            raise StateUnusable(self._path, "it is of another program")
        elif version != SCHEMA_VERSION:
            age = "a newer" if version > SCHEMA_VERSION else "an older"
            raise StateUnusable(
                self._path,
                f"{age} version made it (layout {version}, this one reads {SCHEMA_VERSION})",
            )
        database.execute("COMMIT")
        (self._revision,) = database.execute("SELECT revision FROM counter").fetchone()
        self._oldest = self._revision
        self._tables = _tables(
            database.execute("SELECT resource, place, value FROM objects ORDER BY resource, place")
        )

    @contextmanager
    def _durably(self) -> Iterator[None]:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            yield
            self._database.execute("COMMIT")
        except BaseException as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise StorageFailed(str(error)) from error
            raise


def _tables(rows: Iterator[tuple[str, str, bytes]] | sqlite3.Cursor) -> dict[str, Table]:
    objects: dict[str, dict[str, Stored]] = {}
    for resource, place, value in rows:
        objects.setdefault(resource, {})[place] = Stored(orjson.loads(value))
    # SQLite compares text by its UTF-8 bytes, which is the order of code points, as Python's is.
    return {resource: Table(of_resource) for resource, of_resource in objects.items()}
