"""The 403 of a request that was not allowed, with Kubernetes' message.

Source: k8s.io/apiserver ``pkg/endpoints/handlers/responsewriters/errors.go``.
"""

from kube_embedded.rbac.attributes import Attributes

from ...machinery.cache import cached
from ...machinery.golang.quote import go_quote
from ...machinery.status import ApiError, forbidden

NO_SNIFF = {"X-Content-Type-Options": "nosniff"}


def refusal(question: Attributes, reason: str = "") -> ApiError:
    """The error for a request that no rule allows, with the authorizer's reason, such as a missing role."""
    user = question.user.name
    verb = question.verb
    if question.is_resource:
        resource = question.resource + (f"/{question.subresource}" if question.subresource else "")
        words = _resource_sentence(user, verb, resource, question.group, question.namespace)
    else:
        words = _sanitized(f"User {go_quote(user)} cannot {verb} path {go_quote(question.path)}")
    # A missing role is the commonest reason, and the only hint that a learner gets of a misspelt roleRef.
    words += f": {reason}" if reason else ""
    if question.is_resource and question.resource:
        error = forbidden(question.resource, question.group, question.name, words)
    else:
        error = ApiError(
            403,
            "Forbidden",
            f"forbidden: {words}",
            {"name": question.name} if question.name else {},
        )
    error.headers.update(NO_SNIFF)
    return error


@cached(4096)
def _resource_sentence(user: str, verb: str, resource: str, group: str, namespace: str) -> str:
    where = f"in the namespace {go_quote(namespace)}" if namespace else "at the cluster scope"
    return _sanitized(
        f"User {go_quote(user)} cannot {verb} resource {go_quote(resource)} in API group {go_quote(group)} {where}"
    )


def _sanitized(text: str) -> str:
    """Escape HTML characters, because a browser could show the message."""
    if "&" in text or "<" in text or ">" in text:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text
