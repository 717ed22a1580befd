"""The connection to an existing Dask cluster. Anyone who can reach its scheduler can run code on all of its workers."""

import logging
import re
import warnings
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from distributed import Client, Security

from labkit.core.errors import Missing, Unreachable, UsageError
from labkit.core.language import text
from labkit.core.version import CORE

CONNECT_SECONDS = 10.0

ONLY_DATA: dict[str, Any] = {"serializers": ["msgpack"], "deserializers": ["msgpack"]}
"""The client accepts text and numbers as results. An object that would have to be unpickled is an error."""

LOOPBACK = re.compile(r"localhost|::1|127(\.\d{1,3}){3}")

TLS = "tls://HOST:PORT, with --tls-ca, --tls-cert and --tls-key, or with Dask's own configuration"


def security_for(address: str, files: Mapping[str, str]) -> Security | None:
    """Return the TLS settings for a scheduler; None for one of this machine without TLS.

    Args:
        address: ``tls://HOST:PORT``, or ``tcp://`` on this machine.
        files: ``tls_ca_file``, ``tls_client_cert`` and ``tls_client_key``; Dask's configuration has those that are
            left out.

    Raises:
        UsageError: It would be reached without TLS over a network, or certificates are missing.
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname if parts.scheme in ("tls", "tcp") and parts.port else ""
    except ValueError:
        host = ""
    if not host:
        raise UsageError(
            text("{address} is no scheduler's address.", address),
            todo=text(
                "Name one as tls://HOST:PORT, with --tls-ca, --tls-cert and --tls-key, or with "
                "Dask's own configuration."
            ),
        )
    if parts.scheme == "tcp":
        if LOOPBACK.fullmatch(host):
            return None
        raise UsageError(
            text("{address} is without TLS, and not on this machine.", address),
            why="who reaches such a scheduler can run any program on its workers, and read every submission and score",
            todo=text(
                "Give the cluster certificates, and name it as tls://HOST:PORT, with --tls-ca, "
                "--tls-cert and --tls-key, or with Dask's own configuration. See docs/scale.md."
            ),
        )
    try:
        security = Security(require_encryption=True, **files)
        tls = security.get_tls_config_for_role("client")
        if tls["ca_file"] and tls["cert"]:
            # Reads the files, so that a wrong one is reported before anything is taken in.
            security.get_connection_args("client")
            return security
    except (OSError, ValueError) as error:
        todo = text("Name PEM files that belong together.")
        raise UsageError("The certificates cannot be used.", why=str(error), todo=todo) from error
    raise UsageError(
        "A scheduler with TLS asks for a certificate.",
        todo=text(
            "Name it as tls://HOST:PORT, with --tls-ca, --tls-cert and --tls-key, or with "
            "Dask's own configuration."
        ),
    )


def connect(address: str, security: Security | None) -> Client:
    """Connect to a scheduler.

    Raises:
        Unreachable: It does not answer, or not with a certificate of the cluster's authority.
    """
    # The errors that matter are reported in sentences.
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module="distributed")
    try:
        return Client(
            address, security=security, timeout=CONNECT_SECONDS, set_as_default=False, **ONLY_DATA
        )
    except OSError as error:
        raise Unreachable(
            text("The scheduler at {address} does not answer.", address),
            why="; ".join(str(cause) for cause in (error, error.__cause__) if cause),
            todo="See that it runs, and that --tls-ca is the authority of its certificate, as its --tls-ca-file is.",
        ) from error


def require_labkit(client: Client) -> None:
    """Require labkit on the scheduler and each worker, since all of them load the plugin that is sent to them.

    Raises:
        Missing: One of them has none.
    """
    versions: Any = client.get_versions(packages=[CORE])
    installed = {"the scheduler": versions["scheduler"], **versions["workers"]}
    without = [name for name, about in installed.items() if about and not about["packages"][CORE]]
    if without:
        raise Missing(
            text("There is no labkit on {without}.", ", ".join(without)),
            todo="Install kube-labkit[scale] on the scheduler and all its workers, or start a cluster of labkit's own.",
        )
