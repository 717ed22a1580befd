"""Hold an answer against the recorded one, and name every difference."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.parity.masks import mask
from tests.parity.model import KEPT_HEADERS, Answer, Step, lookup

OWN_WARNINGS = re.compile(r'(?:, )?299 - "kube-embedded: [^"]*"')


@dataclass(frozen=True)
class Difference:
    """One thing that differs.

    Args:
        step: The step's id.
        aspect: ``status``, ``headers`` or ``body``.
        path: Where: a header's name or a dotted path into the body.
        expected: The recorded value; ``ABSENT`` where there was none.
        got: The server's value.
    """

    step: str
    aspect: str
    path: str
    expected: Any
    got: Any

    def __str__(self) -> str:
        where = f"{self.aspect}{' ' + self.path if self.path else ''}"
        return f"{self.step} {where}: expected {shown(self.expected)}, got {shown(self.got)}"


class _Absent:
    def __repr__(self) -> str:
        return "(nothing)"


ABSENT = _Absent()


def shown(value: Any, limit: int = 300) -> str:
    """A value on one line, cut where it gets long."""
    text = repr(value) if value is ABSENT else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def expectation(step: Step) -> dict[str, Any]:
    """Return the recorded answer in the form of ``reduced``."""
    return {
        "status": step.response["status"],
        "headers": dict(step.response["headers"]),
        "body": mask(step.response["body"]),
    }


def reduced(step: Step, answer: Answer, names: Mapping[str, str]) -> dict[str, Any]:
    """Return a server's answer in the form of a recording: masked, with only the recorded parts.

    Args:
        step: The step.
        answer: The server's answer.
        names: Literal strings of this server to mask.
    """
    body = mask(answer.decoded(watch=step.watch), names)
    if step.request["path"].split("?")[0] == "/openapi/v3" and answer.status == 200:
        body = "<openapi index>"
    if step.only is not None:
        body = {path: lookup(body, path) for path in step.only}
    headers = {
        name: mask(answer.headers[name], names) for name in KEPT_HEADERS if name in answer.headers
    }
    # No recording can have the server's own warnings: a real server gives these objects an effect.
    headers["warning"] = OWN_WARNINGS.sub("", headers.get("warning", "")).removeprefix(", ")
    if not headers["warning"]:
        del headers["warning"]
    return {"status": answer.status, "headers": headers, "body": body}


def differences(
    step: str, expected: Mapping[str, Any], got: Mapping[str, Any]
) -> Iterator[Difference]:
    """Every difference between a recorded answer and one that was got."""
    if expected["status"] != got["status"]:
        yield Difference(step, "status", "", expected["status"], got["status"])
    for name in sorted(expected["headers"].keys() | got["headers"].keys()):
        one, other = expected["headers"].get(name, ABSENT), got["headers"].get(name, ABSENT)
        if one != other:
            yield Difference(step, "headers", name, one, other)
    for path, one, other in walk(expected["body"], got["body"]):
        yield Difference(step, "body", path, one, other)


def walk(expected: Any, got: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Return the paths at which two decoded bodies differ, as deep as their shapes agree."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in [*expected, *(name for name in got if name not in expected)]:
            below = f"{path}.{name}" if path else name
            yield from walk(expected.get(name, ABSENT), got.get(name, ABSENT), below)
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for index, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from walk(one, other, f"{path}.{index}" if path else str(index))
    elif type(expected) is not type(got) or expected != got:
        yield path, expected, got


def diff(expected: Any, got: Any) -> str:
    """A unified diff of two answers, for a person to read."""

    def lines(value: Any) -> list[str]:
        if isinstance(value, str):
            return value.splitlines()
        return json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True).splitlines()

    return "\n".join(
        difflib.unified_diff(lines(expected), lines(got), "recorded", "got", lineterm="", n=2)
    )
