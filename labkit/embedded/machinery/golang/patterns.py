r"""Patterns in Go's syntax for Python's ``regex``, where ``\d`` and ``$`` match more and ``{,3}`` is no text.

Source: Go's ``regexp/syntax/parse.go``.
"""

from __future__ import annotations

import re
from functools import lru_cache

import regex

from labkit.embedded.machinery.work import charge

NAMED = r"\[:\^?\w+:\]"
SET = rf"\[\^?\]?+(?:{NAMED}|\\.|[^\]\\])*\]"
UNICODE = r"\\[pP](?:\{[^}\\]*\}|[^{])"
REPEAT = r"(?:[*+?]|\{\d+(?:,\d*)?\})\??+"
GROUP = r"\(\?(?:P?<\w+>|[imsU]*(?:-[imsU]+)?[:)])"
TOKEN = re.compile(
    rf"(?P<set>{SET})|(?P<open>\[.*)|(?P<property>{UNICODE})|\\[0-7]{{2,3}}|\\x(?:[0-9A-Fa-f]{{2}}|\{{[0-9A-Fa-f]+\}})"
    rf"|\\[^1-9A-Za-z]|\\[ABQEdDsSwWbzafnrtv]|(?P<escape>\\.)|(?P<trailing>\\\Z)"
    rf"|(?P<lonely>(?:^|(?<=(?<!\\)[(|])|(?<=\(\?:)){REPEAT})|(?P<nested>(?:{REPEAT}){{2}})|\{{(?P<count>\d+,?\d*)\}}"
    rf"|{GROUP}|(?P<capture>\(\?P?<[^>]*>?)|(?P<perl>\(\?[imsU-]*.?)",
    re.ASCII | re.DOTALL,
)
WRONG = {
    "escape": "invalid escape sequence",
    "trailing": "trailing backslash at end of expression",
    "lonely": "missing argument to repetition operator",
    "nested": "invalid nested repetition operator",
    "capture": "invalid named capture",
    "open": "missing closing ]",
    "perl": "invalid or unsupported Perl syntax",
}
DIFFERENT = re.compile(rf"(?P<set>{SET})|\\.|\$(?=$|\))|\{{,\d*\}}", re.DOTALL)
NODE = re.compile(
    rf"{SET}|{UNICODE}|\\.|(?P<ends>[()])|\{{(?P<least>\d+)(?P<more>,(?P<most>\d*))?\}}\??|.",
    re.DOTALL,
)
MAX_REPEATS, CHAR_COST = 1000, 20
MAX_LENGTH, MAX_SIZE, REPEAT_SIZE = 20_000, 20_000, 80
"""How long a pattern may be, and how large when each part counts as often as it must be there, each repetition as many
parts: ``regex`` unrolls them."""
TOO_LARGE = "expression too large"
PERL = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}


@lru_cache(64)
def compiled(pattern: str) -> regex.Pattern[str]:
    """Compile a pattern of which ``problem_of`` finds nothing wrong."""
    return regex.compile(DIFFERENT.sub(_rewrite, pattern), cache_pattern=False)


def _rewrite(match: re.Match[str]) -> str:
    text = match[0]
    if match["set"]:
        return re.sub(r"\\(.)", lambda each: PERL.get(each[1], each[0]), text)
    if text[1:].lower() in PERL:
        return f"[{'^' if text[1].isupper() else ''}{PERL[text[1].lower()]}]"
    if text[0] == "{":
        return rf"\{text}"
    return r"\Z" if text in (r"\z", "$") else text


def problem_of(pattern: str) -> str:
    """The problem of a pattern, as Go words it; empty for a valid one."""
    charge(CHAR_COST * len(pattern))
    if len(pattern) > MAX_LENGTH:
        return TOO_LARGE
    for found in TOKEN.finditer(pattern):
        name, text = found.lastgroup or "", found[0]
        if name in WRONG:
            return f"{WRONG[name]}: `{text if name != 'trailing' else ''}`"
        if name == "count":
            counts = [int(each[:9]) for each in found["count"].split(",") if each]
            if counts[0] > counts[-1] or counts[-1] > MAX_REPEATS:
                return f"invalid repeat count: `{text}`"
        problem = _class_problem(text) if name in ("set", "property") else ""
        if problem:
            return f"invalid character class range: `{problem}`"
    problem = _repeat_problem(pattern)
    if problem:
        return problem
    try:
        compiled(pattern)
    except RecursionError:
        return f"expression nests too deeply: `{pattern}`"
    except regex.error as error:
        said = (
            str(error)
            .replace("unbalanced parenthesis", "unexpected )")
            .replace("missing )", "missing closing )")
        )
        return f"{said.partition(' at position')[0]}: `{pattern}`"
    return ""


def _repeat_problem(pattern: str) -> str:
    """Why the repetitions in one another are too many, for Go or for ``regex``."""
    groups: list[tuple[int, int]] = []
    copies = inner = 0  # the most repetitions in one another in this group, and in its last part
    size = last = 0  # the sizes of this group, and of its last part
    for found in NODE.finditer(pattern):
        if found["least"]:
            least, most = int(found["least"][:9]), int((found["most"] or found["least"])[:9])
            inner = max(inner, 1) * most if most or found["most"] == "" else 0
            if inner > MAX_REPEATS and most > 1:
                return f"invalid repeat count: `{found[0]}`"
            size, last = size - last, last * max(least, 1) + REPEAT_SIZE
            size += last
        elif found[0] == "(":
            groups.append((max(copies, inner), size))
            copies = inner = size = last = 0
        elif found["ends"] and groups:
            inner, last = max(copies, inner), size + 1
            copies, size = groups.pop()
            size += last
        else:
            copies, inner, last = max(copies, inner), 0, 1
            size += 1
        if size > MAX_SIZE:
            return TOO_LARGE
    return ""


def _class_problem(text: str) -> str:
    """The part of a class that names no characters."""
    members = re.sub(r"^\[\^?", "", text)
    for found in re.finditer(rf"{UNICODE}|{NAMED}|(\\.|[^\\])-(\\.|[^\\\]])", members, re.DOTALL):
        try:
            regex.compile(f"[{found[0]}]")
        except regex.error:
            return found[0]
    return ""
