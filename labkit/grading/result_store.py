"""The file that stores a session's results, so that an interrupted one resumes.

Every line is signed. The key lies in labkit's home directory, which is no learner's to read where there
are walls. Without walls (``plain``) a notebook could read and write what the grader's user can: then
results stay in the grader's memory, and so does the key while notebooks run.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from labkit.core.errors import HomeError
from labkit.core.home import home_path, write_private
from labkit.grading.result import Result

STORED = ".graded.jsonl"
"""A line for each result: the submission's digest, the result, and their signature."""

KEY_FILE = "grading.key"
KEY_BYTES = 32

Store = Callable[[str, Result], None]
"""Stores a result of a submission with a digest."""


class Stored(NamedTuple):
    """A line: the submission's digest, the result, and whether this user's grader signed it."""

    digest: str
    result: Result
    signed: bool


class ResultStore:
    """The stored results in a directory.

    Args:
        directory: The directory of results.
    """

    def __init__(self, directory: Path) -> None:
        self._path = directory / STORED
        self._key, self._key_file = _read_key()
        self.unsigned = 0
        """How many results ``read`` left out because this user's grader has not signed them."""

    def read(self) -> Iterator[tuple[str, Result]]:
        """Return digests and results, without those that others wrote; skip lines that were cut off."""
        self.unsigned = 0
        for found in map(self._parse, self._lines()):
            if found is not None and found.signed:
                yield found.digest, found.result
            elif found is not None:
                self.unsigned += 1

    def clear(self) -> None:
        """Remove all stored results."""
        self._path.unlink(missing_ok=True)

    def forget(self, keys: Collection[tuple[str, str]]) -> None:
        """Remove the results of these learners and exercises.

        Raises:
            OSError: The file cannot be written; then it is as it was.
        """
        lines = self._lines()
        kept = [line for line in lines if (found := self._parse(line)) is None or found.result.key not in keys]
        if len(kept) < len(lines):
            replacement = self._path.with_suffix(".new")
            replacement.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
            replacement.replace(self._path)

    def _lines(self) -> list[str]:
        return self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []

    def _parse(self, line: str) -> Stored | None:
        """Parse a line; None if it was cut off."""
        try:
            entry = json.loads(line)
            digest, stored = entry["digest"], entry["result"]
            signature = str(entry.get("signature", ""))
            signed = hmac.compare_digest(signature.encode(), self._sign(digest, stored).encode())
            return Stored(digest, Result.from_dict(stored), signed)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    @contextmanager
    def writer(self, level: str) -> Iterator[Store]:
        """Return a function that stores results; at the level ``plain`` it stores none.

        Args:
            level: How the notebooks are isolated that run meanwhile.

        Raises:
            OSError: The file cannot be written.
        """
        if level == "plain":
            with self._key_withheld():
                yield lambda _digest, _result: None
            return
        with self._path.open("a", encoding="utf-8") as file:
            file.write("\n")  # ends a line that an interruption cut off; empty lines are skipped

            def store(digest: str, result: Result) -> None:
                stored = result.as_dict()
                line = {"digest": digest, "result": stored, "signature": self._sign(digest, stored)}
                file.write(json.dumps(line) + "\n")
                file.flush()

            yield store

    def _sign(self, digest: object, stored: dict[str, Any]) -> str:
        """Sign a result as it is stored, so that those of earlier versions, with fewer fields, stay good."""
        return hmac.digest(self._key, json.dumps([digest, stored]).encode(), "sha256").hex()

    @contextmanager
    def _key_withheld(self) -> Iterator[None]:
        """Remove the key's file meanwhile. If this process is killed, all stored results are graded again."""
        if self._key_file is None:
            yield
            return
        self._key_file.unlink(missing_ok=True)
        try:
            yield
        finally:
            write_private(self._key_file, self._key.hex())


def _read_key() -> tuple[bytes, Path | None]:
    """Read this user's key, or make one; return its file as well.

    Where labkit's home directory cannot be used there is no file: the key is good for this process only.
    """
    key = secrets.token_bytes(KEY_BYTES)
    try:
        path = home_path() / KEY_FILE
        with suppress(OSError, ValueError):
            found = bytes.fromhex(path.read_text(encoding="ascii"))
            if len(found) == KEY_BYTES:
                return found, path
        write_private(path, key.hex())
    except HomeError:
        return key, None
    return key, path
