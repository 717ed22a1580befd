"""Which image gives what: a table, for there is no registry to pull from.

An image is known by its name without registry, tag and digest. An unknown one cannot be
pulled, and its pod goes to ``ImagePullBackOff`` as it would where it does not exist.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Account:
    """A line of ``/etc/passwd``."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str
    full_name: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """What a container of an image finds.

    Args:
        name: A name for the table.
        distribution: ``debian``, ``ubuntu``, ``alpine``, ``busybox`` or ``none``.
        programs: The commands it has.
        packages: What ``apt-get`` or ``apk`` can add.
        entrypoint: What runs when the pod names no command.
        command: The arguments when the pod names none.
        environment: Its own variables, beside PATH.
        user: The number of the user it runs as.
        users: Its accounts.
        workdir: Where commands start.
        serves: Ports that its server listens on, by the name of the server.
        release: ``/etc/os-release``.
    """

    name: str
    distribution: str
    programs: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    user: int = 0
    users: tuple[Account, ...] = field(default=(Account("root", 0, 0, "/root", "/bin/bash", "root"),))
    workdir: str = "/"
    serves: tuple[tuple[int, str], ...] = ()
    release: str = ""

    @property
    def sh_dialect(self) -> str:
        """How its ``sh`` speaks."""
        return "ash" if self.distribution in ("alpine", "busybox") else "dash"

    @property
    def path(self) -> str:
        """Its ``$PATH``."""
        if self.distribution == "busybox":
            return "/bin"
        return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


_COMMON = frozenset(
    [
        "[",
        "arch",
        "awk",
        "base32",
        "base64",
        "basename",
        "cat",
        "chgrp",
        "chmod",
        "chown",
        "cksum",
        "clear",
        "cmp",
        "comm",
        "cp",
        "cut",
        "date",
        "dd",
        "df",
        "diff",
        "dirname",
        "du",
        "echo",
        "egrep",
        "env",
        "expand",
        "expr",
        "false",
        "fgrep",
        "find",
        "fold",
        "free",
        "getent",
        "grep",
        "groups",
        "gunzip",
        "gzip",
        "head",
        "hostname",
        "id",
        "kill",
        "less",
        "ln",
        "ls",
        "md5sum",
        "mkdir",
        "mktemp",
        "more",
        "mount",
        "mv",
        "nl",
        "nohup",
        "nproc",
        "od",
        "paste",
        "pidof",
        "printenv",
        "printf",
        "ps",
        "pwd",
        "readlink",
        "realpath",
        "rev",
        "rm",
        "rmdir",
        "sed",
        "seq",
        "sh",
        "sha1sum",
        "sha256sum",
        "sha512sum",
        "shuf",
        "sleep",
        "sort",
        "split",
        "stat",
        "stty",
        "sync",
        "tac",
        "tail",
        "tar",
        "tee",
        "test",
        "timeout",
        "touch",
        "tr",
        "true",
        "truncate",
        "tty",
        "uname",
        "uniq",
        "unlink",
        "uptime",
        "watch",
        "wc",
        "which",
        "whoami",
        "xargs",
        "yes",
    ]
)
_DEBIAN_EXTRA = frozenset(
    [
        "apt",
        "apt-get",
        "apt-cache",
        "bash",
        "dash",
        "dpkg",
        "dpkg-query",
        "lsb_release",
        "nice",
        "pathchk",
        "perl",
        "tsort",
    ]
)
_BUSYBOX_EXTRA = frozenset(
    [
        "ash",
        "busybox",
        "ifconfig",
        "ip",
        "netstat",
        "nc",
        "nslookup",
        "ping",
        "telnet",
        "top",
        "vi",
        "wget",
        "ps",
        "free",
    ]
)
_BUSYBOX_LESS = frozenset(["arch", "dpkg", "perl", "getent", "sha384sum"])
_PROCPS = frozenset(["ps", "free", "uptime", "top", "watch", "kill", "pidof", "pgrep", "w"])
_NETWORK_PACKAGES = frozenset(
    [
        "curl",
        "wget",
        "jq",
        "iputils-ping",
        "dnsutils",
        "iproute2",
        "netcat-openbsd",
        "procps",
        "vim",
        "nano",
        "less",
        "ca-certificates",
        "git",
        "python3",
        "net-tools",
        "telnet",
    ]
)

_ROOT = Account("root", 0, 0, "/root", "/bin/bash", "root")
_NOBODY = Account("nobody", 65534, 65534, "/nonexistent", "/usr/sbin/nologin", "nobody")
_WWW = Account("www-data", 33, 33, "/var/www", "/usr/sbin/nologin", "www-data")
_DEBIAN_USERS = (
    _ROOT,
    Account("daemon", 1, 1, "/usr/sbin", "/usr/sbin/nologin", "daemon"),
    Account("bin", 2, 2, "/bin", "/usr/sbin/nologin", "bin"),
    Account("sys", 3, 3, "/dev", "/usr/sbin/nologin", "sys"),
    _WWW,
    _NOBODY,
)
_BUSYBOX_USERS = (
    Account("root", 0, 0, "/root", "/bin/sh", "root"),
    Account("daemon", 1, 1, "/usr/sbin", "/bin/false", "daemon"),
    Account("www-data", 33, 33, "/var/www", "/bin/false", "www-data"),
    Account("nobody", 65534, 65534, "/home", "/bin/false", "nobody"),
)

_DEBIAN_RELEASE = """\
PRETTY_NAME="Debian GNU/Linux 13 (trixie)"
NAME="Debian GNU/Linux"
VERSION_ID="13"
VERSION="13 (trixie)"
VERSION_CODENAME=trixie
DEBIAN_VERSION_FULL=13.1
ID=debian
HOME_URL="https://www.debian.org/"
SUPPORT_URL="https://www.debian.org/support"
BUG_REPORT_URL="https://bugs.debian.org/"
"""
_UBUNTU_RELEASE = """\
PRETTY_NAME="Ubuntu 24.04.3 LTS"
NAME="Ubuntu"
VERSION_ID="24.04"
VERSION="24.04.3 LTS (Noble Numbat)"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
HOME_URL="https://www.ubuntu.com/"
SUPPORT_URL="https://help.ubuntu.com/"
BUG_REPORT_URL="https://bugs.launchpad.net/ubuntu/"
UBUNTU_CODENAME=noble
LOGO=ubuntu-logo
"""
_ALPINE_RELEASE = """\
NAME="Alpine Linux"
ID=alpine
VERSION_ID=3.22.1
PRETTY_NAME="Alpine Linux v3.22"
HOME_URL="https://alpinelinux.org/"
BUG_REPORT_URL="https://gitlab.alpinelinux.org/alpine/aports/-/issues"
"""

_DEBIAN = Image(
    "debian",
    "debian",
    (_COMMON | _DEBIAN_EXTRA) - _PROCPS - {"less", "more"} | {"more", "kill"},
    _NETWORK_PACKAGES,
    command=("bash",),
    users=_DEBIAN_USERS,
    release=_DEBIAN_RELEASE,
)
_UBUNTU = replace(
    _DEBIAN,
    name="ubuntu",
    distribution="ubuntu",
    programs=_DEBIAN.programs | (_PROCPS - {"watch"}),
    command=("/bin/bash",),
    users=(*_DEBIAN_USERS, Account("ubuntu", 1000, 1000, "/home/ubuntu", "/bin/bash", "Ubuntu")),
    release=_UBUNTU_RELEASE,
)
_BUSYBOX = Image(
    "busybox",
    "busybox",
    (_COMMON | _BUSYBOX_EXTRA) - _BUSYBOX_LESS,
    command=("sh",),
    users=_BUSYBOX_USERS,
)
_ALPINE = replace(
    _BUSYBOX,
    name="alpine",
    distribution="alpine",
    programs=(_BUSYBOX.programs | {"apk", "getent"}),
    packages=_NETWORK_PACKAGES | {"bash", "bind-tools", "kubectl"},
    command=("/bin/sh",),
    users=(replace(_ROOT, shell="/bin/sh"), *_BUSYBOX_USERS[1:]),
    release=_ALPINE_RELEASE,
)
_LAB = replace(
    _DEBIAN,
    name="labkit-pod",
    programs=_DEBIAN.programs | _PROCPS | {"curl", "kubectl", "less"},
    entrypoint=("kubectl", "proxy"),
    command=(),
)
_KUBECTL = replace(_LAB, name="kubectl", entrypoint=("kubectl",), command=("--help",))
_LUKSA_PROXY = replace(
    _ALPINE,
    name="kubectl-proxy",
    programs=_ALPINE.programs | {"curl", "kubectl", "bash"},
    entrypoint=("/kubectl-proxy.sh",),
    command=(),
)

IMAGES: dict[str, Image] = {
    "ubuntu": _UBUNTU,
    "debian": _DEBIAN,
    "busybox": _BUSYBOX,
    "alpine": _ALPINE,
    "buildpack-deps": replace(_DEBIAN, name="buildpack-deps", programs=_DEBIAN.programs | {"curl", "wget"}),
    "nginx": replace(
        _DEBIAN,
        name="nginx",
        programs=_DEBIAN.programs | {"curl", "nginx"},
        entrypoint=("/docker-entrypoint.sh",),
        command=("nginx", "-g", "daemon off;"),
        environment=(("NGINX_VERSION", "1.29.1"), ("NJS_VERSION", "0.9.1"), ("PKG_RELEASE", "1~trixie")),
        serves=((80, "nginx"),),
    ),
    "httpd": replace(
        _DEBIAN, name="httpd", command=("httpd-foreground",), workdir="/usr/local/apache2", serves=((80, "httpd"),)
    ),
    "curlimages/curl": replace(
        _ALPINE,
        name="curl",
        programs=_ALPINE.programs | {"curl"},
        entrypoint=("/entrypoint.sh",),
        command=("curl",),
        user=100,
        users=(*_ALPINE.users, Account("curl_user", 100, 101, "/home/curl_user", "/bin/sh", "Linux User,,,")),
        workdir="/home/curl_user",
    ),
    "luksa/curl": replace(
        _DEBIAN, name="luksa-curl", programs=_DEBIAN.programs | {"curl"}, entrypoint=("sleep", "infinity"), command=()
    ),
    "luksa/kubectl-proxy": _LUKSA_PROXY,
    "kubectl-proxy": _LAB,
    "labkit-pod": _LAB,
    "labkit/pod": _LAB,
    "bitnami/kubectl": replace(_KUBECTL, user=1001, workdir="/"),
    "bitnamilegacy/kubectl": replace(_KUBECTL, user=1001, workdir="/"),
    "alpine/k8s": replace(
        _ALPINE,
        name="k8s",
        programs=_ALPINE.programs | {"curl", "kubectl", "bash", "jq"},
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
_REFERENCE = re.compile(
    r"(?P<name>(?:[a-zA-Z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """An image's name, taken apart.

    Args:
        registry: Where it would be pulled from, ``docker.io`` by default.
        repository: Its path there.
        tag: Its tag, ``latest`` by default, or its digest.
    """

    registry: str
    repository: str
    tag: str

    @property
    def full(self) -> str:
        """The name a container runtime shows."""
        separator = "@" if self.tag.startswith("sha256:") else ":"
        return f"{self.registry}/{self.repository}{separator}{self.tag}"


def parse_reference(text: str) -> Reference | None:
    """Take an image's name apart.

    Args:
        text: For example ``ubuntu`` or ``ghcr.io/x/y:1``.

    Returns:
        Its parts, or None if it is no valid name (``InvalidImageName``).
    """
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return None
    name = match["name"]
    head, slash, rest = name.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        registry, repository = head, rest
    else:
        registry, repository = "docker.io", name if slash else f"library/{name}"
    return Reference(registry, repository, match["digest"] or match["tag"] or "latest")


PRELOADED: dict[str, Image] = {
    "docker.io/library/ubuntu:latest": replace(
        _LAB, name="ubuntu", programs=_LAB.programs - {"kubectl"}, entrypoint=(), command=("bash",)
    ),
}
"""Images that lie on the node already, as ``kind load docker-image`` puts them there.

They are used where the pull policy does not ask the registry first. So ``image: ubuntu`` of
the walkthrough (no tag, thus policy ``Always``) is Ubuntu as it is published, without curl,
while ``ubuntu:latest`` with ``IfNotPresent`` is what the recorded cluster's node held under
that name: Debian 13 with bash, curl and procps.
"""


def find_image(text: str, policy: str = "Always") -> Image | None:
    """The image a pod asks for.

    Args:
        text: As the pod writes it.
        policy: The container's ``imagePullPolicy``.

    Returns:
        The image, or None if there is none (then it cannot be pulled).
    """
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
