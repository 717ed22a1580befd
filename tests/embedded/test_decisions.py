"""5,000 recorded decisions of a real server about one random policy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kube_embedded.apiserver.authorization.cached import CachedRBACAuthorizer
from kube_embedded.rbac.attributes import Attributes, User
from kube_embedded.rbac.bindings import rules_for
from kube_embedded.rbac.rules import rule_allows
from kube_embedded.tests.apiserver.authorization.plain import RBACAuthorizer
from kube_embedded.tests.support.some import some

RECORDING = Path(__file__).parents[1] / "parity" / "data" / "decisions.json"


@pytest.fixture(scope="module")
def recording() -> Any:
    return json.loads(RECORDING.read_bytes())


@pytest.fixture(scope="module")
def policy(recording: Any) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for item in recording["objects"]:
        parts = item["path"].split("/")
        body = item["body"]
        if "namespaces" in parts[:-1]:
            body["metadata"]["namespace"] = parts[-2]
        found.setdefault(parts[-1], []).append(body)
    return found


@pytest.mark.parametrize("authorizer", [RBACAuthorizer, CachedRBACAuthorizer])
def test_every_decision_agrees(
    recording: Any,
    policy: dict[str, list[dict[str, Any]]],
    authorizer: type[RBACAuthorizer] | type[CachedRBACAuthorizer],
) -> None:
    def listed(plural: str, namespace: str) -> list[dict[str, Any]]:
        return [obj for obj in policy[plural] if obj["metadata"].get("namespace", "") == namespace]

    def one(plural: str, namespace: str, name: str) -> dict[str, Any] | None:
        return next(
            (obj for obj in listed(plural, namespace) if obj["metadata"]["name"] == name), None
        )

    rbac = authorizer(listed, one)
    several = 0
    for item in some(recording["decisions"]):
        spec, status = item["spec"], item["status"]
        user = User(spec["user"], tuple(spec["groups"]))
        question = Attributes(
            user, **(spec.get("resourceAttributes") or spec["nonResourceAttributes"])
        )
        decision = rbac(question)
        assert decision.allowed == status["allowed"], item
        if decision.reason != status.get("reason", ""):
            # Several bindings grant it, and the real server met another one first.
            grants = rules_for(user, question.namespace, listed, one)
            granting = {
                f"RBAC: allowed by {grant.why}"
                for grant in grants
                if rule_allows(grant.rule, question)
            }
            assert status["reason"] in granting, item
            assert len(granting) > 1, item
            several += 1
    assert several < 50
