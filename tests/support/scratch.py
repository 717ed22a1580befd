"""A temporary directory of the whole run, and what ends with it."""

from __future__ import annotations

import atexit
import os
from contextlib import ExitStack

from labkit.core.scratch import PROGRAM_LOCK, scratch_directory

_RUN = ExitStack()


def servers_end_with_this_process() -> None:
    """Let every server that labkit starts from now on end with this process, also when that is killed."""
    directory = _RUN.enter_context(scratch_directory("labkit-tests-"))
    os.environ["LABKIT_PROGRAM_LOCK"] = str(directory / PROGRAM_LOCK)
    atexit.register(_RUN.close)
