"""Stand-ins for the programs docker and kind: scripts on a PATH of their own."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

INFO = {
    "ServerVersion": "26.1",
    "MemTotal": 8 * 1024**3,
    "CgroupVersion": "2",
    "DockerRootDir": "/",
}


class Programs:
    """A directory of scripts whose calls are recorded.

    Args:
        directory: The scripts' directory.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(exist_ok=True)
        self.log = directory / "calls.log"
        for tool in ("cat", "cp", "rm", "sh", "touch", "sleep", "test"):
            for place in ("/bin", "/usr/bin"):
                if Path(place, tool).exists():
                    (directory / tool).symlink_to(Path(place, tool))
                    break

    def write(self, name: str, script: str) -> None:
        """Make a program of a shell script."""
        path = self.directory / name
        path.unlink(missing_ok=True)
        path.write_text(f'#!/bin/sh\necho "{name} $*" >> {self.log}\n{script}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def docker(
        self, *, info: dict[str, object] | None = None, images: str = "*", rest: str = ""
    ) -> None:
        """Write a docker with ``info`` and some images, whose node is a file."""
        facts = json.dumps({**INFO, **(info or {})})
        self.write(
            "docker",
            f"""case "$1 $2" in
"info --format") cat <<'END'
{facts}
END
;;
"image inspect") case "$3" in {images}) exit 0;; *) echo "No such image" >&2; exit 1;; esac;;
"container inspect") test -e {self.directory}/node && cat {self.directory}/node;;
"save --output") touch "$3";;
"start "*) ;;
*) {rest or "exit 0"};;
esac""",
        )

    def kind(self, create: str = "exit 0", clusters: str = "", load: str = "exit 0") -> None:
        """Write a kind whose cluster is a file named ``node``."""
        self.write(
            "kind",
            f"""case "$1 $2" in
"version "*) echo 0.27.0;;
"get clusters") echo "{clusters}";;
"create cluster") echo "id-1" > {self.directory}/node; {create};;
"load image-archive") {load};;
"delete cluster") rm -f {self.directory}/node;;
*) exit 0;;
esac""",
        )

    def calls(self, beginning: str = "") -> list[str]:
        """The calls so far."""
        if not self.log.exists():
            return []
        return [line for line in self.log.read_text().splitlines() if line.startswith(beginning)]

    @property
    def path(self) -> str:
        """The PATH with these programs alone."""
        return str(self.directory)


def only(programs: Programs) -> dict[str, str]:
    """Return an environment whose PATH has these programs alone."""
    return {**os.environ, "PATH": programs.path}
