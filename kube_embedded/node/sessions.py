"""Sessions of ``exec`` and ``attach``: a command in a container, or the streams of its first process."""

from collections.abc import Callable
from typing import NamedTuple

from ..container.container import Container, NotRunnable
from ..container.logs import Log
from ..container.terminal import Terminal
from ..machinery.request import ExecIO, Object
from .pod.container_slot import Slot

ATTACH_POLL_SECONDS = 0.03
MAX_UNSENT_BYTES = 4 << 20


class Streams(NamedTuple):
    """The streams that a caller requested, and whether they belong to a terminal."""

    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool


class Session:
    """The streams of an ``ExecSession``."""

    def __init__(self, streams: Streams) -> None:
        self.stdin, self.stdout, self.stderr, self.tty = streams


class CommandSession(Session):
    """A command about to run in a container (an ``ExecSession``).

    The protocols ``v5`` and ``v4`` report errors differently; ``random`` is the source of the id in an error.
    """

    def __init__(
        self,
        streams: Streams,
        container: Container,
        argv: list[str],
        version: str,
        random: Callable[[int], bytes],
    ) -> None:
        super().__init__(streams)
        self._container = container
        self._words = argv
        self._version = version
        self._random = random

    async def run(self, io: ExecIO) -> Object:
        """Run the command to its end, and return the Status for channel 3."""
        far: ExecIO = Terminal(io) if self.tty else io
        try:
            status = await self._container.run(
                self._words, far, stdin=self.stdin, terminal=self.tty
            )
        except NotRunnable as problem:
            return self._not_runnable(problem)
        if status == 0:
            return {"metadata": {}, "status": "Success"}
        text = f"command terminated with exit code {status}"
        # Up to v4 the kubelet words the end of a command, from v5 on the API server.
        if self._version == "v4":
            text = f"error executing command [{' '.join(self._words)}], exit code {status}"
        message = f"command terminated with non-zero exit code: {text}"
        return _failure("NonZeroExitCode", message, {"reason": "ExitCode", "message": str(status)})

    def _not_runnable(self, problem: NotRunnable) -> Object:
        # runc complains of arguments before it tries to start the process.
        lead = "" if str(problem).startswith("args") else "unable to start container process: "
        text = (
            "error executing command in container: failed to exec in container: failed to start exec "
            f'"{self._random(32).hex()}": OCI runtime exec failed: exec failed: {lead}{problem}: unknown'
        )
        inner = f"Internal error occurred: {text}" if self._version == "v5" else text
        return {
            **_failure("InternalError", f"Internal error occurred: {inner}", {"message": inner}),
            "code": 500,
        }


def _failure(reason: str, message: str, cause: Object) -> Object:
    details = {"causes": [cause]}
    return {
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "details": details,
    }


class AttachSession(Session):
    """Follows a running container's output and types into its input (an ``ExecSession``), and then advances the pod."""

    def __init__(self, streams: Streams, slot: Slot, log: Log, look: Callable[[], object]) -> None:
        super().__init__(streams)
        self._slot = slot
        self._log = log
        self._look = look

    async def run(self, io: ExecIO) -> Object:
        """Copy input and output until the container ends."""
        pieces: list[bytes] = []
        size = 0

        def take(data: bytes) -> None:
            nonlocal size
            # A client that does not read must not fill the memory. The log has all output; what is dropped can be
            # read there.
            if data and size < MAX_UNSENT_BYTES:
                pieces.append(data)
                size += len(data)

        process = self._slot.process
        typing = self.stdin and bool(self._slot.spec.get("stdin"))
        forget = self._log.subscribe(take)
        try:
            while True:
                if typing and process is not None and io.stdin_ready():
                    data = await io.read_stdin()
                    typing = bool(data)
                    process.feed(data)
                    self._look()
                if pieces:
                    data = b"".join(pieces)
                    size = 0
                    pieces.clear()
                    await io.write(1, data)
                elif self._log.closed:
                    return {"metadata": {}, "status": "Success"}
                else:
                    await io.sleep(ATTACH_POLL_SECONDS)
        finally:
            forget()
