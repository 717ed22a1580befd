"""The interface of a backend: start, stop and reset a cluster, and return its kubeconfig.

All other calls go through the API and are the same on every cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from labkit.core.display import Card, Displayable, Row
from labkit.core.language import text

if TYPE_CHECKING:
    from labkit.client.auditlog import AuditLog
    from labkit.client.proxy import Serve
    from labkit.client.transport import Connect, Credentials

Report = Callable[[str], None]
"""Called with a line of progress."""

Manifest = dict[str, Any]

NAMES = ("embedded", "kind", "existing")

KUBERNETES = ("1.36", "1.37", "1.38")
"""The versions of Kubernetes that can be chosen; the first is the default."""


@dataclass(frozen=True)
class Options:
    """A cluster's options. None leaves a running cluster's as it is.

    Args:
        node: False runs the embedded server without a node; pods stay Pending.
        era: ``now`` or ``1.20``.
        kubernetes: The version to answer as, such as ``1.37``; kind's node has that version.
        port: The embedded server's port.
        image: kind's node image.
        kubeconfig: For an existing cluster: the file that names it.
        context: Its context; empty for the file's current one.
        prefix: Prepended to the walkthrough's names, where several learners share a cluster.
        audit_log: Its API server's audit log, a file of this machine.
        force: Use an existing cluster although it looks like production.
    """

    node: bool | None = None
    era: str | None = None
    kubernetes: str | None = None
    port: int | None = None
    image: str | None = None
    kubeconfig: Path | None = None
    context: str = ""
    prefix: str = ""
    audit_log: Path | None = None
    force: bool = False

    @property
    def answers_as(self) -> str | None:
        """What the embedded server is told about versions."""
        # The default has one name, so that a server that was started without the option is the same.
        return "now" if self.kubernetes == KUBERNETES[0] else self.kubernetes or self.era


@dataclass(frozen=True, repr=False)
class Status(Displayable):
    """The state of a cluster.

    Args:
        backend: The backend's name.
        running: Whether it answers.
        url: Its address; empty without one.
        facts: More lines of the card, by label.
    """

    backend: str
    running: bool
    url: str = ""
    facts: dict[str, str] = field(default_factory=dict)

    def card(self) -> Card:
        """Return a card with the state, the address and the other facts."""
        rows = [Row("address", self.url, code=True)]
        rows += [Row(label, value) for label, value in self.facts.items()]
        title = text("The {cluster} cluster runs.", self.backend)
        # Two whole sentences, not a sentence with a "not" put in: each is a message for translators.
        if not self.running:
            title = text("The {cluster} cluster does not run.", self.backend)
        return Card(title, "good" if self.running else "plain", rows)


def _unchanged(manifest: Manifest) -> Manifest:
    return manifest


@dataclass(frozen=True, slots=True)
class Traits:
    """The differences between clusters that the lab has to know.

    Args:
        at_once: A change has taken effect when the server answers.
        exclusive: Only this lab uses it, so that all its objects are the learner's work.
        audited: Its audit log can be read; without one, the journal notes every answer.
        whole_log: The log can be read from end to end.
        grader: It is a grader's cluster, in which steps are not checked.
        pods: Pods run.
        pod_image: The image of the walkthrough's pods; empty for the manifests' own.
        ca_file: The file with its CA certificate; None without one.
        adapt: Changes a manifest for it; returns the same object if no change is needed.
        connect: Opens connections to it; None for sockets.
        serve: Opens the address of a proxy; None for sockets.
        own: The credential of the lab's own requests; None to send them as the administrator.
    """

    at_once: bool = False
    exclusive: bool = False
    audited: bool = True
    whole_log: bool = False
    grader: bool = False
    pods: bool = True
    pod_image: str = ""
    ca_file: Path | None = None
    adapt: Callable[[Manifest], Manifest] = _unchanged
    connect: Connect | None = None
    serve: Serve | None = None
    own: Credentials | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """A requirement of a backend on this machine.

    Args:
        thing: Such as ``Docker``.
        met: Whether the machine has it.
        state: The machine's state, in words.
        todo: How to get it.
        required: False when the backend works without it.
    """

    thing: str
    met: bool
    state: str
    todo: str = ""
    required: bool = True

    def __post_init__(self) -> None:
        """Make texts of the words, which are shown in the learner's language."""
        for name in ("thing", "state", "todo"):
            # The only way to set a field of a frozen dataclass.
            object.__setattr__(self, name, text(getattr(self, name)))


class Backend(Protocol):
    """A way to run a cluster: embedded, kind, or one that exists."""

    name: str

    @property
    def traits(self) -> Traits:
        """The differences from other clusters."""

    def start(self, report: Report) -> None:
        """Find the cluster, or start it; safe to call again.

        Raises:
            LabkitError: With the way out, when it does not start.
        """

    def stop(self, report: Report) -> None:
        """Stop the cluster, and delete only the objects that the lab created.

        Raises:
            LabkitError: When it does not end.
        """

    def status(self) -> Status:
        """Return the cluster's state, without starting it."""

    def kubeconfig(self) -> Path:
        """Return the path of the administrator's kubeconfig.

        Raises:
            NotRunning: Before the first start.
        """

    def reset(self, report: Report) -> None:
        """Restore the cluster's initial state."""

    @property
    def audit_log(self) -> AuditLog | None:
        """The cluster's audit log; None if it cannot be read."""
