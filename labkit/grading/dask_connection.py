"""The connection to an existing Dask cluster: who reaches its scheduler runs code on all of its workers."""

from __future__ import annotations

import logging
import warnings
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from distributed import Client, Security

from labkit.core.errors import Missing, Unreachable, UsageError

CONNECT_SECONDS = 10.0

ONLY_DATA: dict[str, Any] = {"serializers": ["msgpack"], "deserializers": ["msgpack"]}
"""What the client takes as results: text and numbers. An object that had to be unpickled is an error."""

TLS = "tls://HOST:PORT, with --tls-ca, --tls-cert and --tls-key, or with Dask's own configuration"


@dataclass(frozen=True, slots=True)
class Certificates:
    """The files of the TLS connection: the cluster's authority, our certificate, its key; those of Dask if None."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


def security_for(address: str, certificates: Certificates) -> Security | None:
    """Return the TLS settings for a scheduler; None for one of this machine without TLS.

    Raises:
        UsageError: It would be reached without TLS over a network, or certificates are missing.
    """
    parts = urlsplit(address)
    try:
        complete = bool(parts.hostname and parts.port)
    except ValueError:
        complete = False
    if parts.scheme not in ("tls", "tcp") or not complete:
        raise UsageError(f"{address} is no scheduler's address.", todo=f"Name one as {TLS}.")
    if parts.scheme == "tcp":
        if _is_loopback(parts.hostname or ""):
            return None
        raise UsageError(
            f"{address} is without TLS, and not on this machine.",
            why="who reaches such a scheduler can run any program on its workers, and read every submission and score",
            todo=f"Give the cluster certificates, and name it as {TLS}. See docs/scale.md.",
        )
    names = {
        "tls_ca_file": certificates.ca,
        "tls_client_cert": certificates.certificate,
        "tls_client_key": certificates.key,
    }
    given = {name: str(path) for name, path in names.items() if path is not None}
    try:
        security = Security(require_encryption=True, **given)
        settings = security.get_tls_config_for_role("client")
        if not (settings["ca_file"] and settings["cert"]):
            raise UsageError("A scheduler with TLS asks for a certificate.", todo=f"Name it as {TLS}.")
        security.get_connection_args("client")
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        raise UsageError(
            "The certificates cannot be used.", why=str(error), todo="Name PEM files that belong together."
        ) from error
    return security


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def connect(address: str, security: Security | None) -> Client:
    """Connect to a scheduler.

    Raises:
        Unreachable: It does not answer, or not with a certificate of the cluster's authority.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters of it is said in sentences
    warnings.filterwarnings("ignore", module="distributed")
    try:
        return Client(address, security=security, timeout=CONNECT_SECONDS, set_as_default=False, **ONLY_DATA)
    except OSError as error:
        raise Unreachable(
            f"The scheduler at {address} does not answer.",
            why="; ".join(str(each) for each in (error, error.__cause__) if each),
            todo="See that it runs, and that --tls-ca is the authority of its certificate, as its --tls-ca-file is.",
        ) from error


def require_labkit(client: Client) -> None:
    """Require labkit on the scheduler and on each worker, all of which load the same modules.

    Raises:
        Missing: One of them has none.
    """
    versions: Any = client.get_versions(packages=["labkit"])
    found = {"the scheduler": versions["scheduler"], **versions["workers"]}
    without = [name for name, about in found.items() if about and not about["packages"]["labkit"]]
    if without:
        raise Missing(
            f"There is no labkit on {', '.join(without)}.",
            why="the scheduler and all its workers run the same Python environment as this command",
            todo="Install labkit[scale] there, or start a cluster of labkit's own. See docs/scale.md.",
        )
