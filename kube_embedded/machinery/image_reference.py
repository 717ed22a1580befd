"""The names of images, as pods write them.

Source: github.com/distribution/reference; k8s.io/kubernetes ``pkg/util/parsers``.
"""

import re
from dataclasses import dataclass

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<name>(?:(?:{_NAME}(?:\.{_NAME})*|\[[A-Fa-f0-9:]+\])(?::[0-9]+)?/)?{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>sha256:[a-f0-9]{64}|sha384:[a-f0-9]{96}|sha512:[a-f0-9]{128}))?"
)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
MAX_PATH = 255
# Ours: the search in a longer name would take long. Its parts would be too long in any case.
MAX_NAME = 1000


@dataclass(frozen=True, slots=True)
class Reference:
    """An image's name, taken apart: the registry (``docker.io`` by default), the path there, and the tag or digest.

    ``pulls_latest``: the tag is ``latest``, or there is neither tag nor digest.
    """

    registry: str
    repository: str
    tag: str
    pulls_latest: bool = False

    @property
    def full(self) -> str:
        """The name a container runtime shows."""
        separator = "@" if ":" in self.tag else ":"
        return f"{self.registry}/{self.repository}{separator}{self.tag}"


def _split(text: str) -> tuple[str, str]:
    """The registry of a name, and the rest."""
    head, slash, rest = text.partition("/")
    # Docker's rule for telling a host from the first part of a path: github.com/distribution/reference.
    if slash and ("." in head or ":" in head or head == "localhost" or head != head.lower()):
        registry = "docker.io" if head == "index.docker.io" else head
    else:
        registry = "docker.io"
        rest = text
    return registry, f"library/{rest}" if registry == "docker.io" and "/" not in rest else rest


def reference_problem(text: str) -> str:
    """The problem of a name that :func:`parse_reference` refuses."""
    if _IDENTIFIER.fullmatch(text):
        return f"invalid repository name ({text}), cannot specify 64-byte hexadecimal strings"
    # containerd names the most common mistake, an upper-case letter, and no other.
    path = _split(text)[1].partition(":")[0]
    detail = f": repository name ({path}) must be lowercase" if path != path.lower() else ""
    return f"invalid reference format{detail}"


def parse_reference(text: str) -> Reference | None:
    """Parse the name of an image; None if it is not valid (``InvalidImageName``)."""
    match = (
        _REFERENCE.fullmatch(text)
        if len(text) <= MAX_NAME and not _IDENTIFIER.fullmatch(text)
        else None
    )
    if match is None:
        return None
    registry, repository = _split(match["name"])
    if len(repository) > MAX_PATH:
        return None
    tag = match["digest"] or match["tag"] or "latest"
    return Reference(registry, repository, tag, "latest" in (tag, match["tag"]))
