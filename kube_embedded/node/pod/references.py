"""The config maps and secrets that a pod's variables and volumes refer to."""

import base64
from typing import NamedTuple

from ...machinery.request import Object
from ..api import ClusterApi
from .problems import PodProblem

RESOURCES = {"configMap": "configmaps", "secret": "secrets"}


class Reference(NamedTuple):
    """A reference to a ``configMap`` or a ``secret``, and the object found: None if it is missing and optional."""

    kind: str
    spec: Object
    found: Object | None


def resolve(
    api: ClusterApi, namespace: str, source: Object, problem: type[PodProblem], suffix: str = ""
) -> Reference | None:
    """Find the config map or secret in a source's field such as ``secretKeyRef``, None if it has no such field.

    Raises ``problem`` if the object is missing and not optional.
    """
    for kind, resource in RESOURCES.items():
        spec = source.get(kind + suffix)
        if spec is not None:
            name = spec.get("name") or ""
            found = api.get(resource, namespace, name)
            # The kubelet retries until the object exists: a pod can be created before its config map.
            if found is None and not spec.get("optional"):
                raise problem(f'{resource[:-1]} "{name}" not found')
            return Reference(kind, spec, found)
    return None


def decode(kind: str, value: str) -> bytes:
    """A value of ``data``."""
    return base64.b64decode(value) if kind == "secret" else value.encode()
