"""Checks of pods for checkpoints: their state, account and token."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import SequenceMatcher
from itertools import chain
from typing import Any

from labkit.client.exec.completed import CompletedExec
from labkit.client.pods import MOUNT
from labkit.core.errors import ExecFailed
from labkit.core.language import text

from .base import CheckContext, NotPassed, failed, not_attempted
from .prepared import require_own

Pod = Mapping[str, Any]


CURL = "curl -s -A labkit-check"
"""How checks call curl in a pod: the audit log tells these calls from the learner's."""


def state(pod: Pod) -> str:
    """The state of a pod in the words of ``kubectl get pods``."""
    # As kubectl's printPod does: the phase stays Running while a pod is being deleted.
    if pod.get("metadata", {}).get("deletionTimestamp"):
        return "Terminating"
    status = pod.get("status") or {}
    for container in status.get("containerStatuses") or ():
        # A container's reason is more precise than the phase, which stays Pending or Running in a crash loop.
        for kind in ("waiting", "terminated"):
            reason = (container.get("state") or {}).get(kind, {}).get("reason")
            if reason:
                return str(reason)
    return str(status.get("phase") or "Pending")


_HELP = {
    "Pending": text(
        "No node has taken it yet. Does the cluster have one (labkit up without --no-node)?"
    ),
    "ContainerCreating": text("Its image is being fetched. Wait a moment and check again."),
    "ImagePullBackOff": text("The image cannot be fetched. Is its name spelt right?"),
    "ErrImagePull": text("The image cannot be fetched. Is its name spelt right?"),
    "Completed": text('Its command has ended. Give it one that stays: ["sleep", "9999999"].'),
    "CrashLoopBackOff": text(
        'Its command keeps ending. Give it one that stays: ["sleep", "9999999"].'
    ),
    "Terminating": text("It is being deleted. Wait a moment, then create it again."),
}


def require_running(pod: Pod, name: str) -> None:
    """Require that a pod runs; the hint depends on what prevents it."""
    seen = state(pod)
    if seen == "Running":
        return
    hint = _HELP.get(seen, text("See what the pod's events say: lab.kubectl or lab.admin.get."))
    if seen == "Pending":
        for condition in (pod.get("status") or {}).get("conditions") or ():
            # The scheduler's reason, such as a taint or too little memory, is better than our guess.
            if condition.get("type") == "PodScheduled" and condition.get("message"):
                hint = text("The scheduler says: {said}", condition["message"])
    raise failed(
        "not-running",
        text("pod {name} is {seen}", name, seen),
        text("pod {name} is Running", name),
        hint,
    )


def account_of(pod: Pod) -> str:
    """The name of the service account a pod runs as."""
    return str((pod.get("spec") or {}).get("serviceAccountName") or "default")


def containers(pod: Pod) -> list[str]:
    """The names of a pod's containers, in order; native sidecars, which start first, come last."""
    spec = pod.get("spec") or {}
    # Since 1.28 an init container that restarts is a sidecar: it runs for as long as the pod.
    sidecars = [
        container
        for container in spec.get("initContainers") or ()
        if container.get("restartPolicy") == "Always"
    ]
    return [str(container["name"]) for container in [*(spec.get("containers") or ()), *sidecars]]


def own_name(pod: Pod) -> str:
    """Return a pod's name as ``namespace/name``: pods of a workload have generated names."""
    return f"{pod['metadata'].get('namespace')}/{pod['metadata']['name']}"


def require_token(pod: Pod, expected: str) -> None:
    """Require that a token is mounted in a pod."""
    # The mount is what counts: automount can be switched off in the pod or in its account, and a learner can
    # mount a token by hand.
    for container in (pod.get("spec") or {}).get("containers") or ():
        if any(mount.get("mountPath") == MOUNT for mount in container.get("volumeMounts") or ()):
            return
    hint = text(
        "automountServiceAccountToken is false, in the pod or in its account. Create the pod anew without it."
    )
    raise failed("no-token", text("no token is mounted in {pod}", own_name(pod)), expected, hint)


def require_account(pod: Pod, name: str, account: str, expected: str, hint: str) -> None:
    """Require that a pod runs as an account."""
    if account_of(pod) != account:
        raise failed(
            "pod-as-another",
            text("pod {pod} runs as the account {account}", name, account_of(pod)),
            expected,
            hint,
        )


def no_proxy(name: str, expected: str, hint: str) -> NotPassed:
    """Return the verdict when no proxy responds in a pod."""
    return failed(
        "no-proxy", text("nothing answers at localhost:8001 in {pod}", name), expected, hint
    )


def elsewhere(context: CheckContext, kind: str, name: str, namespace: str) -> list[str]:
    """Other namespaces that hold an object of this plural and name."""
    objects = [entry["metadata"] for entry in context.items(f"/api/v1/{kind}")]
    homes = [meta["namespace"] for meta in objects if meta["name"] == name]
    return [home for home in homes if home != namespace]


def require_pod(context: CheckContext, step: str, name: str, hint: str, todo: str) -> Pod:
    """Return the learner's own pod of some name in ``default``.

    Args:
        context: The checkpoint's context.
        step: The step that requires the pod.
        name: The pod's name.
        hint: The remedy when the pod is in another namespace.
        todo: The first thing to do when there is none.
    """
    namespace = context.names.namespace("default")
    pod = context.pod(namespace, name)
    if pod is None:
        if strays := sorted(elsewhere(context, "pods", name, namespace)):
            raise failed(
                "another-namespace",
                text("a pod {name} in {namespaces}", name, ", ".join(strays)),
                text("a pod {name} in the namespace {namespace}", name, namespace),
                hint,
            )
        require_no_near_name(context, text("pod"), f"/api/v1/namespaces/{namespace}/pods", name)
        raise not_attempted(todo)
    require_own(pod, f"default/{name}", step)
    require_name(pod, name)
    return pod


def require_no_near_name(context: CheckContext, kind: str, path: str, name: str) -> None:
    """Require that no object of a list has almost the name that a step requires."""
    begin = name.partition("-")[0]
    for entry in context.items(path):
        own = str(entry["metadata"]["name"])
        near = own.startswith(begin) or SequenceMatcher(None, own, name).ratio() >= 0.75
        # 0.75 catches a slip or a missing letter; the first word catches curl-sa for curl-custom-sa.
        if near and own not in OTHER_PODS:
            hint = text(
                "A name has to be exactly this one. Create the {kind} anew as {name}.", kind, name
            )
            raise failed(
                "near-name",
                text("a {kind} {near}, and no {kind} {name}", kind, own, name),
                text("a {kind} called {name}", kind, name),
                hint,
            )


OTHER_PODS = ("curl", "curl-custom-sa", "test")
"""The walkthrough's own pods, which are no near misses of one another."""


def require_name(pod: Pod, name: str) -> None:
    """Require that a pod has the name of the step, which a workload's pod has not."""
    own = pod["metadata"]["name"]
    if own == name:
        return
    hint = text(
        "The next steps call the pod by its name. Delete what made it, and create the pod itself."
    )
    raise failed(
        "made-by-workload",
        text("a pod {own}, made by a workload", own),
        text("a pod called {name}", name),
        hint,
    )


def mounted_token(context: CheckContext, pod: str) -> str:
    """The token that is mounted in a pod, empty without one."""
    result = context.exec(pod, f"cat {MOUNT}/token")
    # A pod without automount has no such file: that is a finding, not an error.
    return result.stdout.strip() if result.returncode == 0 else ""


def run_in_each(context: CheckContext, pod: str, command: str) -> Iterator[CompletedExec]:
    """Yield the output of a command in one container of a pod after the other, on demand.

    Containers without a shell are left out: the image of kubectl has none, but its neighbour can have one.
    """
    namespace, _, name = pod.partition("/")
    for container in containers(context.pod(namespace, name) or {}):
        with suppress(ExecFailed):
            yield context.exec(pod, command, container=container)


def answering(context: CheckContext, pod: str, path: str = "/version") -> str:
    """The first answer of ``localhost:8001`` inside a pod, from any container with curl; empty without one."""
    for result in run_in_each(context, pod, f"{CURL} http://localhost:8001{path}"):
        if result.returncode == 0 and result.stdout.strip():
            return result.stdout
    return ""


def has_curl(context: CheckContext, pod: str) -> bool:
    """Return whether any container of a pod has curl, to ask its neighbours with."""
    results = run_in_each(context, pod, "command -v curl")
    return any(result.returncode == 0 for result in results)


def runs_proxy(pod: Pod) -> bool:
    """Return whether a container of a pod is made to run ``kubectl proxy``, by its image or its command."""
    spec = pod.get("spec") or {}
    for container in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        parts = (container.get("command") or (), container.get("args") or ())
        line = " ".join([str(container.get("image")), *chain.from_iterable(parts)])
        if "kubectl" in line and "proxy" in line:
            return True
    return False
