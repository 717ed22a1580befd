"""Names of resources in quotas, limit ranges and containers.

Source: k8s.io/kubernetes ``pkg/apis/core/helper/helpers.go``.
"""

import re

COMPUTE = ("cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory")
EPHEMERAL = ("ephemeral-storage", "limits.ephemeral-storage", "requests.ephemeral-storage")
COUNTED = (
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
)
QUOTA = frozenset((*COMPUTE, *EPHEMERAL, *COUNTED, "requests.storage"))
"""The resources that a quota can limit by a short name."""
STANDARD = QUOTA | {"storage"}
CONTAINER = frozenset(("cpu", "memory", "ephemeral-storage"))
HUGE_PAGES = "hugepages-"
REQUESTS = "requests."
QUALIFIED = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")
SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


def huge_pages(name: str) -> bool:
    """Return whether a quota's resource is huge pages."""
    return name.startswith((HUGE_PAGES, REQUESTS + HUGE_PAGES))


def standard(name: str) -> bool:
    """Return whether a resource has a meaning without a prefix."""
    return name in STANDARD or huge_pages(name)


def standard_in_quota(name: str) -> bool:
    """Return whether a quota can limit a resource without a prefix."""
    return name in QUOTA or huge_pages(name)


def standard_in_container(name: str) -> bool:
    """Return whether a container can request a resource without a prefix."""
    return name in CONTAINER or name.startswith(HUGE_PAGES)


def native(name: str) -> bool:
    """Return whether a resource belongs to Kubernetes."""
    return "/" not in name or "kubernetes.io/" in name


def extended(name: str) -> bool:
    """Return whether a resource is an extended one, such as ``example.com/gpu``."""
    if native(name) or name.startswith(REQUESTS):
        return False
    prefix, _, rest = (REQUESTS + name).partition("/")
    return (
        len(prefix) <= 253
        and SUBDOMAIN.fullmatch(prefix) is not None
        and len(rest) <= 63
        and QUALIFIED.fullmatch(rest) is not None
    )


def whole(name: str) -> bool:
    """Return whether amounts of a resource must be integers."""
    return name in COUNTED or extended(name)
