"""The sizes of replica sets in a rolling update.

Source: k8s.io/kubernetes ``pkg/controller/deployment/util``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from labkit.embedded.controllers.conditions import condition, transition_time
from labkit.embedded.machinery.objects import name_of
from labkit.embedded.machinery.request import Object

HASH = "pod-template-hash"
PREFIX = "deployment.kubernetes.io/"
MAX_REPLICAS = PREFIX + "max-replicas"
"""The annotation of a replica set with the most pods its deployment may have."""
DIGITS = "456789bcdf"
"""The characters for 0 to 9 in names, which cannot form words."""
COLLISIONS = 20
"""The number of hashes that are tried until a name is free."""


def template_hash(template: Object, collisions: int = 0) -> str:
    """A hash of a template (not the real server's, which hashes Go's dump of it)."""
    value = 2166136261
    for byte in json.dumps([template, collisions or None], sort_keys=True).encode():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return "".join(DIGITS[int(digit)] for digit in str(value))


def without_hash(template: Object) -> Object:
    """A replica set's template without the label of its hash."""
    metadata = dict(template.get("metadata") or {})
    labels = {
        name: value for name, value in (metadata.pop("labels", None) or {}).items() if name != HASH
    }
    if labels:
        metadata["labels"] = labels
    return {**template, "metadata": metadata}


def desired_replicas(owner: Object) -> int:
    """``spec.replicas`` of an owner."""
    return int(owner["spec"].get("replicas", 1))


def total(sets: Iterable[Object]) -> int:
    """``spec.replicas`` of some replica sets together."""
    return sum(map(desired_replicas, sets))


def counted(sets: Iterable[Object], name: str) -> int:
    """The sum of a count in the status of some replica sets."""
    return sum(one["status"].get(name, 0) for one in sets)


def limits(deployment: Object) -> tuple[int, int]:
    """``maxSurge`` and ``maxUnavailable`` of a deployment, in pods."""
    strategy, replicas = deployment["spec"]["strategy"], desired_replicas(deployment)
    if strategy.get("type") != "RollingUpdate" or not replicas:
        return 0, 0
    rolling = strategy.get("rollingUpdate") or {}
    surge = scaled(rolling.get("maxSurge", 0), replicas, up=True)
    unavailable = scaled(rolling.get("maxUnavailable", 0), replicas, up=False)
    if not surge and not unavailable:
        unavailable = 1  # both may be rounded to zero
    return surge, min(unavailable, replicas)


def scaled(value: Any, replicas: int, *, up: bool) -> int:
    """An absolute or percentage value of a number of replicas, rounded up or down."""
    if isinstance(value, int):
        return value
    share = int(value.rstrip("%")) * replicas
    return -(-share // 100) if up else share // 100


def new_size(deployment: Object, sets: list[Object], new: Object) -> int:
    """The size of the newest replica set in this step."""
    replicas = desired_replicas(deployment)
    if deployment["spec"]["strategy"].get("type") != "RollingUpdate":
        return replicas
    surge, _ = limits(deployment)
    present, room = total(sets), replicas + surge
    if present >= room:
        return desired_replicas(new)
    return desired_replicas(new) + min(room - present, replicas - desired_replicas(new))


def shrunk(deployment: Object, old: list[Object], new: Object) -> dict[str, int]:
    """The sizes of the old replica sets after this step: name to size, of those that change."""
    _, unavailable = limits(deployment)
    least = desired_replicas(deployment) - unavailable
    spare = (
        total([*old, new])
        - least
        - (desired_replicas(new) - new["status"].get("availableReplicas", 0))
    )
    if spare <= 0:
        return {}
    sizes = {name_of(one): desired_replicas(one) for one in old}
    oldest = sorted(old, key=lambda one: str(one["metadata"]["creationTimestamp"]))
    cleaned = 0
    for one in oldest:  # unhealthy pods first
        gone = min(
            spare - cleaned, desired_replicas(one) - one["status"].get("availableReplicas", 0)
        )
        if gone > 0:
            sizes[name_of(one)] -= gone
            cleaned += gone
    left = counted([*old, new], "availableReplicas") - least
    for one in oldest:
        gone = min(sizes[name_of(one)], left)
        if gone > 0:
            sizes[name_of(one)] -= gone
            left -= gone
    return {name_of(one): sizes[name_of(one)] for one in old
            if sizes[name_of(one)] != desired_replicas(one)}  # fmt: skip


def by_age(one: Object) -> tuple[str, str]:
    """A sort key: the oldest object first."""
    return one["metadata"]["creationTimestamp"], name_of(one)


def set_condition(
    conditions: list[Object], kind: str, status: str, reason: str, message: str, now: str
) -> None:
    """Set a condition of a deployment, in place; one with the same status and reason stays as it is."""
    if any(
        (item["type"], item["status"], item["reason"]) == (kind, status, reason)
        for item in conditions
    ):
        return
    since = transition_time(conditions, kind, status, now)
    conditions[:] = [item for item in conditions if item["type"] != kind]
    conditions.append(
        condition(kind, status, reason, message, lastUpdateTime=now, lastTransitionTime=since)
    )
