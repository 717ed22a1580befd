"""The costs of requests that every user can send do not grow with the square of their length.

A request that costs too much does not fail here, it does not end: before these were bounded, each took minutes, or
all memory.
"""

from __future__ import annotations

from typing import SupportsIndex

import pytest

from kube_embedded.apiserver.handlers.decode.patches.patch import _object
from kube_embedded.apiserver.registry.errors import MAX_CAUSES
from kube_embedded.machinery.golang.duration import duration_problem
from kube_embedded.machinery.request import MAX_BODY_BYTES
from kube_embedded.tests.support.cluster import IDENTITIES, REVIEWS, ClusterApi, causes

LAB = "/api/v1/namespaces/lab"


@pytest.fixture
def api() -> ClusterApi:
    api = ClusterApi()
    api.must(api.admin.post("/api/v1/namespaces", {"metadata": {"name": "lab"}}))
    return api


def test_a_timeout_of_many_parts_is_read_once() -> None:
    class Text(str):
        copied = 0

        def __getitem__(self, key: SupportsIndex | slice) -> Text:
            got = Text(super().__getitem__(key))
            Text.copied += len(got)
            return got

    text = Text("0s" * 1000)
    assert duration_problem(text) == ""
    assert Text.copied <= 2 * len(text)


def test_a_list_under_a_long_name_is_decoded(api: ClusterApi) -> None:
    bot = api.account("lab", "bot")
    extra = {"k" * (MAX_BODY_BYTES // 3): [""] * (MAX_BODY_BYTES // 8)}
    reply = bot.post(f"{IDENTITIES}/selfsubjectreviews", {"status": {"userInfo": {"extra": extra}}})
    assert reply.status == 201


def test_a_merge_patch_with_a_long_name_is_looked_through(api: ClusterApi) -> None:
    api.must(api.admin.post(f"{LAB}/configmaps", {"metadata": {"name": "c"}}))
    patch = {"k" * (MAX_BODY_BYTES // 3): [1] * (MAX_BODY_BYTES // 8)}
    assert api.admin.patch(f"{LAB}/configmaps/c", patch).status == 200


@pytest.mark.slow
def test_no_more_causes_are_told_than_anybody_reads(api: ClusterApi) -> None:
    bot = api.account("lab", "bot")
    requirement = {"key": "a", "operator": "In", "values": ["_"] * (MAX_BODY_BYTES // 8)}
    question = {"labelSelector": {"requirements": [requirement]}}
    reply = bot.post(
        f"{REVIEWS}/selfsubjectaccessreviews", {"spec": {"resourceAttributes": question}}
    )
    assert len(causes(reply)) == MAX_CAUSES
    listed = api.admin.get(
        f"{LAB}/pods?labelSelector=a+in+({','.join(f'_{n}' for n in range(100_000))})"
    )
    assert (listed.status, listed.message.count("Invalid value")) == (400, MAX_CAUSES)


@pytest.mark.parametrize("value", [10**380, -(10**380)])
def test_a_number_that_is_none_is_the_callers_mistake(api: ClusterApi, value: int) -> None:
    entry = {"manager": "m", "operation": "Update", "apiVersion": "v1", "fieldsV1": {"f:a": value}}
    reply = api.admin.post(
        f"{LAB}/configmaps", {"metadata": {"name": "c", "managedFields": [entry]}}
    )
    assert reply.status == 400


def test_duplicates_in_a_patch_are_told_a_hundred_times(api: ClusterApi) -> None:
    api.must(api.admin.post(f"{LAB}/configmaps", {"metadata": {"name": "c"}}))
    strict: list[str] = []
    _object(b'{"a.b":[' + b'{"c":1,"c":2},' * 500 + b"{}]}", "", strict)
    assert strict[:2] == ['duplicate field "a.b[0].c"', 'duplicate field "a.b[1].c"']
    assert len(strict) == 100
