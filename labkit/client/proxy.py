"""Open a local address that needs no credentials, as ``kubectl proxy`` does.

A plain HTTP server on the loopback interface passes every request on to the API server with a
caller's credentials. Since it needs no password, it answers only requests to a loopback host name,
so that a web page elsewhere cannot make a browser use it, and refuses exec and attach, as
kubectl does. Other users of the machine reach the loopback interface as well, and have the caller's
rights there; a Unix socket is open to its owner alone.
Source: https://kubernetes.io/docs/tasks/access-kubernetes-api/http-proxy-access-api/
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from kube_embedded import ownership
from labkit.core.errors import LabkitError, UsageError
from labkit.core.language import text

if sys.platform == "emscripten":  # which has no Unix sockets
    from socketserver import TCPServer as UnixStreamServer
else:
    from socketserver import UnixStreamServer

if TYPE_CHECKING:
    from .answer import Answer
    from .client import Client

# kubectl's DefaultHostAcceptRE, with a port, which kubectl cuts off, and its DefaultPathRejectRE:
# k8s.io/kubectl/pkg/proxy/proxy_server.go.
ACCEPT_HOSTS = re.compile(r"^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$")
REJECT_PATHS = re.compile(r"^/api/.*/pods/.*/(exec|attach)(\?|$)")

HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailers"}
    | {"transfer-encoding", "upgrade", "host", "content-length", "authorization"}
)
"""Hop-by-hop headers, and headers that only the proxy sets."""

# MaxRequestBodyBytes in k8s.io/apiserver/pkg/server/config.go: twice etcd's limit.
MAX_BODY = 3 * 1024 * 1024
"""The API server's limit for bodies."""


class AddressServer(Protocol):
    """A server whose address leads to a handler."""

    @property
    def server_address(self) -> tuple[str, int]:
        """Its host and port."""

    def shutdown(self) -> None:
        """Stop serving."""

    def server_close(self) -> None:
        """Free the address."""


Serve = Callable[[int, type[BaseHTTPRequestHandler]], AddressServer]
"""Opens a port of 127.0.0.1, or for 0 a free one, for a handler of requests."""


class Proxy:
    """A running proxy. Use it in a ``with`` block, or call ``close``.

    Args:
        caller: Whose credentials to use.
        port: The port on 127.0.0.1; 0 takes a free one.
        unix_socket: A Unix socket to listen on instead, which only its owner may connect to.
        serve: Opens the address in a page of a browser, which has no sockets and threads.

    Raises:
        UsageError: When the port is taken, or the socket cannot be created or could be replaced by another user.
    """

    def __init__(
        self,
        caller: Client,
        *,
        port: int = 0,
        unix_socket: Path | None = None,
        serve: Serve | None = None,
    ) -> None:
        self.caller = caller
        self.unix_socket = unix_socket.expanduser().absolute() if unix_socket else None
        handler = type(
            "Handler",
            (_Handler,),
            # TCP_NODELAY is an option of TCP: a Unix socket refuses it.
            {"caller": caller, "disable_nagle_algorithm": unix_socket is None},
        )
        self._thread: threading.Thread | None = None
        self._server: _Server | _UnixServer | AddressServer
        if serve:
            self._server = serve(port, handler)
            return
        self._server = server = (
            _unix_server(self.unix_socket, handler)
            if self.unix_socket
            else _tcp_server(port, handler)
        )
        # It looks every 0.1 s, not 0.5 s, whether to stop, so that close() is quick.
        self._thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)

    def get(self, path: str) -> Answer:
        """Ask through the proxy: a plain HTTP call, without credentials of its own.

        Args:
            path: Such as ``/api/v1/namespaces``.
        """
        from .client import Client
        from .transport import Endpoint

        if self.unix_socket:
            raise UsageError(
                "A proxy on a Unix socket is asked by other programs.",
                todo=text(
                    "curl --unix-socket {socket} http://localhost{path}", self.unix_socket, path
                ),
            )
        plain = Client(
            Endpoint(self.url),
            name="through the proxy",
            names=self.caller.names,
            observers=self.caller.observers,
            find_event=self.caller.find_event,
        )
        return plain.get(path)

    @property
    def port(self) -> int:
        """The port it listens on; 0 for a Unix socket."""
        return 0 if isinstance(self._server, _UnixServer) else int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address, such as ``http://127.0.0.1:8001`` or ``unix:/home/me/proxy.sock``."""
        if self.unix_socket:
            return f"unix:{self.unix_socket}"
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Proxy:
        """Begin to serve, in a thread that ends with the process."""
        if self._thread and not self._thread.is_alive():
            self._thread.start()
        return self

    def close(self) -> None:
        """Stop serving and free the port."""
        if self._thread and self._thread.is_alive():
            self._server.shutdown()
        self._server.server_close()
        if self.unix_socket:
            self.unix_socket.unlink(missing_ok=True)

    def __enter__(self) -> Proxy:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<proxy at {self.url} as {self.caller.name}>"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Closing does not wait for the requests that are open: a watch can last for hours.
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a client that went away."""


class _UnixServer(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    handle_error = _Server.handle_error

    def server_bind(self) -> None:
        """Set the mode before the socket listens: until then every connection is refused."""
        super().server_bind()
        Path(str(self.server_address)).chmod(0o600)


def _tcp_server(port: int, handler: type[_Handler]) -> _Server:
    try:
        return _Server(("127.0.0.1", port), handler)
    except (OSError, OverflowError) as error:
        raise UsageError(
            text("The proxy cannot listen on port {port}.", port),
            why=getattr(error, "strerror", None) or str(error),
            todo="Choose another with --port, or leave it out for a free one.",
        ) from error


def _unix_server(path: Path, handler: type[_Handler]) -> _UnixServer:
    """Listen on a Unix socket; replace an old socket of the user's own, as kubectl does."""
    try:
        ownership.check_parent(ownership.follow(path.parent) or path.parent)
        with suppress(FileNotFoundError):
            found = path.lstat()
            if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.geteuid():
                raise FileExistsError(errno.EEXIST, "something else lies there")
            path.unlink()
        return _UnixServer(str(path), handler)
    except ownership.Unsafe as problem:
        why = problem.why
        todo = text("Name a socket in a directory of your own.")
    except OSError as error:
        # sun_path of sockaddr_un has 108 bytes on Linux, one of them for the zero. Source: unix(7).
        why = error.strerror or str(error)
        todo = text("Name another place; its whole path has at most 107 bytes.")
    raise UsageError(text("The proxy cannot listen on {path}.", path), why=why, todo=todo)


class _Handler(BaseHTTPRequestHandler):
    caller: ClassVar[Client]
    protocol_version = "HTTP/1.1"
    server_version = "labkit-proxy"
    sys_version = ""
    disable_nagle_algorithm = True
    timeout = 300

    def log_message(self, format: str, *args: object) -> None:
        """Do not log: the requests are in the API server's audit log."""

    def _pass_on(self) -> None:
        refusal = self._refusal()
        if refusal:
            self._say(403, f"Forbidden: {refusal}")
            return
        length = self.headers.get("Content-Length")
        # http.server does not decode chunks: unread ones would be taken for the next request.
        if self.headers.get("Transfer-Encoding") or (length is not None and not length.isdigit()):
            self._say(411, "Length Required")
            return
        if int(length or 0) > MAX_BODY:
            self._say(413, "Request Entity Too Large")
            return
        body = self.rfile.read(int(length)) if length else None
        # Without Authorization, or a program could use the proxy with a credential of its own.
        headers = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        if (
            self.client_address
        ):  # a Unix socket has none; kubectl's proxy adds the header in just this case, too
            before = self.headers.get("X-Forwarded-For")
            headers["X-Forwarded-For"] = (
                f"{before}, {self.client_address[0]}" if before else self.client_address[0]
            )
        try:
            response = self.caller.open(self.command, self.path, body=body, headers=headers)
        except LabkitError as error:
            self._say(502, f"Bad Gateway: {error.what}")
            return
        self._observe(response)
        with response:
            self._relay(response)

    def _observe(self, response: Any) -> None:
        """Pass the answer to the caller's observers, without its body, which is relayed unread."""
        from .answer import Answer

        answer = Answer(
            who="through the proxy",
            method=self.command,
            path=self.path,
            server=f"http://{self.headers.get('Host')}",
            status=response.status,
            headers={key.lower(): value for key, value in response.headers.items()},
            body=None,
            identify=self.caller.whoami,
            find_event=self.caller.find_event,
        )
        for observer in self.caller.observers:
            observer(answer)

    def _refusal(self) -> str:
        """Return the reason not to pass this request on; empty to pass it on."""
        if not ACCEPT_HOSTS.match(self.headers.get("Host", "")):
            return "the Host header names no loopback address"
        # kubectl checks the Host alone, which a page elsewhere that posts to localhost has right. Browsers
        # add the Origin to such requests.
        origin = self.headers.get("Origin")
        if origin and not ACCEPT_HOSTS.match(origin.partition("://")[2]):
            return "the request comes from a web page elsewhere"
        if REJECT_PATHS.match(self.path):
            return "exec and attach do not pass through the proxy"
        if not self.path.startswith("/"):
            return "the path must begin with a slash"
        return ""

    def _relay(self, response: Any) -> None:
        self.send_response(response.status)
        for key, value in response.headers.items():
            if key.lower() not in HOP_BY_HOP:
                self.send_header(key, value)
        length = response.headers.get("Content-Length")
        if length is not None or self.command == "HEAD":
            self.send_header("Content-Length", length or "0")
            self.end_headers()
            # Passed on as it came: the header Content-Encoding still describes it.
            for piece in response.stream(65536, decode_content=False):
                self.wfile.write(piece)
            return
        # The length of a stream, such as a watch, is not known.
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in (
            response.read_chunked(decode_content=False) if response.chunked else response.stream()
        ):
            if piece:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _say(self, status: int, text: str) -> None:
        body = f"{text}\n".encode()
        # The request's body was not read, and would be taken for the next request.
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


for _method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
    setattr(_Handler, f"do_{_method}", _Handler._pass_on)
