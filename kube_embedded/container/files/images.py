"""The table of images, ``images.json``: nothing is pulled from a registry.

``labkit/pod`` keeps the name that pods in labkit's lessons and in learners' clusters have.

An image is known by its name without registry, tag and digest. An unknown one cannot be
pulled, and its pod goes to ``ImagePullBackOff`` as if it did not exist.

A row has the fields of :class:`~kube_embedded.container.files.image.Image`, but for its programs: its ``base`` has
most of them, and it can ``add`` and ``remove`` some. ``@name`` means one of the lists of programs or packages.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from kube_embedded.files import read_json

from ...machinery.image_reference import parse_reference
from .image import Account, Image

_TABLE: Mapping[str, Any] = read_json(__file__, "images.json")
FILES = {name: text.encode() for name, text in _TABLE["files"].items()}
"""Texts of the images' files. The authority stands for the public ones; it has signed nothing."""
CONTENTS = {name: tuple(programs.split()) for name, programs in _TABLE["contents"].items()}
"""Packages that can be added, and the programs in them."""
_LISTS: Mapping[str, list[str]] = {**_TABLE["programs"], "packages": _TABLE["packages"]}


def _names(text: str) -> frozenset[str]:
    lists = (" ".join(_LISTS[word[1:]]) if word.startswith("@") else word for word in text.split())
    return frozenset(" ".join(lists).split())


_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    "packages": _names,
    "entrypoint": tuple,
    "command": tuple,
    "environment": lambda given: tuple(given.items()),
    "users": lambda names: tuple(Account(*_TABLE["accounts"][name]) for name in names.split()),
    "serves": lambda ports: tuple((port, server) for port, server in ports),
}
"""Functions that convert fields of a row; other fields are used unchanged."""


def _image(row: Mapping[str, Any], known: Mapping[str, Image]) -> Image:
    base = known[row["base"]] if "base" in row else Image("", "none")
    fields = {name: value for name, value in row.items() if name not in ("base", "add", "remove")}
    read = {
        name: _FIELDS[name](value) if name in _FIELDS else value for name, value in fields.items()
    }
    programs = base.programs | _names(row.get("add", ""))
    return replace(base, programs=programs - _names(row.get("remove", "")), **read)


IMAGES: dict[str, Image] = {}
"""Names (without registry, tag and digest) and their images."""

for _name, _row in _TABLE["images"].items():
    IMAGES[_name] = _image(_row, IMAGES)

_REGISTRIES = re.compile(
    r"^(?:docker\.io/|index\.docker\.io/|registry\.k8s\.io/|k8s\.gcr\.io/|public\.ecr\.aws/docker/|mirror\.gcr\.io/|localhost/)"
)

PRELOADED = {name: _image(row, IMAGES) for name, row in _TABLE["preloaded"].items()}
"""Images that lie on the node already, as ``kind load docker-image`` puts them there.

They are used where the pull policy does not ask the registry first. So ``image: ubuntu`` of
the walkthrough (no tag, thus policy ``Always``) is Ubuntu as it is published, without curl,
while ``ubuntu:latest`` with ``IfNotPresent`` is what the recorded cluster's node held under
that name: Debian 13 with bash, curl and procps.
"""


def find_image(text: str, policy: str) -> Image | None:
    """The image for a reference and a pull policy, or None if it cannot be pulled."""
    reference = parse_reference(text)
    if reference is None:
        return None
    # With the policy Always the kubelet queries the registry, even if the node has the image.
    if policy != "Always" and reference.full in PRELOADED:
        return PRELOADED[reference.full]
    name = _REGISTRIES.sub("", f"{reference.registry}/{reference.repository}").removeprefix(
        "library/"
    )
    image = IMAGES.get(name)
    if image is None and reference.registry in ("registry.k8s.io", "k8s.gcr.io"):
        image = IMAGES.get(name.rpartition("/")[2])
    return image
