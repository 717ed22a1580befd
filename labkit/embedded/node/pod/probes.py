"""Startup, liveness and readiness probes.

Sources: k8s.io/kubernetes ``pkg/kubelet/prober``, ``pkg/probe``.
"""

from __future__ import annotations

import math

from labkit.embedded.container.container import NotRunnable
from labkit.embedded.container.run_once import run_once
from labkit.embedded.machinery.request import Object, Request
from labkit.embedded.node.network import port_number, reachable
from labkit.embedded.node.pod.container_slot import Slot
from labkit.embedded.node.pod.context import PodContext
from labkit.embedded.node.pod.problems import PodProblem

FIRST_PROBE_SECONDS = 1.0
"""The delay of the first readiness probe after a container's start, if it has none of its own."""

KINDS = {"startupProbe": "Startup", "livenessProbe": "Liveness", "readinessProbe": "Readiness"}


class ProbeError(PodProblem):
    """A probe could not be made: it has no result."""


class Probe:
    """One probe of one container; its kind is its field, such as ``startupProbe``."""

    def __init__(self, kind: str, slot: Slot, pod: PodContext) -> None:
        self.kind = kind
        self.slot = slot
        self.spec: Object = slot.spec[kind]
        self._pod = pod
        self._begun_at = pod.now()
        self._container = ""
        self._last: bool | None = None
        self._count = 0
        self.on_hold = False
        self.result = True
        self.due = float("inf")

    @property
    def waiting(self) -> bool:
        """Whether it has nothing to do until its container has started, or has restarted."""
        return self.on_hold or (self.kind != "startupProbe" and not self.slot.started)

    def move(self, seconds: float) -> None:
        """Move what is planned to an earlier time."""
        self.due -= seconds
        self._begun_at -= seconds

    def reset(self) -> None:
        """Start over if the container has restarted; stop if it does not run."""
        if self._container != self.slot.id:
            self._container, self._last, self._count, self.on_hold = self.slot.id, None, 0, False
            self.result = self.kind == "livenessProbe"
            self.due = self._first()
        if not self.slot.running:
            self.due = float("inf")

    def _first(self) -> float:
        """When to probe a new container: at a tick of the period, which began with the pod, or once it is running."""
        earliest = self.slot.started_at + float(self.spec.get("initialDelaySeconds") or 0)
        if self.kind == "readinessProbe":
            return max(self.slot.started_at + FIRST_PROBE_SECONDS, earliest)
        period = float(self.spec.get("periodSeconds") or 10)
        return self._begun_at + max(1, math.ceil((earliest - self._begun_at) / period)) * period

    def probe(self, now: float) -> str | None:
        """Probe once, and return the message of the event, None if the probe succeeded."""
        self.due = now + float(self.spec.get("periodSeconds") or 10)
        name = KINDS[self.kind]
        try:
            problem = self._problem()
        except ProbeError as error:
            return f"{name} probe errored and resulted in unknown state: {error}"
        good = problem is None
        self._count = self._count + 1 if self._last is good else 1
        self._last = good
        threshold = self.spec.get("successThreshold" if good else "failureThreshold") or (1 if good else 3)
        if self._count >= int(threshold):
            self.result = good
            if self.kind == "startupProbe" or (self.kind == "livenessProbe" and not good):
                self.on_hold = True
        return None if problem is None else f"{name} probe failed: {problem}"

    def _problem(self) -> str | None:
        seconds = int(self.spec.get("timeoutSeconds") or 1)
        if self.spec.get("exec") is not None:
            return self._command([str(word) for word in self.spec["exec"].get("command") or ()], seconds)
        if self.spec.get("httpGet") is not None:
            return self._request(self.spec["httpGet"])
        if self.spec.get("tcpSocket") is not None:
            port = port_number(self.spec["tcpSocket"].get("port"), (self.slot.spec,))
            return None if reachable(self._pod.listeners, port) is not None else self._refused(port)
        where = f"{self._pod.address}:{(self.spec.get('grpc') or {}).get('port')}"
        return f'timeout: failed to connect service "{where}" within {seconds}s: context deadline exceeded'

    def _command(self, words: list[str], seconds: int) -> str | None:
        if self.slot.container is None:
            return None
        try:
            result = run_once(self.slot.container, words, seconds)
        except NotRunnable as problem:
            number = self._pod.api.random(32).hex()
            raise ProbeError(
                f'rpc error: code = Unknown desc = failed to exec in container: failed to start exec "{number}": OCI '
                f"runtime exec failed: exec failed: unable to start container process: {problem}: unknown"
            ) from None
        if result.status is None:
            return f'command timed out: "{" ".join(words)}" timed out after {seconds}s'
        return result.output if result.status else None

    def _request(self, get: Object) -> str | None:
        port = port_number(get.get("port"), (self.slot.spec,))
        scheme = str(get.get("scheme") or "HTTP").lower()
        path = str(get.get("path") or "/")
        path = path if path.startswith("/") else f"/{path}"
        url = f"{scheme}://{self._pod.address}:{port}{path}"
        endpoint = reachable(self._pod.listeners, port) if not get.get("host") else None
        if endpoint is None:
            return f'Get "{url}": {self._refused(port)}'
        headers = {"host": f"{self._pod.address}:{port}", "user-agent": "kube-probe/1.36", "accept": "*/*"}
        headers |= {str(one["name"]).lower(): str(one["value"]) for one in get.get("httpHeaders") or ()}
        where, _, text = path.partition("?")
        query = {part.partition("=")[0]: [part.partition("=")[2]] for part in text.split("&") if part}
        answer = endpoint.handle(Request("GET", where, query, headers, b"", raw_uri=path))
        return None if 200 <= answer.status < 400 else f"HTTP probe failed with statuscode: {answer.status}"

    def _refused(self, port: int) -> str:
        return f"dial tcp {self._pod.address}:{port}: connect: connection refused"


class Prober:
    """The probes of a pod."""

    def __init__(self, slots: list[Slot], pod: PodContext) -> None:
        self._probes = [Probe(kind, slot, pod) for slot in slots for kind in KINDS if slot.spec.get(kind)]
        self._pod = pod

    def advance(self, now: float) -> tuple[bool, list[tuple[Slot, str]]]:
        """Make the probes that are due.

        Returns:
            Whether a result changed, and the containers to be killed, each with the reason.
        """
        changed, doomed = False, []
        for probe in self._probes:
            before = probe.result
            probe.reset()
            slot = probe.slot
            if probe.due <= now and not probe.waiting:
                problem = probe.probe(now)
                if problem is not None:
                    self._pod.warn("Unhealthy", problem, slot)
                if problem is not None and not probe.result and probe.kind != "readinessProbe" and probe.on_hold:
                    doomed.append((slot, f"Container {slot.name} failed {KINDS[probe.kind].lower()} probe"))
            if probe.kind == "readinessProbe":
                slot.healthy = probe.result
            elif probe.kind == "startupProbe":
                slot.started_up = probe.result
            changed = changed or before != probe.result
        return changed, doomed

    def set_back(self, seconds: float) -> None:
        """Move what is planned to an earlier time."""
        for probe in self._probes:
            probe.move(seconds)

    def next_due(self) -> float:
        """When :meth:`advance` has something to do again."""
        for probe in self._probes:
            probe.reset()
        return min((probe.due for probe in self._probes if not probe.waiting), default=float("inf"))
