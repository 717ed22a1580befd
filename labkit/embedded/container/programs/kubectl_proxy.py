"""``kubectl proxy`` inside a pod.

The token and the namespace are those mounted into the container, as client-go's in-cluster
configuration reads them.
"""

from __future__ import annotations

from dataclasses import replace

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.network.transport import Listener
from labkit.embedded.container.programs.options import read_options
from labkit.embedded.container.programs.regex import RegexError, compile_regex
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.streams import decode
from labkit.embedded.container.shell.system import System
from labkit.embedded.container.shell.task_loop import Sleep
from labkit.embedded.machinery.request import Request, Response

MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
FOREVER = 1e15
ACCEPTED = r"^localhost$,^127\.0\.0\.1$,^\[::1\]$"
"""The hosts whose requests a proxy passes on by default."""


def mounted(system: System, name: str) -> str:
    """The ``token`` or ``namespace`` of the mounted service account, empty where there is none."""
    try:
        return decode(system.fs.read(f"{MOUNT}/{name}"))
    except FileError:
        return ""


def _matches(pattern: str, host: str) -> bool:
    try:
        return compile_regex(pattern, extended=True).search(host) is not None
    except RegexError:
        return False


class Proxy:
    """The server at the proxy's port, which adds the container's own token to every request.

    ``hosts`` are patterns of the hosts whose requests are passed on (``--accept-hosts``).
    """

    def __init__(self, system: System, hosts: str = "") -> None:
        self._system = system
        self._hosts = hosts or ACCEPTED

    def handle(self, request: Request) -> Response:
        """Pass a request on."""
        host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
        path = request.path
        stream = (
            path.startswith("/api/") and "/pods/" in path and path.endswith(("/exec", "/attach"))
        )
        if stream or (
            host and not any(_matches(pattern, host) for pattern in self._hosts.split(","))
        ):
            return Response(403, {"content-type": "text/plain; charset=utf-8"}, b"Forbidden")
        listener = self._system.network.connect("10.96.0.1", 443)
        token = mounted(self._system, "token")
        if listener is None or not token:
            return Response(502, {}, b"")
        headers = {"authorization": f"Bearer {token}", **request.headers}
        return listener.handle(replace(request, headers=headers, certificate=None))


async def serve(process: Process, args: list[str]) -> int:
    """Run ``kubectl proxy``, and return the exit code."""
    args = [word for word in args if word != "proxy"]
    options = read_options(
        args,
        "p,port= address= accept-hosts= api-prefix! disable-filter! keepalive! append-server-path! w! www! P! "
        "www-prefix! u! unix-socket! accept-paths! reject-paths! reject-methods!",
    )
    port_text = options.value("p") or "8001"
    address = options.value("address") or "127.0.0.1"
    if not port_text.isdigit() or len(port_text) > 5 or int(port_text) > 65535:
        what = f'strconv.ParseInt: parsing "{port_text}": invalid syntax'
        return await process.err(
            f'error: invalid argument "{port_text}" for "-p, --port" flag: {what}\n'
        )
    port = int(port_text) or 34567
    listeners = process.system.listeners
    if port in listeners:
        return await process.err(
            f"error: listen tcp {address}:{port}: bind: address already in use\n"
        )
    server = "proxy" if address in ("127.0.0.1", "localhost") else "openproxy"
    listener = Listener(Proxy(process.system, options.value("accept-hosts") or "").handle, server)
    listeners[port] = listener
    try:
        shown = "[::]" if address == "0.0.0.0" else address
        await process.out(f"Starting to serve on {shown}:{port}\n")
        await Sleep(FOREVER)
    finally:
        if listeners.get(port) is listener:
            del listeners[port]
    return 0
