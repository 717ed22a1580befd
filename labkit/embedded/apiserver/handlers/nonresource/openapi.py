"""``/openapi/v2`` and ``/openapi/v3``.

Source: k8s.io/kube-openapi ``pkg/handler`` and ``pkg/handler3``.
"""

from __future__ import annotations

from labkit.embedded.apiserver.handlers.represent.negotiation import JSON, parse_accept
from labkit.embedded.machinery.request import Request, Response

V2, V3 = "/openapi/v2", "/openapi/v3"
PATHS = (V2, V3, f"{V3}/")
PROTOBUF_V2 = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
TEXT = {"Content-Type": "text/plain; charset=utf-8"}


class OpenApiHandler:
    """Serves the documents, built at the first request for each."""

    def __call__(self, request: Request) -> Response | None:
        """Answer a request for a document; None for any other path."""
        path = request.path
        if path != V2 and path != V3 and not path.startswith(V3 + "/"):
            return None
        # Loaded with the first document.
        from labkit.embedded.apiserver.openapi.documents import (
            document_hash,
            document_v2,
            document_v3,
            index_v3,
            protobuf_v2,
        )

        if path == V3:
            # The real server sets no type, and Go detects text.
            return Response(200, dict(TEXT), index_v3())
        if path == V2 and _accepted(request, PROTOBUF_V2) == PROTOBUF_V2:
            return _document(request, protobuf_v2(), document_hash("v2/protobuf"), PROTOBUF_V2)
        if _accepted(request) != JSON:
            return Response(406, {})
        if path == V2:
            return _document(request, document_v2(), document_hash("v2"))
        name = path.removeprefix(V3 + "/")
        document = document_v3(name)
        return _document(request, document, document_hash(name)) if document is not None else Response(404, {})


def _accepted(request: Request, *others: str) -> str:
    """The first media type that the caller accepts: JSON, or one of the others."""
    accept = request.headers.get("accept", "")
    if not accept:
        return JSON
    for clause in parse_accept(accept):
        if clause.type in ("application", "*") and clause.subtype in ("json", "*"):
            return JSON
        # kubectl still asks for the former name, with an @.
        named = f"{clause.type}/{clause.subtype.replace('@', '.')}"
        if named in others:
            return named
    return ""


def _document(request: Request, document: bytes, tag: str, form: str = JSON) -> Response:
    headers = {"Content-Type": form, "Etag": f'"{tag}"', "Vary": "Accept"}
    asked = request.param("hash")
    if asked and asked != tag:
        return Response(301, {"Location": f"{request.path}?hash={tag}"})
    if asked:
        headers["Cache-Control"] = "public, immutable"
    if f'"{tag}"' in request.headers.get("if-none-match", ""):
        return Response(304, headers)
    return Response(200, headers, document)
