"""Queries the server for a subject's permissions, with SubjectAccessReviews.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from collections.abc import Sequence
from typing import Any

from kube_embedded.rbac.attributes import Attributes
from kube_embedded.rbac.objects import Object

from .policy import Api, PolicyUnreadable

REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


class Unanswered(PolicyUnreadable):
    """The caller has no permission to create SubjectAccessReviews."""

    def __init__(self, status: int, message: str) -> None:
        Exception.__init__(
            self,
            f"The server did not answer an access review ({status}): {message} "
            "Ask with a caller who may create SubjectAccessReviews, such as lab.admin.",
        )
        self.path = REVIEWS
        self.message = message


def review(api: Api, question: Attributes) -> Object:
    """Return ``status`` of a SubjectAccessReview for a question.

    Raises:
        Unanswered: The server did not answer, so it is not known whether the request is allowed.
    """
    reply = api.post(REVIEWS, _review_of(question))
    return _status(reply.status, reply.body)


def reviews(api: Api, questions: Sequence[Attributes]) -> list[Object]:
    """Return ``status`` of a SubjectAccessReview for each question.

    Raises:
        Unanswered: The caller has no permission to create reviews.
    """
    bodies = [_review_of(question) for question in questions]
    return [_status(status, body) for status, body in api.ask_all(REVIEWS, bodies)]


def _status(status: int, body: Any) -> Object:
    # A review is created, so 201 is the only valid status; 429 and 503 are not decisions about the permission.
    if status == 201 and isinstance(body, dict):
        return dict(body.get("status") or {})
    message = body.get("message") or "" if isinstance(body, dict) else body
    raise Unanswered(status, str(message))


def _review_of(question: Attributes) -> Object:
    spec: Object = {"user": question.user.name, "groups": list(question.user.groups)}
    if question.is_resource:
        fields = {
            "namespace": question.namespace,
            "verb": question.verb,
            "group": question.group,
            "resource": question.resource,
            "subresource": question.subresource,
            "name": question.name,
        }
        # The server treats an empty name or namespace as "all", so empty fields are left out, as kubectl auth
        # can-i does.
        spec["resourceAttributes"] = {field: value for field, value in fields.items() if value}
    else:
        spec["nonResourceAttributes"] = {"path": question.path, "verb": question.verb}
    return {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
