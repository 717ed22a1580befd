"""Authorizers other than RBAC, and the union of several authorizers."""

from kube_embedded.rbac.attributes import ALLOWED, NO_OPINION, Attributes, Authorizer, Decision
from kube_embedded.rbac.subjects import AUTHENTICATED, MASTERS


def system_masters(question: Attributes) -> Decision:
    """Allow everything to the group ``system:masters``, whatever the rules say, without a reason.

    Source: k8s.io/apiserver ``pkg/authorization/authorizerfactory``, ``NewPrivilegedGroups``.
    """
    # Not a rule of RBAC: deleting every binding does not lock administrators out.
    return ALLOWED if MASTERS in question.user.groups else NO_OPINION


def first_of(*authorizers: Authorizer) -> Authorizer:
    """An authorizer that tries others in turn until one allows the request.

    No authorizer denies; if none allows the request, the reasons of all are joined.

    Source: k8s.io/apiserver ``pkg/authorization/union``.
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


def restrict_proxies(authorize: Authorizer) -> Authorizer:
    """Ask for ``unsafeproxy`` instead of ``proxy`` where the caller is not logged in.

    A page behind a proxied address would run in a browser with the API server as its origin. So a rule that
    allows ``pods/proxy`` to everyone must not reach callers who are not logged in.
    """

    def restricted(question: Attributes) -> Decision:
        verb_changes = question.verb == "proxy"
        subresource_changes = question.subresource == "proxy"
        logged_in = AUTHENTICATED in question.user.groups
        if logged_in or not (verb_changes or subresource_changes) or not question.is_resource:
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

    return restricted
