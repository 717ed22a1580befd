"""The mounted token: bound to its pod, renewed in time, gone with the account's right."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from kube_embedded.tests.node.pods import Lab

MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


@pytest.fixture
def lab() -> Lab:
    made = Lab()
    made.pod()
    return made


def claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


def token(lab: Lab, pod: str = "p") -> str:
    return lab.exec(f"cat {MOUNT}/token", pod).stdout


def test_it_names_pod_account_and_node(lab: Lab) -> None:
    found = claims(token(lab))
    assert found["sub"] == "system:serviceaccount:default:default"
    bound = found["kubernetes.io"]
    assert bound["pod"] == {"name": "p", "uid": lab.get()["metadata"]["uid"]}
    assert bound["node"]["name"] == "kube-embedded"
    assert bound["warnafter"] - found["iat"] == 3607


def test_it_is_kept_and_then_renewed_before_it_expires(lab: Lab) -> None:
    first = token(lab)
    lab.clock.now += 0.79 * 3607
    assert token(lab) == first
    lab.clock.now += 0.02 * 3607
    second = token(lab)
    assert second != first
    assert claims(second)["kubernetes.io"]["pod"] == claims(first)["kubernetes.io"]["pod"]


def test_each_pod_has_its_own(lab: Lab) -> None:
    lab.pod("q")
    assert token(lab) != token(lab, "q")


def test_the_mount_looks_like_the_kubelets(lab: Lab) -> None:
    assert lab.exec(f"ls -l {MOUNT}/token").stdout.endswith(" -> ..data/token\n")
    assert lab.exec(f"cat {MOUNT}/namespace; ls {MOUNT} | wc -l").stdout == "default3\n"
    assert lab.exec(f"echo x > {MOUNT}/token").rc != 0
    assert lab.exec(f"rm -rf {MOUNT}").rc != 0
    assert token(lab)


def test_no_mount_no_token() -> None:
    lab = Lab()
    lab.pod(automountServiceAccountToken=False)
    assert lab.exec(f"ls {MOUNT}").rc != 0
