"""The names of images, as pods write them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_REFERENCE = re.compile(
    r"(?P<name>(?:[a-zA-Z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True, slots=True)
class Reference:
    """An image's name, taken apart: the registry (``docker.io`` by default), the path there, and the tag or digest."""

    registry: str
    repository: str
    tag: str

    @property
    def full(self) -> str:
        """The name a container runtime shows."""
        separator = "@" if self.tag.startswith("sha256:") else ":"
        return f"{self.registry}/{self.repository}{separator}{self.tag}"


def reference_problem(text: str) -> str:
    """The problem of a name that :func:`parse_reference` refuses."""
    head, slash, rest = text.partition("/")
    own = slash and ("." in head or ":" in head or head == "localhost")
    path = (rest if own else text if slash else f"library/{text}").partition(":")[0].partition("@")[0]
    detail = f": repository name ({path}) must be lowercase" if path != path.lower() else ""
    return f"invalid reference format{detail}"


def parse_reference(text: str) -> Reference | None:
    """Parse the name of an image; None if it is not valid (``InvalidImageName``)."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        return None
    name = match["name"]
    head, slash, rest = name.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        registry, repository = head, rest
    else:
        registry, repository = "docker.io", name if slash else f"library/{name}"
    return Reference(registry, repository, match["digest"] or match["tag"] or "latest")
