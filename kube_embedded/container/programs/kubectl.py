"""``kubectl`` inside a pod: ``proxy`` and ``version``.

The proxy's token is the one mounted into the container, as client-go's in-cluster configuration reads it.
"""

from dataclasses import replace

from ...machinery.request import Request, Response
from ..files.inodes import FileError
from ..shell.process import Process
from ..shell.streams import decode
from ..shell.task_loop import Sleep
from .common import FOREVER, listening
from .regex import RegexError, compile_regex
from .registry import NOT_SIMULATED, BadOption, program, read_options

VERSION = "v1.36.2"
HELP = """\
kubectl controls the Kubernetes cluster manager.

 Find more information at: https://kubernetes.io/docs/reference/kubectl/

In the lab's pods kubectl knows: proxy, version.
"""
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount/token"
RANDOM_PORT = 34567
"""The port that stands for one that the system chooses (``--port=0``)."""

_PROXY_OPTIONS = (
    "p,port= address= accept-hosts= api-prefix! disable-filter! keepalive! append-server-path! w! www! P! "
    "www-prefix! u! unix-socket! accept-paths! reject-paths! reject-methods!"
)


@program("kubectl")
async def kubectl(process: Process) -> int:
    """Run one of the commands that the lab has."""
    verb = next((word for word in process.args if not word.startswith("-")), "")
    match verb:
        case "" | "help" | "options":
            return await process.out(HELP)
        case "version":
            return await process.out(f"Client Version: {VERSION}\nKustomize Version: v5.7.1\n")
        case "proxy":
            process.operands.clear()
            try:
                read_options(process, _PROXY_OPTIONS)
            except BadOption as error:
                text = str(error).replace("unrecognized option '", "unknown flag: ").rstrip("'")
                return await process.err(f"error: {text}\nSee 'kubectl proxy --help' for usage.\n")
            return await _serve(process)
    return await process.err(
        f"kubectl {verb}{NOT_SIMULATED}: use curl here, or kubectl outside the pod\n"
    )


class Proxy:
    """The server at the proxy's port, which adds the container's own token to every request.

    Requests are passed on whose host matches a pattern of ``--accept-hosts``. By default only local ones are, so that
    a web page cannot reach the proxy through a name of its own. RegexError if a pattern cannot be compiled.
    """

    def __init__(self, process: Process) -> None:
        self._system = process.system
        hosts = process.value("accept-hosts") or r"^localhost$,^127\.0\.0\.1$,^\[::1\]$"
        self._hosts = [compile_regex(text, extended=True) for text in hosts.split(",")]

    def _accepts(self, host: str) -> bool:
        return not host or any(pattern.search(host) for pattern in self._hosts)

    def handle(self, request: Request) -> Response:
        """Pass a request on."""
        host = request.headers.get("host", "")
        # kubectl rejects these paths by default (--reject-paths): they would give a shell to any local process.
        parts = request.path.split("/")
        shell = parts[1] == "api" and "pods" in parts and parts[-1] in ("exec", "attach")
        if shell or not self._accepts(host.rpartition(":")[0] or host):
            return Response(403, {"content-type": "text/plain; charset=utf-8"}, b"Forbidden")
        listener = self._system.network.connect("10.96.0.1", 443)
        try:
            # Read for each request, because the kubelet renews the token.
            token = decode(self._system.fs.read(TOKEN_PATH))
        except FileError:
            token = ""
        if listener is None or not token:
            return Response(502, {}, b"")
        headers = {"authorization": f"Bearer {token}", **request.headers}
        return listener.handle(replace(request, headers=headers, certificate=None))


async def _serve(process: Process) -> int:
    """Run ``kubectl proxy``, and return the exit code."""
    text = process.value("p") or "8001"
    address = process.value("address") or "127.0.0.1"
    if not text.isdigit() or len(text) > 5 or int(text) > 65535:
        problem = f'strconv.ParseInt: parsing "{text}": invalid syntax'
        return await process.err(
            f'error: invalid argument "{text}" for "-p, --port" flag: {problem}\n'
        )
    port = int(text) or RANDOM_PORT
    if port in process.system.listeners:
        return await process.err(
            f"error: listen tcp {address}:{port}: bind: address already in use\n"
        )
    # A proxy on all addresses can be reached from other pods, the usual one cannot.
    server = "proxy" if address in ("127.0.0.1", "localhost") else "openproxy"
    try:
        proxy = Proxy(process)
    except RegexError as error:
        return await process.err(f"error: {error}\n")
    host_text = "[::]" if address == "0.0.0.0" else address
    with listening(process, port, proxy.handle, server):
        await process.out(f"Starting to serve on {host_text}:{port}\n")
        await Sleep(FOREVER)
    return 0
