"""Security contexts: users and groups of containers, and owners of a volume's files.

Sources: k8s.io/kubernetes ``pkg/kubelet/kuberuntime/security_context.go``, ``pkg/volume/volume_linux.go``.
"""

from ...container.files.image import Image
from ...machinery.request import Object
from .problems import ConfigProblem


def context(spec: Object, container: Object) -> Object:
    """The security context of a container: its own, over the pod's."""
    # Field by field, as ``DetermineEffectiveSecurityContext`` does.
    return {**(spec.get("securityContext") or {}), **(container.get("securityContext") or {})}


def check_user(pod: Object, container: Object, image: Image) -> None:
    """Enforce ``runAsNonRoot``; ``ConfigProblem`` if the container would run as root."""
    security = context(pod["spec"], container)
    if not security.get("runAsNonRoot"):
        return
    metadata = pod["metadata"]
    where = f'(pod: "{metadata["name"]}_{metadata["namespace"]}({metadata["uid"]})", container: {container["name"]})'
    user = security.get("runAsUser")
    if user == 0:
        raise ConfigProblem(f"container's runAsUser breaks non-root policy {where}")
    if user is None and not image.user:
        raise ConfigProblem(f"container has runAsNonRoot and image will run as root {where}")


def groups(spec: Object) -> list[int]:
    """The supplemental groups of a pod's containers."""
    security = spec.get("securityContext") or {}
    value = {int(item) for item in security.get("supplementalGroups") or ()}
    if security.get("fsGroup") is not None:
        value.add(int(security["fsGroup"]))
    return sorted(value)


def common_user(spec: Object) -> int | None:
    """The one ``runAsUser`` of all containers, if there is one: it owns mounted tokens."""
    containers = [*(spec.get("initContainers") or ()), *spec["containers"]]
    # With several users the kubelet cannot choose an owner, so the token is readable for all.
    users = {context(spec, item).get("runAsUser") for item in containers}
    return users.pop() if len(users) == 1 else None


def file_group(spec: Object) -> int | None:
    """The group that owns a pod's volumes (``fsGroup``)."""
    value = (spec.get("securityContext") or {}).get("fsGroup")
    return int(value) if value is not None else None
