"""The pod terminal: a prompt for a container in the notebook, over the exec API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.core.language import shown, text
from labkit.core.redact import redact

from .base import LabWidget

if TYPE_CHECKING:
    from labkit.lab.lab import Lab

# Each command sends all lines to the page again, so both limits bound the size of a message.
MAX_COMMANDS = 200
"""Commands that stay on the screen."""
MAX_OUTPUT = 20_000
"""Characters of one command's output that are shown."""


class PodTerminal(LabWidget):
    """A prompt for a container. Each line is one exec, so ``cd`` has no effect on the next.

    Args:
        lab: The lab.
        pod: As ``namespace/name``, such as ``kikai/test``.
        container: The container; the pod's first one when left out.
    """

    def __init__(self, lab: Lab, pod: str, container: str = "") -> None:
        super().__init__()
        self._lab = lab
        namespace, _, name = pod.rpartition("/")
        self._pod = f"{namespace or 'default'}/{name}"
        answer = lab.admin.without_observers().get(
            f"/api/v1/namespaces/{namespace or 'default'}/pods/{name}"
        )
        names = [entry["name"] for entry in answer.body["spec"]["containers"]] if answer.ok else []
        self._containers = names
        self._container = container or (names[0] if names else "")
        self._lines: list[dict[str, Any]] = []
        if not answer.ok:
            self.notice = shown(text("{pod} cannot be read: {why}", self._pod, answer.message))
        self._show()

    def on_run(self, command: str) -> None:
        """Run one command line."""
        done = self._lab.exec(self._pod, command, container=self._container or None)
        self._lines = [
            *self._lines,
            {
                # Redacted, because the notebook stores what is displayed; the learner's file
                # can be shared.
                "command": redact(command),
                "stdout": redact(done.stdout[:MAX_OUTPUT].rstrip("\n")),
                "stderr": redact(done.stderr[:MAX_OUTPUT].rstrip("\n")),
                "returncode": done.returncode,
            },
        ][-MAX_COMMANDS:]
        self._show()

    def on_choose(self, container: str) -> None:
        """Switch to another container of the pod."""
        self._container = container
        self._show()

    def on_clear(self) -> None:
        """Empty the screen and the history."""
        self._lines = []
        self._show()

    def as_text(self) -> str:
        """Return the commands and their output."""
        parts = [
            f"{self._pod} · {self._container}",
            shown(text("(in a terminal: labkit exec {pod})", self._pod)),
            self.notice,
        ]
        for line in self._lines:
            parts += [f"{self.data['prompt']}{line['command']}", line["stdout"], line["stderr"]]
        return "\n".join(part for part in parts if part)

    def _show(self) -> None:
        self.data = {
            "pod": self._pod,
            "container": self._container,
            "containers": self._containers,
            # Containers run as root unless their image or their pod names another user; this is
            # not looked up.
            "prompt": f"root@{self._pod.partition('/')[2]}:/# ",
            "lines": self._lines,
        }
