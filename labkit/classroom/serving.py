"""Start the server of a class, print its address, and end it in order."""

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

from labkit.core.errors import UsageError
from labkit.core.language import said, text
from labkit.core.sharing import ROOM, shared

from .connections import GuardedRunner, ignore_full_table, raise_descriptor_limit
from .server import SETTINGS, Classroom
from .store import Store


async def serve(
    store: Store,
    listen: str,
    port: int,
    site: Path | None,
    pem: tuple[Path | None, Path | None],
    say: Callable[[str], None],
) -> None:
    """Serve a class until the process gets SIGINT or SIGTERM.

    Args:
        store: The class.
        listen: The address to listen on.
        port: The port; 0 for any free one.
        site: A folder with a build of the lab's page, or None; it is served on the next port.
        pem: For https, the files of a certificate and its key.
        say: Gets the texts to print.

    Raises:
        UsageError: The address or the certificate cannot be used.
    """
    ended = asyncio.Event()
    classroom = Classroom(store, site)
    (certificate, key), tls = pem, ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        if certificate:
            tls.load_cert_chain(certificate, key)
    # SSLError is a subclass of OSError, so a file that is not PEM ends here as well.
    except OSError as error:
        todo = text("Give --certificate and --key the PEM files of a certificate and its key.")
        raise UsageError(
            text("The certificate {certificate} cannot be used.", certificate),
            why=str(error),
            todo=todo,
        ) from error
    # Streams end by themselves when the application shuts down, so one second is for slow
    # requests.
    raise_descriptor_limit()
    asyncio.get_running_loop().set_exception_handler(ignore_full_table)
    apps = [classroom.app(), *([classroom.site_app()] if site else [])]
    runners = [GuardedRunner(app, shutdown_timeout=1.0) for app in apps]
    for number, runner in enumerate(runners):
        await runner.setup()
        own = port and port + number
        try:
            await web.TCPSite(runner, listen, own, ssl_context=tls if certificate else None).start()
        except (OSError, OverflowError) as error:
            await asyncio.gather(*(each.cleanup() for each in runners))
            todo = text("Give an address of this machine, and a free --port.")
            raise UsageError(
                text("The class cannot listen on {listen}, port {port}.", listen, own),
                why=str(error),
                todo=todo,
            ) from error
    links = [address(listen, runner.addresses[0][1], certificate) for runner in runners]
    classroom.link, classroom.site_link = [*links, ""][:2]
    say(announcement(classroom, listen))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    with shared(ROOM) as share:
        sharing = asyncio.create_task(classroom.share(share or (lambda _asked: None)))
        await ended.wait()
        # First the server, whose shutdown ends the loop of sharing as well.
        await asyncio.gather(*(runner.cleanup() for runner in runners))
        await sharing
    say(SETTINGS["end"])


def announcement(classroom: Classroom, listen: str) -> str:
    """Return the text that the teacher reads when the class begins."""
    link = classroom.link
    code = classroom.store.code
    site = said(SETTINGS["site"]).format(site=classroom.site_link) if classroom.site else ""
    reach = said(SETTINGS["alone" if is_loopback(listen) else link.partition(":")[0]])
    text, classroom.picture = qr(f"{link}/vote#{code}")
    seen = {"qr": text or said(SETTINGS["no qr"]), "site": site, "reach": reach}
    return str(
        said(SETTINGS["start"]).format(
            link=link, code=code, key=classroom.store.teacher_key, **seen
        )
    )


def address(listen: str, port: int, certificate: Path | None = None) -> str:
    """Return the address for others, such as ``http://192.168.1.7:8440``; with a certificate, by a name in it."""
    host = own_address() if listen in ("0.0.0.0", "::") else listen
    host = certified_host(certificate, host) if certificate else host
    return f"{'https' if certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def certified_host(certificate: Path, host: str) -> str:
    """Return the host if a certificate names it; otherwise the certificate's first DNS name, if any."""
    from cryptography import x509

    with suppress(x509.ExtensionNotFound):
        extensions = x509.load_pem_x509_certificate(certificate.read_bytes()).extensions
        names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        hosts = [name for name in names.get_values_for_type(x509.DNSName) if "*" not in name]
        if hosts and host not in [*hosts, *map(str, names.get_values_for_type(x509.IPAddress))]:
            return hosts[0]
    return host


def own_address() -> str:
    """Return this machine's address in the network; loopback without a network. Sends no packet."""
    # connect on a UDP socket only chooses a route and, by it, the own address. 192.0.2.1 is reserved
    # for documentation (RFC 5737), so it is never a neighbour.
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return "127.0.0.1"


def is_loopback(listen: str) -> bool:
    """Return whether only this machine can reach this address."""
    with suppress(ValueError):
        return ipaddress.ip_address(listen).is_loopback
    return listen == "localhost"


def qr(link: str) -> tuple[str, str]:
    """Return a link's QR code as text of half blocks, and as a data URI; both empty without segno."""
    try:
        import segno
    except ImportError:
        return "", ""
    code = segno.make(link, error="m")
    text = io.StringIO()
    code.terminal(text, compact=True)
    return text.getvalue(), str(code.svg_data_uri(scale=6, border=3, light="#fff"))
