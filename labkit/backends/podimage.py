"""Build and load the image that replaces the walkthrough's images on a real cluster.

It is built from ``clusters/images/Dockerfile``, or loaded from a tarball, and loaded into the
node, so that pods start without a registry. Manifests name the walkthrough's images; image and
pull policy are overridden, and the learner sees these changes.
"""

import copy
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labkit.core import resources
from labkit.core.errors import Missing
from labkit.core.language import text
from labkit.core.scratch import scratch_directory
from labkit.core.version import __version__

from .base import Manifest, Report
from .engine import Done, Engine, call

IMAGE = f"docker.io/labkit/pod:{__version__}"
BUILD_SECONDS = 900.0
LOAD_SECONDS = 900.0

PLAYED = ("ubuntu", "debian", "luksa/kubectl-proxy", "curlimages/curl", "busybox")
"""The images that it replaces."""

PUBLIC = "docker.io/alpine/k8s:1.33.4"
"""A public image with a shell, curl and kubectl, for clusters into which no image can be loaded."""

_TEMPLATE = ("spec", "template", "spec")
TEMPLATES = {
    "Pod": ("spec",),
    **dict.fromkeys(
        ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController"), _TEMPLATE
    ),
    "Job": _TEMPLATE,
    "CronJob": ("spec", "jobTemplate", *_TEMPLATE),
}
"""The path to the pods' specification in each kind that makes pods."""

UNMAINTAINED = "luksa/kubectl-proxy"
"""The walkthrough's proxy: kubectl 1.6 of 2017, in an image format that current nodes can refuse."""


def adapt_proxy(manifest: Manifest) -> Manifest:
    """Replace the proxy's image by ``PUBLIC`` in an object that makes pods; return other objects unchanged."""
    return _with_image(manifest, [UNMAINTAINED], PUBLIC, ["kubectl", "proxy", "--port=8001"])


def adapt(manifest: Manifest, image: str = IMAGE) -> Manifest:
    """Use the lab's image in an object that makes pods; return other objects unchanged."""
    return _with_image(manifest, PLAYED, image)


def _with_image(
    manifest: Manifest, replaced: Sequence[str], image: str, command: Sequence[str] | None = None
) -> Manifest:
    """Return a copy in which some containers have another image, and the command if they have none."""
    if manifest.get("kind") not in TEMPLATES:
        return manifest
    adapted = copy.deepcopy(manifest)
    spec: Any = adapted
    for key in TEMPLATES[manifest["kind"]]:
        spec = spec.get(key) if isinstance(spec, dict) else None
    for kind in ("initContainers", "containers") if isinstance(spec, dict) else ():
        containers = spec.get(kind)
        for container in containers if isinstance(containers, list) else ():
            if isinstance(container, dict) and _name(container) in replaced:
                # With Always the kubelet would ask a registry, which does not have the lab's own image.
                container |= {"image": image, "imagePullPolicy": "IfNotPresent"}
                # A command in the manifest is the learner's, and remains.
                if command and "command" not in container:
                    container["command"] = list(command)
    return adapted


def ensure(engine: Engine, node_image: str, report: Report) -> None:
    """Load the image from a tarball or build it, unless the engine has it.

    ``LABKIT_POD_TARBALL`` names a tarball, ``LABKIT_POD_BASE`` another base image. If the default
    base cannot be pulled, the node image is the base: it has all the programs that are needed.

    Raises:
        Missing: When it can be neither loaded nor built.
    """
    if engine.has_image(IMAGE):
        return
    tarball = os.environ.get("LABKIT_POD_TARBALL")
    if tarball:
        done = engine.run("load", "--input", tarball, timeout_seconds=LOAD_SECONDS)
        if not done.ok or not engine.has_image(IMAGE):
            raise Missing(
                text("{tarball} does not give the image {image}.", tarball, IMAGE),
                why=done.last_words,
                todo="Correct LABKIT_POD_TARBALL.",
            )
        return
    chosen = os.environ.get("LABKIT_POD_BASE")
    # The empty name is the Dockerfile's own base, which has to be pulled.
    bases = [chosen] if chosen else ["", *([node_image] if node_image else [])]
    for base in bases:
        on_base = text(" on {base}", base) if base else ""
        report(text("Building the lab's pod image{base} …", on_base))
        arguments = ["--build-arg", f"BASE={base}"] if base else []
        done = call(
            [
                engine.program,
                "build",
                "--tag",
                IMAGE,
                *arguments,
                str(resources.clusters() / "images"),
            ],
            timeout_seconds=BUILD_SECONDS,
            # Otherwise BuildKit can add an attestation, which turns the image into an index of manifests.
            # https://docs.docker.com/build/building/variables/#buildx_no_default_attestations
            env={"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"},
        )
        if done.ok:
            return
    raise Missing(
        "The lab's pod image could not be built.",
        why=done.last_words,
        todo="Check the network, or name a local base image in LABKIT_POD_BASE, or a tarball in LABKIT_POD_TARBALL.",
    )


def load(engine: Engine, cluster: str, scratch: Path) -> None:
    """Load the image into the nodes of a kind cluster, through a temporary tarball in ``scratch``.

    Raises:
        Missing: When it cannot be loaded.
    """
    with scratch_directory(".image-", scratch) as directory:
        archive = str(directory / "pod.tar")
        # An archive, because `kind load docker-image` needs Docker even if Podman runs the nodes.
        done = engine.run("save", "--output", archive, IMAGE, timeout_seconds=LOAD_SECONDS)
        if done.ok:
            command = ["kind", "load", "image-archive", archive, "--name", cluster]
            done = call(command, timeout_seconds=LOAD_SECONDS, env=engine.environment)
            if not done.ok and "containerd" in done.last_words:
                done = _import(engine, f"{cluster}-control-plane", archive)
    if not done.ok:
        raise Missing(
            "The lab's pod image could not be loaded.",
            why=done.last_words,
            todo="Free some disk space, and start again.",
        )


def _import(engine: Engine, node: str, archive: str) -> Done:
    """Load an image into the node's containerd without kind.

    kind reads containerd's configuration before it loads an image, and kind 0.27 supports its
    versions up to 3 (containerd 2.0 to 2.2).
    """
    there = "/labkit-pod.tar"
    done = engine.run("cp", archive, f"{node}:{there}", timeout_seconds=LOAD_SECONDS)
    if done.ok:
        command = ["ctr", "--namespace", "k8s.io", "images", "import", there]
        done = engine.run("exec", node, *command, timeout_seconds=LOAD_SECONDS)
    engine.run("exec", node, "rm", "-f", there)
    return done


def _name(container: Mapping[str, Any]) -> str:
    # Docker's short names: `ubuntu` is docker.io/library/ubuntu:latest.
    name = str(container.get("image", "")).removeprefix("docker.io/").removeprefix("library/")
    return name.split("@")[0].split(":")[0]
