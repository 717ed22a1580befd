"""Sums of the resources of a pod's containers.

Source: k8s.io/component-helpers ``resource/helpers.go``.
"""

from ..quota.amounts import Amounts, add, largest, read
from ..quota.names import HUGE_PAGES
from ..request import Object


def pod_level(name: str) -> bool:
    """Return whether a pod can request a resource as a whole."""
    return name in ("cpu", "memory") or name.startswith(HUGE_PAGES)


def together(spec: Object, kind: str) -> Amounts:
    """``requests`` or ``limits`` of a pod's containers.

    All containers run together; the init containers run before, one by one, sidecars to the end.
    """
    total: Amounts = {}
    for container in spec.get("containers") or ():
        total = add(total, _amounts(container, kind))
    sidecars: Amounts = {}
    start: Amounts = {}
    for container in spec.get("initContainers") or ():
        asked = _amounts(container, kind)
        # A sidecar runs at the same time as the containers, and as the init containers after it.
        if container.get("restartPolicy") == "Always":
            total = add(total, asked)
            sidecars = add(sidecars, asked)
            start = largest(start, sidecars)
        else:
            start = largest(start, add(asked, sidecars))
    return largest(total, start)


def _amounts(container: Object, kind: str) -> Amounts:
    return read((container.get("resources") or {}).get(kind))


def pod_cost(template: Object) -> float:
    """The cost of creating and running a pod, in the units of ``machinery.work``."""
    written = str(template)
    # Roughly the microseconds of this server on an ordinary machine.
    return 8000 + 2000 * written.count("'image': ") + 6 * len(written)
