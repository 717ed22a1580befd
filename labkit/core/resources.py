"""Where the files that are not Python lie: in a checkout, and in an installed wheel.

A checkout keeps ``notebooks/`` and ``clusters/`` beside the package; a wheel carries
them as ``labkit/_data/notebooks`` and ``labkit/_data/clusters``. Nobody else in labkit
needs to know which of the two it is.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def folder(name: str) -> Path:
    """The folder of that name, wherever labkit is installed.

    Args:
        name: A top-level data folder, such as ``"clusters"`` or ``"notebooks"``.

    Returns:
        An existing directory. It may be read-only.

    Raises:
        FileNotFoundError: This installation does not carry the folder.
    """
    for candidate in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(
        f"labkit's folder {name!r} is missing beside {_PACKAGE}: install the wheel, or run from a checkout"
    )


def clusters() -> Path:
    """The manifests and cluster configurations (``clusters/``)."""
    return folder("clusters")


def notebooks() -> Path:
    """The learner's notebooks (``notebooks/*.ipynb``)."""
    return folder("notebooks")
