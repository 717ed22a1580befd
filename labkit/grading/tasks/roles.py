"""Exercise 4: roles and role bindings."""

from .checks import may, may_not
from .seed import Seed
from .task import ExerciseSpec, Task, Variant, account, asks, binding, namespace, role


def reader(seed: Seed) -> Variant:
    """Read only one resource in one namespace."""
    space = seed.name("hall")
    other = seed.name("yard")
    who = seed.name("reader")
    resource = seed.one(
        "resource", ("services", "configmaps", "replicationcontrollers", "persistentvolumeclaims")
    )
    me = f"{space}/{who}"
    return Variant(
        asks("4.1", who=who, space=space, resource=resource, other=other),
        (
            may(me, "get", resource, space),
            may(me, "list", resource, space),
            may_not(me, "create", resource, space),
            may_not(me, "delete", resource, space),
            may_not(me, "list", resource, other),
            may_not(me, "list", "secrets", space),
            may_not(
                f"{space}/default", "list", resource, space, hint="Only the account that was named."
            ),
        ),
        (namespace(space), namespace(other), account(space, who)),
        f"lab.apply([{role(space, 'reader', ('get,list', '', resource))!r}, "
        f"{binding(space, 'reader', 'Role/reader', me)!r}])",
    )


def across_namespaces(seed: Seed) -> Variant:
    """An account of one namespace reads in another."""
    home = seed.name("home")
    away = seed.name("away")
    who = seed.name("guest")
    me = f"{home}/{who}"
    return Variant(
        asks("4.2", who=who, home=home, away=away),
        (
            may(me, "list", "pods", away),
            may(me, "watch", "pods", away),
            may_not(me, "list", "pods", home, points=1),
            may_not(me, "list", "pods", points=1),
            may_not(me, "delete", "pods", away),
            may_not(f"{away}/default", "list", "pods", away),
        ),
        (namespace(home), namespace(away), account(home, who)),
        f"lab.apply([{role(away, 'pod-watcher', ('list,watch', '', 'pods'))!r}, "
        f"{binding(away, 'guest', 'Role/pod-watcher', me)!r}])",
    )


def one_by_name(seed: Seed) -> Variant:
    """One Secret by its name."""
    space = seed.name("safe")
    who = seed.name("clerk")
    mine = seed.name("key")
    theirs = seed.name("jewel")
    me = f"{space}/{who}"
    secrets = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": space},
            "stringData": {"a": "b"},
        }
        for name in (mine, theirs)
    ]
    named = role(space, "one-secret", ("get", "", "secrets"))
    named["rules"][0]["resourceNames"] = [mine]
    return Variant(
        asks("4.3", space=space, who=who, mine=mine, theirs=theirs),
        (
            may(me, "get", "secrets", space, name=mine, points=2),
            may_not(me, "get", "secrets", space, name=theirs, points=1),
            may_not(me, "list", "secrets", space, points=1),
            may_not(me, "update", "secrets", space, name=mine),
        ),
        (namespace(space), account(space, who), *secrets),
        f"lab.apply([{named!r}, {binding(space, 'one-secret', 'Role/one-secret', me)!r}])",
    )


def logs_not_exec(seed: Seed) -> Variant:
    """Logs are a subresource, and so is exec."""
    space = seed.name("well")
    who = seed.name("listener")
    me = f"{space}/{who}"
    return Variant(
        asks("4.4", who=who, space=space),
        (
            may(me, "get", "pods", space, points=0.5, hint="kubectl logs gets the pod first."),
            may(me, "list", "pods", space, points=0.5),
            may(me, "get", "pods/log", space),
            may_not(me, "create", "pods/exec", space, points=1),
            may_not(me, "get", "pods/exec", space),
            may_not(me, "delete", "pods", space),
            may_not(me, "get", "secrets", space),
        ),
        (namespace(space), account(space, who)),
        f"lab.apply([{role(space, 'logs', ('get,list', '', 'pods'), ('get', '', 'pods/log'))!r}, "
        f"{binding(space, 'logs', 'Role/logs', me)!r}])",
    )


ROLES = ExerciseSpec(
    "ex4-roles",
    (
        Task("4.1", reader),
        Task("4.2", across_namespaces),
        Task("4.3", one_by_name),
        Task("4.4", logs_not_exec),
    ),
)
