"""A shell's variables: texts, some of them exported."""

from __future__ import annotations

from dataclasses import dataclass, replace

from labkit.embedded.container.shell.task_loop import MemoryExceeded

MAX_VALUE_CHARS = 1 << 20
MAX_VARIABLES = 5_000
MAX_TOTAL_CHARS = 8 << 20


@dataclass(slots=True)
class Variable:
    """One variable; its value is None until it is set."""

    value: str | None = None
    exported: bool = False


class Variables:
    """All variables of one shell, which begins with the exported ones of its environment."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._all = {name: Variable(value, exported=True) for name, value in environment.items()}
        self._written = 0

    def _account(self, chars: int) -> None:
        """Count written characters, and from time to time recount those still stored."""
        self._written += chars
        if self._written > MAX_TOTAL_CHARS:
            held = sum(len(one.value or "") for one in self._all.values())
            if held > MAX_TOTAL_CHARS:
                raise MemoryExceeded
            self._written = held // 2

    def copy(self) -> Variables:
        """The variables of a subshell."""
        other = Variables({})
        other._all = {name: replace(one) for name, one in self._all.items()}
        other._written = self._written
        return other

    def __len__(self) -> int:
        return len(self._all)

    def get(self, name: str) -> Variable | None:
        """A variable, or None."""
        return self._all.get(name)

    def text(self, name: str) -> str | None:
        """A variable's text, or None if it is unset."""
        variable = self._all.get(name)
        return variable.value if variable is not None else None

    def declare(self, name: str) -> Variable:
        """A variable, made if it is missing; ``MemoryExceeded`` if there are too many."""
        variable = self._all.get(name)
        if variable is None:
            if len(self._all) >= MAX_VARIABLES:
                raise MemoryExceeded
            variable = self._all[name] = Variable()
        return variable

    def set(self, name: str, value: str, *, exported: bool | None = None) -> None:
        """Set a variable's text; ``MemoryExceeded`` if the text is too long."""
        if len(value) > MAX_VALUE_CHARS:
            raise MemoryExceeded
        self._account(len(value))
        variable = self.declare(name)
        variable.value = value
        if exported is not None:
            variable.exported = exported

    def unset(self, name: str) -> None:
        """Remove a variable."""
        self._all.pop(name, None)

    def environment(self) -> dict[str, str]:
        """The exported variables, which commands see."""
        return {
            name: one.value
            for name, one in self._all.items()
            if one.exported and one.value is not None
        }

    def save(self, name: str) -> Variable | None:
        """A copy of a variable, for :meth:`restore`."""
        variable = self._all.get(name)
        return replace(variable) if variable is not None else None

    def restore(self, name: str, before: Variable | None) -> None:
        """Put a variable back as it was."""
        if before is None:
            self._all.pop(name, None)
        else:
            self._all[name] = before
