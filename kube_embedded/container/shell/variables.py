"""A shell's variables: texts, some of them exported."""

from __future__ import annotations

from collections.abc import Mapping

from .task_loop import MemoryExceeded

# Bounds of one shell process: `x=$x$x` in a loop must not fill the server's memory.
MAX_VALUE_CHARS = 1 << 20
MAX_VARIABLES = 5_000
MAX_TOTAL_CHARS = 8 << 20

Saved = tuple[str | None, bool]
"""The value of a variable, and whether it is exported."""


class Variables:
    """All variables of one shell, which begins with the exported ones of its environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._values = dict(environment)
        self._exported = set(environment)
        self._chars = 0

    def copy(self) -> Variables:
        """Return the variables of a subshell."""
        other = Variables(self._values)
        other._exported = set(self._exported)
        other._chars = self._chars
        return other

    def __len__(self) -> int:
        return len(self._values)

    def text(self, name: str) -> str | None:
        """Return a variable's text, or None if it is unset."""
        return self._values.get(name)

    def set(self, name: str, value: str) -> None:
        """Set a variable's text; ``MemoryExceeded`` if it is too long, or if there are too many."""
        self._chars += len(value) - len(self._values.get(name, ""))
        if len(value) > MAX_VALUE_CHARS or self._chars > MAX_TOTAL_CHARS:
            raise MemoryExceeded
        self._values[name] = value
        if len(self._values) > MAX_VARIABLES:
            raise MemoryExceeded

    def export(self, name: str, *, exported: bool = True) -> None:
        """Give a variable to the commands that the shell runs, or no longer; it need not be set yet."""
        (self._exported.add if exported else self._exported.discard)(name)
        if len(self._exported) > MAX_VARIABLES:
            raise MemoryExceeded

    def unset(self, name: str) -> None:
        """Remove a variable."""
        self._chars -= len(self._values.pop(name, ""))
        self._exported.discard(name)

    def environment(self) -> dict[str, str]:
        """Return the exported variables, which commands see."""
        return {name: text for name, text in self._values.items() if name in self._exported}

    def save(self, name: str) -> Saved:
        """Return the state of a variable, for :meth:`restore`."""
        return self._values.get(name), name in self._exported

    def restore(self, name: str, saved: Saved) -> None:
        """Put a variable back to its former state."""
        value, exported = saved
        self.unset(name)
        if value is not None:
            self.set(name, value)
        self.export(name, exported=exported)
