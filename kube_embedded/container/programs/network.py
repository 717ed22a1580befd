"""Servers and small network tools: ``nginx``, ``pause``, ``nslookup``, ``wget``."""

import time
from dataclasses import replace

from ...machinery.request import Request, Response
from ..files.inodes import FileError
from ..shell.process import Process
from ..shell.task_loop import Sleep
from .common import FOREVER, listening
from .curl import curl
from .registry import program

NOT_FOUND = (
    b"<html>\r\n<head><title>404 Not Found</title></head>\r\n"
    b"<body>\r\n<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx/1.29.1</center>\r\n"
    b"</body>\r\n</html>\r\n"
)
# Lines wait for the server's next turn: a flood of requests must not fill the memory.
MAX_LOG_LINES = 1000


class StaticServer:
    """Serves the files of a directory of its container, under a server's name."""

    def __init__(self, process: Process, root: str, name: str) -> None:
        self._system = process.system
        self._root = root
        self._name = name
        self.lines: list[str] = []

    def handle(self, request: Request) -> Response:
        """Answer with a file."""
        parts = [part for part in request.path.split("/") if part not in ("", ".", "..")]
        if request.path.endswith("/") or not parts:
            parts.append("index.html")
        status = 200
        try:
            body = self._system.fs.read("/".join([self._root, *parts]))
        except FileError:
            status = 404
            body = NOT_FOUND
        moment = time.gmtime(self._system.now())
        if len(self.lines) < MAX_LOG_LINES:
            self.lines.append(
                f"{request.source_ip} - - [{time.strftime('%d/%b/%Y:%H:%M:%S +0000', moment)}] "
                f'"{request.method} {request.path} HTTP/1.1" {status} {len(body)} "-" '
                f'"{request.headers.get("user-agent", "-")}" "-"\n'
            )
        html = status == 404 or parts[-1].endswith(".html")
        headers = {
            "server": self._name,
            "content-type": "text/html" if html else "application/octet-stream",
        }
        return Response(status, headers, b"" if request.method == "HEAD" else body)


@program("nginx", "httpd-foreground")
async def web_server(process: Process) -> int:
    """Serve the image's page on port 80."""
    nginx = process.name == "nginx"
    if "-v" in process.args:
        return await process.err("nginx version: nginx/1.29.1\n", 0)
    if 80 in process.system.listeners:
        return await process.err(
            "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)\n"
        )
    root = "/usr/share/nginx/html" if nginx else "/usr/local/apache2/htdocs"
    name = "nginx/1.29.1" if nginx else "Apache/2.4.65 (Unix)"
    server = StaticServer(process, root, name)
    with listening(process, 80, server.handle, "web"):
        if nginx:
            moment = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(process.system.now()))
            await process.err(f"{moment} [notice] 1#1: start worker processes\n")
        while True:
            # Requests are handled outside of this process, which only writes the access log.
            await Sleep(1)
            text = "".join(server.lines)
            server.lines.clear()
            await process.out(text)


@program("pause")
async def pause(process: Process) -> int:
    """Wait for ever."""
    await Sleep(FOREVER)
    return 0


@program("nslookup")
async def nslookup(process: Process) -> int:
    """Query the cluster's DNS."""
    names = [word for word in process.args if not word.startswith("-")]
    if not names:
        return await process.err("Usage: nslookup [HOST] [DNS_SERVER]\n")
    await process.out("Server:\t\t10.96.0.10\nAddress:\t10.96.0.10#53\n\n")
    network = process.system.network
    address = network.resolve(names[0])
    if address is None:
        await process.out(f"** server can't find {names[0]}: NXDOMAIN\n\n")
        return 1
    return await process.out(f"Name:\t{network.canonical(names[0])}\nAddress: {address}\n\n")


_WGET_OPTIONS = (
    "q,quiet n v,no-verbose O,output-document= header= ca-certificate= no-check-certificate T,timeout= t,tries= "
    "S! server-response! post-data! post-file! method! body-data! c! continue! P! r! recursive! i! U! "
    "user-agent! spider!"
)
_AS_CURL = {"header": "-H", "ca-certificate": "--cacert"}


@program("wget", options=_WGET_OPTIONS)
async def wget(process: Process) -> int:
    """Fetch URLs, through ``curl``."""
    if not process.operands:
        return await process.err("wget: missing URL\nUsage: wget [OPTION]... [URL]...\n")
    command = ["curl", "-f", "-sS"]
    for option, value in process.flags:
        if option in _AS_CURL:
            command += [_AS_CURL[option], value]
    if process.has("no-check-certificate"):
        command.append("-k")
    status = 0
    for url in process.operands:
        path = url.partition("://")[2].partition("?")[0].partition("/")[2]
        name = process.value("O") or path.rpartition("/")[2] or "index.html"
        words = [*command, "-o", name, url]
        if await curl(replace(process, argv=words, flags=[], operands=[])):
            status = 1
    return status
