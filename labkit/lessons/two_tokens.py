"""Judging the comparison of W12: the token mounted in a pod, and one that its account gets."""

from collections.abc import Mapping, Sequence
from itertools import chain

from labkit.client.tokens import Token
from labkit.core.language import text

from .base import CheckContext, Outcome, failed, passed
from .evidence import Evidence, PodCommand
from .looking import in_pod
from .mistakes import of_guess

BY_ACCIDENT = {"iat", "nbf"}
"""Claims that two tokens have in common only when they are issued in the same second."""


ANSWERS: Mapping[str, tuple[str, ...]] = {
    "who issued it": ("iss",),
    "whom it is about": ("sub",),
    "whom it is meant for": ("aud",),
    "when it ends": ("exp",),
    "which pod has it": ("kubernetes.io.pod.name", "kubernetes.io.pod.uid"),
}
"""The questions about the mounted token, each with the claims that answer it."""

NO_CLAIM = ("", "none", "nothing", "no claim")
"""The answers for a question that no claim of a token from before 1.21 answers."""


def _require_claims(named: object, mounted: Mapping[str, object]) -> None:
    """Require that the learner recorded the claim that answers each question."""
    said = {"": named}
    if isinstance(named, Mapping):
        said = {str(key).strip().lower(): claim for key, claim in named.items()}
    for question, right in ANSWERS.items():
        if question not in said:
            example = text('lab.record("W12", {"{question}": "…", …}).', question)
            raise failed(
                "missing-part",
                text("nothing recorded for “{question}”", question),
                text("the name of a claim for each: {label}", ", ".join(ANSWERS)),
                text("Record all in one: {example}", example),
            )
        claim = str(said[question]).strip().lower()
        present = [name for name in right if name in mounted]
        if claim not in (present or NO_CLAIM):
            raise failed(
                "claim-misjudged",
                text("{question}: you recorded “{claim}”", question, claim[:200]),
                "the name of the mounted token's claim that says it",
                "TokenInspector(lab, mounted, own) shows what each claim means.",
            )


def compared(prediction: str, named: object, mounted: str, owned: Sequence[str]) -> Outcome:
    """Judge a comparison of a pod's token with one of its account's tokens.

    Args:
        prediction: ``identical`` or ``different``.
        named: The claim that answers each question, according to the learner.
        mounted: The pod's token.
        owned: The account's tokens, of which one can be the mounted one; at least one.

    Raises:
        NotPassed: The prediction or a claim is wrong.
    """
    # Up to 1.23 the account has a token in its Secret beside one that is asked for.
    truths = {"identical" if own == mounted else "different" for own in owned}
    if prediction not in truths:
        raise failed(
            of_guess("W12"),
            text("you predicted “{prediction}”; the two are {truth}", prediction, *truths),
            "a prediction that agrees with the tokens",
            "A Secret held one token for all up to 1.20; today each pod gets its own. Predict again.",
        )
    ours = Token.decode(mounted).flat
    theirs = ours if prediction == "identical" else Token.decode(owned[-1]).flat
    names = ours.keys() | theirs.keys()
    same = {key for key in ours if key in theirs and ours[key] == theirs[key]}
    _require_claims(named, ours)
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
    reads = [request.path for request in evidence.asked if request.reads and request.status == 200]
    mounted = True in pods or any(map(_reads_token, commands))
    own = (
        False in pods
        or f"{path}/serviceaccounts/kikai/token" in paths
        or any(read.startswith(f"{path}/secrets") for read in reads)
    )
    unseen: list[str] = []
    if not mounted:
        unseen.append(text("the token mounted in the pod curl-custom-sa"))
    if not own:
        unseen.append(text("a token that the account kikai was given itself"))
    return unseen
