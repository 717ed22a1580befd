"""The state of a pod: whether its containers run, and the tokens that they can read.

Source: https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken
"""

from collections.abc import Iterator
from urllib.parse import quote

from labkit.client.manifests import TOKEN_SECRET
from labkit.core.language import text

from .checks import GradedCluster
from .task import Object

OF_SERVER = "https://kubernetes.default.svc"
"""The beginning of the API server's own audience."""

ACCOUNT = "kubernetes.io/service-account.name"


def not_running(pod: Object) -> str:
    """Say why a pod does not run, as a sentence; empty when it does."""
    status = pod.get("status") or {}
    if status.get("phase") != "Running":
        return text("Its phase is {phase}.", status.get("phase"))
    for container in status.get("containerStatuses") or ():
        state = container.get("state") or {}
        if "running" not in state:
            why = next((entry.get("reason") for entry in state.values()), "")
            return text("Its container {name} does not run: {why}.", container["name"], why)
    return ""


def mounted_tokens(pod: Object, context: GradedCluster, *, for_server: bool = False) -> list[str]:
    """List the accounts whose tokens a container of the pod mounts.

    With ``for_server``, only tokens that the API server accepts, not those for another audience.
    """
    spec = pod["spec"]
    containers = [
        *spec["containers"],
        *(spec.get("initContainers") or ()),
        *(spec.get("ephemeralContainers") or ()),
    ]
    mounted = {
        mount["name"] for container in containers for mount in container.get("volumeMounts") or ()
    }
    volumes = [volume for volume in spec.get("volumes") or () if volume["name"] in mounted]
    return [
        account for volume in volumes for account in _in_volume(volume, pod, context, for_server)
    ]


def _in_volume(
    volume: Object, pod: Object, context: GradedCluster, for_server: bool
) -> Iterator[str]:
    projected = (volume.get("projected") or {}).get("sources") or ()
    for source in projected:
        token = source.get("serviceAccountToken")
        if token is not None and not (for_server and _for_others(token)):
            yield str(pod["spec"].get("serviceAccountName") or "default")
    names = [(source.get("secret") or {}).get("name") for source in projected]
    secrets = f"/api/v1/namespaces/{pod['metadata']['namespace']}/secrets"
    for name in filter(None, [(volume.get("secret") or {}).get("secretName"), *names]):
        # A pod can name a Secret that could not exist; quoted, it is not found, instead of being a bad request.
        secret = context.find(f"{secrets}/{quote(name, safe='')}")
        if secret and secret.get("type") == TOKEN_SECRET:
            yield str((secret["metadata"].get("annotations") or {}).get(ACCOUNT))


def _for_others(token: Object) -> bool:
    return not str(token.get("audience") or OF_SERVER).startswith(OF_SERVER)
