"""Run the embedded cluster in the lab's own process, for a page of a browser, which has no other one.

It uses the same files as the server's process, in the page's file system, without threads, sockets, forks
and locks. Its clock moves with each request.
"""

import hashlib
import io
import re
import ssl
from http.client import parse_headers
from pathlib import Path

from kube_embedded import (
    ADMIN,
    AuditFile,
    PeerCertificate,
    Request,
    Response,
    ShownCertificate,
    SQLiteStore,
    encode,
    make_keys,
    open_cluster,
    write_admin_kubeconfig,
)
from kube_embedded.rbac.objects import Object
from labkit.client import kubeconfig
from labkit.client.transport import Credentials, Endpoint
from labkit.core.home import CLUSTER, changed

from ..inprocess import InProcess
from .loopback import Loopback
from .snapshot import AUDIT_LOG, DATABASE

HOST, PORT = "127.0.0.1", 6443
URL = f"https://{HOST}:{PORT}"
"""The cluster's address, which is valid in this process only."""

PEM = re.compile(f"{ssl.PEM_HEADER}.*?{ssl.PEM_FOOTER}", re.DOTALL)


class PageCluster:
    """A cluster that runs in this process.

    Args:
        home: The directory of its state.
        loopback: The table for the route to its address.
        node: False leaves the node out.
        era: ``now`` or ``1.20``.
    """

    url = URL

    def __init__(self, home: Path, loopback: Loopback, *, node: bool, era: str) -> None:
        self.home = home
        self.node = node
        self.era = era
        self._routes = loopback.routes
        self.open()

    def open(self) -> None:
        """Open its files and its address."""
        admin = make_keys(self.home)
        self._audit = AuditFile(self.home / AUDIT_LOG)
        self._cluster = open_cluster(self.home, self.node, self.era, self._log, CLUSTER)
        self._cluster.address = URL.removeprefix("https://")
        conf = write_admin_kubeconfig(self.home, self._cluster.keys, URL, admin, name=CLUSTER)
        context = kubeconfig.load(conf, scratch=self.home)
        self._admin_pem = context.credentials.certificate.strip()
        fingerprint = hashlib.sha256(ssl.PEM_cert_to_DER_cert(self._admin_pem)).hexdigest()
        self._admin = PeerCertificate(*ADMIN, fingerprint)
        self._routes[HOST, PORT] = self._respond, context.endpoint.ca
        # No revision of a store, so the first change is always noted.
        self._revision = -1
        self._note_change()

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        # A page has no thread that could run the controllers between requests.
        self._cluster.advance()
        response = self._cluster.handle(request)
        self._note_change()
        return response

    def database(self) -> bytes:
        """Return the content of its database."""
        store = self._cluster.store
        assert isinstance(store, SQLiteStore)
        return store.serialized()

    def close(self) -> None:
        """Close its files and its address; the objects stay."""
        self._routes.pop((HOST, PORT), None)
        self._cluster.close()
        self._audit.close()

    def _log(self, event: Object) -> None:
        self._audit(event)
        self._audit.flush()

    def _note_change(self) -> None:
        if self._revision != (now := self._cluster.store.revision):
            self._revision = now
            changed(self.home / DATABASE)

    def connect(self, endpoint: Endpoint, credentials: Credentials) -> InProcess:
        """Return a transport that calls it."""
        return InProcess(self.handle, self._certificate(credentials.certificate), endpoint)

    def _certificate(self, presented_pem: str) -> PeerCertificate | ShownCertificate | None:
        # The lab's own requests have this certificate, and it need not be parsed for each of them.
        if presented_pem.strip().startswith(self._admin_pem):
            return self._admin
        chain = tuple(map(ssl.PEM_cert_to_DER_cert, PEM.findall(presented_pem)))
        return ShownCertificate(chain) if chain else None

    def _respond(self, request: bytes, presented_pem: str) -> bytes:
        """Answer a request as it comes over a connection."""
        line, _, rest = request.partition(b"\r\n")
        method, target, _version = line.decode("latin-1").split(" ", 2)
        reader = io.BytesIO(rest)
        headers = parse_headers(reader).items()
        answer = InProcess(self.handle, self._certificate(presented_pem)).answer(
            method, target, headers, reader.read()
        )
        return encode(Response(answer.status, dict(answer.sent_headers), answer.body), method)
