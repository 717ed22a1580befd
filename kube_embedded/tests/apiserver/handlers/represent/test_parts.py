"""Large answers come in parts that together are the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kube_embedded.machinery.request import PeerCertificate, Request, Response
from kube_embedded.machinery.schema.protobuf_read import MAGIC, UNKNOWN, message_class
from kube_embedded.machinery.sharing import LARGE_BYTES, share, shared_bytes
from kube_embedded.tests.support.cluster import ClusterApi
from kube_embedded.tests.support.custom import (
    DEFINITIONS,
    GROUP,
    PLURAL,
    VERSION,
    crontab,
    plain_definition,
)

FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
CRONTABS = f"/apis/{GROUP}/{VERSION}/namespaces/lab/{PLURAL}"
MAPS = "/api/v1/namespaces/lab/configmaps"
PROTOBUF = "application/vnd.kubernetes.protobuf"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
SIZES = [10, 200_000, 10, 10, 70_000, *[100] * 200, 500_000, 500_000]


@pytest.fixture(scope="module")
def cluster() -> ClusterApi:
    api = ClusterApi()
    api.namespace("lab")
    api.must(api.admin.post(DEFINITIONS, plain_definition(FREE)))
    for number, size in enumerate(SIZES):
        name, text = f"m{number:04}", "x" * size
        api.must(
            api.admin.post(
                MAPS, {"metadata": {"name": name, "labels": {"l": text[:60]}}, "data": {"a": text}}
            )
        )
        api.must(api.admin.post(CRONTABS, crontab(name, text=text)))
    return api


def get(api: ClusterApi, path: str, accept: str, in_parts: bool) -> Response:
    admin = PeerCertificate("kubernetes-admin", ("system:masters",), "")
    return api.cluster.handle(
        Request("GET", path, {}, {"accept": accept}, certificate=admin, in_parts=in_parts)
    )


@pytest.mark.parametrize(
    "accept",
    ["application/json", TABLE, PARTIAL, PROTOBUF, f"{PROTOBUF};as=Table;g=meta.k8s.io;v=v1"],
)
@pytest.mark.parametrize(
    "path", [MAPS, CRONTABS, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"]
)
def test_the_parts_of_a_list_are_the_list(cluster: ClusterApi, path: str, accept: str) -> None:
    whole = get(cluster, path, accept, in_parts=False)
    response = get(cluster, path, accept, in_parts=True)
    assert (response.status, response.headers["Content-Type"]) == (
        whole.status,
        whole.headers["Content-Type"],
    )
    parts = [response.body] if response.parts is None else list(response.parts)
    assert b"".join(parts) == whole.body
    if response.parts is not None:
        assert max(map(len, parts)) < max(SIZES) + LARGE_BYTES
    if whole.status == 200 and whole.body.startswith(b"{"):
        document: Any = json.loads(whole.body)
        assert len(document.get("items") or document.get("rows")) in (1, len(SIZES), len(SIZES) + 1)
        named = [
            each.get("metadata") or each["object"]["metadata"]
            for each in document.get("items") or document["rows"]
        ]
        assert [each["name"] for each in named] == sorted(each["name"] for each in named)


def test_a_list_in_protobuf_has_the_length_that_it_says(cluster: ClusterApi) -> None:
    response = get(cluster, MAPS, PROTOBUF, in_parts=True)
    assert response.parts is not None
    parts = list(response.parts)
    assert parts.count(b"") > 3  # where others have their turn
    envelope = message_class(UNKNOWN)()
    envelope.ParseFromString(b"".join(parts)[len(MAGIC) :])
    assert (envelope.typeMeta.kind, envelope.contentType) == ("ConfigMapList", "")
    made = message_class("k8s.io.api.core.v1.ConfigMapList")()
    made.ParseFromString(envelope.raw)
    assert sorted(len(item.data["a"]) for item in made.items if "a" in item.data) == sorted(SIZES)
    assert made.metadata.resourceVersion == str(cluster.cluster.store.revision)


@pytest.mark.parametrize("accept", ["application/json", PROTOBUF])
def test_one_large_object_comes_in_parts(cluster: ClusterApi, accept: str) -> None:
    for path in (f"{MAPS}/m0001", f"{CRONTABS}/m0001"):
        whole, response = (get(cluster, path, accept, in_parts=flag) for flag in (False, True))
        assert response.status == whole.status
        assert (
            b"".join(response.parts) if response.parts is not None else response.body
        ) == whole.body


def test_readers_share_what_is_large_and_nobody_keeps_it(cluster: ClusterApi) -> None:
    readers = [get(cluster, MAPS, "application/json", in_parts=True).parts for _ in range(5)]
    assert all(readers)
    firsts = [[next(each) for _ in range(2)][1] for each in readers if each is not None]
    assert all(each is firsts[0] for each in firsts)
    assert LARGE_BYTES < shared_bytes() < 2 * len(firsts[0])
    del readers, firsts
    assert shared_bytes() == 0


def test_what_is_shared_belongs_to_one_object_and_form() -> None:
    one, other = {"a": 1}, {"a": 1}
    first = share(one, "json", lambda: b"first")
    assert share(one, "json", lambda: b"again") is first
    assert share(other, "json", lambda: b"other").data == b"other"
    assert share(one, "yaml", lambda: b"yaml").data == b"yaml"
