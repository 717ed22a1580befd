"""Admission of certificate signing requests: the requestor, the rights to approve and sign, and the subjects.

Source: k8s.io/kubernetes ``plugin/pkg/admission/certificates``, ``pkg/registry/certificates``.
"""

from collections.abc import Callable

from typing_extensions import override

from kube_embedded.rbac.attributes import User

from .attributes import Attributes, Plugin

REQUESTS = "certificatesigningrequests.certificates.k8s.io"
MASTERS = "system:masters"
CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client"

MayUseSigner = Callable[[User, str, str], bool]
"""(user, ``approve`` or ``sign``, signer or ``domain/*``) to whether a rule allows it."""


class Requestor(Plugin):
    """Records the caller in a new request, and ignores the names in the request."""

    @override
    def admit(self, attributes: Attributes) -> None:
        if not attributes.concerns(REQUESTS, "CREATE") or attributes.obj is None:
            return
        user = attributes.user
        spec = attributes.obj["spec"]
        for field, value in (
            ("username", user.name),
            ("uid", user.uid),
            ("groups", list(user.groups)),
            ("extra", {key: list(values) for key, values in user.extra.items()}),
        ):
            # Otherwise a caller could ask for a certificate in the name of somebody else.
            spec.pop(field, None)
            if value:
                spec[field] = value


class CertificateRights(Plugin):
    """Requires ``approve`` and ``sign`` on the signer for approving and signing."""

    def __init__(self, may: MayUseSigner) -> None:
        self._may = may

    @override
    def validate(self, attributes: Attributes) -> None:
        old = attributes.old
        new = attributes.obj
        if old is None or new is None or attributes.qualified != REQUESTS:
            return
        signer = old["spec"].get("signerName", "")
        if attributes.concerns(REQUESTS, "UPDATE", subresource="approval"):
            if not self._allowed(attributes.user, "approve", signer):
                raise attributes.refuse(
                    f'user not permitted to approve requests with signerName "{signer}"'
                )
        elif attributes.concerns(REQUESTS, "UPDATE", subresource="status"):
            changed = any(
                (new["status"].get(field) or None) != (old["status"].get(field) or None)
                for field in ("certificate", "conditions")
            )
            if changed and not self._allowed(attributes.user, "sign", signer):
                raise attributes.refuse(
                    f'user not permitted to sign requests with signerName "{signer}"'
                )

    def _allowed(self, user: User, verb: str, signer: str) -> bool:
        # A rule on `example.com/*` is one on all signers of that domain.
        names = (signer, f"{signer.partition('/')[0]}/*")
        return any(self._may(user, verb, name) for name in names)


class CertificateSubjects(Plugin):
    """Refuses client certificates for ``system:masters``, which no RBAC rule could restrict."""

    @override
    def validate(self, attributes: Attributes) -> None:
        if not attributes.concerns(REQUESTS, "CREATE") or attributes.obj is None:
            return
        spec = attributes.obj["spec"]
        # The API server trusts certificates of this signer as client certificates.
        if spec.get("signerName") != CLIENT_SIGNER:
            return
        # Imported here: it needs cryptography, which most servers never load.
        from ...machinery.pki.signing_requests import read_request

        if MASTERS in read_request(spec.get("request") or "").organizations:
            raise attributes.refuse(
                f"use of {CLIENT_SIGNER} signer with {MASTERS} group is not allowed"
            )
