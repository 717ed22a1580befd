"""The chosen cluster, found or started, with its administrator."""

import hashlib
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from labkit.backends import sweep
from labkit.backends.base import Backend, Options, Report, Status, Traits
from labkit.backends.choice import Choice
from labkit.client import kubeconfig as kubeconfigs
from labkit.client.answer import Answer
from labkit.client.client import Client
from labkit.client.prefix import Names
from labkit.client.tokens import Token
from labkit.core import language, page
from labkit.core.arguments import LINE, PATH, takes
from labkit.core.display import Card, Displayable, Row
from labkit.core.errors import UsageError, near
from labkit.core.home import JOINED, check_home, ensure_private, home_path, read_json, write_private
from labkit.core.language import said, text
from labkit.core.proxies import bypass_loopback
from labkit.core.redact import redact
from labkit.lessons.base import Outcome
from labkit.lessons.evidence import Evidence, gather
from labkit.lessons.journal import Journal
from labkit.lessons.progress import Progress
from labkit.rbac.policy import Policy, PolicyUnreadable, read_policy

from . import expect
from .backend import make

RBAC_GROUP = "rbac.authorization.k8s.io"
SETTLE_SECONDS = 0.5


def print_progress(line: str) -> None:
    """Print a line of progress to standard error; in a notebook to standard output.

    Notebooks show standard error in red, like a failure.
    """
    stream = sys.stdout if page.IN_PAGE or "ipykernel.zmqshell" in sys.modules else sys.stderr
    stream.write(f"{said(line)}\n")
    stream.flush()


class ChosenCluster(Displayable):
    """The cluster of a ``Lab``, which describes the arguments."""

    @takes(
        'Lab("embedded")',
        backend=LINE,
        kubeconfig=PATH,
        context=LINE,
        prefix=LINE,
        audit_log=PATH,
        era=LINE,
        kubernetes=LINE,
        image=LINE,
        home=PATH,
        lang=LINE,
    )
    def __init__(
        self,
        backend: str | None = None,
        *,
        kubeconfig: str | Path | None = None,
        context: str | None = None,
        prefix: str | None = None,
        audit_log: str | Path | None = None,
        era: str | None = None,
        kubernetes: str | None = None,
        node: bool | None = None,
        image: str | None = None,
        force: bool = False,
        home: str | Path | None = None,
        lang: str = "",
        start: bool = True,
        say: Report = print_progress,
    ) -> None:
        if lang:
            if lang not in language.LANGUAGES:
                raise UsageError(
                    text("labkit does not speak “{lang}”.", lang),
                    todo=near(lang, language.LANGUAGES),
                )
            language.use(lang)
        # Learners' own clients, such as requests, run in this kernel and read these variables.
        os.environ.update(bypass_loopback(os.environ))
        self.home = ensure_private(
            check_home(Path(home).expanduser().absolute()) if home else home_path()
        )
        asked = Options(
            node=node,
            era=era,
            kubernetes=kubernetes,
            image=image,
            kubeconfig=Path(kubeconfig).expanduser().absolute() if kubeconfig else None,
            context=context or "",
            prefix=prefix or "",
            audit_log=Path(audit_log).expanduser().absolute() if audit_log else None,
            force=force,
        )
        self.choice = Choice.of(self.home, backend, asked)
        self.names = Names(self.choice.options.prefix)
        self.progress = (
            Progress.default() if home is None else Progress(self.home / "progress.json")
        )
        self._journal: Journal | None = None
        self.backend: Backend = make(self.choice.backend, self.home, self.choice.options)
        self._report = say
        self._generation = 0
        if start:
            self.backend.start(say)
            # Stored after the start: a cluster that cannot start does not become the default.
            self.choice.keep(self.home)
            if not (self.traits.exclusive or self.traits.grader or self.journal.began):
                # Somebody else made this cluster: objects and requests from before are not the
                # learner's work, so evidence counts from the first time that the lab uses it.
                self._begin()
            self.report_to_class()
        self._found()

    def _found(self) -> None:
        """Hook at the end of the constructor."""

    @cached_property
    def admin(self) -> Client:
        """The administrator: a caller with the kubeconfig's credential."""
        found = kubeconfigs.load(self.kubeconfig, scratch=self.home)
        return Client(
            replace(found.endpoint, ca_file=self._ca_file(found.endpoint.ca)),
            found.credentials,
            name="admin",
            names=self.names,
            observers=[self._observe],
            find_event=self.audit_event,
            connect=self.traits.connect,
            own=self.traits.own,
        )

    @property
    def journal(self) -> Journal:
        """The requests and commands that went through labkit since the last reset, on disk."""
        if self._journal is None:
            ca = self.admin.endpoint.ca
            # A cluster that was made again has a new CA, often at the same address: the CA
            # tells the entries of the two clusters apart.
            known = hashlib.sha256(ca.encode()).hexdigest()[:16] if ca else self.admin.server
            self._journal = Journal(self.home / f"journal-{self.backend.name}.jsonl", known)
        return self._journal

    def evidence(self) -> Evidence:
        """Collect the learner's requests and commands since the cluster's last reset."""
        began = self.journal.began
        # A reset in the future means that the clock was wrong at that time. Without this, no
        # evidence would count until the clock has caught up.
        since = began if began <= time.time() else 0.0
        log = self.backend.audit_log
        return gather(log.events() if log else None, self.journal.entries(), since)

    def note_command(
        self, pod: str, command: str, returncode: int, begun: float, output: str = ""
    ) -> None:
        """Add a command that ran in a pod, and has just ended, to the journal.

        Args:
            pod: As ``namespace/name``.
            command: The command line.
            returncode: Its exit code.
            begun: When it began, in seconds since the epoch.
            output: Its output; empty where nothing recorded it.
        """
        entry = {"kind": "exec", "who": pod, "command": redact(command), "returncode": returncode}
        self._note_exec({**entry, "stdout": redact(output[:2000])}, begun)

    def note_questions(self) -> None:
        """Add to the journal that a policy was tested, which leaves no other trace."""
        self._note({"kind": "questions"})

    def _note_exec(self, entry: Mapping[str, Any], begun: float) -> None:
        """Add a command to the journal, with the time at which it ended."""
        # The time is taken before the journal's lock, which another program may hold for a while:
        # requests are matched to the command by time.
        ended = time.time()
        self._note({**entry, "at": ended, "seconds": ended - begun})

    def _note_token(self, token: Token, pod: str) -> None:
        """Add to the journal whose token was inspected, and which pod mounts it."""
        self._note({"kind": "token", "subject": token.subject, "pod": pod})

    def _note(self, entry: Mapping[str, Any]) -> None:
        # The journal is evidence for steps, and on a grader's cluster no step is checked.
        if not self.traits.grader:
            self.journal.add(entry)

    @cached_property
    def traits(self) -> Traits:
        """The properties in which kinds of clusters differ."""
        return self.backend.traits

    @property
    def kubeconfig(self) -> Path:
        """The path of the administrator's kubeconfig, for kubectl and other clients."""
        return self.backend.kubeconfig()

    @cached_property
    def patience_seconds(self) -> float:
        """The seconds to wait for a change to take effect: 0 on embedded clusters."""
        # Real controllers, kubelets and caches act after the API server has answered.
        return 0.0 if self.traits.at_once else 10.0

    def status(self) -> Status:
        """Return the cluster's state."""
        return self.backend.status()

    def audit_event(self, audit_id: str) -> dict[str, Any] | None:
        """Return the audit event of a request; None where no audit log is readable."""
        log = self.backend.audit_log
        return log.event(audit_id) if log else None

    @takes(
        'lab.join("http://192.168.1.7:8440", "KTRM49WE", "a pseudonym")',
        address=LINE,
        code=LINE,
        name=LINE,
    )
    def join(self, address: str, code: str, name: str = "") -> Card:
        """Join a teacher's class, whose board then shows how far you are; without a pseudonym you get a number."""
        from labkit.classroom import joining

        return joining.join(self.home, address, code, name, self.progress, self._report)

    def leave(self) -> Card:
        """Leave the class, and have it delete all that this lab has sent."""
        from labkit.classroom import joining

        return joining.leave(self.home)

    def report_to_class(self, outcome: Outcome | None = None) -> None:
        """Send a step's outcome, and those not sent yet, to the class that this lab has joined, if any."""
        if (self.home / JOINED).exists():
            # A page loads this module from its site, which may not answer; a check must pass anyway.
            with suppress(ImportError):
                from labkit.classroom import joining

                if outcome is None:
                    joining.send_soon(self.home)
                else:
                    joining.report(self.home, outcome, self.progress.entry(outcome.step))

    def reset(self) -> None:
        """Restore the cluster's initial state. Your progress stays."""
        self.backend.reset(self._report)
        # The tokens that pods had mounted belong to deleted pods now: callers read them again.
        self._generation += 1
        self._begin()

    def remove(self, paths: Sequence[str]) -> None:
        """Delete the objects at these paths, and wait until they are gone."""
        sweep.remove(self.admin.without_observers(), sweep.in_order(paths), self._report)
        self._generation += 1

    def policy_at_reset(self) -> Policy | None:
        """Return the roles and bindings at the cluster's last reset, None if there was none."""
        kept = read_json(self._policy_file)
        # If the policy cannot be read, _begin leaves the old file, which has another time.
        return Policy.of(kept["objects"]) if kept.get("began") == self.journal.began else None

    def stop(self) -> None:
        """Stop the cluster."""
        self.backend.stop(self._report)

    def card(self) -> Card:
        """Return the cluster, its address and its kubeconfig."""
        status = self.status()
        rows = [*status.card().rows, Row("kubeconfig", self._kubeconfig_text(), code=True)]
        rows.append(Row("prefix", self.names.prefix))
        return Card(
            text("labkit on the {backend} cluster", status.backend),
            "good" if status.running else "warn",
            rows,
        )

    @property
    def _policy_file(self) -> Path:
        return self.home / f"policy-{self.backend.name}.json"

    def _begin(self) -> None:
        """Let evidence and grants count from now on."""
        self.journal.begin()
        with suppress(PolicyUnreadable):
            objects = list(read_policy(self.admin.without_observers()).objects())
            write_private(
                self._policy_file, json.dumps({"began": self.journal.began, "objects": objects})
            )

    def _ca_file(self, ca: str) -> str:
        """Return the path of a file with the cluster's CA certificate, for curl; empty without a CA."""
        if not ca:
            return ""
        path = self.traits.ca_file
        if path is None:
            path = self.home / self.backend.name / "ca.crt"
            write_private(path, ca)
        return str(path)

    def _kubeconfig_text(self) -> str:
        # A card describes the lab in any state, also while the kubeconfig cannot be made.
        with suppress(Exception):
            return str(self.kubeconfig)
        return ""

    def _observe(self, answer: Answer) -> None:
        expect.observe(answer.summary)
        if self.traits.grader:
            # No step is checked there, and a summary can cost a request.
            pass
        elif not self.traits.audited:
            self._note({**answer.summary(), "agent": self.admin.agent})
        # Behind a proxy the audit log has the proxy's user, and requests without a credential have
        # the same user whoever sends them: only the journal can attribute these to the learner.
        elif answer.server.startswith("http://") or answer.who == "anonymous":
            self._note(
                {
                    "kind": "answer",
                    "audit_id": answer.audit_id,
                    "server": answer.server,
                    "who": answer.who,
                }
            )
        if answer.ok and answer.method not in ("GET", "HEAD") and answer.call.group == RBAC_GROUP:
            self._let_settle()

    def _let_settle(self) -> None:
        """Wait until a real cluster's authorizer has seen a change."""
        # The RBAC authorizer reads roles and bindings from informers' caches, not from etcd
        # (pkg/kubeapiserver/authorizer/config.go), and no API tells when they are up to date.
        if self.patience_seconds:
            time.sleep(SETTLE_SECONDS)
