"""Errors for commands that did not run or did not end, with advice for the learner."""

import json
from typing import Any

from labkit.core.errors import ExecFailed
from labkit.core.language import text

from ..object_names import habit

IN_THE_IMAGE = text("Name a program that the container's image has.")


class UnknownProtocol(ExecFailed):
    """The server speaks none of the offered protocols, as one before 1.30 does not speak ``v5``."""


def exit_code(status: bytes, pod: str) -> int:
    """Return the exit code in the Status that ends a command.

    Args:
        status: The error channel's JSON.
        pod: The pod, for the error.

    Raises:
        ExecFailed: When the command was never started.
    """
    document = _document(status) or {
        "status": "Failure",
        "message": status.decode("utf-8", "replace"),
    }
    if document.get("status") == "Success":
        return 0
    for cause in (document.get("details") or {}).get("causes") or []:
        # ExitCodeCauseType in k8s.io/apimachinery/pkg/util/remotecommand/constants.go; an exit by a
        # signal has such a cause, too, with 128 and the signal's number.
        if cause.get("reason") == "ExitCode":
            return int(cause.get("message", 1))
    code = int(document.get("code", 500))
    reason = str(document.get("reason", ""))
    raise not_started(pod, str(document.get("message", "")), code, reason)


def not_started(pod: str, why: str, code: int = 500, reason: str = "") -> ExecFailed:
    """Return the error for a command that the container could not start."""
    return ExecFailed(
        code,
        reason,
        text("The command could not be started in {pod}.", pod),
        why=why,
        todo=IN_THE_IMAGE,
    )


def refused(code: int, body: bytes, pod: str, error: type[ExecFailed] = ExecFailed) -> ExecFailed:
    """Return the error for a server that refuses to run commands in a pod.

    Args:
        code: The HTTP status.
        body: The answer's body, which may be a Status.
        pod: The pod, as ``namespace/name``.
        error: The error's class.
    """
    status = _document(body) or {"message": body.decode("utf-8", "replace")}
    message = str(status.get("message", ""))
    if code == 404 and habit(pod):
        todo = habit(pod)
    elif code == 403:
        todo = text("Grant create on pods/exec, or ask as somebody who may.")
    elif "is not valid for pod" in message:
        todo = text(
            "Name a container that the pod has, or none for its first: the pod's spec.containers tells."
        )
    else:
        todo = text(
            'Is the pod there, and running? `kubectl get pods -A` tells, or lab.admin.get("/api/v1/pods").'
        )
    why = message or text("the server answered {code}", code)
    return error(
        code,
        str(status.get("reason", "")),
        text("No command can be run in {pod}.", pod),
        why=why,
        todo=todo,
    )


def connection_lost(pod: str) -> ExecFailed:
    """Return the error for a connection that ended before its command did."""
    what = text("The connection to {pod} ended before the command did.", pod)
    return ExecFailed(
        0,
        "",
        what,
        todo="Try again: the pod or the server may have gone meanwhile (`labkit status`).",
    )


def lacks_program(error: ExecFailed, program: str) -> bool:
    """Return whether a command could not be started because the container lacks the program."""
    text = error.why.lower()
    # The message is the container runtime's, not Kubernetes', and differs between runc and crun.
    return program in text and ("not found" in text or "no such file" in text)


def _document(text: bytes) -> dict[str, Any]:
    """Return a JSON object; empty when it is not one."""
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
