"""Masks for what commands print: kubectl's tables and descriptions, and pods' shells."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.parity.masks import YAML_MASKS, mask_text

_AGE = r"(?:\d+y)?(?:\d+d)?(?:\d+h)?(?:\d+m)?\d+[smhdy]"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"

PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r'("serverAddress": ?)"[^"]*"'), r'\1"<server>"'),
    (re.compile(r"https?://<server>"), "<server>"),
    (re.compile(_DAY), "<date>"),
    (
        re.compile(
            r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d +(?:\d\d:\d\d|\d{4})\b"
        ),
        "<date>",
    ),
    (re.compile(r"\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.\d+"), "..<dir>"),
    (re.compile(r"containerd://[0-9a-f]{64}"), "containerd://<id>"),
    (
        re.compile(r"docker\.io/library/\S*?sha256:(?:[0-9a-f]{64}|<id>)"),
        "docker.io/library/<image>sha256:<id>",
    ),
    (re.compile(r'start exec "[0-9a-f]{64}"'), 'start exec "<id>"'),
    (re.compile(r"after \d+ ms"), "after <n> ms"),
    # the embedded server's own warnings, which no real server sends.
    (re.compile(r"^Warning: kube-embedded: .*\n", re.M), ""),
    # kubectl before 1.33 can read the server's first frame, an empty one, before it has the stream.
    (
        re.compile(
            r"^E\d{4} .*websocket\.go:\d+\] Unknown stream id \d+, discarding message\n", re.M
        ),
        "",
    ),
    # Counts of restarts and repeated events, and every age, are that run's.
    (re.compile(rf"(?:{_AGE}|<age>) \(x\d+ over (?:{_AGE}|<age>)\)"), "<age>"),
    (re.compile(rf"\b\d+ \((?:{_AGE}|<age>) ago\)"), "<n>"),
    (re.compile(rf"(?<=\s){_AGE}(?=\s|$)", re.M), "<age>"),
    (re.compile(r"(?<=Restart Count:)(\s+)[1-9]\d*"), r"\1<n>"),
)

_METER = re.compile(r"  % Total.*?(?=\n(?:curl: |command terminated|<|\Z)|\Z)", re.DOTALL)


def mask_output(text: str, names: Mapping[str, str]) -> str:
    """Return a command's output with varying values masked.

    Column widths follow the masked values, so runs of blanks count as two.

    Args:
        text: stdout or stderr.
        names: Literal strings to replace: the server's address, the node's name and so on.
    """
    text = text.replace("\r", "\n") if "% Total" in text else text
    text = _METER.sub("<progress meter>", text)
    text = mask_text(text, names)
    for pattern, mask in (*YAML_MASKS, *PATTERNS):
        text = pattern.sub(mask, text)
    lines = [re.sub(r"(?<=\S) {2,}", "  ", line).rstrip() for line in text.split("\n")]
    return "\n".join(lines)
