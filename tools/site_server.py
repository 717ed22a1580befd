"""Serve the built site on loopback, as a static host does: compressed, below a path.

python -m tools.site_server              build/site at http://127.0.0.1:8010/labkit/
python -m tools.site_server --port 0     the same at a free port
"""

from __future__ import annotations

import argparse
import gzip
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tools.notebooks import ROOT
from tools.site import COMPRESSED_ALREADY

PREFIX = "/labkit/"


class StaticSite(ThreadingHTTPServer):
    """A static host on loopback.

    Args:
        folder: The built site.
        port: 0 takes a free one.
        prefix: The path below which the site lies.
    """

    daemon_threads = True

    def __init__(self, folder: Path, port: int = 0, prefix: str = PREFIX) -> None:
        super().__init__(("127.0.0.1", port), partial(_Handler, folder, prefix))
        self.url = f"http://127.0.0.1:{self.server_port}{prefix}"
        self.sent: list[tuple[str, int]] = []
        """Each file that was sent, and its bytes on the wire."""

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that has gone is no error; anything else is."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]  # what the server passes on


@contextmanager
def served(folder: Path) -> Iterator[StaticSite]:
    """Serve a site in a thread during the block."""
    with StaticSite(folder) as host:
        threading.Thread(target=host.serve_forever, daemon=True).start()
        yield host
        host.shutdown()


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: StaticSite

    def __init__(self, folder: Path, prefix: str, *arguments: object) -> None:
        self.folder, self.prefix = folder, prefix
        super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]  # what the server passes on

    def do_GET(self) -> None:
        """Send a file, compressed unless it is already."""
        path = unquote(urlsplit(self.path).path)
        file = self.folder / path.removeprefix(self.prefix)
        if path.endswith("/"):
            file = file / "index.html"
        if not path.startswith(self.prefix) or ".." in path or not file.is_file():
            return self.send_error(HTTPStatus.NOT_FOUND)
        squeeze = file.suffix not in COMPRESSED_ALREADY and "gzip" in self.headers.get(
            "Accept-Encoding", ""
        )
        content = compressed(file, file.stat().st_mtime_ns) if squeeze else file.read_bytes()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", self.guess_type(file))
        self.send_header("Cache-Control", "max-age=600")  # as GitHub's pages have it
        if squeeze:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.server.sent.append((path.removeprefix(self.prefix), len(content)))
        return None

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@cache
def compressed(file: Path, _changed: int) -> bytes:
    """A file's bytes, compressed once."""
    return gzip.compress(file.read_bytes(), 6)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description="Serve the built site on loopback.")
    parser.add_argument("--port", type=int, default=8010)
    folder = ROOT / "build" / "site"
    if not (folder / "index.html").is_file():
        print("There is no site in build/site: run `make site` first.", file=sys.stderr)
        return 1
    port = parser.parse_args(arguments).port
    try:
        server = StaticSite(folder, port)
    except OSError as error:
        print(
            f"Port {port} cannot be used ({error.strerror}). Choose another: make site-serve PORT=0",
            file=sys.stderr,
        )
        return 1
    with server:
        print(f"{server.url} (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
