"""What curl takes an address to be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from labkit.embedded.container.programs.options import NOT_SIMULATED


class TransferError(Exception):
    """The transfer failed.

    Args:
        status: curl's exit status.
        message: What it says, without its name.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(slots=True)
class Url:
    """An address taken apart."""

    text: str
    scheme: str
    host: str
    port: int
    target: str
    user: str = ""

    @property
    def path(self) -> str:
        """The path as it is sent."""
        return self.target.partition("?")[0]

    @property
    def authority(self) -> str:
        """The ``Host`` header."""
        usual = {"http": 80, "https": 443}.get(self.scheme)
        return self.host if self.port == usual else f"{self.host}:{self.port}"


def parse_url(text: str, *, as_is: bool = False) -> Url:
    """Read an address.

    Raises:
        TransferError: It is none, or its protocol is not served.
    """
    match = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*)://", text)
    scheme = match[1].lower() if match else "http"
    rest = text[match.end() :] if match else text
    if any(ord(char) <= 32 or ord(char) == 127 for char in text):
        raise TransferError(3, "URL rejected: Malformed input to a URL function")
    if scheme == "file":
        raise TransferError(1, f"file://{NOT_SIMULATED}")
    if scheme not in ("http", "https"):
        raise TransferError(1, f'Protocol "{scheme}" not supported')
    rest = rest.partition("#")[0]
    split = re.search(r"[/?]", rest)
    authority, target = (rest[: split.start()], rest[split.start() :]) if split else (rest, "")
    user, at, host_port = authority.rpartition("@")
    host, port_text = host_port, ""
    found = re.fullmatch(r"(\[[0-9a-fA-F:.%]+\])(?::(.*))?", host_port)
    if found is not None:
        host, port_text = found[1], found[2] or ""
    elif ":" in host_port:
        host, _, port_text = host_port.partition(":")
    if not host:
        raise TransferError(3, "URL rejected: No host part in the URL")
    if port_text and not (port_text.isdigit() and len(port_text) < 7 and int(port_text) < 65536):
        raise TransferError(3, "URL rejected: Port number was not a decimal number between 0 and 65535")
    if not found and not re.fullmatch(r"[\w.%~!$&'()*+,;=-]+", host):
        raise TransferError(3, "URL rejected: Bad hostname")
    if target.startswith("?") or not target:
        target = "/" + target
    if not as_is:
        target = _without_dots(target)
    port = int(port_text) if port_text else 443 if scheme == "https" else 80
    return Url(text, scheme, unquote(host), port, target, unquote(user) if at else "")


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
