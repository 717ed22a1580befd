"""The results of handlers: objects that are not encoded yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from labkit.embedded.machinery.kinds import Kind
from labkit.embedded.machinery.request import Object, Request


class One(NamedTuple):
    """One object, or a Status."""

    kind: Kind
    object: Object
    code: int = 200


class Many(NamedTuple):
    """A list of a kind: its own metadata, and the items, with kind and apiVersion."""

    kind: Kind
    metadata: Object
    objects: Sequence[Object]


Result = One | Many
Operation = Callable[[Request, Kind], Result]
"""Answers a request of one kind, verb and subresource; raises ``ApiError``."""


def success(kind: Kind) -> One:
    """201 with a Status that reports success."""
    return One(
        kind,
        {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201},
        201,
    )
