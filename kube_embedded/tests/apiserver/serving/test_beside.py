"""Long requests go on beside others, and what they write is as if they had been alone."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pytest

from kube_embedded.apiserver.serving import http
from kube_embedded.machinery.beside import HOW, apart, beside
from kube_embedded.machinery.pki.keys import Keys
from kube_embedded.machinery.request import BeginAgain, PeerCertificate, Request, Response
from kube_embedded.machinery.sharing import LARGE_BYTES
from kube_embedded.machinery.work import uncharged
from kube_embedded.tests.support.cluster import ClusterApi
from kube_embedded.tests.support.custom import (
    DEFINITIONS,
    GROUP,
    PLURAL,
    VERSION,
    crontab,
    plain_definition,
)
from kube_embedded.tests.support.until import SECONDS
from kube_embedded.tests.support.wire import connect, read_all, serving

CRONTABS = f"/apis/{GROUP}/{VERSION}/namespaces/lab/{PLURAL}"
ADMIN = PeerCertificate("kubernetes-admin", ("system:masters",), "")
DONE = Response(200)
MERGE, APPLY = "application/merge-patch+json", "application/apply-patch+yaml"
SHORT = b"GET /short HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize("body", [b"", b"body"])
def test_a_server_answers_others_meanwhile(keys: Keys, body: bytes) -> None:
    answered = threading.Event()

    def answer(request: Request) -> Response:
        if request.path == "/short":
            answered.set()
            return Response(200, {}, b"short")
        if request.in_parts:
            raise BeginAgain
        with apart():
            done = answered.wait(SECONDS)
        return Response(200, {}, request.body + str(done).encode())

    long = (
        b"POST /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
        % (len(body), body)
    )
    with serving(keys, answer) as local, connect(local.port, keys.ca_certificate) as first:
        first.sendall(long if body else SHORT.replace(b"/short", b"/long"))
        with connect(local.port, keys.ca_certificate) as second:
            second.sendall(SHORT)
            assert read_all(second).endswith(b"short")
        assert read_all(first).endswith(b"\r\n\r\n" + body + b"True")


def test_who_is_overtaken_begins_again(keys: Keys) -> None:
    threads: list[threading.Thread] = []

    def answer(request: Request) -> Response:
        threads.append(threading.current_thread())
        if len(threads) < 4:
            raise BeginAgain
        return Response(200, {}, b"done")

    with serving(keys, answer) as local, connect(local.port, keys.ca_certificate) as connection:
        connection.sendall(SHORT.replace(b"GET", b"POST"))
        assert read_all(connection).endswith(b"done")
    assert threads[0] not in threads[1:]


@pytest.mark.parametrize(
    ("method", "size", "long"),
    [
        ("POST", http.LONG_BYTES, False),
        ("POST", http.LONG_BYTES + 1, True),
        ("GET", http.LONG_BYTES + 1, False),
    ],
)
def test_a_write_with_a_large_body_takes_long(
    keys: Keys, method: str, size: int, long: bool
) -> None:
    threads: list[threading.Thread] = []

    def answer(request: Request) -> Response:
        threads.append(threading.current_thread())
        return Response(200, {}, b"%d" % len(request.body))

    data = b"%b / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (
        method.encode(),
        size,
        b"a" * size,
    )
    with serving(keys, answer) as local, connect(local.port, keys.ca_certificate) as connection:
        connection.sendall(data + SHORT)
        assert b"\r\n\r\n%d" % size in read_all(connection)
    assert len(threads) == 2
    assert (threads[0] is not threads[1]) == long


def test_the_loop_stands_still_unless_the_request_is_apart() -> None:
    counts: list[int] = []

    async def run() -> None:
        count = 0

        async def others() -> None:
            nonlocal count
            while True:
                count += 1
                await asyncio.sleep(0)

        def note_turns(seconds: float) -> None:
            before, end = count, time.monotonic() + seconds
            while time.monotonic() < end and count == before:
                time.sleep(0.001)
            counts.append(count - before)

        def work() -> Response:
            note_turns(0.05)
            with apart():
                note_turns(SECONDS)
                with uncharged(), apart():
                    pass
            with uncharged(), apart():
                note_turns(0.05)
            return DONE

        task = asyncio.ensure_future(others())
        assert await beside(work) is DONE
        task.cancel()

    asyncio.run(run())
    alone, meanwhile, reacting = counts
    assert (alone, reacting) == (0, 0)
    assert meanwhile > 0


def test_a_long_request_fails_as_a_short_one() -> None:
    def fail() -> Response:
        with apart():
            raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        asyncio.run(beside(fail))


@pytest.mark.parametrize("collects", [True, False])
def test_garbage_is_collected_afterwards_as_before(collects: bool) -> None:
    meanwhile: list[bool] = []

    def work() -> Response:
        meanwhile.append(gc.isenabled())
        return DONE

    (gc.enable if collects else gc.disable)()
    try:
        asyncio.run(beside(work))
        assert (meanwhile, gc.isenabled()) == ([False], collects)
    finally:
        gc.enable()


def test_the_loop_goes_on_when_the_client_has_gone() -> None:
    ended = threading.Event()

    async def run() -> None:
        begun, loop = asyncio.Event(), asyncio.get_running_loop()

        def work() -> Response:
            with apart():
                loop.call_soon_threadsafe(begun.set)
                ended.wait(SECONDS)
            return DONE

        task = asyncio.ensure_future(beside(work))
        await begun.wait()
        task.cancel()
        assert await beside(lambda: DONE) is DONE
        assert task.cancelled()
        ended.set()

    asyncio.run(run())


@contextmanager
def meddling(*changes: Callable[[], Any]) -> Iterator[None]:
    """Others make one change each time a request is apart."""
    left = list(changes)

    @contextmanager
    def meddle() -> Iterator[None]:
        token = HOW.set(nullcontext)
        try:
            if left:
                left.pop(0)()
            yield
        finally:
            HOW.reset(token)

    token = HOW.set(meddle)
    try:
        yield
    finally:
        HOW.reset(token)


@pytest.fixture
def api() -> ClusterApi:
    made = ClusterApi()
    made.namespace("lab")
    names = {"type": "array", "items": {"type": "string"}}
    fields = {"l": names, "cronSpec": {"type": "string"}}
    made.must(
        made.admin.post(DEFINITIONS, plain_definition({"type": "object", "properties": fields}))
    )
    return made


def nothing() -> None:
    """Let this turn pass."""


def call(
    api: ClusterApi,
    others: AbstractContextManager[None],
    method: str,
    path: str,
    body: Any,
    type_: str,
) -> tuple[int, Any]:
    request = Request(
        method,
        path,
        {"fieldManager": ["m"]},
        {"content-type": type_},
        json.dumps(body).encode(),
        ADMIN,
    )
    with others:
        response = api.cluster.handle(request)
    return response.status, json.loads(response.body) if response.body.startswith(b"{") else {}


def label(api: ClusterApi, name: str) -> Callable[[], Any]:
    return lambda: api.must(api.admin.patch(f"{CRONTABS}/a", {"metadata": {"labels": {name: "x"}}}))


@pytest.mark.parametrize("form", [MERGE, APPLY])
@pytest.mark.parametrize("turns", [0, 1])
def test_a_patch_that_is_overtaken_is_made_again(api: ClusterApi, form: str, turns: int) -> None:
    api.must(api.admin.post(CRONTABS, crontab("a")))
    body = crontab("a", l=["x", "y"])
    others = meddling(*[nothing] * turns, label(api, "one"))
    with pytest.raises(BeginAgain):
        call(api, others, "PATCH", f"{CRONTABS}/a", body, form)
    status, obj = call(api, nullcontext(), "PATCH", f"{CRONTABS}/a", body, form)
    assert (status, obj["metadata"]["labels"], obj["spec"]["l"]) == (200, {"one": "x"}, ["x", "y"])
    assert api.admin.get(f"{CRONTABS}/a").body == obj


def test_an_update_that_is_overtaken_is_a_conflict_or_begins_again(api: ClusterApi) -> None:
    stored = api.must(api.admin.post(CRONTABS, crontab("a")))
    stored["spec"]["l"] = ["x"]
    status, answer = call(api, meddling(label(api, "a")), "PUT", f"{CRONTABS}/a", stored, "")
    assert (status, answer["reason"]) == (409, "Conflict")
    stored["metadata"]["resourceVersion"] = api.admin.get(f"{CRONTABS}/a").body["metadata"][
        "resourceVersion"
    ]
    with pytest.raises(BeginAgain):
        call(api, meddling(nothing, label(api, "b")), "PUT", f"{CRONTABS}/a", stored, "")
    assert "l" not in api.admin.get(f"{CRONTABS}/a").body["spec"]


def test_an_object_that_is_deleted_meanwhile_is_missing(api: ClusterApi) -> None:
    api.must(api.admin.post(CRONTABS, crontab("a")))
    body = crontab("a", l=["x"])
    with pytest.raises(BeginAgain):
        call(
            api,
            meddling(lambda: api.must(api.admin.delete(f"{CRONTABS}/a"))),
            "PATCH",
            f"{CRONTABS}/a",
            body,
            MERGE,
        )
    status, answer = call(api, nullcontext(), "PATCH", f"{CRONTABS}/a", body, MERGE)
    assert (status, answer["reason"]) == (404, "NotFound")


def test_a_name_that_is_taken_meanwhile_is_taken(api: ClusterApi) -> None:
    for turns in (0, 1):
        others = meddling(
            *[nothing] * turns, lambda: api.must(api.admin.post(CRONTABS, crontab("a")))
        )
        status, answer = call(api, others, "POST", CRONTABS, crontab("a", l=["x"]), "")
        assert (status, answer["reason"]) == (409, "AlreadyExists")
        api.must(api.admin.delete(f"{CRONTABS}/a"))


@pytest.mark.parametrize("gone", ["/api/v1/namespaces/lab", f"{DEFINITIONS}/{PLURAL}.{GROUP}"])
def test_nothing_is_created_where_all_is_gone_meanwhile(api: ClusterApi, gone: str) -> None:
    others = meddling(nothing, lambda: api.must(api.admin.delete(gone)))
    with pytest.raises(BeginAgain):
        call(api, others, "POST", CRONTABS, crontab("a"), "")
    assert call(api, nullcontext(), "POST", CRONTABS, crontab("a"), "")[0] in (403, 404)
    assert list(api.cluster.store.list(f"{PLURAL}.{GROUP}")) == []


def test_a_change_of_a_large_object_takes_long(api: ClusterApi) -> None:
    api.must(api.admin.post(CRONTABS, crontab("a", l=["x" * LARGE_BYTES])))
    api.must(api.admin.post(CRONTABS, crontab("b")))
    for name, begins_again in (("a", True), ("b", False)):
        body = json.dumps(crontab(name)).encode()
        request = Request(
            "PATCH", f"{CRONTABS}/{name}", {}, {"content-type": MERGE}, body, ADMIN, in_parts=True
        )
        with pytest.raises(BeginAgain) if begins_again else nullcontext():
            assert api.cluster.handle(request).status == 200
