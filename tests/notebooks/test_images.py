"""The images of the pods that the texts create: a node without a registry has the lab's alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labkit.backends.podimage import PLAYED

ROOT = Path(__file__).resolve().parents[2]
TEXTS = [
    *sorted((ROOT / "notebooks" / "source").glob("*.py")),
    *sorted((ROOT / "labkit").rglob("exercises/**/*.py")),
    *sorted((ROOT / "clusters" / "lessons").rglob("*.yaml")),
]
IMAGE = re.compile(r"""["']?\bimage["']?: *([^\s,}]+)""")


def of_file(path: Path) -> list[tuple[str, str]]:
    """Return the cells of code, or the manifest, each with an image that it has."""
    cells = re.split(r"^# %%", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    cells = [cell for cell in cells if not cell.startswith(" [markdown]")]
    return [(cell, image) for cell in cells for image in IMAGE.findall(cell)]


FOUND = [(path.name, cell, image) for path in TEXTS for cell, image in of_file(path)]


@pytest.mark.parametrize(("name", "cell", "image"), FOUND)
def test_an_image_is_the_lab_s(name: str, cell: str, image: str) -> None:
    # `apply` replaces these images; a request by a caller's own `post` is sent as it is.
    replaced = PLAYED if "lab.apply" in cell or name.endswith(".yaml") else ()
    assert image == "lab.image" or image.strip("\"'").partition(":")[0] in replaced, cell


def test_both_kinds_are_met() -> None:
    images = {image for _, _, image in FOUND}
    assert "lab.image" in images
    assert "luksa/kubectl-proxy" in images
