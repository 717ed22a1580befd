"""OpenID documents, with which others verify the cluster's tokens.

Source: k8s.io/kubernetes ``pkg/serviceaccount/openidmetadata.go``,
``pkg/routes/openidmetadata.go``; OpenID Connect Discovery 1.0.
"""

from collections.abc import Callable

import orjson

from kube_embedded.machinery.request import Request, Response
from kube_embedded.machinery.status import ApiError, method_not_allowed

from ...authentication.claims import ISSUER
from ...authentication.signer import ALGORITHM, TokenSigner

CONFIGURATION = "/.well-known/openid-configuration"
KEY_SET = "/openid/v1/jwks"
TYPES = {CONFIGURATION: "application/json", KEY_SET: "application/jwk-set+json"}
CACHE = {"Cache-Control": "public, max-age=3600"}


class OpenIdDocuments:
    """Serves the issuer's description and its public keys."""

    def __init__(self, signer: TokenSigner, address: Callable[[Request], str]) -> None:
        self._signer = signer
        self._address = address

    def __call__(self, request: Request) -> Response | None:
        """Answer a request for one of the two documents; None for any other path."""
        path = request.path.removesuffix("/")
        content_type = TYPES.get(path)
        if content_type is None:
            return None
        # Not even HEAD: the real server registers these paths for GET alone.
        if request.method != "GET":
            raise method_not_allowed()
        if not accepts(request.headers.get("accept", ""), content_type):
            text = f"406: Not Acceptable\n\nAvailable representations: {content_type}"
            raise ApiError(406, "NotAcceptable", text, {})
        document: object = self._signer.key_set()
        if path == CONFIGURATION:
            document = {
                "issuer": ISSUER,
                "jwks_uri": f"https://{self._address(request)}{KEY_SET}",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
            }
        return Response(200, {"Content-Type": content_type, **CACHE}, orjson.dumps(document))


def accepts(accept: str, content_type: str) -> bool:
    """Return whether an ``Accept`` header allows a content type."""
    allowed = ("*/*", f"{content_type.partition('/')[0]}/*", content_type)
    ranges = accept.lower().split(",")
    return not accept.strip() or any(part.split(";")[0].strip() in allowed for part in ranges)
