"""A cluster in this process, and callers of it, for tests that need no socket.

api = ClusterApi()
api.admin.post("/api/v1/namespaces", {"metadata": {"name": "lab"}})
bot = api.account("lab", "bot")
assert bot.get("/api/v1/namespaces").status == 403
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote

from kube_embedded.apiserver.storage import Snapshot, Store
from kube_embedded.cluster import Cluster
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.machinery.request import PeerCertificate, Request, ShownCertificate
from kube_embedded.tests.support.ring import AuditRing

RBAC = "/apis/rbac.authorization.k8s.io/v1"
REVIEWS = "/apis/authorization.k8s.io/v1"
IDENTITIES = "/apis/authentication.k8s.io/v1"
MERGE_PATCH = {"content-type": "application/merge-patch+json"}


@lru_cache(maxsize=2)
def keys(number: int = 0) -> Keys:
    """Keys made once for all tests; each number is another set."""
    return Keys.generate()


class Clock:
    """A clock that does not move by itself."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@lru_cache(maxsize=4)
def first_objects(era: str, node: bool) -> Snapshot:
    """Return the objects of a new cluster, made once for all tests: storing them takes longer than most tests."""
    return Cluster(keys(), clock=Clock(), node=node, era=era).store.snapshot()


class Reply(NamedTuple):
    """An answer."""

    status: int
    body: Any
    headers: Mapping[str, str]
    warnings: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """The Status' message."""
        return str(self.body["message"])


def causes(reply: Reply) -> list[tuple[str, str]]:
    """The fields and messages of a validation error."""
    assert reply.status == 422, reply
    return [(cause["field"], cause["message"]) for cause in reply.body["details"]["causes"]]


@dataclass(frozen=True)
class Caller:
    """Someone who calls a cluster.

    Args:
        cluster: Which one.
        certificate: Shown with each request.
        token: Sent with each request.
        headers: Sent with each request.
    """

    cluster: Cluster
    certificate: PeerCertificate | ShownCertificate | None = None
    token: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        header_values: Mapping[str, list[str]] | None = None,
    ) -> Reply:
        """Send a request; the body is sent as JSON."""
        sent = {"accept": "application/json", "content-type": "application/json"}
        sent |= {**self.headers, **(headers or {})}
        if self.token is not None:
            sent["authorization"] = f"Bearer {self.token}"
        path, _, query = path.partition("?")
        request = Request(
            method,
            unquote(path),
            parse_qs(query, keep_blank_values=True),
            sent,
            b"" if body is None else json.dumps(body).encode(),
            self.certificate,
            raw_uri=f"{path}?{query}" if query else path,
            header_values=header_values or {},
        )
        response = self.cluster.handle(request)
        text = response.body
        return Reply(
            response.status,
            json.loads(text) if text[:1] in (b"{", b"[") else text,
            response.headers,
            tuple(response.warnings),
        )

    def get(self, path: str, **more: Any) -> Reply:
        """GET."""
        return self.call("GET", path, **more)

    def post(self, path: str, body: object, **more: Any) -> Reply:
        """POST."""
        return self.call("POST", path, body, **more)

    def delete(self, path: str, **more: Any) -> Reply:
        """DELETE."""
        return self.call("DELETE", path, **more)

    def patch(self, path: str, body: object) -> Reply:
        """PATCH, as a merge."""
        return self.call("PATCH", path, body, headers=MERGE_PATCH)

    def put(self, path: str, body: object) -> Reply:
        """PUT."""
        return self.call("PUT", path, body)

    def as_user(self, name: str, *groups: str) -> Caller:
        """The same caller, acting as someone else."""
        headers = {"impersonate-user": name}
        if groups:
            headers["impersonate-group"] = groups[0]
        return Caller(self.cluster, self.certificate, self.token, {**self.headers, **headers})

    def who(self) -> Any:
        """Return the user that the server sees."""
        return self.post(f"{IDENTITIES}/selfsubjectreviews", {}).body["status"]["userInfo"]


class ClusterApi:
    """A new cluster and its callers.

    Args:
        era: As the cluster's.
        cluster_keys: Keys; those that all tests share if None, with the objects of a first cluster.
        node: Whether pods run.
    """

    def __init__(
        self, era: str = "now", cluster_keys: Keys | None = None, *, node: bool = False
    ) -> None:
        self.clock = Clock()
        self.events = AuditRing()
        objects = None if cluster_keys else Store(first_objects(era, node))
        self.cluster = Cluster(
            cluster_keys or keys(),
            objects,
            clock=self.clock,
            node=node,
            era=era,
            audit_sink=self.events,
        )
        self.admin = self.user("kubernetes-admin", "system:masters")
        self.anonymous = Caller(self.cluster)

    def user(self, name: str, *groups: str) -> Caller:
        """Someone with a client certificate."""
        return Caller(self.cluster, PeerCertificate(name, groups, "ab" * 32))

    def bearer(self, token: str) -> Caller:
        """Someone with a token."""
        return Caller(self.cluster, token=token)

    def namespace(self, name: str) -> None:
        """Make a namespace."""
        self.must(self.admin.post("/api/v1/namespaces", {"metadata": {"name": name}}))

    def account(self, namespace: str, name: str) -> Caller:
        """A service account with a token; made if it is not there."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        if self.admin.get(f"{path}/{name}").status == 404:
            self.must(self.admin.post(path, {"metadata": {"name": name}}))
        return self.bearer(self.token(namespace, name))

    def token(self, namespace: str, name: str, **spec: object) -> str:
        """A token of an account."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        token: str = self.must(self.admin.post(path, {"spec": spec}))["status"]["token"]
        return token

    def pod(self, namespace: str, name: str, account: str = "default") -> Any:
        """A pod."""
        spec = {
            "serviceAccountName": account,
            "containers": [{"name": "main", "image": "ubuntu", "command": ["sleep", "99"]}],
        }
        body = {"metadata": {"name": name}, "spec": spec}
        return self.must(self.admin.post(f"/api/v1/namespaces/{namespace}/pods", body))

    def role(self, name: str, *rules: object, namespace: str = "", labels: object = None) -> Any:
        """A role, or without a namespace a cluster role."""
        path = f"{RBAC}/namespaces/{namespace}/roles" if namespace else f"{RBAC}/clusterroles"
        body = {"metadata": {"name": name, "labels": labels}, "rules": list(rules)}
        return self.must(self.admin.post(path, body))

    def bind(self, name: str, role: str, *subjects: str, namespace: str = "") -> Any:
        """A binding: ``bind("b", "Role/reader", "User/jane", "ServiceAccount/lab/bot", namespace="lab")``."""
        path = (
            f"{RBAC}/namespaces/{namespace}/rolebindings"
            if namespace
            else f"{RBAC}/clusterrolebindings"
        )
        return self.must(self.admin.post(path, binding(name, role, *subjects)))

    @staticmethod
    def must(reply: Reply) -> Any:
        """The body of an answer that must be a success."""
        assert reply.status in (200, 201), reply
        return reply.body


def binding(name: str, role: str, *subjects: str) -> dict[str, Any]:
    """The body of a binding; see ``ClusterApi.bind``."""
    group = "rbac.authorization.k8s.io"
    kind, _, role_name = role.partition("/")
    parts = [subject.split("/") for subject in subjects]
    return {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": kind, "name": role_name},
        "subjects": [
            {"kind": part[0], "namespace": part[1], "name": part[2]}
            if part[0] == "ServiceAccount"
            else {"kind": part[0], "name": part[1], "apiGroup": group}
            for part in parts
        ],
    }


def rule(
    verbs: str, resources: str = "", groups: str = "", names: str = "", urls: str = ""
) -> dict[str, Any]:
    """A rule from words: ``rule("get list", "pods services")``; groups are split at commas."""
    made: dict[str, Any] = {"verbs": verbs.split()}
    if urls:
        made["nonResourceURLs"] = urls.split()
    else:
        made |= {"apiGroups": groups.split(","), "resources": resources.split()}
    if names:
        made["resourceNames"] = names.split()
    return made
