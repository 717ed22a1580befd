from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.machinery.request import Request
from kube_embedded.tests.support.cluster import ClusterApi, causes

LAB = "/api/v1/namespaces/lab"
CONTAINERS: list[dict[str, Any]] = [{"name": "main", "image": "ubuntu"}]


def pod(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"containers": CONTAINERS, **spec}}


def test_a_namespace_comes_with_its_account_and_certificate(api: ClusterApi) -> None:
    made = api.admin.get("/api/v1/namespaces/lab").body
    assert made["metadata"]["labels"] == {"kubernetes.io/metadata.name": "lab"}
    assert made["spec"] == {"finalizers": ["kubernetes"]}
    assert api.admin.get(f"{LAB}/serviceaccounts/default").status == 200
    bundle = api.admin.get(f"{LAB}/configmaps/kube-root-ca.crt").body
    assert bundle["data"]["ca.crt"].startswith("-----BEGIN CERTIFICATE-----")
    assert bundle["metadata"]["managedFields"][0]["manager"] == "kube-controller-manager"


def test_what_a_controller_made_comes_back(api: ClusterApi) -> None:
    for path in ("serviceaccounts/default", "configmaps/kube-root-ca.crt"):
        before = api.admin.get(f"{LAB}/{path}").body["metadata"]["uid"]
        api.admin.delete(f"{LAB}/{path}")
        assert api.admin.get(f"{LAB}/{path}").body["metadata"]["uid"] != before
    api.admin.patch(f"{LAB}/configmaps/kube-root-ca.crt", {"data": {"ca.crt": "forged"}})
    assert api.admin.get(f"{LAB}/configmaps/kube-root-ca.crt").body["data"]["ca.crt"] != "forged"


def test_a_pod_gets_its_defaults(api: ClusterApi) -> None:
    made = api.must(api.admin.post(f"{LAB}/pods", pod("p")))
    spec = made["spec"]
    assert made["metadata"]["generation"] == 1
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert spec["containers"][0]["imagePullPolicy"] == "Always"
    assert spec["serviceAccountName"] == spec["serviceAccount"] == "default"
    assert spec["priority"] == 0
    assert [toleration["key"] for toleration in spec["tolerations"]] == [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ]
    volume = spec["volumes"][0]
    assert volume["name"].startswith("kube-api-access-")
    assert spec["containers"][0]["volumeMounts"] == [
        {
            "name": volume["name"],
            "readOnly": True,
            "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
        }
    ]


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("a", "Always"),
        ("a:latest", "Always"),
        ("a:1", "IfNotPresent"),
        ("r:5000/a", "Always"),
        ("a@sha256:0", "IfNotPresent"),
        ("a:latest@sha256:0", "IfNotPresent"),
        ("a" * 64, "IfNotPresent"),
        ("a" * 63, "Always"),
        ("r.io/" + "a" * 256, "IfNotPresent"),
        ("r.io/" + "a" * 255, "Always"),
        ("A/b", "Always"),
        ("a/B", "IfNotPresent"),
    ],
)
def test_the_pull_policy_follows_the_tag(api: ClusterApi, image: str, policy: str) -> None:
    made = api.must(api.admin.post(f"{LAB}/pods", {"metadata": {"name": "p"}, "spec": {"containers": [
        {"name": "a", "image": image}]}}))  # fmt: skip
    assert made["spec"]["containers"][0]["imagePullPolicy"] == policy


def test_the_pods_own_setting_beats_the_accounts(api: ClusterApi) -> None:
    account = {
        "metadata": {"name": "shy"},
        "automountServiceAccountToken": False,
        "imagePullSecrets": [{"name": "pull"}],
    }
    api.must(api.admin.post(f"{LAB}/serviceaccounts", account))
    shy = api.must(api.admin.post(f"{LAB}/pods", pod("shy", serviceAccountName="shy")))
    assert "volumes" not in shy["spec"]
    assert shy["spec"]["imagePullSecrets"] == [{"name": "pull"}]
    bold = api.must(
        api.admin.post(
            f"{LAB}/pods", pod("bold", serviceAccountName="shy", automountServiceAccountToken=True)
        )
    )
    assert bold["spec"]["volumes"][0]["name"].startswith("kube-api-access-")


def test_in_1_20_a_pod_mounts_the_accounts_secret() -> None:
    api = ClusterApi(era="1.20")
    api.namespace("lab")
    spec = api.must(api.admin.post(f"{LAB}/pods", pod("p")))["spec"]
    secret = spec["volumes"][0]["secret"]["secretName"]
    assert secret.startswith("default-token-")
    assert spec["containers"][0]["volumeMounts"][0]["name"] == secret


def test_quality_of_service(api: ClusterApi) -> None:
    def quality(name: str, resources: Any) -> str:
        body = {
            "metadata": {"name": name},
            "spec": {"containers": [{**CONTAINERS[0], "resources": resources}]},
        }
        return str(api.must(api.admin.post(f"{LAB}/pods", body))["status"]["qosClass"])

    assert quality("a", {"limits": {"cpu": "1", "memory": "1Gi"}}) == "Guaranteed"
    assert quality("b", {"requests": {"cpu": "1"}}) == "Burstable"
    assert quality("c", {}) == "BestEffort"


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        ({"containers": []}, "spec.containers", "Required value"),
        ({"containers": [{"name": "a"}]}, "spec.containers[0].image", "Required value"),
        ({"containers": [{"name": "a", "image": "b"}] * 2}, "spec.containers[1].name", 'Duplicate value: "a"'),
        ({"restartPolicy": "Sometimes"}, "spec.restartPolicy",
         'Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'),
        ({"containers": [{"name": "a", "image": "b", "ports": [{"containerPort": 70000}]}]},
         "spec.containers[0].ports[0].containerPort", "Invalid value: 70000: must be between 1 and 65535, inclusive"),
        ({"containers": [{"name": "a", "image": "b", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}]},
         "spec.containers[0].volumeMounts[0].name", 'Not found: "v"'),
        ({"volumes": [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}]}, "spec.volumes[0].hostPath",
         "Forbidden: may not specify more than 1 volume type"),
        ({"activeDeadlineSeconds": 0}, "spec.activeDeadlineSeconds",
         "Invalid value: 0: must be between 1 and 2147483647, inclusive"),
        ({"containers": [{"name": "a", "image": "b", "resources":
                          {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}}]},
         "spec.containers[0].resources.requests", 'Invalid value: "2": must be less than or equal to cpu limit of 1'),
    ],
)  # fmt: skip
def test_bad_pods(api: ClusterApi, spec: Any, field: str, message: str) -> None:
    assert (field, message) in causes(api.admin.post(f"{LAB}/pods", pod("p", **spec)))


def test_who_may_not_be_served(api: ClusterApi) -> None:
    reply = api.admin.post(f"{LAB}/pods", pod("p", serviceAccountName="ghost"))
    assert reply.status == 403
    assert reply.message == (
        'pods "p" is forbidden: error looking up service account lab/ghost: serviceaccount "ghost" not found'
    )
    for name, why in (("a/b", "may not contain '/'"), ("..", "may not be '..'")):
        reply = api.admin.post(f"{LAB}/pods", pod("p", serviceAccountName=name))
        assert reply.message.partition(": error looking up ")[2] == (
            f'service account lab/{name}: invalid resource name "{name}": [{why}]'
        )
    assert (
        api.admin.post("/api/v1/namespaces/ghost/pods", pod("p")).message
        == 'namespaces "ghost" not found'
    )
    reply = api.admin.post(f"{LAB}/pods", pod("p", priorityClassName="ghost"))
    assert reply.message == 'pods "p" is forbidden: no PriorityClass with name ghost was found'
    reply = api.admin.post(f"{LAB}/pods", pod("p", priority=7))
    assert "the integer value of priority (7) must not be provided" in reply.message


def test_priority_comes_from_the_class(api: ClusterApi) -> None:
    made = api.must(
        api.admin.post(f"{LAB}/pods", pod("p", priorityClassName="system-node-critical"))
    )
    assert made["spec"]["priority"] == 2000001000


def test_generated_names(api: ClusterApi) -> None:
    body = {"metadata": {"generateName": "c-"}}
    names = {
        api.must(api.admin.post(f"{LAB}/configmaps", body))["metadata"]["name"] for _ in range(5)
    }
    assert len(names) == 5
    assert all(name.startswith("c-") and len(name) == 7 for name in names)


def test_dry_run_stores_nothing_but_checks_all(api: ClusterApi) -> None:
    body = {"metadata": {"name": "c"}}
    made = api.must(api.admin.post(f"{LAB}/configmaps?dryRun=All", body))
    assert "resourceVersion" not in made["metadata"]
    assert api.admin.get(f"{LAB}/configmaps/c").status == 404
    api.must(api.admin.post(f"{LAB}/configmaps", body))
    assert api.admin.post(f"{LAB}/configmaps?dryRun=All", body).status == 409
    reply = api.admin.post(f"{LAB}/configmaps?dryRun=Some", body)
    assert reply.message == (
        'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["Some"]: supported values: "All"'
    )


def test_unknown_fields(api: ClusterApi) -> None:
    body = {"metadata": {"name": "c"}, "foo": 1}
    reply = api.admin.post(f"{LAB}/configmaps?fieldValidation=Strict", body)
    assert reply.message == (
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "foo"'
    )
    assert api.admin.post(f"{LAB}/configmaps?fieldValidation=Ignore", body).status == 201
    reply = api.admin.post(f"{LAB}/configmaps?fieldValidation=Loose", body)
    assert reply.message == (
        'CreateOptions.meta.k8s.io "" is invalid: fieldValidation: Unsupported value: "Loose": supported values: '
        '"", "Ignore", "Strict", "Warn"'
    )


def test_bodies_that_are_something_else(api: ClusterApi) -> None:
    reply = api.admin.post(f"{LAB}/configmaps", {"kind": "Pod", "apiVersion": "v1"})
    assert reply.message == (
        'Pod in version "v1" cannot be handled as a ConfigMap: converting (v1.Pod) to (core.ConfigMap): '
        "unknown conversion"
    )
    reply = api.admin.post(f"{LAB}/configmaps", {"kind": "Thing", "apiVersion": "x.io/v2"})
    assert reply.message == (
        'Thing in version "v2" cannot be handled as a ConfigMap: no kind "Thing" is registered for version "x.io/v2" '
        'in scheme "pkg/api/legacyscheme/scheme.go:30"'
    )
    reply = api.admin.post(f"{LAB}/configmaps", {"metadata": {"name": "c", "namespace": "other"}})
    assert reply.message == (
        "the namespace of the provided object does not match the namespace sent on the request"
    )
    assert (
        api.admin.post(f"{LAB}/configmaps", {}, headers={"content-type": "text/plain"}).status
        == 415
    )


def test_metadata_rules(api: ClusterApi) -> None:
    found = causes(
        api.admin.post(
            f"{LAB}/configmaps",
            {
                "metadata": {
                    "name": "c",
                    "labels": {"a b": "x", "ok": "no way"},
                    "annotations": {"/x": ""},
                    "finalizers": ["a b"],
                    "ownerReferences": [
                        {"apiVersion": "v1", "kind": "Pod", "name": "", "uid": "1"}
                    ],
                }
            },
        )
    )
    fields = [field for field, _ in found]
    assert fields == [
        "metadata.labels",
        "metadata.labels",
        "metadata.annotations",
        "metadata.ownerReferences.name",
        "metadata.finalizers",
        "metadata.finalizers[0]",
    ]


def test_a_version_may_not_be_chosen(api: ClusterApi) -> None:
    reply = api.admin.post(f"{LAB}/configmaps", {"metadata": {"name": "c", "resourceVersion": "5"}})
    assert (reply.status, reply.message) == (
        500,
        "resourceVersion should not be set on objects to be created",
    )
    assert (
        api.admin.post(
            f"{LAB}/configmaps", {"metadata": {"name": "c", "resourceVersion": "x"}}
        ).status
        == 201
    )


@pytest.mark.parametrize(
    ("version", "why"), [("x", "invalid syntax"), ("9" * 21, "value out of range")]
)
def test_a_version_is_a_number(api: ClusterApi, version: str, why: str) -> None:
    api.must(api.admin.post(f"{LAB}/configmaps", {"metadata": {"name": "c"}}))
    reply = api.admin.put(
        f"{LAB}/configmaps/c", {"metadata": {"name": "c", "resourceVersion": version}}
    )
    assert (reply.status, reply.message) == (500, f'strconv.ParseUint: parsing "{version}": {why}')
    assert "reason" not in reply.body


def test_services_get_addresses_and_keep_them_apart(api: ClusterApi) -> None:
    def service(name: str, **spec: Any) -> Any:
        return api.admin.post(
            f"{LAB}/services",
            {"metadata": {"name": name}, "spec": {"ports": [{"port": 80}], **spec}},
        )

    first = api.must(service("a"))["spec"]
    assert first["clusterIPs"] == [first["clusterIP"]]
    assert first["ipFamilies"] == ["IPv4"]
    assert ("spec.clusterIPs", f'Invalid value: ["{first["clusterIP"]}"]: failed to allocate IP {first["clusterIP"]}: '
            "provided IP is already allocated") in causes(service("b", clusterIP=first["clusterIP"]))  # fmt: skip
    node_port = api.must(service("c", type="NodePort"))["spec"]
    assert 30000 <= node_port["ports"][0]["nodePort"] <= 32767
    assert node_port["externalTrafficPolicy"] == "Cluster"
    external = api.must(service("d", type="ExternalName", externalName="example.com"))["spec"]
    assert "clusterIP" not in external
    assert service("e", type="ExternalName").status == 422


def test_secrets(api: ClusterApi) -> None:
    made = api.must(
        api.admin.post(f"{LAB}/secrets", {"metadata": {"name": "s"}, "stringData": {"a": "b"}})
    )
    assert made["data"] == {"a": "Yg=="}
    assert "stringData" not in made
    tls = {"metadata": {"name": "t"}, "type": "kubernetes.io/tls"}
    assert [field for field, _ in causes(api.admin.post(f"{LAB}/secrets", tls))] == [
        "data[tls.crt]",
        "data[tls.key]",
    ]
    token = {"metadata": {"name": "t"}, "type": "kubernetes.io/service-account-token"}
    assert causes(api.admin.post(f"{LAB}/secrets", token)) == [
        ("metadata.annotations[kubernetes.io/service-account.name]", "Required value")
    ]


def test_workloads_are_stored_with_their_defaults(api: ClusterApi) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": CONTAINERS}}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    path = "/apis/apps/v1/namespaces/lab/deployments"
    made = api.must(api.admin.post(path, {"metadata": {"name": "d"}, "spec": spec}))
    assert made["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
    }
    assert made["spec"]["replicas"] == 1
    assert made["spec"]["template"]["spec"]["restartPolicy"] == "Always"
    assert made["status"] == {}
    wrong = {"metadata": {"name": "w"}, "spec": {**spec, "selector": {"matchLabels": {"x": "y"}}}}
    assert causes(api.admin.post(path, wrong)) == [
        (
            "spec.template.metadata.labels",
            'Invalid value: {"a":"b"}: `selector` does not match template `labels`',
        )
    ]
    job = {"metadata": {"name": "j"}, "spec": {"template": {"spec": {"containers": CONTAINERS}}}}
    assert causes(api.admin.post("/apis/batch/v1/namespaces/lab/jobs", job)) == [
        ("spec.template.spec.restartPolicy", 'Required value: valid values: "OnFailure", "Never"')
    ]


def test_bootstrap(api: ClusterApi) -> None:
    names = [item["metadata"]["name"] for item in api.admin.get("/api/v1/namespaces").body["items"]]
    assert names == ["default", "kube-node-lease", "kube-public", "kube-system", "lab"]
    service = api.admin.get("/api/v1/namespaces/default/services/kubernetes").body
    assert service["spec"]["clusterIP"] == "10.96.0.1"
    assert service["metadata"]["managedFields"][0]["manager"] == "kube-apiserver"


def test_yaml_bodies_and_their_repeated_keys(api: ClusterApi) -> None:
    def post(query: str) -> Any:
        body = b"metadata: {name: c}\ndata:\n  a: b\n  a: c\n"
        headers = {"content-type": "application/yaml", "accept": "application/json"}
        parameters = {"fieldValidation": [query], "dryRun": ["All"]}
        request = Request(
            "POST", f"{LAB}/configmaps", parameters, headers, body, api.admin.certificate
        )
        return api.cluster.handle(request)

    warned = post("Warn")
    assert warned.status == 201
    assert list(warned.warnings) == ['line 4: key "a" already set in map']
    refused = post("Strict")
    assert refused.status == 400
    assert b'yaml: unmarshal errors:\\n  line 4: key \\"a\\" already set in map' in refused.body


def test_a_job_without_labels_has_its_templates(api: ClusterApi) -> None:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
    path = "/apis/batch/v1/namespaces/lab/jobs"
    made = api.must(
        api.admin.post(path, {"metadata": {"name": "j"}, "spec": {"template": template}})
    )
    assert made["metadata"]["labels"] == made["spec"]["template"]["metadata"]["labels"]
    assert made["metadata"]["labels"]["batch.kubernetes.io/job-name"] == "j"
    own = {"metadata": {"name": "k", "labels": {"a": "b"}}, "spec": {"template": template}}
    assert api.must(api.admin.post(path, own))["metadata"]["labels"] == {"a": "b"}


def test_a_stateful_sets_update_is_defaulted_as_a_whole(api: ClusterApi) -> None:
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    path = "/apis/apps/v1/namespaces/lab/statefulsets"
    for name, strategy, expected in (
        ("a", {}, {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}),
        ("b", {"type": "RollingUpdate"}, {"type": "RollingUpdate"}),
    ):
        spec = {
            "selector": {"matchLabels": {"a": "b"}},
            "template": template,
            "updateStrategy": strategy,
        }
        made = api.must(api.admin.post(path, {"metadata": {"name": name}, "spec": spec}))
        assert made["spec"]["updateStrategy"] == expected


def test_a_pointer_may_be_false_by_default(api: ClusterApi) -> None:
    disk = {"diskName": "d", "diskURI": "https://x.blob.core.windows.net/a/b.vhd"}
    spec = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "azureDisk": disk}
    made = api.must(
        api.admin.post("/api/v1/persistentvolumes", {"metadata": {"name": "v"}, "spec": spec})
    )
    assert made["spec"]["azureDisk"]["readOnly"] is False
