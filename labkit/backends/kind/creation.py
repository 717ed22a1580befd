"""Create a cluster; if a step of it fails, delete the unfinished cluster."""

import re
import time

from labkit.core.errors import LabkitError, StartFailed
from labkit.core.language import text
from labkit.core.signals import interrupt_on_signals

from .. import podimage, sweep
from ..base import Report
from ..engine import Engine
from . import identity, program, readiness
from .cluster import CREATING, READY, KindCluster

TOO_SLOW = re.compile("deadline exceeded|timed out|timeout", re.IGNORECASE)
"""The reason of a failure that a second attempt can overcome."""


def create(cluster: KindCluster, engine: Engine, image: str, report: Report) -> None:
    """Create a cluster, and wait until pods can run in it.

    Args:
        cluster: The cluster to create.
        engine: The container engine.
        image: The node image; empty for kind's own.
        report: Takes lines of progress.

    Raises:
        Missing: When an image cannot be pulled or built.
        StartFailed: When kind fails, or the cluster is not usable in time. The unfinished cluster is deleted.
    """
    begun = time.monotonic()
    try:
        with interrupt_on_signals():
            # kind would pull it without any progress.
            program.ensure_node_image(engine, image, report)
            podimage.ensure(engine, image, report)
            program.write_config(cluster.directory, engine.cgroup_version)
            report(
                text(
                    "Creating the kind cluster {name}; this takes a minute or two, on a busy "
                    "machine up to ten …",
                    cluster.name,
                )
            )
            _create_nodes(cluster, engine, image, report)
            # So that pods start without a registry.
            report(text("Loading the pod image …"))
            podimage.load(engine, cluster.name, cluster.directory)
            # Later than the node's condition Ready.
            report(text("Waiting until a pod can run …"))
            todo = text("The node's logs are in {logs}.", cluster.logs)
            readiness.wait(cluster.client, todo, report)
            # Before the record: a reset must not delete the identity.
            _create_identity(cluster, report)
            node = engine.container_id(cluster.node)
            pristine = sweep.inventory(cluster.client)
            cluster.write_record(state=READY, image=image, node=node, pristine=pristine)
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


def _create_nodes(cluster: KindCluster, engine: Engine, image: str, report: Report) -> None:
    """Run ``kind create cluster``, again if the machine was too slow. From here on a failure needs a clean-up."""
    cluster.write_record(state=CREATING, image=image)
    try:
        program.create_cluster(cluster, engine, image, report)
    except StartFailed as error:
        if not TOO_SLOW.search(error.why):
            raise
        report(
            text(
                "The machine was too slow for it ({why}). Once more, from the beginning …",
                error.why,
            )
        )
        cluster.delete()
        cluster.write_record(state=CREATING, image=image)
        program.create_cluster(cluster, engine, image, report)
    cluster.config_file.chmod(0o600)


def _create_identity(cluster: KindCluster, report: Report) -> None:
    """Create the identity by which the lab itself reads. Without it, the audit log only grows faster."""
    try:
        identity.create(cluster.client, cluster.directory)
    except LabkitError as error:
        report(text("Note: the audit log will have the lab's own requests, too. {error}", error))
    # The next client reads by the new identity.
    cluster.__dict__.pop("client", None)
