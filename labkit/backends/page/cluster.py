"""The embedded cluster in this process, where there is no other: in a page of a browser.

It uses the same files as the server's process, in the page's file system. There is no thread, socket, fork
or lock. The clock moves when the cluster is asked.
"""

from __future__ import annotations

import hashlib
import io
import re
import ssl
from http.client import parse_headers
from pathlib import Path
from typing import Any

from labkit.backends.embedded import Embedded
from labkit.backends.inprocess import InProcess
from labkit.backends.page import storage
from labkit.client import kubeconfig, loopback, transport
from labkit.client.transport import Credentials, Endpoint
from labkit.core.home import changed
from labkit.embedded.apiserver.serving import pki
from labkit.embedded.apiserver.serving.head import encode
from labkit.embedded.apiserver.serving.logs import AuditFile
from labkit.embedded.apiserver.storage.sqlite import SQLiteStore
from labkit.embedded.machinery.request import Object, PeerCertificate, Request, Response, ShownCertificate
from labkit.embedded.process import open_cluster

HOST, PORT = "127.0.0.1", 6443
URL = f"https://{HOST}:{PORT}"
"""The cluster's address, which only this process knows."""

PEM = re.compile(f"{ssl.PEM_HEADER}.*?{ssl.PEM_FOOTER}", re.DOTALL)


class Running:
    """A cluster that runs in this process."""

    def __init__(self, home: Path, *, node: bool, era: str) -> None:
        self.home, self.node, self.era = home, node, era
        self.open()

    def open(self) -> None:
        """Open its files, and let its address lead to it."""
        admin = pki.make(self.home)
        self._audit = AuditFile(self.home / storage.AUDIT_LOG)
        self._cluster = open_cluster(self.home, self.node, self.era, self._log)
        self._cluster.address = URL.removeprefix("https://")
        conf = pki.write_admin_kubeconfig(self.home, self._cluster.keys, URL, admin)
        found = kubeconfig.load(conf, scratch=self.home)
        self._admin_pem = found.credentials.certificate.strip()
        fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(self._admin_pem)).hexdigest()
        self._admin = PeerCertificate(*pki.ADMIN, fingerprint)
        loopback.lead(HOST, PORT, self._respond, found.endpoint.ca)
        transport.local[URL] = self._connect
        self._revision = -1
        self._note_change()

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        self._cluster.advance()
        response = self._cluster.handle(request)
        self._note_change()
        return response

    def content(self) -> bytes:
        """The content of its database."""
        store = self._cluster.store
        assert isinstance(store, SQLiteStore)
        return store.serialized()

    def close(self) -> None:
        """Close its files; the objects stay."""
        self._cluster.close()
        self._audit.close()

    def _log(self, event: Object) -> None:
        self._audit(event)
        self._audit.flush()

    def _note_change(self) -> None:
        if self._revision != (now := self._cluster.store.revision):
            self._revision = now
            changed(self.home / storage.DATABASE)

    def _connect(self, endpoint: Endpoint, credentials: Credentials) -> InProcess:
        return InProcess(self.handle, self._certificate(credentials.certificate), endpoint)

    def _certificate(self, shown: str) -> PeerCertificate | ShownCertificate | None:
        if shown.strip().startswith(self._admin_pem):
            return self._admin
        return ShownCertificate(tuple(map(ssl.PEM_cert_to_DER_cert, PEM.findall(shown)))) if shown else None

    def _respond(self, request: bytes, shown: str) -> bytes:
        """Answer a request as it comes over a connection."""
        line, _, rest = request.partition(b"\r\n")
        method, target, _version = line.decode("latin-1").split(" ", 2)
        reader = io.BytesIO(rest)
        headers = parse_headers(reader).items()
        answer = InProcess(self.handle, self._certificate(shown)).answer(method, target, headers, reader.read())
        return encode(Response(answer.status, dict(answer.headers), answer.body), method)


class Page(Embedded):
    """The embedded cluster in this process; of the options, node and era count."""

    up, down = "Lab()", "lab.stop()"

    def _alive(self) -> bool:
        return self.home in storage.running

    def _answers(self) -> bool:
        return self._alive()

    def _state(self) -> dict[str, Any]:
        running = storage.running.get(self.home)
        return {"pid": "this page", "url": URL, "node": running.node, "era": running.era} if running else {}

    def _spawn(self) -> None:
        options = self.options
        storage.running[self.home] = Running(self.home, node=options.node is not False, era=options.era or "now")

    def _end(self, patience_seconds: float = 0.0) -> None:
        storage.running.pop(self.home).close()
