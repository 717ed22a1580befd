"""Send one recorded request: over HTTPS as a real client would, or straight into ``handle()``."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import yaml

from kube_embedded.apiserver.serving.inprocess import ask
from kube_embedded.cluster import Cluster
from kube_embedded.machinery.request import PeerCertificate
from tests.parity.certificates import Authority
from tests.parity.model import Answer


@dataclass(frozen=True)
class Credential:
    """How a caller shows who they are: a client certificate, a bearer token, or neither."""

    user: str = ""
    groups: tuple[str, ...] = ()
    token: str | None = None
    admin: bool = False


@dataclass(frozen=True)
class Call:
    """A request whose variables are filled in."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Transport(Protocol):
    """A way to a cluster."""

    names: Mapping[str, str]
    """Literal strings of this server to mask, such as its address."""

    def send(self, credential: Credential, call: Call) -> Answer:
        """One request and its whole answer; a watch is read to its end."""

    def close(self) -> None:
        """Hang up."""


class Https:
    """A transport over TLS, with one connection for each credential.

    Args:
        kubeconfig: Path of an admin kubeconfig with a client certificate or a token.
        authority: The cluster's CA, to make other users' certificates; None when it is
            not at hand, and then ``user:`` identities cannot be replayed.
    """

    def __init__(self, kubeconfig: Path, authority: Authority | None) -> None:
        self._config = Kubeconfig.read(kubeconfig)
        self._authority = authority
        self._connections: dict[Credential, http.client.HTTPSConnection] = {}
        address = urlsplit(self._config.server)
        self._host, self._port = address.hostname or "", address.port or 443
        self.names: Mapping[str, str] = {f"{self._host}:{self._port}": "<server>"}

    def send(self, credential: Credential, call: Call) -> Answer:
        """Send over the open connection; reconnect once if the server closed it."""
        for attempt in (1, 2):
            connection = self._connections.get(credential) or self._connect(credential)
            try:
                return self._exchange(connection, credential, call)
            except (http.client.RemoteDisconnected, ConnectionError, ssl.SSLError):
                connection.close()
                self._connections.pop(credential, None)
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close every connection."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _exchange(
        self, connection: http.client.HTTPSConnection, credential: Credential, call: Call
    ) -> Answer:
        connection.putrequest(call.method, call.path, skip_accept_encoding=True)
        token = self._config.token if credential.admin else credential.token
        if token is not None and "Authorization" not in call.headers:
            connection.putheader("Authorization", f"Bearer {token}")
        for name, value in call.headers.items():
            connection.putheader(name, value)
        if call.body or call.method in ("POST", "PUT", "PATCH"):
            connection.putheader("Content-Length", str(len(call.body)))
        connection.endheaders(call.body or None)
        response = connection.getresponse()
        headers: dict[str, str] = {}
        for name, value in response.getheaders():
            lower = name.lower()
            headers[lower] = f"{headers[lower]}, {value}" if lower in headers else value
        body = response.read()
        return Answer(response.status, headers, body)

    def _connect(self, credential: Credential) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cadata=self._config.authority)
        if credential.admin and self._config.certificate:
            load_chain(context, self._config.certificate)
        elif credential.user:
            if self._authority is None:
                raise LookupError(
                    f"the cluster's CA key is needed to be the user {credential.user}"
                )
            load_chain(context, self._authority.client(credential.user, credential.groups))
        connection = http.client.HTTPSConnection(
            self._host, self._port, context=context, timeout=60
        )
        self._connections[credential] = connection
        return connection


class InProcess:
    """The way without a socket, for fast runs.

    Args:
        cluster: A fresh cluster.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.names: Mapping[str, str] = {"127.0.0.1:6443": "<server>"}

    def send(self, credential: Credential, call: Call) -> Answer:
        """Call ``handle``; of a watch, return the events that are ready."""
        headers = {
            "host": "127.0.0.1:6443",
            **{name.lower(): value for name, value in call.headers.items()},
        }
        if credential.token is not None:
            headers.setdefault("authorization", f"Bearer {credential.token}")
        answer = ask(
            self._cluster.handle,
            call.method,
            call.path,
            headers=headers.items(),
            body=call.body,
            certificate=certificate_of(credential),
        )
        seen = {name.lower(): value for name, value in answer.headers.items()}
        if answer.warnings:
            seen["warning"] = ", ".join(f"299 - {json.dumps(text)}" for text in answer.warnings)
        return Answer(answer.status, seen, answer.body)

    def close(self) -> None:
        """Release the cluster."""
        self._cluster.close()


def certificate_of(credential: Credential) -> PeerCertificate | None:
    """Return the certificate that a TLS server would have seen."""
    if credential.admin:
        return PeerCertificate("kubernetes-admin", ("system:masters",), "0" * 64)
    if credential.user:
        return PeerCertificate(credential.user, credential.groups, "1" * 64)
    return None


def load_chain(context: ssl.SSLContext, pem: tuple[bytes, bytes]) -> None:
    """Give a TLS context a client certificate and key that are only in memory."""
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(b"\n".join(pem))
        file.flush()
        context.load_cert_chain(file.name)


@dataclass(frozen=True)
class Kubeconfig:
    """The few facts of a kubeconfig that a replay needs."""

    server: str
    authority: str | None
    certificate: tuple[bytes, bytes] | None
    token: str | None

    @classmethod
    def read(cls, path: Path) -> Kubeconfig:
        """Read the current context of a kubeconfig file."""
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        wanted = config.get("current-context")
        contexts = {entry["name"]: entry["context"] for entry in config["contexts"]}
        context = contexts[wanted] if wanted in contexts else next(iter(contexts.values()))
        cluster = next(
            entry["cluster"] for entry in config["clusters"] if entry["name"] == context["cluster"]
        )
        user = next(entry["user"] for entry in config["users"] if entry["name"] == context["user"])

        def data(entry: Mapping[str, Any], name: str) -> bytes | None:
            if f"{name}-data" in entry:
                return base64.b64decode(entry[f"{name}-data"])
            return (path.parent / entry[name]).read_bytes() if name in entry else None

        authority = data(cluster, "certificate-authority")
        certificate, key = data(user, "client-certificate"), data(user, "client-key")
        return cls(
            cluster["server"],
            authority.decode() if authority else None,
            (certificate, key) if certificate and key else None,
            user.get("token"),
        )
