"""The table of images: there is no registry to pull from.

An image is known by its name without registry, tag and digest. An unknown one cannot be
pulled, and its pod goes to ``ImagePullBackOff`` as it would where it does not exist.
"""

from __future__ import annotations

import re
from dataclasses import replace

from labkit.embedded.container.files.distributions import ALPINE, BUSYBOX, DEBIAN, PROCPS, UBUNTU
from labkit.embedded.container.files.image import Account, Image
from labkit.embedded.container.files.image_reference import parse_reference

_LAB = replace(
    DEBIAN,
    name="labkit-pod",
    programs=DEBIAN.programs | PROCPS | {"curl", "kubectl"},
    command=("kubectl", "proxy", "--port=8001"),
)

_KUBECTL = replace(_LAB, name="kubectl", entrypoint=("kubectl",), command=("--help",))

_PROXY = replace(_LAB, entrypoint=("kubectl", "proxy"), command=())

_LUKSA_PROXY = replace(
    ALPINE,
    name="kubectl-proxy",
    programs=ALPINE.programs | {"curl", "kubectl", "bash"},
    entrypoint=("/kubectl-proxy.sh",),
    command=(),
)

IMAGES: dict[str, Image] = {
    "ubuntu": UBUNTU,
    "debian": DEBIAN,
    "busybox": BUSYBOX,
    "alpine": ALPINE,
    "buildpack-deps": replace(DEBIAN, name="buildpack-deps", programs=DEBIAN.programs | {"curl", "wget"}),
    "nginx": replace(
        DEBIAN,
        name="nginx",
        programs=DEBIAN.programs | {"curl", "nginx"},
        entrypoint=("/docker-entrypoint.sh",),
        command=("nginx", "-g", "daemon off;"),
        environment=(("NGINX_VERSION", "1.29.1"), ("NJS_VERSION", "0.9.1"), ("PKG_RELEASE", "1~trixie")),
        serves=((80, "nginx"),),
    ),
    "httpd": replace(
        DEBIAN, name="httpd", command=("httpd-foreground",), workdir="/usr/local/apache2", serves=((80, "httpd"),)
    ),
    "curlimages/curl": replace(
        ALPINE,
        name="curl",
        programs=ALPINE.programs | {"curl"},
        entrypoint=("/entrypoint.sh",),
        command=("curl",),
        user=100,
        users=(*ALPINE.users, Account("curl_user", 100, 101, "/home/curl_user", "/bin/sh", "Linux User,,,")),
        workdir="/home/curl_user",
    ),
    "luksa/curl": replace(
        DEBIAN, name="luksa-curl", programs=DEBIAN.programs | {"curl"}, entrypoint=("sleep", "infinity"), command=()
    ),
    "luksa/kubectl-proxy": _LUKSA_PROXY,
    "kubectl-proxy": _PROXY,
    "labkit-pod": _LAB,
    "labkit/pod": _LAB,
    "bitnami/kubectl": replace(_KUBECTL, user=1001, workdir="/"),
    "bitnamilegacy/kubectl": replace(_KUBECTL, user=1001, workdir="/"),
    "alpine/k8s": replace(
        ALPINE,
        name="k8s",
        programs=ALPINE.programs | {"curl", "kubectl", "bash", "jq"},
        command=("bash",),
        workdir="/apps",
    ),
    "kubectl": Image("kubectl", "none", frozenset({"kubectl"}), entrypoint=("/bin/kubectl",)),
    "pause": Image("pause", "none", entrypoint=("/pause",)),
}
"""Names (without registry, tag and digest) and their images."""

_REGISTRIES = re.compile(
    r"^(?:docker\.io/|index\.docker\.io/|registry\.k8s\.io/|k8s\.gcr\.io/|public\.ecr\.aws/docker/|mirror\.gcr\.io/|localhost/)"
)

PRELOADED: dict[str, Image] = {
    "docker.io/library/ubuntu:latest": replace(
        _LAB, name="ubuntu", programs=_LAB.programs - {"kubectl"}, command=("bash",)
    ),
}
"""Images that lie on the node already, as ``kind load docker-image`` puts them there.

They are used where the pull policy does not ask the registry first. So ``image: ubuntu`` of
the walkthrough (no tag, thus policy ``Always``) is Ubuntu as it is published, without curl,
while ``ubuntu:latest`` with ``IfNotPresent`` is what the recorded cluster's node held under
that name: Debian 13 with bash, curl and procps.
"""


def find_image(text: str, policy: str) -> Image | None:
    """The image a pod asks for under a pull policy, None if there is none: then it cannot be pulled."""
    reference = parse_reference(text)
    if reference is None:
        return None
    if policy != "Always" and reference.full in PRELOADED:
        return PRELOADED[reference.full]
    name = _REGISTRIES.sub("", f"{reference.registry}/{reference.repository}").removeprefix("library/")
    image = IMAGES.get(name)
    if image is None and reference.registry in ("registry.k8s.io", "k8s.gcr.io"):
        image = IMAGES.get(name.rpartition("/")[2])
    return image
