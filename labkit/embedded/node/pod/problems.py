"""Why a container is not made: its configuration, or a volume of its pod."""

from __future__ import annotations


class ConfigProblem(Exception):
    """A variable cannot be had: ``CreateContainerConfigError``.

    Args:
        message: For example ``secret "x" not found``.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class VolumeProblem(Exception):
    """A volume cannot be set up; the pod waits in ``ContainerCreating``.

    Args:
        message: For example ``configmap "x" not found``.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message
