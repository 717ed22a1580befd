"""Exercise 2: the API from inside a pod."""

from typing import Any

from labkit.core.language import text

from .checks import PODS, Check, Finding, GradedCluster, called_from, exists, may_not
from .pods import mounted_tokens, not_running
from .seed import Seed
from .task import ExerciseSpec, Task, Variant, account, asks, namespace, pod


def pod_with_account(seed: Seed) -> Variant:
    """A pod that runs as an account of one's own."""
    space = seed.name("den")
    who = seed.name("bot")
    name = seed.name("pod")

    def wrong(obj: dict[str, Any]) -> str:
        found = obj["spec"].get("serviceAccountName")
        return "" if found == who else text("It runs as {found}, not as {who}.", found, who)

    path = f"/api/v1/namespaces/{space}/pods/{name}"
    return Variant(
        asks("2.1", who=who, space=space, name=name),
        (
            exists(
                f"/api/v1/namespaces/{space}/serviceaccounts/{who}",
                text("The account {who} is there.", who),
            ),
            exists(path, text("The pod {name} runs as {who}.", name, who), where=wrong),
            exists(path, text("The pod {name} is running.", name), where=not_running, needs=PODS),
        ),
        (namespace(space),),
        f"lab.apply({account(space, who)!r})\n"
        f"lab.apply({pod(space, name, serviceAccountName=who)!r})\n"
        f'lab.wait("{space}/{name}")',
    )


def call_from_inside(seed: Seed) -> Variant:
    """A request with the mounted token, seen in the audit log."""
    space = seed.name("inner")
    name = seed.name("caller")
    resource = seed.one("resource", ("services", "pods", "configmaps", "secrets"))
    path = f"/api/v1/namespaces/{space}/{resource}"
    return Variant(
        asks("2.2", space=space, name=name, resource=resource),
        (
            called_from(
                f"/api/v1/namespaces/{space}/pods/{name}",
                f"system:serviceaccount:{space}:default",
                path,
                text(
                    "The audit log shows the list of {resource} with the pod's own token.", resource
                ),
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
    space = seed.name("quiet")
    name = seed.name("mute")

    path = f"/api/v1/namespaces/{space}/pods/{name}"

    def look(context: GradedCluster) -> Finding:
        obj = context.find(path)
        if obj is None:
            return Finding(False, text("There is no object at {path}.", path))
        tokens = mounted_tokens(obj, context)
        return Finding(
            not tokens,
            text("It mounts a token of {account}.", tokens[0])
            if tokens
            else text("It mounts none."),
        )

    return Variant(
        asks("2.3", name=name, space=space),
        (Check(text("The pod {name} mounts no token.", name), look, 2),),
        (namespace(space),),
        f"lab.apply({pod(space, name, automountServiceAccountToken=False)!r})",
    )


INSIDE_A_POD = ExerciseSpec(
    "ex2-inside-a-pod",
    (Task("2.1", pod_with_account), Task("2.2", call_from_inside), Task("2.3", pod_without_token)),
)
