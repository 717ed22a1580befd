"""The facts that come back: each is asked of the server, or has the page that describes it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kube_embedded.tests.support.until import until
from labkit import Lab
from labkit.core.yaml_file import LOADER, read_yaml
from labkit.lessons import STEPS
from labkit.lessons.asides import ASIDES
from labkit.practice import review
from tests.lessons import test_statements as statements
from tests.lessons.test_statements import GROUP, RBAC, bound, rule

FACTS = read_yaml(review.__file__, "facts.yaml")
TOKENS = "apis/authentication.k8s.io/v1"


def namespace(name: str) -> str:
    return f"/api/v1/namespaces/{name}"


def patch_and_update(lab: Lab) -> None:
    account = bound(lab, "verbs", [rule("configmaps", "get create update")])
    path = f"{namespace('verbs')}/configmaps"
    made = account.post(path, {"metadata": {"name": "one"}}).body
    assert account.patch(f"{path}/one", {"data": {"a": "b"}}).status == 403
    assert account.put(f"{path}/one", made).status == 200


def delete_without_a_name(lab: Lab) -> None:
    account = bound(lab, "many", [rule("pods", "delete")])
    assert "cannot deletecollection" in account.delete(f"{namespace('many')}/pods").message


def another_audience(lab: Lab) -> None:
    request = {"spec": {"audiences": ["vault"]}}
    path = f"{namespace('default')}/serviceaccounts/default/token"
    token = lab.admin.post(path, request).body["status"]["token"]
    assert lab.as_token(token).get("/api").status == 401


def old_token(lab: Lab) -> None:
    accounts = f"{namespace('default')}/serviceaccounts"
    account = {"metadata": {"name": "again"}}
    lab.admin.post(accounts, account)
    caller = lab.as_service_account("default/again")
    assert caller.get("/api").status == 200
    lab.admin.delete(f"{accounts}/again")
    lab.admin.post(accounts, account)
    assert caller.get("/api").status == 401


def stranger_or_bad(lab: Lab) -> None:
    assert lab.as_anonymous().get(namespace("default")).status == 403
    assert lab.as_token("no-token").get(namespace("default")).status == 401


def quota(lab: Lab) -> None:
    path = f"{namespace('default')}/resourcequotas"
    lab.admin.post(path, {"metadata": {"name": "objects"}, "spec": {"hard": {"configmaps": "1"}}})
    refused = lab.admin.post(f"{namespace('default')}/configmaps", {"metadata": {"name": "more"}})
    assert (refused.status, "exceeded quota: objects" in refused.message) == (403, True)


def apps_in_the_core_group(lab: Lab) -> None:
    account = bound(lab, "apps", [rule("pods deployments", "list")])
    assert account.can("list", "pods", "apps")
    assert not account.can("list", "deployments", "apps", group="apps")


def logs(lab: Lab) -> None:
    account = bound(lab, "logs", [rule("pods", "get")])
    assert "pods/log" in account.get(f"{namespace('logs')}/pods/web/log").message


def no_delete_is_lost(lab: Lab) -> None:
    statements.test_rights_add_up(lab)


def role_binding_to_view(lab: Lab) -> None:
    account = bound(lab, "here", [rule("services", "list")], "ClusterRole")
    assert account.can("list", "services", "here")
    assert not account.can("list", "services", "default")


def cluster_role_binding_to_view(lab: Lab) -> None:
    subject = {"kind": "ServiceAccount", "namespace": "kube-public", "name": "default"}
    role = {"apiGroup": GROUP, "kind": "ClusterRole", "name": "view"}
    binding = {"metadata": {"name": "all"}, "roleRef": role, "subjects": [subject]}
    assert lab.admin.post(f"{RBAC}/clusterrolebindings", binding).status == 201
    account = lab.as_service_account("kube-public/default")
    assert account.can("list", "services", "default")
    assert not account.can("list", "secrets", "default")


def aggregation(lab: Lab) -> None:
    account = bound(lab, "fed", [])
    to_view = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
    binding = {
        "metadata": {"name": "viewer"},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "ServiceAccount", "namespace": "fed", "name": "fed"}],
    }
    lab.admin.post(f"{RBAC}/namespaces/fed/rolebindings", binding)
    rules = [{"apiGroups": ["stable.example.com"], "resources": ["crontabs"], "verbs": ["list"]}]
    lab.admin.post(
        f"{RBAC}/clusterroles", {"metadata": {"name": "more", "labels": to_view}, "rules": rules}
    )
    until(lambda: account.can("list", "crontabs", "fed", group="stable.example.com"))


def escalation(lab: Lab) -> None:
    roles = {"apiGroups": [GROUP], "resources": ["roles"], "verbs": ["create"]}
    account = bound(lab, "writer", [roles])
    role = {"metadata": {"name": "more"}, "rules": [rule("secrets", "get")]}
    assert account.post(f"{RBAC}/namespaces/writer/roles", role).status == 403


def no_such_account(lab: Lab) -> None:
    spec = {"serviceAccountName": "nobody", "containers": [{"name": "main", "image": "ubuntu"}]}
    pod = {"metadata": {"name": "lost"}, "spec": spec}
    refused = lab.admin.post(f"{namespace('default')}/pods", pod)
    assert (refused.status, 'serviceaccount "nobody" not found' in refused.message) == (403, True)


def scale_alone(lab: Lab) -> None:
    scale = {"apiGroups": ["apps"], "resources": ["deployments/scale"], "verbs": ["patch"]}
    account = bound(lab, "scale", [scale])
    path = "/apis/apps/v1/namespaces/scale/deployments"
    labels = {"app": "web"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "main", "image": "nginx"}]},
    }
    spec = {"selector": {"matchLabels": labels}, "template": template}
    assert lab.admin.post(path, {"metadata": {"name": "web"}, "spec": spec}).status == 201
    change = {"spec": {"replicas": 2}}
    assert account.patch(f"{path}/web/scale", change).status == 200
    assert account.patch(f"{path}/web", change).status == 403


def own_review(lab: Lab) -> None:
    account = bound(lab, "reviewer", [rule("pods", "get")])
    spec = {"resourceAttributes": {"verb": "delete", "resource": "nodes"}}
    reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer = account.post(reviews, {"spec": spec})
    assert (answer.status, answer.body["status"]["allowed"]) == (201, False)


ASKED: dict[str, Callable[[Lab], None]] = {
    "no-token-or-a-bad-one": stranger_or_bad,
    "refusal-is-an-answer": stranger_or_bad,
    "version-for-strangers": statements.test_strangers_may_read_the_version_and_not_the_discovery,
    "delete-without-a-name": delete_without_a_name,
    "patch-is-a-verb": patch_and_update,
    "quota-is-not-a-right": quota,
    "token-for-another-audience": another_audience,
    "token-of-the-old-account": old_token,
    "names-and-create": statements.test_with_names_create_is_allowed_on_a_subresource_and_not_on_a_new_object,
    "names-and-tokens": statements.test_with_names_create_is_allowed_on_a_subresource_and_not_on_a_new_object,
    "names-and-list": statements.test_with_names_a_list_is_allowed_if_a_field_selector_names_the_object,
    "changed-role-ref": statements.test_a_changed_role_ref_is_invalid,
    "role-made-again": statements.test_a_role_made_again_is_what_is_bound,
    "group-of-a-deployment": apps_in_the_core_group,
    "star-in-one-group": statements.test_a_star_means_its_verbs_in_its_api_groups,
    "logs-are-another-resource": logs,
    "rights-add-up": no_delete_is_lost,
    "list-shows-contents": statements.test_who_may_list_secrets_reads_what_they_hold,
    "as-another-user": statements.test_asking_as_another_takes_a_right,
    "cluster-role-binding-everywhere": cluster_role_binding_to_view,
    "cluster-role-in-one-namespace": role_binding_to_view,
    "view-and-secrets": cluster_role_binding_to_view,
    "paths-by-a-role-binding": statements.test_a_path_is_not_granted_by_a_role_nor_by_a_role_binding,
    "aggregated-by-a-label": aggregation,
    "roles-beyond-ones-own": escalation,
    "pod-with-a-missing-account": no_such_account,
    "replicas-and-nothing-else": scale_alone,
    "answer-of-a-review": own_review,
    "no-such-resource": statements.test_of_what_there_is_not_a_star_gives_a_yes_and_names_give_a_no,
    "star-and-no-such-resource": statements.test_of_what_there_is_not_a_star_gives_a_yes_and_names_give_a_no,
}
"""The facts that a request shows; the others name the page of Kubernetes, or are about the lab."""

ABOUT_THE_LAB = {
    "checks-look-at-the-cluster",
    "only-positive-questions",
    "first-refusal",
    "wrong-policy-passes",
}


def test_every_fact_that_no_request_shows_has_its_page() -> None:
    assert ASKED.keys() <= FACTS.keys()
    for name in FACTS.keys() - ASKED.keys() - ABOUT_THE_LAB:
        assert FACTS[name]["source"].startswith("https://kubernetes.io/docs/"), name


@pytest.mark.parametrize("name", ASKED)
def test_the_server_answers_as_the_fact_says(lab: Lab, name: str) -> None:
    ASKED[name](lab)


@pytest.mark.parametrize("fact", review.facts(), ids=lambda fact: fact.key)
def test_a_fact_has_its_step_and_three_different_answers(fact: review.Question) -> None:
    assert fact.step in {**STEPS, **ASIDES}
    assert len({answer for answer, _ in fact.answers}) == 3
    assert len({reply for _, reply in fact.answers}) == 3


def test_each_part_has_enough_for_its_end_and_the_policies_are_yaml() -> None:
    for part in range(1, 7):
        assert sum(fact.part == part for fact in review.facts()) >= review.AFTER
    assert sum(fact.part == 0 for fact in review.facts()) >= review.BEFORE
    import yaml

    for fact in review.facts():
        assert not fact.policy or yaml.load(fact.policy, LOADER)["rules"]
