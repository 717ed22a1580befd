"""What checkpoints ask about pods: their state, account and token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from labkit.client.pods import MOUNT
from labkit.client.tokens import Token
from labkit.core.errors import ExecFailed
from labkit.core.language import text
from labkit.lessons.base import CheckContext, Outcome, failed, not_attempted

Pod = Mapping[str, Any]


CURL = "curl -s -A labkit-check"
"""How checks call curl in a pod: the audit log tells these calls from the learner's."""


def state(pod: Pod) -> str:
    """The state of a pod in the words of ``kubectl get pods``."""
    if pod.get("metadata", {}).get("deletionTimestamp"):
        return "Terminating"
    status = pod.get("status") or {}
    for container in status.get("containerStatuses") or ():
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


def not_running(pod: Pod, name: str) -> Outcome | None:
    """A failed outcome when a pod does not run, else None."""
    seen = state(pod)
    if seen == "Running":
        return None
    conditions = (pod.get("status") or {}).get("conditions") or ()
    said = next(
        (
            str(each.get("message") or "")
            for each in conditions
            if each.get("type") == "PodScheduled"
        ),
        "",
    )
    help_text = _HELP.get(
        seen, text("See what the pod's events say: lab.kubectl or lab.admin.get.")
    )
    help_text = (
        text("The scheduler says: {said}", said) if seen == "Pending" and said else help_text
    )
    return failed(
        "not-running",
        text("pod {name} is {seen}", name, seen),
        text("pod {name} is Running", name),
        help_text,
    )


def account_of(pod: Pod) -> str:
    """The name of the service account a pod runs as."""
    return str((pod.get("spec") or {}).get("serviceAccountName") or "default")


def containers(pod: Pod) -> list[str]:
    """The names of a pod's containers, in order; native sidecars, which start first, come last."""
    spec = pod.get("spec") or {}
    sidecars = [
        each for each in spec.get("initContainers") or () if each.get("restartPolicy") == "Always"
    ]
    return [str(each["name"]) for each in [*(spec.get("containers") or ()), *sidecars]]


def own_name(pod: Pod) -> str:
    """A pod's name as ``namespace/name``: a workload gives its pods names of their own."""
    return f"{pod['metadata'].get('namespace')}/{pod['metadata']['name']}"


def without_token(pod: Pod, expected: str) -> Outcome | None:
    """A failed outcome when no token is mounted in a pod, else None."""
    parts = (pod.get("spec") or {}).get("containers") or ()
    if any(
        each.get("mountPath") == MOUNT for one in parts for each in one.get("volumeMounts") or ()
    ):
        return None
    hint = text(
        "automountServiceAccountToken is false, in the pod or in its account. Create the pod anew without it."
    )
    return failed("no-token", text("no token is mounted in {pod}", own_name(pod)), expected, hint)


def runs_as_another(pod: Pod, name: str, account: str, expected: str, hint: str) -> Outcome | None:
    """A failed outcome when a pod does not run as an account, else None."""
    if account_of(pod) == account:
        return None
    return failed(
        "pod-as-another",
        text("pod {pod} runs as the account {account}", name, account_of(pod)),
        expected,
        hint,
    )


def no_proxy(name: str, expected: str, hint: str) -> Outcome:
    """The outcome when no proxy answers in a pod."""
    return failed(
        "no-proxy", text("nothing answers at localhost:8001 in {pod}", name), expected, hint
    )


def elsewhere(context: CheckContext, name: str, namespace: str) -> list[str]:
    """Other namespaces that hold a pod of this name."""
    pods = context.items("/api/v1/pods")
    found = (pod["metadata"] for pod in pods if pod["metadata"]["name"] == name)
    return sorted(meta["namespace"] for meta in found if meta["namespace"] != namespace)


def no_pod(context: CheckContext, name: str, namespace: str, hint: str, todo: str) -> Outcome:
    """The outcome where a pod is not there: failed, with a hint, if it is in another namespace."""
    if strays := elsewhere(context, name, namespace):
        return failed(
            "another-namespace",
            text("a pod {name} in {namespaces}", name, ", ".join(strays)),
            text("a pod {name} in the namespace {namespace}", name, namespace),
            hint,
        )
    pods = context.items(f"/api/v1/namespaces/{namespace}/pods")
    near = near_name(text("pod"), name, [str(pod["metadata"]["name"]) for pod in pods])
    return not_attempted(todo) if near is None else near


def near_name(kind: str, name: str, names: Sequence[str]) -> Outcome | None:
    """A failed outcome when one of some names is almost the one that a step asks for, else None."""
    begin = name.partition("-")[0]
    near = [
        each
        for each in names
        if each.startswith(begin) or SequenceMatcher(None, each, name).ratio() > 0.75
    ]
    near = [each for each in near if each not in OTHER_PODS]
    if not near:
        return None
    hint = text("A name has to be exactly this one. Create the {kind} anew as {name}.", kind, name)
    return failed(
        "near-name",
        text("a {kind} {near}, and no {kind} {name}", kind, near[0], name),
        text("a {kind} called {name}", kind, name),
        hint,
    )


OTHER_PODS = ("curl", "curl-custom-sa", "test")
"""The walkthrough's own pods, which are no near misses of one another."""


def made_by_workload(pod: Pod, name: str) -> Outcome | None:
    """A failed outcome when a workload made a pod, under a name of its own, else None."""
    own = pod["metadata"]["name"]
    if own == name:
        return None
    hint = text(
        "The next steps call the pod by its name. Delete what made it, and create the pod itself."
    )
    return failed(
        "made-by-workload",
        text("a pod {own}, made by a workload", own),
        text("a pod called {name}", name),
        hint,
    )


def mounted_token(context: CheckContext, pod: str) -> str:
    """The token that is mounted in a pod, empty without one."""
    result = context.exec(pod, f"cat {MOUNT}/token")
    return result.stdout.strip() if result.returncode == 0 else ""


def answering(context: CheckContext, pod: str, path: str = "/version") -> str:
    """The first answer of ``localhost:8001`` inside a pod, from any container with curl; empty without one."""
    namespace, _, name = pod.partition("/")
    for container in containers(context.pod(namespace, name) or {}):
        try:
            result = context.exec(pod, f"{CURL} http://localhost:8001{path}", container=container)
        except ExecFailed:
            continue  # a container without a shell; its neighbour may have one
        if result.returncode == 0 and result.stdout.strip():
            return result.stdout
    return ""


def has_curl(context: CheckContext, pod: str) -> bool:
    """Whether any container of a pod has curl, to ask its neighbours with."""
    namespace, _, name = pod.partition("/")
    for container in containers(context.pod(namespace, name) or {}):
        try:
            if context.exec(pod, "command -v curl", container=container).returncode == 0:
                return True
        except ExecFailed:
            continue
    return False


def runs_proxy(pod: Pod) -> bool:
    """Whether a container of a pod is made to run ``kubectl proxy``, by its image or its command."""
    spec = pod.get("spec") or {}
    for each in [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]:
        words = " ".join(
            [str(each.get("image")), *(each.get("command") or ()), *(each.get("args") or ())]
        )
        if "kubectl" in words and "proxy" in words:
            return True
    return False


ACCOUNT_UID = "kubernetes.io.serviceaccount.uid"
"""The dotted name of the claim that distinguishes accounts of the same name."""


def claims(token: str) -> dict[str, Any]:
    """The claims of a token by their dotted names; the signature is not verified."""
    flat = Token.decode(token).flat
    legacy = flat.get("kubernetes.io/serviceaccount/service-account.uid")
    return {**flat, ACCOUNT_UID: legacy} if legacy else flat
