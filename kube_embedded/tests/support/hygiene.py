"""What every test of both packages gets: the same process at each start, and the blame for what it leaves open."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from kube_embedded.tests.support import inherited, properties


def prepare() -> None:
    """Prepare this process for tests, before the first of them is imported."""
    # jsonschema compiles 38 grammars of this at its import, for formats that no test asks for, and does without.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None: it cannot be imported
    inherited.heed_signals()
    properties.load_profiles()


def pytest_collection_finish() -> None:
    """Exempt what stays until the end, such as the tests themselves, from garbage collection.

    Otherwise every collection looks at all of it: a sixth of the time of ``make test``.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def leaves_nothing_open() -> Iterator[None]:
    """Collect garbage after each module, so that a socket or a file that a test left open fails this module.

    Otherwise the warning of what is not closed comes whenever the collector runs next, amid another test.
    A collection takes 0.1 s, so it is left out if nothing is open that was not open before.
    """
    before = open_files()
    yield
    after = open_files()
    if before is None or after is None or after - before:
        gc.collect()


def open_files() -> set[str] | None:
    """The files and sockets that this process has open; None where the system does not tell."""
    names: set[str] = set()
    try:
        for number in os.listdir("/proc/self/fd"):
            # The directory itself was open while it was listed.
            with suppress(FileNotFoundError):
                names.add(f"{number} {os.readlink(f'/proc/self/fd/{number}')}")
    except FileNotFoundError:
        return None
    return names
