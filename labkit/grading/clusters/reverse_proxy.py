"""The reverse proxy between a learner's process and a real cluster.

It runs in the grader, which has the cluster's credentials. The learner's process gets a
client certificate that only the proxy accepts: a request with it is passed on with the
administrator's credential, one with a token or without credentials unchanged. Every connection
carries one request, so that none reaches the cluster unchecked behind another.

Source: https://datatracker.ietf.org/doc/html/rfc9112 (message format, connection management)
"""

import http.client
import io
import json
import select
import socket
import socketserver
import ssl
import threading
import time
from contextlib import suppress
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

from kube_embedded import ApiError, Keys
from labkit.client.client import Client
from labkit.client.request_info import read_call
from labkit.core.errors import LabkitError
from labkit.core.language import text
from labkit.core.scratch import scratch_directory

from .request_policy import CONNECT_SUBRESOURCES, READ_METHODS, RequestPolicy

MAX_HEAD_BYTES = 64 << 10
MAX_ANSWER_BYTES = 64 << 20
"""The size of the answer to a write, which is read to record the created object."""

TIMEOUT_SECONDS = 10.0
"""How long a handshake, a request's head, or a blocked send can take."""

DRAIN_SECONDS = 30.0
"""How long a write can still take when the notebook has ended."""

LINGER_SECONDS = 1.0
MAX_CONNECTIONS = 64

OWN_HEADERS = ("host", "connection", "accept-encoding", "keep-alive", "proxy-connection")
"""Headers that the proxy sets itself."""


class ReverseProxy(socketserver.ThreadingTCPServer):
    """Serves a learner's process until it is closed, on the socket of the worker's network namespace.

    Args:
        listener: The socket.
        keys: The proxy's own keys, which are unrelated to the cluster's.
        admin: The administrator's client, whose credential requests with a certificate get.
        anonymous: The client for other requests.
        requests: Decides which requests are passed on.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        listener: socket.socket,
        keys: Keys,
        admin: Client,
        anonymous: Client,
        requests: RequestPolicy,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Exchange, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        self.context = _tls_context(keys)
        self.admin = admin
        self.anonymous = anonymous
        self.requests = requests
        self.exchanges: set[_Exchange] = set()
        self.ending = False
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def verify_request(self, request: object, client_address: object) -> bool:
        """Return whether one more connection is accepted."""
        return len(self.exchanges) < MAX_CONNECTIONS

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore that a learner's connection failed."""

    def close(self) -> None:
        """Accept no more connections, let writes in progress end, and close all connections."""
        self.shutdown()
        self.ending = True
        for exchange in list(self.exchanges):
            exchange.hang_up()
        # A write that the cluster still carries out must be recorded, or the object that it creates would stay.
        until = time.monotonic() + DRAIN_SECONDS
        while self.exchanges and time.monotonic() < until:
            time.sleep(0.01)
        self.server_close()


class _Exchange(socketserver.BaseRequestHandler):
    """One connection with one request."""

    server: ReverseProxy
    method = ""
    cut = False

    def handle(self) -> None:
        """Read the request's head, check it, and pass the request on."""
        self.server.exchanges.add(self)
        try:
            self.request.settimeout(TIMEOUT_SECONDS)
            with self.server.context.wrap_socket(self.request, server_side=True) as learner:
                self._serve(learner)
        finally:
            self.server.exchanges.discard(self)

    def hang_up(self) -> None:
        """End, unless a write is in progress."""
        self.cut = not self.method or self.method in READ_METHODS

    def _serve(self, learner: ssl.SSLSocket) -> None:
        head, rest = _read_head(learner)
        line, _, fields = head.partition("\r\n")
        method, target, version = line.split(" ")
        headers = [_field(field) for field in fields.split("\r\n") if field]
        if version not in ("HTTP/1.1", "HTTP/1.0") or self.server.ending:
            return
        self.method = method
        try:
            reason = self.server.requests.check(method, target)
        except LabkitError as error:
            reason = str(error)
        if reason:
            learner.sendall(_refused(reason))
            _drain(learner)
            return
        certified = bool(learner.getpeercert())
        caller = self.server.admin if certified else self.server.anonymous
        # By its path, since a server ignores an upgrade where there is none, and creates what was sent.
        call = read_call(method, unquote(target))
        writes = method not in READ_METHODS and call.subresource not in CONNECT_SUBRESOURCES
        sent = _rewritten(method, target, headers, caller, certified=certified, writes=writes)
        with _connect(caller) as cluster:
            cluster.sendall(sent + rest)
            answer = self._pump(learner, cluster, writes)
        # Recorded before the learner gets the answer: a notebook that ends then leaves no unrecorded object.
        if writes:
            self._record(method, target, answer)
            with suppress(OSError):
                _send(learner, answer)

    def _pump(self, learner: ssl.SSLSocket, cluster: ssl.SSLSocket, hold: bool) -> bytes:
        """Pass bytes both ways until the cluster ends its connection.

        Returns:
            With ``hold``, the cluster's response; otherwise empty bytes, since each piece is passed on at once.
        """
        held = bytearray()
        ends: list[ssl.SSLSocket] = [learner, cluster]
        for end in ends:
            end.setblocking(False)
        while not self.cut:
            ready = [end for end in ends if end.pending()] or select.select(ends, [], [], 0.2)[0]
            for end in ready:
                try:
                    data = end.recv(65536)
                except ssl.SSLWantReadError:
                    continue
                except OSError:
                    data = b""
                if end is cluster and not data:
                    return bytes(held)
                if end is cluster and hold:
                    held += data
                    self.cut = len(held) > MAX_ANSWER_BYTES
                elif end is cluster:
                    with suppress(OSError):
                        _send(learner, data)
                elif data:
                    _send(cluster, data)
                else:
                    ends.remove(learner)
                    self.cut = self.method in READ_METHODS
        return bytes(held)

    def _record(self, method: str, target: str, answer: bytes) -> None:
        if not answer:
            return
        with suppress(http.client.HTTPException, ValueError):
            # http.client reads an answer from a socket's file; this one was read already.
            read: Any = SimpleNamespace(makefile=lambda _mode: io.BytesIO(answer))
            response = http.client.HTTPResponse(read, method=method)
            response.begin()
            self.server.requests.record(method, target, response.status, response.read())


def _tls_context(keys: Keys) -> ssl.SSLContext:
    """Make a TLS context that accepts client certificates of these keys' CA, and clients without one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    # The ssl module reads keys from files only.
    with scratch_directory("labkit-") as folder:
        path = folder / "proxy.pem"
        path.touch(mode=0o600)
        path.write_bytes(keys.server_certificate + keys.server_key)
        context.load_cert_chain(path)
    context.load_verify_locations(cadata=keys.ca_certificate.decode())
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _read_head(learner: ssl.SSLSocket) -> tuple[str, bytes]:
    """Read the request's head, and the part of the body that came with it.

    Raises:
        ValueError: The head has no end, or its lines do not end with CR LF.
    """
    data = b""
    while b"\r\n\r\n" not in data:
        piece = learner.recv(MAX_HEAD_BYTES)
        data += piece
        if not piece or len(data) > MAX_HEAD_BYTES:
            raise ValueError("no request")
    head, _, rest = data.partition(b"\r\n\r\n")
    text = head.decode("latin-1")
    # Some servers end a line at a bare CR or LF, and would see other headers than this proxy.
    if any(char in line for line in text.split("\r\n") for char in "\r\n\0"):
        raise ValueError("a line that ends otherwise")
    return text, rest


def _field(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    # RFC 9112, 5.1: white space before the colon has been used for smuggling requests.
    if not colon or not name or name != name.strip():
        raise ValueError("no header")
    return name, value.strip()


def _rewritten(
    method: str,
    target: str,
    headers: list[tuple[str, str]],
    caller: Client,
    *,
    certified: bool,
    writes: bool,
) -> bytes:
    """Write the head for the cluster: one request, after which the connection ends."""
    url = urlsplit(caller.endpoint.server)
    upgrade = not writes and any(name.lower() == "upgrade" for name, _ in headers)
    sent = [
        f"{method} {url.path.rstrip('/')}{target} HTTP/1.1",
        f"Host: {url.netloc}",
        "Connection: Upgrade, close" if upgrade else "Connection: close",
        "Accept-Encoding: identity",
    ]
    # The answer to a write is read here, so it must not be protobuf; every client reads JSON as well.
    sent += ["Accept: application/json"] if writes else []
    if certified:
        sent += [f"{name}: {value}" for name, value in caller.credentials.headers().items()]
    for name, value in headers:
        lower = name.lower()
        dropped = (
            lower in OWN_HEADERS
            # X-Remote-User and its like, with which an authenticating proxy names the user.
            or lower.startswith("x-remote-")
            or (certified and lower == "authorization")
            or (writes and lower == "accept")
        )
        if not dropped:
            sent.append(f"{name}: {value}")
    return "\r\n".join([*sent, "", ""]).encode("latin-1")


def _connect(caller: Client) -> ssl.SSLSocket:
    """Connect to the cluster.

    Raises:
        OSError: It does not answer.
    """
    url = urlsplit(caller.endpoint.server)
    plain = socket.create_connection((url.hostname or "", url.port or 443), TIMEOUT_SECONDS)
    return caller.transport.context.wrap_socket(
        plain, server_hostname=caller.endpoint.server_name or url.hostname
    )


def _send(end: ssl.SSLSocket, data: bytes) -> None:
    """Send everything on a non-blocking socket.

    Raises:
        OSError: The peer has closed it, or has not read for ``TIMEOUT_SECONDS``.
    """
    view = memoryview(data)
    until = time.monotonic() + TIMEOUT_SECONDS
    while view:
        try:
            view = view[end.send(view) :]
        except ssl.SSLWantWriteError:
            select.select([], [end], [], 0.2)
            # A learner who reads nothing would hold the thread, and one of the connections, for ever.
            if time.monotonic() > until:
                raise TimeoutError("the other side takes nothing") from None


def _drain(learner: ssl.SSLSocket) -> None:
    """Read and drop the rest of a request: closing a socket with unread data resets it, before the answer is read."""
    learner.settimeout(LINGER_SECONDS)
    with suppress(OSError):
        for _ in range(MAX_HEAD_BYTES):
            if not learner.recv(65536):
                return


def _refused(reason: str) -> bytes:
    """Write an API server's 403."""
    status = ApiError(403, "Forbidden", text("The grader does not pass this on: {reason}.", reason))
    body = json.dumps(status.to_status()).encode()
    head = f"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body
