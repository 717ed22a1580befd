"""The common parts of both ways of executing cells: callbacks, the first code to run, and messages as text."""

from collections.abc import Callable
from typing import Any

SIGNAL_BASE = 128
"""Exit code 128 + n stands for signal n, as in shells."""

OnCell = Callable[[int], None]
"""Called after each cell with the number of cells that have run."""

OnMessage = Callable[[str, dict[str, Any]], None]
"""Called with the type and the content of each message that a kernel publishes."""

FORMATS: tuple[str, ...] = ("text/plain",)
"""The formats in which values are shown; others are dropped."""

STARTUP = (
    'get_ipython().register_magic_function(lambda line: print("While a notebook is graded, nothing can be installed: '
    'there is no network."), "line", "pip")',
)
"""Code that runs before the first cell, in both."""


def as_text(kind: str, content: dict[str, Any]) -> str:
    """Convert a message to text, which is empty for most."""
    if kind == "stream":
        return str(content["text"])
    if kind == "error":
        return f"Traceback (most recent call last):\n{content['ename']}: {content['evalue']}\n"
    if kind in ("execute_result", "display_data", "update_display_data"):
        return f"{content['data'].get('text/plain', '')}\n"
    return ""
