"""The subresources ``exec``, ``attach``, ``portforward`` and ``log`` of pods.

Errors come in the real order: the API server checks the pod and its containers, the kubelet the
streams and whether the container runs, the container runtime the command.
Sources: k8s.io/kubernetes ``pkg/registry/core/pod/strategy.go``, ``pkg/kubelet/server``.
"""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from uuid import UUID

from ..container.logs import LogOptions, LogStream
from ..machinery.golang.quote import go_quote
from ..machinery.objects import name_of, namespace_of, uid_of
from ..machinery.pods.state import has_ended
from ..machinery.request import Handler, Object, PortForward, Request, Response
from ..machinery.schema.values import BadValue, parse_time
from ..machinery.status import bad_request, invalid, not_found
from .api import ClusterApi
from .node import Node
from .pod.container_slot import Slot
from .sessions import AttachSession, CommandSession, Streams

TEXT = {"Content-Type": "text/plain; charset=utf-8"}
LOG_TEXT = {"Content-Type": "text/plain"}
MAX_WORDS = 4096
# Ours. A channel's number is one byte, and each port needs two channels.
MAX_PORTS = 100


def flag(request: Request, name: str) -> bool:
    """A boolean parameter."""
    return request.param(name).lower() in ("true", "1")


class PodSubresources:
    """Answers requests for a pod's exec, attach, port-forward and log.

    ``may_create`` raises if the caller is not allowed to create the subresource: a WebSocket begins with GET, but
    running a command requires ``create`` (KEP 2862).
    """

    def __init__(
        self,
        api: ClusterApi,
        node: Node | None,
        now: Callable[[], float],
        may_create: Callable[[Request], None],
    ) -> None:
        self._api = api
        self._node = node
        self._now = now
        self._may_create = may_create

    def __call__(self, request: Request) -> Response:
        """Answer a request; ``ApiError`` if the pod or the container does not exist or does not run."""
        if request.info.subresource == "log":
            return self._log(request)
        # A WebSocket begins with GET, which the authorizer saw as ``get``; running a command requires ``create`` as
        # well.
        if request.method == "GET":
            self._may_create(request)
        return self._stream(request)

    def _pod(self, request: Request) -> Object:
        info = request.info
        pod = self._api.get("pods", info.namespace, info.name)
        if pod is None:
            raise not_found("pods", "", info.name)
        return pod

    def _container_name(self, pod: Object, name: str) -> str:
        """Return the name of the requested container.

        Raises:
            ApiError: None of several is named, or there is no such container.
        """
        plain, init, ephemeral = (
            [str(container["name"]) for container in pod["spec"].get(kind) or ()]
            for kind in ("containers", "initContainers", "ephemeralContainers")
        )
        if not name:
            if len(plain) == 1:
                return plain[0]
            message = f"a container name must be specified for pod {name_of(pod)}, choose one of: [{' '.join(plain)}]"
            if init:
                message += f" or one of the init containers: [{' '.join(init)}]"
            if ephemeral:
                message += f" or one of the ephemeral containers: [{' '.join(ephemeral)}]"
            raise bad_request(message)
        if name not in (*plain, *init, *ephemeral):
            raise bad_request(f"container {name} is not valid for pod {name_of(pod)}")
        return name

    def _host(self, pod: Object) -> None:
        """Check that the pod is on a node that exists; the message calls the node a pod, as the real server's does."""
        node = pod["spec"].get("nodeName")
        if not node:
            raise bad_request(f"pod {name_of(pod)} does not have a host assigned")
        if self._api.get("nodes", "", node) is None:
            raise not_found("pods", "", node)

    def _slot(self, pod: Object, name: str) -> Slot | None:
        running = self._node.find(pod) if self._node is not None else None
        return running.slot(name) if running is not None else None

    # Exec and attach

    def _stream(self, request: Request) -> Response:
        if request.info.subresource == "portforward":
            return self._forward(request)
        pod = self._pod(request)
        name = self._container_name(pod, request.param("container"))
        self._host(pod)
        tty = flag(request, "tty")
        stdin, stdout, stderr = (flag(request, name) for name in ("stdin", "stdout", "stderr"))
        # A terminal is one stream: what a program writes to stderr comes on stdout.
        streams = Streams(stdin, stdout, stderr and not tty, tty)
        if not (streams.stdin or streams.stdout or streams.stderr):
            return Response(
                400, dict(TEXT), b"you must specify at least 1 of stdin, stdout, stderr"
            )
        # A plain text, no Status: it comes from the kubelet, and the API server passes it on.
        slot = self._slot(pod, name)
        if slot is None or not slot.running or slot.container is None or slot.log is None:
            return Response(500, dict(TEXT), f'container not found ("{name}")'.encode())
        if request.info.subresource == "attach":
            return Response(
                101, upgrade=AttachSession(streams, slot, slot.log, lambda: self._slot(pod, name))
            )
        argv = list(request.query.get("command", ()))[:MAX_WORDS]
        session = CommandSession(
            streams, slot.container, argv, _protocol(request), self._api.random
        )
        return Response(101, upgrade=session)

    # Port-forward

    def _forward(self, request: Request) -> Response:
        ports = _ports(request)
        pod = self._pod(request)
        self._host(pod)
        # WebSockets with channels name their ports at once. A SPDY stream, which kubectl tunnels in a WebSocket,
        # names one whenever it opens a connection.
        protocols = request.headers.get("sec-websocket-protocol", "")
        websocket = request.headers.get("upgrade", "").lower() == "websocket"
        if websocket and "SPDY/3.1+" not in protocols and (0 in ports or not ports):
            problem = b'port "0" must be > 0' if ports else b'query parameter "port" is required'
            return Response(400, dict(TEXT), problem)
        name = name_of(pod)
        namespace = namespace_of(pod)
        running = self._node.find(pod) if self._node is not None else None
        if running is None or has_ended(pod):
            return Response(500, dict(TEXT), f'pod not found ("{name}_{namespace}")'.encode())
        # The sandbox's id is made from the pod's uid: the same request has the same answer.
        sandbox = sha256(uid_of(pod).encode()).hexdigest()

        def reach(port: int) -> Handler | str:
            endpoint = running.listeners.get(port)
            if endpoint is not None:
                return lambda request: endpoint.handle(replace(request, source_ip="127.0.0.1"))
            return (
                f"error forwarding port {port} to pod {sandbox}, uid : failed to execute portforward in network "
                f'namespace "/var/run/netns/cni-{UUID(sandbox[:32])}": failed to connect to localhost:{port} inside '
                f'namespace "{sandbox}", IPv4: dial tcp4 127.0.0.1:{port}: connect: connection refused '
                f"IPv6 dial tcp6 [::1]:{port}: connect: connection refused "
            )

        return Response(101, forward=PortForward(ports, reach))

    # Logs

    def _log(self, request: Request) -> Response:
        pod = self._pod(request)
        options = self._log_options(request)
        name = self._container_name(pod, request.param("container"))
        # Without a node there is no kubelet to connect to: the real server returns this error, too.
        if not pod["spec"].get("nodeName"):
            return Response(204)
        self._host(pod)
        slot = self._slot(pod, name)
        previous = flag(request, "previous")
        log = None
        if slot is not None:
            log = slot.previous if previous else slot.log
        if log is None:
            if previous:
                message = (
                    f'previous terminated container "{name}" in pod "{name_of(pod)}" not found'
                )
                raise bad_request(message)
            return self._no_log(pod, name, slot)
        if flag(request, "follow"):
            return Response(200, dict(LOG_TEXT), stream=LogStream(log, options))
        return Response(200, dict(LOG_TEXT), b"".join(options.select(log.lines())))

    def _no_log(self, pod: Object, name: str, slot: Slot | None) -> Response:
        if slot is None and has_ended(pod):
            return Response(200, dict(LOG_TEXT), b"")
        waiting = (slot.state.get("waiting") or {}) if slot is not None else {}
        reason = waiting.get("reason") or "ContainerCreating"
        texts = {
            "ErrImagePull": "image can't be pulled",
            "ImagePullBackOff": "trying and failing to pull image",
        }
        raise bad_request(
            f'container "{name}" in pod "{name_of(pod)}" is waiting to start: {texts.get(reason, reason)}'
        )

    def _log_options(self, request: Request) -> LogOptions:
        numbers: dict[str, int] = {}
        problems: list[tuple[str, str, str]] = []
        both = bool(request.param("sinceTime") and request.param("sinceSeconds"))
        for field, least in (("tailLines", 0), ("limitBytes", 1), ("sinceSeconds", 1)):
            text = request.param(field)
            if not text:
                continue
            try:
                numbers[field] = int(text)
            except ValueError:
                problem = f"strconv.ParseInt: parsing {go_quote(text)}: invalid syntax"
                raise bad_request(problem) from None
            if numbers[field] < least and not (both and field == "sinceSeconds"):
                bound = "greater than 0" if least else "greater than or equal to 0"
                message = f"Invalid value: {numbers[field]}: must be {bound}"
                problems.append(("FieldValueInvalid", message, field))
        text = request.param("sinceTime")
        try:
            since = parse_time(text).timestamp() if text else 0.0
        except BadValue as error:
            raise bad_request(str(error)) from None
        if both:
            message = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"
            problems.append(("FieldValueForbidden", message, "[]"))
        # PodLogsQuerySplitStreams (KEP 3288) is alpha and off.
        if "stream" in request.query:  # the feature gate of this parameter is off
            problems.append(("FieldValueForbidden", "Forbidden: may not be specified", "stream"))
        if problems:
            names = ("reason", "message", "field")
            causes = [dict(zip(names, problem, strict=True)) for problem in problems]
            raise invalid("PodLogOptions", "", request.info.name, causes)
        if "sinceSeconds" in numbers:
            since = self._now() - numbers["sinceSeconds"]
        tail = numbers.get("tailLines", -1)
        most = numbers.get("limitBytes", -1)
        return LogOptions(tail, most, since, flag(request, "timestamps"))


def _ports(request: Request) -> list[int]:
    """Return the ports of the query, as the API server reads them."""
    values = request.query.get("ports", ())
    ports = []
    for text in ",".join(values).split(",") if values else ():
        problem = ""
        if not (text.isascii() and text.isdecimal()):
            problem = "invalid syntax"
        elif int(text) > 65535:
            problem = "value out of range"
        if problem:
            message = f"strconv.ParseUint: parsing {go_quote(text)}: {problem}"
            raise bad_request(f"cannot convert to []int32: {message}")
        ports.append(int(text))
    return ports[:MAX_PORTS]


def _protocol(request: Request) -> str:
    """Return the protocol version in use: with v5 the API server itself reports the exit code."""
    offered = request.headers.get("sec-websocket-protocol", "").split(",")
    versions = [version.strip()[:3] for version in offered if version.strip()]
    return "v4" if versions and "v5." not in versions else "v5"
