"""Refuses writes into namespaces that are missing or terminating, and the deletion of system namespaces.

Source: k8s.io/apiserver ``pkg/admission/plugin/namespace/lifecycle``.
"""

from typing_extensions import override

from ...machinery.status import forbidden, not_found
from .attributes import Attributes, ReadingPlugin

# A review must not tell callers which namespaces exist, so it is answered for missing ones too.
REVIEWS = ("localsubjectaccessreviews",)


class NamespaceLifecycle(ReadingPlugin):
    """Refuses writes into namespaces that are missing or ending."""

    @override
    def admit(self, attributes: Attributes) -> None:
        is_namespace = attributes.resource == "namespaces" and not attributes.group
        # Deletions go on while a namespace terminates: otherwise it would never be empty.
        if attributes.operation == "DELETE":
            # kube-node-lease is not among them in the real server either.
            if is_namespace and attributes.name in ("default", "kube-system", "kube-public"):
                raise forbidden(
                    "namespaces", "", attributes.name, "this namespace may not be deleted"
                )
            return
        if is_namespace or not attributes.namespace or attributes.resource in REVIEWS:
            return
        namespace = self._lookup("namespaces", "", attributes.namespace)
        if namespace is None:
            raise not_found("namespaces", "", attributes.namespace)
        if attributes.operation != "CREATE" or namespace["status"].get("phase") != "Terminating":
            return
        error = attributes.refuse(
            f"unable to create new content in namespace {attributes.namespace} because it is being terminated"
        )
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {attributes.namespace} is being terminated",
            "field": "metadata.namespace",
        }
        error.details = {**(error.details or {}), "causes": [cause]}
        raise error
