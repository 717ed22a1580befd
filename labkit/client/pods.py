"""Run commands in pods, read their logs and tokens, wait for them.

On a real cluster a pod takes a moment to start: a command waits until its pod is ready. On the
embedded cluster pods are ready at once.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from labkit.core.display import Card, Displayable, Row
from labkit.core.errors import ApiFailure, ExecFailed
from labkit.core.language import listed, text

from .answer import Answer
from .client import Client
from .exec.command import run, run_shell
from .exec.completed import SHELLS, CompletedExec
from .object_names import habit, pod_name, pod_path

# DefaultAPITokenMountPath in plugin/pkg/admission/serviceaccount/admission.go.
MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
"""The directory of a container's service account files."""

NO_TOKEN = text(
    "Look for automountServiceAccountToken: false in the pod's spec, or in its account."
)

# The kubelet's reasons: pkg/kubelet/images/types.go.
NO_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName"})
"""The waiting reasons of a container whose image cannot be pulled."""

ADVICE = {
    "CrashLoopBackOff": 'Its command keeps ending. Give it one that stays: ["sleep", "9999999"].'
}
"""The advice for a waiting container, by its reason."""

NOT_READY = text("Wait longer, or see what its events say: lab.kubectl or lab.admin.get.")

# Not read once and for all: the kubelet replaces the file after 80 % of the token's life, or 24 hours.
# https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/
TOKEN_SECONDS = 10.0
"""The time after which a pod's token is read again."""

POLL_SECONDS = 0.2
QUIET_SECONDS = 2.0
"""The time after which a wait is reported."""


@dataclass(frozen=True, repr=False)
class ReadyPod(Displayable):
    """A pod that is ready.

    Args:
        name: As ``namespace/name``.
        body: The pod.
    """

    name: str
    body: Mapping[str, Any] = field(compare=False)

    def card(self) -> Card:
        """Return a card with the pod's containers and its service account."""
        spec = self.body["spec"]
        containers = ", ".join(f"{each['name']} ({each['image']})" for each in spec["containers"])
        rows = [
            Row("containers", containers),
            Row("runs as", str(spec.get("serviceAccountName", ""))),
        ]
        return Card(text("The pod {name} is ready", self.name), "good", rows)


class Pods:
    """The pods of a cluster.

    Args:
        admin: The administrator, without observers.
        patience_seconds: The longest time until the cluster shows a change; 0 on an embedded one.
        run: False when the cluster runs no pods, so that ``wait`` fails at once.
        image: The lab's own image, which needs no registry; empty without one.
        report: Called with a line of progress when a wait takes long.
    """

    def __init__(
        self,
        admin: Client,
        patience_seconds: float,
        *,
        run: bool = True,
        image: str = "",
        report: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._admin = admin
        self._image = image
        self._report = report
        self._run = run
        self._patience_seconds = patience_seconds
        self._shells: dict[str, str] = {}

    def exec(
        self,
        pod: str,
        command: str | Iterable[str],
        *,
        container: str | None = None,
        **options: Any,
    ) -> CompletedExec:
        """Run a command in a container; see ``Lab.exec``, and ``run`` for the other options."""
        pod = pod_name(pod)
        key = f"{pod}/{container or ''}"
        shells = sorted(
            SHELLS, key=lambda shell: shell != self._shells.get(key)
        )  # the one that worked last first
        words = [] if isinstance(command, str) else list(command)
        options["container"] = container or ""

        def attempt() -> CompletedExec:
            if isinstance(command, str):
                return run_shell(self._admin, pod, command, shells=shells, **options)
            return run(self._admin, pod, words, **options)

        try:
            done = attempt()
        # Tried first, and waited for afterwards: nearly always the pod runs, and needs no other request.
        except ExecFailed:
            if not self._is_starting(pod):
                raise
            self.wait(pod)
            done = attempt()
        if isinstance(command, str):
            self._shells[key] = done.args[0]
        return done

    def logs(self, pod: str, container: str | None = None) -> str:
        """Return a container's log; see ``Lab.logs``.

        Raises:
            ApiFailure: When the container has no log.
        """
        query = {"container": container} if container else None
        answer = self._admin.get(f"{pod_path(pod)}/log", query=query)
        _require(answer, pod, text("{pod} has no log.", pod))
        return str(answer.body)

    def wait(self, pod: str, timeout_seconds: float = 120.0) -> ReadyPod:
        """Wait until a pod is ready; see ``Lab.wait``."""
        begun = time.monotonic()
        deadline = begun + timeout_seconds
        quiet_until = begun + QUIET_SECONDS
        while True:
            answer = self._admin.get(pod_path(pod))
            _require(answer, pod, text("The pod {pod} is not ready.", pod))
            if is_ready(answer.body):
                return ReadyPod(pod_name(pod), answer.body)
            # An embedded cluster has no work left when it answers, so waiting would not bring an image.
            reasons = {} if self._patience_seconds else waiting_reasons(answer.body)
            if NO_IMAGE & {*reasons.values()} or not self._run or time.monotonic() > deadline:
                raise self._not_ready(pod, answer)
            if time.monotonic() > quiet_until:
                quiet_until = deadline
                self._report(text("Waiting until the pod {pod} is ready …", pod_name(pod)))
            time.sleep(POLL_SECONDS)

    def wait_for(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Wait until the pods among some objects are ready, where pods run and take a moment to start."""
        for entry in objects:
            if entry["kind"] == "Pod" and self._run and self._patience_seconds:
                meta = entry["metadata"]
                self.wait(f"{meta.get('namespace', 'default')}/{meta['name']}")

    def token(self, pod: str, container: str | None = None) -> str:
        """Return the token that a pod mounts, read in the container.

        Raises:
            ExecFailed: When the pod does not run or mounts no token.
        """
        try:
            done = self.exec(
                pod, ["cat", f"{MOUNT}/token"], container=container, timeout_seconds=30.0
            )
        except ExecFailed as error:
            what = text("The token of {pod} cannot be read.", pod_name(pod))
            raise ExecFailed(
                error.status, error.reason, what, why=error.why, todo=error.todo
            ) from error
        if not done.ok:
            raise ExecFailed(
                0, "", text("{pod} mounts no token.", pod), why=done.stderr.strip(), todo=NO_TOKEN
            )
        return done.stdout.strip()

    def _not_ready(self, pod: str, answer: Answer) -> ApiFailure:
        """Return the error for a pod that is not ready, with the containers' reasons and an event's warning."""
        reasons = waiting_reasons(answer.body)
        phase = (answer.body.get("status") or {}).get("phase", "unknown")
        whys = [text("its phase is {phase}", phase)]
        whys += [
            text("container {name}: {reason}", name, reason) for name, reason in reasons.items()
        ]
        if warning := self._last_warning(answer.body):
            whys.append(text("its events say: {warning}", warning))
        todo = next((ADVICE[reason] for reason in reasons.values() if reason in ADVICE), NOT_READY)
        if NO_IMAGE & set(reasons.values()):
            spec = answer.body["spec"]
            containers = [*(spec.get("initContainers") or ()), *spec["containers"]]
            images = [
                container["image"]
                for container in containers
                if reasons.get(container["name"]) in NO_IMAGE
            ]
            offline = text("; without a registry take {own}, with imagePullPolicy: IfNotPresent")
            todo = text(
                "Is the image's name spelt right, {images}, and can this cluster reach its "
                'registry? Delete the pod, lab.admin.delete("{path}"), and apply it with the '
                "right one{offline}.",
                listed(images),
                pod_path(pod),
                text(offline, self._image) if self._image else "",
            )
        what = text("The pod {pod} is not ready.", pod)
        return ApiFailure(answer.status, "NotReady", what, why=listed(whys, "; "), todo=todo)

    def _last_warning(self, pod: Mapping[str, Any]) -> str:
        """Return the longest warning among a pod's events, which has the most details; empty without one."""
        meta = pod["metadata"]
        fields = {"fieldSelector": f"involvedObject.uid={meta['uid']},type=Warning"}
        events = self._admin.get(f"/api/v1/namespaces/{meta['namespace']}/events", query=fields)
        # The last event is often "Back-off pulling image" alone; the longest has the registry's error.
        return max((str(event.get("message", "")) for event in events.items), key=len, default="")

    def _is_starting(self, pod: str) -> bool:
        """Return whether a pod of a real cluster exists and is not ready yet."""
        if not self._patience_seconds:
            return False
        answer = self._admin.get(pod_path(pod))
        return answer.ok and not is_ready(answer.body)


def mounted_token(
    pods: Pods, pod: str, container: str | None, generation: Callable[[], int]
) -> Callable[[], str]:
    """Return a function that returns the token that a pod mounts.

    It is read again after ``TOKEN_SECONDS`` or a reset of the cluster.

    Args:
        pods: The cluster's pods.
        pod: As ``namespace/name``.
        container: None for the pod's default container.
        generation: Returns a number that changes when the cluster is reset.
    """

    @lru_cache(maxsize=1)
    def read(_generation: int, _interval: float) -> str:
        return pods.token(pod, container)

    return lambda: read(generation(), time.monotonic() // TOKEN_SECONDS)


def _require(answer: Answer, pod: str, what: str) -> None:
    """Raise an error for a refusal, with a hint if the pod's name has kubectl's kind in it."""
    answer.raise_for_status(what, habit(pod_name(pod)) if answer.status == 404 else "")


def is_ready(entry: Mapping[str, Any]) -> bool:
    """Return whether a pod or a node has the condition Ready."""
    # Not the phase: a pod is Running before its readiness probe has succeeded.
    conditions = (entry.get("status") or {}).get("conditions") or []
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def pods_run(admin: Client) -> bool:
    """Return whether a node is ready, so that pods run; True if the caller cannot list nodes."""
    answer = admin.get("/api/v1/nodes")
    # Learners on a shared cluster usually cannot list nodes, which belong to no namespace.
    return not answer.ok or any(map(is_ready, answer.items))


def waiting_reasons(pod: Mapping[str, Any]) -> dict[str, str]:
    """Return the reason of each waiting container, such as ``ImagePullBackOff``, by the container's name."""
    status = pod.get("status") or {}
    statuses = [
        # Init containers run first, so their reasons come first.
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]
    waiting = {status["name"]: (status.get("state") or {}).get("waiting") for status in statuses}
    return {name: str(state.get("reason", "")) for name, state in waiting.items() if state}
