"""The chart's values fulfil the promises of docs/hub.md, and name only keys that the chart 4.4.0 has."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
VALUES = yaml.safe_load((ROOT / "deploy/hub/values.yaml").read_text(encoding="utf-8"))

KNOWN = frozenset(
    [
        "cull",
        "cull.enabled",
        "cull.every",
        "cull.maxAge",
        "cull.timeout",
        "hub",
        "hub.allowNamedServers",
        "hub.extraConfig",
        "singleuser",
        "singleuser.allowPrivilegeEscalation",
        "singleuser.cloudMetadata",
        "singleuser.cloudMetadata.blockWithIptables",
        "singleuser.cloudMetadata.ip",
        "singleuser.cmd",
        "singleuser.cpu",
        "singleuser.cpu.guarantee",
        "singleuser.cpu.limit",
        "singleuser.defaultUrl",
        "singleuser.extraEnv",
        "singleuser.fsGid",
        "singleuser.image",
        "singleuser.image.name",
        "singleuser.image.tag",
        "singleuser.memory",
        "singleuser.memory.guarantee",
        "singleuser.memory.limit",
        "singleuser.networkPolicy",
        "singleuser.networkPolicy.egressAllowRules",
        "singleuser.networkPolicy.egressAllowRules.cloudMetadataServer",
        "singleuser.networkPolicy.egressAllowRules.nonPrivateIPs",
        "singleuser.networkPolicy.egressAllowRules.privateIPs",
        "singleuser.networkPolicy.enabled",
        "singleuser.serviceAccountName",
        "singleuser.startTimeout",
        "singleuser.storage",
        "singleuser.storage.capacity",
        "singleuser.storage.homeMountPath",
        "singleuser.storage.type",
        "singleuser.uid",
    ]
)
"""Keys of values.schema.yaml in zero-to-jupyterhub-k8s, where unknown ones are errors."""

FREE = ("hub.extraConfig", "singleuser.extraEnv")
"""What may have any key below it."""


def keys(values: dict[str, Any], above: str = "") -> list[str]:
    found = []
    for name, value in values.items():
        path = f"{above}{name}"
        found.append(path)
        if isinstance(value, dict) and path not in FREE:
            found += keys(value, f"{path}.")
    return found


def test_every_key_is_one_of_the_chart() -> None:
    assert set(keys(VALUES)) <= KNOWN
    assert not set(keys({"singleuser": {"limits": {}}})) <= KNOWN


def test_a_learner_s_pod_has_no_credential_of_the_host() -> None:
    single = VALUES["singleuser"]
    assert single["serviceAccountName"] is None
    assert "automount_service_account_token = False" in VALUES["hub"]["extraConfig"]["labkit"]
    assert single["cloudMetadata"] == {"blockWithIptables": True, "ip": "169.254.169.254"}
    rules = single["networkPolicy"]["egressAllowRules"]
    assert (rules["cloudMetadataServer"], rules["privateIPs"]) == (False, False)
    assert (single["uid"], single["allowPrivilegeEscalation"]) == (1000, False)
    assert "limit" in single["memory"]
    assert "limit" in single["cpu"]
    assert VALUES["cull"]["enabled"]


def test_a_group_is_trusted_only_where_each_learner_has_a_volume() -> None:
    assert VALUES["singleuser"]["extraEnv"] == {"LABKIT_TRUSTED_GROUP": "users"}
    assert VALUES["singleuser"]["storage"]["type"] == "dynamic"


def test_the_image_has_the_chart_s_jupyterhub_and_this_version() -> None:
    lock = (ROOT / "deploy/hub/requirements.lock").read_text(encoding="utf-8")
    assert re.search(r"^jupyterhub==5\.5\.", lock, re.MULTILINE)
    assert re.search(r"^nbgitpuller==", lock, re.MULTILINE)
    version = (ROOT / "labkit/core/version.py").read_text(encoding="utf-8")
    assert f'__version__ = "{VALUES["singleuser"]["image"]["tag"]}"' in version
    project = tomllib.loads((ROOT / "jupyter/pyproject.toml").read_text(encoding="utf-8"))[
        "project"
    ]
    extras = project["optional-dependencies"]
    assert "jupyterhub>=5.5,<6" in extras["hub"]
