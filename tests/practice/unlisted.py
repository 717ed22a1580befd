"""Ideas that are not in the drill's list, written without looking at it: none may be taken for a listed one.

Each answers a policy and a request as somebody with that idea does.
"""

from __future__ import annotations

from labkit.practice.authorizers import Authorizer, decide, statements, truth
from labkit.rbac.attributes import Attributes
from labkit.rbac.policy import Policy
from labkit.rbac.subjects import Subject, subject_matches
from tools.drill.policies import CLUSTER_SCOPED


def _home(question: Attributes) -> str:
    return (Subject(question.user.name).account or ("", ""))[0]


def always_yes(_policy: Policy, _question: Attributes) -> bool:
    """Says "allowed" to everything."""
    return True


def always_no(_policy: Policy, _question: Attributes) -> bool:
    """Says "forbidden" to everything."""
    return False


def first_binding_decides(policy: Policy, question: Attributes) -> bool:
    """Only the first binding that names the account counts."""
    own = [each for each in statements(policy) if subject_matches(each.entry, question.user, each.place)]
    return decide(own[:1], question)


def only_accounts_of_here(policy: Policy, question: Attributes) -> bool:
    """A RoleBinding can only name accounts of its own namespace, and a group only those."""
    return decide((each for each in statements(policy) if each.place in ("", _home(question))), question)


def secrets_never(policy: Policy, question: Attributes) -> bool:
    """Secrets are protected, and logs too: no rule opens them but for administrators."""
    return truth(policy, question) and question.resource != "secrets" and question.subresource != "log"


def changing_needs_an_administrator(policy: Policy, question: Attributes) -> bool:
    """Roles of this kind only let somebody look; watching is for controllers."""
    return truth(policy, question) and question.verb in ("get", "list")


def only_cluster_bindings_count(policy: Policy, question: Attributes) -> bool:
    """A ClusterRole must be bound by a ClusterRoleBinding; a RoleBinding to one is an error."""
    return decide((each for each in statements(policy) if each.kind == "Role" or not each.place), question)


def list_needs_get(policy: Policy, question: Attributes) -> bool:
    """Who lists has to be allowed to get as well."""
    asked = [question, question._replace(verb="get")] if question.verb in ("list", "watch") else [question]
    return all(truth(policy, each) for each in asked)


def all_namespaces_means_mine(policy: Policy, question: Attributes) -> bool:
    """A list in all namespaces is allowed, and shows what one may see."""
    if question.namespace or question.resource in CLUSTER_SCOPED:
        return truth(policy, question)
    return any(truth(policy, question._replace(namespace=each.place)) for each in statements(policy))


def strangers_need_a_cluster_role(policy: Policy, question: Attributes) -> bool:
    """A Role is for accounts of its namespace; others have to get a ClusterRole."""
    home = _home(question)
    return decide((each for each in statements(policy) if each.kind == "ClusterRole" or each.place == home), question)


UNLISTED: dict[str, Authorizer] = {
    idea.__name__: idea
    for idea in (
        always_yes,
        always_no,
        first_binding_decides,
        only_accounts_of_here,
        secrets_never,
        changing_needs_an_administrator,
        only_cluster_bindings_count,
        list_needs_get,
        all_namespaces_means_mine,
        strangers_need_a_cluster_role,
    )
}
