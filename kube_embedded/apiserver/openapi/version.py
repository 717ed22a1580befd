"""The version of Kubernetes that the server implements."""

import platform

from ...machinery.request import Object

MAJOR, MINOR = "1", "36"
GIT_VERSION = "v1.36.2"
"""The release that the answers are compared with."""


def version_info() -> Object:
    """``/version``. The build fields say that this is not a Go program."""
    return {
        "major": MAJOR,
        "minor": MINOR,
        "emulationMajor": MAJOR,
        "emulationMinor": MINOR,
        "minCompatibilityMajor": MAJOR,
        "minCompatibilityMinor": "35",
        "gitVersion": GIT_VERSION,
        "gitCommit": "kube-embedded",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": "gc",
        "platform": f"{platform.system().lower()}/{platform.machine().lower()}",
    }
