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


def allowed_by_review(lab: Lab, verb: str, resource: str, **spec: object) -> bool:
    """Return the answer to a SubjectAccessReview about the namespace default."""
    attributes = {"namespace": "default", "verb": verb, "resource": resource}
    reviews = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    made = lab.admin.post(reviews, {"spec": {"resourceAttributes": attributes, **spec}})
    return bool(made.body["status"]["allowed"])


def bind_to(lab: Lab, role: str, subject: dict[str, str], kind: str = "ClusterRole") -> None:
    """Bind a role to a subject by a RoleBinding in the namespace default."""
    binding = {
        "metadata": {"name": "bound"},
        "roleRef": {"apiGroup": GROUP, "kind": kind, "name": role},
        "subjects": [subject],
    }
    assert lab.admin.post(f"{RBAC}/namespaces/default/rolebindings", binding).status == 201


def service_behind_the_server(lab: Lab) -> None:
    path = f"{namespace('default')}/services/web:80/proxy/"
    stranger = lab.as_anonymous()
    assert 'get resource "services/proxy"' in stranger.get(path).message
    assert 'create resource "services/proxy"' in stranger.post(path, {}).message


def paths(lab: Lab) -> None:
    stranger = lab.as_anonymous()
    assert 'cannot get path "/apis"' in stranger.get("/apis").message
    assert 'cannot post path "/apis"' in stranger.post("/apis", {}).message


def subresources(lab: Lab) -> None:
    stranger = lab.as_anonymous()
    status = "/apis/apps/v1/namespaces/default/deployments/web/status"
    assert 'update resource "deployments/status"' in stranger.put(status, {}).message
    eviction = stranger.post(f"{namespace('default')}/pods/web/eviction", {}).message
    assert 'create resource "pods/eviction" in API group ""' in eviction


def conflicts(lab: Lab) -> None:
    path = f"{namespace('default')}/configmaps"
    old = lab.admin.post(path, {"metadata": {"name": "old"}}).body
    lab.admin.patch(f"{path}/old", {"data": {"a": "b"}})
    assert lab.admin.put(f"{path}/old", old).status == 409
    assert lab.admin.post(path, {"metadata": {"name": "old"}}).status == 409


def ca_of_each_namespace(lab: Lab) -> None:
    lab.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "fresh"}})
    path = f"{namespace('fresh')}/configmaps/kube-root-ca.crt"
    until(lambda: lab.admin.get(path).status == 200)


def default_comes_back(lab: Lab) -> None:
    path = f"{namespace('default')}/serviceaccounts/default"
    old = lab.admin.get(path).body["metadata"]["uid"]
    lab.admin.delete(path)
    until(lambda: lab.admin.get(path).status == 200)
    assert lab.admin.get(path).body["metadata"]["uid"] != old


def create_pod(lab: Lab, account: str) -> str:
    """Create a pod of an account that pulls its images with a Secret, and return the pod's address."""
    secrets = [{"name": "registry"}]
    accounts = f"{namespace('default')}/serviceaccounts"
    lab.admin.post(accounts, {"metadata": {"name": account}, "imagePullSecrets": secrets})
    spec = {"serviceAccountName": account, "containers": [{"name": "main", "image": "ubuntu"}]}
    path = f"{namespace('default')}/pods"
    made = lab.admin.post(path, {"metadata": {"name": account}, "spec": spec})
    assert made.body["spec"]["imagePullSecrets"] == secrets
    return f"{path}/{account}"


def account_of_a_pod(lab: Lab) -> None:
    pod = create_pod(lab, "fixed")
    assert lab.admin.patch(pod, {"spec": {"serviceAccountName": "default"}}).status == 422


def pod_token(lab: Lab) -> None:
    pod = create_pod(lab, "bound")
    bound_to = {"kind": "Pod", "apiVersion": "v1", "name": "bound"}
    spec = {"boundObjectRef": bound_to, "expirationSeconds": 1200}
    accounts = f"{namespace('default')}/serviceaccounts"
    token = lab.admin.post(f"{accounts}/bound/token", {"spec": spec}).body["status"]["token"]
    own = lab.as_service_account("default/bound")

    def accepted() -> bool:
        status = lab.admin.post(f"/{TOKENS}/tokenreviews", {"spec": {"token": token}}).body[
            "status"
        ]
        return bool(status.get("authenticated"))

    assert accepted()
    lab.admin.delete(pod, query={"gracePeriodSeconds": "0"})
    until(lambda: not accepted())
    assert lab.as_token(token).get("/api").status == 401
    assert own.get("/api").status == 200


def levels(lab: Lab) -> None:
    label = "pod-security.kubernetes.io/enforce"
    labels = {label: "restricted"}
    lab.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "strict", "labels": labels}}
    )
    spec = {
        "containers": [{"name": "c", "image": "ubuntu", "securityContext": {"privileged": True}}]
    }
    template = {"metadata": {"labels": {"app": "web"}}, "spec": spec}
    web = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    deployments = "/apis/apps/v1/namespaces/strict/deployments"
    assert lab.admin.post(deployments, {"metadata": {"name": "web"}, "spec": web}).status == 201
    pods = f"{namespace('strict')}/pods"
    pod = {"metadata": {"name": "privileged"}, "spec": spec}
    assert "violates PodSecurity" in lab.admin.post(pods, pod).message
    lab.admin.patch(namespace("strict"), {"metadata": {"labels": {label: "privileged"}}})
    assert lab.admin.post(pods, pod).status == 201


def no_such_namespace(lab: Lab) -> None:
    path = f"{namespace('nowhere')}/configmaps"
    assert lab.admin.post(path, {"metadata": {"name": "lost"}}).status == 404
    assert lab.as_anonymous().post(path, {"metadata": {"name": "lost"}}).status == 403


def account_as_a_user(lab: Lab) -> None:
    account = lab.as_service_account("default/default")
    bind_to(lab, "view", {"apiGroup": GROUP, "kind": "User", "name": "default"})
    assert not account.can("list", "pods", "default")
    path = f"{RBAC}/namespaces/default/rolebindings/bound"
    long_name = "system:serviceaccount:default:default"
    subject = {"apiGroup": GROUP, "kind": "User", "name": long_name}
    lab.admin.patch(path, {"subjects": [subject]})
    assert account.can("list", "pods", "default")


def kind_as_a_resource(lab: Lab) -> None:
    account = bound(lab, "kinds", [rule("Pod", "get list read")])
    assert account.get(f"{namespace('kinds')}/pods").status == 403


def combinations(lab: Lab) -> None:
    both = {"apiGroups": ["", "apps"], "resources": ["pods", "deployments"], "verbs": ["delete"]}
    account = bound(lab, "both", [both])
    assert account.can("delete", "pods", "both")


def version_in_a_rule(lab: Lab) -> None:
    wrong = {"apiGroups": ["apps/v1"], "resources": ["deployments"], "verbs": ["list"]}
    account = bound(lab, "versions", [wrong])
    assert account.get("/apis/apps/v1/namespaces/versions/deployments").status == 403


def watch_alone(lab: Lab) -> None:
    account = bound(lab, "watcher", [rule("secrets", "watch")])
    path = f"{namespace('watcher')}/secrets"
    lab.admin.post(path, {"metadata": {"name": "door"}, "stringData": {"code": "0000"}})
    assert account.get(path).status == 403
    for event in account.watch(path, timeout_seconds=5):
        if event["object"]["metadata"]["name"] == "door":
            assert event["object"]["data"] == {"code": "MDAwMA=="}
            return
    pytest.fail("no event has the Secret")


def get_and_list(lab: Lab) -> None:
    account = bound(lab, "looker", [rule("pods", "get list")])
    path = f"{namespace('looker')}/pods"
    assert account.get(path).status == 200
    assert "cannot watch" in account.get(path, query={"watch": "1"}).message


def one_config_map(lab: Lab) -> None:
    account = bound(lab, "writer", [rule("configmaps", "get update", resourceNames=["state"])])
    path = f"{namespace('writer')}/configmaps"
    state = {"metadata": {"name": "state"}}
    assert account.post(path, state).status == 403
    made = lab.admin.post(path, state).body
    assert account.put(f"{path}/state", made).status == 200


def names_that_do_not_exist(lab: Lab) -> None:
    subject = {"kind": "ServiceAccount", "namespace": "default", "name": "nobody"}
    bind_to(lab, "no-such-role", subject, kind="Role")
    role = {"metadata": {"name": "no-such-role"}, "rules": [rule("pods", "list")]}
    lab.admin.post(f"{RBAC}/namespaces/default/roles", role)
    long_name = "system:serviceaccount:default:nobody"
    assert allowed_by_review(lab, "list", "pods", user=long_name)


def name_in_a_question(lab: Lab) -> None:
    account = bound(lab, "named", [rule("configmaps", "get", resourceNames=["app"])])
    assert not account.can("get", "configmaps", "named")
    assert account.can("get", "configmaps", "named", name="app")


def groups_left_out(lab: Lab) -> None:
    bind_to(lab, "view", {"apiGroup": GROUP, "kind": "Group", "name": "ops"})
    assert not allowed_by_review(lab, "list", "pods", user="anna")
    assert allowed_by_review(lab, "list", "pods", user="anna", groups=["ops"])


def group_alone(lab: Lab) -> None:
    group = {"Impersonate-Group": "ops"}
    path = f"{namespace('default')}/pods"
    assert lab.admin.request("GET", path, headers=group).status >= 400
    user = {"Impersonate-User": "nobody"}
    assert lab.admin.request("GET", path, headers=group | user).status == 403


def dry_run(lab: Lab) -> None:
    path = f"{namespace('default')}/configmaps"
    whole = {"dryRun": "All"}
    made = {"metadata": {"name": "dry"}}
    account = lab.as_service_account("default/default")
    assert account.post(path, made, query=whole).status == 403
    assert lab.admin.post(path, made, query=whole).status == 201
    assert lab.admin.get(f"{path}/dry").status == 404


def group_of_accounts(lab: Lab) -> None:
    group = "system:serviceaccounts:default"
    bind_to(lab, "view", {"apiGroup": GROUP, "kind": "Group", "name": group})
    assert lab.as_service_account("default/default").can("list", "pods", "default")


def cluster_role_binding_to_a_role(lab: Lab) -> None:
    role = {"apiGroup": GROUP, "kind": "Role", "name": "pod-reader"}
    binding = {"metadata": {"name": "wide"}, "roleRef": role}
    assert lab.admin.post(f"{RBAC}/clusterrolebindings", binding).status == 422


def each_namespace(lab: Lab) -> None:
    account = lab.as_service_account("default/default")
    binding = {
        "metadata": {"name": "each"},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "ServiceAccount", "namespace": "default", "name": "default"}],
    }
    for item in lab.admin.get("/api/v1/namespaces").items:
        name = item["metadata"]["name"]
        lab.admin.post(f"{RBAC}/namespaces/{name}/rolebindings", binding)
        assert account.get(f"{namespace(name)}/pods").status == 200
    assert account.get("/api/v1/pods").status == 403


def own_namespace(lab: Lab) -> None:
    account = bound(lab, "ida", [rule("namespaces", "get list patch")], "ClusterRole")
    labels = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}}
    assert account.patch(namespace("ida"), labels).status == 200
    assert account.get(namespace("default")).status == 403
    assert account.get("/api/v1/namespaces").status == 403


def ready_made(lab: Lab) -> None:
    may: dict[str, set[tuple[str, str]]] = {}
    for name in ("view", "edit", "admin"):
        rules = lab.admin.get(f"{RBAC}/clusterroles/{name}").body["rules"]
        pairs = {
            (verb, resource)
            for each in rules
            for verb in each["verbs"]
            for resource in each["resources"]
        }
        may[name] = pairs
    assert ("get", "secrets") not in may["view"]
    needed = {("get", "secrets"), ("create", "serviceaccounts/token")}
    assert needed | {("impersonate", "serviceaccounts")} <= may["edit"] & may["admin"]
    assert ("get", "roles") not in may["edit"]
    assert {("create", "roles"), ("create", "rolebindings")} <= may["admin"]
    assert not {("update", "resourcequotas"), ("update", "namespaces")} & may["admin"]


def cluster_admin_here(lab: Lab) -> None:
    bind_to(lab, "cluster-admin", {"apiGroup": GROUP, "kind": "User", "name": "max"})
    assert allowed_by_review(lab, "get", "secrets", user="max")
    assert allowed_by_review(lab, "update", "resourcequotas", user="max")
    max_in = {"Impersonate-User": "max"}
    assert lab.admin.request("GET", namespace("default"), headers=max_in).status == 200
    assert lab.admin.request("GET", "/api/v1/nodes", headers=max_in).status == 403


def about_oneself(lab: Lab) -> None:
    rules = lab.admin.get(f"{RBAC}/clusterroles/system:basic-user").body["rules"]
    asked = {resource for each in rules for resource in each["resources"]}
    assert asked == {"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"}
    subjects = lab.admin.get(f"{RBAC}/clusterrolebindings/system:basic-user").body["subjects"]
    assert [subject["name"] for subject in subjects] == ["system:authenticated"]


def written_by_hand(lab: Lab) -> None:
    path = f"{RBAC}/clusterroles/view"
    lab.admin.patch(path, {"rules": [rule("secrets", "get")]})
    until(lambda: len(lab.admin.get(path).body["rules"]) > 1)


def impersonation(lab: Lab) -> None:
    users = rule("users", "impersonate", resourceNames=["anna"])
    groups = rule("groups", "impersonate", resourceNames=["ops"])
    account = bound(lab, "support", [users, groups], "ClusterRole")
    bind_to(lab, "edit", {"apiGroup": GROUP, "kind": "Group", "name": "ops"})
    anna = {"Impersonate-User": "anna", "Impersonate-Group": "ops"}
    path = f"{namespace('default')}/configmaps"

    def create() -> int:
        made = {"metadata": {"name": "by-anna"}}
        return account.request("POST", path, body=made, headers=anna).status

    assert create() == 403
    binding = {
        "metadata": {"name": "support"},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": "support"},
        "subjects": [{"kind": "ServiceAccount", "namespace": "support", "name": "support"}],
    }
    lab.admin.post(f"{RBAC}/clusterrolebindings", binding)
    assert create() == 201
    boss = {"Impersonate-User": "boss"}
    assert account.request("GET", path, headers=boss).status == 403


def impersonation_here(lab: Lab) -> None:
    account = bound(lab, "actor", [rule("serviceaccounts", "impersonate")])
    path = "/api"
    own = {"Impersonate-User": "system:serviceaccount:actor:default"}
    other = {"Impersonate-User": "system:serviceaccount:default:default"}
    assert account.request("GET", path, headers=own).status == 200
    assert account.request("GET", path, headers=other).status == 403


def token_of_another(lab: Lab) -> None:
    account = bound(lab, "olaf", [rule("serviceaccounts/token", "create")])
    subject = {"kind": "ServiceAccount", "namespace": "olaf", "name": "default"}
    role = {"apiGroup": GROUP, "kind": "ClusterRole", "name": "cluster-admin"}
    binding = {"metadata": {"name": "strong"}, "roleRef": role, "subjects": [subject]}
    lab.admin.post(f"{RBAC}/clusterrolebindings", binding)
    token = account.post(f"{namespace('olaf')}/serviceaccounts/default/token", {})
    strong = lab.as_token(token.body["status"]["token"])
    assert strong.get("/api/v1/secrets").status == 200


def bind_some(lab: Lab) -> None:
    create = {"apiGroups": [GROUP], "resources": ["rolebindings"], "verbs": ["create"]}
    bind = {
        "apiGroups": [GROUP],
        "resources": ["clusterroles"],
        "resourceNames": ["view", "edit"],
        "verbs": ["bind"],
    }
    account = bound(lab, "lead", [create, bind])

    def status(name: str) -> int:
        role = {"apiGroup": GROUP, "kind": "ClusterRole", "name": name}
        binding = {"metadata": {"name": name}, "roleRef": role}
        return account.post(f"{RBAC}/namespaces/lead/rolebindings", binding).status

    assert [status("edit"), status("admin")] == [201, 403]


def strangers_bindings(lab: Lab) -> None:
    bindings = lab.admin.get(f"{RBAC}/clusterrolebindings").items
    named = [
        binding["metadata"]["name"]
        for binding in bindings
        for subject in binding.get("subjects", [])
        if subject["name"] == "system:unauthenticated"
    ]
    assert named == ["system:public-info-viewer"]


def whole_namespace(lab: Lab) -> None:
    account = bound(lab, "ended", [rule("namespaces", "delete")])
    path = f"{namespace('ended')}/secrets"
    lab.admin.post(path, {"metadata": {"name": "door"}})
    assert account.delete(f"{path}/door").status == 403
    assert account.delete(namespace("ended")).status == 200
    until(lambda: lab.admin.get(f"{path}/door").status == 404)


def stars(lab: Lab) -> None:
    every = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["list"]}
    account = bound(lab, "stars", [every])
    assert account.can("list", "crontabs", "stars", group="stable.example.com")


def namespace_made_again(lab: Lab) -> None:
    caller = bound(lab, "again", [rule("configmaps", "list")])
    assert caller.get(f"{namespace('again')}/configmaps").status == 200
    lab.admin.delete(namespace("again"))
    until(lambda: lab.admin.get(namespace("again")).status == 404)
    lab.admin.post("/api/v1/namespaces", {"metadata": {"name": "again"}})
    headers = {"Impersonate-User": "system:serviceaccount:again:again"}
    lab.admin.post(f"{namespace('again')}/serviceaccounts", {"metadata": {"name": "again"}})
    answer = lab.admin.request("GET", f"{namespace('again')}/configmaps", headers=headers)
    assert answer.status == 403


def as_masters(lab: Lab) -> None:
    account = bound(lab, "masters", [rule("configmaps", "list")])
    role = {"metadata": {"name": "masters"}, "rules": [rule("users groups", "impersonate")]}
    lab.admin.post(f"{RBAC}/clusterroles", role)
    subject = {"kind": "User", "apiGroup": GROUP, "name": account.whoami().user}
    ref = {"apiGroup": GROUP, "kind": "ClusterRole", "name": "masters"}
    binding = {"metadata": {"name": "masters"}, "roleRef": ref, "subjects": [subject]}
    lab.admin.post(f"{RBAC}/clusterrolebindings", binding)
    headers = {"Impersonate-User": "x", "Impersonate-Group": "system:masters"}
    assert account.get("/api/v1/nodes").status == 403
    assert account.request("GET", "/api/v1/nodes", headers=headers).status == 200


def rules_in_one_answer(lab: Lab) -> None:
    account = bound(lab, "rules", [rule("configmaps", "list")])
    path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"
    answer = account.post(path, {"spec": {"namespace": "rules"}})
    assert {"verbs": ["list"], "apiGroups": [""], "resources": ["configmaps"]} in answer.body[
        "status"
    ]["resourceRules"]


def local_review(lab: Lab) -> None:
    group = "authorization.k8s.io"
    account = bound(
        lab,
        "local",
        [rule("localsubjectaccessreviews subjectaccessreviews", "create", apiGroups=[group])],
    )
    spec = {
        "user": "anna",
        "resourceAttributes": {"verb": "list", "resource": "pods", "namespace": "local"},
    }
    reviews = f"/apis/{group}/v1"
    local = f"{reviews}/namespaces/local/localsubjectaccessreviews"
    assert account.post(local, {"metadata": {"namespace": "local"}, "spec": spec}).status == 201
    assert account.post(f"{reviews}/subjectaccessreviews", {"spec": spec}).status == 403


def in_the_log(lab: Lab) -> None:
    account = bound(lab, "logged", [rule("configmaps", "list")])
    for resource, decision in (("configmaps", "allow"), ("secrets", "forbid")):
        event = lab.audit_event(account.get(f"{namespace('logged')}/{resource}").audit_id)
        assert event is not None
        assert event["annotations"]["authorization.k8s.io/decision"] == decision
        assert event["user"]["username"] == account.whoami().user
        assert event["sourceIPs"]
    allowed = lab.audit_event(account.get(f"{namespace('logged')}/configmaps").audit_id)
    assert allowed is not None
    assert "RoleBinding" in allowed["annotations"]["authorization.k8s.io/reason"]
    asked = lab.admin.request("GET", "/api/v1/pods", headers={"Impersonate-User": "boss"})
    event = lab.audit_event(asked.audit_id)
    assert event is not None
    assert event["user"]["username"] == "kubernetes-admin"
    assert event["impersonatedUser"]["username"] == "boss"


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
    "service-behind-the-api-server": service_behind_the_server,
    "paths-have-methods": paths,
    "subresources-and-verbs": subresources,
    "old-version-of-an-object": conflicts,
    "ca-of-the-cluster": ca_of_each_namespace,
    "default-comes-back": default_comes_back,
    "account-in-the-pod-template": account_of_a_pod,
    "what-else-from-the-account": account_of_a_pod,
    "token-bound-to-a-pod": pod_token,
    "which-tokens-are-good": pod_token,
    "leaked-token": old_token,
    "account-deleted-under-a-pod": old_token,
    "levels-are-labels": levels,
    "deployment-of-refused-pods": levels,
    "missing-namespace": no_such_namespace,
    "account-as-a-user": account_as_a_user,
    "kind-in-the-place-of-a-resource": kind_as_a_resource,
    "all-combinations": combinations,
    "version-in-a-rule": version_in_a_rule,
    "watch-shows-contents": watch_alone,
    "get-with-w": get_and_list,
    "one-config-map": one_config_map,
    "names-that-do-not-exist": names_that_do_not_exist,
    "yes-proves-no-account": names_that_do_not_exist,
    "name-in-can-i": name_in_a_question,
    "review-about-others": groups_left_out,
    "groups-left-out": groups_left_out,
    "group-without-a-user": group_alone,
    "dry-run-on-the-server": dry_run,
    "group-as-a-subject": group_of_accounts,
    "role-in-a-cluster-role-binding": cluster_role_binding_to_a_role,
    "every-namespace-and-all-of-them": each_namespace,
    "namespace-as-an-object": own_namespace,
    "four-ready-made-roles": ready_made,
    "edit-reads-secrets": ready_made,
    "cluster-admin-in-a-namespace": cluster_admin_here,
    "who-may-ask-about-oneself": about_oneself,
    "aggregated-by-hand": written_by_hand,
    "impersonate-one-user": impersonation,
    "headers-of-as": impersonation,
    "impersonate-in-a-namespace": impersonation_here,
    "token-of-a-strong-account": token_of_another,
    "bind-some-roles": bind_some,
    "everybody-on-the-network": strangers_bindings,
    "namespace-with-all-in-it": whole_namespace,
    "stars-grow": stars,
    "namespace-made-again": namespace_made_again,
    "as-a-group-of-masters": as_masters,
    "all-rights-in-one-answer": rules_in_one_answer,
    "review-in-one-namespace": local_review,
    "who-listed-the-secrets": in_the_log,
    "why-in-the-audit-log": in_the_log,
    "both-names-in-the-log": in_the_log,
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
