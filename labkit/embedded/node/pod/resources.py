"""``resourceFieldRef``: the resources of a container as a variable or a file.

Source: k8s.io/kubernetes ``pkg/api/v1/resource/helpers.go``.
"""

from __future__ import annotations

from labkit.embedded.machinery.request import Object
from labkit.embedded.machinery.schema.values import amount


def resource_value(pod: Object, container: Object, reference: Object, node: Object | None) -> str:
    """The value of a ``resourceFieldRef``, in whole units of its divisor, rounded up.

    Args:
        pod: The pod.
        container: The container itself.
        reference: The reference: resource, container name, divisor.
        node: Its node, whose allocatable resources stand for missing limits.
    """
    named = reference.get("containerName")
    for one in (*(pod["spec"].get("containers") or ()), *(pod["spec"].get("initContainers") or ())):
        if named and one["name"] == named:
            container = one
    kind, _, name = str(reference.get("resource") or "").partition(".")
    found = ((container.get("resources") or {}).get(kind) or {}).get(name)
    if found is None and kind == "limits" and node is not None:
        found = ((node.get("status") or {}).get("allocatable") or {}).get(name)
    divisor = amount(reference.get("divisor") or "1") or amount("1")
    return str(-(-amount(found or "0") // divisor))
