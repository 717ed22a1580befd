"""The node: a scheduler and a kubelet in an object, driven by changes and by the clock.

``Node`` is called with each change of a pod, and regularly by ``advance``. Containers live in memory
only: after a restart of the server, or after the cluster was rewound, a pod's containers start again
when they are next needed, without events.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from ..machinery.objects import is_deleted, name_of, namespace_of, uid_of
from ..machinery.pods.state import has_ended, parse_time
from ..machinery.request import Handler, Object
from .api import ClusterApi, NodeSettings
from .bootstrap import bootstrap
from .pod.events import Recorder
from .scheduler import Scheduler

if TYPE_CHECKING:
    from .network import Wiring
    from .pod.pod import Pod

KUBELET = "kubelet"
# When a pod bound to a missing node is deleted: ``quarantineTime`` in pkg/controller/podgc.
ORPHAN_SECONDS = 40.0

# Pods' addresses are 10.244.0.5 and up: on a real control plane the first ones belong to the DNS.
FIRST_ADDRESS = 5


class Node:
    """A node and all that runs on it.

    ``now`` returns seconds since the epoch, ``certificates`` the certificate chain of the API server, in PEM.
    """

    def __init__(
        self,
        api: ClusterApi,
        settings: NodeSettings,
        now: Callable[[], float],
        certificates: Callable[[], bytes],
    ) -> None:
        self.api = api
        self.settings = settings
        self.now = now
        self.recorder = Recorder(api, settings.name, now)
        self._scheduler = Scheduler(api, settings, self.recorder)
        self.certificates = certificates
        self._pods: dict[str, Pod] = {}
        self._addresses: dict[str, str] = {}
        self._timers: list[tuple[float, int, str]] = []
        self._count = itertools.count()
        self._swept_at = self._told_at = 0.0

    def start(self) -> None:
        """Register the node."""
        bootstrap(self.api, self.settings, self.now())

    @cached_property
    def wiring(self) -> Wiring:
        """The pods' network, loaded with the first pod, as containers and their files are."""
        from .network import Wiring

        return Wiring(self)

    # Changes

    def sync_pod(self, old: Object | None, new: Object | None) -> None:
        """React to a change of a pod, or its creation or deletion: bind it, run it, end it."""
        if new is None:
            if old is not None:
                self._forget(uid_of(old))
            return
        metadata = new["metadata"]
        # The change can be old by now: a controller that reacted before the node has perhaps deleted the pod.
        current = self.api.get("pods", metadata["namespace"], metadata["name"])
        if current is None or uid_of(current) != metadata["uid"]:
            return
        if is_deleted(current):
            self._terminate(current)
            return
        # Binding is a change, too: it leads here again, and then the pod is run.
        if not current["spec"].get("nodeName"):
            self._scheduler.schedule(current, self.now())
            return
        if current["spec"]["nodeName"] != self.settings.name:
            return
        running = self._pods.get(metadata["uid"])
        if running is not None:
            if current["spec"].get("ephemeralContainers") and running.add_ephemeral_containers():
                running.advance()
                self._write_status(running)
                self._plan(running)
            # A kubelet writes again what others wrote into the status: syncBatch and needsReconcile of its
            # status manager, every 10 seconds.
            elif current["status"] != running.reported:
                self._write_status(running)
        elif not has_ended(current):
            self._run(current, quiet=bool(current["status"].get("containerStatuses")))

    def _terminate(self, pod: Object) -> None:
        """End the containers of a deleted pod, and remove it."""
        metadata = pod["metadata"]
        if pod["spec"].get("nodeName") not in (None, "", self.settings.name) and not self._orphaned(
            pod
        ):
            return
        # Removed first: writing the status is a change, too, which leads here again.
        running = self._pods.pop(metadata["uid"], None)
        if running is not None:
            if not has_ended(pod):
                running.kill()
                self._write_status(running)
            self._release(running)
        left = self.api.get("pods", metadata["namespace"], metadata["name"])
        if (
            left is not None
            and uid_of(left) == metadata["uid"]
            and not left["metadata"].get("finalizers")
        ):
            self.api.delete("pods", metadata["namespace"], metadata["name"])

    def _orphaned(self, pod: Object) -> bool:
        """Return whether a pod is bound to a missing node."""
        return self.api.get("nodes", "", str(pod["spec"].get("nodeName") or "")) is None

    def _run(self, pod: Object, *, quiet: bool = False) -> Pod:
        # Loaded with the first pod: containers, shell and programs are a fifth of the server's code.
        from .pod.pod import Pod

        uid = uid_of(pod)
        # A pod has the same address after a restart of the server, because services and other pods refer to it.
        # Only one of the pods' own: anybody who may change the status can have written another one.
        known = str(pod["status"].get("podIP") or "")
        ours = known.startswith("10.244.") and known not in self._addresses
        address = known if ours else self._new_address()
        running = Pod(self, pod, address, quiet=quiet)
        self._pods[uid] = running
        self._addresses[running.address] = uid
        # Clients see ContainerCreating before the containers run, as they do on a real node.
        if not quiet:
            self._write_status(running)
        running.advance()
        running.quiet = False
        if not quiet:
            self._write_status(running)
        self._plan(running)
        return running

    def _new_address(self) -> str:
        for number in range(FIRST_ADDRESS, 65_000):
            address = f"10.244.{number >> 8}.{number & 255}"
            if number & 255 not in (0, 255) and address not in self._addresses:
                return address
        # All addresses are taken. Two pods with one address are better than a write that fails.
        return "10.244.255.254"

    def _write_status(self, running: Pod) -> None:
        pod = self.api.get("pods", running.namespace, running.name)
        if pod is None or uid_of(pod) != running.uid:
            return
        # Before the change is stored, because it leads to `sync_pod`.
        running.reported = status = running.status(pod)
        stored = self.api.edit(
            "pods",
            pod,
            lambda obj: obj.update(status=status),
            manager=KUBELET,
            subresource="status",
        )
        running.reported = stored["status"]

    def _plan(self, running: Pod) -> None:
        # An entry that is outdated does no harm: the pod is asked again when it is taken from the heap.
        due = running.next_due()
        if due != float("inf"):
            heapq.heappush(self._timers, (due, next(self._count), running.uid))

    def _forget(self, uid: str) -> None:
        running = self._pods.pop(uid, None)
        if running is not None:
            self._release(running)

    def _release(self, running: Pod) -> None:
        running.stop()
        if self._addresses.get(running.address) == running.uid:
            del self._addresses[running.address]

    def at(self, address: str) -> Pod | None:
        """Return the running pod at an address."""
        return self._pods.get(self._addresses.get(address, ""))

    def reach(self, address: str, port: int) -> Handler | None:
        """The handler of the node's own requests at a port of a pod, None if the connection is refused."""
        from .network import reachable

        pod = self.at(address)
        endpoint = reachable(pod.listeners, port) if pod is not None else None
        if endpoint is None:
            return None
        return lambda request: endpoint.handle(replace(request, source_ip=self.settings.address))

    # Time

    def advance(self) -> None:
        """Do the work that is due: sleeping processes, restarts, image pulls."""
        now = self.now()
        # the clock was set back: due work must not wait until it catches up
        if now < self._told_at:
            self._timers.clear()
            for running in self._pods.values():
                running.set_back(self._told_at - now)
                self._plan(running)
        self._told_at = now
        if now - self._swept_at >= 5 or now < self._swept_at:
            self._swept_at = now
            self.sweep()
        # A limit, in case that a pod is due again and again: requests wait in the meantime.
        for _ in range(1000):
            if not self._timers or self._timers[0][0] > now:
                return
            due = self._pods.get(heapq.heappop(self._timers)[2])
            if due is not None:
                self._advance(due)

    def sweep(self) -> None:
        """Start and end pods as the stored objects require, after a restart or a rewind."""
        stored = {uid_of(pod): pod for pod in self.api.list("pods")}
        # A snapshot that was restored can be from a time before these pods.
        for uid in [uid for uid in self._pods if uid not in stored]:
            self._forget(uid)
        for uid, pod in stored.items():
            if uid in self._pods or has_ended(pod):
                continue
            bound = pod["spec"].get("nodeName")
            # The garbage collector of pods belongs to the controller manager; here the node does it, which looks at
            # all pods anyway.
            if bound and bound != self.settings.name and self._orphaned(pod):
                if self.now() - parse_time(pod["metadata"]["creationTimestamp"]) > ORPHAN_SECONDS:
                    self.api.delete("pods", namespace_of(pod), name_of(pod))
                continue
            self.sync_pod(None, pod)

    def find(self, pod: Object) -> Pod | None:
        """The running pod, started again after a restart of the server."""
        uid = uid_of(pod)
        running = self._pods.get(uid)
        if (
            running is None
            and pod["spec"].get("nodeName") == self.settings.name
            and not has_ended(pod)
        ):
            running = self._run(pod, quiet=True)
        elif running is not None and running.next_due() <= self.now():
            self._advance(running)
        return running

    def _advance(self, running: Pod) -> None:
        if running.next_due() <= self.now() and running.advance():
            self._write_status(running)
        self._plan(running)
