"""Kinds of mistakes: one list for the lessons' checks, the exercises and class overviews.

``mistakes.yaml`` has them: each with a name, a sentence, the step that answers it, and the wrong idea behind it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from kube_embedded.rbac.parts import Part, covers
from kube_embedded.rbac.rules import Rule
from kube_embedded.rbac.subjects import ANONYMOUS, AUTHENTICATED, UNAUTHENTICATED
from labkit.core.language import text
from labkit.core.yaml_file import read_yaml
from labkit.rbac.difference import Allowance, Excess

EVERYBODY = {AUTHENTICATED, UNAUTHENTICATED}
DEFAULT_ROLES = {f"ClusterRole/{name}" for name in ("view", "edit", "admin", "cluster-admin")}


@dataclass(frozen=True, slots=True)
class Mistake:
    """A kind of mistake.

    Args:
        id: Such as ``watch-added``.
        name: In a few words.
        says: A sentence for the learner; its placeholders are filled by an excess.
        step: The step or aside that answers it, such as ``W17``.
        idea: The wrong idea behind it.
        guess: The steps whose wrong prediction is this mistake.
    """

    id: str
    name: str
    says: str
    step: str
    idea: str
    guess: tuple[str, ...] = ()


@cache
def mistakes() -> Mapping[str, Mistake]:
    """All kinds by their ids, in the order of the file."""
    entries = read_yaml(__file__, "mistakes.yaml").items()
    return {
        key: Mistake(key, **{**entry, "guess": tuple(entry.get("guess", ()))})
        for key, entry in entries
    }


def of_guess(step: str) -> str:
    """The kind of mistake that a wrong prediction of a step is."""
    return next((mistake.id for mistake in mistakes().values() if step in mistake.guess), "")


def of_excess(excess: Excess, allowances: Sequence[Allowance]) -> str:
    """Return the kind of mistake of a permission beyond the allowances.

    Args:
        excess: The permission, of whom, where, and by which binding.
        allowances: The permissions that are allowed to be granted.
    """
    who = excess.who
    part = excess.part
    # PolicyDifference leaves the binding out if a role itself was widened.
    if not excess.binding:
        return "default-role-grown"
    if who.user == ANONYMOUS or (not who.user and EVERYBODY.intersection(who.groups[:1])):
        return "everybody"
    if not who.user:
        return "group-instead-of-account"
    # From here on a named user or account got a permission; its allowances decide on the kind of mistake.
    own = [
        allowance
        for allowance in allowances
        if allowance.who is None or allowance.who.user == who.user
    ]
    fitting = [allowance for allowance in allowances if allowance.role in ("", excess.role)]
    fitting = [
        allowance for allowance in fitting if any(covers(rule, part) for rule in allowance.rules)
    ]
    if any(allowance in own for allowance in fitting):
        return "another-place" if excess.namespace else "cluster-wide"
    if fitting or not own:
        meant = [
            allowance.who
            for allowance in fitting
            if allowance.namespaces is None or excess.namespace in allowance.namespaces
        ]
        names = {
            allowance.account[1]
            for allowance in meant
            if allowance is not None and allowance.account
        }
        return "account-elsewhere" if who.account and who.account[1] in names else "another-account"
    if excess.role in DEFAULT_ROLES:
        return "larger-role"
    # A rule of view says nothing about what another role was to hold.
    meant_for = [allowance for allowance in own if allowance.role in ("", excess.role)]
    return _of_part(part, [rule for allowance in meant_for for rule in allowance.rules])


def _of_part(part: Part, rules: Sequence[Rule]) -> str:
    # First, because a * covers any of the kinds below.
    if "*" in (part.verb, part.group, part.resource, part.path):
        return "everything"
    if any(rule.get("resourceNames") for rule in rules) and not part.names:
        unnamed = [
            {key: value for key, value in rule.items() if key != "resourceNames"} for rule in rules
        ]
        if any(covers(rule, part) for rule in unnamed):
            return "without-names"
    if any(part.resource in (rule.get("resources") or ()) for rule in rules):
        return "watch-added" if part.verb == "watch" else "verb-added"
    if part.resource == "secrets":
        return "secrets-added"
    return "subresource-added" if "/" in part.resource else "resource-added"


def excess_text(excess: Excess, kind: str) -> str:
    """The sentence of a kind, about one excess."""
    return text(
        mistakes()[kind].says,
        who=excess.subject,
        what=excess.permission,
        where=excess.namespace or text("the whole cluster"),
        binding=excess.binding,
        role=excess.role,
    )
