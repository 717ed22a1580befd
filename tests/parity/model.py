"""The recordings' shapes: a suite is a list of steps, a step a request and its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"

SUITES = (
    "walkthrough",
    "discovery",
    "anonymous",
    "authentication",
    "tokens",
    "rbac",
    "escalation",
    "reviews",
    "aggregation",
    "bootstrap",
    "objects",
    "patches",
    "listing",
    "authz-more",
    "http-more",
    "core-more",
    "apply-more",
    "workloads",
    "custom-resources",
    "definitions",
    "versions",
    "admission-policies",
    "gaps",
)
"""The HTTP suites, in the order of the recordings' README."""

KEPT_HEADERS = (
    "content-type",
    "www-authenticate",
    "location",
    "retry-after",
    "warning",
    "allow",
    "accept-patch",
    "cache-control",
    "x-content-type-options",
)
"""The headers that recordings keep; everything else varies or says nothing."""


@dataclass(frozen=True)
class Step:
    """One recorded exchange.

    Args:
        id: ``suite/number``.
        request: ``as``, ``method``, ``path``, and maybe ``body`` and ``headers``.
        response: ``status``, ``headers``, ``body``; empty when about to be recorded.
        save: Variable name to a dotted path into the answer.
        wait: Conditions (status, dotted paths) before the answer counts.
        watch: Whether the answer is a stream of events.
        only: The dotted paths of the body that were recorded.
    """

    id: str
    request: Mapping[str, Any]
    response: Mapping[str, Any] = field(default_factory=dict)
    save: Mapping[str, str] = field(default_factory=dict)
    wait: Mapping[str, Any] | None = None
    watch: bool = False
    only: tuple[str, ...] | None = None
    note: str = ""

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Step:
        """A step from its JSON form."""
        return cls(
            raw["id"],
            raw["request"],
            raw.get("response", {}),
            raw.get("save", {}),
            raw.get("wait"),
            raw.get("watch", False),
            tuple(raw["only"]) if "only" in raw else None,
            raw.get("note", ""),
        )


@dataclass(frozen=True)
class Answer:
    """A server's answer, before any masking."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def decoded(self, *, watch: bool = False) -> Any:
        """The body as the recordings hold it: JSON decoded, a watch as a list, else text."""
        if watch and self.status == 200:
            return [json.loads(line) for line in self.body.splitlines() if line.strip()]
        media = self.headers.get("content-type", "")
        if "protobuf" in media:
            return "<protobuf>"
        text = self.body.decode("utf-8", "replace")
        if "json" in media:
            if not text:  # the answer to HEAD
                return None
            try:
                return json.loads(text)
            except ValueError:
                return text
        return text


def load(name: str, folder: Path = DATA) -> Any:
    """A recording, as JSON."""
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def steps(suite: str, folder: Path = DATA) -> list[Step]:
    """The steps of one HTTP suite, in order."""
    return [Step.read(raw) for raw in load(suite, folder)["steps"]]


def lookup(document: Any, path: str) -> Any:
    """The value at a dotted path, or None. A digit is an index into a list.

    A key that itself holds dots (``ca.crt``) is found too: the longest key wins.
    """
    if not path:
        return document
    parts = path.split(".")
    if isinstance(document, list):
        if not parts[0].isdigit() or int(parts[0]) >= len(document):
            return None
        return lookup(document[int(parts[0])], ".".join(parts[1:]))
    if isinstance(document, dict):
        for length in range(len(parts), 0, -1):
            key = ".".join(parts[:length])
            if key in document:
                return lookup(document[key], ".".join(parts[length:]))
    return None
