"""Exercise 6: no guidance."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from labkit.core.language import text

from .checks import PODS, Check, Finding, GradedCluster, config_map_says, may, may_not, was_read
from .pods import mounted_tokens, not_running
from .seed import Seed
from .task import ExerciseSpec, Task, Variant, account, asks, binding, namespace, pod, role
from .task_file import file_task

RBAC = "rbac.authorization.k8s.io"


def _repair(seed: Seed, label: str) -> tuple[str, str, str]:
    return seed.name(f"{label}-ns"), seed.name("worker"), seed.name("app")


def _working(space: str, name: str, resource: str, who: str) -> Check:
    """The pod's own mounted token, in its current form, is allowed to list the resource."""
    user = f"system:serviceaccount:{space}:{who}"
    wanted = may(f"{space}/{who}", "list", resource, space)

    def look(context: GradedCluster) -> Finding:
        obj = context.find(f"/api/v1/namespaces/{space}/pods/{name}")
        if obj is None:
            return Finding(False, text("There is no pod {name} in {space}.", name, space))
        spec = obj["spec"]
        tokens = mounted_tokens(obj, context, for_server=True)
        if not tokens:
            return Finding(False, "The pod mounts no token, so its requests are anonymous.")
        if who not in tokens:
            return Finding(
                False,
                text("The pod runs as {found}, not as {who}.", spec.get("serviceAccountName"), who),
            )
        if context.pods and (why := not_running(obj)):
            return Finding(False, why)
        finding = wanted.look(context)
        return Finding(
            finding.ok,
            text(
                "{user} asks to list {resource} in {space}. {seen}",
                user,
                resource,
                space,
                finding.seen,
            ),
        )

    return Check(
        text("The pod {name} can list {resource} in {space} as {who}.", name, resource, space, who),
        look,
        2,
        "Ask from inside the pod, and read the message: who is refused what, where?",
        need=wanted.need,
    )


def _broken_pod(
    names: tuple[str, str, str],
    resource: str,
    limits: Sequence[Check],
    answer: str,
    *,
    verbs: str = "list",
    other: str = "",
    **spec: Any,
) -> Variant:
    """A pod that should list a resource as an account, and cannot.

    The limits are permissions, besides Secrets, that must not be granted. The account that is bound instead is in
    the namespace ``other``.
    """
    space, who, name = names
    spaces = [space, other] if other else [space]
    return Variant(
        asks("6.3", name=name, space=space, resource=resource, who=who),
        (
            _working(space, name, resource, who),
            *limits,
            may_not(f"{space}/{who}", "list", "secrets", space),
        ),
        (
            *(namespace(space) for space in spaces),
            *(account(space, who) for space in spaces),
            role(space, "reader", (verbs, "", resource)),
            binding(space, "reader", "Role/reader", f"{spaces[-1]}/{who}"),
            pod(space, name, **spec),
        ),
        answer,
    )


def no_token(seed: Seed) -> Variant:
    """Broken: the pod mounts no token."""
    space, who, name = names = _repair(seed, "mute")
    limits = [may_not("system:anonymous", "list", "services", space, points=1)]
    answer = _replace(space, name, who)
    return _broken_pod(
        names,
        "services",
        limits,
        answer,
        serviceAccountName=who,
        automountServiceAccountToken=False,
    )


def wrong_account(seed: Seed) -> Variant:
    """Broken: the pod runs as another account."""
    space, who, name = names = _repair(seed, "mask")
    limits = [may_not(f"{space}/default", "list", "configmaps", space, points=1)]
    return _broken_pod(names, "configmaps", limits, _replace(space, name, who))


def missing_verb(seed: Seed) -> Variant:
    """Broken: the role has get, and not list."""
    space, who, _ = names = _repair(seed, "verb")
    me = f"{space}/{who}"
    limits = [
        replace(
            may(me, "get", "pods", space, points=0.5, hint="What worked must go on working."),
            limit=True,
        ),
        may_not(me, "delete", "pods", space),
    ]
    answer = f"lab.apply({role(space, 'reader', ('get,list', '', 'pods'))!r})"
    return _broken_pod(names, "pods", limits, answer, verbs="get", serviceAccountName=who)


def wrong_namespace(seed: Seed) -> Variant:
    """Broken: the binding names the account of another namespace."""
    space, who, _ = names = _repair(seed, "addr")
    me = f"{space}/{who}"
    other = seed.name("twin")
    limits = [
        may_not(f"{other}/{who}", "list", "secrets", space),
        may_not(me, "list", "persistentvolumeclaims", other),
    ]
    answer = f"lab.apply({binding(space, 'reader', 'Role/reader', me)!r})"
    return _broken_pod(
        names, "persistentvolumeclaims", limits, answer, other=other, serviceAccountName=who
    )


def _replace(space: str, name: str, who: str) -> str:
    return (
        f'lab.admin.delete("/api/v1/namespaces/{space}/pods/{name}?gracePeriodSeconds=0")\n'
        f"lab.apply({pod(space, name, serviceAccountName=who)!r})\n"
        f'lab.wait("{space}/{name}")'
    )


def which_account(seed: Seed) -> Variant:
    """Prove with its token as what account a pod ran."""
    space = seed.name("alibi")
    name = seed.name("suspect")
    kept = seed.name("verdict")
    accounts = [seed.name(label) for label in ("butler", "cook", "gardener")]
    guilty = seed.one("guilty", accounts)

    def uid(context: GradedCluster) -> str:
        there = context.find(f"/api/v1/namespaces/{space}/serviceaccounts/{guilty}") or {
            "metadata": {}
        }
        return str(there["metadata"].get("uid") or "")

    proof = config_map_says(space, kept, "uid", "Its uid is the one in the token.", uid, 1)

    def look(context: GradedCluster) -> Finding:
        if was_read(context, f"/api/v1/namespaces/{space}/pods/{name}"):
            return proof.look(context)
        return Finding(
            False,
            text("The audit log shows nobody who read or used the token in the pod {name}.", name),
        )

    return Variant(
        asks("6.7", name=name, space=space, kept=kept),
        (
            replace(
                config_map_says(
                    space, kept, "account", "The account is named.", lambda _: guilty, 1
                ),
                needs=PODS,
            ),
            replace(proof, look=look, needs=PODS),
        ),
        (
            namespace(space),
            *(account(space, each) for each in accounts),
            pod(space, name, serviceAccountName=guilty),
        ),
        f'found = lab.pod_token("{space}/{name}").flat\n'
        'who = "kubernetes.io.serviceaccount"\n'
        'facts = {"account": found[f"{who}.name"], "uid": found[f"{who}.uid"]}\n'
        f'lab.admin.post("/api/v1/namespaces/{space}/configmaps", {{"metadata": {{"name": "{kept}"}}, "data": facts}})',
    )


FINAL = ExerciseSpec(
    "ex6-final",
    (
        *(file_task("6.1"), file_task("6.2"), Task("6.3", no_token)),
        *(Task("6.4", wrong_account), Task("6.5", missing_verb), Task("6.6", wrong_namespace)),
        Task("6.7", which_account),
    ),
)
