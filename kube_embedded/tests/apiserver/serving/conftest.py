"""Keys for all serving tests, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from kube_embedded.machinery.pki.keys import Keys


@pytest.fixture(scope="session")
def keys() -> Keys:
    """A cluster's keys."""
    return Keys.generate()


@pytest.fixture(scope="session")
def identity(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A client certificate of alice in the groups dev and ops."""
    path = tmp_path_factory.mktemp("identity") / "alice.pem"
    path.write_bytes(b"".join(keys.client_certificate("alice", ("dev", "ops"))))
    return path
