r"""Patterns in Go's syntax for the library ``regex``, where ``\d`` and ``$`` match more and ``{,3}`` is a repetition.

Without it they are Python's own ``re``, which knows neither ``\p{L}`` nor ``[[:alpha:]]`` and limits no search's time.

Source: Go's ``regexp/syntax/parse.go``.
"""

import re
import warnings
from functools import lru_cache
from importlib import import_module
from typing import Any

from .. import libraries
from ..work import charge

ENGINE: Any = import_module("regex" if libraries.REGEX else "re")

NAMED = r"\[:\^?\w+:\]"
SET = rf"\[\^?\]?+(?:{NAMED}|\\.|[^\]\\])*\]"
UNICODE = r"\\[pP](?:\{[^}\\]*\}|[^{])"
REPEAT = r"(?:[*+?]|\{\d+(?:,\d*)?\})\??+"
GROUP = r"\(\?(?:P?<\w+>|[imsU]*(?:-[imsU]+)?[:)])"
# The syntax that RE2 reads, and in the group ``wrong`` the syntax that it rejects, or reads differently from
# ``regex``: back references,
# lookarounds and possessive repetitions, whose search could take for ever.
TOKEN = re.compile(
    rf"{SET}|(?P<wrong>\[.*)|{UNICODE}|\\[0-7]{{2,3}}|\\x(?:[0-9A-Fa-f]{{2}}|\{{[0-9A-Fa-f]+\}})"
    rf"|\\[^1-9A-Za-z]|\\[ABQEdDsSwWbzafnrtv]|(?P<escape>\\.|\\\Z)"
    rf"|(?P<repeat>(?:^|(?<=(?<!\\)[(|])|(?<=\(\?:)){REPEAT}|(?:{REPEAT}){{2}})"
    rf"|\{{(?P<count>\d+,?\d*)\}}|{GROUP}|(?P<perl>\(\?[imsU-]*.?)",
    re.ASCII | re.DOTALL,
)
DIFFERENT = re.compile(rf"(?P<set>{SET})|\\.|\$(?=$|\))|\{{,\d*\}}", re.DOTALL)
NODE = re.compile(
    rf"{SET}|{UNICODE}|\\.|(?P<ends>[()])|\{{(?P<least>\d+)(?P<more>,(?P<most>\d*))?\}}\??|.",
    re.DOTALL,
)
MAX_REPEATS = 1000
CHAR_COST = 20
# Ours: the limits of a pattern's length, and of its size when each part counts as often as it is required, each
# repetition as
# many parts. ``regex`` unrolls them, and would need gigabytes.
MAX_LENGTH = 20_000
MAX_SIZE = 20_000
REPEAT_SIZE = 80
TOO_LARGE = "expression too large"
PERL = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}


@lru_cache(64)
def compiled(pattern: str) -> Any:
    """Compile a pattern for which ``problem_of`` finds no problem."""
    rewritten = DIFFERENT.sub(_rewrite, pattern)
    if libraries.REGEX:
        # It would cache 500 patterns of its own, however large.
        return ENGINE.compile(rewritten, cache_pattern=False)
    if re.search(NAMED, pattern):
        raise re.error("named set of characters")
    with warnings.catch_warnings():
        # Of a bracket or two hyphens in a set, which may mean something else one day.
        warnings.simplefilter("ignore", FutureWarning)
        return ENGINE.compile(rewritten)


def is_found(pattern: str, text: str, seconds: float) -> bool:
    """Return whether a part of a text matches; TimeoutError after so many seconds, if ``regex`` is installed."""
    limit = {"timeout": seconds} if libraries.REGEX else {}
    return compiled(pattern).search(text, **limit) is not None


def _rewrite(match: re.Match[str]) -> str:
    text = match[0]
    if match["set"]:
        return re.sub(r"\\(.)", lambda match: PERL.get(match[1], match[0]), text)
    # In Go these classes are ASCII only.
    if text[1:].lower() in PERL:
        return f"[{'^' if text[1].isupper() else ''}{PERL[text[1].lower()]}]"
    # Without a lower bound the braces are text in Go, and a repetition in ``regex``.
    if text[0] == "{":
        return rf"\{text}"
    return r"\Z" if text in (r"\z", "$") else text


def problem_of(pattern: str) -> str:
    """The problem of a pattern, as Go words it; empty for a valid one."""
    charge(CHAR_COST * len(pattern))
    if len(pattern) > MAX_LENGTH:
        return TOO_LARGE
    for token in TOKEN.finditer(pattern):
        text = token[0]
        if token["count"]:
            counts = [int(count[:9]) for count in token["count"].split(",") if count]
            if counts[0] > counts[-1] or counts[-1] > MAX_REPEATS:
                return f"invalid repeat count: `{text}`"
        elif token.lastgroup:
            return f"invalid or unsupported Perl syntax: `{text}`"
    problem = _repeat_problem(pattern)
    if problem:
        return problem
    try:
        compiled(pattern)
    except RecursionError:
        return f"expression nests too deeply: `{pattern}`"
    except ENGINE.error as error:
        problem = f"{str(error).partition(' at position')[0]}: `{pattern}`"
        return problem if libraries.REGEX else f"{problem}; {libraries.missing('regex')}"
    return ""


def _repeat_problem(pattern: str) -> str:
    """Why the repetitions in one another are too many, for Go or for ``regex``."""
    groups: list[tuple[int, int]] = []
    copies = inner = 0  # the most repetitions in one another in this group, and in its last part
    size = last = 0  # the sizes of this group, and of its last part
    for match in NODE.finditer(pattern):
        if match["least"]:
            least = int(match["least"][:9])
            most = int((match["most"] or match["least"])[:9])
            inner = max(inner, 1) * most if most or match["most"] == "" else 0
            if inner > MAX_REPEATS and most > 1:
                return f"invalid repeat count: `{match[0]}`"
            size = size - last
            last = last * max(least, 1) + REPEAT_SIZE
            size += last
        elif match[0] == "(":
            groups.append((max(copies, inner), size))
            copies = inner = size = last = 0
        elif match["ends"] and groups:
            inner = max(copies, inner)
            last = size + 1
            copies, size = groups.pop()
            size += last
        else:
            copies = max(copies, inner)
            inner = 0
            last = 1
            size += 1
        if size > MAX_SIZE:
            return TOO_LARGE
    return ""
