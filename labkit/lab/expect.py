"""``with expect_forbidden(...)``: a refusal is what the lesson wants to see.

No cell crashes on a 403 that is meant; one that is allowed by mistake fails, with
a sentence. It holds for the lab's callers, for commands in pods, and for other
clients, whose exceptions carry a status of 403.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

from labkit.core.errors import ExpectedForbidden


class Seen(Protocol):
    """What is told of a call: an ``Answer`` or a ``CompletedExec``."""

    def summary(self) -> dict[str, Any]:
        """The call's facts."""
        ...


@dataclass
class Watchful:
    """What happens in a block.

    Args:
        verb: Only calls with this verb count, when given.
        resource: Only calls of this resource count, when given.
        refused: The calls that were refused.
        allowed: Those that were not.
        others: What each call was that does not count.
    """

    verb: str | None = None
    resource: str | None = None
    refused: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def note(self, summary: dict[str, Any]) -> None:
        """Count one call, if it is of the kind that counts."""
        for key, wanted in (("verb", self.verb), ("resource", self.resource)):
            if wanted is not None and key in summary and summary[key] != wanted:
                self.others.append(f"{summary.get('verb')} {summary.get('resource') or ''}".strip())
                return
        if summary.get("kind") == "exec" and not summary.get("status"):
            return
        text = f"{summary.get('who')}: {summary.get('command') or summary.get('path')}"
        if summary.get("status") == 403:
            self.refused.append(text)
        else:
            self.allowed.append(f"{text} ({summary.get('status')})")


_watching: ContextVar[tuple[Watchful, ...]] = ContextVar("labkit_watching", default=())


def observe(seen: Seen) -> None:
    """Tell the surrounding blocks, if any, of a call."""
    blocks = _watching.get()
    if blocks:
        summary = seen.summary()
        for block in blocks:
            block.note(summary)


@contextmanager
def expect_forbidden(*, verb: str | None = None, resource: str | None = None) -> Iterator[Watchful]:
    """Expect that every call in the block is forbidden (403), and at least one is made.

    Args:
        verb: Look only at calls with this verb, such as ``list``.
        resource: Look only at calls of this resource, such as ``services``.

    Yields:
        What was refused and what was allowed, filled while the block runs.

    Raises:
        ExpectedForbidden: When a call was allowed, or none was made.
    """
    block = Watchful(verb, resource)
    mark = _watching.set((*_watching.get(), block))
    try:
        yield block
    except Exception as error:
        if _status(error) != 403:
            raise
        block.refused.append(str(getattr(error, "reason", error)))
    finally:
        _watching.reset(mark)
    what = " ".join(word for word in (verb, resource) if word) or "the call"
    if block.allowed:
        raise ExpectedForbidden(
            f"{what} was expected to be forbidden, and was not.",
            why="; ".join(block.allowed),
            todo="Look at who asked, and at the bindings that name them.",
        )
    if not block.refused:
        raise ExpectedForbidden(
            f"{what} was expected to be forbidden, and no such call was made.",
            why=f"the block made other calls: {', '.join(dict.fromkeys(block.others))}" if block.others else "",
            todo="Name the verb and the resource of the call you mean."
            if block.others
            else "Make the call inside the `with` block.",
        )


def _status(error: Exception) -> int | None:
    """The HTTP status an exception carries, as the various clients spell it."""
    response = getattr(error, "response", None)
    for holder, name in ((error, "status"), (error, "status_code"), (response, "status_code")):
        value = getattr(holder, name, None)
        if isinstance(value, int):
            return value
        code = getattr(value, "code", None)
        if isinstance(code, int):
            return code
    return None
