"""``curl``: the options a learner types, with the real messages and exit codes.

It opens no socket: it asks the pod's network who listens, checks the certificate that is
really served, and hands the request to the API server's own handler.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.programs.common import everything
from labkit.embedded.container.programs.curl_options import (
    TRY,
    CurlOptions,
    UsageError,
    read_command_line,
)
from labkit.embedded.container.programs.curl_transfer import (
    Transfer,
    TransferError,
    build_request,
    client_certificate,
    connect,
    header_block,
    parse_url,
    shown_headers,
)
from labkit.embedded.container.programs.curl_verbose import (
    connected,
    failed,
    finished,
    progress,
    progress_head,
    sending,
)
from labkit.embedded.container.programs.options import NOT_SIMULATED
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.redirection import open_path
from labkit.embedded.container.shell.scheduler import Sleep
from labkit.embedded.container.shell.streams import Stream, StreamError, encode

POLL_SECONDS = 0.1
MORE = """\
More details here: https://curl.se/docs/sslcerts.html

curl failed to verify the legitimacy of the server and therefore could not
establish a secure connection to it. To learn more about this situation and
how to fix it, please visit the webpage mentioned above.
"""
HELP = """\
Usage: curl [options...] <url>
 -d, --data <data>           HTTP POST data
 -f, --fail                  Fail fast with no output on HTTP errors
 -h, --help <subject>        Get help for commands
 -o, --output <file>         Write to file instead of stdout
 -O, --remote-name           Write output to file named as remote file
 -i, --show-headers          Show response headers in output
 -s, --silent                Silent mode
 -T, --upload-file <file>    Transfer local FILE to destination
 -u, --user <user:password>  Server user and password
 -A, --user-agent <name>     Send User-Agent <name> to server
 -v, --verbose               Make the operation more talkative
 -V, --version               Show version number and quit

This is not the full help; this menu is split into categories.
"""


@program("curl")
async def curl(process: Process) -> int:
    """Transfer a URL."""
    try:
        options = await read_command_line(process)
        if options.has("help"):
            await process.out(HELP)
            return 0
        if options.has("version"):
            await process.out(
                "curl 8.14.1 (x86_64-pc-linux-gnu) libcurl/8.14.1 OpenSSL/3.5.1\nProtocols: file http https\n"
            )
            return 0
        if "upload-file" in options.values:
            await _read_upload(process, options)
    except UsageError as error:
        if error.message:
            await process.err(f"curl: {error.message}\n")
        if error.hint:
            await process.err(TRY)
        return error.status
    status = 0
    for number, url in enumerate(options.urls):
        await process.scheduler.tick(5)
        status = await _Curl(process, options).run(url, number)
        if status and options.has("fail-early"):
            break
    return status


async def _read_upload(process: Process, options: CurlOptions) -> None:
    name = options.values["upload-file"]
    try:
        options.body = (
            await everything(process, process.stdin) if name in ("-", ".") else process.fs.read(name, process.cwd)
        )
    except FileError:
        raise UsageError(f"cannot open '{name}'", status=26) from None


class _Curl:
    """One address after its redirects."""

    def __init__(self, process: Process, options: CurlOptions) -> None:
        self.process = process
        self.options = options
        self.silent = options.has("silent")
        self.meter = False
        self.received = 0
        self.headers_size = 0
        self.redirects = 0
        self.started = process.scheduler.elapsed_seconds

    async def run(self, address: str, number: int) -> int:
        process, options = self.process, self.options
        transfer: Transfer | None = None
        status, message = 0, ""
        name = ""
        try:
            url = parse_url(address, as_is=options.has("path-as-is"))
            name = self._output_name(number, url.path)
            self.meter = self._wants_meter(name)
            transfer = Transfer(url, http1=options.has("http1.1", "http1.0"))
            if options.has("verbose") and options.resolve:
                for (host, port), where in options.resolve.items():
                    await process.err(f"* Added {host}:{port}:{where} to DNS cache\n")
            if self.meter:
                await process.err(progress_head())
            transfer = await self._follow(transfer, name)
        except TransferError as error:
            status, message = error.status, error.message
        except StreamError:
            status, message = 23, "client returned ERROR on write of 0 bytes"
        if self.meter:
            await process.err(
                progress(self.received, transfer.body_sent if transfer is not None else 0, failed=bool(status))
            )
        if transfer is not None and options.has("verbose"):
            await process.err(failed(transfer, status, message) if status else finished(transfer))
        if status and (not self.silent or options.has("show-error")):
            await process.err(f"curl: ({status}) {message}\n")
            if status == 60:
                await process.err(MORE)
        if "write-out" in options.values:
            await self._write_out(options.values["write-out"], transfer, status, message, name)
        return status

    def _wants_meter(self, name: str) -> bool:
        """A meter is shown unless it would mix with the answer on a terminal."""
        if self.silent or self.options.has("no-progress-meter"):
            return False
        return bool(name) or not self.process.stdout.terminal

    def _output_name(self, number: int, path: str) -> str:
        """The file to write, empty for stdout."""
        outputs = self.options.outputs
        if number >= len(outputs) or outputs[number] == "-":
            return ""
        return outputs[number] or path.rstrip("/").rpartition("/")[2] or "curl_response"

    def _open(self, name: str) -> Stream:
        if not name:
            return self.process.stdout
        process = self.process
        try:
            if self.options.has("create-dirs") and "/" in name:
                process.fs.mkdir(name.rpartition("/")[0] or "/", process.cwd, parents=True)
            return open_path(process.system, name, process.cwd, "w", dict(process.fds))
        except FileError:
            raise TransferError(23, f"client returned ERROR on write of {max(1, self.received)} bytes") from None

    async def _write(self, output: Stream, data: bytes) -> None:
        self.received += len(data)
        try:
            await output.write(data)
        except StreamError:
            raise TransferError(23, f"Failure writing output to destination, passed {len(data)} returned 0") from None

    async def _follow(self, transfer: Transfer, name: str) -> Transfer:
        process, options = self.process, self.options
        limit = int(options.values.get("max-redirs", "50"))
        while True:
            await process.scheduler.tick(5)
            await self._one(transfer, name)
            response = transfer.response
            location = next((value for key, value in transfer.received if key.lower() == "location"), "")
            if (
                response is None
                or not location
                or response.status not in (301, 302, 303, 307, 308)
                or not options.has("location")
            ):
                return transfer
            self.redirects += 1
            if 0 <= limit < self.redirects:
                raise TransferError(47, f"Maximum ({limit}) redirects followed")
            base = transfer.url.text if "://" in transfer.url.text else "http://" + transfer.url.text
            following = Transfer(parse_url(urljoin(base, location)), http1=transfer.http1)
            if response.status in (301, 302, 303) and transfer.method == "POST":
                options.body = None
            transfer = following

    async def _one(self, transfer: Transfer, name: str) -> None:
        process, options = self.process, self.options
        certificate = client_certificate(process, options)
        connect(process, options, transfer)
        if options.has("verbose"):
            await process.err(connected(transfer))
        endpoint = transfer.endpoint
        if endpoint is None:
            return
        request = build_request(process, options, transfer, certificate)
        if options.has("verbose"):
            await process.err(sending(transfer))
        if transfer.url.scheme == "http" and endpoint.certificates:
            request.path = "\0"
        response = endpoint.handle(request)
        transfer.response = response
        transfer.received = shown_headers(process, transfer)
        lines = list(header_block(transfer))
        self.headers_size = sum(len(line) + 2 for line in lines)
        if options.has("verbose"):
            await process.err(
                "".join(f"< {line}\r\n" if not process.stderr.terminal else f"< {line}\n" for line in lines)
            )
        failing = response.status >= 400 and options.has("fail", "fail-with-body")
        if failing and not options.has("fail-with-body"):
            raise TransferError(22, f"The requested URL returned error: {response.status}")
        redirected = response.status in (301, 302, 303, 307, 308) and options.has("location")
        self.received = len(response.body) if name else 0
        output = self._open(name) if not redirected or options.has("include", "head") else None
        self.received = 0
        await self._heads(lines, output)
        if output is not None and transfer.method != "HEAD" and not redirected:
            await self._body(transfer, output)
        if failing:
            raise TransferError(22, f"The requested URL returned error: {response.status}")

    async def _heads(self, lines: list[str], output: Stream | None) -> None:
        block = encode("".join(line + "\r\n" for line in lines))
        if self.options.has("include", "head") and output is not None:
            await output.write(block)
        if "dump-header" in self.options.values:
            target = self.options.values["dump-header"]
            stream = self.process.stdout if target == "-" else self._open(target)
            await stream.write(block)

    async def _body(self, transfer: Transfer, output: Stream) -> None:
        process = self.process
        response = transfer.response
        if response is None:
            return
        if response.stream is None:
            for start in range(0, len(response.body), 1 << 16):
                await self._write(output, response.body[start : start + (1 << 16)])
                await process.scheduler.tick()
            return
        limit = float(self.options.values.get("max-time", "inf"))
        stream = response.stream
        begun = process.scheduler.elapsed_seconds
        try:
            while True:
                await process.scheduler.tick()
                for piece in stream.read():
                    await self._write(output, piece)
                    await process.scheduler.tick(0.2)
                spent = process.scheduler.elapsed_seconds - begun
                if stream.closed or spent >= stream.timeout_seconds:
                    return
                if spent >= limit:
                    raise TransferError(
                        28,
                        f"Operation timed out after {int(spent * 1000)} milliseconds with "
                        f"{self.received} bytes received",
                    )
                await Sleep(POLL_SECONDS)
        finally:
            stream.close()

    async def _write_out(self, layout: str, transfer: Transfer | None, status: int, message: str, name: str) -> None:
        process = self.process
        if layout.startswith("@"):
            try:
                layout = process.fs.read(layout[1:], process.cwd).decode("utf-8", "replace")
            except FileError:
                return
        url = transfer.url if transfer is not None else None
        response = transfer.response if transfer is not None else None
        received = {key.lower(): value for key, value in transfer.received} if transfer is not None else {}
        code = f"{response.status if response is not None else 0:03}"
        facts = {
            "http_code": code, "response_code": code, "exitcode": str(status), "errormsg": message,
            "http_version": ("2" if transfer is not None and transfer.http2 else "1.1") if response else "0",
            "content_type": received.get("content-type", ""), "redirect_url": received.get("location", ""),
            "size_download": str(self.received), "size_header": str(self.headers_size),
            "size_upload": str(transfer.body_sent if transfer is not None else 0),
            "url": url.text if url is not None else "", "url_effective": url.text if url is not None else "",
            "scheme": url.scheme if url is not None else "", "method": transfer.method if transfer else "GET",
            "num_redirects": str(self.redirects), "remote_ip": transfer.address if transfer is not None else "",
            "remote_port": str(url.port) if url is not None else "0", "local_ip": process.system.network.address,
            "ssl_verify_result": "0" if transfer is None or transfer.verified in (None, True) else "20",
            "time_total": f"{process.scheduler.elapsed_seconds - self.started + 0.003:.6f}",
            "filename_effective": name,
        }  # fmt: skip
        await self._formatted(layout, facts, received)

    async def _formatted(self, layout: str, facts: dict[str, str], received: dict[str, str]) -> None:
        process = self.process
        stream = process.stdout
        for piece in re.findall(r"%header\{[^}]*\}|%\{[^}]*\}|%%|\\[nrt\\]|[^%\\]+|.", layout[:10_000], re.DOTALL):
            text = piece
            if piece.startswith("%header{"):
                text = received.get(piece[8:-1].lower(), "")
            elif piece == "%%":
                text = "%"
            elif piece.startswith("%{"):
                key = piece[2:-1]
                if key in ("stdout", "stderr"):
                    stream = process.stdout if key == "stdout" else process.stderr
                    continue
                if key in facts:
                    text = facts[key]
                else:
                    await process.err(f"curl: --write-out variable '{key}'{NOT_SIMULATED}\n")
                    continue
            elif len(piece) == 2 and piece[0] == "\\":
                text = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}[piece[1]]
            await stream.write(encode(text))
