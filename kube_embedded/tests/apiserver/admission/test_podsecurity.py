from __future__ import annotations

from typing import Any

import pytest

from kube_embedded.apiserver.admission.pod_security_standards import violations
from kube_embedded.tests.support.cluster import ClusterApi

SAFE = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def spec(security: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "containers": [{"name": "main", "image": "i", "securityContext": security or {}}],
        **more,
    }


@pytest.mark.parametrize(
    ("body", "level", "text"),
    [
        (spec(), "privileged", ""),
        (spec(), "baseline", ""),
        (spec(SAFE), "restricted", ""),
        (spec({"privileged": True}), "baseline",
         'privileged (container "main" must not set securityContext.privileged=true)'),
        (spec(hostNetwork=True, hostPID=True), "baseline", "host namespaces (hostNetwork=true, hostPID=true)"),
        (spec(volumes=[{"name": "v", "hostPath": {"path": "/"}}]), "baseline", 'hostPath volumes (volume "v")'),
        (spec({"capabilities": {"add": ["NET_ADMIN", "CHOWN"]}}), "baseline",
         'non-default capabilities (container "main" must not include "NET_ADMIN" in '
         "securityContext.capabilities.add)"),
        ({"containers": [{"name": "a", "ports": [{"hostPort": 80}]}, {"name": "b", "ports": [{"hostPort": 81}]}]},
         "baseline", 'hostPort (containers "a", "b" use hostPorts 80, 81)'),
        ({"containers": [{"name": "a", "ports": [{"hostPort": 80}, {"hostPort": 443}]}]},
         "baseline", 'hostPort (container "a" uses hostPorts 443, 80)'),
        (spec({**SAFE, "seccompProfile": {"type": "Unconfined"}}), "restricted",
         'seccompProfile (container "main" must not set securityContext.seccompProfile.type to "Unconfined")'),
        (spec({**SAFE, "seccompProfile": None}, securityContext={"seccompProfile": {"type": "Unconfined"}}),
         "restricted", 'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")'),
        (spec({**SAFE, "seccompProfile": None}, securityContext={"seccompProfile": {"type": "Localhost"}}),
         "restricted", ""),
        (spec({"runAsNonRoot": True}, os={"name": "windows"}), "restricted", ""),
        (spec({**SAFE, "runAsUser": 0}), "restricted",
         'runAsUser=0 (container "main" must not set runAsUser=0)'),
        (spec({**SAFE, "runAsNonRoot": None}, securityContext={"runAsNonRoot": True}), "restricted", ""),
        (spec(SAFE, volumes=[{"name": "v", "nfs": {}}]), "restricted",
         'restricted volume types (volume "v" uses restricted volume type "nfs")'),
        (spec(SAFE, volumes=[{"name": "v", "hostPath": {}}]), "restricted",
         'restricted volume types (volume "v" uses restricted volume type "hostPath")'),
        ({"containers": [{"name": "a", "livenessProbe": {"httpGet": {"host": "h"}}},
                         {"name": "b", "lifecycle": {"preStop": {"tcpSocket": {"host": "i"}}}}]}, "baseline",
         'probe or lifecycle host (containers "a", "b" use probe or lifecycle hosts "h", "i")'),
        (spec({"seLinuxOptions": {"type": "t", "user": "u"}}, securityContext={"seLinuxOptions": {"role": "r"}}),
         "baseline", 'seLinuxOptions (pod and container "main" set forbidden securityContext.seLinuxOptions: '
         'type "t"; user may not be set; role may not be set)'),
        (spec(securityContext={"sysctls": [{"name": "kernel.msgmax"}, {"name": "net.ipv4.tcp_rmem"}]}), "baseline",
         "forbidden sysctls (kernel.msgmax)"),
        (spec({"windowsOptions": {"hostProcess": True}}), "baseline",
         'hostProcess (container "main" must not set securityContext.windowsOptions.hostProcess=true)'),
        (spec({"appArmorProfile": {"type": "Unconfined"}}), "baseline",
         'forbidden AppArmor profile (container "main" must not set AppArmor profile type to "Unconfined")'),
        (spec({"procMount": "Unmasked"}, hostUsers=False), "baseline", ""),
        (spec({**SAFE, "runAsNonRoot": None, "runAsUser": 0}, hostUsers=False), "restricted", ""),
    ],
)  # fmt: skip
def test_what_a_level_forbids(body: Any, level: str, text: str) -> None:
    assert violations(body, level) == text


@pytest.mark.parametrize(
    ("body", "level", "first"),
    [
        (spec(SAFE, os={"name": "linux"}, containers=[{"name": "a", "livenessProbe": {"httpGet": {"host": "h"}},
                                                      "securityContext": SAFE}]), "restricted", 34),
        (spec({"runAsUser": 0, **SAFE}), "restricted", 23),
        (spec({**SAFE, "capabilities": None}), "restricted", 22),
        (spec({**SAFE, "seccompProfile": None}), "restricted", 19),
        (spec({"seccompProfile": {"type": "Unconfined"}}), "baseline", 19),
        (spec({**SAFE, "allowPrivilegeEscalation": None}), "restricted", 8),
        (spec({**SAFE, "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}}), "restricted", 0),
        (spec({**SAFE, "procMount": "Unmasked"}), "restricted", 0),
    ],
)  # fmt: skip
def test_since_which_version_something_is_forbidden(body: Any, level: str, first: int) -> None:
    assert violations(body, level, version=f"v1.{first}")
    assert violations(body, level, version="v1.999999999999")
    assert not first or not violations(body, level, version=f"v1.{first - 1}")


@pytest.mark.parametrize(
    ("body", "level", "first"),
    [
        (spec({"runAsNonRoot": True}, os={"name": "windows"}), "restricted", 25),
        (spec({**SAFE, "runAsNonRoot": None, "runAsUser": 0}, hostUsers=False), "restricted", 35),
        (spec({"procMount": "Unmasked"}, hostUsers=False), "baseline", 35),
        (spec({"seLinuxOptions": {"type": "container_engine_t"}}), "baseline", 31),
        (spec(securityContext={"sysctls": [{"name": "net.ipv4.tcp_rmem"}]}), "baseline", 32),
        (spec(securityContext={"sysctls": [{"name": "net.ipv4.tcp_fin_timeout"}]}), "baseline", 29),
        (
            spec(securityContext={"sysctls": [{"name": "net.ipv4.ip_local_reserved_ports"}]}),
            "baseline",
            27,
        ),
    ],
)
def test_since_which_version_something_is_allowed(body: Any, level: str, first: int) -> None:
    assert not violations(body, level, version=f"v1.{first}")
    assert not violations(body, level)
    assert violations(body, level, version=f"v1.{first - 1}")


RESTRICTED = (
    'allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false), '
    'unrestricted capabilities (container "main" must set securityContext.capabilities.drop=["ALL"]), '
    'runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true), '
    'seccompProfile (pod or container "main" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
    '"Localhost")'
)


def test_a_namespace_enforces_warns_and_notes() -> None:
    api = ClusterApi()
    labels = {
        "pod-security.kubernetes.io/warn": "restricted",
        "pod-security.kubernetes.io/audit": "restricted",
    }
    api.must(api.admin.post("/api/v1/namespaces", {"metadata": {"name": "lab", "labels": labels}}))
    body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "main", "image": "i"}]}}
    path = "/api/v1/namespaces/lab/pods"
    assert api.admin.post(path, body).status == 201
    api.must(api.admin.patch("/api/v1/namespaces/lab", {"metadata": {"labels": {
        "pod-security.kubernetes.io/enforce": "restricted"}}}))  # fmt: skip
    reply = api.admin.post(path, {**body, "metadata": {"name": "q"}})
    assert reply.status == 403
    assert (
        reply.message
        == f'pods "q" is forbidden: violates PodSecurity "restricted:latest": {RESTRICTED}'
    )
    safe = {"metadata": {"name": "s"}, "spec": spec(SAFE)}
    assert api.admin.post(path, safe).status == 201
    assert api.admin.patch(f"{path}/p", {"metadata": {"labels": {"a": "b"}}}).status == 200


def test_each_mode_has_a_version_of_its_own() -> None:
    api = ClusterApi()
    prefix = "pod-security.kubernetes.io/"
    labels = {
        f"{prefix}enforce": "restricted",
        f"{prefix}enforce-version": "v1.22",
        f"{prefix}warn": "restricted",
        f"{prefix}warn-version": "v1.23",
    }
    api.must(api.admin.post("/api/v1/namespaces", {"metadata": {"name": "lab", "labels": labels}}))
    root = {"metadata": {"name": "p"}, "spec": spec({**SAFE, "runAsUser": 0})}
    made = api.admin.post("/api/v1/namespaces/lab/pods", root)
    text = 'runAsUser=0 (container "main" must not set runAsUser=0)'
    assert (made.status, made.warnings) == (
        201,
        (f'would violate PodSecurity "restricted:v1.23": {text}',),
    )
    stricter = {"metadata": {"labels": {f"{prefix}enforce-version": "v1.23"}}}
    assert api.admin.patch("/api/v1/namespaces/lab", stricter).warnings == (
        'existing pods in namespace "lab" violate the new PodSecurity enforce level "restricted:v1.23"',
        "p: runAsUser=0",
    )
    reply = api.admin.post("/api/v1/namespaces/lab/pods", {**root, "metadata": {"name": "q"}})
    assert (
        reply.message == f'pods "q" is forbidden: violates PodSecurity "restricted:v1.23": {text}'
    )


def test_labels_must_be_readable() -> None:
    api = ClusterApi()
    labels = {
        "pod-security.kubernetes.io/enforce": "x",
        "pod-security.kubernetes.io/warn-version": "y",
    }
    answer = api.admin.post("/api/v1/namespaces", {"metadata": {"name": "lab", "labels": labels}})
    assert answer.status == 422
    assert answer.message == (
        'Namespace "lab" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "x": must '
        "be one of privileged, baseline, restricted, metadata.labels[pod-security.kubernetes.io/warn-version]: "
        'Invalid value: "y": must be "latest" or "v1.x"]'
    )
