"""Call a cluster in this process without a socket, as the probes do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from labkit.client.client import Client
from labkit.client.transport import Endpoint, Transport
from labkit.embedded.apiserver.serving.inprocess import ask
from labkit.embedded.bootstrap.policy import GROUP
from labkit.embedded.cluster import Cluster
from labkit.embedded.machinery.request import PeerCertificate
from labkit.rbac.attributes import Attributes
from labkit.rbac.objects import Object, name_of, namespace_of
from labkit.rbac.policy import Policy

ADMIN = PeerCertificate("kubernetes-admin", ("system:masters",), "")
HERE = Endpoint("https://127.0.0.1:1")


@dataclass(frozen=True, slots=True)
class Reply:
    """As much of a urllib3 response as ``Client`` reads."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class InProcess(Transport):
    """A transport that calls ``Cluster.handle``, with or without a client certificate."""

    def __init__(self, cluster: Cluster, certificate: PeerCertificate | None) -> None:
        self.endpoint = HERE
        self._cluster = cluster
        self._certificate = certificate

    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **_rest: Any,
    ) -> Any:
        """Make a call."""
        answer = ask(
            self._cluster.handle,
            method,
            path,
            headers=(headers or {}).items(),
            body=body or b"",
            certificate=self._certificate,
        )
        return Reply(answer.status, answer.headers, answer.body)

    def send_all(self, method: str, path: str, bodies: Sequence[bytes], headers: Mapping[str, str]) -> Sequence[Any]:
        """Make calls, one after the other."""
        return [self.send(method, path, body=body, headers=headers) for body in bodies]


def admin_of(cluster: Cluster) -> Client:
    """Make a client of a cluster's administrator."""
    return Client(HERE, name="admin", transport=InProcess(cluster, ADMIN))


def anonymous_of(cluster: Cluster) -> Client:
    """Make a client without credentials."""
    return Client(HERE, name="anonymous", transport=InProcess(cluster, None))


def decide_in(cluster: Cluster, question: Attributes) -> Object:
    """Return the ``status`` of a SubjectAccessReview, at a tenth of its cost."""
    decision = cluster.authorize(question)
    return {"allowed": decision.allowed, "reason": decision.reason}


def policy_of(cluster: Cluster) -> Policy:
    """Read a cluster's roles and bindings as ``read_policy`` does, at a tenth of its cost."""
    roles, bindings = (
        [cast(Object, obj) for plural in plurals for obj in cluster.store.list(f"{plural}.{GROUP}")]
        for plurals in (("clusterroles", "roles"), ("clusterrolebindings", "rolebindings"))
    )
    keyed = {
        ("Role" if namespace_of(role) else "ClusterRole", namespace_of(role), name_of(role)): role for role in roles
    }
    return Policy(keyed, tuple(bindings))
