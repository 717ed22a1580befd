"""The messages of ``curl -v``, and its progress meter."""

from __future__ import annotations

from cryptography import x509

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
    """The messages from the look-up to the connection."""
    url = transfer.url
    lines: list[str] = []
    if url.host != transfer.address:
        lines += [
            f"* Host {url.host}:{url.port} was resolved.",
            "* IPv6: (none)",
            f"* IPv4: {transfer.address}",
        ]
    lines.append(f"*   Trying {transfer.address}:{url.port}...")
    if transfer.certificate is not None:
        problem = f"result: {transfer.problem}, continuing anyway."
        lines += [
            "* Server certificate:",
            f"*  subject: {_name(transfer.certificate.subject)}",
            f"*  issuer: {_name(transfer.certificate.issuer)}",
            f"*  SSL certificate verify {'ok.' if transfer.verified else problem}",
        ]
    lines.append(f"* Connected to {url.host} ({transfer.address}) port {url.port}")
    lines.append("* using HTTP/2" if transfer.http2 else "* using HTTP/1.x")
    return "\n".join(lines) + "\n"


def _name(name: x509.Name) -> str:
    labels = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU"}
    return "; ".join(
        f"{labels.get(item.oid._name, item.oid._name)}={item.value!s}" for item in name
    )


def sending(transfer: Transfer) -> str:
    """The request's head."""
    lines = [
        f"> {transfer.method} {transfer.url.target} {'HTTP/2' if transfer.http2 else 'HTTP/1.1'}"
    ]
    lines += [f"> {name}: {value}" for name, value in transfer.sent]
    lines += ["> ", "* Request completely sent off"]
    return "\n".join(lines) + "\n"


def ended(transfer: Transfer, status: int, message: str) -> str:
    """The messages at the end of a transfer, which has failed if it has a status."""
    lines = [f"* {message}"] if status else []
    intact = status in (0, 22)
    lines.append(
        f"* Connection #0 to host {transfer.url.host} left intact"
        if intact
        else "* closing connection #0"
    )
    return "\n".join(lines) + "\n"
