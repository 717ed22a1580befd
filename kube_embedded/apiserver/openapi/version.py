"""The version of Kubernetes that the server implements."""

import platform

from ...machinery.releases import Release
from ...machinery.request import Object

MAJOR, MINOR = "1", "36"
GIT_VERSION = "v1.36.2"
"""The release that the answers are compared with."""


def version_info(release: Release) -> Object:
    """``/version``. The build fields say that this is not a Go program."""
    minor = int(release.git_version.split(".")[1])
    return {
        "major": MAJOR,
        "minor": str(minor),
        "emulationMajor": MAJOR,
        "emulationMinor": str(minor),
        "minCompatibilityMajor": MAJOR,
        "minCompatibilityMinor": str(minor - 1),
        "gitVersion": release.git_version,
        "gitCommit": "kube-embedded",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": "gc",
        "platform": f"{platform.system().lower()}/{platform.machine().lower()}",
    }
