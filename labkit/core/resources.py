"""Find the data folders, in a checkout and in an installed wheel.

A checkout has ``notebooks/`` and ``clusters/`` next to the package; a wheel has them as
``labkit/_data/notebooks`` and ``labkit/_data/clusters``.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def folder(name: str) -> Path:
    """Return the path of a top-level data folder, such as ``clusters``, which can be read-only.

    Raises:
        FileNotFoundError: When this installation lacks the folder.
    """
    # The wheel's own folder first: next to an installed package there can be another one's `notebooks`.
    for candidate in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(
        f"labkit's folder {name!r} is missing beside {_PACKAGE}: install the wheel, or run from a checkout"
    )


def clusters() -> Path:
    """Return the manifests and cluster configurations (``clusters/``)."""
    return folder("clusters")


def notebooks() -> Path:
    """Return the learner's notebooks (``notebooks/*.ipynb``)."""
    return folder("notebooks")
