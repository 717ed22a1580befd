"""The server of a class: it listens, says where, and ends in order."""

from __future__ import annotations

import asyncio
import io
import ipaddress
import signal
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from labkit.classroom.server import SETTINGS, Classroom
from labkit.classroom.store import Store
from labkit.core.errors import UsageError
from labkit.core.language import said, text
from labkit.core.sharing import ROOM, shared


async def serve(
    store: Store,
    listen: str,
    port: int,
    site: Path | None,
    pem: tuple[Path | None, Path | None],
    say: Callable[[str], None],
) -> None:
    """Serve a class until the process gets SIGINT or SIGTERM; ``say`` takes what is printed.

    For https, ``pem`` has the files of a certificate and its key.

    Raises:
        UsageError: It cannot listen there, or not with this certificate.
    """
    ended, classroom = asyncio.Event(), Classroom(store, site)
    (certificate, key), tls = pem, ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        if certificate:
            tls.load_cert_chain(certificate, key)
    except OSError as error:  # SSLError is one
        todo = text("Give --certificate and --key the PEM files of a certificate and its key.")
        raise UsageError(
            text("The certificate {certificate} cannot be used.", certificate),
            why=str(error),
            todo=todo,
        ) from error
    runner = web.AppRunner(classroom.app(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, listen, port, ssl_context=tls if certificate else None).start()
    except (OSError, OverflowError) as error:
        await runner.cleanup()
        todo = text("Give an address of this machine, and a free --port.")
        raise UsageError(
            text("The class cannot listen on {listen}, port {port}.", listen, port),
            why=str(error),
            todo=todo,
        ) from error
    classroom.link = address(listen, runner.addresses[0][1], certificate)
    say(announcement(classroom, listen))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    with shared(ROOM) as share:
        sharing = asyncio.create_task(classroom.share(share or (lambda _asked: None)))
        await ended.wait()
        await runner.cleanup()
        await sharing
    say(SETTINGS["end"])


def announcement(classroom: Classroom, listen: str) -> str:
    """What the teacher reads when the class begins."""
    link, code = classroom.link, classroom.store.code
    site = said(SETTINGS["site"]).format(link=link) if classroom.site else ""
    reach = said(SETTINGS["alone" if is_loopback(listen) else link.partition(":")[0]])
    text, classroom.picture = qr(f"{link}/vote#{code}")
    seen = {"qr": text or said(SETTINGS["no qr"]), "site": site, "reach": reach}
    return str(
        said(SETTINGS["start"]).format(
            link=link, code=code, key=classroom.store.teacher_key, **seen
        )
    )


def address(listen: str, port: int, certificate: Path | None = None) -> str:
    """The address that others reach, such as ``http://192.168.1.7:8440``; with a certificate, by a name that it has."""
    host = own_address() if listen in ("0.0.0.0", "::") else listen
    host = certified_host(certificate, host) if certificate else host
    return f"{'https' if certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def certified_host(certificate: Path, host: str) -> str:
    """The host if a certificate has it, else the first DNS name that the certificate has, if it has one."""
    from cryptography import x509

    with suppress(x509.ExtensionNotFound):
        extensions = x509.load_pem_x509_certificate(certificate.read_bytes()).extensions
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = [name for name in names.get_values_for_type(x509.DNSName) if "*" not in name]
        if hosts and host not in [*hosts, *map(str, names.get_values_for_type(x509.IPAddress))]:
            return hosts[0]
    return host


def own_address() -> str:
    """The address by which this machine is in the network; loopback if it is in none. Nothing is sent."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return "127.0.0.1"


def is_loopback(listen: str) -> bool:
    """Whether only this machine reaches it."""
    with suppress(ValueError):
        return ipaddress.ip_address(listen).is_loopback
    return listen == "localhost"


def qr(link: str) -> tuple[str, str]:
    """The QR code of a link in half blocks, and as the address of a picture; empty without segno."""
    try:
        import segno
    except ImportError:
        return "", ""
    code, text = segno.make(link, error="m"), io.StringIO()
    code.terminal(text, compact=True)
    return text.getvalue(), str(code.svg_data_uri(scale=6, border=3, light="#fff"))
