"""Authorizers beside RBAC, and how several become one."""

from __future__ import annotations

from labkit.rbac.attributes import ALLOWED, NO_OPINION, Attributes, Authorizer, Decision

MASTERS = "system:masters"


def system_masters(question: Attributes) -> Decision:
    """The group ``system:masters`` may do all, whatever the rules say, and no reason is given."""
    return ALLOWED if MASTERS in question.user.groups else NO_OPINION


def first_of(*authorizers: Authorizer) -> Authorizer:
    """Asks each in turn until one allows.

    Nobody denies; where none allows, the reasons of all are joined.
    """

    def authorize(question: Attributes) -> Decision:
        reasons = []
        for authorizer in authorizers:
            decision = authorizer(question)
            if decision.allowed:
                return decision
            if decision.reason:
                reasons.append(decision.reason)
        return Decision(False, "\n".join(reasons)) if reasons else NO_OPINION

    return authorize


def browser_safe(authorize: Authorizer, group: str = "system:authenticated") -> Authorizer:
    """Who is not logged in cannot be given ``proxy``, only ``unsafeproxy``.

    A page behind a proxied address would run in a browser with the API server as its
    origin, so a rule that allows ``pods/proxy`` to everyone does not reach callers
    outside ``group``.
    """

    def safe(question: Attributes) -> Decision:
        verb_changes = question.verb == "proxy"
        subresource_changes = question.subresource == "proxy"
        if not (verb_changes or subresource_changes) or not question.is_resource or group in question.user.groups:
            return authorize(question)
        decision = authorize(
            question._replace(
                verb="unsafeproxy" if verb_changes else question.verb,
                subresource="unsafeproxy" if subresource_changes else question.subresource,
            )
        )
        reasons = [decision.reason] if decision.reason else []
        reasons += ["proxy verb changed to unsafeproxy"] * verb_changes
        reasons += ["proxy subresource changed to unsafeproxy"] * subresource_changes
        return Decision(decision.allowed, ", ".join(reasons))

    return safe
