"""``/openapi/v2`` and ``/openapi/v3``.

Source: k8s.io/kube-openapi ``pkg/handler`` and ``pkg/handler3``.
"""

import hashlib
from collections.abc import Callable

import orjson

from kube_embedded.machinery.beside import apart
from kube_embedded.machinery.kinds import CustomKind
from kube_embedded.machinery.request import BeginAgain, Request, Response

from ..represent.negotiation import JSON, parse_accept

V2, V3 = "/openapi/v2", "/openapi/v3"
PATHS = (V2, V3, f"{V3}/")
PROTOBUF_V2 = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
TEXT = {"Content-Type": "text/plain; charset=utf-8"}


class OpenApiHandler:
    """Serves the documents, built at the first request for each; ``custom`` returns the custom kinds."""

    def __init__(self, custom: Callable[[], list[CustomKind]] = list) -> None:
        self._custom = custom
        self._kinds: list[CustomKind] = []
        self._made: dict[str, dict[str, bytes]] = {}

    def _once(
        self, request: Request, name: str, make: Callable[[list[CustomKind]], dict[str, bytes]]
    ) -> dict[str, bytes]:
        """Documents of custom kinds, which are made again only when a definition has changed."""
        kinds = self._custom()
        if kinds != self._kinds:
            self._kinds = kinds
            self._made = {}
        if name not in self._made:
            # Building a document of many definitions is slow, and must not block the event loop for other clients.
            if request.in_parts and kinds:
                raise BeginAgain
            with apart():
                self._made[name] = make(kinds)
        return self._made[name]

    def __call__(self, request: Request) -> Response | None:
        """Answer a request for a document; None for any other path."""
        path = request.path
        if path != V2 and path != V3 and not path.startswith(V3 + "/"):
            return None
        # Loaded with the first document.
        from ...openapi import custom, documents

        if path == V2 and self._custom():
            return self._custom_v2(request)
        if path == V2 and _accepted(request, PROTOBUF_V2) == PROTOBUF_V2:
            tag = documents.document_hash("v2/protobuf")
            return _document(request, documents.protobuf_v2(), tag, PROTOBUF_V2)
        if path != V3 and _accepted(request) != JSON:
            return Response(406, {})
        if path == V2:
            return _document(request, documents.document_v2(), documents.document_hash("v2"))
        own = self._once(request, V3, custom.documents)
        if path == V3:
            index = documents.index_v3()
            if own:
                paths = orjson.loads(index)["paths"]
                for name, text in own.items():
                    paths[name] = {"serverRelativeURL": f"{V3}/{name}?hash={_tag(text)}"}
                index = orjson.dumps({"paths": dict(sorted(paths.items()))})
            # The real server sets no type, and Go detects text.
            return Response(200, dict(TEXT), index)
        name = path.removeprefix(V3 + "/")
        if name in own:
            return _document(request, own[name], _tag(own[name]))
        document = documents.document_v3(name)
        if document is None:
            return Response(404, {})
        return _document(request, document, documents.document_hash(name))

    def _custom_v2(self, request: Request) -> Response:
        """Version 2 if there are custom kinds."""
        from ...openapi import custom, documents
        from ...openapi.protobuf import encoded

        form = _accepted(request, PROTOBUF_V2)
        if form not in (PROTOBUF_V2, JSON):
            return Response(406, {})

        def whole(kinds: list[CustomKind]) -> dict[str, bytes]:
            document = custom.with_custom(orjson.loads(documents.document_v2()), kinds)
            return {JSON: orjson.dumps(document)}

        text = self._once(request, V2, whole)[JSON]
        tag = _tag(text + form.encode())
        if form == PROTOBUF_V2:
            text = self._once(request, form, lambda _: {form: encoded(orjson.loads(text))})[form]
        return _document(request, text, tag, form)


def _tag(document: bytes) -> str:
    return hashlib.sha512(document).hexdigest().upper()


def _accepted(request: Request, *others: str) -> str:
    """The first media type that the caller accepts: JSON, or one of the others."""
    accept = request.headers.get("accept", "")
    if not accept:
        return JSON
    for clause in parse_accept(accept):
        if clause.type in ("application", "*") and clause.subtype in ("json", "*"):
            return JSON
        # kubectl still sends the former media type, with an @.
        named = f"{clause.type}/{clause.subtype.replace('@', '.')}"
        if named in others:
            return named
    return ""


def _document(request: Request, document: bytes, tag: str, form: str = JSON) -> Response:
    headers = {"Content-Type": form, "Etag": f'"{tag}"', "Vary": "Accept"}
    asked = request.param("hash")
    # Clients cache documents by their hash; a request with an outdated hash is redirected to the current one.
    if asked and asked != tag:
        return Response(301, {"Location": f"{request.path}?hash={tag}"})
    if asked:
        headers["Cache-Control"] = "public, immutable"
    if f'"{tag}"' in request.headers.get("if-none-match", ""):
        return Response(304, headers)
    return Response(200, headers, document)
