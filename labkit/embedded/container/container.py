"""One container: its files, its environment, its network, and the processes run in it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from labkit.embedded.container.files.filesystem import FileSystem
from labkit.embedded.container.files.image import Image
from labkit.embedded.container.files.inodes import Directory, File, FileError, Link
from labkit.embedded.container.files.rootfs import add_proc, build_root
from labkit.embedded.container.network.transport import Listener, PodNetwork
from labkit.embedded.container.shell.streams import ConsoleInput, ConsoleOutput, NullStream, Stream
from labkit.embedded.container.shell.task_loop import Budget, BudgetExceeded, Killed, TaskLoop
from labkit.embedded.machinery.request import ExecIO


class NotRunnable(Exception):
    """The container runtime cannot start a command; its text is the message of runc."""


class Container:
    """A running container.

    Args:
        image: Its image.
        hostname: The pod's host name.
        environment: Its variables, without PATH, HOME and HOSTNAME.
        network: What it can reach.
        now: Seconds since 1970.
        random: Random bytes.
        command: The words of its first process.
        uid: Its user, if the pod sets one.
        gid: Its group, if the pod sets one.
        number: The number of its first process.
        groups: Further groups of its user.
        workdir: Where commands start, if the pod sets it.
        read_only: Whether its root file system must not change.
    """

    def __init__(
        self,
        image: Image,
        hostname: str,
        environment: dict[str, str],
        network: PodNetwork,
        now: Callable[[], float],
        random: Callable[[int], bytes],
        command: list[str],
        *,
        uid: int | None = None,
        gid: int | None = None,
        number: int = 1,
        groups: Sequence[int] = (),
        workdir: str = "",
        read_only: bool = False,
    ) -> None:
        self.image = image
        self.hostname = hostname
        self.network = network
        self.command = command
        self._number = number
        self.listeners: dict[int, Listener] = {}
        self.workdir = workdir or image.workdir
        self.now = now
        self.random = random
        self.started_at = now()
        self.fs = FileSystem(build_root(image), now)
        user = image.user if uid is None else uid
        account = next((one for one in image.users if one.uid == user), None)
        self.fs.uid = user
        self.fs.gid = gid if gid is not None else account.gid if account is not None else 0
        home = account.home if account is not None else "/"
        self.fs.groups = frozenset(groups)
        self.environment = {
            "PATH": image.path,
            "HOSTNAME": hostname,
            **dict(image.environment),
            **environment,
        }
        self.environment.setdefault("HOME", home)
        if self.workdir != "/" and not self.fs.exists(self.workdir):
            uid, self.fs.uid = self.fs.uid, 0
            self.fs.mkdir(self.workdir, parents=True)
            self.fs.uid = uid
        add_proc(self.fs.root, self._proc(), str(number))
        self.fs.root.read_only = read_only
        self.fs.used_bytes = self.fs.used_nodes = 0

    def _proc(self) -> dict[str, Callable[[], str]]:
        environment = self.environment
        name = (self.command[0] if self.command else "").rpartition("/")[2]
        uid, pid = self.fs.uid, self._number
        facts: dict[str, Callable[[], str]] = {
            "version": lambda: (
                "Linux version 6.12.41+deb13-amd64 (debian-kernel@lists.debian.org)\n"
            ),
            "uptime": lambda: (
                f"{self.now() - self.started_at:.2f} {self.now() - self.started_at:.2f}\n"
            ),
            "mounts": lambda: (
                "overlay / overlay rw,relatime 0 0\nproc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\n"
            ),
            f"{pid}/cmdline": lambda: "\0".join(self.command) + "\0",
            f"{pid}/comm": lambda: name + "\n",
            f"{pid}/environ": lambda: "".join(
                f"{key}={value}\0" for key, value in environment.items()
            ),
            f"{pid}/status": lambda: (
                f"Name:\t{name}\nState:\tS (sleeping)\nPid:\t{pid}\nPPid:\t0\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n"
            ),
            f"{pid}/cgroup": lambda: "0::/\n",
        }
        if pid != 1:
            facts |= {"1/cmdline": lambda: "/pause\0", "1/comm": lambda: "pause\n"}
        return facts

    # Files of the kubelet

    def put_file(self, path: str, file: File) -> None:
        """A file that lies outside the container (``/etc/hosts``)."""
        base, _, name = path.rpartition("/")
        self._ensure(base or "/").entries[name] = file

    def mount(self, path: str, volume: Directory) -> None:
        """Mount a volume's directory."""
        path = "/" + "/".join(part for part in path.split("/") if part not in ("", ".", ".."))
        base, _, name = path.rpartition("/")
        parent = self._ensure(base or "/")
        if not name:
            return
        volume.parent = parent
        volume.mount = True
        parent.entries[name] = volume

    def _ensure(self, path: str) -> Directory:
        """Return a directory, creating it and its parents; links such as ``/var/run`` are followed."""
        here = self.fs.root
        links = 0
        parts = [part for part in path.split("/") if part][::-1]
        while parts:
            part = parts.pop()
            node = here.entries.get(part)
            if isinstance(node, Link) and links < 10:
                links += 1
                if node.target.startswith("/"):
                    here = self.fs.root
                parts.extend(piece for piece in reversed(node.target.split("/")) if piece)
                continue
            if not isinstance(node, Directory):
                node = Directory(mode=0o755, mtime=self.started_at, parent=here)
                here.entries[part] = node
            here = node
        return here

    # Commands

    def look_up(self, words: list[str]) -> None:
        """Check that a command can be started, as runc does; ``NotRunnable`` if it cannot."""
        if not words:
            raise NotRunnable("args must not be empty")
        name = words[0]
        search = self.environment.get("PATH", "").split(":")
        candidates = [name] if "/" in name else [f"{base}/{name}" for base in search if base]
        problem = f"stat {name}: no such file or directory"
        for path in candidates if name else []:
            try:
                node = self.fs.get(path, self.workdir)
            except FileError:
                continue
            if isinstance(node, Directory):
                problem = "is a directory"
            elif isinstance(node, File) and node.mode & 0o111:
                return
            else:
                problem = "permission denied"
        raise NotRunnable(
            f'exec: "{name}": {problem if "/" in name else "executable file not found in $PATH"}'
        )

    async def run(
        self,
        words: list[str],
        io: ExecIO,
        *,
        stdin: bool = False,
        terminal: bool = False,
        budget: Budget | None = None,
    ) -> int:
        """Run a command to its end, and return its exit status.

        Args:
            words: The command.
            io: The far end.
            stdin: Whether it has an input.
            terminal: Whether that is a terminal; ``io`` then speaks as one.
            budget: What it may use.

        Raises:
            NotRunnable: It cannot be started.
        """
        self.look_up(words)
        task_loop = TaskLoop(io, budget, terminal=terminal)
        fds: dict[int, Stream] = {
            0: ConsoleInput() if stdin else NullStream(),
            1: ConsoleOutput(1),
            2: ConsoleOutput(1 if terminal else 2),
        }
        environment = dict(self.environment)
        if terminal:
            environment["TERM"] = "xterm"
            for stream in fds.values():
                stream.terminal = True
        try:
            return await task_loop.run(self._main(task_loop, words, fds, environment))
        except BudgetExceeded as end:
            with contextlib.suppress(Exception):
                await io.write(1 if terminal else 2, f"Killed: {end.reason}\n".encode())
            return 137
        except Killed as end:
            return end.status
        except RecursionError:
            return 139

    async def _main(
        self,
        task_loop: TaskLoop,
        words: list[str],
        fds: dict[int, Stream],
        environment: dict[str, str],
    ) -> int:
        from labkit.embedded.container.shell.interpreter import Interpreter
        from labkit.embedded.container.shell.run_program import run_program

        shell = Interpreter(
            self, task_loop, fds, environment, cwd=self.workdir, name=words[0], dialect="dash"
        )
        return await run_program(shell, words, environment)
