"""The fork server: an interpreter that has imported the modules that notebooks import, and forks for each of them.

Forking saves each notebook the second that a new interpreter and its imports take. The server starts
with a clean environment and never has a secret, a check or a cluster in its memory, which every
learner's process inherits. For each submission it forks a supervisor, which enters new namespaces,
opens the listening socket *inside* them, hands it to the grader, and forks the learner's process.
The supervisor outlives that process, kills its remaining descendants, and reports how it ended.
"""

import base64
import gc
import importlib
import os
import resource
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from ..walls import control_group, isolation, root_directory, seccomp
from ..walls.control_group import ControlGroup
from ..walls.packages import PackageDirectory
from . import execution, wire
from .guard import Guard
from .printer import Printer, SharedPage
from .processes import Descendants, become_subreaper
from .shell import NotebookShell, prepare_shell

PRELOADED = [
    "encodings.idna",
    "websocket",
    "jwt",
    "labkit.backends.existing",
    "labkit.client.exec.command",
    "labkit.lab.words",
    "labkit.lab.expect",
    "labkit.lab.exercises",
    "labkit.lab.course",
    "labkit.ui.base",
]
"""Modules that notebooks import; their memory is shared by every fork."""

KERNEL_MODULES = ("nbformat", "nbclient")
"""Modules that a real kernel needs; preloaded only if all notebooks run in one, since they slow every fork."""

USER_NAME = "learner"
"""The value of ``USER``: the learner's user id has no name in ``/etc/passwd``."""

PORT = 6443
"""The cluster's port, in a network namespace of its own: a printed address is the same in each run."""


def main(channel_number: int) -> int:
    """Serve the grader on the channel with this file descriptor until it closes it."""
    # First: Python specializes the other modules' code for the builtins, which the shell changes.
    shell = prepare_shell()
    for name in PRELOADED:
        with suppress(ImportError):
            importlib.import_module(name)
    level = isolation.strongest_level()
    root_directory.warm_up()
    seccomp.warm_up()
    groups = ControlGroups()
    try:
        _serve(socket.socket(fileno=channel_number), level, groups, shell)
    except (wire.Closed, OSError):
        # The grader has gone.
        groups.remove()
        return 0


class ControlGroups:
    """A control group for each slot, made when it is first used."""

    def __init__(self) -> None:
        self._hierarchies = control_group.hierarchies()
        self._groups: dict[int, ControlGroup | None] = {}

    def for_slot(self, slot: int, limits: isolation.Limits) -> ControlGroup | None:
        """Return a slot's group; None if the system does not let this process make one."""
        group = self._groups.get(slot)
        if slot not in self._groups or (group is not None and not group.exists()):
            name = f"{control_group.group_prefix(os.getpid())}{slot}"
            self._groups[slot] = control_group.create(name, limits, self._hierarchies)
        return self._groups[slot]

    def remove(self) -> None:
        """Remove the groups. The supervisors end their processes when the grader has gone."""
        for group in self._groups.values():
            if group is not None:
                group.remove()


def _serve(
    channel: socket.socket, level: str, groups: ControlGroups, shell: NotebookShell
) -> NoReturn:
    """Fork a supervisor for each order, until the channel is closed."""
    hello, _ = wire.receive(channel)
    _warm_up_tls(hello)
    for name in KERNEL_MODULES if hello["kernel"] else ():
        importlib.import_module(name)
    packages = [PackageDirectory(**entry) for entry in hello["packages"]]
    # The kernel then forgets supervisors that end, since this process does not wait for them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # Collections would write to memory that forks share, and so copy it.
    gc.freeze()
    gc.set_threshold(5_000)
    wire.send(channel, {"ready": True, "level": level})
    while True:
        order, connection = wire.receive(channel)
        if connection is None:
            continue
        limits = isolation.Limits(**order.pop("limits"))
        group = groups.for_slot(order.pop("slot"), limits)
        if os.fork() == 0:
            channel.close()
            code = 1
            try:
                supervise(
                    connection, Order(**order, limits=limits, group=group), level, packages, shell
                )
                code = 0
            except Exception as error:
                with suppress(OSError):
                    wire.send(connection, {"failed": f"{type(error).__name__}: {error}"})
            finally:
                os._exit(code)
        connection.close()


def _warm_up_tls(credentials: dict[str, Any]) -> None:
    """Begin a TLS handshake, so that OpenSSL has fetched its algorithms before a fork.

    The credentials belong to no cluster, because every learner's process inherits this memory.
    """
    from labkit.client.transport import Credentials, Endpoint, tls_context

    endpoint = Endpoint("https://127.0.0.1:1", ca=credentials["ca"])
    context = tls_context(
        endpoint, Credentials(certificate=credentials["certificate"], key=credentials["key"])
    )
    with suppress(ssl.SSLWantReadError):
        context.wrap_bio(
            ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="127.0.0.1"
        ).do_handshake()


class Order(NamedTuple):
    """The grader's order of one isolated process.

    Args:
        user: The user id of the learner's process.
        root: An empty directory to mount its root at.
        home: Its home directory.
        hidden: Directories that it must find empty.
        limits: Its limits.
        group: Its control group; None without one.
    """

    user: int
    root: str
    home: str
    hidden: list[str]
    limits: isolation.Limits
    group: ControlGroup | None


def supervise(
    connection: socket.socket,
    order: Order,
    level: str,
    packages: Sequence[PackageDirectory],
    shell: NotebookShell,
) -> None:
    """Enter new namespaces, run one notebook in them, and report how it ended.

    The learner's process is isolated while the grader sets the cluster up; then it gets the notebook.
    """
    become_subreaper()
    below = Descendants()
    events = order.group.open_events() if order.group is not None else -1
    isolation.enter_namespaces(level)
    init = isolation.start_init(level)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with socket.create_server(
        ("127.0.0.1", 0 if level == "plain" else PORT), backlog=64
    ) as listener:
        isolation.limit_network(level)
        wire.send(connection, {"port": listener.getsockname()[1]}, listener)
    output, output_end = os.pipe()
    built, built_end = os.pipe()
    jobs, jobs_end = socket.socketpair()
    page = SharedPage()
    killed = control_group.kills(events)
    child = os.fork()
    if child == 0:
        os.close(output)
        connection.close()
        jobs.close()
        walls = partial(_build_walls, order, level, packages, output_end)
        _learner_process(walls, order, shell, jobs_end, built_end, page)
    try:
        os.close(output_end)
        os.close(built_end)
        jobs_end.close()
        job, _ = wire.receive(connection)
        # If it has ended already, ``built`` is empty.
        with suppress(OSError):
            wire.send(jobs, job)
        jobs.close()
        guard = Guard(
            child,
            output,
            order.limits,
            below,
            lambda: control_group.kills(events) > killed,
            lambda: page.ready,
        )
        ended = guard.watch(connection)
    finally:
        below.kill(child, init)
    printed = guard.collect_output(page.waiting)
    if not os.read(built, 1):
        raise OSError(f"the walls could not be built: {printed.strip()}")
    usage = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    report = {
        "ended": ended,
        "claimed_cells": min(page.cells, len(job["cells"])),
        "output": printed,
        "cpu_seconds": sum(used.ru_utime + used.ru_stime for used in usage),
        "starved": guard.starved,
    }
    wire.send(connection, report)


def _build_walls(
    order: Order, level: str, packages: Sequence[PackageDirectory], output: int
) -> None:
    """Isolate this process, whose output goes to a pipe."""
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nowhere, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    # While it still is root, and sees the control groups' files.
    if order.group is not None:
        order.group.join()
    hidden = map(Path, order.hidden)
    root_directory.mount_root(
        level, Path(order.root), Path(order.home), order.limits, hidden, packages
    )
    isolation.drop_privileges(level, order.user)


def _learner_process(
    build_walls: Callable[[], None],
    order: Order,
    shell: NotebookShell,
    jobs: socket.socket,
    built: int,
    page: SharedPage,
) -> None:
    """Isolate this process, then receive the notebook and run it. Never returns.

    ``built`` is a pipe for a byte when it is isolated.
    """
    code = 1
    try:
        build_walls()
        low, high = sorted((built, jobs.fileno()))
        for first, last in ((3, low), (low + 1, high), (high + 1, 256)):
            os.closerange(first, last)
        job, _ = wire.receive(jobs)
        jobs.close()
        kernel = order.limits.kernel or execution.needs_kernel(job["cells"])
        isolation.limit_resources(order.limits.for_kernel if kernel else order.limits)
        _set_up_home(Path(order.home), job)
        os.write(built, b"1")
        os.close(built)
        run = execution.run_in_kernel if kernel else partial(execution.run_in_shell, shell)
        printer = Printer(page)

        def on_cell(count: int) -> None:
            page.cells = count
            printer.end_cell()

        if not kernel:
            on_cell(0)
        code = run(job["cells"], on_cell, printer)
        printer.flush()
    except BaseException as error:
        # The supervisor reports the message if the walls could not be built.
        with suppress(BaseException):
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            sys.stderr.flush()
    finally:
        os._exit(code)


def _set_up_home(home: Path, job: dict[str, Any]) -> None:
    """Write the lab's files and those that were handed in with the notebook, and replace the environment."""
    lab_home = home / "labkit"
    lab_home.mkdir(mode=0o700, exist_ok=True)
    for name, text in job["files"].items():
        path = lab_home / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)
    for name, data in job["beside"].items():
        # There can be too many files, or too long paths.
        with suppress(OSError):
            if not (path := home / name).is_relative_to(lab_home):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(base64.b64decode(data))
    os.chdir(home)
    keep = {name: os.environ[name] for name in ("LANG", "VIRTUAL_ENV") if name in os.environ}
    # As in an activated environment: ``!python`` is this Python.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    os.environ.clear()
    os.environ.update(
        keep,
        PATH=path,
        HOME=str(home),
        USER=USER_NAME,
        LOGNAME=USER_NAME,
        TMPDIR=str(home),
        LABKIT_HOME=str(lab_home),
        LABKIT_LEARNER=job["learner"],
        KUBECONFIG=str(lab_home / "admin.conf"),
        PYTHONDONTWRITEBYTECODE="1",
        **isolation.ALLOCATORS,
        **job["environment"],
    )
    sys.argv = ["notebook"]
    sys.path.insert(0, "")


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
