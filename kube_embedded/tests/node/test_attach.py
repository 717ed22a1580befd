"""Attach: the output of a container's first process, for a client that reads slowly."""

from __future__ import annotations

import asyncio

from typing_extensions import override

from kube_embedded.container.logs import Log
from kube_embedded.node.pod.container_slot import Slot
from kube_embedded.node.sessions import MAX_UNSENT_BYTES, AttachSession, Streams
from kube_embedded.tests.container.textio import TextIO

MEBIBYTE = b"x" * (1 << 20)


class SlowReader(TextIO):
    """A client that is still busy with the first byte while the container writes more."""

    def __init__(self, log: Log, mebibytes: int) -> None:
        super().__init__(limit_bytes=1 << 30)
        self._log = log
        self._mebibytes = mebibytes

    @override
    async def write(self, channel: int, data: bytes) -> None:
        """Keep the output; the container's comes meanwhile."""
        await super().write(channel, data)
        for _ in range(self._mebibytes):
            self._log.write(MEBIBYTE)
        self._mebibytes = 0

    @override
    async def sleep(self, seconds: float) -> None:
        """The container has ended when all that it wrote is sent."""
        if self.out[1]:
            self._log.close()
        else:
            self._log.write(b"!")


def received(mebibytes: int) -> int:
    log = Log(lambda: 0.0)
    client = SlowReader(log, mebibytes)
    slot = Slot({"name": "main"}, {})
    streams = Streams(stdin=False, stdout=True, stderr=False, tty=False)
    session = AttachSession(streams, slot, log, lambda: None)
    status = asyncio.run(asyncio.wait_for(session.run(client), 10))
    assert status["status"] == "Success"
    return len(client.out[1]) - len(b"!")


def test_output_below_the_limit_waits_for_a_slow_client() -> None:
    assert received(3) == 3 << 20


def test_output_beyond_the_limit_is_dropped() -> None:
    assert received(9) == MAX_UNSENT_BYTES
