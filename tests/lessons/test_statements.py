"""Statements of the lessons, asked of the server: one function each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from labkit import Lab
from labkit.client.answer import Answer
from labkit.client.client import Client

RBAC = "/apis/rbac.authorization.k8s.io/v1"
GROUP = "rbac.authorization.k8s.io"

# -- Parts 4 to 6 -----------------------------------------------------------------------------------


def bound(lab: Lab, name: str, rules: Iterable[dict[str, Any]], kind: str = "Role") -> Client:
    """Return an account in a namespace of its own, bound there by a RoleBinding to a role with some rules."""
    role: dict[str, Any] = {"apiVersion": f"{GROUP}/v1", "kind": kind, "rules": list(rules)}
    role["metadata"] = {"name": name} | ({"namespace": name} if kind == "Role" else {})
    lab.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    lab.apply(
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": name, "namespace": name},
        }
    )
    lab.apply(role)
    lab.apply(
        {
            "apiVersion": f"{GROUP}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name, "namespace": name},
            "roleRef": {"apiGroup": GROUP, "kind": kind, "name": name},
            "subjects": [{"kind": "ServiceAccount", "namespace": name, "name": name}],
        }
    )
    return lab.as_service_account(f"{name}/{name}")


def rule(resources: str, verbs: str, **more: list[str]) -> dict[str, Any]:
    return {"apiGroups": [""], "resources": resources.split(), "verbs": verbs.split(), **more}


def test_with_names_create_is_allowed_on_a_subresource_and_not_on_a_new_object(lab: Lab) -> None:
    rules = [
        rule("services", "create", resourceNames=["web"]),
        rule("serviceaccounts/token", "create", resourceNames=["names-create"]),
    ]
    account = bound(lab, "names-create", rules)
    space = "/api/v1/namespaces/names-create"
    made = {"metadata": {"name": "web"}, "spec": {"ports": [{"port": 80}]}}
    assert account.post(f"{space}/services", made).status == 403
    assert account.post(f"{space}/serviceaccounts/names-create/token", {}).status == 201
    assert account.post(f"{space}/serviceaccounts/default/token", {}).status == 403


def test_with_names_a_list_is_allowed_if_a_field_selector_names_the_object(lab: Lab) -> None:
    account = bound(lab, "names-list", [rule("services", "get list", resourceNames=["web"])])
    path = "/api/v1/namespaces/names-list/services"
    one = {"fieldSelector": "metadata.name=web"}
    assert account.get(path).status == 403
    assert account.get(path, query=one).status == 200
    # kubectl get -w services web: a get, and then this.
    assert "cannot watch" in account.get(path, query=one | {"watch": "true"}).message


def test_of_what_there_is_not_a_star_gives_a_yes_and_names_give_a_no(lab: Lab) -> None:
    star = bound(lab, "misspelt-star", [rule("*", "list")])
    names = bound(lab, "misspelt-names", [rule("pods services", "list")])
    assert star.can("list", "podz", "misspelt-star")
    assert not names.can("list", "podz", "misspelt-names")
    assert lab.admin.can("list", "podz")


def test_a_star_means_its_verbs_in_its_api_groups(lab: Lab) -> None:
    account = bound(lab, "core-star", [rule("*", "get list")])
    assert account.can("list", "secrets", "core-star")
    assert not account.can("list", "deployments", "core-star", group="apps")
    assert not account.can("delete", "pods", "core-star")


def test_a_binding_names_system_masters_too(lab: Lab) -> None:
    binding = lab.admin.get(f"{RBAC}/clusterrolebindings/cluster-admin").body
    assert binding["subjects"] == [{"apiGroup": GROUP, "kind": "Group", "name": "system:masters"}]


def test_view_leaves_out_roles_and_role_bindings_and_has_bindings_of_the_core_group(
    lab: Lab,
) -> None:
    rules = lab.admin.get(f"{RBAC}/clusterroles/view").body["rules"]
    read = {
        (group, name)
        for each in rules
        for group in each["apiGroups"]
        for name in each["resources"]
        if "list" in each["verbs"]
    }
    assert ("", "bindings") in read
    assert ("", "configmaps") in read
    assert not {("", "secrets"), (GROUP, "roles"), (GROUP, "rolebindings")} & read


def test_strangers_may_read_the_version_and_not_the_discovery(lab: Lab) -> None:
    public = lab.admin.get(f"{RBAC}/clusterroles/system:public-info-viewer").body["rules"]
    assert {"/healthz", "/livez", "/readyz", "/version"} <= set(public[0]["nonResourceURLs"])
    stranger = lab.as_anonymous()
    assert [stranger.get(path).status for path in ("/version", "/healthz", "/api")] == [
        200,
        200,
        403,
    ]


def test_a_role_gives_the_namespace_itself_and_nothing_else_that_lies_in_none(lab: Lab) -> None:
    account = bound(lab, "own-space", [rule("namespaces persistentvolumes", "get list")])
    assert account.get("/api/v1/namespaces/own-space").status == 200
    for path in ("/api/v1/namespaces", "/api/v1/namespaces/default", "/api/v1/persistentvolumes"):
        assert account.get(path).status == 403


def test_a_role_may_name_what_lies_in_no_namespace(lab: Lab) -> None:
    assert not bound(lab, "no-space", [rule("nodes", "list")]).can("list", "nodes")


def test_a_path_is_not_granted_by_a_role_nor_by_a_role_binding(lab: Lab) -> None:
    paths = {"nonResourceURLs": ["/"], "verbs": ["get"]}
    assert bound(lab, "paths-local", [paths], "ClusterRole").get("/").status == 403
    role = {"metadata": {"name": "paths"}, "rules": [paths]}
    assert lab.admin.post(f"{RBAC}/namespaces/paths-local/roles", role).status == 422


def test_only_can_i_is_about_oneself_and_asking_about_others_takes_a_right(lab: Lab) -> None:
    account = bound(lab, "asking", [rule("pods", "list")])
    reviews = "/apis/authorization.k8s.io/v1"
    about = {"resourceAttributes": {"verb": "list", "resource": "pods", "namespace": "asking"}}
    assert account.post(f"{reviews}/selfsubjectaccessreviews", {"spec": about}).status == 201
    other = {"spec": about | {"user": "somebody"}}
    assert account.post(f"{reviews}/subjectaccessreviews", other).status == 403


def test_a_container_is_not_added_to_a_pod_and_an_ephemeral_one_is(lab: Lab) -> None:
    lab.prepare("02-inside-a-pod/W05-pod-curl.yaml")
    lab.wait("default/curl")
    path = "/api/v1/namespaces/default/pods/curl"
    more = [*lab.admin.get(path).body["spec"]["containers"], {"name": "two", "image": "ubuntu"}]
    assert lab.admin.patch(path, {"spec": {"containers": more}}).status == 422
    ephemeral = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "ubuntu"}]}}
    assert lab.admin.patch(f"{path}/ephemeralcontainers", ephemeral).status == 200


def test_a_changed_role_ref_is_invalid(lab: Lab) -> None:
    bound(lab, "other-role", [rule("pods", "list")])
    changed = {"roleRef": {"apiGroup": GROUP, "kind": "Role", "name": "another"}}
    path = f"{RBAC}/namespaces/other-role/rolebindings/other-role"
    answer = lab.admin.patch(path, changed)
    assert (answer.status, "cannot change roleRef" in answer.message) == (422, True)


def test_a_role_made_again_is_what_is_bound(lab: Lab) -> None:
    account = bound(lab, "role-again", [rule("services", "list")])
    roles = f"{RBAC}/namespaces/role-again/roles"
    lab.admin.delete(f"{roles}/role-again")
    assert not account.can("list", "services", "role-again")
    lab.admin.post(roles, {"metadata": {"name": "role-again"}, "rules": [rule("secrets", "list")]})
    assert account.can("list", "secrets", "role-again")
    assert not account.can("list", "services", "role-again")


def test_who_may_list_secrets_reads_what_they_hold(lab: Lab) -> None:
    account = bound(lab, "only-list", [rule("secrets", "list")])
    secrets = "/api/v1/namespaces/only-list/secrets"
    lab.admin.post(secrets, {"metadata": {"name": "door"}, "stringData": {"code": "0000"}})
    assert account.get(f"{secrets}/door").status == 403
    assert account.get(secrets).body["items"][0]["data"] == {"code": "MDAwMA=="}


def test_asking_as_another_takes_a_right(lab: Lab) -> None:
    account = bound(lab, "as-another", [rule("services", "list")])
    path = "/api/v1/namespaces/as-another/services"
    assert account.get(path).status == 200
    other = {"Impersonate-User": "system:serviceaccount:as-another:default"}
    assert account.request("GET", path, headers=other).status == 403


def test_rights_add_up(lab: Lab) -> None:
    account = bound(lab, "add-up", [rule("services", "list")])
    lab.apply(
        {
            "apiVersion": f"{GROUP}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "second", "namespace": "add-up"},
            "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "view"},
            "subjects": [{"kind": "ServiceAccount", "namespace": "add-up", "name": "add-up"}],
        }
    )
    assert account.can("list", "services", "add-up")
    assert account.can("list", "pods", "add-up")


def test_view_grows_by_the_label(lab: Lab) -> None:
    label = "rbac.authorization.k8s.io/aggregate-to-view"
    role = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "trees-reader", "labels": {label: "true"}},
        "rules": [{"apiGroups": ["stable.example.com"], "resources": ["trees"], "verbs": ["list"]}],
    }
    account = bound(lab, "trees", [rule("services", "list")])
    path = f"{RBAC}/namespaces/trees/rolebindings"
    subjects = [{"kind": "ServiceAccount", "namespace": "trees", "name": "trees"}]
    view = {"apiGroup": GROUP, "kind": "ClusterRole", "name": "view"}
    lab.admin.post(path, {"metadata": {"name": "v"}, "roleRef": view, "subjects": subjects})
    assert not account.can("list", "trees", "trees", group="stable.example.com")
    lab.apply(role)
    assert account.can("list", "trees", "trees", group="stable.example.com")
    lab.admin.delete(f"{RBAC}/clusterroles/trees-reader")


@pytest.mark.parametrize("verb", ["escalate", "bind"])
def test_cluster_admin_has_the_verbs_that_lift_the_escalation_check(lab: Lab, verb: str) -> None:
    account = bound(lab, f"lift-{verb}", [])
    path = f"{RBAC}/namespaces/lift-{verb}/rolebindings"
    subjects = [{"kind": "ServiceAccount", "namespace": f"lift-{verb}", "name": f"lift-{verb}"}]
    admin = {"apiGroup": GROUP, "kind": "ClusterRole", "name": "cluster-admin"}
    assert not account.can(verb, "roles", f"lift-{verb}", group=GROUP)
    lab.admin.post(path, {"metadata": {"name": "all"}, "roleRef": admin, "subjects": subjects})
    assert account.can(verb, "roles", f"lift-{verb}", group=GROUP)


# -- Parts 0 to 3 -----------------------------------------------------------------------------------

DEFAULT = "/api/v1/namespaces/default"
SLEEPS = {"containers": [{"name": "main", "image": "ubuntu", "command": ["sleep", "9999"]}]}
READER = "default/reader"


def reader(lab: Lab, *verbs: str, resource: str = "configmaps") -> Client:
    """An account that has these verbs on a resource in the namespace default."""
    rule = {"apiGroups": [""], "resources": [resource], "verbs": list(verbs)}
    binding = {
        "metadata": {"name": "reader"},
        "roleRef": {"kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": "default"}],
    }
    made(lab.admin.post(f"{DEFAULT}/serviceaccounts", {"metadata": {"name": "reader"}}))
    space = f"{RBAC}/namespaces/default"
    made(lab.admin.post(f"{space}/roles", {"metadata": {"name": "reader"}, "rules": [rule]}))
    made(lab.admin.post(f"{space}/rolebindings", binding))
    return lab.as_service_account(READER)


def made(answer: Answer) -> Answer:
    """The answer of a request that a case needs."""
    assert answer.ok, answer
    return answer


def token(lab: Lab, account: str, **spec: Any) -> Answer:
    """Ask for a token of an account in the namespace default."""
    return lab.admin.post(f"{DEFAULT}/serviceaccounts/{account}/token", {"spec": spec})


def test_a_stranger_has_a_name_and_gets_403(lab: Lab) -> None:
    """W2: without a credential the name is system:anonymous."""
    answer = lab.as_anonymous().get("/api")
    assert (answer.status, answer.as_user) == (403, "system:anonymous")


def test_a_made_up_token_has_no_name_and_gets_401(lab: Lab) -> None:
    """W2: the server could not find out who asks."""
    answer = lab.as_token("not-a-token").get("/api")
    assert (answer.status, answer.as_user) == (401, "")
    assert "system:anonymous" not in answer.message


def test_a_failed_credential_is_worse_than_none(lab: Lab) -> None:
    """W9: 401 even for /version, which the server tells to everybody who shows nothing at all."""
    assert lab.as_token("not-a-token").get("/version").status == 401
    assert lab.as_anonymous().get("/version").status == 200


def test_a_binding_opens_version_and_health_to_strangers(lab: Lab) -> None:
    """W2: system:public-info-viewer."""
    binding = lab.admin.get(f"{RBAC}/clusterrolebindings/system:public-info-viewer").body
    assert "system:unauthenticated" in [subject["name"] for subject in binding["subjects"]]
    role = lab.admin.get(f"{RBAC}/clusterroles/system:public-info-viewer").body
    assert {"/healthz", "/livez", "/readyz", "/version"} <= set(role["rules"][0]["nonResourceURLs"])
    for path in ("/healthz", "/livez", "/readyz", "/version"):
        assert lab.as_anonymous().get(path).status == 200


def test_every_authenticated_user_may_read_api(lab: Lab) -> None:
    """W8: /api is open to every authenticated user."""
    assert lab.as_service_account("default/default").get("/api").status == 200


def test_patch_is_not_update(lab: Lab) -> None:
    """A1: PUT is update, PATCH is patch, and each is a right of its own."""
    made(lab.admin.post(f"{DEFAULT}/configmaps", {"metadata": {"name": "note"}}))
    account = reader(lab, "get", "patch")
    note = f"{DEFAULT}/configmaps/note"
    assert account.patch(note, {"data": {"a": "1"}}).status == 200
    replaced = account.put(note, made(account.get(note)).body)
    assert (replaced.status, replaced.verb) == (403, "update")


def test_delete_of_a_list_is_deletecollection(lab: Lab) -> None:
    """A1: who may delete each may not delete all at once."""
    account = reader(lab, "delete", "list")
    refused = account.delete(f"{DEFAULT}/configmaps")
    assert refused.status == 403
    assert "cannot deletecollection resource" in refused.message
    made(lab.admin.post(f"{DEFAULT}/configmaps", {"metadata": {"name": "note"}}))
    assert account.delete(f"{DEFAULT}/configmaps/note").status == 200


def test_list_shows_the_objects_whole(lab: Lab) -> None:
    """A1: list without get refuses one object, and shows all of them with all that they hold."""
    made(lab.admin.post(f"{DEFAULT}/configmaps", {"metadata": {"name": "n"}, "data": {"a": "1"}}))
    account = reader(lab, "list")
    assert account.get(f"{DEFAULT}/configmaps/n").status == 403
    listed = account.get(f"{DEFAULT}/configmaps").items
    assert {"a": "1"} in [item.get("data") for item in listed]


def test_a_list_that_goes_on_is_watch(lab: Lab) -> None:
    """A1: a role with get and list lets nobody watch."""
    account = reader(lab, "get", "list")
    assert account.get(f"{DEFAULT}/configmaps", query={"watch": "1"}).status == 403


def test_services_of_another_namespace_are_not_in_the_environment(lab: Lab) -> None:
    """W6: a container has the Services of its own namespace, and always the API server's."""
    port = {"ports": [{"port": 80}]}
    lab.admin.post("/api/v1/namespaces", {"metadata": {"name": "elsewhere"}})
    for space, name in (("default", "near"), ("elsewhere", "far")):
        service = {"metadata": {"name": name}, "spec": port}
        made(lab.admin.post(f"/api/v1/namespaces/{space}/services", service))
    made(lab.admin.post(f"{DEFAULT}/pods", {"metadata": {"name": "looks"}, "spec": SLEEPS}))
    lab.wait("default/looks")
    environment = lab.exec("default/looks", "env").stdout
    assert "NEAR_SERVICE_HOST=" in environment
    assert "KUBERNETES_SERVICE_HOST=" in environment
    assert "FAR_SERVICE_HOST=" not in environment


def test_a_pod_gets_no_further_container(lab: Lab) -> None:
    """W11: the containers in a pod's spec are fixed."""
    path = f"{DEFAULT}/pods/alone"
    made(lab.admin.post(f"{DEFAULT}/pods", {"metadata": {"name": "alone"}, "spec": SLEEPS}))
    pod = made(lab.admin.get(path)).body
    pod["spec"]["containers"].append({**SLEEPS["containers"][0], "name": "second"})
    assert lab.admin.put(path, pod).status == 422


def test_a_pod_without_a_token_still_has_an_account(lab: Lab) -> None:
    """A2: its name stands in the spec; what the pod asks, it asks as system:anonymous."""
    spec = {**SLEEPS, "automountServiceAccountToken": False}
    pod = made(lab.admin.post(f"{DEFAULT}/pods", {"metadata": {"name": "mute"}, "spec": spec})).body
    assert pod["spec"]["serviceAccountName"] == "default"
    assert not pod["spec"].get("volumes")


def test_a_token_for_another_audience_is_no_token_here(lab: Lab) -> None:
    """W12: the API server answers it with 401."""
    other = made(token(lab, "default", audiences=["https://shop.example"])).body["status"]["token"]
    own = made(token(lab, "default")).body["status"]["token"]
    assert lab.as_token(other).get("/api").status == 401
    assert lab.as_token(own).get("/api").status == 200


def test_an_account_has_no_secret_of_its_own(lab: Lab) -> None:
    """W10: in 1.24 and later no Secret is made for an account by default."""
    made(lab.admin.post(f"{DEFAULT}/serviceaccounts", {"metadata": {"name": "fresh"}}))
    assert lab.admin.get(f"{DEFAULT}/serviceaccounts/fresh").body.get("secrets") is None
    assert lab.admin.get(f"{DEFAULT}/secrets").items == []


def test_a_right_ends_at_its_namespace(lab: Lab) -> None:
    """00: what is granted in one namespace is refused in the other."""
    account = reader(lab, "list", resource="serviceaccounts")
    assert account.get(f"{DEFAULT}/serviceaccounts").status == 200
    assert account.get("/api/v1/namespaces/kube-system/serviceaccounts").status == 403
