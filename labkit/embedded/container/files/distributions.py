"""The distributions that images are made of: Debian, Ubuntu, busybox, Alpine."""

from __future__ import annotations

from dataclasses import replace

from labkit.embedded.container.files.image import Account, Image

_COMMON = frozenset({
    "[", "arch", "awk", "base32", "base64", "basename", "cat", "chgrp", "chmod", "chown", "cksum", "clear",
    "cmp", "comm", "cp", "cut", "date", "dd", "df", "diff", "dirname", "du", "echo", "egrep", "env", "expand",
    "expr", "false", "fgrep", "find", "fold", "free", "getent", "grep", "groups", "gunzip", "gzip", "head",
    "hostname", "id", "kill", "less", "ln", "ls", "md5sum", "mkdir", "mktemp", "more", "mount", "mv", "nl",
    "nohup", "nproc", "od", "paste", "pidof", "printenv", "printf", "ps", "pwd", "readlink", "realpath", "rev",
    "rm", "rmdir", "sed", "seq", "sh", "sha1sum", "sha256sum", "sha512sum", "shuf", "sleep", "sort", "split",
    "stat", "stty", "sync", "tac", "tail", "tar", "tee", "test", "timeout", "touch", "tr", "true", "truncate",
    "tty", "uname", "uniq", "unlink", "uptime", "watch", "wc", "which", "whoami", "xargs", "yes",
})  # fmt: skip

_DEBIAN_EXTRA = frozenset({
    "apt", "apt-get", "apt-cache", "bash", "dash", "dpkg", "dpkg-query", "lsb_release", "nice", "pathchk",
    "perl", "tsort",
})  # fmt: skip

_BUSYBOX_EXTRA = frozenset({
    "ash", "busybox", "ifconfig", "ip", "netstat", "nc", "nslookup", "ping", "telnet", "top", "vi", "wget",
    "ps", "free",
})  # fmt: skip

_BUSYBOX_LESS = frozenset({"arch", "dpkg", "perl", "getent", "sha384sum"})

PROCPS = frozenset({"ps", "free", "uptime", "top", "watch", "kill", "pidof", "pgrep", "pkill", "w"})

_NETWORK_PACKAGES = frozenset({
    "curl", "wget", "jq", "iputils-ping", "dnsutils", "iproute2", "netcat-openbsd", "procps", "vim", "nano",
    "less", "ca-certificates", "git", "python3", "net-tools", "telnet",
})  # fmt: skip

_ROOT = Account("root", 0, 0, "/root", "/bin/bash", "root")
_NOBODY = Account("nobody", 65534, 65534, "/nonexistent", "/usr/sbin/nologin", "nobody", "nogroup")
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

DEBIAN = Image(
    "debian",
    "debian",
    (_COMMON | _DEBIAN_EXTRA) - PROCPS - {"less", "more"} | {"more", "kill"},
    _NETWORK_PACKAGES,
    command=("bash",),
    users=_DEBIAN_USERS,
    release=_DEBIAN_RELEASE,
)

UBUNTU = replace(
    DEBIAN,
    name="ubuntu",
    distribution="ubuntu",
    programs=DEBIAN.programs | (PROCPS - {"watch"}),
    command=("/bin/bash",),
    users=(*_DEBIAN_USERS, Account("ubuntu", 1000, 1000, "/home/ubuntu", "/bin/bash", "Ubuntu")),
    release=_UBUNTU_RELEASE,
)

BUSYBOX = Image(
    "busybox",
    "busybox",
    (_COMMON | _BUSYBOX_EXTRA) - _BUSYBOX_LESS,
    command=("sh",),
    users=_BUSYBOX_USERS,
)

ALPINE = replace(
    BUSYBOX,
    name="alpine",
    distribution="alpine",
    programs=(BUSYBOX.programs | {"apk", "getent"}),
    packages=_NETWORK_PACKAGES | {"bash", "bind-tools", "kubectl"},
    command=("/bin/sh",),
    users=(replace(_ROOT, shell="/bin/sh"), *_BUSYBOX_USERS[1:]),
    release=_ALPINE_RELEASE,
)
