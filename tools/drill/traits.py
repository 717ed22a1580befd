"""Traits of a question on which ideas that nobody has listed may depend: who asks, for what, and how it is granted.

Somebody with an idea that is not in the list is wrong about questions that have something in common. The chooser takes
each trait for a nameless idea, so that a listed one is not named where a trait explains the mistakes as well.
"""

from __future__ import annotations

from kube_embedded.rbac.subjects import Subject, subject_matches
from tools.drill.authorizers import NAMED_LISTS, decide, statements
from tools.drill.policies import Draft

TRAITS = (
    "allowed: a list or a watch",
    "allowed: such a one, and what grants it has no get",
    "allowed: by something that holds in the whole cluster alone",
    "allowed: in another namespace than the account's",
    "allowed: and another binding here does not grant it",
    "allowed: to a group alone, and another binding names the account",
    "allowed: to a group alone, in another namespace than the account's",
    "allowed: a subresource",
    "allowed: neither get nor list",
    "allowed: by a ClusterRole in one namespace alone",
    "allowed: Secrets or logs",
    "allowed: to a subject alone that is not the first of its binding",
    "allowed: in an API group that is not the core one",
    "forbidden: and a role here has two rules",
)
"""By number."""


def traits(drawn: Draft, allowed: bool) -> list[int]:
    """The numbers of a draft's traits."""
    asked = drawn.question
    own = [
        each
        for each in statements(drawn.policy)
        if subject_matches(each.entry, asked.user, each.place)
    ]
    here = [each for each in own if each.place in ("", asked.namespace)]
    if not allowed:
        return (
            [TRAITS.index("forbidden: and a role here has two rules")]
            if any(len(s.rules) > 1 for s in here)
            else []
        )
    granting = [each for each in here if decide([each], asked)]
    home = (Subject(asked.user.name).account or ("",))[0]
    listed = asked.verb in NAMED_LISTS
    without_get = not any("get" in rule["verbs"] for each in granting for rule in each.rules)
    away = asked.namespace not in ("", home)
    firsts = [binding["subjects"][0] for binding in drawn.policy.bindings]
    by_group = all(each.entry["kind"] == "Group" for each in granting)
    held = (
        listed,
        listed and without_get,
        bool(asked.namespace) and all(not each.place for each in granting),
        away,
        len(here) > len(granting),
        by_group and len(own) > len(granting),
        by_group and away,
        bool(asked.subresource),
        asked.verb not in ("get", "list"),
        all(each.place and each.kind == "ClusterRole" for each in granting),
        asked.resource == "secrets" or asked.subresource == "log",
        not any(each.entry is first for each in granting for first in firsts),
        bool(asked.group),
    )
    return [number for number, holds in enumerate(held) if holds]
