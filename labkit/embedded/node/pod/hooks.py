"""Lifecycle hooks: commands after the start and before the end of a container.

Source: k8s.io/kubernetes ``pkg/kubelet/lifecycle/handlers.go``.
"""

from __future__ import annotations

from labkit.embedded.container.container import NotRunnable
from labkit.embedded.container.run_once import run_once
from labkit.embedded.machinery.golang.quote import go_quote
from labkit.embedded.node.pod.container_slot import Slot

POST_START_SECONDS = 600.0


def run_hook(slot: Slot, name: str, pod: str, *, timeout_seconds: float = POST_START_SECONDS) -> str:
    """Run the ``postStart`` or ``preStop`` hook of a container, and return the error message, empty if it succeeded.

    Only ``exec`` hooks have an effect.
    """
    hook = ((slot.spec.get("lifecycle") or {}).get(name) or {}).get("exec")
    if hook is None or slot.container is None:
        return ""
    words = [str(word) for word in hook.get("command") or ()]
    try:
        result = run_once(slot.container, words, timeout_seconds)
    except NotRunnable as problem:
        error, output = f"failed to exec in container: {problem}", ""
    else:
        if result.status == 0:
            return ""
        output = result.output
        command = " ".join(words)
        error = f"command '{command}' exited with {137 if result.status is None else result.status}: {output}"
    return (
        f'Exec lifecycle hook ([{" ".join(words)}]) for Container "{slot.name}" in Pod "{pod}" failed - '
        f"error: {error}, message: {go_quote(output)}"
    )
