from __future__ import annotations

from typing import Any

import pytest

from labkit.apiserver.admission.podsecurity import violations
from tests.support.cluster import ClusterApi

SAFE = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def spec(security: Any = None, **more: Any) -> dict[str, Any]:
    return {"containers": [{"name": "main", "image": "i", "securityContext": security or {}}], **more}


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
        (spec({**SAFE, "runAsUser": 0}), "restricted",
         'runAsUser=0 (container "main" must not set runAsUser=0)'),
        (spec({**SAFE, "runAsNonRoot": None}, securityContext={"runAsNonRoot": True}), "restricted", ""),
        (spec(SAFE, volumes=[{"name": "v", "nfs": {}}]), "restricted",
         'restricted volume types (volume "v" uses restricted volume type "nfs")'),
    ],
)  # fmt: skip
def test_what_a_level_forbids(body: Any, level: str, text: str) -> None:
    assert violations(body, level) == text


RESTRICTED = (
    'allowPrivilegeEscalation != false (container "main" must set securityContext.allowPrivilegeEscalation=false), '
    'unrestricted capabilities (container "main" must set securityContext.capabilities.drop=["ALL"]), '
    'runAsNonRoot != true (pod or container "main" must set securityContext.runAsNonRoot=true), '
    'seccompProfile (pod or container "main" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
    '"Localhost")'
)


def test_a_namespace_enforces_warns_and_notes() -> None:
    api = ClusterApi()
    labels = {"pod-security.kubernetes.io/warn": "restricted", "pod-security.kubernetes.io/audit": "restricted"}
    api.must(api.admin.post("/api/v1/namespaces", {"metadata": {"name": "lab", "labels": labels}}))
    body = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "main", "image": "i"}]}}
    path = "/api/v1/namespaces/lab/pods"
    assert api.admin.post(path, body).status == 201
    api.must(api.admin.patch("/api/v1/namespaces/lab", {"metadata": {"labels": {
        "pod-security.kubernetes.io/enforce": "restricted"}}}))  # fmt: skip
    reply = api.admin.post(path, {**body, "metadata": {"name": "q"}})
    assert reply.status == 403
    assert reply.message == f'pods "q" is forbidden: violates PodSecurity "restricted:latest": {RESTRICTED}'
    safe = {"metadata": {"name": "s"}, "spec": spec(SAFE)}
    assert api.admin.post(path, safe).status == 201
    assert api.admin.patch(f"{path}/p", {"metadata": {"labels": {"a": "b"}}}).status == 200
