"""Ideas that are not in the drill's list: none must be mistaken for a listed one.

Each answers a policy and a request as somebody with that idea does. Ten were written by somebody who knew the list,
and nine by somebody who had not seen it. Five are from issues of public projects. The chooser was changed after runs
with these 24, so they are not new to it. ``UNSEEN`` has twelve more, by somebody who knew the list. They were written
before the chooser's last change, and first run after it. Ideas that answer as a listed one does are left out, such as
"get, list and watch are one right".
"""

from __future__ import annotations

from kube_embedded.rbac.attributes import Attributes
from kube_embedded.rbac.objects import role_key
from kube_embedded.rbac.rules import Rule
from kube_embedded.rbac.subjects import Subject, subject_matches
from labkit.rbac.policy import Policy
from tools.drill.authorizers import Authorizer, Statement, decide, statements, truth
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
    own = [
        each
        for each in statements(policy)
        if subject_matches(each.entry, question.user, each.place)
    ]
    return decide(own[:1], question)


def only_accounts_of_here(policy: Policy, question: Attributes) -> bool:
    """A RoleBinding can only name accounts of its own namespace, and a group only those."""
    return decide(
        (each for each in statements(policy) if each.place in ("", _home(question))), question
    )


def secrets_never(policy: Policy, question: Attributes) -> bool:
    """Secrets are protected, and logs too: no rule opens them but for administrators."""
    return (
        truth(policy, question) and question.resource != "secrets" and question.subresource != "log"
    )


def changing_needs_an_administrator(policy: Policy, question: Attributes) -> bool:
    """Roles of this kind only let somebody look; watching is for controllers."""
    return truth(policy, question) and question.verb in ("get", "list")


def only_cluster_bindings_count(policy: Policy, question: Attributes) -> bool:
    """A ClusterRole must be bound by a ClusterRoleBinding; a RoleBinding to one is an error."""
    return decide(
        (each for each in statements(policy) if each.kind == "Role" or not each.place), question
    )


def list_needs_get(policy: Policy, question: Attributes) -> bool:
    """Who lists has to be allowed to get as well."""
    asked = (
        [question, question._replace(verb="get")]
        if question.verb in ("list", "watch")
        else [question]
    )
    return all(truth(policy, each) for each in asked)


def all_namespaces_means_mine(policy: Policy, question: Attributes) -> bool:
    """A list in all namespaces is allowed, and shows what one may see."""
    if question.namespace or question.resource in CLUSTER_SCOPED:
        return truth(policy, question)
    return any(
        truth(policy, question._replace(namespace=each.place)) for each in statements(policy)
    )


def strangers_need_a_cluster_role(policy: Policy, question: Attributes) -> bool:
    """A Role is for accounts of its namespace; others have to get a ClusterRole."""
    home = _home(question)
    return decide(
        (each for each in statements(policy) if each.kind == "ClusterRole" or each.place == home),
        question,
    )


def _own(policy: Policy, question: Attributes) -> list[Statement]:
    return [
        each
        for each in statements(policy)
        if subject_matches(each.entry, question.user, each.place)
    ]


def last_binding_replaces(policy: Policy, question: Attributes) -> bool:
    """A later binding of the same account replaces what an earlier one gave."""
    return decide(_own(policy, question)[-1:], question)


def all_bindings_have_to_agree(policy: Policy, question: Attributes) -> bool:
    """Of several bindings to an account that hold here, each must allow the request."""
    here = [each for each in _own(policy, question) if each.place in ("", question.namespace)]
    return bool(here) and all(decide([each], question) for each in here)


def only_the_first_rule_counts(policy: Policy, question: Attributes) -> bool:
    """Of a role's rules, the first one counts."""
    return decide((each._replace(rules=each.rules[:1]) for each in statements(policy)), question)


def rules_of_a_role_mix(policy: Policy, question: Attributes) -> bool:
    """A role is one list of verbs, one of resources and one of names, wherever they stand in it."""
    fields = ("verbs", "apiGroups", "resources", "resourceNames")

    def mixed(rules: tuple[Rule, ...]) -> Rule:
        return {
            field: [value for rule in rules for value in rule.get(field) or ()] for field in fields
        }

    return decide(
        (each._replace(rules=(mixed(each.rules),)) for each in statements(policy)), question
    )


def only_the_first_subject_counts(policy: Policy, question: Attributes) -> bool:
    """A binding is for its first subject; the others are for information."""
    firsts = (binding | {"subjects": binding["subjects"][:1]} for binding in policy.bindings)
    return truth(Policy(policy.roles, tuple(firsts)), question)


def own_binding_beats_the_groups(policy: Policy, question: Attributes) -> bool:
    """Whoever is named in a binding gets nothing as a member of a group."""
    own = _own(policy, question)
    return decide([each for each in own if each.entry["kind"] != "Group"] or own, question)


def list_includes_get_and_watch(policy: Policy, question: Attributes) -> bool:
    """Who sees a whole list may see its parts, now and later."""
    asked = (
        [question, question._replace(verb="list")]
        if question.verb in ("get", "watch")
        else [question]
    )
    return any(truth(policy, each) for each in asked)


def writing_includes_reading(policy: Policy, question: Attributes) -> bool:
    """Who may create, update or delete something may read it."""
    verbs = (
        ("create", "update", "patch", "delete") if question.verb in ("get", "list", "watch") else ()
    )
    return truth(policy, question) or any(
        truth(policy, question._replace(verb=verb)) for verb in verbs
    )


def cluster_wide_is_for_what_lies_in_no_namespace(policy: Policy, question: Attributes) -> bool:
    """A ClusterRoleBinding is for nodes and volumes, and gives nothing in a namespace."""
    return decide(
        (each for each in statements(policy) if each.place == question.namespace), question
    )


def a_role_is_found_in_any_namespace(policy: Policy, question: Attributes) -> bool:
    """A RoleBinding may name a Role of another namespace."""
    roles = dict(policy.roles)
    for binding in policy.bindings:
        if (key := role_key(binding)) not in roles:
            roles.update(
                (key, role) for other, role in policy.roles.items() if other[::2] == key[::2]
            )
    return truth(Policy(roles, policy.bindings), question)


def deleting_needs_get(policy: Policy, question: Attributes) -> bool:
    """Who deletes has to be allowed to get as well."""
    asked = [question, question._replace(verb="get")] if question.verb == "delete" else [question]
    return all(truth(policy, each) for each in asked)


def watching_needs_list(policy: Policy, question: Attributes) -> bool:
    """Who watches has to be allowed to list as well."""
    asked = [question, question._replace(verb="list")] if question.verb == "watch" else [question]
    return all(truth(policy, each) for each in asked)


def a_subresource_needs_its_resource(policy: Policy, question: Attributes) -> bool:
    """pods/log takes get on pods as well."""
    asked = (
        [question, question._replace(verb="get", subresource="")]
        if question.subresource
        else [question]
    )
    return all(truth(policy, each) for each in asked)


def a_namespaces_group_holds_at_home(policy: Policy, question: Attributes) -> bool:
    """The group of a namespace's accounts has its rights in that namespace only."""
    at_home = question.namespace == _home(question)
    return decide(
        (each for each in statements(policy) if at_home or each.entry["kind"] != "Group"), question
    )


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
        last_binding_replaces,
        all_bindings_have_to_agree,
        only_the_first_rule_counts,
        rules_of_a_role_mix,
        only_the_first_subject_counts,
        own_binding_beats_the_groups,
        list_includes_get_and_watch,
        writing_includes_reading,
        cluster_wide_is_for_what_lies_in_no_namespace,
        a_role_is_found_in_any_namespace,
        deleting_needs_get,
        watching_needs_list,
        a_subresource_needs_its_resource,
        a_namespaces_group_holds_at_home,
    )
}


def cluster_roles_are_for_what_lies_in_no_namespace(policy: Policy, question: Attributes) -> bool:
    """A ClusterRole is for nodes and volumes, and gives nothing in a namespace, however it is bound."""
    in_none = question.resource in CLUSTER_SCOPED
    return decide((each for each in statements(policy) if in_none or each.kind == "Role"), question)


def only_the_core_group_counts(policy: Policy, question: Attributes) -> bool:
    """RBAC is about pods, Secrets and the like; other API groups take something else."""
    return not question.group and truth(policy, question)


def escalate_is_for_administrators(policy: Policy, question: Attributes) -> bool:
    """No account may escalate, whatever a rule says."""
    return question.verb != "escalate" and truth(policy, question)


def nodes_are_for_administrators(policy: Policy, question: Attributes) -> bool:
    """No account sees nodes or volumes, whatever a rule says."""
    return question.resource not in CLUSTER_SCOPED and truth(policy, question)


def all_namespaces_is_for_administrators(policy: Policy, question: Attributes) -> bool:
    """No account lists across all namespaces, whatever a rule says."""
    return (bool(question.namespace) or question.resource in CLUSTER_SCOPED) and truth(
        policy, question
    )


def names_restrict_other_rules(policy: Policy, question: Attributes) -> bool:
    """Where one of the account's rules names objects, the others are limited to these as well."""
    here = [each for each in _own(policy, question) if each.place in ("", question.namespace)]
    names = [
        name for each in here for rule in each.rules for name in rule.get("resourceNames") or ()
    ]
    return truth(policy, question) and (not names or question.name in names)


def most_bindings_win(policy: Policy, question: Attributes) -> bool:
    """Of the bindings to an account that hold here, more have to allow the request than not."""
    here = [each for each in _own(policy, question) if each.place in ("", question.namespace)]
    return sum(decide([each], question) for each in here) * 2 > len(here)


def a_new_account_is_in_no_group(policy: Policy, question: Attributes) -> bool:
    """An account that was created again is no longer in the group of its namespace."""
    return decide(
        (s for s in statements(policy) if not question.user.uid or s.entry["kind"] != "Group"),
        question,
    )


def a_group_is_every_account(policy: Policy, question: Attributes) -> bool:
    """The group of a namespace's accounts is open to the accounts of all namespaces."""
    everybody = {"kind": "Group", "name": "system:serviceaccounts"}
    wider = (
        s._replace(entry=everybody if s.entry["kind"] == "Group" else s.entry)
        for s in statements(policy)
    )
    return decide(wider, question)


def only_the_last_rule_counts(policy: Policy, question: Attributes) -> bool:
    """A later rule of a role replaces the earlier ones."""
    return decide((each._replace(rules=each.rules[-1:]) for each in statements(policy)), question)


def strangers_do_not_delete(policy: Policy, question: Attributes) -> bool:
    """Only an account of the namespace may delete in it."""
    return truth(policy, question) and (
        question.verb != "delete" or question.namespace == _home(question)
    )


def several_subjects_have_to_be_of_here(policy: Policy, question: Attributes) -> bool:
    """A RoleBinding with several subjects holds for those of its own namespace only."""
    home = _home(question)
    holding = (
        binding
        for binding in policy.bindings
        if len(binding["subjects"]) == 1 or binding["metadata"].get("namespace", home) == home
    )
    return truth(Policy(policy.roles, tuple(holding)), question)


UNSEEN: dict[str, Authorizer] = {
    idea.__name__: idea
    for idea in (
        cluster_roles_are_for_what_lies_in_no_namespace,
        only_the_core_group_counts,
        escalate_is_for_administrators,
        nodes_are_for_administrators,
        all_namespaces_is_for_administrators,
        names_restrict_other_rules,
        most_bindings_win,
        a_new_account_is_in_no_group,
        a_group_is_every_account,
        only_the_last_rule_counts,
        strangers_do_not_delete,
        several_subjects_have_to_be_of_here,
    )
}
