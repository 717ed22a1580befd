"""``python -m benchmarks.bare PKI FOLDER``: an aiohttp server that answers fixed bytes."""

from __future__ import annotations

import asyncio
import socket
import ssl
import sys
from pathlib import Path

from aiohttp import web


async def serve(pki: Path, folder: Path) -> None:
    """Answer the bytes in ``FOLDER/body`` to everything, and write the port to ``FOLDER/port``."""
    body = (folder / "body").read_bytes()
    headers = {"Content-Type": "application/json", "Cache-Control": "no-cache, private"}

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(body=body, headers=headers)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki / "apiserver.crt", pki / "apiserver.key")
    context.load_verify_locations(pki / "ca.crt")
    context.verify_mode = ssl.CERT_OPTIONAL
    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    await web.SockSite(runner, listener, ssl_context=context).start()
    (folder / "port.new").write_text(str(listener.getsockname()[1]))
    (folder / "port.new").rename(folder / "port")
    await asyncio.Event().wait()


def main() -> None:
    """Serve with uvloop, as the embedded server does where there is one."""
    pki, folder = Path(sys.argv[1]), Path(sys.argv[2])
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(pki, folder))
    else:
        uvloop.run(serve(pki, folder))


if __name__ == "__main__":
    main()
