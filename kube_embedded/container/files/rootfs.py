"""The files a container starts with: its image's tree, ``/proc``, ``/dev``, and the kubelet's additions."""

from collections.abc import Callable, Mapping
from functools import lru_cache

from .filesystem import MAX_LINKS
from .image import Image
from .images import FILES
from .inodes import Device, Directory, File, Link, Node

IMAGE_TIME = 1_755_475_200.0
"""When the images' files were made (2025-08-18)."""

_ENTRYPOINT = b'#!/bin/sh\nexec "$@"\n'
_SCRIPTS = {"kubectl-proxy.sh": b"#!/bin/sh\nexec kubectl proxy\n", "entrypoint.sh": _ENTRYPOINT}
"""Scripts that images name as their entry points."""

_DIRECTORIES = "etc home mnt opt root srv usr var/log var/tmp run media tmp"
_OF_DISTRIBUTION = {
    "debian": "usr/sbin usr/lib usr/lib64 boot var/lib/dpkg/info var/lib/apt/lists etc/apt usr/local/bin",
    "busybox": "sbin usr/bin usr/sbin usr/local/bin lib",
    "none": "",
}
_PAGES: dict[str, dict[str, bytes]] = {
    "nginx": {
        "usr/share/nginx/html/index.html": FILES["nginx_page"],
        "etc/nginx/nginx.conf": b"user  nginx;\nworker_processes  auto;\n",
    },
    "httpd": {
        "usr/local/apache2/htdocs/index.html": b"<html><body><h1>It works!</h1></body></html>\n"
    },
}
"""The files of images with a web server."""


@lru_cache(maxsize=64)
def _shared_programs(names: frozenset[str]) -> dict[str, Node]:
    """Return the nodes of an image's programs, shared by all its containers."""
    return {
        name: File(mode=0o755, mtime=IMAGE_TIME, program=name, shared=True)
        for name in sorted(names)
    }


def ensure(root: Directory, path: str, mtime: float) -> Directory:
    """Return a directory, creating it and its parents; links such as ``/var/run`` are followed."""
    here = root
    links = 0
    parts = path.split("/")[::-1]
    while parts:
        part = parts.pop()
        # `entries` and not `look()`: a mounted volume need not be brought up to date for its path.
        node = here.entries.get(part)
        if isinstance(node, Link) and links < MAX_LINKS:
            links += 1
            here = root if node.target.startswith("/") else here
            parts.extend(reversed(node.target.split("/")))
        elif isinstance(node, Directory):
            here = node
        elif part:
            missing = Directory(mode=0o755, mtime=mtime, parent=here)
            here.entries[part] = missing
            here = missing
    return here


class _Tree:
    """A tree that is being built."""

    def __init__(self) -> None:
        self.root = Directory(mode=0o755, mtime=IMAGE_TIME)
        self.root.parent = self.root

    def directory(self, path: str, mode: int = 0o755) -> Directory:
        """Return a directory, which is made if it is missing; the mode 0 leaves its mode as it is."""
        here = ensure(self.root, path, IMAGE_TIME)
        here.mode = mode or here.mode
        return here

    def add(self, path: str, node: Node) -> None:
        """Add a node."""
        node.mtime = IMAGE_TIME
        directory, _, name = path.rpartition("/")
        self.directory(directory, 0).entries[name] = node

    def text(self, path: str, data: bytes | str, mode: int = 0o644) -> None:
        """Add a file."""
        data = data.encode() if isinstance(data, str) else data
        self.add(path, File(mode=mode, data=data, shared=True))

    def link(self, path: str, target: str) -> None:
        """Add a symbolic link."""
        self.add(path, Link(mode=0o777, target=target))


def build_root(image: Image) -> Directory:
    """Return a fresh tree of an image."""
    tree = _Tree()
    debian = image.distribution in ("debian", "ubuntu")
    kind = image.distribution.replace("ubuntu", "debian").replace("alpine", "busybox")
    for path in f"{_DIRECTORIES} {_OF_DISTRIBUTION[kind]}".split():
        tree.directory(path)
    tree.directory("root", 0o700)
    # Sticky: everyone can write there, and only remove files of their own.
    tree.directory("tmp", 0o1777)
    tree.directory("var/tmp", 0o1777)
    if image.distribution in ("debian", "ubuntu", "alpine"):
        tree.link("var/run", "/run")
    binaries = tree.directory("usr/bin" if debian else "bin")
    binaries.entries.update(_shared_programs(image.programs))
    if debian:
        for name in ("bin", "sbin", "lib", "lib64"):
            tree.link(name, f"usr/{name}")
        if "sh" in binaries.entries:
            tree.link("usr/bin/sh", "dash")
            tree.add("usr/bin/dash", File(mode=0o755, program="dash", shared=True))
        if "ca-certificates" in image.packages and "curl" in image.programs:
            tree.text("etc/ssl/certs/ca-certificates.crt", FILES["authority"])
        tree.text("etc/debian_version", "13.1\n")
    elif image.distribution == "alpine":
        tree.text("etc/alpine-release", "3.22.1\n")
    for _, server in image.serves:
        for path, data in _PAGES["nginx" if server == "nginx" else "httpd"].items():
            tree.text(path, data)
        if server == "nginx":
            tree.text("docker-entrypoint.sh", _ENTRYPOINT, 0o755)
    entrypoint = image.entrypoint[0].removeprefix("/") if image.entrypoint else ""
    if entrypoint in _SCRIPTS:
        tree.text(entrypoint, _SCRIPTS[entrypoint], 0o755)
    elif entrypoint == "pause":
        tree.add("pause", File(mode=0o755, program="pause"))
    _add_accounts(tree, image)
    _add_devices(tree)
    return tree.root


def _add_accounts(tree: _Tree, image: Image) -> None:
    passwd = group = shadow = ""
    for account in image.users:
        numbers = f"{account.uid}:{account.gid}"
        passwd += f"{account.name}:x:{numbers}:{account.full_name}:{account.home}:{account.shell}\n"
        group += f"{account.group}:x:{account.gid}:\n"
        shadow += f"{account.name}:*:20318:0:99999:7:::\n"
        if account.home.startswith("/home/"):
            tree.directory(account.home).uid = account.uid
    tree.text("etc/passwd", passwd)
    tree.text("etc/group", group)
    # The group `shadow`: an ordinary user cannot read it.
    tree.add("etc/shadow", File(mode=0o640, gid=42, data=shadow.encode(), shared=True))
    if image.release:
        tree.text("etc/os-release", image.release)
    if image.workdir != "/":
        tree.directory(image.workdir)


_DESCRIPTORS: dict[str, Node] = {
    str(number): Device(mode=0o600, mtime=IMAGE_TIME, kind=str(number), shared=True)
    for number in range(64)
}


def _add_devices(tree: _Tree) -> None:
    tree.directory("dev").memory = True
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        tree.add(f"dev/{name}", Device(mode=0o666, kind=name.removeprefix("u")))
    tree.directory("dev/fd").entries.update(_DESCRIPTORS)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        tree.link(f"dev/{name}", f"/dev/fd/{number}")
    tree.directory("dev/shm", 0o1777)
    tree.add("dev/pts/0", Device(mode=0o620, kind="tty"))
    # The kubelet mounts it, and reads it when the container ends.
    tree.add("dev/termination-log", File(mode=0o666))


def add_proc(root: Directory, facts: Mapping[str, Callable[[], str]], own: str) -> None:
    """Add ``/proc``; ``facts`` has a function for the content of each path below it, ``self`` leads to ``own``."""
    tree = _Tree()
    for path, read in facts.items():

        def generate(read: Callable[[], str] = read) -> bytes:
            return read().encode("utf-8", "surrogateescape")

        tree.directory(path.rpartition("/")[0], 0o555)
        tree.add(path, File(mode=0o444, generate=generate))
    tree.link("self", own)
    for name, directory in (("proc", tree.root), ("sys", _Tree().root)):
        root.entries[name] = directory
        directory.parent = root
        directory.mode = 0o555
        directory.mount = directory.read_only = True
