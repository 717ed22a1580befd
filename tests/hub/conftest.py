"""Two Unix users and their hub, one for all tests."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.hub.hub import Hub, User, why_not


@pytest.fixture(scope="session")
def hub() -> Iterator[Hub]:
    """A hub whose two users have logged in, each with a server."""
    if reason := why_not():
        pytest.skip(reason)
    with ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="hub-"))
        stack.callback(shutil.rmtree, directory)
        users = []
        for name, uid in (("ann", 61011), ("bob", 61012)):
            user = User(f"lk{os.getpid()}{name}", uid)
            stack.callback(user.remove)
            users.append(user)
        made = Hub(directory, users)
        stack.callback(made.close)
        made.start_proxy()
        made.start()
        for user in users:
            made.log_in(user)
            made.start_server(user)
        yield made
