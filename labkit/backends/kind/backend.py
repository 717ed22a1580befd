"""Run a real cluster in Docker, created by the program ``kind``.

labkit calls kind's command line and copies none of its logic. It creates one cluster from
``clusters/kind/lab.yaml``, waits until a pod can run there, and deletes only what it created.
Source: https://kind.sigs.k8s.io/docs/user/configuration/
"""

import os
import re
from pathlib import Path

from labkit.client import kubeconfig
from labkit.core.errors import Missing, NotRunning, StartFailed, UsageError
from labkit.core.home import ensure_private, locked, read_json
from labkit.core.language import text

from .. import podimage, sweep
from ..base import Options, Report, Status, Traits
from ..engine import Engine, call, find
from . import creation, identity, readiness
from .auditlog import NodeAuditLog
from .cluster import READY, KindCluster
from .needs import find_needs

NAME = "labkit"
IMAGES = {"1.36": "kindest/node:v1.36.1", "1.37": "kindest/node:v1.37.0"}
"""The default images of kind's releases, by version; source: kind's pull requests 4182 and 4248."""


def _image_of(version: str) -> str:
    """Return kind's image of a version.

    Raises:
        UsageError: When there was none yet.
    """
    if version not in IMAGES:
        raise UsageError(
            text("kind has no known node image of Kubernetes {version}.", version),
            todo="Build or find one, and name it instead of the version: labkit up --backend kind --image IMAGE",
        )
    return IMAGES[version]


class KindBackend:
    """A kind cluster of the lab's own. It uses the options image and kubernetes."""

    name = "kind"

    def __init__(self, home: Path, options: Options) -> None:
        self.home = home
        self.options = options
        self.directory = home / "kind"
        self._cluster = KindCluster(self.directory, os.environ.get("LABKIT_KIND_CLUSTER", NAME))

    @property
    def traits(self) -> Traits:
        """The differences from other clusters."""
        own = identity.read(self.directory)
        return Traits(whole_log=True, pod_image=podimage.IMAGE, adapt=podimage.adapt, own=own)

    @property
    def image(self) -> str:
        """The chosen node image, or the image of a loaded bundle; empty for kind's own.

        A bare version, such as ``v1.34.0``, selects kind's own image of that version.
        """
        image = self.options.image or os.environ.get("LABKIT_KIND_IMAGE") or ""
        if self.options.kubernetes:
            image = _image_of(self.options.kubernetes)
        image = image or str(read_json(self.directory / "bundle.json").get("node_image") or "")
        version = re.fullmatch(r"v?(\d+\.\d+\.\d+)", image)
        return f"kindest/node:v{version[1]}" if version else image

    def start(self, report: Report) -> None:
        """Find the cluster, or create it and wait until pods can run.

        Raises:
            Missing: When the machine lacks a requirement.
            StartFailed: When kind fails; the unfinished cluster is deleted.
            UsageError: When another cluster has the same name.
        """
        ensure_private(self.home)
        ensure_private(self.directory)
        with locked(self.directory / "lock"):
            if self._cluster.is_ours():
                self._refuse_another_image()
                if not self._cluster.answers():
                    self._restart(find(), report)
                return
            engine = self._check_needs(report)
            if self._cluster.is_unfinished():
                report("An earlier start was interrupted; what it left is removed first.")
                self._cluster.delete()
            # After the needs, because this runs kind, which can be missing.
            self._refuse_taken_name()
            creation.create(self._cluster, engine, self.image, report)

    def stop(self, report: Report) -> None:
        """Delete the cluster, if labkit created it.

        Raises:
            Missing: When the container engine does not answer.
            LabkitError: When kind cannot delete it.
        """
        ensure_private(self.directory)
        cluster = self._cluster
        with locked(self.directory / "lock"):
            if not cluster.record:
                report("There is no kind cluster of this lab.")
                return
            find()
            if cluster.is_unfinished() or cluster.is_ours():
                report(text("Deleting the kind cluster {name} …", cluster.name))
                cluster.delete()
            else:
                report(
                    text(
                        "The kind cluster {name} is gone, or not this lab's any more; it is left alone.",
                        cluster.name,
                    )
                )
                cluster.forget()

    def status(self) -> Status:
        """Return the cluster's state."""
        record = self._cluster.record
        if record.get("state") != READY:
            return Status(self.name, False, facts={"start it": "labkit up --backend kind"})
        running = self._cluster.answers()
        facts = {"cluster": self._cluster.name, "node image": record.get("image") or "kind's own"}
        if not running:
            facts["start it"] = "labkit up"
        file = self._cluster.config_file
        return Status(
            self.name,
            running,
            kubeconfig.load(file).endpoint.server if file.exists() else "",
            facts,
        )

    def kubeconfig(self) -> Path:
        """Return the path of the administrator's kubeconfig, which kind wrote into the state directory.

        Raises:
            NotRunning: When the cluster does not exist.
        """
        if not self._cluster.config_file.exists():
            raise NotRunning(
                "There is no kind cluster.", todo="Start it with `labkit up --backend kind`."
            )
        return self._cluster.config_file

    def reset(self, report: Report) -> None:
        """Delete all objects except the objects of the new cluster."""
        record = self._cluster.record
        client = self._cluster.client
        sweep.remove(client, sweep.inventory(client, kept=set(record["pristine"])), report)

    @property
    def audit_log(self) -> NodeAuditLog | None:
        """The log in the node; None without a container engine."""
        engine = self._cluster.engine
        return NodeAuditLog(engine, self._cluster.node) if engine else None

    # -- within ----------------------------------------------------------------------

    def _check_needs(self, report: Report) -> Engine:
        engine = find()
        for need in find_needs(self.image):
            if not need.met and need.required:
                raise Missing(f"{need.thing}: {need.state}.", todo=need.todo)
            if not need.met and need.todo:
                report(text("Note: {thing}: {state}. {todo}", need.thing, need.state, need.todo))
        return engine

    def _restart(self, engine: Engine, report: Report) -> None:
        cluster = self._cluster
        report(text("Starting the node of the kind cluster {name} again …", cluster.name))
        # By the engine, because kind has no command that starts a stopped node.
        done = engine.run("start", cluster.node)
        if not done.ok:
            raise StartFailed(
                "The cluster's node does not start.",
                why=done.last_words,
                todo="labkit down; labkit up",
            )
        todo = text("`{command}` shows why.", f"kind export logs --name {cluster.name}")
        readiness.wait(cluster.client, todo, report)

    def _refuse_taken_name(self) -> None:
        name = self._cluster.name
        done = call(["kind", "get", "clusters"], env=self._cluster.environment)
        if name in done.stdout.split():
            raise UsageError(
                text('A kind cluster named "{name}" exists, and this lab did not make it.', name),
                todo=text(
                    "Delete it yourself (kind delete cluster --name {name}), or choose another "
                    "name: export LABKIT_KIND_CLUSTER=my-lab",
                    name,
                ),
            )

    def _refuse_another_image(self) -> None:
        running = self._cluster.record.get("image")
        if self.image and self.image != running:
            raise UsageError(
                text(
                    "The kind cluster {name} already runs, with {with}.",
                    self._cluster.name,
                    running or text("the image kind comes with"),
                ),
                todo="Delete it first with `labkit down`, then start it as you like.",
            )
