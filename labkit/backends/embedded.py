"""Run the embedded cluster as a process: ``python -m kube_embedded``.

The server is started detached: it outlives the kernel and the notebook server, and the next lab
finds it again. It holds a lock on its directory as long as it runs. The lock, not a process id,
proves that it runs. This module does not import ``kube_embedded``.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

from kube_embedded import files, ownership
from kube_embedded.files import place
from labkit.client.auditlog import AuditFile
from labkit.core.errors import LabkitError, NotRunning, StartFailed, UsageError
from labkit.core.home import CLUSTER, ensure_private, home_error, is_locked, locked, read_json
from labkit.core.language import text
from labkit.core.scratch import PROGRAM_LOCK
from labkit.core.version import LAB_AGENT, __version__

from .base import KUBERNETES, Need, Options, Report, Status, Traits
from .processes import Activity, end_process, exists, load

START_SECONDS = 30.0
"""The longest time without progress of a starting server."""

ANSWER_SECONDS = 2.0
"""The minimum time limit for a server's answer; it grows with the wait."""

HUNG_SECONDS = 2.0
"""The longest time without progress of a running server that does not answer."""

BUSY_SECONDS = 60.0
"""The time after which a running server is replaced that works but does not answer."""

REPORT_SECONDS = 10.0
"""The time after which a long start is explained."""

STOP_SECONDS = 10.0
POLL_SECONDS = 0.01
NEEDED_BYTES = 2**20
"""The disk space of a new cluster: keys, kubeconfig, the default roles."""
ADMIN_CONF = "admin.conf"
"""The name of the administrator's kubeconfig in the server's home."""
PRISTINE = "/kube-embedded/snapshots/pristine/restore"


def find_needs() -> list[Need]:
    """Return the requirements: Python alone."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    return [Need("Python", True, text("{version}; no Docker is needed", version))]


def _era_text(era: str) -> str:
    if era in KUBERNETES:
        return text("{era}: expected answers of this version", era)
    return text("{era}: pods mount their account's token Secret", era)


class Embedded:
    """The embedded server's process. It uses the options node, era, kubernetes and port."""

    name = "embedded"
    up, down = "labkit up", "labkit down"
    """The commands that start and stop it."""

    def __init__(self, home: Path, options: Options) -> None:
        self.home = home
        self.options = options
        ca_file = home / "pki" / "ca.crt"
        self.traits = Traits(at_once=True, exclusive=True, whole_log=True, ca_file=ca_file)
        self.audit_log = AuditFile(home / "audit.log")
        self._distrust = ""
        """The reason why the last ``_answers`` did not trust the server's certificate; empty if it did."""

    def start(self, report: Report) -> None:
        """Find the server, or start it.

        Raises:
            StartFailed: When the server ends, makes no progress, or runs in another container.
            UsageError: When it already runs with another era or node.
        """
        ensure_private(self.home)
        if self._is_running():
            return
        # Looked at beforehand, only so that the wait for the lock can be announced.
        if is_locked(self.home / "start.lock"):
            report("Waiting for another program that starts the embedded cluster or stops it …")
        with locked(self.home / "start.lock"):
            # Once more: while this program waited for the lock, another one can have started the server.
            if self._is_running():
                return
            begun = time.monotonic()
            report("Starting the embedded cluster …")
            self._clear_hung(report)
            if not self._is_running():
                self._spawn(report)
            took = time.monotonic() - begun
            report(self._says_ready(f"{took:.1f}"))

    def _says_ready(self, seconds: str) -> str:
        """Return the sentence that a start ends with."""
        url = self._state()["url"]
        return text("The embedded cluster runs at {url} (ready in {took} s).", url, seconds)

    def stop(self, report: Report) -> None:
        """Stop the server. Its objects are stored for the next start.

        Raises:
            LabkitError: When the process does not end, or belongs to another container.
        """
        with locked(self.home / "start.lock"):
            if not self._alive():
                # A killed server leaves this file.
                (self.home / "server.json").unlink(missing_ok=True)
                report("The embedded cluster does not run.")
                return
            self._require_here()
            self._end()
            report(
                text(
                    "The embedded cluster is stopped. Its objects are kept; `{up}` brings them back.",
                    self.up,
                )
            )

    def status(self) -> Status:
        """Return the server's state and the options that it was started with."""
        if not self._alive():
            return Status(self.name, False, facts={"start it": self.up})
        state = self._state()
        facts = {
            "era": "" if state.get("era", "now") == "now" else _era_text(state["era"]),
            "node": "" if state.get("node", True) else text("left out: pods stay Pending"),
            "process": str(state.get("pid", ""))
            + (f" on {state.get('host')}" if self._elsewhere() else ""),
            "state": str(self.home),
        }
        return Status(self.name, self._answers(), str(state.get("url", "")), facts)

    def kubeconfig(self) -> Path:
        """Return the administrator's kubeconfig.

        Raises:
            NotRunning: When the server was never started here.
        """
        path = self.home / ADMIN_CONF
        if not path.exists():
            raise NotRunning(
                "There is no kubeconfig yet.",
                why="the embedded cluster was never started",
                todo=text("Start it with `{up}`.", self.up),
            )
        return path

    def reset(self, report: Report) -> None:
        """Restore the snapshot of the first start.

        Raises:
            ApiFailure: When the server refuses.
        """
        from labkit.client.kubeconfig import administrator

        client = administrator(self.kubeconfig(), connect=self.traits.connect)
        # An address of the embedded server alone; Kubernetes has no snapshots.
        answer = client.request("POST", PRISTINE)
        answer.raise_for_status("The cluster cannot be brought back to its beginning.")

    # -- within ----------------------------------------------------------------------

    def _is_running(self) -> bool:
        """Return whether a server of this version runs with these options, and answers.

        Raises:
            UsageError: When it runs with other options.
        """
        if not self._alive() or not self._answers():
            return False
        state = self._state()
        # After an update the old server is replaced, because its code can differ from the client's.
        if state.get("version", __version__) != __version__:
            return False
        for key, asked in (
            ("node", self.options.node),
            ("era", self.options.answers_as),
            ("port", self.options.port),
        ):
            if asked is not None and key in state and state[key] != asked:
                raise UsageError(
                    text(
                        "The embedded cluster already runs, with {key} {key2}.",
                        key,
                        _word(state[key]),
                    ),
                    todo=text("Stop it first with `{down}`, then start it as you like.", self.down),
                )
        return True

    def _alive(self) -> bool:
        # The process id first: testing the lock takes it for an instant, which would fail a
        # server that is just starting.
        return (self._elsewhere() or exists(self._state().get("pid"))) and is_locked(
            self.home / "lock"
        )

    def _elsewhere(self) -> bool:
        """Return whether the server runs in another container or on another machine with the same home."""
        here = place()
        return bool(self._state().get("place", here) != here)

    def _require_here(self) -> None:
        """Refuse to end or replace a server of another container or machine.

        Raises:
            StartFailed: The server is one.
        """
        if self._elsewhere():
            raise StartFailed(
                text("{home} is in use in another container or on another machine.", self.home),
                why=text("the embedded cluster runs on {host}", self._state().get("host")),
                todo="Stop that one first, or set LABKIT_HOME to a directory that this one has for itself.",
            )

    def _state(self) -> dict[str, Any]:
        return read_json(self.home / "server.json")

    def _answers(self, patience_seconds: float = 0.0) -> bool:
        """Return whether the server in server.json has the cluster's certificate and is soon ready.

        ``/readyz`` needs no credential. http.client is used, because the import of labkit's client takes longer
        than the answer.
        """
        port = self._state().get("port")
        if not isinstance(port, int):
            return False
        try:
            context = ssl.create_default_context(cafile=self.home / "pki" / "ca.crt")
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # no stricter than kubectl
            patience_seconds = max(patience_seconds, ANSWER_SECONDS)
            # http.client follows no proxy of the environment, as urllib would.
            with closing(
                HTTPSConnection("127.0.0.1", port, timeout=patience_seconds, context=context)
            ) as connection:
                connection.request("GET", "/readyz", headers={"User-Agent": LAB_AGENT})
                self._distrust = ""
                return connection.getresponse().status == 200
        except ssl.SSLCertVerificationError as error:
            self._distrust = error.verify_message
            return False
        except (OSError, HTTPException):
            return False

    def _clear_hung(self, report: Report) -> None:
        """End a server that does not answer, or that has another version."""
        if not self._alive():
            return
        self._require_here()
        unresponsive = self._state().get("version", __version__) == __version__
        if unresponsive:
            # Perhaps the program that started it was killed, or the machine is busy.
            activity = Activity(self._state()["pid"], HUNG_SECONDS)
            while self._alive() and not (
                activity.is_stuck or self._distrust or activity.age > BUSY_SECONDS
            ):
                if self._answers(activity.age):
                    return
                time.sleep(POLL_SECONDS)
        if self._alive():
            report("Stopping a server of another version, or one that does not respond, first.")
            # A server that works is given the time to write its state; one that hangs would not use it.
            self._end(patience_seconds=1.0 if unresponsive else STOP_SECONDS)

    def _spawn(self, report: Report) -> None:
        # Otherwise the last server's address could be taken for the new one's.
        (self.home / "server.json").unlink(missing_ok=True)
        self._distrust = ""  # of the one before
        process = self._launch()
        try:
            ready = self._ready(process, report)
        except BaseException:  # such as Ctrl-C: the process would be forgotten, and hold the lock
            end_process(process, STOP_SECONDS)
            raise
        if ready:
            return
        if self._distrust:
            raise StartFailed(
                "The embedded cluster's own certificate is not trusted.",
                why=self._distrust,
                todo=text(
                    "Correct this machine's clock; or move {home} away, and start again.", self.home
                ),
            )
        raise StartFailed(
            "The embedded cluster did not start.",
            why=self._last_words(),
            todo=text("The server's output is in {log}.", self.home / "server.log"),
        )

    def _launch(self) -> subprocess.Popen[bytes]:
        options = self.options
        # -P, because -m would import modules from the working directory before all others.
        command = [sys.executable, "-P", "-m", "kube_embedded", "--home", str(self.home)]
        command += ["--name", CLUSTER]
        command += (
            ["--port", str(options.port)] if options.port else []
        )  # otherwise the server uses its last port, or a free one
        command += ["--no-node"] if options.node is False else []
        command += ["--era", options.answers_as] if options.answers_as else []
        # A server in a program's temporary directory ends with the program.
        own = self.home / PROGRAM_LOCK
        program = str(own) if own.exists() else os.environ.get("LABKIT_PROGRAM_LOCK")
        command += ["--program", program] if program else []
        # A checkout that is not installed is found in no other way with -P.
        package_root = str(Path(__file__).resolve().parents[2])
        paths = [package_root, *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        if group := os.environ.get(ownership.names.trusted_group):
            environment[ownership.Names().trusted_group] = group
        words = self.home / "server.log"
        try:
            # Not open(): the file must not be a link that somebody has placed there.
            log = files.open_file(words, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        except OSError as error:
            raise home_error(words, error) from error
        try:
            process = subprocess.Popen(
                command,
                # The server outlives the notebook, and must not prevent its directory from being unmounted.
                cwd=self.home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # In a session of its own, so that Ctrl-C in the terminal does not end the server, too.
                start_new_session=True,
            )
        except OSError as error:
            raise StartFailed(
                "The embedded cluster did not start.",
                why=str(error),
                todo="Install labkit again, or see `labkit doctor`.",
            ) from error
        finally:
            os.close(log)
        # Without a wait it would stay a zombie after its end.
        threading.Thread(target=process.wait, daemon=True, name="labkit-server").start()
        return process

    def _ready(self, process: subprocess.Popen[bytes], report: Report) -> bool:
        """Wait until a new server answers, as long as it works; return False if it has ended.

        Raises:
            StartFailed: When it makes no progress.
        """
        activity = Activity(process.pid, START_SECONDS)
        explain_at = REPORT_SECONDS
        while process.poll() is None and not self._distrust:
            # server.json has a port only when the server listens.
            if self._state().get("pid") == process.pid and self._answers(activity.age):
                return True
            if activity.is_stuck:
                raise StartFailed(
                    "The embedded cluster did not start.",
                    why=text("its process made no progress for {seconds} s", f"{START_SECONDS:g}"),
                    todo=text(
                        "Start it again. The server's output is in {log}.", self.home / "server.log"
                    ),
                )
            if activity.age > explain_at:
                explain_at = math.inf
                report(
                    text(
                        "The server is still starting: {usual}. labkit waits as long as it makes progress.",
                        load() or text("it takes longer than usual"),
                    )
                )
            time.sleep(POLL_SECONDS)
        end_process(process, STOP_SECONDS)
        return False

    def _last_words(self) -> str:
        try:
            with os.fdopen(
                files.open_file(self.home / "server.log", os.O_RDONLY), errors="replace"
            ) as file:
                lines = file.read().strip().splitlines()
        except OSError:
            return ""
        if lines:
            return lines[-1].replace("et --home to", f"et {ownership.names.home} to")
        full = shutil.disk_usage(self.home).free < NEEDED_BYTES
        if full:
            return text("no space is left where {home} lies", self.home)
        return text("the process ended without output")

    def _end(self, patience_seconds: float = STOP_SECONDS) -> None:
        pid = self._state().get("pid")
        if not isinstance(pid, int):
            return  # it has just ended
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
            deadline = time.monotonic() + patience_seconds
            while self._alive():
                if time.monotonic() > deadline:
                    break
                time.sleep(POLL_SECONDS)
            else:
                return
        raise LabkitError(
            text("The server process {pid} does not end.", pid),
            todo=text("End it by hand: kill -9 {pid}", pid),
        )


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "in" if value else text("left out")
    return str(value)
