"""The containers of a PodSpec."""

from collections.abc import Iterator

from kube_embedded.machinery.request import Object

CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")


def every_container(spec: Object, path: str = "") -> Iterator[tuple[Object, str]]:
    """Each container of any kind with its path, init containers first."""
    for form in CONTAINER_LISTS:
        for index, container in enumerate(spec.get(form) or ()):
            yield container, f"{path}.{form}[{index}]"
