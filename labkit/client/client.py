"""The API client: method and path in, an ``Answer`` out.

A refusal is an answer: 401, 403 and 404 raise no error, because the lessons are about
refusals.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any

from labkit.core.arguments import LINE, METHOD, TEXT, describe, fit, takes
from labkit.core.errors import UsageError
from labkit.core.language import text
from labkit.core.version import LAB_AGENT, USER_AGENT

from .answer import NOBODY, Answer, Identity
from .content import PATCH_TYPES, content_type, decode, encode, with_query
from .object_names import missing_user
from .prefix import Names
from .refusals import failure
from .transport import READ_SECONDS, Connect, Credentials, Endpoint, Transport

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

NOT_READY = "storage is (re)initializing"
"""The message of the 429 to a read of custom objects just after their definition was established or changed."""
NOT_READY_RETRIES = 3

REFUSED = (401, 403)

Observer = Callable[[Answer], None]

FindEvent = Callable[[str], "dict[str, Any] | None"]


class Client:
    """A caller of one API server over HTTPS.

    Args:
        endpoint: Where the API server listens.
        credentials: The caller's credential; None for an anonymous caller.
        name: The caller's name in the lab.
        names: Maps the walkthrough's names to those on this cluster.
        observers: Called with every answer.
        find_event: Returns the audit event of an Audit-Id, or None.
        transport: Connections that are shared with another client.
        connect: Opens connections if none are shared; by default over sockets.
        agent: The ``User-Agent``.
        own: The lab's own credential, for requests that are no learner's; by default the caller's.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: Credentials | None = None,
        *,
        name: str = "caller",
        names: Names | None = None,
        observers: Sequence[Observer] = (),
        find_event: FindEvent = lambda _audit_id: None,
        transport: Transport | None = None,
        connect: Connect | None = None,
        agent: str = USER_AGENT,
        own: Credentials | None = None,
    ) -> None:
        self.name = name
        self.endpoint = endpoint
        self.credentials = credentials or Credentials()
        self.names = names or Names()
        self.observers = list(observers)
        self.find_event = find_event
        self._connect = connect or Transport
        self.transport = transport or self._connect(endpoint, self.credentials)
        self._own = self._connect(endpoint, own) if own else None
        self.agent = agent
        # Opened when it is needed: only callers with a client certificate cannot share their connections.
        self._anonymous_transport: Transport | None = None
        self._identity: Identity | None = None

    @property
    def server(self) -> str:
        """The server's address."""
        return self.endpoint.server

    def request(
        self,
        method: str,
        path: str,
        *,
        body: object | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float = READ_SECONDS,
    ) -> Answer:
        """Make one call and return its answer, whatever its status.

        Args:
            method: ``GET``, ``POST``, ``PUT``, ``PATCH``, ``DELETE``, …
            path: Such as ``/api/v1/namespaces/kikai/services``, with or without a query.
            body: A dict or list is sent as JSON, text and bytes as they are.
            query: More query parameters.
            headers: More headers; they override the default ones.
            timeout_seconds: The read timeout.

        Raises:
            UsageError: When an argument cannot be sent.
            Unreachable: When nothing answers in time.
            Untrusted: When the server's certificate is not the cluster's.
        """
        for name, kind, value in (("method", METHOD, method), ("path", TEXT, path)):
            fit(value, kind, "lab.admin.request", name, 'lab.admin.request("GET", "/api")')
        impersonates = any(key.lower() == "impersonate-user" for key in headers or ())
        # HTTP methods are case-sensitive (RFC 9110, 9.1), and learners write them in small letters too.
        method = method.upper()
        path = with_query(self.names.path(path if path.startswith("/") else f"/{path}"), query)
        body = self.names.body(body)
        sent = {"User-Agent": self.agent, "Accept": "application/json"}
        data = encode(body)
        if data is not None:
            sent["Content-Type"] = content_type(method, body)
        sent.update(self.credentials.headers())
        # After the credential, so that an exercise can send another Authorization header.
        sent.update(headers or {})
        begun = time.perf_counter()
        send = partial(
            self._send, method, path, body=data, headers=sent, timeout_seconds=timeout_seconds
        )
        response = send()
        # Reads only: the server's watch cache answers them, and sends this 429 until it is filled; writes
        # go past it to etcd. Source: k8s.io/apiserver/pkg/storage/cacher/cacher.go
        for _ in range(NOT_READY_RETRIES if method == "GET" else 0):
            if response.status != 429 or NOT_READY.encode() not in response.data:
                break
            time.sleep(1)  # the 429's Retry-After
            response = send()
        took = (time.perf_counter() - begun) * 1000
        answer = Answer(
            who=self.name,
            method=method,
            path=path,
            server=self.endpoint.server,
            status=response.status,
            # Looked up by name, since urllib3 then joins headers that repeat, such as Warning.
            headers={name.lower(): response.headers[name] for name in response.headers},
            body=decode(response.data, response.headers.get("Content-Type", "")),
            sent=body,
            milliseconds=took,
            credential=self.credentials.kind,
            ca_file=self.endpoint.ca_file,
            identify=self.whoami,
            find_event=self.find_event,
            advise=partial(missing_user, self) if impersonates else _nothing,
        )
        for observer in self.observers:
            observer(answer)
        return answer

    def _send(self, method: str, path: str, **how: Any) -> BaseHTTPResponse:
        # kind's audit policy leaves out the lab's own user, so the log has the learner's requests alone. A
        # review of oneself is about the caller: about the administrator.
        if self._own and self.agent == LAB_AGENT and "/selfsubject" not in path:
            response = self._own.send(method, path, **how)
            # Its binding was deleted, or its certificate has expired.
            if response.status not in REFUSED:
                return response
        return self.transport.send(method, path, **how)

    def get(self, path: str, *, query: Mapping[str, str] | None = None) -> Answer:
        """Read an object or a list."""
        return self.request("GET", path, query=query)

    def post(self, path: str, body: object, *, query: Mapping[str, str] | None = None) -> Answer:
        """Create an object."""
        return self.request("POST", path, body=body, query=query)

    def ask_all(self, path: str, bodies: Sequence[object]) -> list[tuple[int, Any]]:
        """Post many reviews, several at a time. The observers are not called.

        Args:
            path: The path of the reviews' kind.
            bodies: The reviews.

        Returns:
            Status and body of each answer, in the reviews' order.

        Raises:
            Unreachable: When nothing answers in time.
            Untrusted: When the server's certificate is not the cluster's.
        """
        sent = {
            "User-Agent": LAB_AGENT,
            "Accept": "application/json",
            "Content-Type": "application/json",
            **self.credentials.headers(),
        }
        # Encoded beforehand, in one thread: the other threads only wait for the network.
        datas = [json.dumps(self.names.body(body)).encode() for body in bodies]
        transport = self._own or self.transport
        replies = transport.send_all("POST", self.names.path(path), datas, sent)
        if transport is self._own and any(reply.status in REFUSED for reply in replies):
            replies = self.transport.send_all("POST", self.names.path(path), datas, sent)
        return [
            (reply.status, decode(reply.data, reply.headers.get("Content-Type", "")))
            for reply in replies
        ]

    def put(self, path: str, body: object, *, query: Mapping[str, str] | None = None) -> Answer:
        """Replace an object."""
        return self.request("PUT", path, body=body, query=query)

    def patch(
        self,
        path: str,
        body: object,
        *,
        kind: str = "merge",
        query: Mapping[str, str] | None = None,
    ) -> Answer:
        """Change an object.

        Args:
            path: The object's path.
            body: The patch.
            kind: ``merge``, ``strategic``, ``json`` or ``apply``.
            query: More query parameters.

        Raises:
            UsageError: When the kind of patch is unknown.
        """
        if kind not in PATCH_TYPES:
            raise UsageError(
                text("There is no kind of patch {kind}.", describe(kind)),
                todo=text("Use one of {types}.", ", ".join(PATCH_TYPES)),
            )
        return self.request(
            "PATCH", path, body=body, query=query, headers={"Content-Type": PATCH_TYPES[kind]}
        )

    def delete(self, path: str, *, query: Mapping[str, str] | None = None) -> Answer:
        """Delete an object or a collection."""
        return self.request("DELETE", path, query=query)

    def watch(
        self, path: str, *, query: Mapping[str, str] | None = None, timeout_seconds: int = 60
    ) -> Iterator[dict[str, Any]]:
        """Watch a list: yield each event, ``{"type", "object"}``.

        Args:
            path: The list's path.
            query: More query parameters.
            timeout_seconds: After this time the server ends the watch.

        Raises:
            ApiFailure: When the watch is refused, or the server ends it with an error: 410 when the changes since the
                given ``resourceVersion`` are no longer stored. In that case list again, and watch from the new version.
        """
        # The server ends a watch after timeoutSeconds, or after 30 to 60 minutes when it is left out.
        # The read timeout is longer, because a watch without changes sends no data until then.
        query = {"timeoutSeconds": str(timeout_seconds), **(query or {}), "watch": "1"}
        with self.open("GET", path, query=query, timeout_seconds=timeout_seconds + 10) as response:
            if response.status != 200:
                status = decode(response.read(), response.headers.get("Content-Type", ""))
                raise failure(
                    response.status, status, text("{name} may not watch {path}.", self.name, path)
                )
            # Each event is a JSON object in a line, and can arrive in several pieces.
            for line in filter(bytes.strip, response):
                event: dict[str, Any] = json.loads(line)
                if event["type"] == "ERROR":
                    # The status 200 has been sent already, so an error can only be an event with a Status.
                    code = int(event["object"].get("code") or 500)
                    raise failure(
                        code,
                        event["object"],
                        text("The watch of {path} was ended by the server.", path),
                    )
                yield event

    def open(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> BaseHTTPResponse:
        """Make a call and leave the response's body unread, for streams.

        The response is a context manager that returns the connection to its pool.

        Args:
            method: Such as ``GET``.
            path: As for ``request``.
            body: The raw body.
            query: More query parameters.
            headers: More headers; they replace labkit's own, except the credential.
            timeout_seconds: The read timeout; without one (None), the wait is unlimited.

        Raises:
            Unreachable: When nothing answers in time.
            Untrusted: When the server's certificate is not the cluster's.
        """
        sent = {"User-Agent": self.agent, "Accept": "application/json", **(headers or {})}
        sent.update(self.credentials.headers())
        return self.transport.send(
            method,
            with_query(self.names.path(path), query),
            body=body,
            headers=sent,
            timeout_seconds=timeout_seconds,
            stream=True,
        )

    def whoami(self) -> Identity:
        """Return the user that the server authenticates this caller as (SelfSubjectReview), asked for once.

        Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
        """
        if self._identity is None:
            # Version v1 is served since Kubernetes 1.28; older servers answer 404, and the user is unknown.
            body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
            path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
            answer = self.without_observers().post(path, body)
            if answer.status == 401:
                return NOBODY
            # The ClusterRole system:basic-user lets authenticated users alone create this review. So a 403
            # without a credential proves that the server let the anonymous user in.
            if self.credentials.kind == "none" and answer.status == 403:
                self._identity = Identity("system:anonymous", ("system:unauthenticated",))
            elif not answer.ok:
                return Identity("unknown")
            else:
                self._identity = Identity.of(answer.body["status"]["userInfo"])
        return self._identity

    @takes(
        'lab.admin.can("list", "services", "kikai")',
        verb=LINE,
        resource=LINE,
        namespace=LINE,
        name=LINE,
        group=LINE,
    )
    def can(
        self, verb: str, resource: str, namespace: str = "", *, name: str = "", group: str = ""
    ) -> bool:
        """Return whether the server allows this caller an action (SelfSubjectAccessReview).

        Args:
            verb: Such as ``list``.
            resource: Such as ``services`` or ``pods/exec``.
            namespace: The namespace; empty for all namespaces.
            name: The object's name; empty for all names.
            group: The API group, empty for the core group.

        Raises:
            ApiFailure: When the server refuses the review.
        """
        plural, _, subresource = resource.partition("/")
        attributes = {
            "verb": verb,
            "group": group,
            "resource": plural,
            "subresource": subresource,
            "namespace": self.names.namespace(namespace) if namespace else "",
            "name": name,
        }
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            # An empty field means "all" or "none" in a review, just as a missing one does.
            "spec": {"resourceAttributes": {k: v for k, v in attributes.items() if v}},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        # The learner asks this, so it is evidence of what they did, like the request of kubectl auth can-i.
        answer = self.without_observers(self.agent).post(path, body)
        answer.raise_for_status(text("{name} may not ask what it may do.", self.name))
        return bool(answer.body["status"]["allowed"])

    def with_credentials(self, credentials: Credentials, name: str) -> Client:
        """Return another caller of the same cluster, with the same observers.

        Args:
            credentials: The other caller's credential.
            name: The other caller's name in the lab.
        """
        transport = None
        # A server that sees a client certificate ignores the token, so callers with a token must not
        # use the connections of a caller with a certificate.
        if not credentials.certificate:
            if self.credentials.certificate and self._anonymous_transport is None:
                self._anonymous_transport = self._connect(self.endpoint, Credentials())
            transport = self._anonymous_transport or self.transport
        return Client(
            self.endpoint,
            credentials,
            name=name,
            names=self.names,
            observers=self.observers,
            find_event=self.find_event,
            transport=transport,
            connect=self._connect,
            agent=self.agent,
        )

    def without_observers(self, agent: str = LAB_AGENT) -> Client:
        """Return the same caller without observers.

        Args:
            agent: Its ``User-Agent``; by default the one of the lab's own requests, which are no learner's work.
        """
        # A shallow copy: connections and the identity that the server has reported are shared.
        quiet = copy(self)
        quiet.observers = []
        quiet.agent = agent
        return quiet

    def __repr__(self) -> str:
        """Return the caller's name, the server and the kind of credential, never the credential."""
        return f"<{self.name} at {self.endpoint.server} with {self.credentials.kind}>"


def _nothing(_user: str) -> str:
    return ""
