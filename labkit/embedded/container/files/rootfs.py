"""The files a container starts with: its image's tree, ``/proc``, ``/dev``, and what the kubelet adds."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from labkit.embedded.container.files.image import Image
from labkit.embedded.container.files.images import FILES
from labkit.embedded.container.files.inodes import Device, Directory, File, Link, Node

IMAGE_TIME = 1_755_475_200.0
"""When the images' files were made (2025-08-18)."""

_PROXY_SCRIPT = b"#!/bin/sh\nexec kubectl proxy\n"
_ENTRYPOINT = b'#!/bin/sh\nexec "$@"\n'


@lru_cache(maxsize=64)
def _shared_programs(names: frozenset[str]) -> dict[str, Node]:
    """The nodes of an image's programs, shared by all its containers."""
    return {
        name: File(mode=0o755, mtime=IMAGE_TIME, program=name, shared=True)
        for name in sorted(names)
    }


def _directory(parent: Directory, path: str, mode: int = 0o755) -> Directory:
    here = parent
    for part in path.strip("/").split("/"):
        node = here.entries.get(part)
        if not isinstance(node, Directory):
            node = Directory(mode=0o755, mtime=IMAGE_TIME, parent=here)
            here.entries[part] = node
        here = node
    here.mode = mode
    return here


def _file(parent: Directory, name: str, data: bytes, mode: int = 0o644) -> None:
    parent.entries[name] = File(mode=mode, mtime=IMAGE_TIME, data=data, shared=True)


def build_root(image: Image) -> Directory:
    """A fresh tree of an image."""
    root = Directory(mode=0o755, mtime=IMAGE_TIME)
    root.parent = root
    for name in (
        "etc",
        "home",
        "mnt",
        "opt",
        "root",
        "srv",
        "usr",
        "var/log",
        "var/tmp",
        "run",
        "media",
    ):
        _directory(root, name)
    if image.distribution in ("debian", "ubuntu", "alpine"):
        _directory(root, "var").entries["run"] = Link(mode=0o777, mtime=IMAGE_TIME, target="/run")
    root.entries["root"].mode = 0o700
    _directory(root, "tmp", 0o1777)
    _directory(root, "var/tmp", 0o1777)
    programs = _shared_programs(image.programs)
    if image.distribution in ("debian", "ubuntu"):
        binaries = _directory(root, "usr/bin")
        binaries.entries.update(programs)
        for name in ("bin", "sbin", "lib", "lib64"):
            _directory(root, f"usr/{name}")
            root.entries[name] = Link(mode=0o777, mtime=IMAGE_TIME, target=f"usr/{name}")
        for name in ("boot", "var/lib/dpkg/info", "var/lib/apt/lists", "etc/apt", "usr/local/bin"):
            _directory(root, name)
        if "sh" in binaries.entries:
            binaries.entries["sh"] = Link(mode=0o777, mtime=IMAGE_TIME, target="dash")
            binaries.entries["dash"] = File(
                mode=0o755, mtime=IMAGE_TIME, program="dash", shared=True
            )
        if "ca-certificates" in image.packages and "curl" in image.programs:
            _file(_directory(root, "etc/ssl/certs"), "ca-certificates.crt", FILES["authority"])
        _file(_directory(root, "etc"), "debian_version", b"13.1\n")
    elif image.distribution in ("alpine", "busybox"):
        binaries = _directory(root, "bin")
        binaries.entries.update(programs)
        for name in ("sbin", "usr/bin", "usr/sbin", "usr/local/bin", "lib"):
            _directory(root, name)
        if image.distribution == "alpine":
            _file(_directory(root, "etc"), "alpine-release", b"3.22.1\n")
    else:
        _directory(root, "bin").entries.update(programs)
    for _, server in image.serves:
        if server == "nginx":
            _file(_directory(root, "usr/share/nginx/html"), "index.html", FILES["nginx_page"])
            _file(
                _directory(root, "etc/nginx"),
                "nginx.conf",
                b"user  nginx;\nworker_processes  auto;\n",
            )
            _file(root, "docker-entrypoint.sh", _ENTRYPOINT, 0o755)
        else:
            page = b"<html><body><h1>It works!</h1></body></html>\n"
            _file(_directory(root, "usr/local/apache2/htdocs"), "index.html", page)
    if image.entrypoint[:1] == ("/kubectl-proxy.sh",):
        _file(root, "kubectl-proxy.sh", _PROXY_SCRIPT, 0o755)
    if image.entrypoint[:1] == ("/entrypoint.sh",):
        _file(root, "entrypoint.sh", _ENTRYPOINT, 0o755)
    if image.entrypoint[:1] == ("/pause",):
        root.entries["pause"] = File(mode=0o755, mtime=IMAGE_TIME, program="pause")
    _accounts(root, image)
    _devices(root)
    return root


def _accounts(root: Directory, image: Image) -> None:
    etc = _directory(root, "etc")
    passwd = "".join(
        f"{one.name}:x:{one.uid}:{one.gid}:{one.full_name}:{one.home}:{one.shell}\n"
        for one in image.users
    )
    _file(etc, "passwd", passwd.encode())
    _file(etc, "group", "".join(f"{one.group}:x:{one.gid}:\n" for one in image.users).encode())
    _file(
        etc,
        "shadow",
        "".join(f"{one.name}:*:20318:0:99999:7:::\n" for one in image.users).encode(),
        0o640,
    )
    etc.entries["shadow"].gid = 42
    if image.release:
        _file(etc, "os-release", image.release.encode())
    for one in image.users:
        if one.home.startswith("/home/"):
            _directory(root, one.home).uid = one.uid
    if image.workdir != "/":
        _directory(root, image.workdir)


_DESCRIPTORS: dict[str, Node] = {
    str(number): Device(mode=0o600, mtime=IMAGE_TIME, kind=str(number), shared=True)
    for number in range(64)
}


def _devices(root: Directory) -> None:
    dev = _directory(root, "dev")
    dev.memory = True
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        dev.entries[name] = Device(mode=0o666, mtime=IMAGE_TIME, kind=name.removeprefix("u"))
    fd = _directory(dev, "fd")
    fd.entries.update(_DESCRIPTORS)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        dev.entries[name] = Link(mode=0o777, mtime=IMAGE_TIME, target=f"/dev/fd/{number}")
    _directory(dev, "shm", 0o1777)
    pts = _directory(dev, "pts")
    pts.entries["0"] = Device(mode=0o620, mtime=IMAGE_TIME, kind="tty")
    dev.entries["termination-log"] = File(mode=0o666, mtime=IMAGE_TIME)


def add_proc(root: Directory, facts: dict[str, Callable[[], str]], own: str) -> None:
    """Add ``/proc``; ``facts`` has a function for the content of each path below it, ``self`` leads to ``own``."""
    proc = _directory(root, "proc", 0o555)
    proc.mount = proc.read_only = True
    for path, read in facts.items():
        where, _, name = path.rpartition("/")
        directory = _directory(proc, where, 0o555) if where else proc

        def generate(read: Callable[[], str] = read) -> bytes:
            return read().encode("utf-8", "surrogateescape")

        directory.entries[name] = File(mode=0o444, mtime=IMAGE_TIME, generate=generate)
    proc.entries["self"] = Link(mode=0o777, mtime=IMAGE_TIME, target=own)
    sys = _directory(root, "sys", 0o555)
    sys.mount = sys.read_only = True
