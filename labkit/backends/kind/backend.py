"""A real cluster in Docker, created by the program ``kind``.

labkit calls kind's command line and copies none of its logic. It creates one cluster
from ``clusters/kind/lab.yaml``, waits until a pod can run there, and deletes only what it
created: ``cluster.json`` in the state directory records the id of the node's container.
Source: https://kind.sigs.k8s.io/docs/user/configuration/
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from labkit.backends import podimage, sweep
from labkit.backends.base import Manifest, Need, Options, Report, Status, Traits
from labkit.backends.engine import Engine, call, find
from labkit.backends.kind import creation, readiness
from labkit.backends.kind.needs import find_needs
from labkit.client import auditlog, kubeconfig
from labkit.client.client import Client
from labkit.core.errors import LabkitError, Missing, NotRunning, StartFailed, UsageError
from labkit.core.home import ensure_private, locked, read_json, write_private
from labkit.core.signals import cleaned_up
from labkit.core.version import LAB_AGENT

CLUSTER = "labkit"
EVENT_SECONDS = 2.0
AUDIT_LOGS = "/var/log/kubernetes"

ERA_IMAGES = {"1.20": "kindest/node:v1.20.15"}


class Kind:
    """A kind cluster of the lab's own; of the options, image and era count."""

    name = "kind"
    traits = Traits(pod_image=podimage.IMAGE)

    def __init__(self, home: Path, options: Options) -> None:
        self.home = home
        self.options = options
        self.directory = home / "kind"
        self.cluster = os.environ.get("LABKIT_KIND_CLUSTER", CLUSTER)

    @property
    def image(self) -> str:
        """The chosen node image, else that of a loaded bundle; empty for kind's own.

        A bare version, such as ``v1.34.0``, stands for kind's own image of it.
        """
        chosen = self.options.image or os.environ.get("LABKIT_KIND_IMAGE") or ""
        chosen = chosen or ERA_IMAGES.get(self.options.era or "", "")
        chosen = chosen or str(read_json(self.directory / "bundle.json").get("node_image") or "")
        version = re.fullmatch(r"v?(\d+\.\d+\.\d+)", chosen)
        return f"kindest/node:v{version[1]}" if version else chosen

    def start(self, report: Report) -> None:
        """Find the cluster, or create it and wait until pods can run.

        Raises:
            Missing: When the machine lacks a requirement.
            StartFailed: When kind fails; what it created is deleted.
            UsageError: When a cluster of that name exists that labkit did not create.
        """
        ensure_private(self.home)
        ensure_private(self.directory)
        with locked(self.directory / "lock"):
            if self._mine():
                self._refuse_another_image()
                if not self._answers():
                    self._restart(find(), report)
                return
            engine = self._check(report)
            self._remove_half_made(report)
            self._refuse_taken_name()
            self._create(engine, report)

    def stop(self, report: Report) -> None:
        """Delete the cluster, if labkit created it.

        Raises:
            Missing: When the container engine does not answer.
            LabkitError: When kind cannot delete it.
        """
        ensure_private(self.directory)
        with locked(self.directory / "lock"):
            if not self._record():
                report("There is no kind cluster of this lab.")
                return
            find()
            if self._record().get("state") == "creating" or self._mine():
                report(f"Deleting the kind cluster {self.cluster} …")
                self._delete()
            else:
                report(f"The kind cluster {self.cluster} is gone, or not this lab's any more; it is left alone.")
                self._forget()

    def status(self) -> Status:
        """Whether the cluster exists and answers."""
        record = self._record()
        if record.get("state") != "ready":
            return Status(self.name, False, facts={"start it": "labkit up --backend kind"})
        running = self._answers()
        facts = {"cluster": self.cluster, "node image": str(record.get("image") or "kind's own")}
        if not running:
            facts["start it"] = "labkit up"
        url = kubeconfig.load(self.kubeconfig()).endpoint.server if self._config_file.exists() else ""
        return Status(self.name, running, url, facts)

    def kubeconfig(self) -> Path:
        """The path of the administrator's kubeconfig, which kind wrote into the state directory.

        Raises:
            NotRunning: When there is no cluster.
        """
        if not self._config_file.exists():
            raise NotRunning("There is no kind cluster.", todo="Start it with `labkit up --backend kind`.")
        return self._config_file

    def reset(self, report: Report) -> None:
        """Delete all objects that a learner may have created, but those of the new cluster."""
        pristine = set(self._record().get("pristine") or [])
        client = self._client
        extra = [path for path in sweep.inventory(client) if path not in pristine]
        sweep.remove(client, extra)

    def audit_event(self, audit_id: str) -> dict[str, Any] | None:
        """The audit event of a request, read from the node's log.

        The event is written a moment after the answer, so this retries for ``EVENT_SECONDS``.
        """
        if not re.fullmatch(r"[0-9a-zA-Z-]{1,64}", audit_id):
            return None
        command = f"grep -hF {audit_id} {AUDIT_LOGS}/*.log"
        deadline = time.monotonic() + EVENT_SECONDS
        while True:
            engine = self._engine
            if engine is None:
                return None
            done = engine.run("exec", self._node, "sh", "-c", command)
            event = auditlog.pick(reversed(done.stdout.encode().splitlines()), audit_id)
            if event is not None or done.returncode > 1 or time.monotonic() > deadline:
                return event
            time.sleep(0.05)

    def audit_events(self) -> Iterable[dict[str, Any]] | None:
        """The events of the node's logs, the newest first; None without a container engine."""
        engine = self._engine
        if engine is None:
            return None
        command = f"cat $(ls -rt {AUDIT_LOGS}/*.log) | tail -c {auditlog.MAX_BYTES}"
        done = engine.run("exec", self._node, "sh", "-c", command)
        return auditlog.parsed(reversed(done.stdout.encode().splitlines()))

    def adapt(self, manifest: Manifest) -> Manifest:
        """The manifest with the lab's pod image, which is loaded into the node."""
        return podimage.adapt(manifest)

    def needs(self) -> list[Need]:
        """A container engine, kind, memory, disk and the node image."""
        return find_needs(self.image)

    # -- creating --------------------------------------------------------------------

    def _create(self, engine: Engine, report: Report) -> None:
        begun = time.monotonic()
        creation.ensure_node_image(engine, self.image, report)
        podimage.ensure(engine, self.image, report)
        creation.write_config(self.directory, engine.cgroup_version)
        self._keep(state="creating", cluster=self.cluster, image=self.image)
        actions: list[tuple[str, Callable[[Engine, Report], None]]] = [
            (f"Creating the kind cluster {self.cluster}; this takes a minute or two …", self._run_kind),
            ("Loading the pod image …", self._load_pod_image),  # so that pods start without a registry
            ("Waiting until a pod can run …", self._wait_until_usable),
        ]
        try:
            with cleaned_up():
                for caption, action in actions:
                    report(caption)
                    action(engine, report)
                pristine = sweep.inventory(self._client)
                node = engine.container_id(self._node)
        except BaseException:
            report("Cleaning up what was half-made …")
            self._clean_up(report)
            raise
        self._keep(state="ready", cluster=self.cluster, image=self.image, node=node, pristine=pristine)
        report(f"The kind cluster {self.cluster} is ready ({time.monotonic() - begun:.0f} s).")

    def _run_kind(self, engine: Engine, report: Report) -> None:
        command = ["kind", "create", "cluster", "--name", self.cluster, "--config", "lab.yaml"]
        command += ["--kubeconfig", str(self._config_file)]
        command += ["--image", self.image] if self.image else []
        creation.run(command, self.directory, engine.environment, self.image, self.cluster, report)
        self._config_file.chmod(0o600)

    def _load_pod_image(self, engine: Engine, _report: Report) -> None:
        podimage.load(engine, self.cluster, engine.environment, self.directory)

    def _wait_until_usable(self, _engine: Engine, report: Report) -> None:
        readiness.wait(self._client, f"kind export logs --name {self.cluster}", report)

    def _clean_up(self, report: Report) -> None:
        """Delete what was half-made; where that fails, the next start tries again."""
        try:
            self._delete()
        except LabkitError as error:
            report(str(error))

    def _delete(self) -> None:
        """Delete the cluster, then its record: without the cluster gone, the record stays."""
        command = ["kind", "delete", "cluster", "--name", self.cluster]
        command += ["--kubeconfig", str(self._config_file)]
        done = call(command, timeout_seconds=120.0, env=self._environment)
        if done.ok and self._engine and self._engine.container_id(self._node):
            # An interrupted creation may have finished the container after kind looked for it.
            done = self._engine.run("rm", "--force", "--volumes", self._node, timeout_seconds=120.0)
        if not done.ok:
            raise LabkitError(
                f"The kind cluster {self.cluster} could not be deleted.",
                why=done.last_words,
                todo=f"kind delete cluster --name {self.cluster}",
            )
        self._forget()

    def _restart(self, engine: Engine, report: Report) -> None:
        report(f"Starting the node of the kind cluster {self.cluster} again …")
        done = engine.run("start", self._node)
        if not done.ok:
            raise StartFailed("The cluster's node does not start.", why=done.last_words, todo="labkit down; labkit up")
        self._wait_until_usable(engine, report)

    # -- checks before anything is created ---------------------------------------------

    def _check(self, report: Report) -> Engine:
        engine = find()
        for need in self.needs():
            if not need.met and need.required:
                raise Missing(f"{need.thing}: {need.found}.", todo=need.todo)
            if not need.met and need.todo:
                report(f"Note: {need.thing}: {need.found}. {need.todo}")
        return engine

    def _remove_half_made(self, report: Report) -> None:
        if self._record().get("state") == "creating":
            report("An earlier start was cut off; what it left is removed first.")
            self._delete()

    def _refuse_taken_name(self) -> None:
        done = call(["kind", "get", "clusters"], env=self._environment)
        if self.cluster in done.stdout.split():
            raise UsageError(
                f'A kind cluster named "{self.cluster}" exists, and this lab did not make it.',
                todo=f"Delete it yourself (kind delete cluster --name {self.cluster}), or choose another "
                "name: export LABKIT_KIND_CLUSTER=my-lab",
            )

    def _refuse_another_image(self) -> None:
        running = str(self._record().get("image") or "")
        if self.image and self.image != running:
            raise UsageError(
                f"The kind cluster {self.cluster} already runs, with {running or 'the image kind comes with'}.",
                todo="Delete it first with `labkit down`, then start it as you like.",
            )

    # -- state --------------------------------------------------------------------------

    @cached_property
    def _engine(self) -> Engine | None:
        with suppress(LabkitError):
            return find()
        return None

    @property
    def _environment(self) -> dict[str, str]:
        return self._engine.environment if self._engine else {}

    @property
    def _node(self) -> str:
        """The name of the node's container."""
        return f"{self.cluster}-control-plane"

    @property
    def _config_file(self) -> Path:
        return self.directory / "kubeconfig"

    @cached_property
    def _client(self) -> Client:
        found = kubeconfig.load(self.kubeconfig(), scratch=self.directory)
        return Client(found.endpoint, found.credentials, name="admin", agent=LAB_AGENT)

    def _record(self) -> dict[str, Any]:
        return read_json(self.directory / "cluster.json")

    def _keep(self, **facts: object) -> None:
        write_private(self.directory / "cluster.json", json.dumps(facts, indent=1) + "\n")

    def _forget(self) -> None:
        for name in ("cluster.json", "kubeconfig", "kubeconfig.lock"):
            (self.directory / name).unlink(missing_ok=True)
        self.__dict__.pop("_client", None)

    def _mine(self) -> bool:
        """Whether the cluster exists and is the one that this lab created."""
        record = self._record()
        if record.get("state") != "ready" or record.get("cluster") != self.cluster or not self._engine:
            return False
        return record.get("node") == self._engine.container_id(self._node)

    def _answers(self) -> bool:
        with suppress(LabkitError):
            return self._client.get("/readyz").ok
        return False
