"""Indexed jobs: which indexes are done, and which pod works on which.

Source: k8s.io/kubernetes ``pkg/controller/job/indexed_job_utils.go``.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable
from typing import Any

from labkit.apiserver.registry.controllers.owned import deletion_order
from labkit.apiserver.request import Object

INDEX = "batch.kubernetes.io/job-completion-index"
"""Annotation and label of a pod: what it works on."""
VARIABLE = "JOB_COMPLETION_INDEX"


def is_indexed(job: Object) -> bool:
    """Whether each success is one of its own."""
    return bool(job["spec"].get("completionMode") == "Indexed")


def index_of(job: Object, pod: Object) -> int | None:
    """What a pod works on, None if that is nothing of the job's."""
    text = (pod["metadata"].get("annotations") or {}).get(INDEX, "")
    return int(text) if text.isdecimal() and int(text) < job["spec"]["completions"] else None


def read_indexes(job: Object) -> set[int]:
    """The indexes that a job's status tells to be done, as far as they still count."""
    found: set[int] = set()
    for part in filter(None, (job["status"].get("completedIndexes") or "").split(",")):
        first, _, last = part.partition("-")
        if first.isdecimal() and (not last or last.isdecimal()):
            found.update(range(int(first), min(int(last or first) + 1, job["spec"]["completions"])))
    return {index for index in found if index < job["spec"]["completions"]}


def write_indexes(indexes: Iterable[int]) -> str:
    """Indexes as a status tells them: ``0,2-4``."""
    parts: list[str] = []
    for _, group in itertools.groupby(enumerate(sorted(indexes)), lambda pair: pair[1] - pair[0]):
        run = [index for _, index in group]
        parts += [f"{run[0]}-{run[-1]}"] if len(run) > 2 else map(str, run)
    return ",".join(parts)


def superfluous(job: Object, active: list[Object]) -> list[Object]:
    """The pods that work on nothing, or on what another works on."""
    by_index: dict[int | None, list[Object]] = {}
    for pod in active:
        by_index.setdefault(index_of(job, pod), []).append(pod)
    nothing = by_index.pop(None, [])
    return [*nothing, *(pod for pods in by_index.values() for pod in sorted(pods, key=deletion_order)[:-1])]


def next_index(job: Object, done: set[int], pods: Iterable[Object]) -> int | None:
    """The first index that nobody works on."""
    taken = done | {index for pod in pods if (index := index_of(job, pod)) is not None}
    return next((index for index in range(job["spec"]["completions"]) if index not in taken), None)


def at_index(pod: Object, job: Object, index: int) -> Object:
    """A pod that works on an index: its name, its hostname and its environment tell which."""
    metadata, spec = dict(pod["metadata"]), copy.deepcopy(dict(pod["spec"]))
    metadata["annotations"] = {**(metadata.get("annotations") or {}), INDEX: str(index)}
    metadata["labels"] = {**(metadata.get("labels") or {}), INDEX: str(index)}
    spec["hostname"] = f"{job['metadata']['name']}-{index}"
    tail = f"-{index}-"
    metadata["generateName"] = job["metadata"]["name"][: 58 - len(tail)] + tail
    source: dict[str, Any] = {"valueFrom": {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}}}
    for group in ("initContainers", "containers"):
        for container in spec.get(group) or ():
            present = container.get("env") or []
            if not any(variable.get("name") == VARIABLE for variable in present):
                container["env"] = [*present, {"name": VARIABLE, **source}]
    return {**pod, "metadata": metadata, "spec": spec}
