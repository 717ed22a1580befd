"""The messages of ``curl -v``, and its progress meter."""

from __future__ import annotations

from datetime import datetime

from cryptography import x509

from labkit.embedded.container.network.tls import matches_host
from labkit.embedded.container.programs.curl_transfer import Transfer

_EMPTY = "  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0"
PROGRESS_HEAD = (
    "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n"
    f"                                 Dload  Upload   Total   Spent    Left  Speed\n\r{_EMPTY}"
)
"""The meter's title and its first row."""


def progress(received: int, sent: int, *, failed: bool) -> str:
    """The meter's last row."""
    if failed and not received:
        return "\r" + _EMPTY + "\n"
    total = _short(received + sent)
    percent = 100 if received + sent else 0
    down, up = percent if received else 0, 100 if sent else 0
    return (
        f"\r{percent:3} {total}  {down:3} {_short(received)}  {up:3} {_short(sent)}"
        f"  {_short(received * 300, 5)}  {_short(sent * 300, 5)} --:--:-- --:--:-- --:--:-- {_short(received * 300)}\n"
    )


def _short(number: int, width: int = 5) -> str:
    if number < 100_000:
        return f"{number:{width}}"
    if number < 10_000 * 1024:
        return f"{number // 1024:{width - 1}}k"
    return f"{number // (1 << 20):{width - 1}}M"


def connected(transfer: Transfer) -> str:
    """The messages from the look-up to the end of the handshake."""
    url = transfer.url
    lines: list[str] = []
    if url.host != transfer.address:
        lines += [f"* Host {url.host}:{url.port} was resolved.", "* IPv6: (none)", f"* IPv4: {transfer.address}"]
    lines.append(f"*   Trying {transfer.address}:{url.port}...")
    if transfer.certificate is not None:
        lines += _handshake(transfer)
    lines.append(f"* Connected to {url.host} ({transfer.address}) port {url.port}")
    lines.append("* using HTTP/2" if transfer.http2 else "* using HTTP/1.x")
    return "\n".join(lines) + "\n"


def _handshake(transfer: Transfer) -> list[str]:
    certificate = transfer.certificate
    lines = ["* ALPN: curl offers h2,http/1.1", "* TLSv1.3 (OUT), TLS handshake, Client hello (1):"]
    if transfer.bundle:
        lines += [f"*  CAfile: {transfer.bundle}", "*  CApath: /etc/ssl/certs"]
    received = ("Server hello (2)", "Encrypted Extensions (8)", "Request CERT (13)", "Certificate (11)")
    lines += [f"* TLSv1.3 (IN), TLS handshake, {step}:" for step in received]
    if certificate is None:
        return lines
    lines += [
        "* TLSv1.3 (IN), TLS handshake, CERT verify (15):",
        "* TLSv1.3 (IN), TLS handshake, Finished (20):",
        "* TLSv1.3 (OUT), TLS change cipher, Change cipher spec (1):",
        "* TLSv1.3 (OUT), TLS handshake, Certificate (11):",
        "* TLSv1.3 (OUT), TLS handshake, Finished (20):",
        "* SSL connection using TLSv1.3 / TLS_AES_128_GCM_SHA256",
        f"* ALPN: server accepted {'h2' if transfer.http2 else 'http/1.1'}",
        "* Server certificate:",
        f"*  subject: {_name(certificate.subject)}",
        f"*  start date: {_date(certificate.not_valid_before_utc)}",
        f"*  expire date: {_date(certificate.not_valid_after_utc)}",
    ]
    host = transfer.url.host.strip("[]")
    if transfer.bundle and matches_host(certificate, host):
        kind, lead = ("address", "IP ") if host[:1].isdigit() else ("host", "")
        lines.append(f'*  subjectAltName: {kind} "{host}" matched cert\'s {lead}"{host}"')
    lines.append(f"*  issuer: {_name(certificate.issuer)}")
    codes = {"self-signed certificate in certificate chain": 19, "self-signed certificate": 18}
    failed = f"result: {transfer.problem} ({codes.get(transfer.problem, 20)}), continuing anyway."
    result = "ok." if transfer.verified else failed
    lines.append(f"*  SSL certificate verify {result}")
    return lines


def _name(name: x509.Name) -> str:
    labels = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU"}
    return "; ".join(f"{labels.get(item.oid._name, item.oid._name)}={item.value!s}" for item in name)


def _date(moment: datetime) -> str:
    return f"{moment:%b} {moment.day:2} {moment:%H:%M:%S %Y} GMT"


def sending(transfer: Transfer) -> str:
    """The request's head."""
    url = transfer.url
    lines: list[str] = []
    version = "HTTP/1.1"
    if transfer.http2:
        version = "HTTP/2"
        lines.append(f"* [HTTP/2] [1] OPENED stream for {url.scheme}://{url.authority}{url.target}")
        pseudo = [(":method", transfer.method), (":scheme", url.scheme)]
        pseudo += [(":authority", url.authority), (":path", transfer.target)]
        others = [(name.lower(), value) for name, value in transfer.sent if name.lower() != "host"]
        lines += [f"* [HTTP/2] [1] [{name}: {value}]" for name, value in pseudo + others]
    lines.append(f"> {transfer.method} {transfer.target} {version}")
    lines += [f"> {name}: {value}" for name, value in transfer.sent]
    lines.append("> ")
    sent = transfer.body_sent
    lines.append(f"* upload completely sent off: {sent} bytes" if sent else "* Request completely sent off")
    return "\n".join(lines) + "\n"


def ended(transfer: Transfer, status: int, message: str) -> str:
    """The messages at the end of a transfer, which has failed if it has a status."""
    url = transfer.url
    if not status:
        return f"* Connection #0 to host {url.host} left intact\n"
    if status == 6:
        return f"* {message}\n* shutting down connection #0\n"
    lines = [f"*   Trying {transfer.address}:{url.port}..."]
    if status == 7:
        lines += [f"* connect to {transfer.address} port {url.port} failed: Connection refused", f"* {message}"]
    elif status == 60:
        lines += _handshake(transfer)[: 8 if transfer.bundle else 3]
        lines += ["* TLSv1.3 (OUT), TLS alert, unknown CA (560):", f"* {message}"]
    if status in (7, 60):
        return "\n".join([*lines, "* closing connection #0"]) + "\n"
    if status == 22:
        return f"* {message}\n* Connection #0 to host {url.host} left intact\n"
    return f"* {message}\n* closing connection #0\n"
