"""Ways of granting what a task asks for, and ways of granting nearly that, as cells of a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.grading.tasks.seed import Seed, identity

RBAC = "rbac.authorization.k8s.io"
Object = dict[str, Any]


@dataclass(frozen=True)
class Grant:
    """One rule and where it holds; an empty namespace is the whole cluster."""

    space: str
    verbs: str
    resource: str
    group: str = ""
    name: str = ""

    def rule(self, verbs: str = "") -> Object:
        """The same as a rule."""
        rule: Object = {
            "verbs": (verbs or self.verbs).split(","),
            "apiGroups": [self.group],
            "resources": [self.resource],
        }
        return {**rule, "resourceNames": [self.name]} if self.name else rule


@dataclass(frozen=True)
class Asked:
    """What a task asks for: grants to one account; and kubectl lines that clear the way for making them anew."""

    exercise: str
    account: tuple[str, str]
    grants: tuple[Grant, ...]
    first: tuple[str, ...] = ()

    @property
    def spaces(self) -> list[str]:
        """The namespaces that a role is needed in."""
        return list(dict.fromkeys(grant.space for grant in self.grants))

    @property
    def service_account(self) -> Object:
        """The account as a binding's subject."""
        return {"kind": "ServiceAccount", "namespace": self.account[0], "name": self.account[1]}


def asked(task: str, learner: str) -> Asked:
    """What a task asks of a learner."""
    name = Seed(learner if ":" in learner else identity(learner)).name
    read = Seed(learner if ":" in learner else identity(learner)).one(
        "resource", ("services", "configmaps", "replicationcontrollers", "persistentvolumeclaims")
    )
    wide = Seed(learner if ":" in learner else identity(learner)).one(
        "resource", ("nodes", "persistentvolumes", "namespaces")
    )
    hall, away, safe, well = name("hall"), name("away"), name("safe"), name("well")
    ops, release, verb, addr = name("ops"), name("release"), name("verb-ns"), name("addr-ns")
    logs = Grant(well, "get", "pods/log")
    deploy = Grant(release, "get,list,create,update,patch", "deployments", "apps")
    return {
        "4.1": Asked("ex4-roles", (hall, name("reader")), (Grant(hall, "get,list", read),)),
        "4.2": Asked(
            "ex4-roles", (name("home"), name("guest")), (Grant(away, "list,watch", "pods"),)
        ),
        "4.3": Asked(
            "ex4-roles", (safe, name("clerk")), (Grant(safe, "get", "secrets", name=name("key")),)
        ),
        "4.4": Asked(
            "ex4-roles", (well, name("listener")), (Grant(well, "get,list", "pods"), logs)
        ),
        "5.1": Asked("ex5-cluster-roles", (ops, name("surveyor")), (Grant("", "get,list", wide),)),
        "6.1": Asked(
            "ex6-final",
            (release, name("deployer")),
            (deploy, Grant(release, "get,list", "pods"), Grant(release, "get", "pods/log")),
        ),
        "6.5": Asked(
            "ex6-final",
            (verb, name("worker")),
            (Grant(verb, "get,list", "pods"),),
            (f"delete rolebinding reader -n {verb}", f"delete role reader -n {verb}"),
        ),
        "6.6": Asked(
            "ex6-final",
            (addr, name("worker")),
            (Grant(addr, "list", "persistentvolumeclaims"),),
            (f"delete rolebinding reader -n {addr}",),
        ),
    }[task]


TASKS = ("4.1", "4.2", "4.3", "4.4", "5.1", "6.1", "6.5", "6.6")


def role(space: str, name: str, rules: Sequence[Object]) -> Object:
    """A role, or a cluster role."""
    where = {"namespace": space} if space else {}
    kind = "Role" if space else "ClusterRole"
    metadata = {"name": name, "labels": {"of": "mine"}, **where}
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, "rules": list(rules)}


def binding(space: str, name: str, kind: str, to: str, *subjects: Object) -> Object:
    """A role binding, or a cluster role binding."""
    where = {"namespace": space} if space else {}
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding" if space else "ClusterRoleBinding",
        "metadata": {"name": name, **where},
        "roleRef": {"apiGroup": RBAC, "kind": kind, "name": to},
        "subjects": list(subjects),
    }


def roles_and_bindings(
    want: Asked, *subjects: Object, grants: Iterable[Grant] = ()
) -> list[Object]:
    """A role and a binding for each namespace."""
    found = []
    grants = tuple(grants) or want.grants
    for space in dict.fromkeys(grant.space for grant in grants):
        found.append(
            role(space, "mine", [grant.rule() for grant in grants if grant.space == space])
        )
        kind = "Role" if space else "ClusterRole"
        found.append(binding(space, "mine", kind, "mine", *(subjects or (want.service_account,))))
    return found


def applied(objects: Iterable[Object]) -> str:
    """A cell that applies objects."""
    return f"lab.apply({list(objects)!r})"


def kubectl(*lines: str) -> str:
    """A cell that calls kubectl."""
    return "\n".join(f"print(lab.kubectl({line!r}))" for line in lines)


def in_yaml(want: Asked) -> str:
    """One document of YAML."""
    return f"import yaml\nlab.apply(yaml.safe_dump_all({roles_and_bindings(want)!r}))"


def backwards_and_twice(want: Asked) -> str:
    """Bindings before their roles, and everything twice."""
    return "\n".join([applied(reversed(roles_and_bindings(want)))] * 2)


def many_small_roles(want: Asked) -> str:
    """A role and a binding for each verb."""
    made = []
    for number, grant in enumerate(want.grants):
        for verb in grant.verbs.split(","):
            name, kind = f"{verb}-{number}", "Role" if grant.space else "ClusterRole"
            made += [
                role(grant.space, name, [grant.rule(verb)]),
                binding(grant.space, name, kind, name, want.service_account),
            ]
    return applied(made)


def groups_side_by_side(want: Asked) -> str:
    """Rules with more API groups than have the resource, as manuals write them."""
    rules = [{**grant.rule(), "apiGroups": ["", "apps", "extensions"]} for grant in want.grants]
    made = [role("", "mine", rules)]
    return applied(
        [
            *made,
            *(
                binding(space, "mine", "ClusterRole", "mine", want.service_account)
                for space in want.spaces
            ),
        ]
    )


def cluster_role_for_a_user(want: Asked) -> str:
    """A cluster role, bound where it is needed, to the account by its user name."""
    user = {
        "kind": "User",
        "apiGroup": RBAC,
        "name": "system:serviceaccount:{}:{}".format(*want.account),
    }
    made = [role("", "mine", [grant.rule() for grant in want.grants])]
    return applied(
        [*made, *(binding(space, "mine", "ClusterRole", "mine", user) for space in want.spaces)]
    )


def with_kubectl(want: Asked) -> str:
    """``kubectl create role`` and the like."""
    lines = []
    for number, grant in enumerate(want.grants):
        kind, where = ("role", f" -n {grant.space}") if grant.space else ("clusterrole", "")
        plural, slash, sub = grant.resource.partition("/")
        resource = f"{plural}.{grant.group}{slash}{sub}" if grant.group else grant.resource
        named = f" --resource-name={grant.name}" if grant.name else ""
        lines += [
            f"create {kind} r{number}{where} --verb={grant.verbs} --resource={resource}{named}",
            f"create {kind}binding b{number}{where} --{kind}=r{number} --serviceaccount={':'.join(want.account)}",
        ]
    return kubectl(*lines)


def with_the_python_client(want: Asked) -> str:
    """The official client."""
    lines = ["from kubernetes import client, config", "config.load_kube_config()"]
    lines += ["rbac = client.RbacAuthorizationV1Api()"]
    for obj in roles_and_bindings(want):
        space = obj["metadata"].get("namespace")
        method = {"Role": "role", "RoleBinding": "role_binding"}.get(
            obj["kind"].removeprefix("Cluster")
        )
        call = f"create_namespaced_{method}({space!r}, " if space else f"create_cluster_{method}("
        lines.append(f"rbac.{call}{obj!r})")
    return "\n".join(lines)


SHAPES: Sequence[Callable[[Asked], str]] = (
    in_yaml,
    backwards_and_twice,
    many_small_roles,
    groups_side_by_side,
    cluster_role_for_a_user,
    with_kubectl,
    with_the_python_client,
)


def _more(want: Asked, **changed: Any) -> str:
    first = Grant(**{**want.grants[0].__dict__, **changed})
    return applied(roles_and_bindings(want, grants=(first, *want.grants[1:])))


def _verb(want: Asked, *choices: str) -> str:
    """A verb that the task does not ask for."""
    return next(verb for verb in choices if verb not in want.grants[0].verbs)


def _to(want: Asked, *subjects: Object) -> str:
    return applied(roles_and_bindings(want, *subjects))


def _group(name: str) -> Object:
    return {"kind": "Group", "apiGroup": RBAC, "name": name}


def _hidden(want: Asked) -> str:
    """All that is asked for, and more in a binding that looks like one that every cluster has."""
    space = want.spaces[0]
    extra = [
        role(
            space,
            "hidden",
            [{"verbs": ["watch"], "apiGroups": ["apps"], "resources": ["daemonsets"]}],
        ),
        binding(
            space, "hidden", "Role" if space else "ClusterRole", "hidden", want.service_account
        ),
    ]
    for obj in extra:
        obj["metadata"]["labels"] = {"kubernetes.io/bootstrapping": "rbac-defaults"}
    return applied([*roles_and_bindings(want), *extra])


def _default_too(want: Asked) -> Object:
    return {"kind": "ServiceAccount", "namespace": want.account[0], "name": "default"}


MISTAKES: Mapping[str, Callable[[Asked], str]] = {
    "to-watch": lambda want: _more(
        want, verbs=f"{want.grants[0].verbs},{_verb(want, 'watch', 'deletecollection')}"
    ),
    "to-change": lambda want: _more(
        want, verbs=f"{want.grants[0].verbs},{_verb(want, 'patch', 'delete')}"
    ),
    "every-verb": lambda want: _more(want, verbs="*"),
    "every-resource": lambda want: _more(want, resource="*"),
    "every-group": lambda want: _more(want, group="*"),
    "elsewhere": lambda want: _more(want, space="default"),
    "a-group-of-the-namespace": lambda want: _to(
        want, _group(f"system:serviceaccounts:{want.account[0]}")
    ),
    "everybody": lambda want: _to(want, _group("system:authenticated")),
    "another-account-too": lambda want: _to(want, want.service_account, _default_too(want)),
    "left-open": lambda want: "\n".join(
        [
            in_yaml(want),
            kubectl(
                "create clusterrolebinding test --clusterrole=cluster-admin --group=system:serviceaccounts"
            ),
        ]
    ),
    "hidden": _hidden,
}
