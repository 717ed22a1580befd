"""One transfer of curl: from a URL to a response, or to curl's error."""

import re
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

from cryptography import x509

from ...machinery.request import Request, Response
from ...machinery.status import REASONS
from ..files.inodes import FileError
from ..network import tls
from ..network.transport import Listener
from ..shell.process import Process
from .curl_options import USER_AGENT, Message
from .registry import NOT_SIMULATED, Failure

PORTS = {"http": 80, "https": 443}
"""The protocols that are served, and their ports."""

_LEFT_OUT = re.compile(
    r"dict|file|ftps?|gophers?|imaps?|ldaps?|mqtt|pop3s?|rtsp|scp|sftp|smbs?|smtps?|telnet|tftp|wss?"
)
"""Further protocols of the real curl."""

_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_URL = re.compile(r"(?:([a-zA-Z][a-zA-Z0-9+.-]*)://)?([^/?#]*)([^#]*).*", re.DOTALL)
_HOST = re.compile(r"(\[[0-9a-fA-F:.%]+\]|[^:]*)(?::(.*))?")
_HOP_HEADERS = frozenset(
    {"date", "content-length", "connection", "transfer-encoding", "keep-alive"}
)


@dataclass(slots=True)
class Url:
    """An address taken apart."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """The ``Host`` header."""
        return self.host if self.port == PORTS[self.scheme] else f"{self.host}:{self.port}"


def parse_url(text: str) -> Url:
    """Parse a URL; ``Failure`` if it is malformed or its protocol is not supported."""
    match = _URL.fullmatch(text)
    if match is None or re.search(r"[\x00-\x20\x7f]", text):
        raise Failure("URL rejected: Malformed input to a URL function", 3)
    scheme = (match[1] or "http").lower()
    if _LEFT_OUT.fullmatch(scheme):
        raise Failure(f"{scheme}://{NOT_SIMULATED}", 1)
    if scheme not in PORTS:
        raise Failure(f'Protocol "{scheme}" not supported', 1)
    authority = match[2]
    target = match[3]
    if "@" in authority:
        raise Failure(f"URL with a user{NOT_SIMULATED}", 3)
    parts = _HOST.fullmatch(authority)
    host, port = (parts[1], parts[2] or "") if parts else (authority, "")
    if not host:
        raise Failure("URL rejected: No host part in the URL", 3)
    if port and not (port.isdigit() and len(port) < 7 and int(port) < 65536):
        raise Failure("URL rejected: Port number was not a decimal number between 0 and 65535", 3)
    if not re.fullmatch(r"\[.*\]|[\w.%~!$&'()*+,;=-]+", host):
        raise Failure("URL rejected: Bad hostname", 3)
    path, mark, query = target.partition("?")
    number = int(port) if port else PORTS[scheme]
    return Url(scheme, unquote(host), number, _without_dots(path) + mark + query)


def _without_dots(path: str) -> str:
    """Resolve ``.`` and ``..`` (RFC 3986, 5.2.4), which curl does before it sends a path."""
    parts: list[str] = []
    for part in path.split("/")[1:]:
        if part == "..":
            del parts[-1:]
        elif part != ".":
            parts.append(part)
    if path.endswith(("/.", "/..")):
        parts.append("")
    return "/" + "/".join(parts)


@dataclass(slots=True)
class Transfer:
    """The course of a transfer, for ``-v`` and ``-w``.

    ``problem`` is OpenSSL's message about the certificate, if it is not good.
    """

    url: Url
    address: str = ""
    response: Response | None = None
    listener: Listener | None = None
    method: str = "GET"
    sent: list[tuple[str, str]] = field(default_factory=list)
    received: list[tuple[str, str]] = field(default_factory=list)
    certificate: x509.Certificate | None = None
    problem: str = ""
    body_sent: int = 0

    @property
    def http2(self) -> bool:
        """True if HTTP/2 was used, which the API server negotiates over TLS."""
        return self.certificate is not None

    @property
    def bare(self) -> bool:
        """True if plain HTTP was sent to a TLS port: the response of Go's server is then one line without headers."""
        certificates = self.listener.certificates if self.listener is not None else b""
        return self.url.scheme == "http" and bool(certificates)

    def head(self) -> list[str]:
        """Return the answer's head, line by line, without line ends."""
        status = self.response.status if self.response is not None else 0
        version = "HTTP/1.0" if self.bare else "HTTP/1.1"
        line = f"{version} {status} {REASONS.get(status, '')}"
        if self.http2:
            # HTTP/2 has no reason phrases; curl leaves the blank in front of it.
            line = f"HTTP/2 {status} "
        return [line, *(f"{name}: {value}" for name, value in self.received), ""]


def connect(process: Process, transfer: Transfer) -> Listener:
    """Find the server at the address, and check its certificate; ``Failure`` if either fails."""
    url = transfer.url
    network = process.system.network
    host = url.host.strip("[]")
    address = network.resolve(host)
    if address is None:
        raise Failure(f"Could not resolve host: {url.host}", 6)
    transfer.address = address
    listener = network.connect(address, url.port)
    if listener is None:
        raise Failure(
            f"Failed to connect to {host} port {url.port} after 0 ms: Could not connect to server",
            7,
        )
    transfer.listener = listener
    if url.scheme == "https":
        _check_certificate(process, transfer, listener)
    return listener


def _trusted(process: Process) -> bytes:
    """Read the trusted authorities: ``--cacert``, else ``CURL_CA_BUNDLE``, else the image's own."""
    named = process.value("cacert") or process.env.get("CURL_CA_BUNDLE")
    path = named or process.env.get("SSL_CERT_FILE") or _BUNDLE
    try:
        data = process.fs.read(path, process.cwd)
    except FileError:
        data = b""
    if named and not tls.load(data):
        raise Failure(f"error setting certificate file: {path}", 77)
    return data


def _check_certificate(process: Process, transfer: Transfer, listener: Listener) -> None:
    insecure = process.has("insecure")
    trusted = [] if insecure else tls.load(_trusted(process))
    served = tls.load(listener.certificates)
    if not served:
        raise Failure("TLS connect error: error:0A00010B:SSL routines::wrong version number", 35)
    transfer.certificate = served[0]
    transfer.problem = tls.verify_chain(served, trusted, process.system.now()) or ""
    if insecure:
        return
    # With -k the problem is only printed (-v).
    if transfer.problem:
        raise Failure(f"SSL certificate problem: {transfer.problem}", 60)
    host = transfer.url.host.strip("[]")
    if not tls.matches_host(served[0], host):
        kind = "ipv4 address" if re.fullmatch(r"[\d.]+", host) else "hostname"
        raise Failure(
            f"SSL: no alternative certificate subject name matches target {kind} '{host}'", 60
        )


def build_request(process: Process, message: Message, transfer: Transfer) -> Request:
    """Return the request as it is sent."""
    url = transfer.url
    body = message.body
    usual = "GET" if body is None else "POST"
    transfer.method = process.value("request") or ("HEAD" if process.has("head") else usual)
    transfer.body_sent = len(body or b"")
    own = {
        "Host": url.authority,
        "User-Agent": dict(process.flags).get("user-agent", USER_AGENT),
        "Accept": "*/*",
    }
    if body is not None:
        own["Content-Length"] = str(len(body))
        own["Content-Type"] = "application/x-www-form-urlencoded"
    # A header given with -H replaces curl's own, and removes it if it is empty.
    replaced = {name.lower() for name, _ in message.headers}
    headers = [(name, value) for name, value in own.items() if name.lower() not in replaced]
    headers += [header for header in message.headers if header[1]]
    transfer.sent = headers
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    path, _, query = url.target.partition("?")
    return Request(
        method=transfer.method,
        path=unquote(path),
        # The number of fields is limited, because an address can have thousands.
        query=parse_qs(query, keep_blank_values=True, max_num_fields=200),
        headers={name: ", ".join(repeated) for name, repeated in values.items()},
        body=body or b"",
        source_ip=process.system.network.address,
        raw_uri=url.target,
        header_values=values,
    )


def response_headers(process: Process, transfer: Transfer) -> list[tuple[str, str]]:
    """Return the answer's headers in the order and case in which Go's server sends them."""
    response = transfer.response
    listener = transfer.listener
    if response is None or listener is None or transfer.bare:
        return []
    fields = {name.lower(): value for name, value in response.headers.items()}
    if listener.server in ("apiserver", "proxy"):
        fields.pop("server", None)
    pairs = sorted(item for item in fields.items() if item[0] not in _HOP_HEADERS)
    if "warning" not in fields:
        pairs += [("warning", f'299 - "{text}"') for text in response.warnings]
    moment = time.gmtime(process.system.now())
    tail = [("date", time.strftime("%a, %d %b %Y %H:%M:%S GMT", moment))]
    if response.stream is None:
        tail.insert(0, ("content-length", str(len(response.body))))
    if transfer.http2:
        return pairs + tail
    # Go writes its own headers behind the handler's; a proxy copies all of them into one sorted map.
    pairs = sorted(pairs + tail) if listener.server == "proxy" else pairs + tail[::-1]
    return [
        ("-".join(part.capitalize() for part in name.split("-")), value) for name, value in pairs
    ]
