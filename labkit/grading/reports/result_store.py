"""The file that stores a session's results, so that an interrupted one resumes.

Every line is signed. The key is in labkit's home directory, which learners' processes cannot read inside their
walls. Without walls (``plain``) a notebook could read and write the same files as the grader's user: then
results remain in the grader's memory, and so does the key while notebooks run.
"""

import hmac
import json
import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from labkit.core.errors import HomeError
from labkit.core.home import home_path, write_private

from ..judging.result import Result

STORED = ".graded.jsonl"
"""A line for each result: the submission's digest, the result, and their signature."""

KEY_FILE = "grading.key"
KEY_BYTES = 32

Store = Callable[[str, Result], None]
"""Stores a result of a submission with a digest."""


class ResultStore:
    """The stored results in a directory."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / STORED
        self._key, self._key_file = _read_key()
        self.unsigned = 0
        """How many results ``read`` skipped because this user's grader has not signed them."""
        self.damaged = 0
        """How many lines ``read`` could not read, without the last one, which an interruption can have cut off."""

    def read(self) -> Iterator[tuple[str, Result]]:
        """Yield digests and results, without unsigned ones and lines that were cut off."""
        self.unsigned = 0
        self.damaged = int(self._path.is_symlink())
        if self.damaged:
            # Somebody else's link: results would be read from, and written to, another file.
            self._path.unlink()
        lines: list[str] = []
        if self._path.exists():
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        for number, line in enumerate(lines, 1):
            try:
                entry = json.loads(line)
                digest = entry["digest"]
                stored = entry["result"]
                result = Result.from_dict(stored)
                signature = str(entry.get("signature", ""))
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
                self.damaged += bool(line) and number < len(lines)
                continue
            if hmac.compare_digest(signature.encode(), self._sign(digest, stored).encode()):
                yield digest, result
            else:
                self.unsigned += 1

    def clear(self) -> None:
        """Remove all stored results."""
        self._path.unlink(missing_ok=True)

    def forget(self, keys: Collection[tuple[str, str]]) -> None:
        """Remove the results of these learners and exercises, and lines that are not signed.

        Raises:
            OSError: The file cannot be written; then it is as it was.
        """
        lines = [
            self._line(digest, result) for digest, result in self.read() if result.key not in keys
        ]
        if self._path.exists():
            replacement = self._path.with_suffix(".new")
            # It can be a link, which must not be written through.
            replacement.unlink(missing_ok=True)
            replacement.write_text("".join(lines), encoding="utf-8")
            # At once: after an interruption there are all the old lines, or all the new ones.
            replacement.replace(self._path)

    @contextmanager
    def writer(self, level: str) -> Iterator[Store]:
        """Return a function that stores results; at the level ``plain`` of isolation it stores none.

        Raises:
            OSError: The file cannot be written.
        """
        if level == "plain":
            with self._key_withheld():
                yield lambda _digest, _result: None
            return
        with self._path.open("a", encoding="utf-8") as file:
            # Ends a line that an interruption cut off; empty lines are skipped.
            file.write("\n")

            def store(digest: str, result: Result) -> None:
                file.write(self._line(digest, result))
                # At once: an interruption then costs only the submissions that are being graded.
                file.flush()

            yield store

    def _line(self, digest: str, result: Result) -> str:
        stored = result.as_dict()
        return (
            json.dumps(
                {"digest": digest, "result": stored, "signature": self._sign(digest, stored)}
            )
            + "\n"
        )

    def _sign(self, digest: object, stored: dict[str, Any]) -> str:
        """Sign a result as it is stored, so that results of earlier versions, with fewer fields, remain valid."""
        return hmac.digest(self._key, json.dumps([digest, stored]).encode(), "sha256").hex()

    @contextmanager
    def _key_withheld(self) -> Iterator[None]:
        """Remove the key's file for this time. If this process is killed, all stored results are graded again."""
        if self._key_file is None:
            yield
            return
        self._key_file.unlink(missing_ok=True)
        try:
            yield
        finally:
            write_private(self._key_file, self._key.hex())


def _read_key() -> tuple[bytes, Path | None]:
    """Read this user's key, or create one; return its file as well.

    If labkit's home directory cannot be used, there is no file, and the key is valid in this process only.
    """
    key = secrets.token_bytes(KEY_BYTES)
    try:
        path = home_path() / KEY_FILE
        with suppress(OSError, ValueError):
            stored = bytes.fromhex(path.read_text(encoding="ascii"))
            if len(stored) == KEY_BYTES:
                return stored, path
        write_private(path, key.hex())
    except HomeError:
        return key, None
    return key, path
