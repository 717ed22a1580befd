"""``curl``: the options a learner types, with the real messages and exit codes.

It opens no socket: it looks for the server in the pod's network, checks the certificate that is
really served, and hands the request to the API server's own handler.
"""

import re
from itertools import zip_longest

from cryptography import x509

from ...machinery.request import Response
from ..files.inodes import FileError
from ..shell.process import Process
from ..shell.redirection import open_path
from ..shell.streams import Stream, StreamError, encode
from ..shell.task_loop import Sleep
from .curl_options import TRY, Message, read_command_line
from .curl_transfer import Transfer, build_request, connect, parse_url, response_headers
from .registry import NOT_SIMULATED, BadOption, Failure, program

# A watch is polled, because the task loop waits only for timers and for input.
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
VERSION = """\
curl 8.14.1 (x86_64-pc-linux-gnu) libcurl/8.14.1 OpenSSL/3.5.1
Protocols: http https
"""
_NO_PROGRESS = "  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0"
PROGRESS_HEAD = (
    "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"
    f"                                 Dload  Upload   Total   Spent    Left  Speed\n\r{_NO_PROGRESS}"
)
"""The meter's title and its first row."""

TRANSFERS_PER_SECOND = 300
"""The meter's speeds are those of a transfer that takes 1/300 s."""

_LABELS = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU"}


@program("curl", misuse=2, usage=TRY)
async def curl(process: Process) -> int:
    """Transfer a URL."""
    if not process.args:
        return await process.err(TRY, 2)
    message = await read_command_line(process)
    if process.has("help", "version"):
        return await process.out(HELP if process.has("help") else VERSION)
    if not process.operands:
        raise BadOption("(2) no URL specified")
    outputs = [value for name, value in process.flags if name == "output"]
    status = 0
    for url, output in zip_longest(
        process.operands, outputs[: len(process.operands)], fillvalue="-"
    ):
        # A request is more work for the server than a line of a script.
        await process.task_loop.tick(5)
        status = await _Curl(process, message, output.removeprefix("-")).run(url)
    return status


class _Curl:
    """The transfer of one address, to a file or stdout (an empty ``output``)."""

    def __init__(self, process: Process, message: Message, output: str) -> None:
        self.process = process
        self.message = message
        self.output = output
        self.received = 0

    async def run(self, address: str) -> int:
        process = self.process
        transfer: Transfer | None = None
        meter = False
        status = 0
        message = ""
        try:
            transfer = Transfer(parse_url(address))
            # A meter is shown unless it would mix with the answer on a terminal.
            meter = bool(self.output) or not process.stdout.terminal
            meter = meter and not process.has("silent", "no-progress-meter")
            await process.err(PROGRESS_HEAD if meter else "")
            await self._transfer(transfer)
        except Failure as error:
            status = error.status
            message = str(error)
        except StreamError:
            status = 23
            message = "client returned ERROR on write of 0 bytes"
        if meter and transfer is not None:
            await process.err(_progress(self.received, transfer.body_sent, failed=bool(status)))
        if transfer is not None and process.has("verbose"):
            await process.err(_ending(transfer, status, message))
        if status and (not process.has("silent") or process.has("show-error")):
            await process.err(f"curl: ({status}) {message}\n{MORE if status == 60 else ''}")
        layout = process.value("write-out")
        if layout:
            await self._write_out(layout[:10_000], transfer)
        return status

    async def _write(self, output: Stream, data: bytes) -> None:
        self.received += len(data)
        try:
            await output.write(data)
        except StreamError:
            raise Failure(
                f"Failure writing output to destination, passed {len(data)} returned 0", 23
            ) from None

    async def _transfer(self, transfer: Transfer) -> None:
        process = self.process
        endpoint = connect(process, transfer)
        request = build_request(process, self.message, transfer)
        if transfer.bare:
            # No path of the API server: its answer is the one to plain HTTP at a TLS port.
            request.path = "\0"
        verbose = process.has("verbose")
        await process.err(_beginning(transfer) if verbose else "")
        response = transfer.response = endpoint.handle(request)
        transfer.received = response_headers(process, transfer)
        head = transfer.head()
        if verbose:
            end = "\n" if process.stderr.terminal else "\r\n"
            await process.err("".join(f"< {line}{end}" for line in head))
        if response.status >= 400 and process.has("fail"):
            raise Failure(f"The requested URL returned error: {response.status}", 22)
        if process.has("location") and any(
            name.lower() == "location" for name, _ in transfer.received
        ):
            raise Failure(f"following a redirect (-L){NOT_SIMULATED}", 2)
        output = process.stdout
        if self.output:
            try:
                output = open_path(process.shell, self.output, "w")
            except FileError:
                size = max(1, len(response.body))
                raise Failure(f"client returned ERROR on write of {size} bytes", 23) from None
        if process.has("include", "head"):
            await output.write(encode("".join(line + "\r\n" for line in head)))
        if transfer.method != "HEAD":
            await self._body(response, output)

    async def _body(self, response: Response, output: Stream) -> None:
        task_loop = self.process.task_loop
        stream = response.stream
        if stream is None:
            await self._write(output, response.body)
            return
        limit = float(self.process.value("m") or "inf")
        begun = task_loop.elapsed_seconds
        try:
            while True:
                await task_loop.tick()
                for piece in stream.read():
                    await self._write(output, piece)
                    await task_loop.tick(0.2)
                spent = task_loop.elapsed_seconds - begun
                if stream.closed or spent >= stream.timeout_seconds:
                    return
                if spent >= limit:
                    raise Failure(
                        f"Operation timed out after {int(spent * 1000)} milliseconds with "
                        f"{self.received} bytes received",
                        28,
                    )
                await Sleep(POLL_SECONDS)
        finally:
            stream.close()

    async def _write_out(self, layout: str, transfer: Transfer | None) -> None:
        """Print the layout of ``-w`` with the status code filled in."""
        response = transfer.response if transfer is not None else None
        code = f"{response.status:03}" if response is not None else "000"
        codes = dict.fromkeys(("http_code", "response_code"), code)
        for variable in re.findall(r"%\{([^}]*)\}|(?=%header)", layout):
            if variable not in codes:
                await self.process.fail(
                    f"--write-out variable '{variable or 'header'}'{NOT_SIMULATED}"
                )

        def filled(match: re.Match[str]) -> str:
            escapes = {"%%": "%", "\\n": "\n", "\\r": "\r", "\\t": "\t", "\\\\": "\\"}
            return escapes.get(match[0]) or codes.get(match[0][2:-1], "")

        await self.process.out(re.sub(r"%\{[^}]*\}|%%|\\[nrt\\]", filled, layout))


def _progress(received: int, sent: int, *, failed: bool) -> str:
    """Return the meter's last row."""
    if failed and not received:
        return f"\r{_NO_PROGRESS}\n"

    def short(number: int) -> str:
        if number < 100_000:
            return f"{number:5}"
        return f"{number >> 10:4}k" if number < 10_000 << 10 else f"{number >> 20:4}M"

    speed = short(received * TRANSFERS_PER_SECOND)
    total = f"{100 * bool(received + sent):3} {short(received + sent)}"
    counts = f"{100 * bool(received):3} {short(received)}  {100 * bool(sent):3} {short(sent)}"
    upload = short(sent * TRANSFERS_PER_SECOND)
    return f"\r{total}  {counts}  {speed}  {upload} --:--:-- --:--:-- --:--:-- {speed}\n"


def _beginning(transfer: Transfer) -> str:
    """Return the messages of ``-v`` from the look-up to the request's head."""
    url = transfer.url
    address = transfer.address
    lines: list[str] = []
    if url.host != address:
        lines += [
            f"* Host {url.host}:{url.port} was resolved.",
            "* IPv6: (none)",
            f"* IPv4: {address}",
        ]
    lines.append(f"*   Trying {address}:{url.port}...")
    if transfer.certificate is not None:
        verified = "ok."
        if transfer.problem:
            verified = f"result: {transfer.problem}, continuing anyway."
        lines += [
            "* Server certificate:",
            f"*  subject: {_name_text(transfer.certificate.subject)}",
            f"*  issuer: {_name_text(transfer.certificate.issuer)}",
            f"*  SSL certificate verify {verified}",
        ]
    version = "2" if transfer.http2 else "1.x"
    lines += [
        f"* Connected to {url.host} ({address}) port {url.port}",
        f"* using HTTP/{version}",
        f"> {transfer.method} {url.target} HTTP/{version.replace('x', '1')}",
        *(f"> {name}: {value}" for name, value in transfer.sent),
        "> ",
        "* Request completely sent off",
    ]
    return "".join(line + "\n" for line in lines)


def _name_text(name: x509.Name) -> str:
    return "; ".join(
        f"{_LABELS.get(item.oid._name, item.oid._name)}={item.value!s}" for item in name
    )


def _ending(transfer: Transfer, status: int, message: str) -> str:
    """Return the messages of ``-v`` at the end of a transfer, which has failed if it has a status."""
    problem = f"* {message}\n" if status else ""
    if status in (0, 22):
        return f"{problem}* Connection #0 to host {transfer.url.host} left intact\n"
    return f"{problem}* closing connection #0\n"
