"""OpenAPI documents, built on demand from the schema's tables.

``kubectl explain``, ``apply`` and other clients read them.
Source: kube-openapi; KEP-2896 (OpenAPI v3).
"""
