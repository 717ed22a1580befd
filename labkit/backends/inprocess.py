"""Call a cluster in this process without a socket, as a page of a browser and graders' checks do."""

import io
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import urllib3

from kube_embedded import Answer, Handler, PeerCertificate, ShownCertificate, ask, read_request
from labkit.client.transport import Endpoint, ExecOutput, Transport

# An address for display: port 1 is never opened.
HERE = Endpoint("https://127.0.0.1:1")

UPGRADE = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-protocol": "v5.channel.k8s.io",
}


@dataclass(frozen=True, slots=True)
# In place of urllib3's response, which does much that a body in memory does not need.
class BufferedResponse:
    """As much of a urllib3 response as ``Client.request`` reads."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class InProcess(Transport):
    """A transport that calls ``Cluster.handle``, with or without a client certificate."""

    def __init__(
        self,
        handle: Handler,
        certificate: PeerCertificate | ShownCertificate | None,
        endpoint: Endpoint = HERE,
    ) -> None:
        self.endpoint = endpoint
        self._handle = handle
        self._certificate = certificate

    def send(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
        **_rest: Any,
    ) -> Any:
        """Make a call. A stream has only the events that are there already."""
        answer = self.answer(method, path, (headers or {}).items(), body or b"")
        sent = answer.sent_headers
        if stream:
            return urllib3.HTTPResponse(
                io.BytesIO(answer.body), sent, answer.status, preload_content=False
            )
        return BufferedResponse(answer.status, sent, answer.body)

    def send_all(
        self, method: str, path: str, bodies: Sequence[bytes], headers: Mapping[str, str]
    ) -> Sequence[Any]:
        """Make calls, one after the other."""
        return [self.send(method, path, body=body, headers=headers) for body in bodies]

    def answer(
        self, method: str, path: str, headers: Iterable[tuple[str, str]], body: bytes
    ) -> Answer:
        """Make a call, with the whole answer."""
        return ask(
            self._handle, method, path, headers=headers, body=body, certificate=self._certificate
        )

    def exec(
        self, path: str, query: str, headers: Mapping[str, str], stdin: bytes | None, seconds: float
    ) -> ExecOutput:
        """Run a command in a container until it ends or the time is over."""
        request = read_request(
            "GET", f"{path}?{query}", [*UPGRADE.items(), *headers.items()], b"", self._certificate
        )
        response = self._handle(request)
        if response.upgrade is None:
            return ExecOutput(response.status, response.body)
        client = _ClientEnd(stdin or b"", time.monotonic() + seconds)
        # Driven by hand, because an event loop can be running already: notebooks and pages have one.
        running = response.upgrade.run(client).__await__()
        status = b""
        try:
            while True:
                next(running)
        except StopIteration as done:
            status = json.dumps(done.value).encode()
        except TimeoutError:
            pass
        return ExecOutput(
            response.status, status, b"".join(client.written[1]), b"".join(client.written[2])
        )


class _ClientEnd:
    """The client's end of a command (an ``ExecIO``)."""

    def __init__(self, stdin: bytes, deadline: float) -> None:
        self.window = 24, 80
        self.written: dict[int, list[bytes]] = {1: [], 2: []}
        self._stdin = stdin
        self._deadline = deadline

    async def read_stdin(self) -> bytes:
        data = self._stdin
        self._stdin = b""
        return data

    def stdin_ready(self) -> bool:
        return True

    async def write(self, channel: int, data: bytes) -> None:
        self.written[channel].append(data)

    async def sleep(self, seconds: float) -> None:
        left = max(0.0, self._deadline - time.monotonic())
        # This coroutine is the only one of its thread, so a blocking sleep is right.
        time.sleep(min(seconds, left))
        if seconds > left:
            raise TimeoutError
