"""Exercise 5: cluster roles and their bindings."""

from dataclasses import replace

from kube_embedded.rbac.objects import namespace_of, role_key
from kube_embedded.rbac.subjects import subject
from labkit.core.language import text
from labkit.rbac.changes import READING
from labkit.rbac.difference import Allowance

from .checks import Check, Finding, GradedCluster, may, may_not
from .seed import Seed
from .task import ExerciseSpec, Task, Variant, account, asks, binding, namespace, role

EVERYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
"""What a role may give that is handed out as it is. Whether it is as it was is looked at elsewhere."""


def cluster_reader(seed: Seed) -> Variant:
    """A cluster-scoped resource needs a cluster-wide binding."""
    space = seed.name("ops")
    who = seed.name("surveyor")
    resource = seed.one("resource", ("nodes", "persistentvolumes", "namespaces"))
    me = f"{space}/{who}"
    name = seed.name("survey")
    return Variant(
        asks("5.1", who=who, space=space, resource=resource),
        (
            may(me, "list", resource),
            may(me, "get", resource),
            may_not(me, "delete", resource),
            may_not(me, "create", resource),
            may_not(me, "list", "secrets", points=1),
            may_not(me, "list", "pods"),
        ),
        (namespace(space), account(space, who)),
        f"lab.apply({role('', name, ('get,list', '', resource))!r})\n"
        f"lab.apply({binding('', name, f'ClusterRole/{name}', me)!r})",
    )


def view_in_one(seed: Seed) -> Variant:
    """A cluster role as a shared role for one namespace."""
    space = seed.name("stage")
    other = seed.name("wings")
    who = seed.name("critic")
    me = f"{space}/{who}"

    def given(context: GradedCluster) -> Finding:
        bound = context.policy().bindings_of(subject(me).as_user())
        ok = any(
            role_key(each) == ("ClusterRole", "", "view") and namespace_of(each) in ("", space)
            for each in bound
        )
        return Finding(ok, text("A binding gives it." if ok else "No binding gives it."))

    return Variant(
        asks("5.2", who=who, space=space),
        (
            may(me, "list", "pods", space, points=0.5),
            may(me, "list", "services", space, points=0.5),
            may(me, "get", "configmaps", space, points=0.5),
            Check(text("{me} has the cluster role view itself in {space}.", me, space), given, 1.5),
            may_not(me, "list", "pods", other, points=1),
            may_not(me, "list", "pods", points=1),
            may_not(me, "list", "secrets", space),
            may_not(me, "create", "pods", space),
        ),
        (namespace(space), namespace(other), account(space, who)),
        f"lab.apply({binding(space, 'critic', 'ClusterRole/view', me)!r})",
        (Allowance(subject(me), [EVERYTHING], (space,), "ClusterRole/view"),),
    )


def extend_view(seed: Seed) -> Variant:
    """Aggregation: a new rule for view, without touching view."""
    space = seed.name("annex")
    who = seed.name("reader")
    name = seed.name("view")
    group = f"{seed.name('crew')}.example.com"
    resource = seed.one("thing", ("boats", "kites", "drums"))
    me = f"{space}/{who}"
    witness = f"{space}/{seed.name('witness')}"
    extra = role("", name, ("get,list", group, resource))
    extra["metadata"]["labels"] = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
    return Variant(
        asks("5.3", resource=resource, group=group, name=name, who=who, space=space),
        (
            *(
                may(each, verb, resource, space, group=group, points=0.5)
                for each in (me, witness)
                for verb in ("get", "list")
            ),
            replace(
                may(me, "list", "pods", space, points=0.5, hint="view must keep what it had."),
                limit=True,
            ),
            Check(
                "view itself is as it was.",
                _aggregates,
                1,
                "Leave view, and make a cluster role of your own.",
                True,
            ),
            may_not(me, "delete", resource, space, group=group),
            may_not(me, "list", "secrets", space),
            may_not(
                f"{space}/default",
                "list",
                resource,
                space,
                group=group,
                hint="Only those who have view.",
            ),
        ),
        (
            namespace(space),
            account(space, who),
            account(*witness.split("/")),
            binding(space, "reader", "ClusterRole/view", me, witness),
        ),
        f"lab.apply({extra!r})",
        [
            Allowance(
                None,
                [{"verbs": READING, "apiGroups": [group], "resources": [resource]}],
                (),
                f"ClusterRole/{each}",
            )
            for each in ("view", "edit", "admin")
        ],
    )


def _aggregates(context: GradedCluster) -> Finding:
    """Check that ``view`` is still aggregated from others, and from all of them."""
    view = context.find("/apis/rbac.authorization.k8s.io/v1/clusterroles/view") or {}
    wanted = [{"matchLabels": {"rbac.authorization.k8s.io/aggregate-to-view": "true"}}]
    kept = (view.get("aggregationRule") or {}).get("clusterRoleSelectors") == wanted
    return Finding(
        kept, text("view is made of the cluster roles with its label." if kept else "It is edited.")
    )


def a_path(seed: Seed) -> Variant:
    """Access to non-resource paths."""
    space = seed.name("probe")
    who = seed.name("scraper")
    name = seed.name("paths")
    path = seed.one("path", ("/metrics", "/debug/pprof", "/logs/kube.log"))
    me = f"{space}/{who}"
    allowed = {**role("", name), "rules": [{"verbs": ["get"], "nonResourceURLs": [path]}]}
    return Variant(
        asks("5.4", who=who, space=space, path=path),
        (
            may(me, "get", path=path, resource="", points=2),
            may_not(me, "post", path=path, resource=""),
            may_not(me, "get", path="/configz", resource="", points=1),
            may_not(me, "list", "pods"),
        ),
        (namespace(space), account(space, who)),
        f"lab.apply([{allowed!r}, {binding('', name, f'ClusterRole/{name}', me)!r}])",
    )


CLUSTER_ROLES = ExerciseSpec(
    "ex5-cluster-roles",
    (
        Task("5.1", cluster_reader),
        Task("5.2", view_in_one),
        Task("5.3", extend_view),
        Task("5.4", a_path),
    ),
)
