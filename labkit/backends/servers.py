"""Find the embedded servers on this machine, and the temporary directories of killed programs."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from kube_embedded.files import is_held
from labkit.core.errors import LabkitError
from labkit.core.home import read_json
from labkit.core.scratch import abandoned


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs.

    Args:
        pid: Its process id.
        url: Its address; empty while it starts.
        home: Its state directory.
        megabytes: The memory that it holds.
        program: Whether a program runs that it ends with.
        left_over: Whether its program has ended, or its directory is a temporary one that no program is known to use.
    """

    pid: int
    url: str
    home: Path
    megabytes: int
    program: bool
    left_over: bool


def running_servers() -> list[Server]:
    """Return the servers of this user, by their command lines; each must be the one that its state directory names."""
    import psutil

    servers = []
    for process in psutil.process_iter(["cmdline", "uids", "memory_info"]):
        words = process.info["cmdline"] or []
        user = process.info["uids"]
        # By the command line, because no list of homes exists: each program can have one of its own.
        if (
            "kube_embedded" not in words
            or "--home" not in words[:-1]
            or not user
            or user.effective != os.geteuid()
        ):
            continue
        home = Path(words[words.index("--home") + 1])
        try:
            state = read_json(home / "server.json")
        except LabkitError:  # the home of another user, or an unsafe one
            continue
        if state.get("pid") == process.pid:
            memory = process.info["memory_info"].rss >> 20
            program = state.get("program")
            # A process id alone could be another program's by now; the lock cannot.
            held = bool(program) and is_held(Path(str(program)))
            left_over = not held and (bool(program) or home.is_relative_to(tempfile.gettempdir()))
            servers.append(
                Server(process.pid, str(state.get("url", "")), home, memory, held, left_over)
            )
    return servers


def leftovers(home: Path) -> list[Path]:
    """Return the temporary directories that killed programs have left: the system's, and those in a state directory."""
    return [*abandoned(Path(tempfile.gettempdir())), *abandoned(home)]
