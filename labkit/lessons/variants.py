"""The solved cells for clusters on which another answer is right.

Up to 1.23 a cluster creates a token Secret for every account, and up to 1.20 it mounts that Secret into pods, as
described in the write-up. Some clusters, k3s among them, have no anonymous
access: they return 401 where others return 403. The cluster's behaviour decides, not its
version or maker.
Source: https://kubernetes.io/docs/concepts/security/service-accounts/#legacy-tokens,
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests
"""

from collections.abc import Callable, Mapping, Sequence

from .base import CheckContext

NAMESPACE = "/api/v1/namespaces/default"

FROM_SECRET = """\
from base64 import b64decode

account = lab.admin.get("/api/v1/namespaces/default/serviceaccounts/kikai")
secret = lab.admin.get("/api/v1/namespaces/default/secrets/" + account.body["secrets"][0]["name"])
own = lab.token(b64decode(secret.body["data"]["token"]).decode())"""


def refuses_anonymous(context: CheckContext) -> bool:
    """Return whether a request without credentials gets a 401 before authorization."""
    # Since 1.14 /api is open to whoever is authenticated, and not to system:anonymous: 403, or 401 without it.
    return context.as_anonymous().get("/api").status == 401


def makes_secrets(context: CheckContext) -> bool:
    """Return whether the cluster creates a token Secret for every account."""
    answer = context.admin.get(f"{NAMESPACE}/serviceaccounts/default")
    found = answer.body.get("secrets") or () if answer.status == 200 else ()
    return any(str(volume.get("name")).startswith("default-token-") for volume in found)


def mounts_secrets(context: CheckContext) -> bool:
    """Return whether the token Secret of its account is mounted in the pod of W11."""
    answer = context.admin.get(f"{NAMESPACE}/pods/curl-custom-sa")
    volumes = answer.body["spec"].get("volumes") or () if answer.status == 200 else ()
    return any(
        "-token-" in (volume.get("secret") or {}).get("secretName", "") for volume in volumes
    )


CHANGES: Mapping[str, tuple[Callable[[CheckContext], bool], Mapping[str, str]]] = {
    "W2": (refuses_anonymous, {'"no token": "forbidden"': '"no token": "unauthorized"'}),
    "W7": (refuses_anonymous, {'predict("W7", "forbidden")': 'predict("W7", "unauthorized")'}),
    "W10": (makes_secrets, {'predict("W10", "no")': 'predict("W10", "yes")'}),
    "W12": (
        mounts_secrets,
        {
            'predict("W12", "different")': 'predict("W12", "identical")',
            'own = lab.token("default/kikai")': FROM_SECRET,
            '"whom it is meant for": "aud"': '"whom it is meant for": "none"',
            '"when it ends": "exp"': '"when it ends": "none"',
            '"which pod has it": "kubernetes.io.pod.name"': '"which pod has it": "none"',
        },
    ),
}
"""A step to the condition under which another answer is right, and what to write instead."""


def cells(step: str, worked: Sequence[str], context: CheckContext) -> list[str]:
    """The solved cells of a step, adapted to this cluster."""
    holds, changes = CHANGES.get(step, (None, {}))
    if holds is None or not holds(context):
        return list(worked)
    changed = list(worked)
    for old, new in changes.items():
        # In the text of cells, because the demo shows them before it runs them.
        changed = [cell.replace(old, new) for cell in changed]
    return changed
