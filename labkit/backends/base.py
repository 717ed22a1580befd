"""What the lab asks of a cluster's keeper, and how the keepers are found.

A backend starts, stops and resets a cluster and knows its kubeconfig. All else
goes through the API and is the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from labkit.core.display import Card, Row, Shown

Report = Callable[[str], None]
"""Takes one line of progress for the learner."""

Manifest = dict[str, Any]

NAMES = ("embedded", "kind", "existing")


@dataclass(frozen=True)
class Options:
    """What a learner may choose when a cluster is started. None leaves it as it is.

    Args:
        node: False leaves the embedded server's node out; pods stay Pending.
        era: ``now`` or ``1.20``.
        port: The embedded server's port.
        image: kind's node image.
        kubeconfig: For an existing cluster: the file that names it.
        context: Its context; empty for the file's current one.
        prefix: Put before the walkthrough's names, where several learners share a cluster.
        force: Use an existing cluster although it looks like production.
    """

    node: bool | None = None
    era: str | None = None
    port: int | None = None
    image: str | None = None
    kubeconfig: Path | None = None
    context: str = ""
    prefix: str = ""
    force: bool = False


@dataclass(frozen=True, repr=False)
class Status(Shown):
    """How a cluster is doing.

    Args:
        backend: The backend's name.
        running: Whether it answers.
        url: Its address, where it has one.
        facts: More to show, by label.
    """

    backend: str
    running: bool
    url: str = ""
    facts: dict[str, str] = field(default_factory=dict)

    def card(self) -> Card:
        """Whether it runs, where, and what else is known."""
        rows = [Row("address", self.url, code=True)]
        rows += [Row(label, value) for label, value in self.facts.items()]
        state = "runs" if self.running else "does not run"
        return Card(f"The {self.backend} cluster {state}.", "good" if self.running else "plain", rows)


@dataclass(frozen=True, slots=True)
class Need:
    """One thing a backend needs of this machine.

    Args:
        thing: Such as ``Docker``.
        met: Whether it is there.
        found: What was found, in words.
        todo: How to get it, when it is not.
        required: False for what only makes things nicer.
    """

    thing: str
    met: bool
    found: str
    todo: str = ""
    required: bool = True


class Backend(Protocol):
    """A cluster's keeper."""

    name: str

    def start(self, report: Report) -> None:
        """Find the cluster, or start it; safe to call again.

        Raises:
            LabkitError: With the way out, when it does not start.
        """
        ...

    def stop(self, report: Report) -> None:
        """Stop it, and take away what the lab made; never what somebody else did."""
        ...

    def status(self) -> Status:
        """How it is doing. Starts nothing."""
        ...

    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, with its current context set.

        Raises:
            NotRunning: When there is none yet.
        """
        ...

    def reset(self, report: Report) -> None:
        """Bring the cluster back to its beginning."""
        ...

    def audit_event(self, audit_id: str) -> dict[str, Any] | None:
        """The audit event of a request, or None where there is no log we can read."""
        ...

    def adapt(self, manifest: Manifest) -> Manifest:
        """The manifest as this cluster needs it; the same one where nothing differs."""
        ...

    def needs(self) -> list[Need]:
        """What this backend needs of the machine, met or not."""
        ...
