from typing import Any

import pytest

from kube_embedded.apiserver.handlers.represent.tables.model import COLUMNS
from kube_embedded.apiserver.handlers.represent.tables.registry import printer_of
from kube_embedded.machinery.kinds import KINDS
from kube_embedded.machinery.releases import Release
from kube_embedded.tests.support.some import some

NOW = 1_000_000.0
META = {"name": "x", "creationTimestamp": "1970-01-12T13:45:40Z"}
TEMPLATE = {"spec": {"containers": [{"name": "a", "image": "i"}, {"name": "b", "image": "j"}]}}
SELECTOR = {"matchLabels": {"app": "web"}}
RBAC = "rbac.authorization.k8s.io"

ROWS: list[tuple[str, dict[str, Any], list[Any]]] = [
    ("namespaces", {"status": {"phase": "Active"}}, ["x", "Active", "60s"]),
    ("configmaps", {"data": {"a": "1"}, "binaryData": {"b": "", "c": ""}}, ["x", 3, "60s"]),
    (
        "certificatesigningrequests.certificates.k8s.io",
        {
            "spec": {"signerName": "a.b/c", "username": "jane", "expirationSeconds": 86400},
            "status": {
                "conditions": [{"type": "Approved"}, {"type": "Failed"}],
                "certificate": "x",
            },
        },
        ["x", "60s", "a.b/c", "jane", "24h", "Approved,Failed,Issued"],
    ),
    (
        "certificatesigningrequests.certificates.k8s.io",
        {"status": {"conditions": [{"type": "Approved"}, {"type": "Denied"}]}},
        ["x", "60s", "<none>", "", "<none>", "Denied"],
    ),
    ("runtimeclasses.node.k8s.io", {"handler": "runc"}, ["x", "runc", "60s"]),
    (
        "csidrivers.storage.k8s.io",
        {
            "spec": {
                "tokenRequests": [{"audience": "a"}, {"audience": ""}],
                "volumeLifecycleModes": ["A", "B"],
            }
        },
        ["x", True, False, False, "a,", False, "A,B", "60s"],
    ),
    ("csinodes.storage.k8s.io", {"spec": {"drivers": [{}, {}]}}, ["x", 2, "60s"]),
    (
        "volumeattachments.storage.k8s.io",
        {
            "spec": {"attacher": "a", "nodeName": "n", "source": {"persistentVolumeName": "pv"}},
            "status": {"attached": True},
        },
        ["x", "a", "pv", "n", True, "60s"],
    ),
    ("volumeattributesclasses.storage.k8s.io", {"driverName": "d"}, ["x", "d", "60s"]),
    (
        "ipaddresses.networking.k8s.io",
        {"spec": {"parentRef": {"group": "g", "resource": "Things", "name": "n"}}},
        ["x", "things.g/n", "60s"],
    ),
    (
        "servicecidrs.networking.k8s.io",
        {"spec": {"cidrs": ["10.0.0.0/8", "fd00::/64"]}},
        ["x", "10.0.0.0/8,fd00::/64", "60s"],
    ),
    (
        "horizontalpodautoscalers.autoscaling",
        {
            "spec": {
                "scaleTargetRef": {"kind": "Deployment", "name": "d"},
                "maxReplicas": 4,
                "metrics": [
                    {
                        "type": "Resource",
                        "resource": {"name": "cpu", "target": {"averageUtilization": 50}},
                    }
                ],
            },
            "status": {"currentReplicas": 2},
        },
        ["x", "Deployment/d", "<unknown>", "<unset>", 4, 2, "60s"],
    ),
    ("secrets", {"type": "Opaque", "data": {"a": "1"}}, ["x", "Opaque", 1, "60s"]),
    ("serviceaccounts", {"secrets": [{"name": "s"}]}, ["x", "60s"]),
    (
        "services",
        {
            "spec": {
                "type": "NodePort",
                "clusterIP": "10.96.0.9",
                "clusterIPs": ["10.96.0.9"],
                "ports": [
                    {"port": 80, "nodePort": 30080, "protocol": "TCP"},
                    {"port": 53, "protocol": "UDP"},
                ],
                "selector": {"b": "2", "a": "1"},
            }
        },
        ["x", "NodePort", "10.96.0.9", "<none>", "80:30080/TCP,53/UDP", "60s", "a=1,b=2"],
    ),
    (
        "services",
        {"spec": {"type": "ExternalName", "externalName": "db.example.com"}},
        ["x", "ExternalName", "<none>", "db.example.com", "<none>", "60s", "<none>"],
    ),
    (
        "services",
        {"spec": {"type": "LoadBalancer", "clusterIP": "None"}},
        ["x", "LoadBalancer", "None", "<pending>", "<none>", "60s", "<none>"],
    ),
    (
        "services",
        {
            "spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1", "externalIPs": ["1.2.3.4"]},
            "status": {"loadBalancer": {"ingress": [{"hostname": "lb.example.com"}]}},
        },
        ["x", "LoadBalancer", "10.0.0.1", "lb.example.com,1.2.3.4", "<none>", "60s", "<none>"],
    ),
    ("endpoints", {}, ["x", "<none>", "60s"]),
    (
        "endpoints",
        {
            "subsets": [
                {
                    "addresses": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}],
                    "ports": [{"port": 80}, {"port": 81}],
                }
            ]
        },
        ["x", "10.0.0.1:80,10.0.0.2:80,10.0.0.1:81 + 1 more...", "60s"],
    ),
    (
        "persistentvolumes",
        {
            "spec": {
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": "lab", "name": "c"},
                "volumeMode": "Filesystem",
            },
            "status": {"phase": "Bound"},
        },
        ["x", "1Gi", "RWO", "Retain", "Bound", "lab/c", "", "<unset>", "", "60s", "Filesystem"],
    ),
    (
        "persistentvolumeclaims",
        {
            "spec": {"storageClassName": "fast", "volumeMode": "Block"},
            "status": {"phase": "Pending"},
        },
        ["x", "Pending", "", "", "", "fast", "<unset>", "60s", "Block"],
    ),
    (
        "persistentvolumeclaims",
        {
            "metadata": {**META, "deletionTimestamp": "1970-01-12T13:45:40Z"},
            "spec": {"volumeName": "v"},
            "status": {
                "phase": "Bound",
                "capacity": {"storage": "2Gi"},
                "accessModes": ["ReadOnlyMany"],
            },
        },
        ["x", "Terminating", "v", "2Gi", "ROX", "", "<unset>", "60s", "<unset>"],
    ),
    (
        "nodes",
        {
            "metadata": {
                **META,
                "labels": {
                    "node-role.kubernetes.io/control-plane": "",
                    "kubernetes.io/role": "lab",
                },
            },
            "spec": {"unschedulable": True},
            "status": {
                "conditions": [{"type": "Ready", "status": "True"}],
                "nodeInfo": {"kubeletVersion": "v1.36.2", "osImage": "Debian"},
                "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
            },
        },
        [
            "x",
            "Ready,SchedulingDisabled",
            "control-plane,lab",
            "60s",
            "v1.36.2",
            "10.0.0.1",
            "<none>",
            "Debian",
            "<unknown>",
            "<unknown>",
        ],
    ),
    (
        "nodes",
        {},
        [
            "x",
            "Unknown",
            "<none>",
            "60s",
            "",
            "<none>",
            "<none>",
            "<unknown>",
            "<unknown>",
            "<unknown>",
        ],
    ),
    (
        "events",
        {
            "type": "Normal",
            "reason": "Started",
            "message": " started\n",
            "involvedObject": {"kind": "Pod", "name": "web", "fieldPath": "spec.containers{main}"},
            "source": {"component": "kubelet", "host": "n1"},
            "firstTimestamp": "1970-01-12T13:40:40Z",
            "lastTimestamp": "1970-01-12T13:46:10Z",
            "count": 4,
        },
        [
            "30s",
            "Normal",
            "Started",
            "pod/web",
            "spec.containers{main}",
            "kubelet, n1",
            "started",
            "6m",
            4,
            "x",
        ],
    ),
    (
        "events",
        {
            "eventTime": "1970-01-12T13:46:30.000000Z",
            "involvedObject": {"kind": "Pod"},
            "reportingComponent": "scheduler",
            "series": {"count": 7, "lastObservedTime": "1970-01-12T13:46:35.000000Z"},
        },
        ["5s", "", "", "pod", "", "scheduler", "", "10s", 7, "x"],
    ),
    (
        f"rolebindings.{RBAC}",
        {
            "roleRef": {"kind": "Role", "name": "r"},
            "subjects": [
                {"kind": "User", "name": "u"},
                {"kind": "User", "name": "v"},
                {"kind": "Group", "name": "g"},
                {"kind": "ServiceAccount", "name": "default", "namespace": "lab"},
            ],
        },
        ["x", "Role/r", "60s", "u, v", "g", "lab/default"],
    ),
    (f"roles.{RBAC}", {}, ["x", META["creationTimestamp"]]),
    (
        "deployments.apps",
        {
            "spec": {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE},
            "status": {"readyReplicas": 2, "updatedReplicas": 1, "availableReplicas": 2},
        },
        ["x", "2/3", 1, 2, "60s", "a,b", "i,j", "app=web"],
    ),
    (
        "replicasets.apps",
        {
            "spec": {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE},
            "status": {"replicas": 2},
        },
        ["x", 3, 2, 0, "60s", "a,b", "i,j", "app=web"],
    ),
    (
        "replicationcontrollers",
        {"spec": {"selector": {"a": "b"}}},
        ["x", 0, 0, 0, "60s", "", "", "a=b"],
    ),
    (
        "statefulsets.apps",
        {"spec": {"replicas": 1, "template": TEMPLATE}},
        ["x", "0/1", "60s", "a,b", "i,j"],
    ),
    (
        "daemonsets.apps",
        {
            "spec": {
                "selector": SELECTOR,
                "template": {"spec": {"nodeSelector": {"disk": "ssd"}, "containers": []}},
            },
            "status": {"desiredNumberScheduled": 2, "numberReady": 1},
        },
        ["x", 2, 0, 1, 0, 0, "disk=ssd", "60s", "", "", "app=web"],
    ),
    (
        "jobs.batch",
        {
            "spec": {"completions": 2, "template": TEMPLATE},
            "status": {"succeeded": 1, "startTime": "1970-01-12T13:46:10Z"},
        },
        ["x", "Running", "1/2", "30s", "60s", "a,b", "i,j", "<none>"],
    ),
    (
        "jobs.batch",
        {
            "spec": {"parallelism": 3},
            "status": {
                "conditions": [{"type": "Complete", "status": "True"}],
                "startTime": "1970-01-12T13:46:10Z",
                "completionTime": "1970-01-12T13:46:30Z",
            },
        },
        ["x", "Complete", "0/1 of 3", "20s", "60s", "", "", "<none>"],
    ),
    (
        "cronjobs.batch",
        {
            "spec": {
                "schedule": "* * * * *",
                "suspend": False,
                "jobTemplate": {"spec": {"template": TEMPLATE}},
            },
            "status": {"active": [{}], "lastScheduleTime": "1970-01-12T13:46:10Z"},
        },
        ["x", "* * * * *", "<none>", "False", 1, "30s", "60s", "a,b", "i,j", "<none>"],
    ),
    (
        "poddisruptionbudgets.policy",
        {"spec": {"minAvailable": "50%"}, "status": {"disruptionsAllowed": 1}},
        ["x", "50%", "N/A", 1, "60s"],
    ),
    ("leases.coordination.k8s.io", {"spec": {"holderIdentity": "me"}}, ["x", "me", "60s"]),
    (
        "resourcequotas",
        {"status": {"hard": {"pods": "5", "limits.cpu": "2"}, "used": {"pods": "1"}}},
        ["x", "pods: 1/5", "limits.cpu: 0/2", "60s"],
    ),
    (
        "endpointslices.discovery.k8s.io",
        {
            "addressType": "IPv4",
            "ports": [{"port": 80}],
            "endpoints": [{"addresses": ["a", "b"]}, {"addresses": ["c", "d"]}],
        },
        ["x", "IPv4", "80", "a,b,c + 1 more...", "60s"],
    ),
    (
        "ingresses.networking.k8s.io",
        {
            "spec": {
                "ingressClassName": "nginx",
                "rules": [{"host": ""}, {}, {"host": "a.b"}],
                "tls": [{}],
            }
        },
        ["x", "nginx", "a.b", "", "80, 443", "60s"],
    ),
    (
        "ingressclasses.networking.k8s.io",
        {"spec": {"controller": "c"}},
        ["x", "c", "<none>", "60s"],
    ),
    ("networkpolicies.networking.k8s.io", {"spec": {"podSelector": {}}}, ["x", "<none>", "60s"]),
    (
        "priorityclasses.scheduling.k8s.io",
        {"value": 7},
        ["x", 7, False, "60s", "PreemptLowerPriority"],
    ),
    (
        "storageclasses.storage.k8s.io",
        {
            "provisioner": "p",
            "metadata": {
                **META,
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
        },
        ["x (default)", "p", "Delete", "Immediate", False, "60s"],
    ),
    (
        "controllerrevisions.apps",
        {
            "revision": 2,
            "metadata": {
                **META,
                "ownerReferences": [
                    {"controller": True, "apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d"}
                ],
            },
        },
        ["x", "daemonset.apps/d", 2, "60s"],
    ),
    (
        "podtemplates",
        {"template": {**TEMPLATE, "metadata": {"labels": {"a": "b"}}}},
        ["x", "a,b", "i,j", "a=b"],
    ),
]


AGELESS = "ipaddresses.networking.k8s.io"
"""Its rows have an age for which the real server has no column."""


@pytest.mark.parametrize(
    ("resource", "fields", "row"),
    ROWS,
    ids=[f"{name}-{at}" for at, (name, _, _) in enumerate(ROWS)],
)
def test_a_row(resource: str, fields: dict[str, Any], row: list[Any]) -> None:
    printer = printer_of(resource, Release())
    cells = printer.cells({"metadata": META, **fields}, NOW)
    assert cells == row
    assert len(cells) == len(printer.definitions) + (resource == AGELESS)


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if "list" in kind.verbs], ids=lambda kind: kind.resource
)
def test_an_object_with_nothing_in_it_can_be_printed(kind: Any) -> None:
    printer = printer_of(kind.resource, Release())
    assert len(printer.cells({"metadata": META}, NOW)) == len(printer.definitions) + (
        kind.resource == AGELESS
    )
    named = [column["name"] for column in printer.definitions if column["format"] == "name"]
    assert named == ["Name", "Attacher"] if kind.kind == "VolumeAttachment" else named == ["Name"]


def test_columns_say_what_they_show() -> None:
    for columns in COLUMNS.values():
        for column in some(columns):
            assert column["name"]
            assert column["description"].endswith(".")
            assert set(column) <= {
                "name",
                "description",
                "type",
                "format",
                "priority",
                "path",
                "default",
                "as",
            }
            assert "path" in column or not {"default", "as"} & set(column)


def test_service_accounts_once_counted_their_secrets() -> None:
    printer = printer_of("serviceaccounts", Release("1.20"))
    assert [column["name"] for column in printer.definitions] == ["Name", "Secrets", "Age"]
    assert printer.cells({"metadata": META, "secrets": [{"name": "s"}]}, NOW) == ["x", 1, "60s"]
