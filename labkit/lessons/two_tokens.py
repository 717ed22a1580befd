"""Judging the comparison of W12: the token mounted in a pod, and one that its account gets."""

import re
from collections.abc import Iterable
from itertools import chain

from labkit.core.language import text

from .base import CheckContext, NotPassed, Outcome, failed, passed
from .evidence import Evidence, PodCommand
from .looking import in_pod
from .mistakes import of_guess
from .pods import ACCOUNT_UID, claims

BY_ACCIDENT = {"iat", "nbf"}
"""Claims that two tokens have in common only when they are issued in the same second."""


def compared(prediction: str, named: object, mounted: str, owned: Iterable[str]) -> Outcome:
    """Judge a comparison with the account's token; of several, choose the one that the learner must have meant.

    Args:
        prediction: ``identical`` or ``different``.
        named: The claims that are the same according to the learner.
        mounted: The pod's token.
        owned: The account's tokens; at least one.

    Raises:
        NotPassed: The comparison is right for none of them.
    """
    verdicts: list[NotPassed] = []
    for own in owned:
        try:
            return _compared(prediction, named, mounted, own)
        except NotPassed as verdict:
            verdicts.append(verdict)
    raise verdicts[0]


def _compared(prediction: str, named: object, mounted: str, own: str) -> Outcome:
    identical = mounted == own
    truth = "identical" if identical else "different"
    if prediction != truth:
        raise failed(
            of_guess("W12"),
            text("you predicted “{prediction}”; the two are {truth}", prediction, truth),
            "a prediction that agrees with the tokens",
            "A Secret held one token for all up to 1.20; today each pod gets its own. Predict again.",
        )
    ours = claims(mounted)
    theirs = claims(own)
    # Claims of both, since learners also name one that only one token has.
    names = ours.keys() | theirs.keys()
    same = {key for key in ours if key in theirs and ours[key] == theirs[key]}
    recorded = {_claim_name(name, names) for name in _listed(named)} - BY_ACCIDENT
    if wrong := sorted(recorded - same):
        raise failed(
            "claim-misjudged",
            text("you recorded {claims} as the same; it is not", ", ".join(wrong)),
            "only claims that both tokens have with the same value",
            "exp, iat and jti belong to one token; pod and node to a mounted one only.",
        )
    if missing := sorted(({"iss", "sub"} & same) - recorded):
        hint = text(
            "Who issued it, and whom is it about? Those two make both tokens the same identity."
        )
        if identical:
            hint = text(
                "The mounted token is the one in the account's Secret: compare with that, not with a new one."
            )
        raise failed(
            "claim-misjudged",
            text("you recorded {claims}", ", ".join(sorted(recorded))),
            text("also {missing}", ", ".join(missing)),
            hint,
        )
    takeaway = text("Same subject, so the same permissions; the mounted one never expires.")
    if "kubernetes.io.pod.name" in ours:
        takeaway = text(
            "Same subject, so the same permissions; bound to a pod, so worthless once the pod is gone."
        )
    return passed(
        text(
            "same: {same}. Different or in one only: {others}.",
            ", ".join(sorted(same - BY_ACCIDENT)),
            ", ".join(sorted(names - same - BY_ACCIDENT)) or text("nothing"),
        ),
        takeaway,
    )


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
"""Programs by which a learner can look at a file."""


def _reads_token(ran: PodCommand) -> bool:
    """Return whether a command reads the mounted token."""
    # What is typed into a shell is not known, so it counts in the learner's favour.
    files = chain.from_iterable(ran.runs(*READERS))
    return ran.interactive or any("/token" in word for word in files)


def not_looked_at(context: CheckContext, evidence: Evidence) -> list[str]:
    """Which of the two tokens no call has read: the mounted one, the account's own."""
    path = f"/api/v1/namespaces/{context.names.namespace('default')}"
    user = context.account("default", "kikai").user
    pods = [
        bool(fact.get("pod"))
        for fact in evidence.facts
        if fact.get("kind") == "token" and fact.get("subject") == user
    ]
    commands = in_pod(context, evidence, "default", "curl-custom-sa")
    paths = [request.path for request in evidence.asked if request.status in (200, 201)]
    mounted = True in pods or any(map(_reads_token, commands))
    own = (
        False in pods
        or f"{path}/serviceaccounts/kikai/token" in paths
        or any(read.startswith(f"{path}/secrets") for read in paths)
    )
    unseen: list[str] = []
    if not mounted:
        unseen.append(text("the token mounted in the pod"))
    if not own:
        unseen.append(text("the account's own token"))
    return unseen


def _listed(value: object) -> list[str]:
    if isinstance(value, str):
        return [part for part in re.split(r"[,\s]+", value) if part]
    return [str(name) for name in value] if isinstance(value, Iterable) else [str(value)]


def _claim_name(text: str, known: Iterable[str]) -> str:
    """The dotted name of a claim, from a learner's name for it."""
    name = text.strip().lower()
    name = {"issuer": "iss", "subject": "sub", "audience": "aud"}.get(name, name)
    if name in known:
        return name
    if name in ("uid", "account uid", "kubernetes.io.serviceaccount"):
        return ACCOUNT_UID
    return next((claim for claim in known if claim.endswith(f".{name}")), name)
