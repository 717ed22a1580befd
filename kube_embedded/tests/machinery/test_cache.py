"""Callers decide what is asked, and not how much of it stays in memory."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from kube_embedded.apiserver.authorization.index import BindingIndex
from kube_embedded.cluster import Cluster
from kube_embedded.container.shell.parser import parse
from kube_embedded.machinery.cache import MAX_KEY_LENGTH, cached
from kube_embedded.machinery.request import PeerCertificate
from kube_embedded.tests.support.cluster import Caller, Clock, ClusterApi, keys

TIMES, LONG = 30, 100_000


def test_only_short_texts_are_remembered() -> None:
    asked: list[str] = []

    @cached(8)
    def length(text: str, more: str) -> int:
        asked.append(text)
        return len(text + more)

    assert [length("short", "one"), length("short", "one")] == [8, 8]
    assert [length("x", MAX_KEY_LENGTH * "y"), length("x", MAX_KEY_LENGTH * "y")] == [
        MAX_KEY_LENGTH + 1
    ] * 2
    assert asked == ["short", "x", "x"]


@pytest.mark.parametrize(
    ("groups", "path", "accept"),
    [
        ((), "/api/v1/namespaces/n{}{}/pods/p", ""),
        ((), "/apis/g{}{}/v1/pods", ""),
        (("system:masters",), "/api/v1/pods?fieldSelector=metadata.name%3Dn{}{}", ""),
        ((), "/version", "n{}/{}"),
    ],
)
def test_nobody_fills_the_memory_with_long_texts(
    groups: tuple[str, ...], path: str, accept: str
) -> None:
    caller = Caller(
        Cluster(keys(), clock=Clock(), node=False), PeerCertificate("jane", groups, "ab" * 32)
    )
    caller.get(path.format("", ""))
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(TIMES):
            headers = {"accept": accept.format(number, "x" * LONG) or "application/json"}
            caller.get(path.format(number, "x" * LONG), headers=headers)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 10 * LONG


def test_no_long_script_stays_in_memory() -> None:
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(TIMES):
            parse(f"parse{number}{'x' * 10 * MAX_KEY_LENGTH}")
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < TIMES * 5 * MAX_KEY_LENGTH


def test_namespaces_that_are_not_there_leave_nothing_behind() -> None:
    api = ClusterApi()
    api.anonymous.get("/api/v1/namespaces/n/pods")
    before = _indexes()
    for number in range(TIMES):
        assert api.anonymous.get(f"/api/v1/namespaces/n{number}/pods").status == 403
    assert _indexes() == before


def _indexes() -> int:
    gc.collect()
    return sum(isinstance(each, BindingIndex) for each in gc.get_objects())
