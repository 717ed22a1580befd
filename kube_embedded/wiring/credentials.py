"""The credentials of a cluster: how it issues them, and recognizes them."""

from functools import partial

from ..apiserver.admission.attributes import Lookup
from ..apiserver.authentication.bearer import BearerAuthenticator, warn_of_ignored_header
from ..apiserver.authentication.claims import IssuedToken, TokenIssuer
from ..apiserver.authentication.legacy import LAST_USED, LegacyTokens
from ..apiserver.authentication.serviceaccounts import ServiceAccountTokens
from ..apiserver.authentication.signer import TokenSigner
from ..apiserver.authentication.x509 import CertificateAuthenticator
from ..apiserver.filters.pipeline import Authenticator
from ..apiserver.registry.registry import Registry
from ..machinery.kinds import BY_RESOURCE
from ..machinery.objects import labels_of
from ..machinery.request import Object

SECRETS = BY_RESOURCE["", "v1", "secrets"]


class Credentials:
    """Tokens and certificates; ``ca_certificate`` (PEM) is of the CA that signs clients' certificates."""

    def __init__(
        self, registry: Registry, lookup: Lookup, signer: TokenSigner, ca_certificate: bytes
    ) -> None:
        clock = registry.clock
        self._lookup = lookup
        self.issuer = TokenIssuer(signer, clock, registry.new_uid)
        legacy = LegacyTokens(lookup, clock, partial(_mark_used, registry))
        self.tokens = ServiceAccountTokens(signer, lookup, clock, legacy)
        certificates = CertificateAuthenticator(ca_certificate, clock)
        self.renew = certificates.renew
        self.authenticators: tuple[Authenticator, ...] = (
            warn_of_ignored_header,  # authenticates no one: records other credentials
            certificates,  # before tokens: the certificate wins if both are sent
            BearerAuthenticator(self.tokens),
        )

    def issue_pod_token(
        self, pod: Object, account: Object, audience: str, expiration_seconds: int
    ) -> IssuedToken:
        """Issue a token for a pod's volume, as the kubelet requests it; an empty audience is the API server."""
        node = pod["spec"].get("nodeName")
        return self.issuer.issue(
            account,
            [audience] if audience else [],
            expiration_seconds,
            pod=pod,
            node=(self._lookup("nodes", "", node) or {"metadata": {"name": node}})
            if node
            else None,
        )


def _mark_used(registry: Registry, secret: Object, date: str) -> None:
    """Label a legacy token's Secret with the day of its last use."""
    labels = {**labels_of(secret), LAST_USED: date}
    registry.edit(
        SECRETS, secret, "kube-apiserver", lambda obj: obj["metadata"].update(labels=labels)
    )
