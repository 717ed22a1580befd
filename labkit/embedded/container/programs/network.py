"""Servers and small network tools: ``nginx``, ``pause``, ``nslookup``, ``ping``, ``wget``, ``nc``."""

from __future__ import annotations

import time

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.network.transport import Endpoint
from labkit.embedded.container.shell.kernel import Sleep
from labkit.embedded.container.shell.options import BadOption, complain, read_options
from labkit.embedded.container.shell.process import Process, System, program
from labkit.embedded.container.shell.streams import encode
from labkit.embedded.machinery.request import Request, Response

FOREVER = 1e15
NOT_FOUND = (
    b"<html>\r\n<head><title>404 Not Found</title></head>\r\n"
    b"<body>\r\n<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx/1.29.1</center>\r\n"
    b"</body>\r\n</html>\r\n"
)


class StaticServer:
    """Serves the files of a directory of its container.

    Args:
        system: The container.
        root: The directory.
        name: What it calls itself.
    """

    def __init__(self, system: System, root: str, name: str) -> None:
        self._system = system
        self._root = root
        self._name = name
        self.lines: list[str] = []

    def handle(self, request: Request) -> Response:
        """Answer with a file."""
        path = "/" + "/".join(part for part in request.path.split("/") if part not in ("", ".", ".."))
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
        kind = "text/html" if path.endswith(".html") or status == 404 else "application/octet-stream"
        return Response(status, {"server": self._name, "content-type": kind}, b"" if request.method == "HEAD" else body)


@program("nginx", "httpd-foreground")
async def web_server(process: Process) -> int:
    """Serve the image's page on port 80."""
    listeners = process.system.listeners
    nginx = process.name == "nginx"
    if "-v" in process.args:
        await process.err("nginx version: nginx/1.29.1\n")
        return 0
    if 80 in listeners:
        await process.err("nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)\n")
        return 1
    server = StaticServer(
        process.system,
        "/usr/share/nginx/html" if nginx else "/usr/local/apache2/htdocs",
        "nginx/1.29.1" if nginx else "Apache/2.4.65 (Unix)",
    )
    endpoint = Endpoint(server.handle, "web")
    listeners[80] = endpoint
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
        if listeners.get(80) is endpoint:
            del listeners[80]


@program("pause")
async def pause(process: Process) -> int:
    """Wait for ever."""
    await Sleep(FOREVER)
    return 0


@program("nslookup")
async def nslookup(process: Process) -> int:
    """Ask the cluster's DNS."""
    names = [word for word in process.args if not word.startswith("-")]
    if not names:
        await process.err("Usage: nslookup [HOST] [DNS_SERVER]\n")
        return 1
    await process.out("Server:\t\t10.96.0.10\nAddress:\t10.96.0.10#53\n\n")
    address = process.system.network.resolve(names[0])
    if address is None:
        await process.out(f"** server can't find {names[0]}: NXDOMAIN\n\n")
        return 1
    await process.out(f"Name:\t{process.system.network.canonical(names[0])}\nAddress: {address}\n\n")
    return 0


@program("ping")
async def ping(process: Process) -> int:
    """Nothing answers a ping in the lab's network but the pod itself."""
    try:
        options = read_options(process.args, "46nqv", "ciwWs")
    except BadOption as error:
        return await complain(process, error, 2)
    if not options.args:
        await process.err("ping: usage error: Destination address required\n")
        return 1
    host = options.args[0]
    address = process.system.network.resolve(host)
    if address is None:
        await process.err(f"ping: {host}: Name or service not known\n")
        return 2
    own = address.startswith("127.") or address == process.system.network.address
    await process.out(f"PING {host} ({address}) 56(84) bytes of data.\n")
    text = options.value("c") or "1000000"
    count = int(text) if text.isdigit() and len(text) < 8 else 1
    sent = 0
    for number in range(1, count + 1):
        await process.kernel.tick()
        sent += 1
        if own:
            await process.out(f"64 bytes from {address}: icmp_seq={number} ttl=64 time=0.05 ms\n")
        if number < count:
            await Sleep(1)
    loss = 0 if own else 100
    await process.out(
        f"\n--- {host} ping statistics ---\n"
        f"{sent} packets transmitted, {sent if own else 0} received, {loss}% packet loss, "
        f"time {max(0, sent - 1) * 1000}ms\n"
    )
    return 0 if own else 1


@program("wget")
async def wget(process: Process) -> int:
    """Fetch an address, by way of ``curl``'s own code."""
    from labkit.embedded.container.programs.curl import curl

    args = list(process.args)
    urls: list[str] = []
    command = ["curl", "-L", "-f", "-sS"]
    target: str | None = None
    index = 0
    while index < len(args):
        word = args[index]
        index += 1
        if word.startswith("--header"):
            command += ["-H", word.partition("=")[2] or (args[index] if index < len(args) else "")]
        elif word.startswith("--ca-certificate"):
            command += ["--cacert", word.partition("=")[2] or (args[index] if index < len(args) else "")]
        elif word == "--no-check-certificate":
            command.append("-k")
        elif word in ("-qO-", "-q", "-nv", "-O-", "--quiet"):
            target = "-" if word.endswith("O-") else target
        elif word in ("-O", "-qO", "--output-document"):
            target = args[index] if index < len(args) else ""
            index += 1
        elif word in ("-T", "-t", "--timeout", "--tries", "-U"):
            index += 1
        elif not word.startswith("-"):
            urls.append(word)
    if not urls:
        await process.err("wget: missing URL\nUsage: wget [OPTION]... [URL]...\n")
        return 1
    command += ["-o", target] if target and target != "-" else [] if target else ["-O"]
    inner = Process(
        [*command, *urls], process.env, process.cwd, process.fds, process.kernel, process.system, process.spawn
    )
    return 1 if await curl(inner) else 0


@program("nc", "telnet")
async def netcat(process: Process) -> int:
    """Say whether a port is open; plain HTTP can be spoken through it."""
    words = [word for word in process.args if not word.startswith("-")]
    if len(words) < 2:
        await process.err("usage: nc [-vz] host port\n")
        return 1
    problem = process.system.network.probe(words[0], int(words[1]) if words[1].isdigit() and len(words[1]) < 6 else 0)
    if problem == "unknown":
        await process.err(f'nc: getaddrinfo for host "{words[0]}" port {words[1]}: Name or service not known\n')
        return 1
    verbose = any(word.startswith("-") and "v" in word for word in process.args)
    if problem is not None:
        await process.err(f"nc: connect to {words[0]} port {words[1]} (tcp) failed: Connection refused\n")
        return 1
    if verbose:
        await process.err(f"Connection to {words[0]} {words[1]} port [tcp/*] succeeded!\n")
    if any(word.startswith("-") and "z" in word for word in process.args):
        return 0
    await process.err("nc: the lab's nc only looks whether a port is open: use curl\n")
    return 1


@program("netstat", "ss")
async def netstat(process: Process) -> int:
    """List what the pod's containers serve."""
    await process.out(
        "Active Internet connections (only servers)\n"
        "Proto Recv-Q Send-Q Local Address           Foreign Address         State\n"
    )
    for port, endpoint in sorted(process.system.listeners.items()):
        local = "127.0.0.1" if endpoint.server == "proxy" else "0.0.0.0"
        await process.stdout.write(
            encode(f"tcp        0      0 {f'{local}:{port}':<23} 0.0.0.0:*               LISTEN\n")
        )
    return 0


@program("ip", "ifconfig")
async def ip(process: Process) -> int:
    """Show the pod's address."""
    address = process.system.network.address
    await process.out(
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN\n    inet 127.0.0.1/8 scope host lo\n"
        "2: eth0@if7: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state "
        f"UP\n    inet {address}/24 scope global eth0\n"
    )
    return 0
