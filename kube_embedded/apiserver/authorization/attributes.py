"""The attributes of a request that an authorizer decides on."""

from kube_embedded.rbac.attributes import Attributes, User

from ...machinery.request import RequestInfo


def attributes_of(user: User, info: RequestInfo) -> Attributes:
    """The question that a request puts to the authorizer.

    Source: k8s.io/apiserver ``pkg/endpoints/filters/authorization.go``, ``GetAuthorizerAttributes``.
    """
    if not info.is_resource:
        return Attributes(user, info.verb, path=info.path)
    question = Attributes(
        user,
        info.verb,
        info.group,
        info.version,
        info.resource,
        info.subresource,
        info.namespace,
        info.name,
    )
    return question._replace(fields=info.fields) if info.fields else question
