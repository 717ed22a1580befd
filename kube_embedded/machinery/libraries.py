"""The libraries of the extra ``full``, which make the server faster or let it read more than JSON.

A server does without any of them. Only this module looks whether they are installed; the others ask it.
"""

from importlib.util import find_spec


def _is_installed(name: str) -> bool:
    return find_spec(name) is not None


YAML = _is_installed("yaml")
# Other distributions have modules in the package google, too.
PROTOBUF = _is_installed("google") and _is_installed("google.protobuf")
REGEX = _is_installed("regex")
UVLOOP = _is_installed("uvloop")


def missing(library: str) -> str:
    """The problem of what a library is missing for, with the way out."""
    return f"the library {library} is not installed: pip install 'kube-embedded[full]'"
