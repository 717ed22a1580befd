"""The audit event of each request, in the real format (``audit.k8s.io/v1``).

The level is Metadata: who, what, when and how it ended, but no bodies, and so no tokens. A long-running request
(a watch, an exec, a log, refused or not) has one event when its answer starts and one when it ends.

Source: k8s.io/apiserver ``pkg/endpoints/filters/audit.go``, ``pkg/audit/request.go``;
https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address

import orjson

from ...machinery.request import (
    EventStream,
    ExecIO,
    ExecSession,
    Handler,
    Object,
    Request,
    RequestInfo,
    Response,
    user_info,
)
from ...machinery.steady_clock import Clock
from .deadline import is_long_running

Sink = Callable[[Object], None]
"""Takes one finished event."""

MAX_USER_AGENT = 1024
FORWARDED_FOR = "labkit/forwarded-for"
"""An annotation of ours: the header by which a proxy says for whom it asks.

labkit reads it, also in audit logs that learners keep, so it has the name that it had before this was a package.
"""
STATUS_STARTS = (b'{"kind":"Status"', b'{\n  "kind": "Status"')


def with_audit(handler: Handler, sink: Sink, clock: Clock) -> Handler:
    """Report every request to ``sink``; the handler fills in ``request.audit``."""

    def handle(request: Request) -> Response:
        # Taken before anything else, so that the event covers the whole request.
        received = clock()
        response = handler(request)
        event = _event(request, response, timestamp(received))

        def report(stage: str) -> None:
            sink({**event, "stage": stage, "stageTimestamp": timestamp(clock())})

        known = request.audit.user is not None  # without a user there is no ResponseComplete
        goes_on = response.goes_on
        if goes_on or is_long_running(request.info) or not known:
            report("ResponseStarted")
        if known and not goes_on:
            report("ResponseComplete")
        if response.stream is not None:
            response.stream = _ReportedStream(response.stream, lambda: report("ResponseComplete"))
        if response.upgrade is not None:
            response.upgrade = _ReportedSession(
                response.upgrade, lambda: report("ResponseComplete")
            )
        if response.forward is not None:
            response.forward.ended = lambda: report("ResponseComplete")
        return response

    return handle


def _event(request: Request, response: Response, received: str) -> Object:
    record = request.audit
    info = request.info
    event: Object = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "auditID": record.id,
        "stage": "",
        "requestURI": request.raw_uri or request.path,
        "verb": info.verb,
        "user": user_info(record.user or request.user),
    }
    if record.impersonated is not None:
        event["impersonatedUser"] = user_info(record.impersonated)
        if record.impersonation_constraint:
            event["authenticationMetadata"] = {
                "impersonationConstraint": record.impersonation_constraint
            }
    event["sourceIPs"] = source_ips(request)
    agent = request.headers.get("user-agent")
    if agent:
        event["userAgent"] = (
            agent if len(agent) <= MAX_USER_AGENT else f"{agent[:MAX_USER_AGENT]}...TRUNCATED"
        )
    if info.is_resource:
        event["objectRef"] = _object_reference(info, record.object_metadata or {})
    event["responseStatus"] = _response_status(request, response)
    event["requestReceivedTimestamp"] = received
    event["stageTimestamp"] = ""
    annotations = dict(record.annotations)
    if forwarded := request.headers.get("x-forwarded-for"):
        # On one machine a proxy's client and the proxy have one address, and sourceIPs has it once.
        annotations[FORWARDED_FOR] = forwarded[:MAX_USER_AGENT]
    if annotations:
        event["annotations"] = dict(sorted(annotations.items()))
    return event


def source_ips(request: Request) -> list[str]:
    """The source addresses of a request: those in headers of proxies, then the real one."""
    found: list[str] = []
    forwarded = request.headers.get("x-forwarded-for")
    real = request.headers.get("x-real-ip")
    if forwarded or real:
        found = [address for part in (forwarded or "").split(",") if (address := _address(part))]
        address = _address(real or "")
        if address and address not in found:
            found.append(address)
    if not found or found[-1] != request.source_ip:
        found.append(request.source_ip)
    return found


def _address(text: str) -> str:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return ""


def _object_reference(info: RequestInfo, reference: Object) -> Object:
    fields = (
        ("resource", info.resource),
        ("namespace", info.namespace or reference.get("namespace")),
        ("name", info.name or reference.get("name")),
        ("uid", reference.get("uid")),
        ("apiGroup", info.group),
        ("apiVersion", info.version),
        ("resourceVersion", reference.get("resourceVersion")),
        ("subresource", info.subresource),
    )
    return {field: value for field, value in fields if value}


def attempts(request: Request) -> str:
    """The credentials that were tried when authentication failed."""
    scheme, _, credential = request.headers.get("authorization", "").strip().partition(" ")
    shown = [scheme.lower()] if credential and scheme.lower() in ("basic", "bearer") else []
    shown += ["x509"] * (request.certificate is not None)
    if not shown:
        return "Authentication failed, no credentials provided"
    return f"Authentication failed, attempted: {', '.join(shown)}"


def _response_status(request: Request, response: Response) -> Object:
    record = request.audit
    status = request.audit.refusal
    if status is None and response.status == 401:
        return {"metadata": {}, "message": attempts(request), "code": 401}
    if status is None and not record.refusal_hidden and response.body.startswith(STATUS_STARTS):
        status = orjson.loads(response.body)
    if status is None:
        return {"metadata": {}, "code": 101 if response.upgrade is not None else response.status}
    kept = {field: value for field, value in status.items() if field not in ("kind", "apiVersion")}
    return {**kept, "code": response.status}


def timestamp(seconds: float) -> str:
    """RFC 3339 with microseconds, as events have them."""
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1_000_000):06d}Z"


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class _ReportedStream:
    """A stream that reports its end, once."""

    def __init__(self, stream: EventStream, ended: Callable[[], None]) -> None:
        self._stream = stream
        self._ended: Callable[[], None] | None = ended
        self.read = stream.read
        self.on_ready = stream.on_ready

    @property
    def closed(self) -> bool:
        return self._stream.closed

    @property
    def timeout_seconds(self) -> float:
        return self._stream.timeout_seconds

    def close(self) -> None:
        self._stream.close()
        ended = self._ended
        self._ended = None
        if ended is not None:
            ended()


class _ReportedSession:
    """An exec session that reports its end."""

    def __init__(self, session: ExecSession, ended: Callable[[], None]) -> None:
        self._session = session
        self._ended = ended
        self.stdin = session.stdin
        self.stdout = session.stdout
        self.stderr = session.stderr
        self.tty = session.tty

    async def run(self, io: ExecIO) -> Object:
        try:
            return await self._session.run(io)
        finally:
            self._ended()
