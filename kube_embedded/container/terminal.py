"""A terminal's line discipline: echo, erasing, Ctrl-C and Ctrl-D, and line ends.

It is between the far end, which sends single keys, and the command, which reads lines.
"""

from ..machinery.request import ExecIO

ETX, EOT, NAK, ETB, DEL, BS, ESC, TAB = 0x03, 0x04, 0x15, 0x17, 0x7F, 0x08, 0x1B, 0x09
FORM_FEED = 0x0C
# The kernel's own limit for a line (N_TTY_BUF_SIZE).
MAX_LINE = 4096
MAX_HISTORY = 200


class Terminal:
    """An ``ExecIO`` that adds a terminal's line discipline to another one."""

    def __init__(self, io: ExecIO) -> None:
        self._io = io
        self._line = bytearray()
        self._ready = bytearray()
        self._escape = b""
        self._history: list[bytes] = []
        self._position = 0
        self._stopped = False
        self.closed = False
        """The client has disconnected; Ctrl-D does not set this."""

    @property
    def window(self) -> tuple[int, int]:
        """The far end's rows and columns."""
        return self._io.window

    @window.setter
    def window(self, size: tuple[int, int]) -> None:
        self._io.window = size

    def stdin_ready(self) -> bool:
        """Return whether there is input to read."""
        return bool(self._ready) or self._io.stdin_ready()

    async def write(self, channel: int, data: bytes) -> None:
        """Send output with a terminal's line ends."""
        await self._io.write(1, data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._io.sleep(seconds)

    async def read_stdin(self) -> bytes:
        """Return the next line, a Ctrl-C, or ``b""`` at Ctrl-D on an empty line."""
        while True:
            if self._ready:
                end = self._ready.find(b"\n")
                stop = end + 1 if end >= 0 else len(self._ready)
                data = bytes(self._ready[:stop])
                del self._ready[:stop]
                return data
            if self.closed:
                return b""
            typed = await self._io.read_stdin()
            if not typed:
                self.closed = True
                self._ready += self._line
                self._line.clear()
                continue
            for byte in typed:
                await self._key(byte)
            if self._stopped:
                self._stopped = False
                return b""

    async def _echo(self, data: bytes) -> None:
        await self._io.write(1, data)

    async def _key(self, byte: int) -> None:
        if self._escape:
            await self._sequence(byte)
        elif byte == ESC:
            self._escape = b"\x1b"
        elif byte in (0x0D, 0x0A):
            await self._echo(b"\r\n")
            line = bytes(self._line)
            # Repeated lines are left out, as with bash's HISTCONTROL=ignoredups.
            if line.strip() and (not self._history or self._history[-1] != line):
                self._history.append(line)
                del self._history[:-MAX_HISTORY]
            self._position = len(self._history)
            self._ready += line + b"\n"
            self._line.clear()
        elif byte == ETX:
            self._line.clear()
            self._ready.clear()
            self._ready += b"\x03"
        elif byte == EOT:
            if self._line:
                self._ready += self._line
                self._line.clear()
            else:
                self._stopped = True
        elif byte in (DEL, BS):
            await self._erase(1)
        elif byte == NAK:
            await self._erase(len(self._line))
        elif byte == ETB:
            text = bytes(self._line).rstrip(b" ")
            cut = text.rfind(b" ") + 1
            await self._erase(len(self._line) - cut)
        elif byte == FORM_FEED:
            await self._echo(b"\x1b[H\x1b[2J" + bytes(self._line))
        elif (byte >= 0x20 or byte == TAB) and len(self._line) < MAX_LINE:
            self._line.append(byte)
            await self._echo(bytes((byte,)))

    async def _erase(self, count: int) -> None:
        for _ in range(min(count, len(self._line))):
            byte = self._line.pop()
            # A character of UTF-8 can have several bytes, but only one cell on the screen.
            while self._line and byte & 0xC0 == 0x80:
                byte = self._line.pop()
            await self._echo(b"\b \b")

    async def _sequence(self, byte: int) -> None:
        """An arrow key: up and down bring back earlier lines; the others are ignored."""
        self._escape += bytes((byte,))
        if len(self._escape) == 2 and byte in b"[O":
            return
        if len(self._escape) > 2 and not 0x40 <= byte <= 0x7E and len(self._escape) < 8:
            return
        key = self._escape
        self._escape = b""
        if key in (b"\x1b[A", b"\x1bOA", b"\x1b[B", b"\x1bOB"):
            step = -1 if key.endswith(b"A") else 1
            number = self._position + step
            if 0 <= number <= len(self._history):
                self._position = number
                await self._erase(len(self._line))
                self._line += self._history[number] if number < len(self._history) else b""
                await self._echo(bytes(self._line))
