"""Why a request is allowed or forbidden: sentences that explain it, and choices of which one is true."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from kube_embedded.rbac import rules
from kube_embedded.rbac.attributes import Attributes
from kube_embedded.rbac.bindings import Grant
from kube_embedded.rbac.objects import Object, binding_title, namespace_of, role_title
from kube_embedded.rbac.subjects import Subject, subject_matches
from labkit.core.language import Text, text
from labkit.rbac.explain import NearMiss, grants, near_misses
from labkit.rbac.policy import Policy
from labkit.rbac.words import rule_text
from tools.drill.authorizers import NAMED_LISTS
from tools.drill.policies import CLUSTER_SCOPED

REASONS = {
    "verb": "{rule} does not have this verb.",
    "resource": "{rule} is for another resource.",
    "group": "{rule} is for another API group.",
    "name": "{rule} is for named objects, and the request is not for one of them.",
    "namespace": "{binding} holds in a different namespace from the request.",
    "scope": "{binding} grants only inside its namespace.",
    "subject": "{binding} names other subjects.",
    "unbound": "No binding names {role}.",
    "missing role": "{binding} refers to a role that does not exist.",
}
"""Why a request is forbidden, by the near miss."""
FIELDS = {"verb", "resource", "group", "name"}
"""What is said of a rule."""

RULE, RULE_BY_NUMBER = RULES = "The rule of {role}", "Rule {number} of {role}"
ALLOWS = "{binding} allows it."
NO_REASONS = ("What no rule forbids is allowed.", "A role is enough, without a binding.")
"""Why a request is allowed, in the words of somebody who is wrong."""

AFTERWARDS = "After these bindings were made, the account {account} was deleted and created again."
MOST_SENTENCES = 4


def note(asked: Attributes) -> str:
    """What the policy does not show."""
    return text(AFTERWARDS, _account(asked))


def explanation(policy: Policy, asked: Attributes, allowed: bool) -> list[str]:
    """What grants the request, and what nearly does, as the X-ray says it."""
    misses = list(_misses(policy, asked))
    if not allowed:
        sentences = [miss.why for miss in misses] or [
            text("Nothing grants it, and nothing nearly does.")
        ]
        return [*sentences[:MOST_SENTENCES], *_besides_what_forbids(asked, misses)]
    granting = list(grants(policy, asked))
    grant = granting[0]
    values = (grant.binding_title, grant.subject_title, grant.role_title, rule_text(grant.rule))
    others = {grant.binding_title for grant in granting}
    beside = [
        miss.why
        for miss in misses
        if miss.what != "unbound" and _values(miss)["binding"] not in others
    ]
    return [
        text("{binding} gives {subject} the {role}: {rule}.", *values),
        *_besides(grant, asked),
        *beside[:1],
    ]


def _misses(policy: Policy, asked: Attributes) -> Iterator[NearMiss]:
    """The near misses, but for roles that are bound elsewhere; the rules of a role with several have their numbers."""
    bound = {role_title(binding) for binding in policy.bindings}
    numbers = {
        binding_title(binding): _near_rules(policy.role_of(binding), asked)
        for binding in policy.bindings
    }
    for miss in near_misses(policy, asked):
        values = _values(miss)
        if miss.what in FIELDS and (number := next(numbers[str(values["binding"])], 0)):
            why = text("{binding}, rule {number}: {why}", values["binding"], number, values["why"])
            yield NearMiss(miss.what, why)
        elif miss.what != "unbound" or values["role"] not in bound:
            yield miss


def _near_rules(role: Object | None, asked: Attributes) -> Iterator[int]:
    """The numbers of a role's rules in which one field does not fit, in their order; none if there is one rule."""
    of_role = role["rules"] if role else []
    return (
        number
        for number, rule in enumerate(of_role, 1)
        if len(of_role) > 1 and len(_wrong(rule, asked)) == 1
    )


def _values(miss: NearMiss) -> dict[str, object]:
    return dict(miss.why.values) if isinstance(miss.why, Text) else {}


def _besides(grant: Grant, asked: Attributes) -> Iterator[str]:
    """What a learner has to know so that a grant is one."""
    if grant.entry["kind"] == "Group":
        yield text(
            "{account} is in this group, as each service account of its namespace is.",
            _account(asked),
        )
        if asked.user.uid:
            yield text("So is the new account.")
    elif asked.user.uid:
        yield text("A binding names an account by its name, and the new account has the same name.")
    if asked.verb in NAMED_LISTS and asked.name and grant.rule.get("resourceNames"):
        yield text("The field selector names {name}, so resourceNames can allow it.", asked.name)
    if asked.namespace and not namespace_of(grant.binding):
        yield text("A ClusterRoleBinding holds in every namespace.")


def _besides_what_forbids(asked: Attributes, misses: list[NearMiss]) -> Iterator[str]:
    """What a learner has to know, or what looks as if it decided and does not."""
    if asked.user.uid:
        yield text(
            "That the account is new changes nothing: a binding names an account by its name."
        )
    if asked.resource in CLUSTER_SCOPED and any(miss.what == "scope" for miss in misses):
        yield text("{resource} belong to no namespace.", asked.resource)
    if asked.verb in NAMED_LISTS and asked.name and any(miss.what == "verb" for miss in misses):
        yield text("A request with a field selector is still a {verb}.", asked.verb)


def _account(asked: Attributes) -> str:
    return "/".join(Subject(asked.user.name).account or ())


def reasons(r: Random, policy: Policy, asked: Attributes, allowed: bool) -> list[str]:
    """What decided it first, then two wrong answers; none where there are too few, or nothing nearly allows it."""
    if allowed:
        granting = [grant.binding_title for grant in grants(policy, asked)]
        others = [title for title in map(binding_title, policy.bindings) if title not in granting]
        return [
            text(ALLOWS, granting[0]),
            *[*(text(ALLOWS, title) for title in others), *map(text, NO_REASONS)][:2],
        ]
    nearest = next(_misses(policy, asked), None)
    if nearest is None:
        return []
    values = _values(nearest)
    of = values["role" if nearest.what == "unbound" else "binding"]
    if nearest.what in FIELDS:
        of = _rule(
            next(role_title(each) for each in policy.bindings if binding_title(each) == of),
            values.get("number"),
        )
    false = {
        text(REASONS[what], of)
        for of, true in _true(policy, asked)
        for what in REASONS.keys() - true
    }
    return [text(REASONS[nearest.what], of), *r.sample(sorted(false), 2)] if len(false) > 1 else []


def _true(policy: Policy, asked: Attributes) -> Iterator[tuple[str, set[str]]]:
    """Of each binding, rule and role, the reasons that are true of it, or that somebody could take for true."""
    for binding in policy.bindings:
        role, place, title = policy.role_of(binding), namespace_of(binding), binding_title(binding)
        true = {"unbound", "scope", *FIELDS} if place else {"unbound", *FIELDS}
        if place and place != asked.namespace:
            true |= {"namespace"}
        if not any(subject_matches(entry, asked.user, place) for entry in binding["subjects"]):
            true |= {"subject"}
        if role is None:
            continue
        yield title, true
        for number, rule in enumerate(role["rules"], 1):
            wrong = _wrong(rule, asked)
            alike = {"group", "resource"} if wrong & {"group", "resource"} else set()
            selected = {"name"} if asked.verb in NAMED_LISTS and asked.name else set()
            of_rule = _rule(role_title(binding), number if len(role["rules"]) > 1 else None)
            yield of_rule, REASONS.keys() - FIELDS | wrong | alike | selected
    yield from ((role_title(binding), REASONS.keys() - {"unbound"}) for binding in policy.bindings)


def _rule(role: str, number: object) -> str:
    """What a rule is called: by its number if its role has several."""
    return text(RULE_BY_NUMBER, number, role) if number else text(RULE, role)


def _wrong(rule: Object, asked: Attributes) -> set[str]:
    """The fields in which a rule does not fit."""
    fits = {
        "verb": rules.verb_matches(rule, asked.verb),
        "group": rules.group_matches(rule, asked.group),
        "resource": rules.resource_matches(rule, asked.resource, asked.subresource),
        "name": rules.name_matches(rule, asked.name),
    }
    return {field for field, is_right in fits.items() if not is_right}
