"""The kind backend's requirements: a container engine, the program kind, memory and disk."""

from labkit.core.errors import Missing
from labkit.core.language import text

from ..base import Need
from ..engine import call, find

MEMORY_BYTES = 2 * 1024**3
DISK_BYTES = 5 * 1024**3

GET_KIND = text(
    "apt install kind, brew install kind, conda install -c conda-forge kubernetes-kind, "
    "or https://kind.sigs.k8s.io/docs/user/quick-start/#installation"
)


def find_needs(image: str) -> list[Need]:
    """Return the requirements, met or not; the node image is empty for kind's own."""
    try:
        engine = find()
    except Missing as error:
        return [Need("Docker or Podman", False, error.what, error.todo), _program()]
    memory = engine.memory_bytes
    disk = engine.free_disk_bytes
    enough = not memory or memory >= MEMORY_BYTES
    cgroup = engine.cgroup_version
    needs = [
        Need("Docker or Podman", True, f"{engine.program} {engine.version}"),
        _program(),
        Need(
            "memory",
            enough,
            _gib(memory),
            text("Give Docker at least {bytes}.", _gib(MEMORY_BYTES)),
        ),
    ]
    if disk is not None:
        needs.append(
            Need(
                "disk",
                disk >= DISK_BYTES,
                text("{disk} free", _gib(disk)),
                "Free some: docker system prune",
            )
        )
    if image:
        there = engine.has_image(image)
        content = text("in the local engine") if there else text("will be pulled")
        needs.append(Need(text("node image {image}", image), there, content, "", required=False))
    if cgroup:
        todo = text("It works here, but Kubernetes will drop v1; a current Linux has v2.")
        needs.append(Need("cgroup version", cgroup == "2", cgroup, todo, required=False))
    return needs


def _program() -> Need:
    done = call(["kind", "version", "--quiet"])
    if done.returncode == 127:
        return Need("kind", False, "the program kind is not installed", GET_KIND)
    return Need("kind", done.ok, done.stdout.strip() or done.last_words, GET_KIND)


def _gib(size: int) -> str:
    return f"{size / 1024**3:.1f} GiB"
