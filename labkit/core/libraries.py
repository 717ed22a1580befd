"""Libraries that ``kube-labkit-core`` does without; jupyter/pyproject.toml says why it does."""

from importlib.util import find_spec

from .errors import Missing
from .language import text

WITH_JUPYTER = "pip install kube-labkit"
FOR_GRADING = "pip install 'kube-labkit-core[grade]'"


def require(*names: str, install: str = WITH_JUPYTER) -> None:
    """Check that modules are there before a program starts that would fail without them.

    Raises:
        Missing: One is not installed; ``install`` is the way out.
    """
    for name in names:
        if find_spec(name) is None:
            raise missing(name, install)


def missing(name: str, install: str = WITH_JUPYTER) -> Missing:
    """The error for a module that is not installed."""
    return Missing(text("The library {name} is not installed.", name), todo=install)
