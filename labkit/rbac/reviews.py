"""Asking the server what somebody may do, with SubjectAccessReviews.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

from collections.abc import Sequence

from labkit.rbac.attributes import Attributes
from labkit.rbac.objects import Object
from labkit.rbac.policy import Api, PolicyUnreadable

REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"


class Unanswered(PolicyUnreadable):
    """The caller may not ask the server what somebody may do."""

    def __init__(self, status: int, message: str) -> None:
        Exception.__init__(
            self,
            f"The server did not answer an access review ({status}): {message} "
            "Ask with a caller who may create SubjectAccessReviews, such as lab.admin.",
        )
        self.path, self.message = REVIEWS, message


def review(api: Api, question: Attributes) -> Object:
    """``status`` of a SubjectAccessReview for a question; empty where the server does not answer."""
    reply = api.post(REVIEWS, _review_of(question))
    return dict(reply.body.get("status") or {}) if reply.status == 201 else {}


def reviews(api: Api, questions: Sequence[Attributes]) -> list[Object]:
    """``status`` of a SubjectAccessReview for each question.

    Raises:
        Unanswered: The caller may not ask.
    """
    found: list[Object] = []
    for status, body in api.ask_all(REVIEWS, [_review_of(question) for question in questions]):
        if status != 201 or not isinstance(body, dict):
            raise Unanswered(
                status, str(body.get("message") or "") if isinstance(body, dict) else str(body)
            )
        found.append(dict(body.get("status") or {}))
    return found


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
        spec["resourceAttributes"] = {field: value for field, value in fields.items() if value}
    else:
        spec["nonResourceAttributes"] = {"path": question.path, "verb": question.verb}
    return {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
