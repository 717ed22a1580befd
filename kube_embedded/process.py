"""The server's process: starts the server of a state directory, and stops it cleanly."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import time
from collections.abc import Coroutine, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from kube_embedded.version import __version__

from .apiserver.filters.audit import Sink
from .apiserver.serving.address import listen, url
from .apiserver.serving.lean import resume_collection
from .apiserver.serving.logs import AuditFile
from .apiserver.serving.pki import Identity, last_port, load_keys, write_admin_kubeconfig
from .apiserver.serving.state import StateProblem, write_private
from .apiserver.storage.sqlite import SQLiteStore
from .cluster import Cluster
from .files import is_held
from .machinery import libraries

if TYPE_CHECKING:
    from .apiserver.serving.server import ApiServer

log = logging.getLogger(__name__)

T = TypeVar("T")

PRISTINE = "pristine"
"""The snapshot of the first start, which a reset restores."""

# Modules that a start does not need are loaded when the first client has probably been served.
WARM_UP_SECONDS = 0.5

DEFERRED = (
    "kube_embedded.apiserver.serving.channels",
    "kube_embedded.apiserver.handlers.represent.tables.registry",
    "kube_embedded.node.pod.pod",
    "kube_embedded.node.exec",
    "kube_embedded.apiserver.openapi.documents",
    "kube_embedded.apiserver.registry.strategies.pods.validation",
    "kube_embedded.apiserver.registry.strategies.pods.strategy",
    "kube_embedded.apiserver.registry.strategies.workloads.deployments",
)

# Between two of these modules requests are answered; all at once would hold them up.
BREATH_SECONDS = 0.02

# Certificates last a year, and are renewed long before: twice a day is plenty.
RENEWAL_SECONDS = 12 * 3600.0

# A laptop that slept, or a clock that was corrected; NTP alone moves a clock more slowly.
JUMP_SECONDS = 2.0

# One small file is read; a learner who deletes the directory does not wait for longer.
LOOK_SECONDS = 5.0

PROGRAM_SECONDS = 1.0
"""The interval in which a server checks that the program that it ends with lives."""


class PortTaken(Exception):
    """The port asked for is in use."""


def open_cluster(
    home: Path, node: bool, era: str, audit: Sink, name: str = "kube-embedded"
) -> Cluster:
    """Open the cluster of a locked state directory, and save a snapshot of its first state.

    Raises:
        StateUnusable: The database is of another version.
    """
    store = SQLiteStore(home / "state.db")
    cluster = Cluster(load_keys(home), store, node=node, era=era, audit_sink=audit, name=name)
    if PRISTINE not in store.snapshot_names():
        store.save_snapshot(PRISTINE)
    return cluster


async def serve(
    home: Path,
    owner: Mapping[str, Any],
    port: int,
    node: bool,
    era: str,
    admin: Identity | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, or until the directory is removed.

    Args:
        home: The state directory, locked by this process.
        owner: The server: this process's id and the machine on which it is valid; the cluster's name; the lock of
            the program it ends with.
        port: The port; 0 for the previous one if it is free, else any.
        node: If true, pods run.
        era: The version to answer as.
        admin: The administrator's certificate and key, if just generated.

    Raises:
        PortTaken: The requested port is in use.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    listening = None
    for candidate in [port] if port else [last_port(home), 0]:
        try:
            listening = listen(candidate)
            break
        except OSError as error:
            if port:
                raise PortTaken(
                    f"Port {port} cannot be used: {os.strerror(error.errno or 0)}. Choose another with --port."
                ) from error
    assert listening is not None
    audit = AuditFile(home / "audit.log")
    cluster = open_cluster(home, node, era, audit, owner["name"])
    port = listening.getsockname()[1]
    address = url(port)
    cluster.address = address.removeprefix("https://")
    write_admin_kubeconfig(home, cluster.keys, address, admin, name=cluster.name)
    state = {**owner, "port": port, "url": address, "node": node, "era": era}
    write_private(home / "server.json", json.dumps(state).encode())
    # Clients can connect while this loads.
    server = load_server()(cluster, listening, audit.flush)
    log.info("kube-embedded %s serves %s on %s", __version__, home, address)
    background = [
        asyncio.create_task(_renew(home, cluster, server, address)),
        asyncio.create_task(_warm_up(cluster)),
        asyncio.create_task(_until_forsaken(home, owner.get("program"), stop)),
    ]
    await stop.wait()
    for task in background:
        task.cancel()
    await server.close()
    cluster.close()
    audit.close()
    if _named(home):
        (home / "server.json").unlink(missing_ok=True)
    log.info("stopped")


def _named(home: Path) -> bool:
    """Return whether the directory names this process as its server."""
    try:
        return bool(json.loads((home / "server.json").read_bytes())["pid"] == os.getpid())
    except (OSError, ValueError, KeyError, TypeError):
        return False


async def _until_forsaken(home: Path, program: str | None, stop: asyncio.Event) -> None:
    """Stop the server when its directory is removed or names another server, or its program has ended."""
    while program is None or is_held(Path(program)):
        if not _named(home):
            log.warning("%s is gone, or names another server: this one ends", home)
            break
        await asyncio.sleep(PROGRAM_SECONDS if program else LOOK_SECONDS)
    else:
        log.warning("the program that this server was started for has ended: it ends, too")
    stop.set()


def load_server() -> type[ApiServer]:
    """Load the TLS server, a third of the time of a start."""
    from .apiserver.serving.server import ApiServer

    return ApiServer


async def _warm_up(cluster: Cluster) -> None:
    await asyncio.sleep(WARM_UP_SECONDS)
    assert cluster.signer.key_id
    for name in DEFERRED:
        await asyncio.sleep(BREATH_SECONDS)
        import_module(name)
    resume_collection()


async def _renew(home: Path, cluster: Cluster, server: ApiServer, address: str) -> None:
    """Renew certificates before they expire, and after the clock has jumped."""
    due = time.monotonic() + RENEWAL_SECONDS
    difference = time.time() - time.monotonic()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        now = time.monotonic()
        jumped = abs(time.time() - now - difference) > JUMP_SECONDS
        if now < due and not jumped:
            continue
        # Read before the checks: the clock can jump in the meantime.
        due = now + RENEWAL_SECONDS
        difference = time.time() - now
        try:
            renewed = load_keys(home)
            if renewed.server_certificate != cluster.keys.server_certificate:
                cluster.renew(renewed)
                server.renew(renewed)
                log.info("the server's certificate is renewed")
            write_admin_kubeconfig(home, renewed, address, name=cluster.name)
        except (OSError, StateProblem) as error:
            log.warning("certificates could not be renewed: %s", error)
        except Exception:
            log.exception("certificates could not be renewed")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on uvloop if it is installed, which is 1.5 times as fast."""
    if not libraries.UVLOOP:
        return asyncio.run(main)
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
