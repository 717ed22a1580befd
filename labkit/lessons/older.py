"""The worked cells on an older Kubernetes, where the write-up's answers are still the right ones.

Up to 1.23 a cluster makes a token Secret for every account, and up to 1.20 it mounts that
Secret into pods. A cluster is asked which of it it does; nobody goes by its version.
Source: https://kubernetes.io/docs/concepts/security/service-accounts/#legacy-tokens
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from labkit.caller import Caller

NAMESPACE = "/api/v1/namespaces/default"

FROM_SECRET = """\
from base64 import b64decode

account = lab.admin.get("/api/v1/namespaces/default/serviceaccounts/kikai")
secret = lab.admin.get("/api/v1/namespaces/default/secrets/" + account.body["secrets"][0]["name"])
own = lab.token(b64decode(secret.body["data"]["token"]).decode())"""


def makes_secrets(admin: Caller) -> bool:
    """Whether the cluster makes a token Secret for every account."""
    answer = admin.get(f"{NAMESPACE}/serviceaccounts/default")
    found = answer.body.get("secrets") or () if answer.status == 200 else ()
    return any(str(each.get("name")).startswith("default-token-") for each in found)


def mounts_secrets(admin: Caller) -> bool:
    """Whether the pod of W11 has its account's token Secret mounted."""
    answer = admin.get(f"{NAMESPACE}/pods/curl-custom-sa")
    volumes = answer.body["spec"].get("volumes") or () if answer.status == 200 else ()
    return any("-token-" in (each.get("secret") or {}).get("secretName", "") for each in volumes)


CHANGES: Mapping[str, tuple[Callable[[Caller], bool], Mapping[str, str]]] = {
    "W10": (makes_secrets, {'predict("W10", "no")': 'predict("W10", "yes")'}),
    "W12": (
        mounts_secrets,
        {
            'predict("W12", "different")': 'predict("W12", "identical")',
            'own = lab.token("default/kikai")': FROM_SECRET,
        },
    ),
}
"""For a step: when another answer is right, and what to write instead."""


def cells(step: str, worked: Sequence[str], admin: Caller) -> list[str]:
    """The worked cells as they are right on this cluster.

    Args:
        step: Such as ``W10``.
        worked: The notebook's solved cells.
        admin: Asks the cluster.
    """
    holds, changes = CHANGES.get(step, (None, {}))
    if holds is None or not holds(admin):
        return list(worked)
    changed = list(worked)
    for old, new in changes.items():
        changed = [cell.replace(old, new) for cell in changed]
    return changed
