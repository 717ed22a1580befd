"""Exercise 2: the API from inside a pod."""

from __future__ import annotations

from typing import Any

from labkit.grading.tasks.checks import PODS, Check, Finding, GradedCluster, called_from, exists, may_not
from labkit.grading.tasks.pods import mounted_tokens, not_running
from labkit.grading.tasks.seed import Seed
from labkit.grading.tasks.task import ExerciseSpec, Task, Variant, account, namespace, pod


def pod_with_account(seed: Seed) -> Variant:
    """A pod that runs as an account of one's own."""
    space, who, name = seed.name("den"), seed.name("bot"), seed.name("pod")

    def wrong(obj: dict[str, Any]) -> str:
        found = obj["spec"].get("serviceAccountName")
        return "" if found == who else f"It runs as {found}, not as {who}."

    path = f"/api/v1/namespaces/{space}/pods/{name}"
    return Variant(
        f"Create the service account `{who}` in the namespace `{space}`, and there a pod `{name}` that runs as it. "
        "The image `curlimages/curl` with the command `sleep 9999999` will do.",
        (
            exists(f"/api/v1/namespaces/{space}/serviceaccounts/{who}", f"The account {who} is there."),
            exists(path, f"The pod {name} runs as {who}.", where=wrong),
            exists(path, f"The pod {name} is running.", where=not_running, needs=PODS),
        ),
        (namespace(space),),
        f"lab.apply({account(space, who)!r})\n"
        f"lab.apply({pod(space, name, serviceAccountName=who)!r})\n"
        f'lab.wait("{space}/{name}")',
    )


def call_from_inside(seed: Seed) -> Variant:
    """A request with the mounted token, seen in the audit log."""
    space, name = seed.name("inner"), seed.name("caller")
    resource = seed.one("resource", ("services", "pods", "configmaps", "secrets"))
    path = f"/api/v1/namespaces/{space}/{resource}"
    return Variant(
        f"In the namespace `{space}` runs the pod `{name}`. From inside it, list the {resource} of that namespace "
        "with the token that is mounted there. The answer is 403, and that is right: leave it so.",
        (
            called_from(
                f"/api/v1/namespaces/{space}/pods/{name}",
                f"system:serviceaccount:{space}:default",
                path,
                f"The audit log shows the list of {resource} with the pod's own token.",
            ),
            may_not(f"{space}/default", "list", resource, space, points=1),
        ),
        (namespace(space), pod(space, name)),
        f'lab.exec("{space}/{name}", "cd /var/run/secrets/kubernetes.io/serviceaccount; '
        f'curl -s --cacert ca.crt -H \\"Authorization: Bearer $(cat token)\\" '
        f'https://kubernetes.default.svc{path}")',
    )


def pod_without_token(seed: Seed) -> Variant:
    """A pod that mounts no token at all."""
    space, name = seed.name("quiet"), seed.name("mute")

    path = f"/api/v1/namespaces/{space}/pods/{name}"

    def look(context: GradedCluster) -> Finding:
        obj = context.find(path)
        if obj is None:
            return Finding(False, f"There is no object at {path}.")
        tokens = mounted_tokens(obj, context)
        return Finding(not tokens, f"It mounts a token of {tokens[0]}." if tokens else "It mounts none.")

    return Variant(
        f"A process that never calls the API needs no token. Create a pod `{name}` in `{space}` that mounts none "
        "(the image `curlimages/curl` with the command `sleep 9999999` will do).",
        (Check(f"The pod {name} mounts no token.", look, 2),),
        (namespace(space),),
        f"lab.apply({pod(space, name, automountServiceAccountToken=False)!r})",
    )


INSIDE_A_POD = ExerciseSpec(
    "ex2-inside-a-pod",
    "Exercise 2: the API from inside a pod",
    "Run pods under accounts of their own, and call the API from inside.",
    (
        Task("2.1", "A pod with an account of its own", pod_with_account),
        Task("2.2", "A call from inside", call_from_inside),
        Task("2.3", "A pod without a token", pod_without_token),
    ),
)
