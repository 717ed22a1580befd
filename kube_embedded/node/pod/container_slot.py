"""A container of a pod: its state across restarts."""

from dataclasses import dataclass, field

from ...container.container import Container
from ...container.files.image import Image
from ...container.logs import Log
from ...container.main_process import MainProcess
from ...machinery.request import Object


@dataclass(slots=True)
class Slot:
    """A container of a pod by its spec, and its state as in the status, across its restarts."""

    spec: Object
    state: Object
    init: bool = False
    ephemeral: bool = False
    last: Object = field(default_factory=dict)
    restarts: int = 0
    id: str = ""
    image: Image | None = None
    container: Container | None = None
    process: MainProcess | None = None
    log: Log | None = None
    previous: Log | None = None
    started_at: float = 0.0
    due: float = 0.0
    """When to restart it or to pull again, infinity for never."""
    back_off: float = 0.0
    shift_at: float = float("inf")
    """When a crashed container's state becomes ``CrashLoopBackOff``."""

    def wait(self, reason: str, message: str) -> None:
        """Set its state ``waiting``."""
        self.state = {"waiting": {"message": message, "reason": reason}}

    @property
    def name(self) -> str:
        """The container's name."""
        return str(self.spec["name"])

    @property
    def field_path(self) -> str:
        """Its field in the pod's spec, as in events."""
        kind = "ephemeralContainers" if self.ephemeral else "containers"
        if self.init:
            kind = "initContainers"
        return f"spec.{kind}{{{self.name}}}"

    @property
    def sidecar(self) -> bool:
        """Return whether it is a sidecar: an init container that restarts always."""
        return self.init and self.spec.get("restartPolicy") == "Always"

    @property
    def passed(self) -> bool:
        """Return whether the next init container can start."""
        if self.sidecar:
            # A sidecar that has crashed does not block the others: it will restart.
            return self.running or bool(self.last)
        return self.ended is not None and not self.ended["exitCode"]

    @property
    def pull_policy(self) -> str:
        """Its image pull policy."""
        return str(self.spec.get("imagePullPolicy") or "IfNotPresent")

    @property
    def running(self) -> bool:
        """Return whether it runs."""
        return (
            self.process is not None and self.process.status is None and self.container is not None
        )

    @property
    def ready(self) -> bool:
        """Return whether it is ready; an init container is when it has succeeded."""
        if self.init and not self.sidecar:
            return self.passed
        return self.running and not self.ephemeral

    @property
    def ended(self) -> Object | None:
        """Its state ``terminated``, if it has ended."""
        terminated: Object | None = self.state.get("terminated")
        return terminated

    def restartable(self, policy: str) -> bool:
        """Return whether it restarts under a restart policy."""
        if self.ended is None:
            return True
        if self.ephemeral:
            return False
        if self.init:
            return self.sidecar or (bool(self.ended["exitCode"]) and policy != "Never")
        return policy == "Always" or (policy == "OnFailure" and bool(self.ended["exitCode"]))
