"""OpenAPI documents, built on demand from the schema's tables.

``kubectl explain``, ``apply`` and other clients read them.
Source: kube-openapi; KEP-2896 (OpenAPI v3).
"""

from labkit.apiserver.openapi.documents import document_v2, document_v3, index_v3
from labkit.apiserver.openapi.handler import OpenApiHandler

__all__ = ["OpenApiHandler", "document_v2", "document_v3", "index_v3"]
