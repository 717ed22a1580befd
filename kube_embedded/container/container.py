"""One container: its files, its environment, its network, and the processes run in it."""

import contextlib
import posixpath
from collections.abc import Callable, Sequence

from ..machinery.request import ExecIO
from .files.filesystem import FileSystem
from .files.image import Account, Image
from .files.inodes import Directory, File, FileError
from .files.rootfs import add_proc, build_root, ensure
from .network.transport import Listener, PodNetwork
from .shell.streams import ConsoleInput, ConsoleOutput, NullStream, Stream
from .shell.task_loop import Budget, BudgetExceeded, Killed, TaskLoop

KERNEL = "6.12.41+deb13-amd64"


class NotRunnable(Exception):
    """The container runtime cannot start a command; its text is the message of runc."""


class Container:
    """A running container.

    Args:
        image: Its image.
        hostname: The pod's host name.
        environment: Its variables, without PATH, HOME and HOSTNAME.
        network: The pod's network.
        now: Seconds since 1970.
        random: Random bytes.
        command: The words of its first process.
        uid: Its user, if the pod sets one.
        gid: Its group, if the pod sets one.
        number: The number of its first process.
        groups: Further groups of its user.
        workdir: The directory in which commands start, if the pod sets it.
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
        self.random: Callable[[int], bytes] = random
        self.started_at = now()
        self.fs: FileSystem = FileSystem(build_root(image), now)
        self.fs.uid = image.user if uid is None else uid
        account = next((known for known in image.users if known.uid == self.fs.uid), Account())
        self.fs.gid = account.gid if gid is None else gid
        self.fs.groups = frozenset(groups)
        # The later ones win: the pod's variables override the image's, which override the runtime's.
        self.environment = {
            "PATH": image.path,
            "HOSTNAME": hostname,
            **dict(image.environment),
            **environment,
        }
        self.environment.setdefault("HOME", account.home)
        # The directory is missing by the container runtime, as root.
        ensure(self.fs.root, self.workdir, self.started_at)
        add_proc(self.fs.root, self._proc(), str(number))
        self.fs.root.read_only = read_only
        # The image's own files do not count.
        self.fs.used_bytes = self.fs.used_nodes = 0

    def _proc(self) -> dict[str, Callable[[], str]]:
        """Return the files of ``/proc``: the first process is the only one to be seen."""
        name = (self.command[0] if self.command else "").rpartition("/")[2]
        uid = self.fs.uid
        pid = self._number
        facts: dict[str, Callable[[], str]] = {
            "version": lambda: f"Linux version {KERNEL} (debian-kernel@lists.debian.org)\n",
            f"{pid}/cmdline": lambda: "\0".join([*self.command, ""]),
            f"{pid}/comm": lambda: f"{name}\n",
            f"{pid}/environ": lambda: "".join(
                f"{key}={value}\0" for key, value in self.environment.items()
            ),
            f"{pid}/status": lambda: (
                f"Name:\t{name}\nState:\tS (sleeping)\nPid:\t{pid}\nPPid:\t0\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n"
            ),
            f"{pid}/cgroup": lambda: "0::/\n",
        }
        if pid != 1:
            # The containers of a pod that share its processes (shareProcessNamespace) see the pause container first.
            facts |= {"1/cmdline": lambda: "/pause\0", "1/comm": lambda: "pause\n"}
        return facts

    # Files of the kubelet

    def mount(self, path: str, node: File | Directory) -> None:
        """Put a file (``/etc/hosts``) or a volume's directory at a path, past modes and read-only mounts."""
        directory, name = posixpath.split(posixpath.normpath(path))
        parent = ensure(self.fs.root, directory, self.started_at)
        if name:
            parent.entries[name] = node
        if isinstance(node, Directory):
            node.parent = parent
            node.mount = True

    # Commands

    def look_up(self, words: list[str]) -> None:
        """Check that a command can be started, as runc does; ``NotRunnable`` if it cannot."""
        if not words:
            raise NotRunnable("args must not be empty")
        name = words[0]
        search = self.environment.get("PATH", "").split(":")
        problem = f"stat {name}: no such file or directory"
        for base in [""] if "/" in name else filter(None, search):
            try:
                node = self.fs.get(f"{base}/{name}" if base else name, self.workdir)
            except FileError:
                continue
            if isinstance(node, File) and node.mode & 0o111:
                return
            problem = "is a directory" if isinstance(node, Directory) else "permission denied"
        # runc's messages, which kubectl prints as they are.
        if "/" not in name:
            problem = "executable file not found in $PATH"
        raise NotRunnable(f'exec: "{name}": {problem}')

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
            budget: Its limits.

        Raises:
            NotRunnable: It cannot be started.
        """
        # Loaded with the first command: a cluster without pods needs no shell.
        from .shell.interpreter import Interpreter
        from .shell.run_program import run_program

        self.look_up(words)
        # A terminal has one output: the client cannot tell stderr from stdout.
        errors = 1 if terminal else 2
        fds: dict[int, Stream] = {
            0: ConsoleInput() if stdin else NullStream(),
            1: ConsoleOutput(1),
            2: ConsoleOutput(errors),
        }
        environment = dict(self.environment)
        if terminal:
            environment["TERM"] = "xterm"
        for stream in fds.values():
            stream.terminal = terminal
        task_loop = TaskLoop(io, budget, terminal=terminal)
        shell = Interpreter(
            self, task_loop, fds, environment, cwd=self.workdir, name=words[0], dialect="dash"
        )
        try:
            return await task_loop.run(run_program(shell, words, environment))
        except BudgetExceeded as end:
            # The client can be gone by now.
            with contextlib.suppress(Exception):
                await io.write(errors, f"Killed: {end.reason}\n".encode())
            return end.status
        except Killed as end:
            return end.status
        # Stands for SIGSEGV (11), with which an overflow of its stack ends a real shell.
        except RecursionError:
            return 139
