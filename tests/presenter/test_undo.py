"""Which requests of a performance their objects' deletion undoes."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.presenter.undo import created, writes

PODS = "/api/v1/namespaces/shop/pods"
EXEC = f"{PODS}/web/exec?"


def event(
    verb: str, path: str, *, name: str = "", code: int = 200, resource: str = "pods", sub: str = ""
) -> dict[str, Any]:
    ref = {"resource": resource, "name": name, "subresource": sub}
    return {"verb": verb, "requestURI": path, "objectRef": ref, "responseStatus": {"code": code}}


SHOP = event("create", "/api/v1/namespaces", name="shop", code=201, resource="namespaces")
WEB = event("create", PODS, name="web", code=201)
TOKEN = event("create", f"{PODS}/a/token", resource="serviceaccounts", sub="token", code=201)


@pytest.mark.parametrize(
    ("events", "paths"),
    [
        ([], []),
        ([event("list", PODS), event("watch", PODS), TOKEN], []),
        ([event("create", "/r", resource="selfsubjectreviews", code=201)], []),
        ([event("create", PODS, name="web", code=403)], []),
        ([event("create", f"{PODS}?dryRun=All", name="web", code=201)], []),
        ([SHOP, WEB], ["/api/v1/namespaces/shop", f"{PODS}/web"]),
        # An object that was created since may also be changed and deleted.
        ([WEB, event("patch", f"{PODS}/web"), event("delete", f"{PODS}/web")], [f"{PODS}/web"]),
        ([SHOP, event("deletecollection", PODS)], ["/api/v1/namespaces/shop"]),
        # Server-side apply creates by PATCH.
        ([event("patch", f"{PODS}/web?fieldManager=a", code=201)], [f"{PODS}/web"]),
        ([event("patch", f"{PODS}/web")], None),
        ([event("update", f"{PODS}/web/status", sub="status")], None),
        ([event("delete", f"{PODS}/web"), WEB], None),
        ([event("create", PODS, code=201)], None),
        ([WEB, event("patch", f"{PODS}/web2")], None),
        ([event("create", f"{PODS}/web/eviction", name="web", sub="eviction", code=201)], None),
    ],
)
def test_only_what_was_created_is_deleted(
    events: list[dict[str, Any]], paths: list[str] | None
) -> None:
    assert created(events) == paths


@pytest.mark.parametrize(
    ("command", "changes"),
    [
        ("command=cat&command=/token", False),
        ("command=bash&command=-c&command=curl+-s+https://kubernetes", False),
        ("command=sh&command=-c&command=T%3D%24(cat+/t)%3B+curl+-H+%22B+%24T%22+https://k", False),
        ("command=sh&command=-c&command=env+|+grep+K", False),
        ("command=sh&command=-c&command=curl+https://k+>+/f", True),
        ("command=curl&command=-o&command=/f&command=https://k", True),
        ("command=sh&command=-c&command=which+curl+||+apt-get+install+-y+curl", True),
        ("command=sh&command=-c&command=echo+a+|+tee+/f", True),
        ("command=sh&command=-c&command=echo+`touch+/f`", True),
        ("command=sh&command=-c&command=echo+%24(touch+/f)", True),
        ("command=sh&command=-c&command=cat+/t%0Atouch+/f", True),
        ("command=sh", True),
        ("command=sh&command=/script", True),
        ("stdin=true", True),
        ("command=touch&command=/f", True),
    ],
)
def test_a_command_in_a_container_changes_it_in_doubt(command: str, changes: bool) -> None:
    assert writes(event("get", EXEC + command, sub="exec", code=101)) is changes
