"""Indexed jobs: which indexes are done, and which pod works on which.

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
"""Annotation and label of a pod: what it works on."""
VARIABLE = "JOB_COMPLETION_INDEX"
MAX_INDEXES = 10_000
"""So many indexes are looked at: more than a job has pods."""


def is_indexed(job: Object) -> bool:
    """Whether each success is one of its own."""
    return bool(job["spec"].get("completionMode") == "Indexed")


def index_of(job: Object, pod: Object) -> int | None:
    """What a pod works on, None if that is nothing of the job's."""
    text = (pod["metadata"].get("annotations") or {}).get(INDEX, "")
    return int(text) if text.isdecimal() and int(text) < job["spec"]["completions"] else None


def listed(text: str, completions: int) -> set[int]:
    """Indexes that are written as ``0,2-4``, as far as they count."""
    found: set[int] = set()
    end = min(completions, MAX_INDEXES)
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        if first.isdecimal() and (not last or last.isdecimal()):
            found.update(range(int(first), min(int(last or first) + 1, end)))
    return found


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


def free_indexes(job: Object, over: set[int], pods: Iterable[Object]) -> Iterator[int]:
    """The indexes that are not over and that nobody works on."""
    taken = over | {index for pod in pods if (index := index_of(job, pod)) is not None}
    return (index for index in range(min(job["spec"]["completions"], MAX_INDEXES)) if index not in taken)


def at_index(pod: Object, job: Object, index: int, notes: dict[str, str]) -> Object:
    """A pod that works on an index: its name, its hostname and its environment tell which.

    Args:
        pod: As the job's template has it.
        job: The job.
        index: The index.
        notes: Further annotations.
    """
    metadata, spec = dict(pod["metadata"]), copy.deepcopy(dict(pod["spec"]))
    metadata["annotations"] = {**(metadata.get("annotations") or {}), INDEX: str(index), **notes}
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
