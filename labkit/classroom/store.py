"""The stored class: its code, its learners and their outcomes, the questions and two rounds of votes.

It is one SQLite database in ``LABKIT_HOME``. A write is in the file before it is acknowledged, so a killed server loses
nothing. Learners' keys and voters' tokens are stored as hashes. A voter's hash differs for each question, so the answers
of one phone to several questions cannot be joined.
"""

import hashlib
import json
import os
import secrets
import sqlite3
import time
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kube_embedded import files
from labkit.core.errors import HomeError, NotRunning
from labkit.core.home import ensure_private, home_error, home_path
from labkit.core.language import said, text

from .limits import Refusal

SCHEMA = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
VERSION = 1
"""The version of the schema."""

APPLICATION_ID = 0x6C6B636C
"""``lkcl``: marks the file as a class."""

TODO = text(
    "End the other process (Ctrl-C), use the labkit that made it, or set LABKIT_HOME to another directory."
)

MAX_LEARNERS = 1000
MAX_QUESTIONS = 300
MAX_VOTERS = 1500

LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Letters of a join code, without those that look like another (I, L, O, 0, 1)."""

FIRST, CLOSED = "first", "closed"
"""The first and the last stage of a question; ``settings.yaml`` has those between."""

ROUNDS = {FIRST: 1, "second": 2}
"""The stages in which votes count, and their rounds."""

Asked = dict[str, Any]
"""A question (see ``questions``) with its ``id``, ``stage``, whether ``bars`` are shown, and for each of the two
``rounds`` how many chose each option."""


def place() -> Path:
    """Return the path of the class in ``LABKIT_HOME``."""
    return home_path() / "class" / "class.db"


def hashed(*parts: object) -> str:
    """Return the hash under which a key or a token is stored."""
    # A fast hash without a salt suffices: keys and tokens are at least 128 random bits, not passwords.
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()


def _alike(name: str) -> str:
    """Return the same for names that look alike: in capitals, in full width, or with other spaces."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


class Store:
    """The class in a file, which one process at a time can open; a missing file is created, with a new code.

    Raises:
        HomeError: Another process has it open, another version created it, or it cannot be used.
    """

    def __init__(self, path: Path) -> None:
        ensure_private(path.parent)
        try:
            os.close(files.open_file(path, os.O_RDWR | os.O_CREAT))
            path.chmod(0o600)
        except OSError as error:
            raise home_error(path, error) from error
        # None: transactions begin here and not in the driver. A short timeout, because the
        # other process is a class that goes on for hours.
        self._database = sqlite3.connect(path, isolation_level=None, timeout=0.2)
        try:
            why = self._open()
        except sqlite3.Error as error:
            # SQLite's codes are ints; the low byte is the kind, the others say more about it.
            busy = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
            why = "another process has it open" if busy else str(error)
        if why:
            self._database.close()
            raise HomeError(text("The class in {path} cannot be used.", path), why=why, todo=TODO)

    def _open(self) -> str:
        """Open the database, or create it; return the reason if it cannot be used."""
        database = self._database
        # EXCLUSIVE before WAL: then no shared memory is used (sqlite.org/wal.html), and a
        # second process is refused. With NORMAL a commit survives a killed process, and only a
        # power cut can lose the last ones (sqlite.org/pragma.html#pragma_synchronous).
        for setting in (
            "locking_mode=EXCLUSIVE",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
        ):
            database.execute(f"PRAGMA {setting}")
        # A learner who leaves is deleted from the file as well: SQLite overwrites the rows with
        # zeros.
        database.execute("PRAGMA secure_delete=ON")
        database.execute("BEGIN IMMEDIATE")
        if not self._one("SELECT count(*) FROM sqlite_master"):
            # Not executescript, which commits first: a killed start would leave a database
            # without its class.
            for statement in SCHEMA.split(";"):
                database.execute(statement)
            code = "".join(secrets.choice(LETTERS) for _ in range(8))
            row = (secrets.token_hex(4), code, secrets.token_urlsafe(24), time.time())
            database.execute("INSERT INTO class VALUES(?, ?, ?, ?)", row)
            database.execute(f"PRAGMA application_id={APPLICATION_ID}")
            database.execute(f"PRAGMA user_version={VERSION}")
        database.execute("COMMIT")
        if self._one("PRAGMA application_id") != APPLICATION_ID:
            return text("it is not a class of labkit")
        if (version := self._one("PRAGMA user_version")) != VERSION:
            return text(
                "another labkit made it (layout {version}, this one reads {own})", version, VERSION
            )
        self.id, self.code, self.teacher_key, self.began = database.execute(
            "SELECT * FROM class"
        ).fetchone()
        return ""

    def close(self) -> None:
        """Close the file, for another process to open."""
        self._database.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Write all or nothing; raise the refusal ``disk`` if the file cannot be written."""
        try:
            self._database.execute("BEGIN IMMEDIATE")
            yield self._database
            self._database.execute("COMMIT")
        except BaseException as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise Refusal("disk") from error
            raise

    def _one(self, query: str, *values: object) -> Any:
        row = self._database.execute(query, values).fetchone()
        return row[0] if row else None

    def rows(self, table: str, order: str = "at") -> list[dict[str, Any]]:
        """Return all rows of ``learners``, ``outcomes``, ``slips`` or ``questions``."""
        cursor = self._database.execute(f"SELECT * FROM {table} ORDER BY {order}")
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def join(self, key: str, name: str) -> str:
        """Add a learner, or rename the one with this key.

        Returns:
            The name; a number for an empty one. One that somebody else has gets a number behind it.
        """
        with self._transaction() as database:
            if (
                self.learner(key) is None
                and self._one("SELECT count(*) FROM learners") >= MAX_LEARNERS
            ):
                raise Refusal("full", most=said(text("{learners} learners", MAX_LEARNERS)))
            insert = "INSERT INTO learners(key, name, joined, number) VALUES(?, ?, ?, 0) ON CONFLICT(key) DO NOTHING"
            database.execute(insert, (hashed(key), name, time.time()))
            learner = self.learner(key)
            name = self._apart(name or said(text("Learner {learner}", learner)), learner)
            database.execute("UPDATE learners SET name=? WHERE id=?", (name, learner))
        return name

    def _apart(self, name: str, learner: int | None) -> str:
        others = self._database.execute("SELECT name FROM learners WHERE id<>?", (learner,))
        taken = {_alike(other) for (other,) in others}
        names = (name, *(f"{name} ({number})" for number in range(2, MAX_LEARNERS + 2)))
        return next(each for each in names if _alike(each) not in taken)

    def learner(self, key: str) -> int | None:
        """Return the number of the learner with this key, or None."""
        found: int | None = self._one("SELECT id FROM learners WHERE key=?", hashed(key))
        return found

    def remove(self, learner: int) -> None:
        """Delete a learner's row and all of their outcomes."""
        with self._transaction() as database:
            database.execute("DELETE FROM learners WHERE id=?", (learner,))

    def add_outcomes(self, learner: int, outcomes: Sequence[Mapping[str, Any]]) -> None:
        """Store a learner's new outcomes: a lab numbers them, and can send them again."""
        last = int(self._one("SELECT number FROM learners WHERE id=?", learner))
        with self._transaction() as database:
            for outcome in sorted(outcomes, key=lambda row: int(row["number"])):
                if outcome["number"] > last:
                    last = outcome["number"]
                    self._add(learner, **outcome)
            database.execute("UPDATE learners SET number=? WHERE id=?", (last, learner))

    def _add(
        self, learner: int, step: str, state: str, kind: str, guess: str, at: float, **_number: int
    ) -> None:
        # A pass stays a pass, and the first guess the first; a learner is stuck since the first failure.
        self._database.execute(
            "INSERT INTO outcomes VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "tries=tries+excluded.tries, at=excluded.at, guess=iif(guess='', excluded.guess, guess), "
            "since=iif(state='passed' OR (state='failed' AND excluded.state='failed'), since, excluded.since), "
            "kind=iif(state='passed', '', excluded.kind), state=iif(state='passed', state, excluded.state)",
            (learner, step, state, kind, guess, int(state != "not attempted"), at, at),
        )
        if kind:
            self._database.execute(
                "INSERT OR IGNORE INTO slips VALUES(?, ?, ?, ?)", (learner, step, kind, at)
            )

    def ask(self, content: Mapping[str, Any]) -> int:
        """Open a question; the one before is closed."""
        with self._transaction() as database:
            if self._one("SELECT count(*) FROM questions") >= MAX_QUESTIONS:
                raise Refusal("full", most=said(text("{questions} questions", MAX_QUESTIONS)))
            database.execute("UPDATE questions SET stage=?", (CLOSED,))
            row = (json.dumps(content), FIRST, time.time())
            insert = (
                "INSERT INTO questions(content, stage, bars, at) VALUES(?, ?, 0, ?) RETURNING id"
            )
            return int(database.execute(insert, row).fetchone()[0])

    def change(self, question: int, *, stage: str | None = None, bars: bool | None = None) -> None:
        """Bring a question to a stage, or show or hide its bars."""
        with self._transaction() as database:
            update = (
                "UPDATE questions SET stage=coalesce(?, stage), bars=coalesce(?, bars) WHERE id=?"
            )
            database.execute(update, (stage, bars, question))

    def vote(self, question: int, number: int, token: str, choice: int) -> None:
        """Store a vote; a later one of the same browser in the same round replaces it."""
        voter = hashed(self.id, question, token)
        with self._transaction() as database:
            count = "SELECT count(*) FROM votes WHERE question=? AND round=? AND voter<>?"
            if self._one(count, question, number, voter) >= MAX_VOTERS:
                raise Refusal("full", most=said(text("{voters} answers in a round", MAX_VOTERS)))
            row = (question, number, voter, choice, time.time())
            database.execute("INSERT OR REPLACE INTO votes VALUES(?, ?, ?, ?, ?)", row)

    def voted(self, question: int, tokens: Iterable[str]) -> list[str]:
        """Return the stored names of those of some tokens that have answered a question."""
        names = {hashed(self.id, question, token) for token in tokens}
        rows = self._database.execute(
            "SELECT DISTINCT voter FROM votes WHERE question=?", (question,)
        )
        return [voter for (voter,) in rows if voter in names]

    def remove_votes(self, question: int, voters: Iterable[str]) -> None:
        """Delete the answers of some voters, by their stored names, to a question."""
        with self._transaction() as database:
            delete = "DELETE FROM votes WHERE question=? AND voter=?"
            database.executemany(delete, [(question, voter) for voter in voters])

    def empty_round(self, question: int, number: int) -> None:
        """Delete all answers of a round."""
        with self._transaction() as database:
            database.execute("DELETE FROM votes WHERE question=? AND round=?", (question, number))

    def current(self) -> Asked | None:
        """Return the question that was asked last."""
        return next(iter(self.asked("id DESC LIMIT 1")), None)

    def asked(self, order: str = "id") -> list[Asked]:
        """Return all questions."""
        return [self._with_votes(row) for row in self.rows("questions", order)]

    def _with_votes(self, row: dict[str, Any]) -> Asked:
        content = json.loads(row.pop("content"))
        rounds = [[0] * len(content["options"]) for _ in ROUNDS]
        query = "SELECT round, choice, count(*) FROM votes WHERE question=? GROUP BY round, choice"
        for number, choice, count in self._database.execute(query, (row["id"],)):
            rounds[number - 1][choice] = count
        return {**content, **row, "rounds": rounds}

    def everything(self) -> Iterator[dict[str, Any]]:
        """Yield the whole class as rows: learners' outcomes and kinds of mistakes, then questions, with ``what``."""
        names = {learner["id"]: learner["name"] for learner in self.rows("learners", "id")}
        for what, table in (("outcome", "outcomes"), ("mistake", "slips")):
            yield from (
                {"what": what, "name": names[row["learner"]], **row} for row in self.rows(table)
            )
        yield from ({"what": "question", **asked} for asked in self.asked())


def delete(path: Path) -> None:
    """Delete a class: its learners, outcomes, questions and votes."""
    if not path.exists():
        raise NotRunning("There is no class here.", todo="Begin one: labkit class start.")
    # Opening it refuses a file that a running class has open, or that is something else.
    Store(path).close()
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)
