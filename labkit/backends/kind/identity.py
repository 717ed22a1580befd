"""Create the identity of the lab's own requests to a kind cluster, so that the audit log shows the learner.

Otherwise most events of the log would be the lab's own. An audit policy cannot filter by ``User-Agent``, only by
user: the authenticated user, even if that one impersonates another. So the lab asks as a user with a client
certificate of its own, and ``audit-policy.yaml`` leaves that user out. It may do what the administrator may, whose
kubeconfig lies beside its credential.
Sources: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/,
https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/
"""

import base64
import time
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kube_embedded.rbac.objects import BOOTSTRAPPING
from labkit.client.answer import Answer
from labkit.client.client import Client
from labkit.client.transport import Credentials
from labkit.core.errors import LabkitError
from labkit.core.home import read_json, write_json
from labkit.core.language import text

USER = "labkit:lab"
FILE = "identity.json"
SIGNER = "kubernetes.io/kube-apiserver-client"
SIGN_SECONDS = 30.0

RBAC = "/apis/rbac.authorization.k8s.io/v1"
REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"


def read(directory: Path) -> Credentials | None:
    """Return the identity's credential; None if the cluster has no such identity."""
    kept = read_json(directory / FILE)
    return Credentials(certificate=str(kept["certificate"]), key=str(kept["key"])) if kept else None


def create(admin: Client, directory: Path) -> None:
    """Create an identity with the rights of ``cluster-admin``, and store its credential.

    Args:
        admin: The administrator.
        directory: The directory for the credential's file, which only the user can read.

    Raises:
        LabkitError: When the server refuses, or does not sign the certificate in time.
    """
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": USER}]
    # Labelled like the objects of every cluster, or graphs and explanations would show it as the learner's.
    metadata = {"name": USER, "labels": {BOOTSTRAPPING: "labkit"}}
    binding = {"metadata": metadata, "roleRef": role, "subjects": subjects}
    _body(admin.post(f"{RBAC}/clusterrolebindings", binding))
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    write_json(directory / FILE, {"certificate": _sign(admin, key), "key": pem})


def _sign(admin: Client, key: ec.EllipticCurvePrivateKey) -> str:
    """Return a certificate for the key, signed by the cluster."""
    # No organization, so the user is in no group but system:authenticated.
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, USER)])
    request = (
        x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    )
    # Without expirationSeconds the certificate is valid for a year (--cluster-signing-duration).
    spec = {
        "request": base64.b64encode(request.public_bytes(Encoding.PEM)).decode(),
        "signerName": SIGNER,
        # The signer demands "client auth", and accepts "key encipherment" too, which serves RSA keys alone.
        "usages": ["digital signature", "client auth"],
    }
    body = _body(admin.post(REQUESTS, {"metadata": {"generateName": "labkit-"}, "spec": spec}))
    path = f"{REQUESTS}/{body['metadata']['name']}"
    approval = {
        "type": "Approved",
        "status": "True",
        "reason": "Lab",
        "message": text("The lab asks by it."),
    }
    deadline = time.monotonic() + SIGN_SECONDS
    try:
        _body(admin.put(f"{path}/approval", {**body, "status": {"conditions": [approval]}}))
        while not (certificate := _body(admin.get(path)).get("status", {}).get("certificate")):
            if time.monotonic() > deadline:
                raise LabkitError(
                    "The cluster signs no certificate.",
                    why=text("waited {seconds} s", f"{SIGN_SECONDS:g}"),
                    todo="Look at the pod kube-controller-manager.",
                )
            time.sleep(0.1)
    finally:
        # The controller manager would remove the approved request only after an hour.
        admin.delete(path)
    return base64.b64decode(certificate).decode()


def _body(answer: Answer) -> dict[str, Any]:
    """Return the object of an answer.

    Raises:
        ApiFailure: When the server refused.
    """
    answer.raise_for_status(
        text("The lab's own identity needs {method} {path}.", answer.method, answer.path)
    )
    return dict(answer.body)
