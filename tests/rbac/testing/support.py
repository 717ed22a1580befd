"""The policy of the walkthrough's fourth part, and the vocabulary of questions about it."""

from __future__ import annotations

from typing import Any

from labkit.rbac.policy import Policy
from labkit.rbac.testing.policies import policy_of
from labkit.rbac.testing.questions import Question, ask
from labkit.rbac.testing.vocabulary import Vocabulary, standard

RBAC = "rbac.authorization.k8s.io"


def role(
    rules: list[dict[str, Any]], name: str = "service-reader", namespace: str = "kikai"
) -> dict[str, Any]:
    kind = "Role" if namespace else "ClusterRole"
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": metadata, "rules": rules}


def bind(
    *subjects: dict[str, Any],
    name: str = "test",
    namespace: str = "kikai",
    ref: tuple[str, str] | None = None,
) -> dict[str, Any]:
    kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    wanted = ref or ("Role", "service-reader")
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": kind,
        "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": wanted[0], "name": wanted[1]},
        "subjects": list(subjects),
    }


def account(namespace: str, name: str = "default") -> dict[str, Any]:
    return {"kind": "ServiceAccount", "namespace": namespace, "name": name}


def group(name: str) -> dict[str, Any]:
    return {"kind": "Group", "apiGroup": RBAC, "name": name}


READ = [{"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list"]}]
OBJECTS = [role(READ), bind(account("kikai"))]


def policy(*objects: dict[str, Any]) -> Policy:
    return policy_of(objects or OBJECTS)


def words() -> Vocabulary:
    return (
        standard()
        .of(policy())
        .declaring(namespaces=["kikai", "darbo"], users={"jane"}, groups=["team-a"])
    )


def questions(*lines: str) -> list[Question]:
    """Parse questions such as ``kikai/default may not: list pods``."""
    found = []
    for line in lines:
        who, _, text = line.partition(": ")
        name, _, rest = who.partition(" may")
        found.append(ask(name, text, words(), may=not rest))
    return found
