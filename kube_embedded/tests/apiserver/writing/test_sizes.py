"""No object is larger than a real cluster stores. The statuses and messages are those of kube-apiserver 1.36.2."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kube_embedded.apiserver.registry.sizes import check_size
from kube_embedded.apiserver.storage import Key
from kube_embedded.machinery.kinds import BY_KIND
from kube_embedded.machinery.status import ApiError
from kube_embedded.tests.support.cluster import ClusterApi, Reply
from kube_embedded.tests.support.custom import (
    DEFINITIONS,
    GROUP,
    PLURAL,
    VERSION,
    crontab,
    plain_definition,
)

CRONTABS = f"/apis/{GROUP}/{VERSION}/namespaces/lab/{PLURAL}"
MAPS = "/api/v1/namespaces/lab/configmaps"
REFUSED = "etcdserver: request is too large"
MESSAGE = "rpc error: code = ResourceExhausted desc = trying to send message larger than max"
TEXT = {"type": "string"}
FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
HALF = "x" * 50_000


def items(default: Any, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    """A spec with a list of objects that a default makes larger."""
    field = {**(schema or TEXT), "default": default}
    item = {"type": "object", "properties": {"a": field}}
    return {"type": "object", "properties": {"l": {"type": "array", "items": item}}}


@pytest.fixture
def free(api: ClusterApi) -> ClusterApi:
    api.must(api.admin.post(DEFINITIONS, plain_definition(FREE)))
    return api


def growing(api: ClusterApi, schema: dict[str, Any]) -> None:
    api.must(api.admin.post(DEFINITIONS, plain_definition(schema)))


def is_refused(reply: Reply, message: str = REFUSED) -> bool:
    """Whether this is the real server's Status; a message that counts bytes is compared by how it begins."""
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "code": 500,
    }
    return reply.body == {**status, "message": reply.message} and reply.message.startswith(message)


@pytest.mark.parametrize(
    ("size", "message"),
    [(1_570_000, ""), (1_580_000, REFUSED), (2_000_000, REFUSED), (2_900_000, MESSAGE)],
)
def test_a_custom_object_is_as_large_as_a_real_one(
    free: ClusterApi, size: int, message: str
) -> None:
    obj = crontab("big", text="x" * (size - 600))
    reply = free.admin.post(CRONTABS, obj)
    assert is_refused(reply, message) if message else reply.status == 201
    assert (
        free.admin.post(f"{CRONTABS}?dryRun=All", crontab("dry", text="x" * (size - 600))).status
        == 201
    )


def test_a_pod_counts_as_protobuf(api: ClusterApi) -> None:
    pod = {
        "spec": {"containers": [{"name": "c", "image": "i", "env": []}]},
        "metadata": {"name": "p"},
    }
    env: Any = pod["spec"]["containers"][0]["env"]  # type: ignore[index]
    env += [{"name": f"N{number}", "value": "\n" * 16_000} for number in range(50)]
    assert (
        api.admin.post("/api/v1/namespaces/lab/pods", pod).status == 201
    )  # 1.6 MB in JSON, 0.8 as it is stored
    pod["metadata"]["name"] = "q"  # type: ignore[index]
    env += [{"name": f"M{number}", "value": "x" * 16_000} for number in range(50)]
    assert is_refused(api.admin.post("/api/v1/namespaces/lab/pods", pod))


def test_updates_and_patches_are_refused_too(free: ClusterApi) -> None:
    at = f"{CRONTABS}/a"
    stored = free.must(free.admin.post(CRONTABS, crontab("a", one="x" * 1_000_000)))
    grown = copy.deepcopy(stored)
    grown["spec"]["two"] = "x" * 1_000_000
    assert is_refused(free.admin.put(at, grown))
    assert is_refused(free.admin.patch(at, {"spec": {"two": "x" * 1_000_000}}))
    copied = [{"op": "copy", "from": "/spec/one", "path": "/spec/two"}]
    assert is_refused(
        free.admin.call(
            "PATCH", at, copied, headers={"content-type": "application/json-patch+json"}
        )
    )
    applied = {"content-type": "application/apply-patch+yaml"}
    wanted = crontab("a", two="x" * 600_000)
    assert is_refused(free.admin.call("PATCH", f"{at}?fieldManager=m", wanted, headers=applied))
    assert is_refused(
        free.admin.call(
            "PATCH",
            f"{CRONTABS}/new?fieldManager=m",
            crontab("new", two="x" * 1_600_000),
            headers=applied,
        )
    )
    assert free.admin.patch(f"{at}?dryRun=All", {"spec": {"two": "x" * 1_000_000}}).status == 200
    assert free.admin.get(at).body["spec"] == stored["spec"]


def test_an_object_grows_by_defaults(api: ClusterApi) -> None:
    growing(api, items(HALF))
    assert api.admin.post(CRONTABS, crontab("a", l=[{}] * 30)).status == 201
    assert is_refused(api.admin.post(CRONTABS, crontab("b", l=[{}] * 32)))
    message = f"{MESSAGE} (5001185 vs. 2097152)"
    reply = api.admin.post(CRONTABS, crontab("c", l=[{}] * 100))
    assert is_refused(reply, MESSAGE)
    assert len(reply.message) == len(message)
    assert api.admin.post(f"{CRONTABS}?dryRun=All", crontab("d", l=[{}] * 100)).status == 201
    assert is_refused(api.admin.patch(f"{CRONTABS}/a", {"spec": {"l": [{}] * 40}}))


def nested() -> dict[str, Any]:
    """Lists in lists in lists, each with a default of ten items, the innermost with a text."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"a": {**TEXT, "default": "x" * 1000}},
    }
    for _ in range(4):
        listed = {"type": "array", "items": schema, "default": [{}] * 10}
        schema = {"type": "object", "properties": {"l": listed}}
    return schema


@pytest.mark.parametrize(
    ("schema", "spec"),
    [
        (items("x" * 500_000), {"l": [{}] * 10_000}),
        (
            items([{}] * 10_000, {"type": "array", "items": {"type": "object"}}),
            {"l": [{}] * 10_000},
        ),
        (
            items([0] * 10_000, {"type": "array", "items": {"type": "integer"}}),
            {"l": [{"a": None}] * 1000},
        ),
        (nested(), {"l": [{}] * 50}),
        (
            {"type": "object", "additionalProperties": items("x" * 500_000)},
            {str(n): {"l": [{}]} for n in range(1000)},
        ),
    ],
    ids=["texts", "lists", "nulls", "nested", "maps"],
)
def test_what_defaults_would_make_is_not_made(
    api: ClusterApi, schema: dict[str, Any], spec: dict[str, Any]
) -> None:
    growing(api, schema)
    obj = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "CronTab",
        "metadata": {"name": "a"},
        "spec": spec,
    }
    for query in ("", "?dryRun=All"):
        assert is_refused(api.admin.post(CRONTABS + query, obj), MESSAGE)


def test_an_object_that_is_too_large_already_can_be_read_made_smaller_and_deleted(
    free: ClusterApi,
) -> None:
    registry = free.cluster.registry
    free.must(free.admin.post(CRONTABS, crontab("old", text="")))
    key = Key(f"{PLURAL}.{GROUP}", "lab", "old")
    old = free.cluster.store.get(key)
    assert old is not None
    registry.store.put(key, {**old, "spec": {"text": "x" * 4_000_000}})
    at = f"{CRONTABS}/old"
    assert len(free.admin.get(at).body["spec"]["text"]) == 4_000_000
    assert is_refused(free.admin.patch(at, {"metadata": {"labels": {"a": "b"}}}), MESSAGE)
    assert free.admin.patch(at, {"spec": {"text": "x" * 3_000_000}}).status == 200
    assert free.admin.delete(at).status == 200


def test_defaults_that_came_later_are_not_read_either(api: ClusterApi) -> None:
    plain = items(HALF)
    del plain["properties"]["l"]["items"]["properties"]["a"]["default"]
    growing(api, plain)
    api.must(api.admin.post(CRONTABS, crontab("a", l=[{}] * 10_000)))
    stored = api.admin.get(f"{DEFINITIONS}/{PLURAL}.{GROUP}").body
    schema = stored["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    schema["properties"]["l"]["items"]["properties"]["a"]["default"] = HALF
    api.must(api.admin.put(f"{DEFINITIONS}/{PLURAL}.{GROUP}", stored))
    assert is_refused(api.admin.get(f"{CRONTABS}/a"), MESSAGE)
    assert api.admin.delete(f"{CRONTABS}/a").status == 200


def test_the_limit_of_a_config_map_is_its_own(api: ClusterApi) -> None:
    reply = api.admin.post(MAPS, {"metadata": {"name": "a"}, "data": {"a": "x" * 1_050_000}})
    assert (reply.status, "Too long: may not be more than 1048576 bytes" in reply.message) == (
        422,
        True,
    )


def test_a_key_of_any_length_counts() -> None:
    kind = BY_KIND["", "ConfigMap"]
    obj = {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "a"},
        "data": {"a": "x" * 1_572_700},
    }
    check_size(kind, obj, None)
    with pytest.raises(ApiError, match=REFUSED):
        check_size(kind, {**obj, "metadata": {"name": "a" * 250}}, None)
