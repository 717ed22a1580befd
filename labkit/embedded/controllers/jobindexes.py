"""Indexed jobs: completed indexes, and the index of each pod.

Source: k8s.io/kubernetes ``pkg/controller/job/indexed_job_utils.go``.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from labkit.embedded.controllers.workload_pods import deletion_order
from labkit.embedded.machinery.request import Object

INDEX = "batch.kubernetes.io/job-completion-index"
"""The annotation and label of a pod with its index."""
VARIABLE = "JOB_COMPLETION_INDEX"
MAX_INDEXES = 10_000
"""The indexes beyond are ignored: no job gets that many pods."""


def is_indexed(job: Object) -> bool:
    """Whether a job is indexed."""
    return bool(job["spec"].get("completionMode") == "Indexed")


def index_of(job: Object, pod: Object) -> int | None:
    """The index of a pod, None if it has none of the job's."""
    text = (pod["metadata"].get("annotations") or {}).get(INDEX, "")
    return int(text) if text.isdecimal() and int(text) < job["spec"]["completions"] else None


def listed(text: str, completions: int) -> set[int]:
    """Parse indexes such as ``0,2-4``, up to the number of completions."""
    found: set[int] = set()
    end = min(completions, MAX_INDEXES)
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        if first.isdecimal() and (not last or last.isdecimal()):
            found.update(range(int(first), min(int(last or first) + 1, end)))
    return found


def write_indexes(indexes: Iterable[int]) -> str:
    """Format indexes as ``0,2-4``."""
    parts: list[str] = []
    for _, group in itertools.groupby(enumerate(sorted(indexes)), lambda pair: pair[1] - pair[0]):
        run = [index for _, index in group]
        parts += [f"{run[0]}-{run[-1]}"] if len(run) > 2 else map(str, run)
    return ",".join(parts)


def superfluous(job: Object, active: list[Object]) -> list[Object]:
    """The pods without an index, or with the index of another pod."""
    by_index: dict[int | None, list[Object]] = {}
    for pod in active:
        by_index.setdefault(index_of(job, pod), []).append(pod)
    nothing = by_index.pop(None, [])
    return [*nothing, *(pod for pods in by_index.values() for pod in sorted(pods, key=deletion_order)[:-1])]


def free_indexes(job: Object, done: set[int], pods: Iterable[Object]) -> Iterator[int]:
    """The indexes that are neither done nor have a pod."""
    taken = done | {index for pod in pods if (index := index_of(job, pod)) is not None}
    return (index for index in range(min(job["spec"]["completions"], MAX_INDEXES)) if index not in taken)


def at_index(pod: Object, job: Object, index: int) -> Object:
    """A pod with an index in its name, hostname and environment."""
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
