"""A cluster's files: keys, database, kubeconfig. One directory, private to its owner."""

from __future__ import annotations

import base64
import fcntl
import os
from pathlib import Path

from labkit.apiserver.keys import Keys

KEY_FILES = {
    "ca_certificate": "ca.crt",
    "ca_key": "ca.key",
    "server_certificate": "apiserver.crt",
    "server_key": "apiserver.key",
    "token_key": "sa.key",
}


class StateInUse(Exception):
    """Another server runs on this directory."""


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read, all or nothing."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    temporary.replace(path)


def private_directory(path: Path) -> Path:
    """Make a directory with mode 0700."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def lock(home: Path) -> int:
    """Take the directory for this process; the lock ends with it.

    Raises:
        StateInUse: Another process has it.
    """
    descriptor = os.open(home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise StateInUse(str(home)) from error
    return descriptor


def load_keys(home: Path) -> Keys:
    """The directory's keys, made at the first call."""
    pki = private_directory(home / "pki")
    if not all((pki / name).exists() for name in KEY_FILES.values()):
        keys = Keys.generate()
        for field, name in KEY_FILES.items():
            write_private(pki / name, getattr(keys, field))
    return Keys(**{field: (pki / name).read_bytes() for field, name in KEY_FILES.items()})


def write_admin_kubeconfig(home: Path, keys: Keys, url: str) -> Path:
    """``admin.conf``: a client certificate of ``kubernetes-admin`` in ``system:masters``."""
    certificate, key = keys.client_certificate("kubernetes-admin", ("system:masters",))
    encode = lambda data: base64.b64encode(data).decode()  # noqa: E731
    text = f"""apiVersion: v1
kind: Config
clusters:
- name: labkit
  cluster:
    server: {url}
    certificate-authority-data: {encode(keys.ca_certificate)}
users:
- name: kubernetes-admin
  user:
    client-certificate-data: {encode(certificate)}
    client-key-data: {encode(key)}
contexts:
- name: labkit
  context: {{cluster: labkit, user: kubernetes-admin}}
current-context: labkit
"""
    path = home / "admin.conf"
    write_private(path, text.encode())
    return path
