"""OpenID documents, with which others verify the cluster's tokens.

Source: k8s.io/kubernetes ``pkg/serviceaccount/openidmetadata.go``,
``pkg/routes/openidmetadata.go``; OpenID Connect Discovery 1.0.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson

from labkit.embedded.apiserver.authentication.claims import ISSUER
from labkit.embedded.apiserver.authentication.signer import ALGORITHM, TokenSigner
from labkit.embedded.machinery.request import Request, Response
from labkit.embedded.machinery.status import ApiError, method_not_allowed

CONFIGURATION = "/.well-known/openid-configuration"
KEY_SET = "/openid/v1/jwks"
CACHE = {"Cache-Control": "public, max-age=3600"}


class OpenIdDocuments:
    """Serves the issuer's description and its public keys."""

    def __init__(self, signer: TokenSigner, address: Callable[[Request], str]) -> None:
        self._signer = signer
        self._address = address

    def __call__(self, request: Request) -> Response | None:
        """Answer a request for one of the two documents; None for any other path."""
        path = request.path.removesuffix("/")
        if path == CONFIGURATION:
            return self._respond(request, "application/json", self._configuration(request))
        if path == KEY_SET:
            return self._respond(request, "application/jwk-set+json", self._signer.key_set())
        return None

    def _configuration(self, request: Request) -> object:
        return {
            "issuer": ISSUER,
            "jwks_uri": f"https://{self._address(request)}{KEY_SET}",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
        }

    def _respond(self, request: Request, content_type: str, document: object) -> Response:
        if request.method != "GET":
            raise method_not_allowed()
        if not accepts(request.headers.get("accept", ""), content_type):
            text = f"406: Not Acceptable\n\nAvailable representations: {content_type}"
            raise ApiError(406, "NotAcceptable", text, {})
        return Response(200, {"Content-Type": content_type, **CACHE}, orjson.dumps(document))


def accepts(accept: str, content_type: str) -> bool:
    """Whether an ``Accept`` header allows a content type."""
    if not accept.strip():
        return True
    family = content_type.split("/")[0]
    offered = (part.split(";")[0].strip().lower() for part in accept.split(","))
    return any(one in ("*/*", f"{family}/*", content_type) for one in offered)
