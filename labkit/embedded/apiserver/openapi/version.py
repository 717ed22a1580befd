"""Which Kubernetes this server speaks."""

from __future__ import annotations

import platform

from labkit.embedded.machinery.request import Object

MAJOR, MINOR = "1", "36"
GIT_VERSION = "v1.36.2"
"""The release whose answers are the yardstick; clients compare it with their own."""


def version_info() -> Object:
    """``/version``. What was built with which Go says that this is not Go at all."""
    return {
        "major": MAJOR,
        "minor": MINOR,
        "emulationMajor": MAJOR,
        "emulationMinor": MINOR,
        "minCompatibilityMajor": MAJOR,
        "minCompatibilityMinor": "35",
        "gitVersion": GIT_VERSION,
        "gitCommit": "labkit",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": f"python{platform.python_version()}",
        "compiler": "gc",
        "platform": f"{platform.system().lower()}/{platform.machine().lower()}",
    }
