"""Manage the lab's cluster in Docker: its node's container, its kubeconfig, and its record.

The record, ``cluster.json``, has the id of the node's container, so that labkit deletes no other cluster of the same
name. While a cluster is created the record's state is ``creating``. If the creation fails, it deletes the unfinished
cluster; if it is interrupted, the next start finds this state and does so.
"""

from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TypedDict, Unpack, cast

from labkit.client import kubeconfig
from labkit.client.client import Client
from labkit.core.errors import LabkitError
from labkit.core.home import read_json, write_json
from labkit.core.language import text

from ..engine import Engine, call, find
from . import identity

READY, CREATING = "ready", "creating"


class Record(TypedDict, total=False):
    """The contents of ``cluster.json``; while the cluster is created, only its state, name and image.

    ``node`` is the container's id, and ``pristine`` lists the paths of the new cluster's objects.
    """

    state: str
    cluster: str
    image: str
    node: str
    pristine: list[str]


class KindCluster:
    """A cluster of kind, by its name.

    Args:
        directory: The directory of its record, configuration and kubeconfig.
        name: kind's name for it.
    """

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory
        self.name = name
        self.node = f"{name}-control-plane"
        """The name of the node's container."""
        self.config_file = directory / "kubeconfig"
        self._record_file = directory / "cluster.json"
        self.logs = directory / "logs"
        """The directory for the nodes' logs when a creation fails."""

    @cached_property
    def engine(self) -> Engine | None:
        """The container engine; None if no engine answers."""
        with suppress(LabkitError):
            return find()
        return None

    @property
    def environment(self) -> dict[str, str]:
        """The variables that lead kind to the engine."""
        return self.engine.environment if self.engine else {}

    @cached_property
    def client(self) -> Client:
        """The administrator, for labkit's own requests."""
        return kubeconfig.administrator(self.config_file, own=identity.read(self.directory))

    @property
    def record(self) -> Record:
        """The record; empty when there is none."""
        return cast("Record", read_json(self._record_file))

    def write_record(self, **facts: Unpack[Record]) -> None:
        """Replace the record."""
        write_json(self._record_file, {"cluster": self.name, **facts})

    def is_ours(self) -> bool:
        """Return whether the cluster exists and is the one that this lab created."""
        record = self.record
        if record.get("state") != READY or record.get("cluster") != self.name or not self.engine:
            return False
        # The container's id, because its name follows from the cluster's, which others can use as well.
        return record.get("node") == self.engine.container_id(self.node)

    def is_unfinished(self) -> bool:
        """Return whether its creation has begun and has not ended."""
        return self.record.get("state") == CREATING

    def answers(self) -> bool:
        """Return whether its API server is ready."""
        with suppress(LabkitError):
            return self.client.get("/readyz").ok
        return False

    def delete(self) -> None:
        """Delete the cluster, then its record: while the cluster exists, so does the record.

        Raises:
            LabkitError: When kind cannot delete it.
        """
        command = [
            "kind",
            "delete",
            "cluster",
            "--name",
            self.name,
            # Otherwise kind would look for its entries in ~/.kube/config, which labkit never uses.
            "--kubeconfig",
            str(self.config_file),
        ]
        done = call(command, timeout_seconds=120.0, env=self.environment)
        if done.ok and self.engine and self.engine.container_id(self.node):
            # `docker run` of an interrupted creation goes on by itself, and can have made the container only after
            # kind had looked for it.
            done = self.engine.run("rm", "--force", "--volumes", self.node, timeout_seconds=120.0)
        if not done.ok:
            raise LabkitError(
                text("The kind cluster {name} could not be deleted.", self.name),
                why=done.last_words,
                todo=text("kind delete cluster --name {name}", self.name),
            )
        self.forget()

    def forget(self) -> None:
        """Delete the record, the kubeconfig and the credential of the lab's own identity."""
        # kind locks a kubeconfig by a second file, and can leave it behind.
        for name in ("cluster.json", "kubeconfig", "kubeconfig.lock", identity.FILE):
            (self.directory / name).unlink(missing_ok=True)
        # The next cluster has another address and other keys.
        self.__dict__.pop("client", None)
