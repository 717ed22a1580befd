"""A cluster that exists already, from a kubeconfig that the learner names.

Before anything is written the learner sees the server, the context and the objects to be
created. Each object of the lab carries a label; ``labkit down`` deletes those, and the objects
with the walkthrough's names that the learner created by hand.
"""

import copy
import os
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from labkit.client import kubeconfig
from labkit.client.auditlog import AuditFile
from labkit.client.client import Client
from labkit.client.discovery import Resources
from labkit.client.manifests import title
from labkit.client.pods import pods_run
from labkit.client.prefix import Names
from labkit.core.errors import LabkitError, NotRunning, UsageError
from labkit.core.home import ensure_private, read_json, write_json
from labkit.core.language import text

from . import podimage, sweep
from .base import Manifest, Need, Options, Report, Status, Traits
from .preflight import UNPREFIXED, Preflight, look

EVENT_SECONDS = 5.0
"""How long the event of an answered request may take to be in the log."""

LABEL = "labkit/lab"
"""The label of every object of the lab; its value is the learner's prefix, or ``UNPREFIXED``."""

NO_NODE = text(
    "No node of this cluster is ready: its pods stay Pending, and what needs a running pod cannot be done."
)

NO_LOG = text(
    "Its audit log cannot be read: what you ask through labkit counts for the checkpoints "
    "(notebooks, labkit exec, labkit proxy), and what another client asks directly does not."
)

NO_PART_5 = text(
    "You may not create cluster roles here: parts 5 and 6 cannot be done, the rest works."
)

MANAGED = "app.kubernetes.io/managed-by"


def find_needs(file: Path | None) -> list[Need]:
    """Return the requirements: a kubeconfig."""
    if file:
        exists = file.exists()
        return [
            Need(
                "kubeconfig", exists, text("{file}" if exists else "there is no file {file}", file)
            )
        ]
    todo = text("labkit up --backend existing --kubeconfig FILE --context NAME")
    return [Need("kubeconfig", False, "none is named; ~/.kube/config is never used unasked", todo)]


class Existing:
    """The lab's objects on somebody else's cluster.

    It uses the options kubeconfig, context, prefix, audit_log and force.
    """

    name = "existing"

    def __init__(
        self, home: Path, options: Options, lesson_objects: Callable[[], list[Manifest]]
    ) -> None:
        self.home = home
        self.options = options
        self._lesson_objects = lesson_objects
        self.directory = home / "existing"
        self.names = Names(options.prefix)
        self.audit_log = AuditFile(options.audit_log) if options.audit_log else None

    @property
    def traits(self) -> Traits:
        """The traits in the cluster's record; in a grader's cluster, changes take effect at once."""
        record = read_json(self._record_file)
        at_once = bool(record.get("at_once"))
        pods = bool(record.get("pods", True))
        audited = self.audit_log is not None
        return Traits(
            at_once=at_once,
            audited=audited,
            whole_log=audited,
            grader=at_once,
            pods=pods,
            adapt=self._adapt,
        )

    def start(self, report: Report) -> None:
        """Report what would be created where, check the learner's rights, and record the cluster.

        Raises:
            UsageError: When no kubeconfig is named, when objects of the walkthrough's names
                exist, or when the cluster looks like production.
            NotRunning: When the learner lacks a right that the lab needs.
            Unreachable: When the cluster does not answer.
        """
        ensure_private(self.home)
        ensure_private(self.directory)
        source, context = self._named()
        target = {"kubeconfig": str(source), "context": context, "prefix": self.options.prefix}
        record = read_json(self._record_file)
        in_use = {key: record.get(key) for key in target} == target
        if record and not in_use and self._config_file.exists():
            prefix = (
                text(" with the prefix {prefix}", record["prefix"]) if record.get("prefix") else ""
            )
            raise UsageError(
                text(
                    "The lab is in use already: context {context} of {kubeconfig}{prefix}.",
                    record.get("context"),
                    record.get("kubeconfig"),
                    prefix,
                ),
                todo="Name the same cluster again, or remove its objects first with `labkit down`.",
            )
        if in_use and record.get("at_once") and self._config_file.exists():
            return  # a grader's cluster, which the grader has prepared
        # Before the preflight, whose client reads this file.
        kubeconfig.extract(source, context, self._config_file)
        if in_use:
            # Raises an error if the cluster does not answer, before the record is written.
            self._client.whoami()
            self._check_log()
            write_json(self._record_file, {**record, "pods": pods_run(self._client)})
            self._warn(report)
            return
        try:
            preflight = look(
                self._client, context, self._lesson_objects(), self.names, self._selector
            )
            report(str(preflight))
            if self.audit_log is None:
                report(NO_LOG)
            self._judge(preflight)
            self._check_log()
            self._make_default_namespace()
        except BaseException:
            # Without this file the lab uses no cluster, so the next start can name another one.
            self._config_file.unlink(missing_ok=True)
            raise
        # Only part 5 needs rights in the whole cluster that the lab can do without.
        wide = [right for right in preflight.rights if not right.namespace and not right.essential]
        part5 = all(right.allowed for right in wide)
        facts = {
            "server": preflight.server,
            "user": preflight.user,
            "anonymous": preflight.anonymous,
            "part5": part5,
            "pods": pods_run(self._client),
        }
        write_json(self._record_file, {**target, **facts})
        self._warn(report)

    def _warn(self, report: Report) -> None:
        """Report which parts are not possible here, before a lesson begins."""
        record = read_json(self._record_file)
        if not record.get("part5", True):
            report(NO_PART_5)
        if not record.get("pods", True):
            report(NO_NODE)

    def stop(self, report: Report) -> None:
        """Delete the lab's objects, then those with the walkthrough's names that were created by hand."""
        if not self._config_file.exists():
            report("The lab uses no existing cluster.")
            return
        removed = self._remove(report, report)
        context = read_json(self._record_file).get("context")
        self._record_file.unlink(missing_ok=True)
        self._config_file.unlink(missing_ok=True)
        if removed:
            gone = text(
                "{removed} objects of the lab are gone on the cluster of the context {context}; "
                "the rest of it is as it was.",
                removed,
                context,
            )
        else:
            gone = text(
                "There was nothing of the lab on the cluster of the context {context}; "
                "the rest of it is as it was.",
                context,
            )
        report(gone)

    def status(self) -> Status:
        """Return the state of the cluster in use."""
        record = read_json(self._record_file)
        if not record or not self._config_file.exists():
            return Status(
                self.name, False, facts={"start it": "labkit up --kubeconfig FILE --context NAME"}
            )
        facts = {"context": str(record.get("context")), "you are": str(record.get("user"))}
        if not record.get("part5", True):
            facts["parts 5, 6"] = text("not possible: you may not create cluster roles here")
        if not record.get("anonymous", True):
            facts["anonymous"] = text("not let in: the answer is 401 instead of 403")
        return Status(self.name, self._answers(), str(record.get("server", "")), facts)

    def kubeconfig(self) -> Path:
        """Return the path of a private kubeconfig with the named context alone.

        Raises:
            NotRunning: When no cluster is in use.
        """
        if not self._config_file.exists():
            raise NotRunning(
                "The lab uses no existing cluster.",
                todo="labkit up --kubeconfig FILE --context NAME",
            )
        return self._config_file

    def reset(self, report: Report) -> None:
        """Delete all objects of the walkthrough."""
        self._remove(lambda _line: None, report)
        self._make_default_namespace()

    # -- within ----------------------------------------------------------------------

    def _named(self) -> tuple[Path, str]:
        source = self.options.kubeconfig
        if source is None:
            raise UsageError(
                "No kubeconfig is named.",
                why="labkit never uses ~/.kube/config unasked",
                todo="Name one: labkit up --backend existing --kubeconfig FILE --context NAME",
            )
        return source, self.options.context or kubeconfig.load(source).name

    def _judge(self, preflight: Preflight) -> None:
        if preflight.conflicts:
            raise UsageError(
                "Objects with the walkthrough's names exist already, and are not the lab's.",
                why=", ".join(preflight.conflicts),
                todo="Choose a prefix of your own: --prefix ann",
            )
        if preflight.looks_like_production and not self.options.force:
            raise UsageError(
                "This cluster looks like production.",
                why=text("{foreign} namespaces belong to somebody else", len(preflight.foreign)),
                todo="Use another cluster; or add --force if you are sure.",
            )
        lacking = [right for right in preflight.missing if right.essential]
        if lacking:
            raise NotRunning(
                "You lack rights on this cluster that the lab needs.",
                why="; ".join(f"{right.text} ({right.why})" for right in lacking),
                todo="Ask the cluster's administrator, or take another cluster.",
            )

    def _check_log(self) -> None:
        """Check that the audit log is this cluster's, and this learner's alone.

        Raises:
            UsageError: A prefix is used, or the log has no event of a request that was just answered.
        """
        if self.audit_log is None:
            return
        if self.names.prefix:
            raise UsageError(
                "An audit log and a prefix exclude each other.",
                why="the log of a shared cluster also has the requests of the others",
                todo="Leave --audit-log out.",
            )
        asked = self._client.post(
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
        )
        deadline = time.monotonic() + EVENT_SECONDS
        while self.audit_log.event(asked.audit_id) is None:
            if time.monotonic() > deadline:
                raise UsageError(
                    text("{file} has no event of this cluster.", self.options.audit_log),
                    why="a request that was just answered is not in it",
                    todo="Name the file of kube-apiserver's --audit-log-path; its policy needs at least level Metadata.",
                )
            time.sleep(0.05)

    def _adapt(self, manifest: Manifest) -> Manifest:
        """Return the object with the lab's label, and a current image for the walkthrough's proxy.

        ``LABKIT_POD_IMAGE`` names an image for all of the walkthrough's containers: it needs
        bash and curl, and must run ``kubectl proxy`` by itself.
        """
        adapted = copy.deepcopy(manifest)
        meta = adapted.setdefault("metadata", {})
        meta["labels"] = {**(meta.get("labels") or {}), MANAGED: "labkit", LABEL: self._value}
        image = os.environ.get("LABKIT_POD_IMAGE")
        return podimage.adapt(adapted, image) if image else podimage.adapt_proxy(adapted)

    def _make_default_namespace(self) -> None:
        """Create the namespace that replaces ``default`` when there is a prefix."""
        if not self.names.prefix:
            return
        body = self._adapt(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
        )
        answer = self._client.post("/api/v1/namespaces", body)
        # 409: an earlier start has created it.
        if answer.status != 409:
            answer.raise_for_status("The namespace for your objects cannot be made.")

    def _remove(self, report: Report, waiting: Report) -> int:
        """Delete the lab's objects and return their number; report each object, and separately a long wait."""
        client = self._client
        # The label first: it is certain. Names can be another's, and are looked for afterwards.
        labelled = sweep.inventory(client, self._selector)
        for path in labelled:
            report(text("  removing {path}", path))
        removed = sweep.remove(client, labelled, waiting)
        path_of = Resources(client).path
        objects = {path_of(entry): entry for entry in self._lesson_objects()}
        by_hand = {path: entry for path, entry in objects.items() if client.get(path).ok}
        if by_hand:
            report(
                "These objects have the walkthrough's names and were created by hand; they are deleted too:"
            )
            for manifest in by_hand.values():
                report(text("  removing {manifest}", title(client.names.body(manifest))))
            # In the opposite order of creation: namespaces, which come first in a lesson, go last.
            removed += sweep.remove(client, map(client.names.path, reversed(by_hand)), waiting)
        return len(removed)

    @property
    def _value(self) -> str:
        return self.names.prefix or UNPREFIXED

    @property
    def _selector(self) -> str:
        return f"{LABEL}={self._value}"

    @property
    def _config_file(self) -> Path:
        return self.directory / "kubeconfig"

    @property
    def _record_file(self) -> Path:
        return self.directory / "cluster.json"

    @cached_property
    def _client(self) -> Client:
        return kubeconfig.administrator(self.kubeconfig(), names=self.names)

    def _answers(self) -> bool:
        try:
            # A refusal is an answer, too: some clusters show their version to administrators alone.
            return self._client.get("/version").status in (200, 403)
        except LabkitError:
            return False
