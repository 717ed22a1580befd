"""Judging the comparison of W12: the token mounted in a pod, and one that its account gets."""

from __future__ import annotations

import re
from collections.abc import Iterable

from labkit.core.language import text
from labkit.lessons.base import CheckContext, Outcome, failed, passed
from labkit.lessons.evidence import Evidence, PodCommand
from labkit.lessons.looking import in_pod
from labkit.lessons.mistakes import of_guess
from labkit.lessons.pods import ACCOUNT_UID, claims


def compared(prediction: str, named: object, mounted: str, own: str) -> Outcome:
    """The verdict on a comparison.

    Args:
        prediction: ``identical`` or ``different``.
        named: The claims that the learner says are the same.
        mounted: The pod's token.
        own: The account's token.
    """
    identical = mounted == own
    if (prediction == "identical") != identical:
        return failed(
            of_guess("W12"),
            text(
                "you predicted “{prediction}”; the two are {truth}",
                prediction,
                "identical" if identical else "different",
            ),
            "a prediction that agrees with the tokens",
            "A Secret held one token for all up to 1.20; today each pod gets its own. Predict again.",
        )
    ours, theirs = claims(mounted), claims(own)
    same = {key for key in ours if key in theirs and ours[key] == theirs[key]}
    said = {_claim_name(each, ours.keys() | theirs.keys()) for each in _listed(named)}
    said -= _BY_ACCIDENT
    if wrong := sorted(said - same):
        return failed(
            "claim-misjudged",
            text("you recorded {claims} as the same; it is not", ", ".join(wrong)),
            "only claims that both tokens have with the same value",
            "exp, iat and jti belong to one token; pod and node to a mounted one only.",
        )
    if missing := sorted(({"iss", "sub"} & same) - said):
        return failed(
            "claim-misjudged",
            text("you recorded {claims}", ", ".join(sorted(said))),
            text("also {missing}", ", ".join(missing)),
            "The mounted token is the one in the account's Secret: compare with that, not with a new one."
            if identical
            else "Who issued it, and whom is it about? Those two make both tokens the same identity.",
        )
    bound = "kubernetes.io.pod.name" in ours
    return passed(
        text(
            "same: {same}. Different or in one only: {others}.",
            ", ".join(sorted(same - _BY_ACCIDENT)),
            ", ".join(sorted((ours.keys() | theirs.keys()) - same - _BY_ACCIDENT))
            or text("nothing"),
        ),
        "Same subject, so the same permissions; bound to a pod, so worthless once the pod is gone."
        if bound
        else "Same subject, so the same permissions; the mounted one never expires.",
    )


_BY_ACCIDENT = {"iat", "nbf"}
"""Claims that two tokens have in common only when they are issued in the same second."""


READERS = (
    "cat",
    "head",
    "tail",
    "base64",
    "cut",
    "tr",
    "sed",
    "grep",
    "less",
    "more",
    "dd",
    "cp",
    "curl",
    "tar",
)


def _reads_token(ran: PodCommand) -> bool:
    """Whether a command reads the mounted token; what happens in a shell is not known, and counts."""
    return ran.interactive or any(
        "/token" in word for words in ran.runs(*READERS) for word in words
    )


def not_looked_at(context: CheckContext, evidence: Evidence) -> list[str]:
    """Which of the two tokens no call has read: the mounted one, the account's own."""
    base = f"/api/v1/namespaces/{context.names.namespace('default')}"
    user = context.account("default", "kikai").user
    read = [
        each
        for each in evidence.facts
        if each.get("kind") == "token" and each.get("subject") == user
    ]
    ran = in_pod(context, evidence, "default", "curl-custom-sa")
    mounted = any(_reads_token(each) for each in ran) or any(each.get("pod") for each in read)
    own = any(
        each.path == f"{base}/serviceaccounts/kikai/token"
        or each.path.startswith(f"{base}/secrets")
        for each in evidence.asked
        if each.status in (200, 201)
    ) or any(not each.get("pod") for each in read)
    return [
        name
        for name, seen in (
            (text("the token mounted in the pod"), mounted),
            (text("the account's own token"), own),
        )
        if not seen
    ]


def _listed(value: object) -> list[str]:
    if isinstance(value, dict):
        return [str(each) for each in value]
    if isinstance(value, str):
        return [part for part in re.split(r"[,\s]+", value) if part]
    return [str(each) for each in value] if isinstance(value, (list, tuple, set)) else [str(value)]


def _claim_name(text: str, known: Iterable[str]) -> str:
    """The dotted name of a claim, from a learner's name for it."""
    name = text.strip().lower()
    name = {"issuer": "iss", "subject": "sub", "audience": "aud"}.get(name, name)
    if name in known:
        return name
    if name in ("uid", "account uid", "kubernetes.io.serviceaccount"):
        return ACCOUNT_UID
    return next((each for each in known if each.endswith(f".{name}")), name)
