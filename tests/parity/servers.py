"""A fresh embedded server for each suite: a real process, or a cluster in this one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from kube_embedded.cluster import Cluster
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.tests.support.server import Server, running_server
from tests.parity.certificates import Authority
from tests.parity.transport import Https, InProcess


@contextmanager
def existing(kubeconfig: Path, pki: Path | None) -> Iterator[Https]:
    """Return a transport to an existing cluster.

    Args:
        kubeconfig: The administrator's.
        pki: The folder of its ``ca.crt`` and ``ca.key``; without them, other users cannot be impersonated.
    """
    transport = Https(kubeconfig, Authority.read(pki) if pki else None)
    try:
        yield transport
    finally:
        transport.close()


@contextmanager
def fresh_https() -> Iterator[tuple[Server, Https]]:
    """A fresh server without a node, and the way to it over TLS."""
    with (
        running_server(node=False) as server,
        existing(server.kubeconfig, server.home / "pki") as transport,
    ):
        yield server, transport


@contextmanager
def https() -> Iterator[Https]:
    """The way over TLS to a fresh server without a node."""
    with fresh_https() as (_, transport):
        yield transport


@lru_cache(maxsize=1)
def shared_keys() -> Keys:
    """Keys for every cluster of this process: making an RSA key takes longer than a suite."""
    return Keys.generate()


@contextmanager
def in_process(era: str = "now") -> Iterator[InProcess]:
    """The way into a fresh cluster in this process, without a node."""
    transport = InProcess(Cluster(shared_keys(), node=False, era=era))
    try:
        yield transport
    finally:
        transport.close()
