from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.tests.support.cluster import ClusterApi, Reply

LAB = "/api/v1/namespaces/lab"
POD: dict[str, Any] = {
    "metadata": {"name": "p"},
    "spec": {"containers": [{"name": "main", "image": "ubuntu"}]},
}
OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u"}
TEMPLATE = {
    "metadata": {"labels": {"a": "b"}},
    "spec": {"containers": [{"name": "main", "image": "ubuntu"}]},
}
STALE = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def first_cause(reply: Reply) -> tuple[str, str]:
    assert reply.status == 422, reply
    cause = reply.body["details"]["causes"][0]
    return cause["field"], cause["message"]


def config(api: ClusterApi, **more: Any) -> Any:
    return api.must(
        api.admin.post(f"{LAB}/configmaps", {"metadata": {"name": "c"}, "data": {"a": "1"}, **more})
    )


def test_stale_versions_are_refused(api: ClusterApi) -> None:
    made = config(api)
    api.must(api.admin.patch(f"{LAB}/configmaps/c", {"data": {"a": "2"}}))
    reply = api.admin.put(f"{LAB}/configmaps/c", made)
    assert reply.status == 409
    assert reply.message == f'Operation cannot be fulfilled on configmaps "c": {STALE}'


def test_without_a_version_the_last_writer_wins(api: ClusterApi) -> None:
    config(api)
    made = api.must(
        api.admin.put(f"{LAB}/configmaps/c", {"metadata": {"name": "c"}, "data": {"b": "2"}})
    )
    assert made["data"] == {"b": "2"}


def test_some_kinds_want_a_version(api: ClusterApi) -> None:
    path = "/apis/coordination.k8s.io/v1/namespaces/lab/leases"
    api.must(api.admin.post(path, {"metadata": {"name": "l"}}))
    assert first_cause(api.admin.put(f"{path}/l", {"metadata": {"name": "l"}, "spec": {}})) == (
        "metadata.resourceVersion",
        "Invalid value: 0: must be specified for an update",
    )


def test_another_name_or_uid(api: ClusterApi) -> None:
    config(api)
    reply = api.admin.put(f"{LAB}/configmaps/c", {"metadata": {"name": "other"}})
    assert reply.message == "the name of the object (other) does not match the name on the URL (c)"
    reply = api.admin.put(f"{LAB}/configmaps/c", {"metadata": {"name": "c", "uid": "1"}})
    assert reply.status == 409
    assert "Precondition failed: UID in precondition: 1" in reply.message


def test_put_creates_where_the_kind_allows_it(api: ClusterApi) -> None:
    assert api.admin.put(f"{LAB}/configmaps/new", {"metadata": {"name": "new"}}).status == 404
    body = {"metadata": {"name": "new"}, "spec": {"ports": [{"port": 80}]}}
    assert api.admin.put(f"{LAB}/services/new", body).status == 201


def test_who_creates_by_put_must_be_allowed_to_create(api: ClusterApi) -> None:
    api.role(
        "updater",
        {"apiGroups": [""], "resources": ["services"], "verbs": ["update"]},
        namespace="lab",
    )
    bot = api.account("lab", "bot")
    api.bind("updater", "Role/updater", "ServiceAccount/lab/bot", namespace="lab")
    reply = bot.put(
        f"{LAB}/services/new", {"metadata": {"name": "new"}, "spec": {"ports": [{"port": 80}]}}
    )
    assert reply.status == 403
    assert 'cannot create resource "services"' in reply.message


def test_an_update_that_changes_nothing_leaves_the_version(api: ClusterApi) -> None:
    made = config(api)
    api.clock.now += 100
    again = api.must(api.admin.put(f"{LAB}/configmaps/c", made))
    assert again == made


def test_immutable_data(api: ClusterApi) -> None:
    config(api, immutable=True)
    assert first_cause(api.admin.patch(f"{LAB}/configmaps/c", {"data": {"a": "2"}})) == (
        "data",
        "Forbidden: field is immutable when `immutable` is set",
    )
    assert (
        first_cause(api.admin.patch(f"{LAB}/configmaps/c", {"immutable": None}))[0] == "immutable"
    )
    assert (
        api.admin.patch(f"{LAB}/configmaps/c", {"metadata": {"labels": {"x": "y"}}}).status == 200
    )


def test_a_pods_spec_hardly_changes(api: ClusterApi) -> None:
    tolerations = [{"key": "a", "operator": "Exists"}]
    api.must(
        api.admin.post(f"{LAB}/pods", {**POD, "spec": {**POD["spec"], "tolerations": tolerations}})
    )
    changed = api.must(api.admin.patch(f"{LAB}/pods/p", {"spec": {"activeDeadlineSeconds": 5}}))
    assert changed["metadata"]["generation"] == 2
    field, message = first_cause(api.admin.patch(f"{LAB}/pods/p", {"spec": {"nodeName": "n"}}))
    assert field == "spec"
    assert '- "NodeName": "",\n+ "NodeName": "n",' in message
    field, message = first_cause(api.admin.patch(f"{LAB}/pods/p", {"spec": {"tolerations": []}}))
    assert message.startswith("Forbidden: existing toleration can not be modified")
    field, message = first_cause(
        api.admin.patch(f"{LAB}/pods/p", {"spec": {"activeDeadlineSeconds": 9}})
    )
    assert message == "Invalid value: 9: must be less than or equal to previous value"


def test_the_status_has_a_door_of_its_own(api: ClusterApi) -> None:
    made = api.must(api.admin.post(f"{LAB}/pods", POD))
    sent = {**made, "status": {"phase": "Running"}, "spec": {**made["spec"], "nodeName": "n"}}
    through_status = api.must(api.admin.put(f"{LAB}/pods/p/status", sent))
    assert through_status["status"]["phase"] == "Running"
    assert "nodeName" not in through_status["spec"]
    assert through_status["metadata"]["managedFields"][-1]["subresource"] == "status"
    back = api.must(api.admin.patch(f"{LAB}/pods/p", {"status": {"phase": "Failed"}}))
    assert back["status"]["phase"] == "Running"


def test_role_references_stay(api: ClusterApi) -> None:
    api.bind("b", "Role/a", "User/jane", namespace="lab")
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/lab/rolebindings/b"
    field, message = first_cause(api.admin.patch(path, {"roleRef": {"name": "other"}}))
    assert (field, message.endswith("cannot change roleRef")) == ("roleRef", True)


def test_cluster_ips_stay(api: ClusterApi) -> None:
    body = {"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    before = api.must(api.admin.post(f"{LAB}/services", body))["spec"]["clusterIP"]
    assert api.must(api.admin.put(f"{LAB}/services/s", body))["spec"]["clusterIP"] == before
    field, message = first_cause(
        api.admin.patch(f"{LAB}/services/s", {"spec": {"clusterIP": "10.96.9.9"}})
    )
    assert field == "spec.clusterIPs[0]"
    assert message.endswith("may not change once set")


def test_binding_a_pod_to_a_node(api: ClusterApi) -> None:
    api.must(api.admin.post(f"{LAB}/pods", POD))
    body = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n1"}}
    reply = api.admin.post(f"{LAB}/pods/p/binding", body)
    assert (reply.status, reply.body["status"]) == (201, "Success")
    pod = api.admin.get(f"{LAB}/pods/p").body
    assert pod["spec"]["nodeName"] == "n1"
    assert pod["status"]["conditions"][0]["type"] == "PodScheduled"
    again = api.admin.post(f"{LAB}/bindings", body)
    assert again.message.endswith('pod p is already assigned to node "n1"')


def test_evicting_a_pod(api: ClusterApi) -> None:
    api.must(api.admin.post(f"{LAB}/pods", POD))
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
    assert api.admin.post(f"{LAB}/pods/p/eviction", body).status == 201
    assert api.admin.get(f"{LAB}/pods/p").status == 404


def test_scaling(api: ClusterApi) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": POD["spec"]}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    path = "/apis/apps/v1/namespaces/lab/deployments"
    api.must(api.admin.post(path, {"metadata": {"name": "d"}, "spec": spec}))
    scaled = api.must(api.admin.patch(f"{path}/d/scale", {"spec": {"replicas": 3}}))
    assert scaled["kind"] == "Scale"
    assert scaled["spec"] == {"replicas": 3}
    deployment = api.admin.get(f"{path}/d").body
    assert (deployment["spec"]["replicas"], deployment["metadata"]["generation"]) == (3, 2)
    body = {"metadata": {"name": "d"}, "spec": {"replicas": -1}}
    assert first_cause(api.admin.put(f"{path}/d/scale", body))[0] == "spec.replicas"


def test_ephemeral_containers_only_come(api: ClusterApi) -> None:
    api.must(api.admin.post(f"{LAB}/pods", POD))
    path = f"{LAB}/pods/p/ephemeralcontainers"
    debugger = {"name": "debug", "image": "busybox", "targetContainerName": "main"}
    made = api.must(api.admin.patch(path, {"spec": {"ephemeralContainers": [debugger]}}))
    assert made["spec"]["ephemeralContainers"][0]["imagePullPolicy"] == "Always"
    _, message = first_cause(api.admin.patch(path, {"spec": {"ephemeralContainers": []}}))
    assert "may not be removed" in message


def test_a_refused_spec_is_told_in_the_order_of_the_internal_structs(api: ClusterApi) -> None:
    api.must(api.admin.post(f"{LAB}/pods", POD))
    body = {**POD, "spec": {**POD["spec"], "volumes": [], "securityContext": {"fsGroup": 1}}}
    _, message = first_cause(api.admin.put(f"{LAB}/pods/p", body))
    assert message.index('"RBD"') < message.index('"Quobyte"') < message.index('"FlexVolume"')
    assert '+  "FSGroup": 1,\n   "FSGroupChangePolicy": null,\n   "Sysctls": null' in message


@pytest.mark.parametrize(
    ("door", "sent", "owned"),
    [
        ("resize", {"status": {"reason": "x"}}, {"f:status": {"f:reason": {}}}),
        ("ephemeralcontainers", {"status": {"reason": "x"}}, {"f:status": {"f:reason": {}}}),
        ("status", {"metadata": {"ownerReferences": [OWNER]}}, None),
    ],
)
def test_what_a_door_of_a_pod_owns(api: ClusterApi, door: str, sent: Any, owned: Any) -> None:
    api.must(api.admin.post(f"{LAB}/pods", POD))
    changed = api.must(api.admin.patch(f"{LAB}/pods/p/{door}", sent))
    entries = changed["metadata"]["managedFields"]
    assert [entry["fieldsV1"] for entry in entries if entry.get("subresource") == door] == (
        [owned] if owned else []
    )


def test_an_uid_in_the_body_names_one_object(api: ClusterApi) -> None:
    config(api)
    body = {"metadata": {"name": "c", "uid": "other"}}
    assert "Key: /registry/configmaps/lab/c, " in api.admin.put(f"{LAB}/configmaps/c", body).message
    assert (
        "Key: /configmaps/lab/c, " in api.admin.put(f"{LAB}/configmaps/c?dryRun=All", body).message
    )
    body = {"metadata": {"name": "d", "uid": "other"}}
    assert api.admin.put(f"{LAB}/configmaps/d", body).status == 404
    lease = "/apis/coordination.k8s.io/v1/namespaces/lab/leases/d"
    assert api.admin.put(lease, body).status == 409
    controller = {
        "metadata": {"name": "r", "uid": "other"},
        "spec": {"template": TEMPLATE, "selector": {"a": "b"}},
    }
    api.must(api.admin.post(f"{LAB}/replicationcontrollers", controller))
    assert (
        "Key: /registry/controllers/lab/r"
        in api.admin.put(f"{LAB}/replicationcontrollers/r", controller).message
    )
