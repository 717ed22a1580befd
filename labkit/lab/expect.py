"""``with expect_forbidden(...)``: expect that the calls in a block are refused.

A cell with an expected 403 runs, and a call that is allowed by mistake fails with a sentence.
It covers the lab's callers, commands in pods, and exceptions of other clients that carry the
status 403.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from labkit.core.display import SYMBOLS
from labkit.core.errors import ExpectedForbidden
from labkit.core.language import listed, shown, text


@dataclass
class Watchful:
    """The calls in a block.

    Args:
        verb: Only calls with this verb count, when given.
        resource: Only calls of this resource count, when given.
        refused: The calls that were refused.
        allowed: The calls that were not refused.
        others: Verb and resource of each call that does not count.
    """

    verb: str | None = None
    resource: str | None = None
    refused: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    def note(self, summary: dict[str, Any]) -> None:
        """Add a call to one of the three lists."""
        for key, wanted in (("verb", self.verb), ("resource", self.resource)):
            if wanted is not None and key in summary and summary[key] != wanted:
                self.others.append(f"{summary.get('verb')} {summary.get('resource') or ''}".strip())
                return
        # A command in a pod is an answer of the API only where the server refused to start it.
        if summary.get("kind") == "exec" and not summary.get("status"):
            return
        call = listed(
            [text(summary.get("who", "")), summary.get("command") or summary.get("path", "")], ": "
        )
        if summary.get("status") == 403:
            self.refused.append(call)
        else:
            self.allowed.append(f"{call} ({summary.get('status')})")


# A context variable: calls of other tasks and threads are not added to this block.
_watching: ContextVar[tuple[Watchful, ...]] = ContextVar("labkit_watching", default=())


def observe(summarize: Callable[[], dict[str, Any]]) -> None:
    """Add a call to the enclosing blocks, by the ``summary`` of an ``Answer`` or a ``CompletedExec``."""
    blocks = _watching.get()
    if blocks:
        summary = summarize()
        for block in blocks:
            block.note(summary)


@contextmanager
def expect_forbidden(*, verb: str | None = None, resource: str | None = None) -> Iterator[Watchful]:
    """Expect that every call in the block is forbidden (403), and at least one is made.

    Args:
        verb: Look only at calls with this verb, such as ``list``.
        resource: Look only at calls of this resource, such as ``services``.

    Yields:
        The calls of the block, added while it runs.

    Raises:
        ExpectedForbidden: When a call was allowed, or none was made.
    """
    block = Watchful(verb, resource)
    mark = _watching.set((*_watching.get(), block))
    try:
        yield block
    except Exception as error:
        # An expected 403 ends here, so that the cell goes on; any other error is the learner's
        # to see.
        if _status(error) != 403:
            raise
        block.refused.append(str(getattr(error, "reason", error)))
    finally:
        _watching.reset(mark)
    what = " ".join(word for word in (verb, resource) if word) or text("the call")
    if block.allowed:
        raise ExpectedForbidden(
            text("{call} was expected to be forbidden, and was not.", what),
            why="; ".join(block.allowed),
            todo="Look at who asked, and at the bindings that name them.",
        )
    if not block.refused:
        raise ExpectedForbidden(
            text("{call} was expected to be forbidden, and no such call was made.", what),
            why=text("the block made other calls: {calls}", ", ".join(dict.fromkeys(block.others)))
            if block.others
            else "",
            todo="Name the verb and the resource of the call you mean."
            if block.others
            else "Make the call inside the `with` block.",
        )
    said = text("forbidden, as expected: {calls}", listed(dict.fromkeys(block.refused), "; "))
    sys.stdout.write(f"{SYMBOLS['good']} {shown(said)}\n")


def _status(error: Exception) -> int | None:
    """Return the HTTP status of another client's exception, by the names that clients use."""
    # kubernetes has error.status, requests and kr8s error.response.status_code, and lightkube
    # error.status.code, a field of the Status object.
    response = getattr(error, "response", None)
    for holder, name in ((error, "status"), (error, "status_code"), (response, "status_code")):
        value = getattr(holder, name, None)
        if isinstance(value, int):
            return value
        code = getattr(value, "code", None)
        if isinstance(code, int):
            return code
    return None
