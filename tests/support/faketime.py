"""Programs whose clock is set by a file, with libfaketime."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

FAKETIME = shutil.which("faketime")
"""The program; None where it is not installed."""


class MovableClock:
    """The clock of programs that start with ``environment``. Their monotonic clock stays as it is.

    Args:
        setting: The file with the offset, such as ``-1d``.
    """

    def __init__(self, setting: Path) -> None:
        self._setting = setting
        self.move("+0")
        preloaded = [str(FAKETIME), "-f", "+0", "printenv", "LD_PRELOAD"]
        self.environment = {
            "LD_PRELOAD": subprocess.check_output(preloaded, text=True).strip(),
            "FAKETIME_TIMESTAMP_FILE": str(setting),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def move(self, difference: str) -> None:
        """Set the clock. A program that finds half a line in the file ends, so the file is replaced."""
        written = self._setting.with_suffix(".new")
        written.write_text(f"{difference}\n", encoding="utf-8")
        os.replace(written, self._setting)
