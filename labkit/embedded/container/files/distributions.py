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
    "apt", "apt-cache", "apt-get", "b2sum", "bash", "chroot", "csplit", "dash", "dir", "dmesg", "dpkg", "dpkg-query",
    "egrep", "factor", "findmnt", "flock", "fmt", "install", "join", "link", "logger", "logname", "lsblk",
    "lsb_release", "lscpu", "mawk", "mkfifo", "mknod", "nice", "nsenter", "numfmt", "pathchk", "perl", "pr", "rgrep",
    "setpriv", "setsid", "sha224sum", "sha384sum", "shred", "stdbuf", "su", "sum", "tput", "tsort", "umount",
    "unexpand", "unshare", "users", "vdir", "who", "zcat", "zgrep",
})  # fmt: skip

_BUSYBOX_EXTRA = frozenset({
    "ash", "bc", "busybox", "crond", "dmesg", "free", "ftpget", "hexdump", "httpd", "ifconfig", "install", "ip", "link",
    "logger", "mkfifo", "mknod", "nc", "netstat", "nice", "nslookup", "pgrep", "ping", "pkill", "ps", "route",
    "setsid", "strings", "su", "telnet", "top", "traceroute", "tree", "umount", "unzip", "vi", "wget", "who", "xxd",
    "zcat",
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
ID=debian
"""

_UBUNTU_RELEASE = """\
PRETTY_NAME="Ubuntu 24.04.3 LTS"
NAME="Ubuntu"
VERSION_ID="24.04"
VERSION="24.04.3 LTS (Noble Numbat)"
VERSION_CODENAME=noble
ID=ubuntu
ID_LIKE=debian
"""

_ALPINE_RELEASE = """\
NAME="Alpine Linux"
ID=alpine
VERSION_ID=3.22.1
PRETTY_NAME="Alpine Linux v3.22"
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
