"""The identity of the lab's own requests to a kind cluster, and the events that the audit policy leaves out."""

from __future__ import annotations

import fnmatch
import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from kube_embedded.rbac.subjects import subject
from labkit.backends.base import Options
from labkit.backends.kind import identity
from labkit.backends.kind.backend import KindBackend
from labkit.client import auditlog
from labkit.client.client import Client
from labkit.core import resources
from labkit.lab.lab import Lab
from labkit.lessons.evidence import LAB_AGENT
from labkit.rbac.explain import near_misses
from labkit.rbac.graph import rbac_graph
from labkit.rbac.matrix import Permission
from labkit.rbac.policy import read_policy
from labkit.rbac.reviews import reviews
from tests.backends.conftest import quiet

POD = {"metadata": {"name": "made"}, "spec": {"containers": [{"name": "main", "image": "ubuntu"}]}}


@pytest.fixture
def started(backend: KindBackend, usable: Client) -> KindBackend:
    backend.start(quiet)
    return backend


def test_it_may_do_what_the_administrator_may(started: KindBackend, usable: Client) -> None:
    credential = started.traits.own
    assert credential is not None
    own = Client(usable.endpoint, credential)
    assert own.whoami().user == "labkit:lab"
    for verb, resource in (
        ("get", "secrets"),
        ("create", "pods/exec"),
        ("escalate", "clusterroles"),
    ):
        assert own.can(verb, resource)
    assert usable.get(identity.REQUESTS).items == []


def test_a_review_of_oneself_is_about_the_administrator(started: KindBackend) -> None:
    lab = Lab("kind", home=started.home, say=quiet)
    assert lab.admin.whoami().user == "kubernetes-admin"


def test_learners_do_not_meet_it(started: KindBackend) -> None:
    lab = Lab("kind", home=started.home, say=quiet)
    lab.rewind("W16")
    drawn = rbac_graph(read_policy(lab.admin), namespace="kikai")
    assert not [node for node in drawn.nodes.values() if identity.USER in node.title]
    asked = Permission.parse("list services").question(subject("kikai/default"), "kikai")
    assert identity.USER not in str(list(near_misses(read_policy(lab.admin), asked)))


def test_its_key_is_the_labs_alone_and_goes_with_the_cluster(started: KindBackend) -> None:
    file = started.directory / identity.FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["key"] not in started.kubeconfig().read_text()
    assert identity.USER not in started.kubeconfig().read_text()
    started.stop(quiet)
    assert not file.exists()


def rule_paths(event: Mapping[str, Any]) -> list[str]:
    """Return the path that a rule's ``nonResourceURLs`` are compared with; none for a resource."""
    return [] if "objectRef" in event else [event["requestURI"]]


def is_dropped(event: Mapping[str, Any], policy: Mapping[str, Any]) -> bool:
    """Return whether an audit policy leaves an event out: the first rule that fits decides, as in Kubernetes."""
    user, paths = event["user"], rule_paths(event)
    for rule in policy["rules"]:
        fits = [
            not rule.get("users") or user["username"] in rule["users"],
            not rule.get("userGroups") or bool({*user.get("groups", ())} & {*rule["userGroups"]}),
            not rule.get("verbs") or event["verb"] in rule["verbs"],
            not rule.get("nonResourceURLs")
            or any(fnmatch.filter(paths, url) for url in rule["nonResourceURLs"]),
        ]
        if all(fits):
            return bool(rule["level"] == "None")
    return True


def events_of(kubeconfig: Path, since: int) -> list[dict[str, Any]]:
    lines = [
        line
        for file in sorted(kubeconfig.parent.rglob("audit*.log"))
        for line in file.read_bytes().splitlines()
    ]
    return list(auditlog.parse_events(lines))[since:]


def test_the_audit_log_is_left_to_the_learner(
    started: KindBackend, foreign_cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(KindBackend, "audit_log", None)
    policy = yaml.safe_load((resources.clusters() / "kind" / "audit-policy.yaml").read_text())
    lab = Lab("kind", home=started.home, say=quiet)
    before = len(events_of(foreign_cluster, 0))
    lab.rewind("W16")
    mine = lab.admin.request("GET", "/api/v1/pods", headers={"Impersonate-User": "ann"})
    assert mine.status == 403
    events = [
        event
        for event in events_of(foreign_cluster, before)
        if event["user"]["username"] != "system:apiserver"
    ]
    kept = [event for event in events if not is_dropped(event, policy)]
    by_lab = [event for event in events if LAB_AGENT.match(event.get("userAgent", ""))]
    assert {event["verb"] for event in by_lab} >= {"create", "get", "list", "patch"}
    itself = [event for event in kept if event in by_lab]
    assert {event["objectRef"]["resource"] for event in itself} <= {"selfsubjectreviews"}
    assert [e["impersonatedUser"]["username"] for e in kept if "impersonatedUser" in e] == ["ann"]


def test_without_its_binding_the_administrator_asks(started: KindBackend, usable: Client) -> None:
    lab = Lab("kind", home=started.home, say=quiet)
    usable.delete(f"{identity.RBAC}/clusterrolebindings/{identity.USER}")
    assert lab.admin.without_observers().get("/api/v1/secrets").ok
    question = Permission.parse("list services").question(subject("kikai/default"), "kikai")
    assert not any(status["allowed"] for status in reviews(lab.admin, [question]))


def test_a_cluster_without_it_goes_on_as_before(started: KindBackend) -> None:
    (started.directory / identity.FILE).unlink()
    again = KindBackend(started.home, Options())
    assert again.traits.own is None
    again.start(quiet)
    again.reset(quiet)
    assert (
        Lab("kind", home=started.home, say=quiet)
        .admin.without_observers()
        .get("/api/v1/secrets")
        .ok
    )


def test_where_nothing_is_signed_the_cluster_is_made_without_it(
    backend: KindBackend, usable: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "SIGN_SECONDS", 0.2)
    monkeypatch.setattr(identity, "SIGNER", "example.com/nobody")
    said: list[str] = []
    backend.start(said.append)
    assert backend.traits.own is None
    assert backend.status().running
    assert [line for line in said if line.startswith("Note:")] == [
        "Note: the audit log will have the lab's own requests, too. "
        "The cluster signs no certificate.\n  why: waited 0.2 s\n  try: Look at the pod kube-controller-manager."
    ]
