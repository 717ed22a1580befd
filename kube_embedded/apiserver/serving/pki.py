"""The keys on disk, in kubeadm's places, and the administrator's kubeconfig.

Generating them takes longer than the rest of a start, mostly because of the RSA key that
signs tokens; ``begin`` generates them in another process while this one loads its modules.
"""

from __future__ import annotations

import base64
import binascii
import datetime
import marshal
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kube_embedded import files

from .state import StateProblem, private_directory, write_private

if TYPE_CHECKING:
    from ...machinery.pki.keys import Keys

KEY_FILES = {
    "ca_certificate": "ca.crt",
    "ca_key": "ca.key",
    "server_certificate": "apiserver.crt",
    "server_key": "apiserver.key",
    "token_key": "sa.key",
}
PUBLIC_TOKEN_KEY = "sa.pub"

ADMIN = ("kubernetes-admin", ("system:masters",))
RENEW_AFTER_SECONDS = 300 * 86400
"""Certificates are valid for a year and renewed at this age."""

VALIDITY = re.compile(
    rb"(?:\x17\x0d|\x18\x0f)(\d{12,14})Z(?:\x17\x0d|\x18\x0f)(\d{12,14})Z", re.DOTALL
)
"""From when to when, in a certificate's DER: two times side by side (RFC 5280, 4.1.2.5)."""

PEM = re.compile(rb"-----BEGIN ([A-Z ]+)-----\n[A-Za-z0-9+/=\n]+\n-----END \1-----\n")
SERVER_LINE = re.compile(r"^    server: https://127\.0\.0\.1:(\d+)$", re.MULTILINE)
CLIENT_LINE = re.compile(r"^    client-certificate-data: (\S+)$", re.MULTILINE)


Identity = tuple[bytes, bytes]
"""A certificate and its key, PEM."""


def begin(home: Path, held: int = -1) -> Callable[[], Identity] | None:
    """Start generating the keys if they are missing.

    Args:
        home: The state directory.
        held: A descriptor that the child must not inherit: the directory's lock.

    Returns:
        A function that waits for the keys and returns the administrator's new certificate. None if the keys exist.
    """
    if (pki := _incomplete(home)) is None:
        return None
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        made = b""
        try:
            if held >= 0:
                os.close(held)
            # marshal and not pickle: the parent only needs bytes and tuples, and pickle would have to be imported.
            made = marshal.dumps(_new_files(pki))
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(made)
        finally:
            # The child must not run the parent's exit handlers, nor flush its copies of the parent's buffers.
            os._exit(0 if made else 1)
    os.close(writing)

    def finish() -> Identity:
        with os.fdopen(reading, "rb") as pipe:
            data = pipe.read()
        os.waitpid(child, 0)
        return _write_files(pki, *(marshal.loads(data) if data else _new_files(pki)))

    return finish


def make_keys(home: Path) -> Identity | None:
    """Generate the keys in this process if they are missing; see ``begin``."""
    pki = _incomplete(home)
    return None if pki is None else _write_files(pki, *_new_files(pki))


def _incomplete(home: Path) -> Path | None:
    """The directory of the keys, if some are missing."""
    pki = private_directory(home / "pki")
    return None if all((pki / name).exists() for name in KEY_FILES.values()) else pki


def _write_files(pki: Path, files: dict[str, bytes], admin: Identity) -> Identity:
    # The CA's key is written last: without it the next start generates everything again.
    for name in sorted(files, key=lambda name: name == KEY_FILES["ca_key"]):
        write_private(pki / name, files[name])
    return admin


def _new_files(pki: Path) -> tuple[dict[str, bytes], Identity]:
    """Generate the missing files in ``pki`` (an old CA or token key stays), and the administrator's certificate."""
    from ...machinery.pki.certificates import public_key
    from ...machinery.pki.keys import Keys

    def old(field: str) -> bytes | None:
        path = pki / KEY_FILES[field]
        return _whole(path) if path.exists() else None

    authority = old("ca_certificate")
    authority_key = old("ca_key")
    keys = Keys.generate(old("token_key"))
    if authority and authority_key:
        keys = Keys(authority, authority_key, b"", b"", keys.token_key).renewed()
    files = {name: getattr(keys, field) for field, name in KEY_FILES.items()}
    return {**files, PUBLIC_TOKEN_KEY: public_key(keys.token_key)}, keys.client_certificate(*ADMIN)


def load_keys(home: Path) -> Keys:
    """Load the directory's keys; generate them at the first call. ``StateProblem`` if a file is damaged."""
    from ...machinery.pki.keys import Keys

    making = begin(home)
    if making is not None:
        making()
    pki = home / "pki"
    keys = Keys(**{field: _whole(pki / name) for field, name in KEY_FILES.items()})
    certificate = pki / KEY_FILES["server_certificate"]
    if not valid_now(keys.ca_certificate):
        keys = keys.with_new_authority()
        write_private(pki / KEY_FILES["ca_certificate"], keys.ca_certificate)
    old = time.time() - certificate.stat().st_mtime > RENEW_AFTER_SECONDS
    if old or not valid_now(keys.server_certificate, RENEW_AFTER_SECONDS):
        keys = keys.renewed()
        write_private(pki / KEY_FILES["server_key"], keys.server_key)
        write_private(certificate, keys.server_certificate)
    return keys


def valid_now(certificate: bytes, at_most_seconds: float = float("inf")) -> bool:
    """Return whether a certificate (PEM) is valid by this machine's clock.

    The clock could have been wrong when it was made. ``at_most_seconds`` is the highest allowed age of its validity.
    """
    try:
        found = VALIDITY.search(base64.b64decode(b"".join(certificate.splitlines()[1:-1])))
    except binascii.Error:
        return False
    if found is None:
        return False
    since, until = (_time(text.decode()) for text in found.groups())
    now = time.time()
    return since <= now < min(until, since + at_most_seconds)


def _time(digits: str) -> float:
    """Seconds since the epoch of a time of a certificate; two digits mean the years 1950 to 2049."""
    # RFC 5280, 4.1.2.5.1: years from 50 on are of the last century.
    if len(digits) == 12:
        digits = ("20" if digits < "50" else "19") + digits
    return datetime.datetime.strptime(digits + "Z", "%Y%m%d%H%M%S%z").timestamp()


def _whole(path: Path) -> bytes:
    """Read a PEM file, and check its first and last line."""
    with os.fdopen(files.open_file(path, os.O_RDONLY), "rb") as file:
        data = file.read()
    if not PEM.fullmatch(data):
        raise StateProblem(
            f"{path} is damaged: it holds no certificate or key. Move {path.parent} away, and new ones are made; "
            "the cluster's objects stay, and tokens from before are no longer good."
        )
    return data


def last_port(home: Path) -> int:
    """The port in the administrator's kubeconfig, 0 if there is none."""
    try:
        found = SERVER_LINE.search(files.read_text(home / "admin.conf"))
    except (OSError, UnicodeDecodeError):
        return 0
    return int(found[1]) if found else 0


def write_admin_kubeconfig(
    home: Path, keys: Keys, url: str, admin: Identity | None = None, *, name: str = "kube-embedded"
) -> Path:
    """Write ``admin.conf`` with a certificate of ``kubernetes-admin`` in ``system:masters``.

    A valid certificate is reused, so that a restart does not change credentials. ``admin`` is a certificate and key
    that were just generated, ``name`` that of the cluster and of the context.
    """
    path = home / "admin.conf"
    if _still_right(path, keys, url):
        return path
    certificate, key = admin or keys.client_certificate(*ADMIN)
    text = f"""apiVersion: v1
kind: Config
clusters:
- name: {name}
  cluster:
    server: {url}
    certificate-authority-data: {_encode(keys.ca_certificate)}
users:
- name: kubernetes-admin
  user:
    client-certificate-data: {_encode(certificate)}
    client-key-data: {_encode(key)}
contexts:
- name: {name}
  context: {{cluster: {name}, user: kubernetes-admin}}
current-context: {name}
"""
    write_private(path, text.encode())
    return path


def _still_right(path: Path, keys: Keys, url: str) -> bool:
    try:
        text = files.read_text(path)
        age = time.time() - path.stat().st_mtime
        found = CLIENT_LINE.search(text)
        certificate = base64.b64decode(found[1], validate=True) if found else b""
    except (OSError, UnicodeDecodeError, binascii.Error):
        return False
    return (
        age < RENEW_AFTER_SECONDS
        and valid_now(certificate, RENEW_AFTER_SECONDS)
        and f"    server: {url}\n" in text
        and f"    certificate-authority-data: {_encode(keys.ca_certificate)}\n" in text
    )


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
