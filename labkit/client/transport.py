"""Connections to an API server: address, credentials, TLS, pool.

A pool belongs to an address and a client certificate; callers with a token, or without a
credential, share one. Requests are not retried and no proxy from the environment is used, so
that a learner sees a single exchange.
"""

import math
import socket
import ssl
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import urllib3

from labkit.core.errors import LabkitError, TokenError, Unreachable, Untrusted
from labkit.core.home import home_error
from labkit.core.language import text

# urllib3 would warn of a clock that is years behind. If a certificate fails because of it, the error names the clock.
urllib3.disable_warnings(urllib3.exceptions.SystemTimeWarning)

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0

MAX_THREADS = 4
"""The maximum number of concurrent requests of ``Transport.send_all``."""

MIN_PER_THREAD = 16
"""The minimum number of requests in a thread, so that its connection's handshake pays off."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of an API server, and the CA that must have issued its certificate.

    Args:
        server: Such as ``https://127.0.0.1:6443``.
        ca: The CA certificates in PEM; empty for the system's.
        ca_file: The path of the CA certificates, for commands that are shown.
        server_name: The name expected in the certificate; empty for the address.
        verify: False accepts any certificate (``insecure-skip-tls-verify``).
        scratch: The directory for a client certificate's temporary file; None for the system's.
    """

    server: str
    ca: str = ""
    ca_file: str = ""
    server_name: str = ""
    verify: bool = True
    scratch: Path | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """A caller's credential; a caller without one is anonymous.

    Args:
        token: A bearer token.
        token_source: Returns the current token of a credential that is renewed.
        certificate: A client certificate and its chain in PEM.
        key: Its private key in PEM.
    """

    token: str = field(default="", repr=False)
    token_source: Callable[[], str] | None = field(default=None, repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)

    @property
    def kind(self) -> str:
        """``certificate``, ``token`` or ``none``."""
        if self.certificate:
            return "certificate"
        return "token" if self.token or self.token_source else "none"

    def headers(self) -> dict[str, str]:
        """Return the headers that carry the credential.

        Raises:
            TokenError: When the token holds characters that a header cannot.
        """
        token = self.token_source() if self.token_source else self.token
        if " " in token or not (token.isascii() and token.isprintable()):
            raise TokenError(
                "This token cannot be sent.",
                why="it holds spaces, line breaks or letters that no HTTP header may hold",
                todo="Copy it again, whole and in one line.",
            )
        return {"Authorization": f"Bearer {token}"} if token else {}


def tls_context(endpoint: Endpoint, credentials: Credentials) -> ssl.SSLContext:
    """Return the TLS context for one address and one client certificate, which trusts the cluster's CA alone.

    Raises:
        LabkitError: When the CA or the client certificate is unreadable.
    """
    try:
        context = ssl.create_default_context(cadata=endpoint.ca or None)
    except (ssl.SSLError, ValueError) as error:
        raise LabkitError(
            "The cluster's CA certificate cannot be read.",
            why=str(error),
            todo="Look at certificate-authority in the kubeconfig.",
        ) from error
    # Python 3.13 made it the default. It refuses certificates without an Authority Key Identifier, which many clusters
    # have; Go's verification, which kubectl uses, accepts them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not endpoint.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if credentials.certificate:
        _show_certificate(context, credentials, endpoint.scratch)
    return context


def _show_certificate(
    context: ssl.SSLContext, credentials: Credentials, scratch: Path | None
) -> None:
    # ssl reads certificates from files only; NamedTemporaryFile creates them with mode 0600.
    name = ""
    try:
        with tempfile.NamedTemporaryFile("w", prefix=".cert-", dir=scratch, delete=False) as stream:
            name = stream.name
            stream.write(f"{credentials.certificate}\n{credentials.key}\n")
        context.load_cert_chain(name)
    except (ssl.SSLError, ValueError) as error:
        raise LabkitError(
            "The client certificate cannot be read.",
            why=str(error),
            todo="Look at client-certificate and client-key in the kubeconfig.",
        ) from error
    except OSError as error:
        raise home_error(scratch or Path(tempfile.gettempdir()), error) from error
    finally:
        if name:
            Path(name).unlink(missing_ok=True)


class ExecOutput(NamedTuple):
    """A command that ended.

    Args:
        code: 101 if it ran; otherwise the status code of the server's refusal.
        status: The Status that ended it, empty after a timeout; or the refusal's body.
        stdout: Its standard output.
        stderr: Its standard error.
    """

    code: int
    status: bytes
    stdout: bytes = b""
    stderr: bytes = b""


class Transport:
    """A pool of connections to one API server; tokens are sent in each request's headers."""

    def __init__(self, endpoint: Endpoint, credentials: Credentials | None = None) -> None:
        self.endpoint = endpoint
        self.context = tls_context(endpoint, credentials or Credentials())
        # The context checks the name: urllib3's assert_hostname would switch that off, for exec too.
        self._pools = urllib3.PoolManager(
            ssl_context=self.context,
            server_hostname=endpoint.server_name or None,
            retries=False,
            # Of concurrent connections urllib3 reuses one by default, and closes the others after each use.
            maxsize=16,
        )

    @cached_property
    def _server(self) -> tuple[urllib3.HTTPConnectionPool, str]:
        """The connections to the server, and the prefix of its paths."""
        server = self.endpoint.server
        return self._pools.connection_from_url(server), (
            urllib3.util.parse_url(server).path or ""
        ).rstrip("/")

    def exec(
        self, path: str, query: str, headers: Mapping[str, str], stdin: bytes | None, seconds: float
    ) -> ExecOutput | None:
        """Run a command in a container without a WebSocket; None when this transport needs one."""
        return None

    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout_seconds: float | None = READ_SECONDS,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """Send one request, and return the response, whatever its status.

        The path begins with a slash and includes the query. The headers are all but the connection's own. Without
        a timeout, the wait for data is unlimited; with ``stream``, the body is left unread.

        Raises:
            Unreachable: When nothing answers in time.
            Untrusted: When the server's certificate is not the cluster's.
        """
        try:
            return self._request(method, path, body, headers, timeout_seconds, stream)
        except urllib3.exceptions.HTTPError as error:
            raise connection_error(self.endpoint.server, error) from error

    def send_all(
        self, method: str, path: str, bodies: Sequence[bytes], headers: Mapping[str, str]
    ) -> Sequence[urllib3.BaseHTTPResponse]:
        """Send many requests that change nothing, several at a time, and return the responses in order.

        A request is sent once more if the server has just closed its idle connection.

        Raises:
            Unreachable: When nothing answers in time.
            Untrusted: When the server's certificate is not the cluster's.
        """

        def exchange(body: bytes) -> urllib3.BaseHTTPResponse:
            try:
                return self._request(method, path, body, headers, READ_SECONDS)
            except urllib3.exceptions.ProtocolError:
                return self._request(method, path, body, headers, READ_SECONDS)

        def exchange_all(part: Sequence[bytes]) -> list[urllib3.BaseHTTPResponse]:
            return [exchange(body) for body in part]

        # One list for a thread, not one request: a part ends with its first failure, so a silent server holds each
        # thread for one timeout.
        size = max(MIN_PER_THREAD, math.ceil(len(bodies) / MAX_THREADS))
        parts = [bodies[start : start + size] for start in range(0, len(bodies), size)]
        try:
            with ThreadPoolExecutor(MAX_THREADS) as threads:
                return list(chain.from_iterable(threads.map(exchange_all, parts)))
        except urllib3.exceptions.HTTPError as error:
            raise connection_error(self.endpoint.server, error) from error

    def close(self) -> None:
        """Close all connections."""
        self._pools.clear()
        self.__dict__.pop("_server", None)

    def _request(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout_seconds: float | None,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        pool, base = self._server
        return pool.urlopen(
            method,
            base + path,
            body=body,
            headers=dict(headers),
            timeout=_timeout(timeout_seconds),
            preload_content=not stream,
            # A redirect would carry the token to another host.
            redirect=False,
        )


@cache
def _timeout(read_seconds: float | None) -> urllib3.Timeout:
    return urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds)


Connect = Callable[[Endpoint, Credentials], Transport]
"""Opens a transport: ``Transport`` itself, or a function that connects to a server in this process."""

NOT_YET_VALID, EXPIRED = 9, 10
"""OpenSSL's verification codes for a certificate outside its validity."""


def connection_error(server: str, error: BaseException) -> Unreachable:
    """Return the error for a connection without an answer, from its exception and that one's causes."""
    cause: Any = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Untrusted(
                text("The certificate at {server} is not trusted.", server),
                why=cause.verify_message or str(cause),
                todo="Correct this machine's clock."
                if cause.verify_code in (NOT_YET_VALID, EXPIRED)
                else "Check that the kubeconfig's CA belongs to this cluster.",
            )
        if isinstance(cause, ConnectionRefusedError):
            return Unreachable(
                text("Nothing listens at {server}.", server),
                why="the connection was refused",
                todo="Start the cluster (`labkit up`, or Lab() in a notebook), or check the address in the kubeconfig.",
            )
        if isinstance(cause, ConnectionError):
            return Unreachable(
                text("The connection to {server} broke off.", server),
                why=cause.strerror or str(cause),
                todo="Try again; `labkit status` says whether the cluster runs.",
            )
        if isinstance(cause, socket.gaierror):
            return Unreachable(
                text("The host of {server} is unknown.", server),
                why=cause.strerror or str(cause),
                todo="Check the address in the kubeconfig and the network.",
            )
        # urllib3 has the operating system's error in `reason`, not always in the chain of causes.
        cause = cause.__cause__ or cause.__context__ or getattr(cause, "reason", None)
        if not isinstance(cause, BaseException):
            break
    return Unreachable(
        text("No answer from {server}.", server),
        why=str(error),
        todo="`labkit status` says whether the cluster runs.",
    )
