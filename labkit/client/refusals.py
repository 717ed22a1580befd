"""Errors for refusals of calls that the lab itself needs; a learner's own refusals are answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.core.errors import ApiFailure
from labkit.core.language import text

if TYPE_CHECKING:
    from .client import Client

WAYS_OUT = {
    400: text("Correct what the message names."),
    401: text("The credential is not valid (any more): take a new one."),
    403: text("Grant what the message names, or ask as somebody who may."),
    404: text("Look whether the name and the namespace are right, and whether it is there."),
    405: text("Ask in another way: this path does not serve that verb."),
    409: text("Read the object again, and repeat the change."),
    422: text("Correct the fields that the message names."),
}
"""The advice for a refusal, by HTTP status."""

_LACKS_A_RIGHT = (" cannot ", "attempting to grant RBAC permissions")
"""What a 403 for want of a right says. Admission plugins answer 403 as well, in words of their own.

Source: forbiddenMessage in k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go, and ConfirmNoEscalation in
pkg/registry/rbac/validation/rule.go.
"""


STATE_NOT_WRITTEN = "StateNotWritten"
"""The cause in the embedded server's Status when it cannot write its state (``storage``)."""


def failure(status: int, body: object, what: str) -> ApiFailure:
    """Return the error for a refusal of a call that the lab itself needs.

    Args:
        status: The HTTP status.
        body: The answer's body.
        what: What happened, as a sentence.
    """
    reason = message = ""
    causes: list[Any] = []
    if isinstance(body, dict):
        reason = str(body.get("reason") or "")
        message = str(body.get("message") or "")
        causes = (body.get("details") or {}).get("causes") or []
    elif isinstance(body, str):
        message = body.strip()[:500]
    todo = WAYS_OUT.get(status, text("Try again; `labkit status` tells how the cluster is doing."))
    if status == 403 and message and not any(words in message for words in _LACKS_A_RIGHT):
        todo = text(
            "Change the object as the message says. Admission refused it, and no right changes that."
        )
    if any(cause.get("reason") == STATE_NOT_WRITTEN for cause in causes):
        todo = text(
            "Make room where the cluster's state lies (`labkit status` names it), then try again."
        )
    return ApiFailure(
        status,
        reason,
        what,
        why=text("the server said {status}: {message}", status, message),
        todo=todo,
    )


def find_object(client: Client, path: str) -> dict[str, Any] | None:
    """Return the object or list at a path; None only after the server's 404.

    A busy server (429) or one that restarts (503) does not prove that an object is missing, so a check must not
    treat its answer like a 404.

    Args:
        client: The caller.
        path: The path of the object.

    Raises:
        ApiFailure: The server answered with neither the object nor 404.
    """
    answer = client.get(path)
    if answer.status == 404:
        return None
    if answer.status == 200 and isinstance(answer.body, dict):
        return answer.body
    raise failure(
        answer.status, answer.body, text("The cluster could not be asked for {path}.", path)
    )
