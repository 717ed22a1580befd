"""The files of a learner's ``LABKIT_HOME``, which names the cluster to use."""

import base64
import json
from functools import lru_cache
from pathlib import Path

from kube_embedded import Keys


def home_files(
    url: str, keys: Keys, lab_home: Path, *, at_once: bool = True, pods: bool = True
) -> dict[str, str]:
    """Make the files of a ``LABKIT_HOME`` in which a cluster is chosen already, so that ``Lab()`` uses it.

    Args:
        url: The cluster's URL.
        keys: Sign a new administrator's certificate.
        lab_home: The path that the directory will have.
        at_once: Whether controllers have acted on a change before it is answered, as in an embedded cluster.
        pods: Whether pods run there.

    Returns:
        The text of each file, by its path in the directory.
    """
    config = kubeconfig_text(url, keys)
    chosen = {"kubeconfig": str(lab_home / "admin.conf"), "context": "labkit", "prefix": ""}
    facts = {
        "user": "kubernetes-admin",
        "anonymous": True,
        "part5": True,
        "at_once": at_once,
        "pods": pods,
    }
    in_use = {**chosen, "server": url, **facts}
    return {
        "admin.conf": config,
        "backend.json": json.dumps({"backend": "existing", **chosen}),
        "existing/kubeconfig": config,
        "existing/cluster.json": json.dumps(in_use),
    }


@lru_cache(8)
def kubeconfig_text(url: str, keys: Keys) -> str:
    """Make an administrator's kubeconfig; clusters of one authority share a certificate."""
    # Cached, because signing is slower than all the rest; with a template, address and keys are always the same.
    certificate, key = keys.client_certificate("kubernetes-admin", ("system:masters",))
    cluster = {"server": url, "certificate-authority-data": _encode(keys.ca_certificate)}
    user = {"client-certificate-data": _encode(certificate), "client-key-data": _encode(key)}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "labkit", "cluster": cluster}],
        "users": [{"name": "kubernetes-admin", "user": user}],
        "contexts": [
            {"name": "labkit", "context": {"cluster": "labkit", "user": "kubernetes-admin"}}
        ],
        "current-context": "labkit",
    }
    # JSON is YAML, and is written ten times as fast.
    return json.dumps(document)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode()
