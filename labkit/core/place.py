"""The place where a process id is valid: one container on one machine, until it is started again."""

from contextlib import suppress
from pathlib import Path


def place() -> str:
    """Return an id of the set of processes in which this one's id is unique; empty if the system does not report one.

    A home can be on a volume that is shared by containers and machines, each of which has processes of its own
    with the same ids. Sources: pid_namespaces(7), proc_sys_kernel(5).
    """
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return ""
