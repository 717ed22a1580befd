"""Create a cluster by a list of actions; if one of them fails, delete the unfinished cluster."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from labkit.backends import podimage, sweep
from labkit.backends.base import Report
from labkit.backends.engine import Engine
from labkit.core.errors import LabkitError, StartFailed
from labkit.core.language import text
from labkit.core.signals import interrupt_on_signals

from . import identity, program, readiness
from .cluster import CREATING, READY, RECORD_FORMAT, KindCluster

BUSY = "on a busy machine up to ten"
"""kubeadm's time limit in ``lab.yaml``."""

TOO_SLOW = re.compile("deadline exceeded|timed out|timeout", re.IGNORECASE)
"""The reason of a failure that a second attempt can overcome."""


@dataclass(frozen=True)
class ActionContext:
    """The arguments of all actions.

    Args:
        cluster: The cluster to create.
        engine: The container engine.
        image: The node image; empty for kind's own.
        report: Takes lines of progress.
    """

    cluster: KindCluster
    engine: Engine
    image: str
    report: Report


Action = Callable[[ActionContext], None]


def create(context: ActionContext) -> None:
    """Create a cluster, and wait until pods can run in it.

    Raises:
        Missing: When an image cannot be pulled or built.
        StartFailed: When kind fails, or the cluster is not usable in time. The unfinished cluster is deleted.
    """
    cluster, report = context.cluster, context.report
    actions: tuple[tuple[Action, str], ...] = (
        (pull_node_image, ""),  # kind would pull it without any progress
        (prepare_pod_image, ""),  # build it, or load it from a file
        (write_config, ""),  # kind's, and the audit policy
        (
            create_nodes,
            text(
                "Creating the kind cluster {name}; this takes a minute or two, on a busy "
                "machine up to ten …",
                cluster.name,
            ),
        ),
        (load_pod_image, text("Loading the pod image …")),  # so that pods start without a registry
        (wait_until_usable, text("Waiting until a pod can run …")),  # later than the node's Ready
        (
            create_identity,
            "",
        ),  # for the lab's own reads; before the record, because a reset must not delete it
        (record_as_ready, ""),  # with the objects that a reset does not delete
    )
    begun = time.monotonic()
    try:
        with interrupt_on_signals():
            for action, caption in actions:
                if caption:
                    report(caption)
                action(context)
    except BaseException as error:  # Ctrl-C, too
        if isinstance(error, StartFailed):
            # The nodes are deleted next, and their logs with them; kind's own option for this is --retain.
            program.export_logs(cluster)
        _clean_up(cluster, report)
        raise
    report(
        text(
            "The kind cluster {name} is ready ({begun} s).",
            cluster.name,
            f"{time.monotonic() - begun:.0f}",
        )
    )


def _clean_up(cluster: KindCluster, report: Report) -> None:
    """Delete an unfinished cluster. If that fails, the record remains, and the next start tries again."""
    if not cluster.is_unfinished():
        return
    report("Cleaning up the unfinished cluster …")
    try:
        cluster.delete()
    except LabkitError as error:
        report(str(error))


def pull_node_image(context: ActionContext) -> None:
    """Pull the chosen node image, if it is not here."""
    program.ensure_node_image(context.engine, context.image, context.report)


def prepare_pod_image(context: ActionContext) -> None:
    """Load or build the pods' image in the engine."""
    podimage.ensure(context.engine, context.image, context.report)


def write_config(context: ActionContext) -> None:
    """Write kind's configuration."""
    program.write_config(context.cluster.directory, context.engine.cgroup_version)


def create_nodes(context: ActionContext) -> None:
    """Run ``kind create cluster``, again if the machine was too slow. From here on a failure needs a clean-up."""
    cluster, arguments = (
        context.cluster,
        (context.engine.environment, context.image, context.report),
    )
    cluster.write_record(CREATING, image=context.image)
    try:
        program.create_cluster(cluster, *arguments)
    except StartFailed as error:
        if not TOO_SLOW.search(error.why):
            raise
        context.report(
            text(
                "The machine was too slow for it ({why}). Once more, from the beginning …",
                error.why,
            )
        )
        cluster.delete()
        cluster.write_record(CREATING, image=context.image)
        program.create_cluster(cluster, *arguments)
    cluster.config_file.chmod(0o600)


def load_pod_image(context: ActionContext) -> None:
    """Load the pods' image into the node."""
    cluster = context.cluster
    podimage.load(context.engine, cluster.name, context.engine.environment, cluster.directory)


def wait_until_usable(context: ActionContext) -> None:
    """Wait until a pod runs and resolves a name."""
    todo = text("The node's logs are in {logs}.", context.cluster.logs)
    readiness.wait(context.cluster.client, todo, context.report)


def create_identity(context: ActionContext) -> None:
    """Create the identity by which the lab itself reads. Without it, the audit log only grows faster."""
    try:
        identity.create(context.cluster.client, context.cluster.directory)
    except LabkitError as error:
        context.report(
            text("Note: the audit log will hold what the lab itself reads, too. {error}", error)
        )
    context.cluster.__dict__.pop("client", None)


def record_as_ready(context: ActionContext) -> None:
    """Record the node's container and the objects of the new cluster."""
    cluster = context.cluster
    node, pristine = context.engine.container_id(cluster.node), sweep.inventory(cluster.client)
    cluster.write_record(
        READY, image=context.image, node=node, pristine=pristine, format=RECORD_FORMAT
    )
