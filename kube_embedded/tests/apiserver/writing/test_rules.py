"""What the kinds' own rules refuse, on creation and on update."""

from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.apiserver.registry.errors import MAX_CAUSES
from kube_embedded.tests.support.cluster import ClusterApi, causes

LAB = "/api/v1/namespaces/lab"
APPS = "/apis/apps/v1/namespaces/lab"
NETWORK = "/apis/networking.k8s.io/v1"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
TEMPLATE = {
    "metadata": {"labels": {"a": "b"}},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}
SELECTED: dict[str, Any] = {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}


def pod(**spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "x"},
        "spec": {"containers": [{"name": "c", "image": "i"}], **spec},
    }


CASES: list[tuple[str, dict[str, Any], str, str]] = [
    (
        f"{LAB}/configmaps",
        {"metadata": {"name": "x", "finalizers": ["a"]}},
        "metadata.finalizers[0]",
        'Invalid value: "a": name is neither a standard finalizer name nor is it fully qualified',
    ),
    (
        f"{LAB}/pods",
        pod(affinity={"nodeAffinity": {PREFERRED: [{"weight": 101, "preference": {}}]}}),
        f"spec.affinity.nodeAffinity.{PREFERRED}[0].weight",
        "Invalid value: 101: must be in the range 1-100",
    ),
    (
        f"{LAB}/pods",
        pod(affinity={"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [
            {"matchFields": [{"key": "metadata.uid", "operator": "In", "values": ["a"]}]}]}}}),
        f"spec.affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms[0].matchFields[0].key",
        'Invalid value: "metadata.uid": not a valid field selector key',
    ),
    (
        f"{LAB}/pods",
        pod(affinity={"podAffinity": {PREFERRED: [{"weight": 0, "podAffinityTerm": {"topologyKey": "z"}}]}}),
        f"spec.affinity.podAffinity.{PREFERRED}[0].weight",
        "Invalid value: 0: must be in the range 1-100",
    ),
    (
        f"{LAB}/pods",
        pod(securityContext={"sysctls": [{"name": "kernel.sem"}, {"name": "kernel.sem"}]}),
        "spec.securityContext.sysctls[1].name",
        'Duplicate value: "kernel.sem"',
    ),
    (
        f"{LAB}/pods",
        pod(hostNetwork=True, securityContext={"sysctls": [{"name": "net.a"}]}),
        "spec.securityContext.sysctls[0].name",
        "Invalid value: \"net.a\": may not be specified when 'hostNetwork' is true",
    ),
    (
        f"{LAB}/pods",
        pod(securityContext={"fsGroupChangePolicy": "Never"}),
        "spec.securityContext.fsGroupChangePolicy",
        'Unsupported value: "Never": supported values: "Always", "OnRootMismatch"',
    ),
    (
        "/api/v1/nodes",
        {"metadata": {"name": "x"}, "spec": {"taints": [{"key": "k", "effect": "Sometimes"}]}},
        "metadata.taints[0].effect",
        'Unsupported value: "Sometimes": supported values: "NoSchedule", "PreferNoSchedule", "NoExecute"',
    ),
    (
        "/api/v1/namespaces",
        {"metadata": {"name": "x"}, "spec": {"finalizers": ["other"]}},
        "spec.finalizers",
        'Invalid value: "other": name is neither a standard finalizer name nor is it fully qualified',
    ),
    (
        f"{LAB}/podtemplates",
        {"metadata": {"name": "x"}, "template": {"spec": {"containers": []}}},
        "template.spec.containers",
        "Required value",
    ),
    (
        f"{APPS}/controllerrevisions",
        {"metadata": {"name": "x"}, "revision": 1},
        "data",
        "Required value: data is mandatory",
    ),
    (
        f"{APPS}/daemonsets",
        {"metadata": {"name": "x"}, "spec": {**SELECTED, "updateStrategy": {"rollingUpdate": {"maxUnavailable": 0}}}},
        "spec.updateStrategy.rollingUpdate.maxUnavailable",
        "Required value: cannot be 0 when maxSurge is 0",
    ),
    (
        f"{APPS}/daemonsets",
        {"metadata": {"name": "x"}, "spec": {**SELECTED, "selector": {}}},
        "spec.selector",
        "Invalid value: {}: empty selector is invalid for daemonset",
    ),
    (
        f"{APPS}/statefulsets",
        {"metadata": {"name": "x"}, "spec": {**SELECTED, "updateStrategy": {"type": "Blue"}}},
        "spec.updateStrategy",
        'Invalid value: {"Type":"Blue","RollingUpdate":null}: must be \'RollingUpdate\' or \'OnDelete\'',
    ),
    (
        "/apis/scheduling.k8s.io/v1/priorityclasses",
        {"metadata": {"name": "x"}, "value": 1, "preemptionPolicy": "Maybe"},
        "preemptionPolicy",
        'Unsupported value: "Maybe": supported values: "PreemptLowerPriority", "Never"',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "field", "message"), CASES)
def test_a_new_object_that_breaks_a_rule(
    api: ClusterApi, path: str, body: dict[str, Any], field: str, message: str
) -> None:
    assert causes(api.admin.post(path, body)) == [(field, message)]


def test_a_namespace_is_active_until_it_ends(api: ClusterApi) -> None:
    reply = api.admin.patch("/api/v1/namespaces/lab/status", {"status": {"phase": "Terminating"}})
    assert causes(reply) == [
        (
            "status.Phase",
            "Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty",
        )
    ]


def test_a_short_request_gets_no_endless_answer(api: ClusterApi) -> None:
    role = {"metadata": {"name": "r"}, "rules": [{}] * 1500}
    assert (
        len(causes(api.admin.post("/apis/rbac.authorization.k8s.io/v1/namespaces/lab/roles", role)))
        == MAX_CAUSES
    )
    paths = ["/".join("p" * depth) for depth in range(1, 300)]
    files = [{"configMap": {"name": "c", "items": [{"key": "k", "path": path}]}} for path in paths]
    spec = {
        "containers": [{"name": "c", "image": "i"}],
        "volumes": [{"name": "v", "projected": {"sources": files}}],
    }
    reply = api.admin.post(f"{LAB}/pods", {"metadata": {"name": "p"}, "spec": spec})
    assert reply.status == 201
    assert len(reply.warnings) == 256 * 255 / 2


def test_a_role_is_checked_once(api: ClusterApi) -> None:
    roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/lab/roles"
    api.must(api.admin.post(roles, {"metadata": {"name": "r"}, "rules": []}))
    reply = api.admin.patch(f"{roles}/r", {"rules": [{"apiGroups": [""], "resources": ["pods"]}]})
    assert causes(reply) == [
        ("rules[0].verbs", "Required value: verbs must contain at least one value")
    ]
    reply = api.admin.patch(
        f"{roles}/r", {"metadata": {"labels": {"a b": ""}}, "rules": [{"resources": ["pods"]}]}
    )
    labels, rules = 3 * ["metadata.labels"], ["rules[0].verbs", "rules[0].apiGroups"]
    assert [field for field, _ in causes(reply)] == [*labels, *rules, "metadata.labels"]


def test_a_changed_pod_is_held_to_all_rules(api: ClusterApi) -> None:
    api.must(api.admin.post(f"{LAB}/pods", pod()))
    found = causes(
        api.admin.patch(f"{LAB}/pods/x", {"spec": {"containers": [{"name": "Bad", "image": "i"}]}})
    )
    assert [field for field, _ in found] == ["spec.containers[0].name", "spec"]


def test_empty_data_of_a_revision_is_data(api: ClusterApi) -> None:
    made = api.must(
        api.admin.post(
            f"{APPS}/controllerrevisions", {"metadata": {"name": "x"}, "revision": 1, "data": {}}
        )
    )
    assert made["data"] == {}


def test_what_is_no_images_name_has_no_tag(api: ClusterApi) -> None:
    made = api.must(
        api.admin.post(f"{LAB}/pods", pod(initContainers=[{"name": "b", "image": "Bad_Image"}]))
    )
    assert made["spec"]["initContainers"][0]["imagePullPolicy"] == "IfNotPresent"


def test_an_ingress_classs_parameters_are_the_clusters(api: ClusterApi) -> None:
    spec = {"controller": "a.b/c", "parameters": {"kind": "K", "name": "n"}}
    made = api.must(
        api.admin.post(f"{NETWORK}/ingressclasses", {"metadata": {"name": "x"}, "spec": spec})
    )
    assert made["spec"]["parameters"]["scope"] == "Cluster"


def test_what_is_said_of_the_whole_list_of_sources(api: ClusterApi) -> None:
    body = pod(containers=[{"name": "c", "image": "i", "envFrom": [{}]}])
    assert causes(api.admin.post(f"{LAB}/pods", body)) == [
        (
            "spec.containers[0].envFrom",
            'Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
        )
    ]


def test_a_node_comes_with_its_status(api: ClusterApi) -> None:
    made = api.must(
        api.admin.post(
            "/api/v1/nodes", {"metadata": {"name": "n"}, "status": {"capacity": {"cpu": "1"}}}
        )
    )
    assert made["status"]["allocatable"] == {"cpu": "1"}
    changed = api.must(api.admin.put("/api/v1/nodes/n", {"metadata": {"name": "n"}}))
    assert changed["status"] == made["status"]


def test_where_a_load_balancer_is_reached(api: ClusterApi) -> None:
    for name, kind in (("a", "LoadBalancer"), ("b", "ClusterIP")):
        body = {"metadata": {"name": name}, "spec": {"type": kind, "ports": [{"port": 80}]}}
        api.must(api.admin.post(f"{LAB}/services", body))
    points = {"status": {"loadBalancer": {"ingress": [{"ip": "1.1.1.1"}, {"hostname": "a.b"}]}}}
    made = api.must(api.admin.patch(f"{LAB}/services/a/status", points))
    assert made["status"]["loadBalancer"]["ingress"] == [
        {"ip": "1.1.1.1", "ipMode": "VIP"},
        {"hostname": "a.b"},
    ]
    assert causes(api.admin.patch(f"{LAB}/services/b/status", points)) == [
        (
            "status.loadBalancer.ingress",
            "Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
        )
    ]


def test_values_are_shown_with_gos_names(api: ClusterApi) -> None:
    claim = {"name": "a", "resourceClaimName": "x", "resourceClaimTemplateName": "y"}
    [(_, message)] = causes(api.admin.post(f"{LAB}/pods", pod(resourceClaims=[claim])))
    shown = '{"Name":"a","ResourceClaimName":"x","ResourceClaimTemplateName":"y"}'
    why = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
    assert message == f"Invalid value: {shown}: {why}"


def test_a_jobs_template_stays(api: ClusterApi) -> None:
    jobs = "/apis/batch/v1/namespaces/lab/jobs"
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
    api.must(api.admin.post(jobs, {"metadata": {"name": "j"}, "spec": {"template": template}}))
    change = {"spec": {"template": {"spec": {"activeDeadlineSeconds": 5}}}}
    [(field, message)] = causes(api.admin.patch(f"{jobs}/j", change))
    assert field == "spec.template"
    assert message.startswith('Invalid value: {"labels":{"batch.kubernetes.io/controller-uid":')
    assert '"Spec":{"Volumes":null,"InitContainers":null,"Containers":[{"Name":"c"' in message
    assert message.endswith(": field is immutable")


def test_the_systems_priority_classes_stay(api: ClusterApi) -> None:
    reply = api.admin.delete("/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical")
    assert (reply.status, reply.message) == (
        403,
        'priorityclasses.scheduling.k8s.io "system-node-critical" is forbidden: '
        "this is a system priority class and cannot be deleted",
    )


def test_a_selector_of_roles_that_cannot_be_used(api: ClusterApi) -> None:
    rule = {"clusterRoleSelectors": [{"matchExpressions": [{"key": "a", "operator": "In"}]}]}
    path = "aggregationRule.clusterRoleSelectors[0]"
    reply = api.admin.post(
        "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        {"metadata": {"name": "x"}, "aggregationRule": rule},
    )
    assert causes(reply) == [
        (
            f"{path}.matchExpressions[0].values",
            "Required value: must be specified when `operator` is 'In' or 'NotIn'",
        ),
        (path, "Invalid value: null: invalid label selector."),
    ]


def test_priority_classes_of_the_system_are_all_known(api: ClusterApi) -> None:
    classes = "/apis/scheduling.k8s.io/v1/priorityclasses"
    reply = api.admin.post(classes, {"metadata": {"name": "system-x"}, "value": 5})
    assert reply.message == (
        'PriorityClass.scheduling.k8s.io "system-x" is invalid: metadata.name: Forbidden: priority class names with '
        "'system-' prefix are reserved for system use only. error: system-x is not a known system priority class"
    )
