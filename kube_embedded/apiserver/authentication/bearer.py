"""Bearer tokens, in the ``Authorization`` header or as a WebSocket subprotocol.

A browser cannot set headers on a WebSocket, so its token is one of the subprotocols, in addition to at least one
other:
``base64url.bearer.authorization.k8s.io.<token>``. A scheme other than ``Bearer`` counts as no credential.

Source: k8s.io/apiserver ``pkg/authentication/request/{bearertoken,websocket}``.
"""

import base64
import binascii
from collections.abc import Callable

from kube_embedded.rbac.attributes import User

from ...machinery.request import Request
from ...machinery.status import unauthorized
from .identity import TokenIdentity
from .signer import BadToken

PROTOCOL_PREFIX = "base64url.bearer.authorization.k8s.io."
SPACE_WARNING = (
    "the provided Authorization header contains extra space before the bearer token, and is ignored"
)


def header_token(header: str) -> str | None:
    """The token of an ``Authorization`` header, None without one."""
    parts = header.strip().split(" ", 2)
    if len(parts) < 2 or parts[0].lower() != "bearer":
        return None
    return parts[1] or None


def warn_of_ignored_header(request: Request) -> None:
    """Warn of a header that is ignored because of an extra space.

    The real server looks for its loopback token first, so a caller with a certificate is warned too.
    """
    parts = request.headers.get("authorization", "").strip().split(" ", 2)
    if len(parts) == 3 and parts[0].lower() == "bearer" and not parts[1]:
        request.warnings.append(SPACE_WARNING)


def protocol_token(request: Request) -> str | None:
    """Return the token among a WebSocket's subprotocols; None if there is none.

    Raises:
        ApiError: 401: several tokens, a malformed token, or no other subprotocol.
    """
    if request.headers.get("upgrade", "").lower() != "websocket":
        return None
    offered = [
        part.strip() for part in request.headers.get("sec-websocket-protocol", "").split(",")
    ]
    tokens = [
        part.removeprefix(PROTOCOL_PREFIX) for part in offered if part.startswith(PROTOCOL_PREFIX)
    ]
    if not tokens or tokens == [""]:
        return None
    others = [part for part in offered if not part.startswith(PROTOCOL_PREFIX)]
    # The server must choose a protocol from the others: the token itself must never be echoed in a response.
    if len(tokens) > 1 or not others:
        raise unauthorized()
    encoded = tokens[0]
    if "=" in encoded:  # only the form without padding counts
        raise unauthorized()
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise unauthorized() from error


class BearerAuthenticator:
    """Authenticates callers with a bearer token."""

    def __init__(self, authenticate: Callable[[str], TokenIdentity]) -> None:
        self._authenticate = authenticate

    def __call__(self, request: Request) -> User | None:
        """The token's user, None without a token; 401 if it is invalid."""
        token = header_token(request.headers.get("authorization", ""))
        if token is None:
            token = protocol_token(request)
        if token is None:
            return None
        try:
            identity = self._authenticate(token)
        except BadToken as error:
            raise unauthorized() from error
        for key, value in identity.annotations.items():
            request.annotate(key, value)
        request.warnings.extend(identity.warnings)
        return identity.user
