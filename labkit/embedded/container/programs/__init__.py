"""The programs of the pods' images: a module is loaded when one of its programs is first run."""

from __future__ import annotations

from importlib import import_module

from labkit.embedded.container.shell.process import PROGRAMS, Program

MODULES = {
    "apt": "apt-get apt apt-cache dpkg dpkg-query apk",
    "archive": "tar gzip gunzip zcat",
    "awk": "awk mawk gawk",
    "comparing": "comm cmp diff",
    "copying": "cp mv ln link dd",
    "curl": "curl",
    "dates": "date sleep",
    "disk": "df du",
    "elementary": "true false echo printf test [",
    "encoding": "base64 base32 md5sum sha1sum sha256sum sha512sum cksum od",
    "ends": "head tail",
    "files": "mkdir rmdir rm unlink touch truncate mktemp sync",
    "find": "find",
    "grep": "grep egrep fgrep",
    "kubectl": "kubectl",
    "listing": "ls dir vdir stat",
    "network": "nginx httpd-foreground pause nslookup ping wget nc telnet netstat ss ip ifconfig",
    "numbers": "seq expr",
    "paths": "readlink realpath basename dirname",
    "permissions": "chmod chown chgrp",
    "processes": "ps pidof pgrep pkill kill",
    "run": "sh bash dash ash busybox env nohup nice ionice setsid stdbuf exec xargs timeout watch",
    "sed": "sed",
    "sorting": "sort uniq shuf",
    "system": "printenv hostname hostid uname arch which free uptime nproc tty stty clear yes lsb_release mount",
    "text": "cat tac rev nl wc tee fold paste less more",
    "transform": "tr cut expand",
    "users": "id whoami logname groups who users w getent",
}
"""Modules, and the names under which ``@program`` enters their programs."""

MODULE_OF = {name: module for module, names in MODULES.items() for name in names.split()}
"""The module of each program."""


def find_program(name: str) -> Program | None:
    """A program, loaded if need be.

    Args:
        name: Its name.

    Returns:
        What runs it, None if the lab's shell has no such program.
    """
    if name not in PROGRAMS and name in MODULE_OF:
        import_module(f"{__name__}.{MODULE_OF[name]}")
    return PROGRAMS.get(name)
