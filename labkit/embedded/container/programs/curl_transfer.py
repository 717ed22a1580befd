"""One transfer of curl: from a URL to a response, or to curl's error."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

from cryptography import x509

from labkit.embedded.container.files.inodes import FileError
from labkit.embedded.container.network import tls
from labkit.embedded.container.network.transport import Listener
from labkit.embedded.container.programs.curl_options import USER_AGENT, CurlOptions
from labkit.embedded.container.programs.options import NOT_SIMULATED
from labkit.embedded.container.shell.process import Process
from labkit.embedded.container.shell.streams import decode
from labkit.embedded.machinery.request import Request, Response
from labkit.embedded.machinery.status import REASONS


class TransferError(Exception):
    """The transfer failed; carries curl's exit status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


PORTS = {"http": 80, "https": 443}
"""The protocols that are served, and their ports."""

_LEFT_OUT = frozenset({
    "dict", "file", "ftp", "ftps", "gopher", "gophers", "imap", "imaps", "ldap", "ldaps", "mqtt", "pop3", "pop3s",
    "rtsp", "scp", "sftp", "smb", "smbs", "smtp", "smtps", "telnet", "tftp", "ws", "wss",
})  # fmt: skip
"""Further protocols of the real curl."""


@dataclass(slots=True)
class Url:
    """An address taken apart."""

    scheme: str
    host: str
    port: int
    target: str
    fragment: str = ""
    explicit_port: bool = False

    @property
    def effective(self) -> str:
        """The whole address, as curl writes it."""
        port = f":{self.port}" if self.explicit_port else ""
        return f"{self.scheme}://{self.host}{port}{self.target}{self.fragment}"

    @property
    def authority(self) -> str:
        """The ``Host`` header."""
        return self.host if self.port == PORTS[self.scheme] else f"{self.host}:{self.port}"


def append_query(target: str, data: bytes) -> str:
    """A request target with the data of ``-G``."""
    return target + ("?" if "?" not in target else "" if target[-1] in "?&" else "&") + decode(data)


def parse_url(text: str) -> Url:
    """Parse a URL; ``TransferError`` if it is malformed or its protocol is not supported."""
    match = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*)://", text)
    scheme = match[1].lower() if match else "http"
    rest = text[match.end() :] if match else text
    if any(ord(char) <= 32 or ord(char) == 127 for char in text):
        raise TransferError(3, "URL rejected: Malformed input to a URL function")
    if scheme in _LEFT_OUT:
        raise TransferError(1, f"{scheme}://{NOT_SIMULATED}")
    if scheme not in PORTS:
        raise TransferError(1, f'Protocol "{scheme}" not supported')
    rest, mark, fragment = rest.partition("#")
    split = re.search(r"[/?]", rest)
    authority, target = (rest[: split.start()], rest[split.start() :]) if split else (rest, "")
    _, credentials, host_port = authority.rpartition("@")
    if credentials:
        raise TransferError(3, f"URL with a user{NOT_SIMULATED}")
    host, port_text = host_port, ""
    ipv6 = re.fullmatch(r"(\[[0-9a-fA-F:.%]+\])(?::(.*))?", host_port)
    if ipv6 is not None:
        host, port_text = ipv6[1], ipv6[2] or ""
    elif ":" in host_port:
        host, _, port_text = host_port.partition(":")
    if not host:
        raise TransferError(3, "URL rejected: No host part in the URL")
    if port_text and not (port_text.isdigit() and len(port_text) < 7 and int(port_text) < 65536):
        raise TransferError(
            3, "URL rejected: Port number was not a decimal number between 0 and 65535"
        )
    if not ipv6 and not re.fullmatch(r"[\w.%~!$&'()*+,;=-]+", host):
        raise TransferError(3, "URL rejected: Bad hostname")
    if target.startswith("?") or not target:
        target = "/" + target
    port = int(port_text) if port_text else PORTS[scheme]
    return Url(scheme, unquote(host), port, _without_dots(target), mark + fragment, bool(port_text))


def _without_dots(target: str) -> str:
    path, mark, query = target.partition("?")
    out: list[str] = []
    for part in path.split("/")[1:]:
        if part == "..":
            out = out[:-1]
        elif part != ".":
            out.append(part)
    if path.endswith(("/.", "/..")):
        out.append("")
    return "/" + "/".join(out) + mark + query


@dataclass(slots=True)
class Transfer:
    """What happened, for ``-v`` and ``-w``.

    ``verified`` says whether the certificate of the server was good, None without TLS, and ``problem`` why not.
    """

    url: Url
    address: str = ""
    response: Response | None = None
    listener: Listener | None = None
    method: str = "GET"
    sent: list[tuple[str, str]] = field(default_factory=list)
    received: list[tuple[str, str]] = field(default_factory=list)
    certificate: x509.Certificate | None = None
    verified: bool | None = None
    problem: str = ""
    bundle: str = ""
    http1: bool = False
    body_sent: int = 0

    @property
    def http2(self) -> bool:
        """Whether HTTP/2 was used, which the API server negotiates over TLS."""
        return self.verified is not None and not self.http1

    def header(self, name: str) -> str:
        """A header of the answer, empty if it has none."""
        return next((value for key, value in self.received if key.lower() == name), "")

    @property
    def bare(self) -> bool:
        """Whether plain HTTP was sent to a TLS port: Go's server then answers with one line and no headers."""
        return (
            self.url.scheme == "http"
            and self.listener is not None
            and bool(self.listener.certificates)
        )

    @property
    def status_line(self) -> str:
        """``HTTP/2 200`` or ``HTTP/1.1 200 OK``."""
        status = self.response.status if self.response is not None else 0
        if self.http2:
            return f"HTTP/2 {status} "
        return f"HTTP/{'1.0' if self.bare else '1.1'} {status} {REASONS.get(status, '')}"


def connect(process: Process, options: CurlOptions, transfer: Transfer) -> Listener:
    """Find the server at the address, and check its certificate; ``TransferError`` if either fails."""
    url = transfer.url
    network = process.system.network
    pinned = options.resolve.get((url.host.lower(), str(url.port)))
    address = pinned or network.resolve(
        url.host.strip("[]") if url.host != "[::1]" else "localhost"
    )
    if address is None:
        raise TransferError(6, f"Could not resolve host: {url.host}")
    transfer.address = address
    listener = network.connect(address, url.port)
    if listener is None:
        raise TransferError(
            7,
            f"Failed to connect to {url.host.strip('[]')} port {url.port} after 0 ms: Could not connect to server",
        )
    transfer.listener = listener
    if url.scheme == "https":
        if not listener.certificates:
            raise TransferError(
                35, "TLS connect error: error:0A00010B:SSL routines::wrong version number"
            )
        _check_certificate(process, options, transfer, listener)
    return listener


def _bundle(process: Process, options: CurlOptions) -> tuple[str, bytes]:
    """The trusted authorities: ``--cacert``, else ``CURL_CA_BUNDLE``, else the image's own."""
    name = (
        options.values.get("cacert")
        or process.env.get("CURL_CA_BUNDLE")
        or process.env.get("SSL_CERT_FILE")
    )
    named = bool(options.values.get("cacert") or process.env.get("CURL_CA_BUNDLE"))
    path = name or "/etc/ssl/certs/ca-certificates.crt"
    try:
        data = process.fs.read(path, process.cwd)
    except FileError:
        if named:
            raise TransferError(77, f"error setting certificate file: {path}") from None
        return path, b""
    if named and not tls.load(data):
        raise TransferError(77, f"error setting certificate file: {path}")
    return path, data


def _check_certificate(
    process: Process, options: CurlOptions, transfer: Transfer, listener: Listener
) -> None:
    if options.has("insecure"):
        bundle = b""
    else:
        transfer.bundle, bundle = _bundle(process, options)
    served = tls.load(listener.certificates)
    if not served:
        raise TransferError(35, "TLS connect error: error:00000000:lib(0)::reason(0)")
    transfer.certificate = served[0]
    problem = tls.verify_chain(served, tls.load(bundle), process.system.now())
    transfer.verified = problem is None
    transfer.problem = problem or ""
    if options.has("insecure"):
        return
    if problem is not None:
        raise TransferError(60, f"SSL certificate problem: {problem}")
    host = transfer.url.host.strip("[]")
    if not tls.matches_host(served[0], host):
        kind = (
            "ipv4 address"
            if re.fullmatch(r"[\d.]+", host)
            else "ipv6 address"
            if ":" in host
            else "hostname"
        )
        raise TransferError(
            60, f"SSL: no alternative certificate subject name matches target {kind} '{host}'"
        )


def build_request(process: Process, options: CurlOptions, transfer: Transfer) -> Request:
    """The request as it is sent."""
    url = transfer.url
    body = None if options.has("get") else options.body
    target = url.target
    usual = "HEAD" if options.has("head") else "GET" if body is None else "POST"
    method = options.values.get("request", usual)
    headers: list[tuple[str, str]] = [("Host", url.authority)]
    headers.append(("User-Agent", options.values.get("user-agent", USER_AGENT)))
    headers.append(("Accept", "application/json" if options.has("json") else "*/*"))
    if options.has("compressed"):
        headers.append(("Accept-Encoding", "identity"))
    if body is not None:
        headers.append(("Content-Length", str(len(body))))
        headers.append(("Content-Type", options.body_type))
    for name, value in options.headers:
        headers = [item for item in headers if item[0].lower() != name.lower()]
        if value:
            headers.append((name, value.replace("\0", "")))
    names = [name.lower() for name, value in options.headers if value]
    for name, value in options.headers:
        if value and names.count(name.lower()) > 1 and (name, value) not in headers:
            headers.append((name, value))
    transfer.method, transfer.sent, transfer.body_sent = method, headers, len(body or b"")
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    return Request(
        method=method,
        path=unquote(target.partition("?")[0]),
        query=parse_qs(target.partition("?")[2], keep_blank_values=True, max_num_fields=200),
        headers={name: ", ".join(repeated) for name, repeated in values.items()},
        body=body or b"",
        source_ip=process.system.network.address,
        raw_uri=target,
        header_values=values,
    )


def response_headers(process: Process, transfer: Transfer) -> list[tuple[str, str]]:
    """The answer's headers in the order and case in which Go's server sends them."""
    response = transfer.response
    if response is None or transfer.bare:
        return []
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(process.system.now()))
    fields = {name.lower(): value for name, value in response.headers.items()}
    for hop in (
        "date",
        "content-length",
        "connection",
        "transfer-encoding",
        "server",
        "keep-alive",
    ):
        if not (
            hop == "server"
            and transfer.listener is not None
            and transfer.listener.server not in ("apiserver", "proxy")
        ):
            fields.pop(hop, None)
    pairs = sorted(fields.items())
    pairs += [
        ("warning", f'299 - "{text}"') for text in response.warnings if "warning" not in fields
    ]
    tail: list[tuple[str, str]] = []
    if response.stream is None:
        tail.append(("content-length", str(len(response.body))))
    tail.append(("date", date))
    if transfer.http2:
        return pairs + tail
    if transfer.listener is not None and transfer.listener.server == "proxy":
        pairs = sorted(pairs + tail)
    else:
        pairs = pairs + tail[::-1]
    return [
        ("-".join(part.capitalize() for part in name.split("-")), value) for name, value in pairs
    ]


def header_block(transfer: Transfer) -> list[str]:
    """The answer's head, line by line, without line ends."""
    return [transfer.status_line, *(f"{name}: {value}" for name, value in transfer.received), ""]
