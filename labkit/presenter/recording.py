"""Record the output of a demo as an asciinema cast (``labkit demo --record FILE``).

Source: https://docs.asciinema.org/manual/asciicast/v2/
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from labkit.core.home import place_error


class Recorder:
    """A terminal's stream that also records all output with its time."""

    def __init__(self, stream: TextIO, cast: TextIO) -> None:
        self._stream, self._cast, self._begun = stream, cast, time.monotonic()
        columns, lines = os.get_terminal_size(stream.fileno()) if stream.isatty() else (80, 24)
        self._keep({"version": 2, "width": columns, "height": lines, "timestamp": int(time.time())})

    def write(self, text: str) -> int:
        """Write a text, and record it."""
        # A terminal's line discipline adds the carriage return, and a player has none.
        shown = text.replace("\n", "\r\n")
        self._keep([round(time.monotonic() - self._begun, 3), "o", shown])
        return self._stream.write(text)

    def _keep(self, line: object) -> None:
        self._cast.write(json.dumps(line, ensure_ascii=False) + "\n")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def recorded(stream: TextIO, file: Path | None) -> Iterator[TextIO]:
    """Record a stream in a block; without a file, provide the stream itself.

    Raises:
        UsageError: The file exists already, or is not writable.
    """
    if file is None:
        yield stream
        return
    try:
        cast = file.open("x", encoding="utf-8")
    except OSError as error:
        raise place_error(file, error) from error
    with cast:
        yield Recorder(stream, cast)  # type: ignore[misc]  # it has what the stream has
