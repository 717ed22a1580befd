"""Servers and small network tools: ``nginx``, ``pause``, ``nslookup``, ``wget``."""

from __future__ import annotations

import time
from dataclasses import replace

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.network.transport import Listener
from labkit.embedded.container.programs.curl import curl
from labkit.embedded.container.programs.options import read_options
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.system import System
from labkit.embedded.container.shell.task_loop import Sleep
from labkit.embedded.machinery.request import Request, Response

FOREVER = 1e15
NOT_FOUND = (
    b"<html>\r\n<head><title>404 Not Found</title></head>\r\n"
    b"<body>\r\n<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx/1.29.1</center>\r\n"
    b"</body>\r\n</html>\r\n"
)


class StaticServer:
    """Serves the files of a directory of its container, under a server's name."""

    def __init__(self, system: System, root: str, name: str) -> None:
        self._system = system
        self._root = root
        self._name = name
        self.lines: list[str] = []

    def handle(self, request: Request) -> Response:
        """Answer with a file."""
        path = "/" + "/".join(
            part for part in request.path.split("/") if part not in ("", ".", "..")
        )
        if request.path.endswith("/") or path == "/":
            path = path.rstrip("/") + "/index.html"
        try:
            status, body = 200, self._system.fs.read(self._root + path)
        except FileError:
            status, body = 404, NOT_FOUND
        when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(self._system.now()))
        agent = request.headers.get("user-agent", "-")
        if len(self.lines) < 1000:
            self.lines.append(
                f'{request.source_ip} - - [{when}] "{request.method} {request.path} HTTP/1.1" '
                f'{status} {len(body)} "-" "{agent}" "-"\n'
            )
        kind = (
            "text/html" if path.endswith(".html") or status == 404 else "application/octet-stream"
        )
        return Response(
            status,
            {"server": self._name, "content-type": kind},
            b"" if request.method == "HEAD" else body,
        )


@program("nginx", "httpd-foreground")
async def web_server(process: Process) -> int:
    """Serve the image's page on port 80."""
    listeners = process.system.listeners
    nginx = process.name == "nginx"
    if "-v" in process.args:
        return await process.err("nginx version: nginx/1.29.1\n", 0)
    if 80 in listeners:
        return await process.err(
            "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)\n"
        )
    server = StaticServer(
        process.system,
        "/usr/share/nginx/html" if nginx else "/usr/local/apache2/htdocs",
        "nginx/1.29.1" if nginx else "Apache/2.4.65 (Unix)",
    )
    listener = Listener(server.handle, "web")
    listeners[80] = listener
    try:
        if nginx:
            await process.err(
                f"{time.strftime('%Y/%m/%d %H:%M:%S', time.gmtime(process.system.now()))} [notice] "
                "1#1: start worker processes\n"
            )
        while True:
            await Sleep(1)
            lines, server.lines = server.lines, []
            for line in lines:
                await process.out(line)
    finally:
        if listeners.get(80) is listener:
            del listeners[80]


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
    address = process.system.network.resolve(names[0])
    if address is None:
        await process.out(f"** server can't find {names[0]}: NXDOMAIN\n\n")
        return 1
    return await process.out(
        f"Name:\t{process.system.network.canonical(names[0])}\nAddress: {address}\n\n"
    )


_WGET_OPTIONS = (
    "q,quiet n v,no-verbose O,output-document= header= ca-certificate= no-check-certificate T,timeout= t,tries= "
    "S! server-response! post-data! post-file! method! body-data! c! continue! P! r! recursive! i! U! "
    "user-agent! spider!"
)


@program("wget")
async def wget(process: Process) -> int:
    """Fetch URLs, through ``curl``."""
    options = read_options(process.args, _WGET_OPTIONS)
    if not options.args:
        return await process.err("wget: missing URL\nUsage: wget [OPTION]... [URL]...\n")
    status = 0
    for url in options.args:
        name = (
            url.partition("://")[2].partition("?")[0].partition("/")[2].rpartition("/")[2]
            or "index.html"
        )
        command = ["curl", "-f", "-sS", "-o", options.value("O") or name]
        for option, value in options.flags:
            command += (
                ["-H", value]
                if option == "header"
                else ["--cacert", value]
                if option == "ca-certificate"
                else []
            )
        command += ["-k"] if options.has("no-check-certificate") else []
        status = 1 if await curl(replace(process, argv=[*command, url])) else status
    return status
