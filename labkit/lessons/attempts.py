"""Work on a step that its checkpoint does not recognise.

A checkpoint looks for what the step asks for, and for the usual mistakes. A learner who did something else has
tried, too: their last action is shown, and the verdict is "not yet".
"""

from collections.abc import Iterator, Sequence

from labkit.core.language import text

from .base import CheckContext, Outcome, failed
from .evidence import WRITES, Asked
from .steps import objects, position, step_ids

QUESTIONED = ("T1", "T2", "T3")
"""The steps whose work is to write questions."""


def recognised(outcome: Outcome, step: str, context: CheckContext) -> Outcome:
    """Return the verdict on a step, which is not "not attempted" if the learner did something for it.

    Args:
        outcome: The checkpoint's verdict.
        step: Such as ``W17``.
        context: The checkpoint's context.
    """
    # An aside is no step: its answers are all of it.
    if outcome.state != "not attempted" or step not in step_ids():
        return outcome
    steps = context.progress.all()
    earlier = [steps.get(name, {}) for name in step_ids()[: position(step)]]
    # What came before the last pass of an earlier step was work on that one.
    begun = max((entry.get("passed_at", 0.0) for entry in earlier), default=0.0)
    evidence = context.evidence()
    requests = [request for request in _requests(step, context) if request.at > begun]
    commands = [ran for ran in evidence.ran if ran.begun > begun and not objects(step)]
    texts: Sequence[object] = context.progress.records(step)
    if step in QUESTIONED:
        texts = [fact for fact in evidence.facts if fact["at"] > begun]
    kind = "missing-part"
    if requests:
        last = requests[-1]
        kind = "deleted-again" if last.call.verb == "delete" else "asked-for-something-else"
        answer = f"{last.status} {last.message}".strip()
        call = f"{last.text} {last.name}".strip()
        seen = text("{user} asked to {request}: {answer}", last.user, call, answer)
    elif commands:
        seen = text("you ran: {command}", commands[-1].command[-200:])
    elif texts:
        seen = text("you have worked on an answer")
    else:
        return outcome
    return failed(kind, seen, "", outcome.hint).outcome


def _requests(step: str, context: CheckContext) -> Iterator[Asked]:
    """The learner's requests that are work on a step.

    If the step is about objects, these are the writes of such kinds, without those of other steps and of the asides.
    Otherwise it is what was asked after the prediction.
    """
    own = objects(step)
    kinds = {name.partition("/")[0] for name in own}
    others = {name for other in step_ids() for name in objects(other)} - set(own)
    guess = context.progress.entry(step).get("first_guess")
    for request in context.evidence().asked:
        call = request.call
        if not own and guess and request.at > guess["at"]:
            yield request
        if call.verb in WRITES and call.resource in kinds and not call.subresource:
            named = f"{call.resource}/{request.name}"
            if named not in others and "aside" not in f"{call.path} {named}":
                yield request
