"""regex over re; see README.md."""

import re
import sys
from re import IGNORECASE, Match, error  # noqa: F401 - re-exported

if sys.platform != "emscripten":
    raise ImportError("this regex is for a page of a browser alone")

POSIX = 0


class _Pattern:
    """A compiled expression, whose searches take no time limit."""

    def __init__(self, pattern, flags):
        # \m and \M are the beginning and the end of a word.
        written = re.sub(
            r"(\\.)",
            lambda found: {r"\m": r"\b(?=\w)", r"\M": r"\b(?<=\w)"}.get(found[1], found[1]),
            pattern,
        )
        self._compiled = re.compile(written, flags)
        self.groups = self._compiled.groups

    def search(self, text, start=0, timeout=None):
        return self._compiled.search(text, start)


def compile(pattern, flags=0):
    """A compiled expression."""
    return _Pattern(pattern, flags)
