"""Why a container is not started: its configuration, or a volume of its pod."""


class PodProblem(Exception):
    """Something in a pod does not work; its text is such as ``secret "x" not found``."""


class ConfigProblem(PodProblem):
    """A variable or the user of a container is not valid: ``CreateContainerConfigError``."""


class VolumeProblem(PodProblem):
    """A volume cannot be set up: the pod stays in ``ContainerCreating``."""
