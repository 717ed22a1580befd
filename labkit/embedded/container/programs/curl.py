"""``curl``: the options a learner types, with the real messages and exit codes.

It opens no socket: it asks the pod's network who listens, checks the certificate that is
really served, and hands the request to the API server's own handler.
"""

from __future__ import annotations

import re

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.programs.curl_options import (
    TRY,
    CurlOptions,
    UsageError,
    read_command_line,
)
from labkit.embedded.container.programs.curl_transfer import (
    Transfer,
    TransferError,
    append_query,
    build_request,
    connect,
    header_block,
    parse_url,
    response_headers,
)
from labkit.embedded.container.programs.curl_verbose import (
    PROGRESS_HEAD,
    connected,
    ended,
    progress,
    sending,
)
from labkit.embedded.container.programs.options import NOT_SIMULATED
from labkit.embedded.container.programs.registry import program
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.redirection import open_path
from labkit.embedded.container.shell.streams import Stream, StreamError, encode
from labkit.embedded.container.shell.task_loop import Sleep
from labkit.embedded.machinery.request import Response

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
 -o, --output <file>         Write to file instead of stdout
 -s, --silent                Silent mode
 -v, --verbose               Make the operation more talkative

This is not the full help; this menu is split into categories.
"""


@program("curl")
async def curl(process: Process) -> int:
    """Transfer a URL."""
    try:
        options = await read_command_line(process)
        if options.has("help"):
            return await process.out(HELP)
        if options.has("version"):
            return await process.out(
                "curl 8.14.1 (x86_64-pc-linux-gnu) libcurl/8.14.1 OpenSSL/3.5.1\nProtocols: http https\n"
            )
    except UsageError as error:
        if error.message:
            await process.err(f"curl: {error.message}\n")
        if error.hint:
            await process.err(TRY)
        return error.status
    status = 0
    for number, url in enumerate(options.urls):
        await process.task_loop.tick(5)
        status = await _Curl(process, options).run(url, number)
    return status


class _Curl:
    """One address."""

    def __init__(self, process: Process, options: CurlOptions) -> None:
        self.process = process
        self.options = options
        self.silent = options.has("silent")
        self.meter = False
        self.received = 0
        self.started = process.task_loop.elapsed_seconds

    async def run(self, address: str, number: int) -> int:
        process, options = self.process, self.options
        transfer: Transfer | None = None
        status, message = 0, ""
        name = options.outputs[number] if number < len(options.outputs) else "-"
        name = "" if name == "-" else name
        try:
            url = parse_url(address)
            if options.has("get") and options.body is not None:
                url.target = append_query(url.target, options.body)
            # A meter is shown unless it would mix with the answer on a terminal.
            silent = self.silent or options.has("no-progress-meter")
            self.meter = not silent and (bool(name) or not process.stdout.terminal)
            transfer = Transfer(url, http1=options.has("http1.1", "http1.0"))
            if self.meter:
                await process.err(PROGRESS_HEAD)
            await self._one(transfer, name)
        except TransferError as error:
            status, message = error.status, error.message
        except StreamError:
            status, message = 23, "client returned ERROR on write of 0 bytes"
        if self.meter:
            await process.err(
                progress(
                    self.received,
                    transfer.body_sent if transfer is not None else 0,
                    failed=bool(status),
                )
            )
        if transfer is not None and options.has("verbose"):
            await process.err(ended(transfer, status, message))
        if status and (not self.silent or options.has("show-error")):
            await process.err(f"curl: ({status}) {message}\n")
            if status == 60:
                await process.err(MORE)
        if "write-out" in options.values:
            await self._write_out(options.values["write-out"], address, transfer, status)
        return status

    def _open(self, name: str) -> Stream:
        if not name:
            return self.process.stdout
        process = self.process
        try:
            return open_path(process.system, name, process.cwd, "w", process.fds)
        except FileError:
            raise TransferError(
                23, f"client returned ERROR on write of {max(1, self.received)} bytes"
            ) from None

    async def _write(self, output: Stream, data: bytes) -> None:
        self.received += len(data)
        try:
            await output.write(data)
        except StreamError:
            raise TransferError(
                23, f"Failure writing output to destination, passed {len(data)} returned 0"
            ) from None

    async def _one(self, transfer: Transfer, name: str) -> None:
        process, options = self.process, self.options
        endpoint = connect(process, options, transfer)
        if options.has("verbose"):
            await process.err(connected(transfer))
        request = build_request(process, options, transfer)
        if options.has("verbose"):
            await process.err(sending(transfer))
        if transfer.url.scheme == "http" and endpoint.certificates:
            request.path = "\0"
        response = endpoint.handle(request)
        transfer.response = response
        transfer.received = response_headers(process, transfer)
        lines = header_block(transfer)
        if options.has("verbose"):
            await process.err(
                "".join(
                    f"< {line}\r\n" if not process.stderr.terminal else f"< {line}\n"
                    for line in lines
                )
            )
        failing = response.status >= 400 and options.has("fail", "fail-with-body")
        if failing and not options.has("fail-with-body"):
            raise TransferError(22, f"The requested URL returned error: {response.status}")
        if options.has("location") and transfer.header("location"):
            raise TransferError(2, f"following a redirect (-L){NOT_SIMULATED}")
        self.received = len(response.body) if name else 0
        output = self._open(name)
        self.received = 0
        if options.has("include", "head"):
            await output.write(encode("".join(line + "\r\n" for line in lines)))
        if transfer.method != "HEAD":
            await self._body(response, output)
        if failing:
            raise TransferError(22, f"The requested URL returned error: {response.status}")

    async def _body(self, response: Response, output: Stream) -> None:
        process = self.process
        if response.stream is None:
            for start in range(0, len(response.body), 1 << 16):
                await self._write(output, response.body[start : start + (1 << 16)])
                await process.task_loop.tick()
            return
        limit = float(self.options.values.get("max-time", "inf"))
        stream = response.stream
        begun = process.task_loop.elapsed_seconds
        try:
            while True:
                await process.task_loop.tick()
                for piece in stream.read():
                    await self._write(output, piece)
                    await process.task_loop.tick(0.2)
                spent = process.task_loop.elapsed_seconds - begun
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

    async def _write_out(
        self, layout: str, address: str, transfer: Transfer | None, status: int
    ) -> None:
        """``-w``: the layout with its variables filled in."""
        response = transfer.response if transfer is not None else None
        facts = {
            "exitcode": str(status),
            "http_code": f"{response.status if response is not None else 0:03}",
            "http_version": "0"
            if response is None or transfer is None
            else "2"
            if transfer.http2
            else "1.1",
            "content_type": transfer.header("content-type") if transfer is not None else "",
            "size_download": str(self.received),
            "url_effective": transfer.url.effective if transfer is not None else address,
            "time_total": f"{self.process.task_loop.elapsed_seconds - self.started + 0.003:.6f}",
        }
        facts["response_code"] = facts["http_code"]
        for variable in re.findall(r"%\{([^}]*)\}|(?=%header)", layout):
            if variable not in facts:
                await self.process.err(
                    f"curl: --write-out variable '{variable or 'header'}'{NOT_SIMULATED}\n"
                )

        def filled(match: re.Match[str]) -> str:
            escapes = {"%%": "%", "\\n": "\n", "\\r": "\r", "\\t": "\t", "\\\\": "\\"}
            return escapes.get(match[0]) or facts.get(match[0][2:-1], "")

        text = re.sub(r"%\{[^}]*\}|%%|\\[nrt\\]", filled, layout[:10_000])
        await self.process.stdout.write(encode(text))
