"""The sizes of replica sets in a rolling update, and the hashes of templates.

Source: k8s.io/kubernetes ``pkg/controller/deployment/{rolling.go,util}``.
"""

import json
import zlib
from collections.abc import Iterable
from typing import Any

from ..apiserver.registry.registry import Registry
from ..machinery.kinds import Kind
from ..machinery.objects import labels_of, name_of, namespace_of
from ..machinery.request import Object

PREFIX = "deployment.kubernetes.io/"
HASH = "pod-template-hash"
MAX_REPLICAS = PREFIX + "max-replicas"

# Kubernetes' SafeEncodeString: without vowels and look-alikes a hash forms no words.
DIGITS = "456789bcdf"


def template_hash(template: Object) -> str:
    """Return a hash of a template."""
    # Not the real server's, which hashes Go's dump of the struct.
    value = zlib.crc32(json.dumps(template, sort_keys=True).encode())
    return "".join(DIGITS[int(digit)] for digit in str(value))


def free_name(registry: Registry, kind: Kind, owner: Object) -> tuple[str, str]:
    """Return a free name for an object of an owner's template, and the hash at its end."""
    suffix = template_hash(owner["spec"]["template"])
    while True:
        name = f"{name_of(owner)[: 253 - len(suffix) - 1]}-{suffix}"
        if registry.find(kind, namespace_of(owner), name) is None:
            return name, suffix
        # Somebody else's object has the name. The real controllers count collisions and hash the count, too;
        # a template is found again by comparing it, so any suffix will do.
        suffix = registry.new_suffix()


def without_hash(template: Object) -> Object:
    """Return a replica set's template without the label of its hash."""
    metadata = dict(template.get("metadata") or {})
    metadata.pop("labels", None)
    labels = {name: value for name, value in labels_of(template).items() if name != HASH}
    if labels:
        metadata["labels"] = labels
    return {**template, "metadata": metadata}


def desired_replicas(owner: Object) -> int:
    """Return ``spec.replicas`` of an owner."""
    return int(owner["spec"].get("replicas", 1))


def total(sets: Iterable[Object]) -> int:
    """Return the sum of ``spec.replicas`` of replica sets."""
    return sum(map(desired_replicas, sets))


def counted(sets: Iterable[Object], name: str) -> int:
    """Return the sum of a count in the status of replica sets."""
    return sum(replica_set["status"].get(name, 0) for replica_set in sets)


def limits(deployment: Object) -> tuple[int, int]:
    """Return ``maxSurge`` and ``maxUnavailable`` of a deployment, in pods."""
    strategy = deployment["spec"]["strategy"]
    replicas = desired_replicas(deployment)
    if strategy.get("type") != "RollingUpdate" or not replicas:
        return 0, 0
    rolling = strategy.get("rollingUpdate") or {}
    surge = scaled(rolling.get("maxSurge", 0), replicas, up=True)
    unavailable = scaled(rolling.get("maxUnavailable", 0), replicas, up=False)
    if not surge and not unavailable:
        unavailable = 1  # percentages of few pods round to zero, and the rollout would never move
    return surge, min(unavailable, replicas)


def scaled(value: Any, replicas: int, *, up: bool) -> int:
    """Return an absolute or percentage value of a number of replicas, rounded up or down."""
    if isinstance(value, int):
        return value
    share = int(value.rstrip("%")) * replicas
    return -(-share // 100) if up else share // 100


def new_size(deployment: Object, sets: list[Object], new: Object) -> int:
    """Return the size of the newest replica set in this step; ``sets`` are all of the deployment's."""
    replicas = desired_replicas(deployment)
    size = desired_replicas(new)
    if deployment["spec"]["strategy"].get("type") != "RollingUpdate" or size > replicas:
        return replicas
    room = replicas + limits(deployment)[0] - total(sets)
    return size + max(min(room, replicas - size), 0)


def shrunk(deployment: Object, old: list[Object], new: Object) -> dict[str, int]:
    """Return the sizes of the old replica sets after this step, by name."""
    least = desired_replicas(deployment) - limits(deployment)[1]
    sets = [*old, new]
    spare = total(sets) - least - (desired_replicas(new) - counted([new], "availableReplicas"))
    if spare <= 0:
        return {}
    oldest = sorted(old, key=lambda item: str(item["metadata"]["creationTimestamp"]))
    sizes = {name_of(item): desired_replicas(item) for item in oldest}
    # Pods that do not work go first: taking them away costs no availability.
    unhealthy = {
        name_of(item): sizes[name_of(item)] - counted([item], "availableReplicas")
        for item in oldest
    }
    _take(sizes, unhealthy, spare)
    _take(sizes, dict(sizes), counted(sets, "availableReplicas") - least)
    return sizes


def _take(sizes: dict[str, int], most: dict[str, int], budget: int) -> None:
    """Make sizes smaller, in place: each by at most so many, all together by a budget."""
    for name, count in most.items():
        removed = max(min(count, budget), 0)
        sizes[name] -= removed
        budget -= removed


def by_age(obj: Object) -> tuple[str, str]:
    """Return a sort key that puts the oldest object first."""
    return obj["metadata"]["creationTimestamp"], name_of(obj)
